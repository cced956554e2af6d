//! `eoinas compare paper`: the paper's Tables 1 and 2, with what is counted and what was trained here beside them.

mod published;
mod trained;

use std::{fs, ops::ControlFlow, path::PathBuf, process::ExitCode};

use clap::ValueEnum;
use eoinas_core::{Counts, Skeleton, count, models::ModelConfig, models::ModelForm, zoo};
use eoinas_report::{Table, page::Page};
use eoinas_train::Claims;

use self::{
    published::{Here, TABLE_1, TABLE_2},
    trained::{Budget, Part, Study},
};
use super::table;
use crate::{
    Error, MOST_RUNS, Start, data, limits,
    out::say,
    share::{self, Ended, Processes},
};

/// The paper's Tables 1 and 2: published figures, what this library counts for the same networks, and, for Table 1, what they come
/// to when all are trained here alike.
///
/// With --data every system of Table 1 is trained on those images: the same epochs, images and seeds, and all at the same cost. What
/// is done is not done again, so that a second command with other images adds a column.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas compare paper
  eoinas compare paper --tables 1 --data cifar-10-batches-bin --seeds 2
  eoinas compare paper --tables 1 --data cifar-100-binary --seeds 2")]
pub struct Args {
    /// Which tables to print, joined by commas.
    #[arg(long, value_delimiter = ',', default_value = "1,2")]
    tables: Vec<Which>,
    /// Folder of the images that the systems of Table 1 are trained on, which is looked at; without it nothing is trained.
    #[arg(long, value_parser = crate::start::path(), value_name = "DIR")]
    data: Option<PathBuf>,
    /// Trainings of each system, with seeds that count up from 0.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=MOST_RUNS))]
    seeds: u64,
    /// Epochs of a training.
    #[arg(long, default_value_t = 8)]
    epochs: usize,
    /// Images that train.
    #[arg(long, default_value_t = 5000)]
    train_images: usize,
    /// Images that test.
    #[arg(long, default_value_t = 2000)]
    test_images: usize,
    /// Multiply-adds an image that all networks are made as wide as.
    #[arg(long, default_value = "12M", value_name = "N", value_parser = limits::number)]
    multiply_adds: u64,
    /// Number of cells L of the trained networks of cells.
    #[arg(long, default_value_t = 8)]
    cells: usize,
    /// Folder of the study: the tables as Markdown and CSV, a page, the trainings.
    #[arg(long, value_parser = crate::start::path(), value_name = "DIR", default_value = "runs/paper")]
    out: PathBuf,
    #[command(flatten)]
    processes: Processes,
    #[command(flatten)]
    host: crate::host::HostArgs,
}

/// A table of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    /// CIFAR-10 and CIFAR-100.
    #[value(name = "1")]
    One,
    /// ImageNet.
    #[value(name = "2")]
    Two,
}

/// Counts, trains where there are images, and prints.
///
/// # Errors
/// Settings that cannot work; other ones in the folder; a run that fails.
pub fn run(args: &Args, start: &Start) -> Result<ExitCode, Error> {
    fs::create_dir_all(&args.out)?;
    let budget = Budget {
        seeds: args.seeds,
        epochs: args.epochs,
        train_images: args.train_images,
        test_images: args.test_images,
        multiply_adds: args.multiply_adds,
        cells: args.cells,
    };
    let mut study = Study::open(&args.out)?;
    if let Some(dir) = &args.data {
        if !args.tables.contains(&Which::One) {
            return Err(
                "--data: the systems of Table 1 alone are trained; give --tables 1 as well, or leave --data out".into(),
            );
        }
        let images = (data::kind_of(None, Some(dir))?, dir.as_path());
        let host = args.host.open()?;
        let (parts, out) = (trained::parts(&budget, images)?, &args.out);
        let begin = |claims: &Claims| trained::note((&budget, images), &parts, out, (claims, &host), start);
        let share = match args.processes.open((parts.len(), out), &args.host, &host, begin)? {
            ControlFlow::Continue(share) => share,
            ControlFlow::Break(code) => return Ok(code),
        };
        let train = |part: &Part| part.train(images.0, out, &host, &share);
        match args.host.run(|| share.each(&parts, train))? {
            Ended::Done(mut errors) => {
                errors.extend(share::others(&trained::others(&budget, images, out)?, train));
                study = study.with(&budget, images.0, errors, out)?;
            }
            other => return share::end(other, |_| Ok(())),
        }
    }
    // All of them are in the folder, whichever were asked for.
    let tables = [("table-1".to_owned(), table_1(&study)?), ("table-2".to_owned(), table_2()?)];
    let titled = || ["Table 1", "Table 2"].into_iter().zip(&tables).map(|(title, (_, table))| (title, table));
    let page = Page {
        title: "The paper's tables".to_owned(),
        tables: titled().map(|(title, table)| (title.to_owned(), table.clone())).collect(),
        ..Page::default()
    };
    let written = table::write(&tables, &args.out)
        .and_then(|()| Ok(table::write_whole(&args.out.join("paper.html"), &page.to_html())?));
    share::written(written, &args.out)?;
    let asked = [Which::One, Which::Two].into_iter().zip(titled()).filter(|(which, _)| args.tables.contains(which));
    asked.for_each(|(_, (title, table))| say!("{title}\n\n{}", table.to_markdown()));
    study.notes().iter().for_each(|note| say!("{note}"));
    say!("files: {}", args.out.display());
    Ok(ExitCode::SUCCESS)
}

