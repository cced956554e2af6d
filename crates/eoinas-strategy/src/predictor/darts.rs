//! The predictors of the DARTS space.

use super::{LinearPredictor, Worth};

/// Name, then of the normal and of the reduction cell: worth where an input of the cell is read, and where a node is.
const DARTS: [(&str, [f64; 2], [f64; 2]); 7] = [
    ("max_pool_3x3", [0.054, -0.347], [0.045, -0.208]),
    ("avg_pool_3x3", [0.001, -0.219], [0.021, -0.129]),
    ("skip_connect", [0.370, -0.075], [0.026, -0.067]),
    ("sep_conv_3x3", [0.167, -0.099], [0.077, -0.059]),
    ("sep_conv_5x5", [0.033, -0.166], [0.113, -0.043]),
    ("dil_conv_3x3", [0.044, -0.078], [0.021, -0.032]),
    ("dil_conv_5x5", [-0.061, -0.109], [0.009, -0.041]),
];

/// The same of cells that were trained on few images.
const DARTS_FEW: [(&str, [f64; 2], [f64; 2]); 7] = [
    ("max_pool_3x3", [0.81, -0.24], [0.78, -0.41]),
    ("avg_pool_3x3", [0.25, -0.44], [-0.07, -0.16]),
    ("skip_connect", [0.41, -0.19], [0.13, 0.11]),
    ("sep_conv_3x3", [0.02, -0.03], [0.04, 0.06]),
    ("sep_conv_5x5", [-0.15, -0.12], [-0.05, -0.16]),
    ("dil_conv_3x3", [-0.12, -0.30], [-0.23, -0.19]),
    ("dil_conv_5x5", [-0.04, -0.35], [-0.13, 0.02]),
];

impl LinearPredictor {
    /// That of the DARTS space ([`eoinas_core::SearchSpace::darts`]): fitted with a ridge of 5 to the accuracies that NAS-Bench-301 (Siems
    /// et al., 2020) predicts for the 725 random cells of NAS-Bench-Suite-Zero (Krishnakumar et al., NeurIPS 2022), with the
    /// multiply-adds of their networks of 8 cells, C = 16. In ten-fold cross-validation its rank correlation with what is left of
    /// those accuracies at equal multiply-adds is 0.90.
    ///
    /// A skip connection from an input of the normal cell is worth most, poolings that read a node cost most: what Wan et al.
    /// (On Redundancy and Diversity in Cell-based NAS, ICLR 2022) found by other means.
    pub fn darts() -> Self {
        Self::of_ops(&DARTS)
    }

    /// That of the DARTS space for a few hundred images: a ridge regression (30) on the counts of choices, around the coefficients of
    /// [`LinearPredictor::darts`], fitted to the test accuracies of 32 random cells and DARTS V2, each trained for 60 epochs on 600
    /// photographs of six classes at 12 million multiply-adds (docs/RESULTS.md). Left out one at a time, these cells have a rank
    /// correlation of 0.71 with what it says of them; with what `darts` says it is 0.19.
    ///
    /// Max pooling of an input is worth most: it learns nothing by heart, and what it costs less makes the others wider.
    pub fn darts_few_images() -> Self {
        Self::of_ops(&DARTS_FEW)
    }

    fn of_ops(ops: &[(&str, [f64; 2], [f64; 2])]) -> Self {
        let worth = |(name, [of_input, of_node]): (&str, [f64; 2])| (name.to_owned(), Worth { of_input, of_node });
        let normal = ops.iter().map(|(name, normal, _)| worth((name, *normal))).collect();
        let reduce = ops.iter().map(|(name, _, reduce)| worth((name, *reduce))).collect();
        Self { kinds: vec![normal, reduce] }
    }
}

#[cfg(test)]
mod tests {
    use eoinas_core::{Genotype, SearchSpace};

    use super::*;

    #[test]
    fn it_covers_its_space_and_no_other() {
        let predictor = LinearPredictor::darts();
        assert!(predictor.covers(&SearchSpace::darts()) && !predictor.covers(&SearchSpace::nas_bench_201()));
    }

    #[test]
    fn few_images_want_other_cells() {
        let few = LinearPredictor::darts_few_images();
        assert!(few.covers(&SearchSpace::darts()) && few != LinearPredictor::darts());
        let best = |predictor: &LinearPredictor| {
            let worth = |op| predictor.worth(0, op).unwrap().of_input;
            let ops = ["max_pool_3x3", "skip_connect", "sep_conv_3x3", "dil_conv_5x5"];
            ops.into_iter().max_by(|a, b| worth(a).total_cmp(&worth(b))).unwrap()
        };
        assert_eq!((best(&few), best(&LinearPredictor::darts())), ("max_pool_3x3", "skip_connect"));
    }

    #[test]
    fn a_cell_is_the_sum_of_its_choices() {
        let text = "Genotype(normal=[('skip_connect', 0), ('sep_conv_3x3', 1), ('max_pool_3x3', 2), ('sep_conv_3x3', 0), \
                    ('dil_conv_5x5', 1), ('avg_pool_3x3', 3), ('skip_connect', 4), ('dil_conv_3x3', 0)], normal_concat=range(2, 6), \
                    reduce=[('skip_connect', 0), ('sep_conv_5x5', 1), ('max_pool_3x3', 2), ('sep_conv_3x3', 0), ('dil_conv_5x5', 1), \
                    ('avg_pool_3x3', 3), ('skip_connect', 4), ('dil_conv_3x3', 0)], reduce_concat=range(2, 6))";
        let cell = Genotype::parse_in(text, &SearchSpace::darts()).unwrap();
        let normal = 0.370 + 0.167 - 0.347 + 0.167 - 0.061 - 0.219 - 0.075 + 0.044;
        let reduce = 0.026 + 0.113 - 0.208 + 0.077 + 0.009 - 0.129 - 0.067 + 0.021;
        assert!((LinearPredictor::darts().predict(&cell) - (normal + reduce)).abs() < 1e-12);
    }
}
