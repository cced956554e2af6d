//! Cells of other spaces: five nodes of which some are joined, two inputs from one predecessor; the cell of
//! NAS-Bench-201.

use super::Published;
use super::cells::{bench_201, normal, reduce};
use crate::op::Op::{
    AvgPool3x3, Conv7x1_1x7, MaxPool3x3, NorConv1x1, NorConv3x3, SepConv3x3, SepConv5x5, SepConv7x7, SkipConnect,
};

/// In the order of their years, the benchmark's last. NASNet-A and AmoebaNet-A are written down as the DARTS paper did
/// to compare with them: its skeleton and its separable convolutions, not those of their own papers. So are PNASNet-5 and
/// ENAS's, whose own networks count otherwise.
pub(super) const CELLS: &[Published] = &[
    Published {
        name: "nasnet-a",
        aliases: &["nasnet"],
        authors: "B. Zoph, V. Vasudevan, J. Shlens, Q. V. Le",
        paper: "Learning Transferable Architectures for Scalable Image Recognition (NASNet-A)",
        year: 2018,
        note: "",
        cells: &[
            normal(
                &[
                    &[(SepConv5x5, 1), (SepConv3x3, 0)],
                    &[(SepConv5x5, 0), (SepConv3x3, 0)],
                    &[(AvgPool3x3, 1), (SkipConnect, 0)],
                    &[(AvgPool3x3, 0), (AvgPool3x3, 0)],
                    &[(SepConv3x3, 1), (SkipConnect, 1)],
                ],
                &[2, 3, 4, 5, 6],
            ),
            reduce(
                &[
                    &[(SepConv5x5, 1), (SepConv7x7, 0)],
                    &[(MaxPool3x3, 1), (SepConv7x7, 0)],
                    &[(AvgPool3x3, 1), (SepConv5x5, 0)],
                    &[(SkipConnect, 3), (AvgPool3x3, 2)],
                    &[(SepConv3x3, 2), (MaxPool3x3, 1)],
                ],
                &[4, 5, 6],
            ),
        ],
    },
    Published {
        name: "pnas-5",
        aliases: &["pnasnet", "pnasnet-5", "pnas"],
        authors: "C. Liu et al.",
        paper: "Progressive Neural Architecture Search (PNASNet-5)",
        year: 2018,
        note: "one cell, which reduces by its stride",
        cells: &[
            normal(
                &[
                    &[(SepConv5x5, 0), (MaxPool3x3, 0)],
                    &[(SepConv7x7, 1), (MaxPool3x3, 1)],
                    &[(SepConv5x5, 1), (SepConv3x3, 1)],
                    &[(SepConv3x3, 4), (MaxPool3x3, 1)],
                    &[(SepConv3x3, 0), (SkipConnect, 1)],
                ],
                &[2, 3, 4, 5, 6],
            ),
            reduce(
                &[
                    &[(SepConv5x5, 0), (MaxPool3x3, 0)],
                    &[(SepConv7x7, 1), (MaxPool3x3, 1)],
                    &[(SepConv5x5, 1), (SepConv3x3, 1)],
                    &[(SepConv3x3, 4), (MaxPool3x3, 1)],
                    &[(SepConv3x3, 0), (SkipConnect, 1)],
                ],
                &[2, 3, 4, 5, 6],
            ),
        ],
    },
    Published {
        name: "enas-micro",
        aliases: &["enas"],
        authors: "H. Pham, M. Y. Guan, B. Zoph, Q. V. Le, J. Dean",
        paper: "Efficient Neural Architecture Search via Parameter Sharing (ENAS)",
        year: 2018,
        note: "micro search space; the cells that the authors' code trains",
        cells: &[
            normal(
                &[
                    &[(AvgPool3x3, 0), (SepConv3x3, 0)],
                    &[(SkipConnect, 0), (SepConv5x5, 0)],
                    &[(SkipConnect, 0), (SepConv5x5, 1)],
                    &[(SepConv3x3, 1), (SepConv5x5, 0)],
                    &[(AvgPool3x3, 0), (SepConv5x5, 1)],
                ],
                &[2, 3, 4, 5, 6],
            ),
            reduce(
                &[
                    &[(SepConv3x3, 1), (SepConv3x3, 1)],
                    &[(MaxPool3x3, 0), (AvgPool3x3, 0)],
                    &[(SepConv5x5, 1), (SepConv5x5, 3)],
                    &[(SepConv3x3, 1), (SkipConnect, 0)],
                    &[(MaxPool3x3, 0), (SepConv5x5, 1)],
                ],
                &[2, 4, 5, 6],
            ),
        ],
    },
    Published {
        name: "amoebanet-a",
        aliases: &["amoebanet"],
        authors: "E. Real, A. Aggarwal, Y. Huang, Q. V. Le",
        paper: "Regularized Evolution for Image Classifier Architecture Search (AmoebaNet-A)",
        year: 2019,
        note: "",
        cells: &[
            normal(
                &[
                    &[(AvgPool3x3, 0), (MaxPool3x3, 1)],
                    &[(SepConv3x3, 0), (SepConv5x5, 2)],
                    &[(SepConv3x3, 0), (AvgPool3x3, 3)],
                    &[(SepConv3x3, 1), (SkipConnect, 1)],
                    &[(SkipConnect, 0), (AvgPool3x3, 1)],
                ],
                &[4, 5, 6],
            ),
            reduce(
                &[
                    &[(AvgPool3x3, 0), (SepConv3x3, 1)],
                    &[(MaxPool3x3, 0), (SepConv7x7, 2)],
                    &[(SepConv7x7, 0), (AvgPool3x3, 1)],
                    &[(MaxPool3x3, 0), (MaxPool3x3, 1)],
                    &[(Conv7x1_1x7, 0), (SepConv3x3, 5)],
                ],
                &[3, 4, 6],
            ),
        ],
    },
    Published {
        name: "nas-bench-201-best",
        aliases: &["nas-bench-201", "nb201-best"],
        authors: "X. Dong, Y. Yang",
        paper: "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search",
        year: 2020,
        note: "architecture 6111, the best on CIFAR-10 after 200 epochs: 91.61 % on validation images, 94.37 % on test",
        cells: &[bench_201(&[
            &[(NorConv3x3, 0)],
            &[(NorConv3x3, 0), (NorConv3x3, 1)],
            &[(SkipConnect, 0), (NorConv3x3, 1), (NorConv1x1, 2)],
        ])],
    },
];
