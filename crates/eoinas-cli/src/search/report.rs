//! What a search came to.

use std::{ffi::OsString, path::Path, process::ExitCode};

use eoinas_core::{
    counted,
    run_folder::{self, names},
};
use eoinas_train::{Found, OnFront, Outcome, RunDir, Runs, SearchConfig, Seeds, config::NetworkSize};
use serde_json::Value;

use super::{Args, Then};
use crate::{
    Error, Start, data, end,
    limits::{self, in_words},
    out::say,
    then_train,
};

/// Cells of a front that are printed unless all are asked for.
const FEW: usize = 3;

/// Prints what came out, and says how the program ends.
///
/// # Errors
/// A folder that cannot be read.
pub(super) fn report(
    args: &Args,
    (folder, config): (&Path, &SearchConfig),
    outcome: &Outcome<Found>,
    then: Option<&Outcome<Then>>,
    start: &Start,
) -> Result<ExitCode, Error> {
    // One of several seeds, or what an earlier session found, is no news of the display's.
    let earlier = Seeds::is_in(folder) || args.resume.is_some() && then.is_some();
    let said = !earlier && !args.host.quiet;
    let (code, json) = match (outcome, then) {
        (Outcome::Stopped(reason), _) | (_, Some(Outcome::Stopped(reason))) => {
            end::stopped(reason, "search", folder, start)
        }
        (Outcome::Done(found), None) => {
            if !args.json {
                print_found(found, folder, said, false);
                let train = |file: &Path| training_of(file, config, (found.channels, found.cells), start);
                say!("train it: {}", train(&folder.join(names::GENOTYPE_TEXT)));
                print_front(found, folder, args.verbose, train);
            }
            (ExitCode::SUCCESS, as_json(found, folder, None)?)
        }
        (Outcome::Done(found), Some(Outcome::Done(then))) => {
            if !args.json {
                print_found(found, folder, said, true);
                then_train::print_trained(&RunDir::open(folder)?, &then.trained, start)?;
                if let Some(baselines) = &then.baselines {
                    let best_of = folder.join(names::GOING_ON).exists().then_some(found.finalists.len());
                    baselines.print(&then.trained, best_of);
                }
            }
            (ExitCode::SUCCESS, as_json(found, folder, Some(then))?)
        }
    };
    if args.json {
        say!("{json}");
    }
    Ok(code)
}

fn as_json(found: &Found, folder: &Path, then: Option<&Then>) -> Result<Value, Error> {
    let mut json = serde_json::to_value(found)?;
    json["run"] = folder.display().to_string().into();
    if let Some(Then { trained, baselines }) = then {
        json["trained"] = serde_json::to_value(trained)?;
        if let Some(baselines) = baselines {
            json["baselines"] = serde_json::to_value(baselines)?;
        }
    }
    Ok(json)
}

/// The command that trains the network of the cell in a file, on the images of the search.
fn training_of(file: &Path, config: &SearchConfig, size: (Option<usize>, Option<usize>), start: &Start) -> String {
    let mut words = vec!["--genotype".into(), file.as_os_str().to_owned()];
    words.extend(data::flags_of(&config.data));
    let most = config.network.max_ops;
    words.extend(most.iter().flat_map(|most| ["--max-ops".into(), most.to_string().into()]));
    words.extend(limits::flags_of(&config.limits, size));
    start.line("train", words.iter().map(OsString::as_os_str))
}

/// Says which cells beside the result are on the front of the finals, a line each: the cheapest first.
fn print_front(found: &Found, folder: &Path, all: bool, train: impl Fn(&Path) -> String) {
    let folder = match Seeds::is_in(folder) {
        true => folder.join(run_folder::seed(found.seed)),
        false => folder.to_owned(),
    };
    let others = found.front.iter().filter(|of| of.finalist != 0);
    let shown = if all { usize::MAX } else { FEW };
    for OnFront { finalist, file, network } in others.clone().take(shown) {
        let Some((finalist, (score, _))) = found.finalists.get(*finalist).and_then(|one| Some((one, one.last()?)))
        else {
            continue;
        };
        let of = match (finalist.scores.len(), found.finalists.first().map_or(0, |first| first.scores.len())) {
            (own, most) if own < most => format!(" after round {own} of {most}"),
            _ => String::new(),
        };
        say!(
            "on the front of the finals: {score}{of}, {} parameters, {} multiply-adds: {}",
            in_words(network.parameters),
            in_words(network.multiply_adds),
            train(&folder.join(file))
        );
    }
    let more = others.count().saturating_sub(shown);
    if more > 0 {
        say!("{} more in {} (--verbose)", counted(more, "cell", "cells"), folder.join(names::FRONT).display());
    }
}

/// Says what was found; `said` what the display has said already, `trained` whether its network's training is told next.
fn print_found(found: &Found, folder: &Path, said: bool, trained: bool) {
    say!("{}", found.genotype);
    let accuracy = 100.0 * found.validation_accuracy;
    let what = match found.finalists.len() {
        _ if found.untrained && trained => "chosen by what it promises, before any training".to_owned(),
        _ if found.untrained => "nothing was trained, so that no accuracy is known yet".to_owned(),
        0 => format!("validation accuracy of the derived network with the search's weights: {accuracy:.2} %"),
        cells => {
            format!(
                "best of {cells} cells that were trained for a short time, on held-out training images: {accuracy:.2} %"
            )
        }
    };
    say!("{what} (seed {}, {}, {:.0} s)", found.seed, counted(found.epochs, "epoch", "epochs"), found.seconds);
    if !trained {
        say!(
            "the network to train with it: {}{} parameters, {} multiply-adds",
            limits::size(found.channels, found.cells),
            in_words(found.parameters),
            in_words(found.multiply_adds)
        );
    }
    if let Some(NetworkSize { channels, cells, parameters, multiply_adds, .. }) = found.paper_form {
        let (parameters, multiply_adds) = (in_words(parameters), in_words(multiply_adds));
        say!(
            "at the paper's size (C = {channels}, {cells} cells): {parameters} parameters, {multiply_adds} multiply-adds"
        );
    }
    // What the display has said just before is not said again.
    let warnings = found.warnings.iter().filter(|_| !said);
    warnings.for_each(|warning| say!("warning: {warning}"));
    say!("files: {}", folder.display());
}
