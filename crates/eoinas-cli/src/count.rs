//! `eoinas count`: what cells and human-designed networks cost, as published tables have it.

use std::{
    path::{Component, Path, PathBuf},
    process::ExitCode,
};

use eoinas_core::models::{ModelConfig, ModelForm, ModelKind};
use eoinas_core::{Counts, Skeleton, count, nearest_name, zoo};
use serde_json::json;

use crate::{Error, Start, cell, out::say};

/// Count parameters and multiply-adds of cells and of human-designed networks, as published tables have them.
///
/// Of cells in the CIFAR form (20 cells, 36 channels, 10 classes) and in the ImageNet form (14 cells, 48 channels, 224 x 224
/// pixels, 1000 classes); cells of NAS-Bench-201 in that benchmark's network. Of networks such as resnet-110 for 32 x 32 pixels
/// and 10 classes, and for 224 x 224 pixels and 1000 classes, where they have such a form.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas count
  eoinas count darts-v2 pc-darts-cifar runs/search-embedded-v2-recommended/genotype.txt
  eoinas count mobilenet-v2 --width 0.5
  eoinas count densenet-bc --depth 100
  eoinas count darts-v2 resnet-110 --json")]
pub struct Args {
    /// Names of published cells or networks, files with a genotype in any of its text forms, or genotypes [default: all
    /// published cells and all networks]
    #[arg(value_name = "CELL|NETWORK|FILE")]
    cells: Vec<PathBuf>,
    /// Channels of the networks as a multiple of the published ones.
    #[arg(long, value_name = "FACTOR")]
    width: Option<f64>,
    /// Layers of the networks, as their names count them.
    #[arg(long, value_name = "LAYERS")]
    depth: Option<usize>,
    /// Print one JSON array instead of a table.
    #[arg(long)]
    json: bool,
}

/// What a row counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Cell,
    Network,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Cell => "cell",
            Self::Network => "network",
        }
    }
}

/// What a cell or network costs; `None` where it has no such form.
struct Row {
    kind: Kind,
    name: String,
    cifar: Option<Counts>,
    imagenet: Option<Counts>,
}

/// Counts and prints.
///
/// # Errors
/// A cell or network that is not known, cannot be read or cannot be built.
pub fn run(args: &Args, _: &Start) -> Result<ExitCode, Error> {
    let networks = || ModelKind::ALL.into_iter().map(|kind| kind.name().into());
    let names: Vec<PathBuf> = match args.cells.as_slice() {
        [] if args.changes_networks() => networks().collect(),
        [] => zoo::all().map(|cell| cell.name.into()).chain(networks()).collect(),
        names => names.to_vec(),
    };
    let rows = names.iter().map(|name| row(name, args)).collect::<Result<Vec<_>, _>>()?;
    if args.json {
        let object = |row: &Row| json!({ row.kind.name(): row.name, "cifar": row.cifar, "imagenet": row.imagenet });
        say!("{}", serde_json::Value::Array(rows.iter().map(object).collect()));
        return Ok(ExitCode::SUCCESS);
    }
    let width = rows.iter().map(|row| short(&row.name).chars().count()).max().unwrap_or(0).max(7);
    let line = |name: &str, [p, m, q, n]: [String; 4]| say!("{name:width$}  {p:>12} {m:>15}  {q:>12} {n:>15}");
    line("", ["CIFAR", "", "ImageNet", ""].map(str::to_owned));
    let kind = rows.first().map_or(Kind::Cell, |row| row.kind);
    let head = if rows.iter().all(|row| row.kind == kind) { kind.name() } else { "name" };
    line(head, ["parameters", "multiply-adds", "parameters", "multiply-adds"].map(str::to_owned));
    let shown = |counts: Option<Counts>| {
        counts.map_or(["-", "-"].map(str::to_owned), |c| [c.parameters.to_string(), c.multiply_adds.to_string()])
    };
    for row in &rows {
        let ([p, m], [q, n]) = (shown(row.cifar), shown(row.imagenet));
        line(&short(&row.name), [p, m, q, n]);
    }
    Ok(ExitCode::SUCCESS)
}

