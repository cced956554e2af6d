//! `eoinas count`: what cells cost, as published tables have it.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use eoinas_core::{Counts, Skeleton, count, zoo};
use serde_json::json;

use crate::{Error, Start, cell, out::say};

/// Count parameters and multiply-adds of cells, as published tables have them.
///
/// In the CIFAR form (20 cells, 36 channels, 10 classes) and in the ImageNet form (14 cells, 48 channels, 224 x 224 pixels,
/// 1000 classes); cells of NAS-Bench-201 in that benchmark's network.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas count
  eoinas count darts-v2 pc-darts-cifar runs/search-embedded-quick/genotype.txt
  eoinas count darts-v2 --json")]
pub struct Args {
    /// Names of published cells, files with a genotype in any of its text forms, or genotypes [default: all published cells]
    #[arg(value_name = "CELL|FILE")]
    cells: Vec<PathBuf>,
    /// Print one JSON array instead of a table.
    #[arg(long)]
    json: bool,
}

/// A cell's costs; `None` where it cannot be built in the form.
struct Row {
    name: String,
    cifar: Counts,
    imagenet: Option<Counts>,
}

/// Counts and prints.
///
/// # Errors
/// A cell that is not known, cannot be read or cannot be built.
pub fn run(args: &Args, _: &Start) -> Result<ExitCode, Error> {
    let names: Vec<PathBuf> = match args.cells.as_slice() {
        [] => zoo::all().map(|cell| cell.name.into()).collect(),
        names => names.to_vec(),
    };
    let rows = names.iter().map(|name| row(name)).collect::<Result<Vec<_>, _>>()?;
    if args.json {
        let object = |row: &Row| json!({ "cell": row.name, "cifar": row.cifar, "imagenet": row.imagenet });
        say!("{}", serde_json::Value::Array(rows.iter().map(object).collect()));
        return Ok(ExitCode::SUCCESS);
    }
    let width = rows.iter().map(|row| short(&row.name).chars().count()).max().unwrap_or(0).max(4);
    say!("{:width$}  {:>12} {:>15}  {:>12} {:>15}", "", "CIFAR", "", "ImageNet", "");
    say!(
        "{:width$}  {:>12} {:>15}  {:>12} {:>15}",
        "cell",
        "parameters",
        "multiply-adds",
        "parameters",
        "multiply-adds"
    );
    for row in &rows {
        let (parameters, multiply_adds) = row
            .imagenet
            .map_or(("-".to_owned(), "-".to_owned()), |c| (c.parameters.to_string(), c.multiply_adds.to_string()));
        let Counts { parameters: p, multiply_adds: m } = row.cifar;
        say!("{:width$}  {p:>12} {m:>15}  {parameters:>12} {multiply_adds:>15}", short(&row.name));
    }
    Ok(ExitCode::SUCCESS)
}

/// The beginning of a name that would not fit into a table, as a genotype itself does not.
fn short(name: &str) -> String {
    const MOST: usize = 48;
    if name.chars().count() <= MOST {
        name.to_owned()
    } else {
        name.chars().take(MOST - 3).chain("...".chars()).collect()
    }
}

fn row(path: &Path) -> Result<Row, Error> {
    let name = path.display().to_string();
    let genotype = cell::read(path)?;
    let space = genotype.space().map_err(|error| format!("{name}: {error}"))?;
    let count = |skeleton: Skeleton| count::network(&genotype, &skeleton, &space);
    // A cell that reads one node is one of NAS-Bench-201, whose network has a form of its own.
    let (cifar, imagenet) = if genotype.cells.iter().all(|cell| cell.inputs == 1) {
        (count(Skeleton::nas_bench_201(5)), None)
    } else {
        (count(Skeleton::cifar()), Some(count(Skeleton::imagenet()).map_err(|error| format!("{name}: {error}"))?))
    };
    let cifar = cifar.map_err(|error| format!("{name}: {error}"))?;
    Ok(Row { name, cifar, imagenet })
}
