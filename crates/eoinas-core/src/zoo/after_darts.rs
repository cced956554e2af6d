//! Cells of the DARTS space that other methods found in it later.

use super::Published;
use super::cells::{normal, reduce};
use crate::op::Op::{AvgPool3x3, DilConv3x3, DilConv5x5, MaxPool3x3, SepConv3x3, SepConv5x5, SkipConnect};

/// Every intermediate node.
const FOUR: &[usize] = &[2, 3, 4, 5];

/// In the order of their years, as their authors' code has them.
pub(super) const CELLS: &[Published] = &[
    Published {
        name: "mdenas",
        aliases: &[],
        authors: "X. Zheng et al.",
        paper: "Multinomial Distribution Learning for Effective Neural Architecture Search (MdeNAS)",
        year: 2019,
        note: "",
        cells: &[
            normal(
                &[
                    &[(SepConv5x5, 1), (SepConv3x3, 0)],
                    &[(SkipConnect, 0), (SepConv5x5, 1)],
                    &[(SepConv5x5, 3), (SepConv3x3, 1)],
                    &[(DilConv5x5, 3), (MaxPool3x3, 4)],
                ],
                FOUR,
            ),
            reduce(
                &[
                    &[(MaxPool3x3, 0), (SepConv5x5, 1)],
                    &[(SkipConnect, 0), (SkipConnect, 1)],
                    &[(SepConv3x3, 3), (SkipConnect, 2)],
                    &[(DilConv3x3, 3), (SepConv5x5, 0)],
                ],
                FOUR,
            ),
        ],
    },
    Published {
        name: "drnas-cifar",
        aliases: &["drnas"],
        authors: "X. Chen et al.",
        paper: "DrNAS: Dirichlet Neural Architecture Search",
        year: 2021,
        note: "searched on CIFAR-10",
        cells: &[
            normal(
                &[
                    &[(SepConv3x3, 0), (SepConv5x5, 1)],
                    &[(SepConv3x3, 1), (SepConv3x3, 2)],
                    &[(SkipConnect, 0), (SepConv3x3, 1)],
                    &[(SepConv3x3, 2), (DilConv5x5, 3)],
                ],
                FOUR,
            ),
            reduce(
                &[
                    &[(MaxPool3x3, 0), (SepConv5x5, 1)],
                    &[(DilConv5x5, 2), (SepConv5x5, 1)],
                    &[(SepConv5x5, 1), (DilConv5x5, 3)],
                    &[(SkipConnect, 4), (SepConv5x5, 1)],
                ],
                FOUR,
            ),
        ],
    },
    Published {
        name: "drnas-imagenet",
        aliases: &[],
        authors: "X. Chen et al.",
        paper: "DrNAS: Dirichlet Neural Architecture Search",
        year: 2021,
        note: "searched on ImageNet",
        cells: &[
            normal(
                &[
                    &[(SepConv3x3, 1), (SepConv3x3, 0)],
                    &[(SepConv3x3, 0), (SepConv3x3, 1)],
                    &[(SepConv3x3, 0), (DilConv3x3, 3)],
                    &[(SkipConnect, 0), (SepConv3x3, 1)],
                ],
                FOUR,
            ),
            reduce(
                &[
                    &[(MaxPool3x3, 0), (SepConv3x3, 1)],
                    &[(SepConv3x3, 0), (SkipConnect, 2)],
                    &[(SepConv3x3, 0), (SepConv3x3, 2)],
                    &[(SepConv3x3, 3), (SepConv3x3, 1)],
                ],
                FOUR,
            ),
        ],
    },
    Published {
        name: "darts-pt-0",
        aliases: &["darts-pt"],
        authors: "R. Wang, M. Cheng, X. Chen, X. Tang, C.-J. Hsieh",
        paper: "Rethinking Architecture Selection in Differentiable NAS (DARTS-PT)",
        year: 2021,
        note: "run 0 of the authors' four, of whose networks the paper gives the mean",
        cells: &[
            normal(
                &[
                    &[(SepConv3x3, 0), (SepConv3x3, 1)],
                    &[(SepConv5x5, 0), (DilConv3x3, 1)],
                    &[(SkipConnect, 0), (SkipConnect, 2)],
                    &[(SkipConnect, 0), (MaxPool3x3, 4)],
                ],
                FOUR,
            ),
            reduce(
                &[
                    &[(SepConv3x3, 0), (AvgPool3x3, 1)],
                    &[(DilConv5x5, 1), (DilConv3x3, 2)],
                    &[(AvgPool3x3, 0), (MaxPool3x3, 2)],
                    &[(SepConv3x3, 2), (SkipConnect, 4)],
                ],
                FOUR,
            ),
        ],
    },
    Published {
        name: "darts-pt-1",
        aliases: &[],
        authors: "R. Wang, M. Cheng, X. Chen, X. Tang, C.-J. Hsieh",
        paper: "Rethinking Architecture Selection in Differentiable NAS (DARTS-PT)",
        year: 2021,
        note: "run 1 of the authors' four, of whose networks the paper gives the mean",
        cells: &[
            normal(
                &[
                    &[(SepConv3x3, 0), (SepConv3x3, 1)],
                    &[(SepConv3x3, 0), (DilConv3x3, 1)],
                    &[(MaxPool3x3, 0), (SkipConnect, 2)],
                    &[(SkipConnect, 0), (DilConv3x3, 4)],
                ],
                FOUR,
            ),
            reduce(
                &[
                    &[(DilConv5x5, 0), (AvgPool3x3, 1)],
                    &[(MaxPool3x3, 0), (SepConv5x5, 2)],
                    &[(MaxPool3x3, 1), (DilConv3x3, 3)],
                    &[(SepConv5x5, 0), (SepConv3x3, 4)],
                ],
                FOUR,
            ),
        ],
    },
    Published {
        name: "darts-pt-2",
        aliases: &[],
        authors: "R. Wang, M. Cheng, X. Chen, X. Tang, C.-J. Hsieh",
        paper: "Rethinking Architecture Selection in Differentiable NAS (DARTS-PT)",
        year: 2021,
        note: "run 2 of the authors' four, of whose networks the paper gives the mean",
        cells: &[
            normal(
                &[
                    &[(SkipConnect, 0), (SepConv3x3, 1)],
                    &[(SepConv3x3, 0), (DilConv3x3, 1)],
                    &[(SkipConnect, 2), (DilConv3x3, 3)],
                    &[(MaxPool3x3, 1), (SkipConnect, 2)],
                ],
                FOUR,
            ),
            reduce(
                &[
                    &[(AvgPool3x3, 0), (MaxPool3x3, 1)],
                    &[(AvgPool3x3, 0), (SepConv3x3, 1)],
                    &[(DilConv5x5, 2), (SkipConnect, 3)],
                    &[(SepConv3x3, 2), (SepConv5x5, 4)],
                ],
                FOUR,
            ),
        ],
    },
    Published {
        name: "darts-pt-3",
        aliases: &[],
        authors: "R. Wang, M. Cheng, X. Chen, X. Tang, C.-J. Hsieh",
        paper: "Rethinking Architecture Selection in Differentiable NAS (DARTS-PT)",
        year: 2021,
        note: "run 3 of the authors' four, of whose networks the paper gives the mean",
        cells: &[
            normal(
                &[
                    &[(SepConv3x3, 0), (SepConv3x3, 1)],
                    &[(SepConv3x3, 0), (SepConv3x3, 1)],
                    &[(SkipConnect, 0), (SkipConnect, 2)],
                    &[(SepConv3x3, 1), (SkipConnect, 3)],
                ],
                FOUR,
            ),
            reduce(
                &[
                    &[(AvgPool3x3, 0), (SepConv5x5, 1)],
                    &[(MaxPool3x3, 1), (SkipConnect, 2)],
                    &[(DilConv5x5, 1), (MaxPool3x3, 3)],
                    &[(SepConv5x5, 2), (SkipConnect, 3)],
                ],
                FOUR,
            ),
        ],
    },
];
