//! The stages of P-DARTS: networks, epochs, checks.

use eoinas_core::{Setting, skeleton::Form};
use serde::{Deserialize, Serialize};

use super::PDarts;
use crate::{
    config::{NetworkConfig, SkipDropout, in_unit},
    plan::Stage,
};

/// One stage of a search in a network that grows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deepening {
    /// Number of cells.
    pub cells: usize,
    /// Ops that each edge still has.
    pub ops: usize,
    /// Rate of dropout on skip connections at the stage's start; it decays as [`SkipDropout`] with a decay of 0.2.
    pub skip_dropout: f64,
}

/// The second and third stage of the paper, whose first has 5 cells.
pub(super) fn paper() -> Vec<Deepening> {
    grown([11, 17], [5, 3])
}

fn grown([second, third]: [usize; 2], ops: [usize; 2]) -> Vec<Deepening> {
    vec![
        Deepening { cells: second, ops: ops[0], skip_dropout: 0.4 },
        Deepening { cells: third, ops: ops[1], skip_dropout: 0.7 },
    ]
}

impl PDarts {
    /// The stages of P-DARTS in the place of 8 cells: 5, 11 and 17 cells, with 8, 5 and 3 ops an edge, dropout on
    /// skip connections from 0, 0.4 and 0.7. For other networks in proportion, and not fewer than 3 cells, so that there
    /// is a cell of every kind. The network of NAS-Bench-201 grows by whole cells in each of its three stages; of its 5 ops
    /// an edge has 5, 3 and 2.
    pub(crate) fn prescribed(self, form: Form, network: &mut NetworkConfig) -> Self {
        let cells = network.cells;
        let bench = form.stages() > 1;
        let in_proportion = |cells: usize, of_eight: usize| cells.saturating_mul(of_eight).div_ceil(8);
        let scaled = |of_eight: usize| {
            if bench {
                in_proportion(cells / 3, of_eight).saturating_mul(3)
            } else {
                in_proportion(cells, of_eight).max(3)
            }
        };
        network.cells = scaled(5);
        let deepen = grown([scaled(11), scaled(17)], if bench { [3, 2] } else { [5, 3] });
        Self { deepen, arch: self.darts().prescribed().arch, ..self }
    }
}

/// Equal parts of the epochs; with fewer epochs than stages, each is one epoch long.
pub(super) fn stages(deepen: &[Deepening], epochs: usize) -> Vec<Stage> {
    let stages = (deepen.len() + 1).min(epochs.max(1));
    let start = |stage: usize| (stage * epochs).div_ceil(stages);
    let dropout = |stage: &Deepening| SkipDropout { rate: stage.skip_dropout, decay: 0.2 };
    let stage = |index: usize| {
        let epochs = start(index + 1) - start(index);
        let skip_dropout = index.checked_sub(1).and_then(|index| deepen.get(index)).map(dropout);
        Stage { epochs, warm_up_epochs: epochs * 2 / 5, skip_dropout }
    };
    (0..stages).map(stage).collect()
}

pub(super) fn validate(deepen: &[Deepening], form: Form) -> Result<(), Setting> {
    for (index, Deepening { cells, ops, skip_dropout }) in deepen.iter().enumerate() {
        // From 1 for the first that deepens.
        let name = |field: &str| format!("deepen: stage {}: {field}", index + 1);
        Setting::check((1..=1000).contains(cells), name("cells"), cells, "1 to 1000")?;
        let fits = cells.is_multiple_of(form.stages());
        let expected = "a multiple of 3, as the stages of NAS-Bench-201's network need";
        Setting::check(fits, name("cells"), format!("{cells}, no multiple of 3"), expected)?;
        Setting::check(*ops > 0, name("ops"), ops, "at least 1; every edge keeps one")?;
        Setting::check(in_unit(*skip_dropout), name("skip_dropout"), skip_dropout, "0 to 1 (exclusive)")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use eoinas_core::SearchSpace;

    use crate::{
        config::{MethodConfig, MethodKind, SearchConfig},
        plan::Plan,
    };

    fn plan(config: &SearchConfig) -> Plan {
        let timetable = config.method.build().unwrap().timetable(config, &SearchSpace::darts());
        Plan::new(config, timetable).unwrap()
    }

    #[test]
    fn stages_share_the_epochs_and_begin_anew() {
        let config = SearchConfig { epochs: 75, ..SearchConfig::paper() }.with_method(MethodKind::Pdarts);
        let MethodConfig::Pdarts(method) = &config.method else { panic!("{:?}", config.method) };
        let all: Vec<usize> =
            [config.network.cells].into_iter().chain(method.deepen.iter().map(|stage| stage.cells)).collect();
        assert_eq!(all, [5, 11, 17]);
        let plan_75 = plan(&config);
        assert_eq!([0, 24, 25, 49, 50, 74, 75].map(|epoch| plan_75.epoch(epoch).stage), [0, 0, 1, 1, 2, 2, 2]);
        let ends = |plan: &Plan| (0..plan.epochs()).filter(|epoch| plan.epoch(*epoch).ends_stage).collect::<Vec<_>>();
        assert_eq!(ends(&plan_75), [24, 49]);
        for start in [0, 25, 50] {
            assert_eq!(plan_75.epoch(start).learning_rate, 0.025);
            assert!(plan_75.epoch(start + 9).warm_up && !plan_75.epoch(start + 10).warm_up);
        }
        assert_eq!([10, 35, 60].map(|epoch| plan_75.epoch(epoch).skip_dropout), [0.0, 0.4, 0.7]);
        assert!((plan_75.epoch(61).skip_dropout - 0.7 * (-0.2f64).exp()).abs() < 1e-12);
        // Fewer epochs than stages: one epoch each, as far as they go; epochs that do not divide.
        let short = plan(&SearchConfig { epochs: 2, ..config.clone() });
        assert_eq!([0, 1, 2].map(|epoch| short.epoch(epoch).stage), [0, 1, 1]);
        assert_eq!(ends(&plan(&SearchConfig { epochs: 8, ..config })), [2, 5]);
    }
}