impl Args {
    fn changes_networks(&self) -> bool {
        self.width.is_some() || self.depth.is_some()
    }
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

fn row(path: &Path, args: &Args) -> Result<Row, Error> {
    let Some(model) = network(path)? else { return cell_row(path, args) };
    let name = model.called();
    let config = ModelConfig { width: args.width.unwrap_or(1.0), depth: args.depth, ..model };
    let count = |form: ModelForm| -> Result<Counts, Error> {
        let config = ModelConfig { form: Some(form), ..config.clone() };
        Ok(config.graph(form.images(), form.classes())?.counts())
    };
    // A depth may be one of either form alone.
    let counted: Vec<_> = config.name.forms().iter().map(|&form| (form, count(form))).collect();
    let of = |wanted: ModelForm| {
        counted.iter().find(|(form, _)| *form == wanted).and_then(|(_, counts)| counts.as_ref().ok().copied())
    };
    let (cifar, imagenet) = (of(ModelForm::Cifar), of(ModelForm::ImageNet));
    if cifar.or(imagenet).is_none()
        && let Some(error) = counted.into_iter().find_map(|(_, counts)| counts.err())
    {
        return Err(error);
    }
    Ok(Row { kind: Kind::Network, name, cifar, imagenet })
}

/// Whether this is a name: a path is none, though it may be spelled like one.
fn is_name(name: &Path) -> bool {
    name.components().eq([Component::Normal(name.as_os_str())])
}

/// The network of this name, or of these layers, where there is one.
fn network(name: &Path) -> Result<Option<ModelConfig>, Error> {
    let found = name.to_str().and_then(|text| text.parse::<ModelConfig>().ok());
    // Layers have strokes in them, as paths do.
    let found = found.filter(|model| ModelKind::BY_TEXT.contains(&model.name) || is_name(name));
    if found.is_some() && name.is_file() {
        let shown = name.display();
        let text = format!("{shown} is a network, and here is a file of that name; for the file write ./{shown}");
        return Err(text.into());
    }
    Ok(found)
}

/// The error of what is neither a cell nor a network, with the networks that there are and the name that was probably meant.
fn unknown(name: &Path, error: Error) -> Error {
    let text = name.to_string_lossy();
    let is_plain = text.chars().all(|c| c.is_alphanumeric() || "-_. ".contains(c));
    if !is_name(name) || !is_plain || name.exists() || zoo::find(&text).is_ok() {
        return error;
    }
    let networks = || ModelKind::ALL.map(ModelKind::name);
    let known = zoo::all().map(|cell| cell.name).chain(networks());
    let meant = nearest_name(&text, known).map_or_else(String::new, |near| format!(" (is `{near}` meant?)"));
    format!("{error}; known networks are {}{meant}", networks().join(", ")).into()
}

fn cell_row(path: &Path, args: &Args) -> Result<Row, Error> {
    let name = path.display().to_string();
    let genotype = cell::read(path).map_err(|error| unknown(path, error))?;
    if args.changes_networks() {
        let text = format!("{} is a cell; --width and --depth are of networks, such as resnet-110", short(&name));
        return Err(text.into());
    }
    let space = genotype.space().map_err(|error| format!("{name}: {error}"))?;
    let count = |skeleton: Skeleton| count::network(&genotype, &skeleton, &space);
    // A cell that reads one node is one of NAS-Bench-201, whose network has a form of its own.
    let (cifar, imagenet) = if genotype.cells.iter().all(|cell| cell.inputs == 1) {
        (count(Skeleton::nas_bench_201(5)), None)
    } else {
        (count(Skeleton::cifar()), Some(count(Skeleton::imagenet()).map_err(|error| format!("{name}: {error}"))?))
    };
    let cifar = cifar.map_err(|error| format!("{name}: {error}"))?;
    Ok(Row { kind: Kind::Cell, name, cifar: Some(cifar), imagenet })
}
