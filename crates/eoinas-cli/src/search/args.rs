//! The flags of `eoinas search`.

use std::{path::PathBuf, time::Duration};

use clap::ValueEnum;
use eoinas_train::{MethodKind, Preset};

use crate::{
    Error, MOST_RUNS, choices,
    data::ImageFlags,
    host::{Host, HostArgs},
    limits::LimitFlags,
    page::PageArgs,
    share::{self, Processes},
};

/// Search for a cell by operation importance (EoiNAS), or by another method on the same loop.
///
/// Without arguments it shows what there is, in under three minutes on two cores: the preset `recommended` on images that are
/// built in, with --time 160s --then-train --baselines. The run's folder has the cell (genotype.txt, genotype.json), the
/// settings, a record of every event, and checkpoints: a run that was stopped, by Ctrl-C or by the power, goes on to the same
/// bytes with --resume.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas search
  eoinas search --data cifar-10-batches-bin --time 20m --then-train --baselines
  eoinas search --data cifar-10-batches-bin --preset paper
  eoinas search --download --dataset cifar100 --method gdas --seeds 4
  eoinas search --resume runs/search-embedded-v2-recommended
  eoinas search --preset paper --print-config > mine.toml
  eoinas search --config mine.toml --epochs 50")]
pub struct Args {
    #[command(flatten)]
    pub(super) images: ImageFlags,
    /// Use only so many training images, both halves together; 0: all.
    #[arg(long, help_heading = "Images")]
    pub(super) train_images: Option<usize>,
    /// Fetch CIFAR (cifar10, or what --dataset says) to --data [default: data] when it is not there.
    #[arg(long, help_heading = "Images")]
    pub(super) download: bool,
    /// Settings to start from [default: that of --config, else recommended]
    #[arg(long, help_heading = "Settings", value_parser = choices::presets())]
    pub(super) preset: Option<Preset>,
    /// File with settings, of which flags are the stronger: TOML with the names of config.json, or a config.json.
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    pub(super) config: Option<PathBuf>,
    /// Print the settings as a file for --config, and do nothing.
    #[arg(long, help_heading = "Settings", conflicts_with_all = ["time", "seeds", "then_train", "baselines", "train_epochs", "max_latency", "out", "max_steps",
        "json", "verbose", "open_report"])]
    pub(super) print_config: bool,
    /// Everything random follows from it [default: 0]
    #[arg(long, help_heading = "Settings")]
    pub(super) seed: Option<u64>,
    /// Search with so many seeds and pick the best cell by validation.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=MOST_RUNS), help_heading = "Settings")]
    pub(super) seeds: u64,
    /// Passes over the training half.
    #[arg(long, help_heading = "Settings")]
    pub(super) epochs: Option<usize>,
    /// Fit the search to a time, such as 20m or 1h 30m: some steps are measured, then epochs and finalists are chosen once. With
    /// --then-train half of it is the training's, or all that a search without finals leaves.
    #[arg(long, value_parser = crate::time::parse, conflicts_with = "epochs", help_heading = "Settings")]
    pub(super) time: Option<Duration>,
    /// Images in a step.
    #[arg(long, help_heading = "Settings")]
    pub(super) batch_size: Option<usize>,
    /// Initial number of channels C.
    #[arg(long, help_heading = "Settings")]
    pub(super) channels: Option<usize>,
    /// Number of cells L.
    #[arg(long, help_heading = "Settings")]
    pub(super) cells: Option<usize>,
    /// The most ops of a network [default: 100000]
    #[arg(long, value_name = "N", help_heading = "Settings")]
    pub(super) max_ops: Option<usize>,
    /// The search method [default: the preset's]
    #[arg(long, help_heading = "Method", value_parser = choices::methods())]
    pub(super) method: Option<MethodKind>,
    /// One sampled op an edge, or all of them weighted [default: the preset's]
    #[arg(long, value_enum, help_heading = "Method")]
    pub(super) path: Option<Paths>,
    /// Paths drawn for each update, of which it takes the mean gradient [default: 1]
    #[arg(long, help_heading = "Method")]
    pub(super) paths_per_step: Option<usize>,
    /// Search with 1/K of the channels in every op, as PC-DARTS with K = 4 [default: all of them]
    #[arg(long, value_name = "K", help_heading = "Method")]
    pub(super) partial_channels: Option<usize>,
    /// What the edges that enter a node are weighed by [default: equal]
    #[arg(long, value_enum, help_heading = "Method")]
    pub(super) edges: Option<Edges>,
    #[command(flatten)]
    pub(super) limits: LimitFlags,
    /// Compare so many cells at the end, the found one and those that differ from it in one choice, by short trainings; 0: none
    /// [default: the preset's]
    #[arg(long, value_name = "CELLS", help_heading = "Method")]
    pub(super) finalists: Option<usize>,
    /// Then train the network of the found cell from scratch with the preset `quick`, measure it and save it.
    #[arg(long, help_heading = "Then")]
    pub(super) then_train: bool,
    /// And set it beside the network of a random cell with as many multiply-adds and a linear classifier, trained on the same
    /// images.
    #[arg(long, requires = "then_train", help_heading = "Then")]
    pub(super) baselines: bool,
    /// Epochs of that training [default: the preset's]
    #[arg(long, requires = "then_train", help_heading = "Then")]
    pub(super) train_epochs: Option<usize>,
    /// Folder for the files of the run, which must not exist [default: runs/search-...]
    #[arg(long, value_parser = crate::start::path(), value_name = "DIR", help_heading = "Run")]
    pub(super) out: Option<PathBuf>,
    /// Go on with the run in this folder, with the settings it was started with.
    #[arg(long, value_name = "DIR", help_heading = "Run", conflicts_with_all = ["data", "dataset", "preset", "config",
        "print_config", "seed", "seeds", "epochs", "batch_size", "channels", "cells", "max_ops", "train_images", "image_size",
        "skip_unreadable", "max_pixels", "labels", "method", "path",
        "paths_per_step", "partial_channels", "edges", "max_parameters", "max_multiply_adds",
        "max_latency", "time", "finalists", "out", "download", "then_train", "baselines", "train_epochs"])]
    pub(super) resume: Option<PathBuf>,
    /// With --resume: where a search with --time is late by what it took so far, make what is left of its plan anew. It then
    /// depends on the clock, and equals no other run.
    #[arg(long, help_heading = "Run")]
    pub(super) replan: bool,
    /// Stop after so many steps of this session; the run can be resumed.
    #[arg(long, help_heading = "Run")]
    pub(super) max_steps: Option<u64>,
    /// Print one JSON object as the last line.
    #[arg(long, help_heading = "Run")]
    pub(super) json: bool,
    /// Name all cells on the front of the finals, not only a few.
    #[arg(long, help_heading = "Run", conflicts_with = "json")]
    pub(super) verbose: bool,
    #[command(flatten, next_help_heading = "Run")]
    pub(super) page: PageArgs,
    #[command(flatten)]
    pub(super) processes: Processes,
    #[command(flatten)]
    pub(super) host: HostArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Paths {
    Sampled,
    Mixture,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Edges {
    /// All count alike.
    Equal,
    /// By the softmax of their parameters (PC-DARTS).
    Normalised,
    /// Two of them are sampled (ROME).
    Sampled,
}

/// What follows a search, and the time for all of it.
pub(super) struct Asked {
    pub time: Option<Duration>,
    pub then_train: bool,
    pub baselines: bool,
}

/// The time of a search of which nothing is said.
const DEFAULT_TIME: Duration = Duration::from_secs(160);

impl Args {
    /// What the flags say; where nothing is said of what is searched for and how, all that there is to show.
    pub(super) fn asked(&self, host: &Host) -> Asked {
        let Self { then_train, baselines, time, .. } = *self;
        if !self.says_nothing() {
            return Asked { time, then_train, baselines };
        }
        let seconds = DEFAULT_TIME.as_secs();
        host.tell(&format!("nothing else was asked for: as with --time {seconds}s --then-train --baselines"));
        Asked { time: Some(DEFAULT_TIME), then_train: true, baselines: true }
    }

    /// Whether the flags of several processes fit what is searched for: what is `shared`, or was begun by one process.
    ///
    /// # Errors
    /// One that does not.
    pub(super) fn check_processes(&self, shared: bool) -> Result<(), Error> {
        let alone = [
            (self.time.is_some() || self.says_nothing(), share::OF_A_TIME),
            (self.max_steps.is_some() && self.processes.starts_others(), share::STEPS_OF_ONE),
            (
                self.then_train,
                "what follows a search is done by one process; leave --then-train out, and train its cell then",
            ),
        ];
        let what =
            "a search that began with it, or of several seeds; this one is one process's, and goes on without it";
        self.processes.check((shared, what), self.out.as_deref(), &alone)
    }

    pub(super) fn says_nothing(&self) -> bool {
        // In whole, so that no flag is forgotten here.
        #[rustfmt::skip]
        let Self {
            images, train_images, download, preset, config, print_config, seeds, epochs, time, batch_size, channels, cells,
            max_ops, method, path, paths_per_step, partial_channels, edges, limits, finalists, then_train, baselines,
            train_epochs, resume,
            seed: _, out: _, replan: _, max_steps: _, json: _, verbose: _, page: _, processes: _, host: _,
        } = self;
        let numbers = [train_images, epochs, batch_size, channels, cells, max_ops];
        let of_method = [paths_per_step, partial_channels, finalists, train_epochs];
        images.are_none()
            && limits.are_none()
            && numbers.into_iter().chain(of_method).all(Option::is_none)
            && *seeds == 1
            && (preset.is_none() && config.is_none() && time.is_none() && resume.is_none())
            && (method.is_none() && path.is_none() && edges.is_none())
            && ![download, print_config, then_train, baselines].into_iter().any(|flag| *flag)
    }
}
