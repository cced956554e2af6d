//! Limits of latency, for strategies that know one objective.

use eoinas_core::{Cost as _, Genotype};
use eoinas_strategy::{ArchitectureLatencies, EvaluateError, Evaluation, Evaluator, TabularEvaluator};

use super::{Args, skeleton};
use crate::Error;

/// Limits for the strategies of one objective: those of the flag, or by what there is.
pub(super) fn limits(args: &Args, latencies: &[f64]) -> Result<Vec<f64>, Error> {
    if let Some(wrong) = args.latency_limit.iter().find(|limit| !limit.is_finite() || **limit <= 0.0) {
        return Err(format!("--latency-limit is {wrong}; expected milliseconds, more than 0").into());
    }
    let mut sorted = latencies.to_vec();
    sorted.sort_by(f64::total_cmp);
    let quartile = |quarter: usize| sorted.get(sorted.len().saturating_sub(1) * quarter / 4).copied();
    let limits = match args.latency_limit.as_slice() {
        [] => (1..=4).filter_map(quartile).collect(),
        given => given.to_vec(),
    };
    if args.strategy.iter().any(|strategy| strategy.is_single()) {
        let (budget, least) = (args.budget, limits.len());
        let problem =
            || format!("--budget is {budget}; expected at least {least}, an architecture for each --latency-limit");
        return if budget < least { Err(problem().into()) } else { Ok(limits) };
    }
    match args.latency_limit.is_empty() {
        true => Ok(limits),
        false => Err("--latency-limit is of strategies of one objective, and there is none; leave it out, or give \
                      --strategy evolution, too"
            .into()),
    }
}

/// Scores an architecture by its validation accuracy, less of it the further it is above a limit of latency: `accuracy *
/// min(1, limit / latency)` (Tan et al., "MnasNet", CVPR 2019, Eqs. 2 and 3 with alpha = 0 and beta = -1).
pub(super) struct Limited<'a> {
    pub table: TabularEvaluator<'a>,
    pub latencies: &'a ArchitectureLatencies,
    /// Milliseconds; infinite for none.
    pub limit: f64,
}

impl Evaluator for Limited<'_> {
    fn name(&self) -> &str {
        "accuracy under a limit of latency"
    }

    fn evaluate(&mut self, genotype: &Genotype) -> Result<Evaluation, EvaluateError> {
        let evaluation = self.table.evaluate(genotype)?;
        let latency = self.latencies.of(genotype, &skeleton(), self.table.table.space())?;
        Ok(Evaluation { score: evaluation.score * (self.limit / latency).min(1.0), ..evaluation })
    }
}