fn table_1(study: &Study) -> Result<Table, Error> {
    let measured: Vec<String> = study.datasets().map(|dataset| format!("error here, {dataset}, %")).collect();
    let header = ["architecture", "parameters, M", "counted, M", "error, CIFAR-10, %", "error, CIFAR-100, %"];
    let mut table = Table::new(header.into_iter().chain(measured.iter().map(String::as_str)).chain(["search method"]));
    for system in &TABLE_1 {
        let cutout = if system.cutout { " + cutout" } else { "" };
        let mut row = vec![
            format!("{}{cutout}", system.name),
            format!("{}", system.parameters),
            counted(system.here, ModelForm::Cifar)?.map_or("-".to_owned(), |counts| millions(counts.parameters)),
        ];
        row.extend(system.errors.map(percent));
        row.extend(study.datasets().map(|dataset| study.errors(dataset, system)));
        row.push(system.search.to_owned());
        table.rows.push(row);
    }
    Ok(table)
}

fn table_2() -> Result<Table, Error> {
    let mut table = Table::new([
        "architecture",
        "parameters, M",
        "parameters counted, M",
        "multiply-adds, M",
        "multiply-adds counted, M",
        "top-1 error, %",
        "top-5 error, %",
        "error here",
        "search method",
    ]);
    for system in &TABLE_2 {
        let counts = counted(system.here, ModelForm::ImageNet)?;
        let mut row = vec![
            system.name.to_owned(),
            format!("{}", system.parameters),
            counts.map_or("-".to_owned(), |counts| millions(counts.parameters)),
            system.multiply_adds.to_string(),
            counts.map_or("-".to_owned(), |counts| millions(counts.multiply_adds)),
        ];
        row.extend(system.errors.map(percent));
        row.extend(["not run".to_owned(), system.search.to_owned()]);
        table.rows.push(row);
    }
    Ok(table)
}

/// What the network costs in its published form, for images of CIFAR-10 or ImageNet.
fn counted(here: Here, form: ModelForm) -> Result<Option<Counts>, Error> {
    let (skeleton, images, classes) = match form {
        ModelForm::Cifar => (Skeleton::cifar(), [32, 32, 3], 10),
        ModelForm::ImageNet => (Skeleton::imagenet(), [224, 224, 3], 1000),
    };
    Ok(match here {
        Here::Cell(name) => {
            let genotype = zoo::find(name)?.genotype();
            Some(count::network(&genotype, &skeleton, &genotype.space()?)?)
        }
        Here::Model(kind) => Some(ModelConfig::new(kind).graph(images, classes)?.counts()),
        Here::Nothing => None,
    })
}

fn millions(count: u64) -> String {
    format!("{:.2}", count as f64 / 1e6)
}

fn percent(error: Option<f64>) -> String {
    error.map_or("-".to_owned(), |error| format!("{error:.2}"))
}
