//! What ranks must have in common, asked before the first step.

use eoinas_core::run_folder::names;
use eoinas_kernels::simd::Level;
use serde_json::Value;

use super::{Collective, lost};
use crate::{
    checkpoint::sha256,
    error::{Result, TrainError},
    run_dir::RunDir,
};

/// What a rank has: by name, as text.
pub type Facts = Vec<(String, String)>;

/// What this process has that all must have: its version, its vector instructions, and of the run that it has begun in a folder
/// of its own the settings and the images.
///
/// # Errors
/// A folder that cannot be read.
fn facts(run: &RunDir) -> Result<Facts> {
    let mut facts = vec![
        ("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("vector instructions (EOINAS_SIMD)".to_owned(), Level::current().name().to_owned()),
        ("digest of the settings".to_owned(), sha256(run.read(names::CONFIG)?.as_bytes())),
    ];
    if run.join(names::DATA).exists() {
        let mut files: Value = run.read_json(names::DATA)?;
        // Copies on other machines have other times.
        for file in files.as_object_mut().into_iter().flat_map(|files| files.values_mut()) {
            file.as_object_mut().map(|file| file.remove("modified"));
        }
        facts.push(("digest of the images".to_owned(), sha256(files.to_string().as_bytes())));
    }
    Ok(facts)
}

/// Whether all ranks can begin: `begun` is the run that this rank has begun, or why it could not, as text. All of them call it.
///
/// # Errors
/// The first rank that could not begin, by its machine and with its reason; the first that differs from rank 0, and in what.
pub fn all_begin(ranks: &dyn Collective, begun: Result<&RunDir, String>) -> Result<()> {
    let host = gethostname::gethostname().to_string_lossy().into_owned();
    let own = begun.and_then(|run| facts(run).map_err(|error| error.to_string()));
    let said = serde_json::to_vec(&(host, own)).unwrap_or_default();
    let mut all: Vec<(String, Result<Facts, String>)> = Vec::new();
    for said in ranks.gather_any(&said).map_err(lost)? {
        all.push(serde_json::from_slice(&said).map_err(|error| lost(error.to_string()))?);
    }
    differing(&all).map_or(Ok(()), |what| Err(TrainError::Ranks { what }))
}

/// What keeps the ranks from beginning, each with its machine and what it has.
fn differing(all: &[(String, Result<Facts, String>)]) -> Option<String> {
    // Where it is the same for all, rank 0 says it best.
    for (rank, (host, facts)) in all.iter().enumerate() {
        if let Err(why) = facts {
            return Some(if rank == 0 { why.clone() } else { format!("rank {rank} on {host}: {why}") });
        }
    }
    let (first_host, Ok(first)) = all.first()? else { return None };
    for (rank, (host, facts)) in all.iter().enumerate().skip(1) {
        let other = facts.as_ref().ok()?;
        let name = |facts: &Facts, at: usize| facts.get(at).cloned().unwrap_or_default();
        if let Some(at) = (0..first.len().max(other.len())).find(|at| name(first, *at) != name(other, *at)) {
            let ((what, here), (_, there)) = (name(first, at), name(other, at));
            return Some(format!(
                "rank {rank} on {host} differs from rank 0 on {first_host}: {what} is {there}, not {here}; all processes of a \
                 run need the same program, settings and images, and the same vector instructions, or the results would depend \
                 on who computes what"
            ));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(version: &str) -> (String, Result<Facts, String>) {
        ("a".to_owned(), Ok(vec![("version".to_owned(), version.to_owned())]))
    }

    #[test]
    fn who_differs_is_named_with_what_it_has() {
        assert_eq!(differing(&[has("1"), has("1")]), None);
        let other = differing(&[has("1"), has("1"), ("b".to_owned(), has("2").1)]).unwrap();
        assert!(other.starts_with("rank 2 on b differs from rank 0 on a: version is 2, not 1"), "{other}");
        let failed = ("b".to_owned(), Err("no images".to_owned()));
        assert_eq!(differing(&[has("1"), failed.clone()]).unwrap(), "rank 1 on b: no images");
        assert_eq!(differing(&[failed, has("1")]).unwrap(), "no images");
    }
}
