//! The front of a search's finals: score against cost.

use eoinas_core::{
    Genotype, Score, SearchSpace, count,
    run_folder::{self, names},
};
use eoinas_data::DatasetInfo;
use eoinas_strategy::front::front_of_rounds;

use super::found::OnFront;
use crate::{
    config::{NetworkSize, SearchConfig},
    error::Result,
    finalists::Finalist,
    run::RunWriter,
};

/// The finalists that no other one is both better and cheaper than, by the multiply-adds of the networks that the finals trained;
/// none where those were all made equally large, which says nothing of what is cheaper.
///
/// # Errors
/// A network that cannot be.
pub(super) fn of(
    finalists: &[Finalist],
    config: &SearchConfig,
    info: &DatasetInfo,
    space: &SearchSpace,
) -> Result<Vec<OnFront>> {
    let equal = config.finalists.as_ref().is_none_or(|settings| settings.equal_cost);
    if equal || !config.limits.are_none() {
        return Ok(Vec::new());
    }
    let merits = |finalist: &Finalist| finalist.scores.iter().map(Score::merit).collect::<Vec<f64>>();
    let candidates: Vec<_> = finalists.iter().map(|one| (one.multiply_adds as f64, merits(one))).collect();
    let on_front = |(place, at): (usize, usize)| {
        let genotype = Genotype::parse_with(&finalists.get(at)?.genotype, space);
        let network = || {
            let genotype = genotype?;
            let skeleton = config.retrained(&genotype, info, space)?;
            Ok(NetworkSize::new(&skeleton, count::network(&genotype, &skeleton, space)?))
        };
        Some(network().map(|network| OnFront { finalist: at, file: run_folder::on_front(place), network }))
    };
    front_of_rounds(&candidates).into_iter().enumerate().filter_map(on_front).collect()
}

/// Writes the cells of the front, a file each.
///
/// # Errors
/// A folder that cannot be written.
pub(super) fn write(front: &[OnFront], finalists: &[Finalist], run: &RunWriter) -> Result<()> {
    for of in front {
        let text = finalists.get(of.finalist).map_or("", |finalist| &finalist.genotype);
        run.write_in(names::FRONT, &of.file, &format!("{text}\n"))?;
    }
    Ok(())
}
