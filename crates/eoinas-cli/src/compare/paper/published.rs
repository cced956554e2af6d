//! The paper's Tables 1 and 2 as they stand there, and what stands here for each of their systems.

use eoinas_core::models::ModelKind;

/// What stands here for a system of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Here {
    /// A published cell, by its name in the zoo.
    Cell(&'static str),
    /// A human-designed network.
    Model(ModelKind),
    /// Nothing: no text of its network is public.
    Nothing,
}

/// A row of Table 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cifar {
    /// The system, as the table writes it.
    pub name: &'static str,
    /// Whether its error is one with cutout.
    pub cutout: bool,
    /// Millions of parameters.
    pub parameters: f64,
    /// Test errors on CIFAR-10 and CIFAR-100 in percent.
    pub errors: [Option<f64>; 2],
    /// How it was found.
    pub search: &'static str,
    pub here: Here,
}

/// A row of Table 2.
#[derive(Clone, Copy, Debug)]
pub(super) struct ImageNet {
    pub name: &'static str,
    /// Millions of parameters.
    pub parameters: f64,
    /// Millions of multiply-adds.
    pub multiply_adds: u64,
    /// Top-1 and top-5 errors in percent.
    pub errors: [Option<f64>; 2],
    pub search: &'static str,
    pub here: Here,
}

const fn cifar(
    (name, cutout): (&'static str, bool),
    parameters: f64,
    (c10, c100): (f64, Option<f64>),
    search: &'static str,
    here: Here,
) -> Cifar {
    Cifar { name, cutout, parameters, errors: [Some(c10), c100], search, here }
}

const fn imagenet(
    name: &'static str,
    (parameters, multiply_adds): (f64, u64),
    (top1, top5): (f64, Option<f64>),
    search: &'static str,
    here: Here,
) -> ImageNet {
    ImageNet { name, parameters, multiply_adds, errors: [Some(top1), top5], search, here }
}

use Here::{Cell, Model, Nothing};

/// Table 1: classification errors on CIFAR-10 and CIFAR-100.
pub(super) const TABLE_1: [Cifar; 22] = [
    cifar(("ResNet", true), 1.7, (4.61, Some(22.10)), "manual", Model(ModelKind::ResNet110)),
    cifar(("DenseNet", false), 25.6, (3.46, Some(17.18)), "manual", Model(ModelKind::DenseNetBc)),
    cifar(("SENet", false), 11.2, (4.05, None), "manual", Model(ModelKind::SeNet)),
    cifar(("MetaQNN", false), 11.2, (6.92, Some(27.14)), "RL", Nothing),
    cifar(("NAS", false), 7.1, (4.47, None), "RL", Nothing),
    cifar(("NASNet-A", false), 3.3, (3.41, None), "RL", Cell("nasnet-a")),
    cifar(("NASNet-A", true), 3.3, (2.65, None), "RL", Cell("nasnet-a")),
    cifar(("ENAS", false), 4.6, (3.54, Some(19.43)), "RL", Cell("enas-micro")),
    cifar(("ENAS", true), 4.6, (2.89, None), "RL", Cell("enas-micro")),
    cifar(("AmoebaNet-A", true), 3.2, (3.34, Some(18.93)), "evolution", Cell("amoebanet-a")),
    cifar(("AmoebaNet-B", true), 2.8, (2.55, None), "evolution", Nothing),
    cifar(("Hierarchical NAS", false), 61.3, (3.63, None), "evolution", Nothing),
    cifar(("Progressive NAS", false), 3.2, (3.63, Some(19.53)), "SMBO", Cell("pnas-5")),
    cifar(("DARTS (1st)", true), 3.3, (3.00, Some(17.76)), "gradient-based", Cell("darts-v1")),
    cifar(("DARTS (2nd)", true), 3.4, (2.82, Some(17.54)), "gradient-based", Cell("darts-v2")),
    cifar(("SNAS", true), 2.9, (2.98, None), "gradient-based", Cell("snas")),
    cifar(("GDAS", false), 3.4, (3.87, Some(19.68)), "gradient-based", Cell("gdas")),
    cifar(("GDAS", true), 3.4, (2.93, Some(18.38)), "gradient-based", Cell("gdas")),
    cifar(("MdeNAS", true), 3.61, (2.55, None), "MDL", Cell("mdenas")),
    cifar(("Random Search", true), 3.2, (3.29, None), "random", Nothing),
    cifar(("EoiNAS", false), 3.4, (3.42, Some(18.4)), "gradient-based", Cell("eoinas-b")),
    cifar(("EoiNAS", true), 3.4, (2.50, Some(17.3)), "gradient-based", Cell("eoinas-b")),
];

/// Table 2: ImageNet, mobile setting.
pub(super) const TABLE_2: [ImageNet; 16] = [
    imagenet("Inception-v1", (6.6, 1448), (30.2, Some(10.1)), "manual", Model(ModelKind::InceptionV1)),
    imagenet("MobileNet-V2", (3.4, 300), (28.0, None), "manual", Model(ModelKind::MobileNetV2)),
    imagenet("MobileNet-V3", (5.4, 219), (24.8, None), "manual", Model(ModelKind::MobileNetV3)),
    imagenet("ShuffleNet", (5.0, 524), (26.3, None), "manual", Model(ModelKind::ShuffleNet)),
    imagenet("NASNet-A", (5.3, 564), (26.0, Some(8.4)), "RL", Cell("nasnet-a")),
    imagenet("NASNet-B", (5.3, 488), (27.2, Some(8.7)), "RL", Nothing),
    imagenet("NASNet-C", (4.9, 558), (27.5, Some(9.0)), "RL", Nothing),
    imagenet("AmoebaNet-A", (5.1, 555), (25.5, Some(8.0)), "evolution", Cell("amoebanet-a")),
    imagenet("AmoebaNet-B", (5.3, 555), (26.0, Some(8.5)), "evolution", Nothing),
    imagenet("AmoebaNet-C", (6.4, 570), (24.3, Some(7.6)), "evolution", Nothing),
    imagenet("Progressive NAS", (5.1, 588), (25.8, Some(8.1)), "SMBO", Cell("pnas-5")),
    imagenet("DARTS (2nd)", (4.9, 595), (26.9, Some(9.0)), "gradient-based", Cell("darts-v2")),
    imagenet("SNAS", (4.3, 522), (27.3, Some(9.2)), "gradient-based", Cell("snas")),
    imagenet("GDAS", (5.3, 581), (26.0, Some(8.5)), "gradient-based", Cell("gdas")),
    imagenet("MdeNAS", (6.1, 596), (25.5, Some(7.9)), "MDL", Cell("mdenas")),
    imagenet("EoiNAS", (5.0, 570), (25.6, Some(8.3)), "gradient-based", Cell("eoinas-b")),
];
