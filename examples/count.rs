//! Parameters and multiply-adds of cells, as published tables have them: in the CIFAR form (20 cells, 36 channels, 10
//! classes) and in the ImageNet form (14 cells, 48 channels, 224x224 pixels, 1000 classes).
//!
//! ```text
//! cargo run --release --example count
//! cargo run --release --example count -- darts-v2 runs/search-embedded-quick/genotype.txt --json
//! ```

use std::{path::Path, process::ExitCode};

use clap::Parser;
use eoinas_core::{Counts, Genotype, Skeleton, count, zoo};
use serde_json::json;

/// Count parameters and multiply-adds of cells.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Names of published cells, or files with a genotype in any of its text forms [default: all published cells]
    #[arg(value_name = "CELL|FILE")]
    cells: Vec<String>,
    /// Print one JSON array instead of a table.
    #[arg(long)]
    json: bool,
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A cell's costs; `None` where it cannot be built in the form.
struct Row {
    name: String,
    cifar: Counts,
    imagenet: Option<Counts>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Error> {
    let names: Vec<String> = match args.cells.as_slice() {
        [] => zoo::all().map(|cell| cell.name.to_owned()).collect(),
        names => names.to_vec(),
    };
    let rows = names.iter().map(|name| row(name)).collect::<Result<Vec<_>, _>>()?;
    if args.json {
        let object = |row: &Row| json!({ "cell": row.name, "cifar": row.cifar, "imagenet": row.imagenet });
        println!("{}", serde_json::Value::Array(rows.iter().map(object).collect()));
        return Ok(());
    }
    let width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).max(4);
    println!("{:width$}  {:>12} {:>15}  {:>12} {:>15}", "", "CIFAR", "", "ImageNet", "");
    println!(
        "{:width$}  {:>12} {:>15}  {:>12} {:>15}",
        "cell", "parameters", "multiply-adds", "parameters", "multiply-adds"
    );
    for row in &rows {
        let (parameters, multiply_adds) = row
            .imagenet
            .map_or(("-".to_owned(), "-".to_owned()), |c| (c.parameters.to_string(), c.multiply_adds.to_string()));
        let Counts { parameters: p, multiply_adds: m } = row.cifar;
        println!("{:width$}  {p:>12} {m:>15}  {parameters:>12} {multiply_adds:>15}", row.name);
    }
    Ok(())
}

fn row(name: &str) -> Result<Row, Error> {
    let genotype = read(name)?;
    let space = genotype.space().map_err(|error| format!("{name}: {error}"))?;
    let count = |skeleton: Skeleton| count::network(&genotype, &skeleton, &space);
    // A cell that reads one node is one of NAS-Bench-201, whose network has a form of its own.
    let (cifar, imagenet) = if genotype.cells.iter().all(|cell| cell.inputs == 1) {
        (count(Skeleton::nas_bench_201(5)), None)
    } else {
        (count(Skeleton::cifar()), Some(count(Skeleton::imagenet()).map_err(|error| format!("{name}: {error}"))?))
    };
    Ok(Row { name: name.to_owned(), cifar: cifar.map_err(|error| format!("{name}: {error}"))?, imagenet })
}

/// A published cell, or else a file's.
fn read(name: &str) -> Result<Genotype, Error> {
    match zoo::find(name) {
        Ok(cell) => Ok(cell.genotype()),
        Err(_) if Path::new(name).exists() => {
            let text = std::fs::read_to_string(name).map_err(|error| format!("cannot read {name}: {error}"))?;
            Ok(Genotype::parse(&text).map_err(|error| format!("{name}: {error}"))?)
        }
        Err(unknown) => Err(format!("{unknown}; and there is no file of that name").into()),
    }
}
