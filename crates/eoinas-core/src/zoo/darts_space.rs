//! Cells of the DARTS space: four nodes of two inputs, all of them joined.

use super::Published;
use super::cells::{normal, reduce};
use crate::op::Op::{AvgPool3x3, DilConv3x3, DilConv5x5, MaxPool3x3, SepConv3x3, SepConv5x5, SkipConnect};

/// Every intermediate node.
const FOUR: &[usize] = &[2, 3, 4, 5];

/// In the order of their years, the cells of this library's method last.
pub(super) const CELLS: &[Published] = &[
    Published {
        name: "darts-v1",
        aliases: &["darts-first-order"],
        authors: "H. Liu, K. Simonyan, Y. Yang",
        paper: "DARTS: Differentiable Architecture Search",
        year: 2019,
        note: "first order",
        cells: &[
            normal(
                &[
                    &[(SepConv3x3, 1), (SepConv3x3, 0)],
                    &[(SkipConnect, 0), (SepConv3x3, 1)],
                    &[(SkipConnect, 0), (SepConv3x3, 1)],
                    &[(SepConv3x3, 0), (SkipConnect, 2)],
                ],
                FOUR,
            ),
            reduce(
                &[
                    &[(MaxPool3x3, 0), (MaxPool3x3, 1)],
                    &[(SkipConnect, 2), (MaxPool3x3, 0)],
                    &[(MaxPool3x3, 0), (SkipConnect, 2)],
                    &[(SkipConnect, 2), (AvgPool3x3, 0)],
                ],
                FOUR,
            ),
        ],
    },
    Published {
        name: "darts-v2",
        aliases: &["darts", "darts-second-order"],
        authors: "H. Liu, K. Simonyan, Y. Yang",
        paper: "DARTS: Differentiable Architecture Search",
        year: 2019,
        note: "second order",
        cells: &[
            normal(
                &[
                    &[(SepConv3x3, 0), (SepConv3x3, 1)],
                    &[(SepConv3x3, 0), (SepConv3x3, 1)],
                    &[(SepConv3x3, 1), (SkipConnect, 0)],
                    &[(SkipConnect, 0), (DilConv3x3, 2)],
                ],
                FOUR,
            ),
            reduce(
                &[
                    &[(MaxPool3x3, 0), (MaxPool3x3, 1)],
                    &[(SkipConnect, 2), (MaxPool3x3, 1)],
                    &[(MaxPool3x3, 0), (SkipConnect, 2)],
                    &[(SkipConnect, 2), (MaxPool3x3, 1)],
                ],
                FOUR,
            ),
        ],
    },
    Published {
        name: "snas",
        aliases: &["snas-mild"],
        authors: "S. Xie, H. Zheng, C. Liu, L. Lin",
        paper: "SNAS: Stochastic Neural Architecture Search",
        year: 2019,
        note: "mild constraint",
        cells: &[
            normal(
                &[
                    &[(SepConv3x3, 0), (SepConv3x3, 1)],
                    &[(SkipConnect, 0), (DilConv3x3, 1)],
                    &[(SkipConnect, 1), (SkipConnect, 0)],
                    &[(SkipConnect, 0), (SepConv3x3, 1)],
                ],
                FOUR,
            ),
            reduce(
                &[
                    &[(MaxPool3x3, 0), (MaxPool3x3, 1)],
                    &[(MaxPool3x3, 1), (SkipConnect, 2)],
                    &[(SkipConnect, 2), (MaxPool3x3, 1)],
                    &[(MaxPool3x3, 0), (DilConv5x5, 2)],
                ],
                FOUR,
            ),
        ],
    },
    Published {
        name: "gdas",
        aliases: &["gdas-v1"],
        authors: "X. Dong, Y. Yang",
        paper: "Searching for a Robust Neural Architecture in Four GPU Hours (GDAS)",
        year: 2019,
        note: "",
        cells: &[
            normal(
                &[
                    &[(SkipConnect, 0), (SkipConnect, 1)],
                    &[(SkipConnect, 0), (SepConv5x5, 2)],
                    &[(SepConv3x3, 3), (SkipConnect, 0)],
                    &[(SepConv5x5, 4), (SepConv3x3, 3)],
                ],
                FOUR,
            ),
            reduce(
                &[
                    &[(SepConv5x5, 0), (SepConv3x3, 1)],
                    &[(SepConv5x5, 2), (SepConv5x5, 1)],
                    &[(DilConv5x5, 2), (SepConv3x3, 1)],
                    &[(SepConv5x5, 0), (SepConv5x5, 1)],
                ],
                FOUR,
            ),
        ],
    },
    Published {
        name: "p-darts",
        aliases: &[],
        authors: "X. Chen, L. Xie, J. Wu, Q. Tian",
        paper: "Progressive Differentiable Architecture Search (P-DARTS)",
        year: 2019,
        note: "",
        cells: &[
            normal(
                &[
                    &[(SkipConnect, 0), (DilConv3x3, 1)],
                    &[(SkipConnect, 0), (SepConv3x3, 1)],
                    &[(SepConv3x3, 1), (SepConv3x3, 3)],
                    &[(SepConv3x3, 0), (DilConv5x5, 4)],
                ],
                FOUR,
            ),
            reduce(
                &[
                    &[(AvgPool3x3, 0), (SepConv5x5, 1)],
                    &[(SepConv3x3, 0), (DilConv5x5, 2)],
                    &[(MaxPool3x3, 0), (DilConv3x3, 1)],
                    &[(DilConv3x3, 1), (DilConv5x5, 3)],
                ],
                FOUR,
            ),
        ],
    },
    Published {
        name: "pc-darts-cifar",
        aliases: &["pc-darts"],
        authors: "Y. Xu et al.",
        paper: "PC-DARTS: Partial Channel Connections for Memory-Efficient Architecture Search",
        year: 2020,
        note: "searched on CIFAR-10",
        cells: &[
            normal(
                &[
                    &[(SepConv3x3, 1), (SkipConnect, 0)],
                    &[(SepConv3x3, 0), (DilConv3x3, 1)],
                    &[(SepConv5x5, 0), (SepConv3x3, 1)],
                    &[(AvgPool3x3, 0), (DilConv3x3, 1)],
                ],
                FOUR,
            ),
            reduce(
                &[
                    &[(SepConv5x5, 1), (MaxPool3x3, 0)],
                    &[(SepConv5x5, 1), (SepConv5x5, 2)],
                    &[(SepConv3x3, 0), (SepConv3x3, 3)],
                    &[(SepConv3x3, 1), (SepConv3x3, 2)],
                ],
                FOUR,
            ),
        ],
    },
    Published {
        name: "pc-darts-imagenet",
        aliases: &["pc-darts-image"],
        authors: "Y. Xu et al.",
        paper: "PC-DARTS: Partial Channel Connections for Memory-Efficient Architecture Search",
        year: 2020,
        note: "searched on ImageNet",
        cells: &[
            normal(
                &[
                    &[(SkipConnect, 1), (SepConv3x3, 0)],
                    &[(SepConv3x3, 0), (SkipConnect, 1)],
                    &[(SepConv3x3, 1), (SepConv3x3, 3)],
                    &[(SepConv3x3, 1), (DilConv5x5, 4)],
                ],
                FOUR,
            ),
            reduce(
                &[
                    &[(SepConv3x3, 0), (SkipConnect, 1)],
                    &[(DilConv5x5, 2), (MaxPool3x3, 1)],
                    &[(SepConv3x3, 2), (SepConv3x3, 1)],
                    &[(SepConv5x5, 0), (SepConv3x3, 3)],
                ],
                FOUR,
            ),
        ],
    },
    Published {
        name: "eoinas-a",
        aliases: &["eoinas"],
        authors: "X. Xie, Y. Zhou, S.-Y. Kung",
        paper: "Exploiting Operation Importance for Differentiable Neural Architecture Search",
        year: 2019,
        note: "first published cell",
        cells: &[
            normal(
                &[
                    &[(SepConv3x3, 0), (SepConv3x3, 1)],
                    &[(SkipConnect, 0), (SepConv3x3, 1)],
                    &[(SepConv3x3, 0), (SepConv5x5, 3)],
                    &[(SepConv3x3, 1), (DilConv5x5, 4)],
                ],
                FOUR,
            ),
            reduce(
                &[
                    &[(SepConv3x3, 0), (SepConv3x3, 1)],
                    &[(MaxPool3x3, 0), (SepConv3x3, 2)],
                    &[(SepConv5x5, 0), (SepConv5x5, 1)],
                    &[(DilConv5x5, 2), (DilConv5x5, 3)],
                ],
                FOUR,
            ),
        ],
    },
    Published {
        name: "eoinas-b",
        aliases: &[],
        authors: "X. Xie, Y. Zhou, S.-Y. Kung",
        paper: "Exploiting Operation Importance for Differentiable Neural Architecture Search",
        year: 2019,
        note: "second published cell",
        cells: &[
            normal(
                &[
                    &[(SepConv3x3, 0), (SepConv3x3, 1)],
                    &[(SepConv3x3, 0), (SepConv3x3, 1)],
                    &[(SkipConnect, 0), (DilConv3x3, 2)],
                    &[(SkipConnect, 1), (DilConv5x5, 4)],
                ],
                FOUR,
            ),
            reduce(
                &[
                    &[(SepConv3x3, 0), (SepConv3x3, 1)],
                    &[(SepConv5x5, 0), (DilConv5x5, 2)],
                    &[(DilConv3x3, 1), (DilConv5x5, 3)],
                    &[(DilConv5x5, 3), (DilConv5x5, 4)],
                ],
                FOUR,
            ),
        ],
    },
];
