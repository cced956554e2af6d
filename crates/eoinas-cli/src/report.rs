//! `eoinas report`: what a run shows, as one page.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use eoinas_core::event::shell_word;
use eoinas_report::{Options, record, tensorboard::Follower};

use crate::{Error, Start, out::say};

/// Write report.html, pictures and tables from the records of runs.
///
/// Of a search, a training, or several of them, finished or going on: the cell, the curves, what was pruned when and why.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas report runs/search-embedded-v2-recommended --open
  eoinas report runs/eoinas runs/gdas runs/random --out compared --tensorboard
  eoinas report runs/search-embedded-v2-recommended --follow 60
  eoinas report runs/ablation")]
pub struct Args {
    /// Folders of runs, of several runs (seeds, trials), or of studies
    #[arg(required = true, value_name = "RUN_DIR")]
    runs: Vec<PathBuf>,
    /// Folder for the report [default: the first RUN_DIR]
    #[arg(long, value_parser = crate::start::path(), value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write TensorBoard event files, too (to DIR/tensorboard)
    #[arg(long)]
    tensorboard: bool,
    /// Go on until the runs end: write the report anew every so many seconds, and TensorBoard events as they come
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "30")]
    follow: Option<u64>,
    /// Table of `name,weight,accuracy` lines for the correlation plot (the paper's Figure 1)
    #[arg(long, value_name = "FILE")]
    correlation: Option<PathBuf>,
    /// Leave the PNG files out, which take longest
    #[arg(long)]
    no_png: bool,
    /// Open the page in the browser
    #[arg(long)]
    open: bool,
}

/// Writes the page, its pictures and tables.
///
/// # Errors
/// A folder that is no run's; files that cannot be written.
pub fn run(args: &Args, _: &Start) -> Result<ExitCode, Error> {
    let (out, correlation) = (args.out.clone(), args.correlation.clone());
    // While runs are followed, their event files are written as events come.
    let options =
        Options { out, correlation, png: !args.no_png, tensorboard: args.tensorboard && args.follow.is_none() };
    let mut written = eoinas_report::write(&args.runs, &options)?;
    if args.open {
        eoinas_report::show(&written.page);
    }
    if let Some(seconds) = args.follow {
        say!("{}: written anew every {seconds} s until the runs end", written.page.display());
        let mut followers = if args.tensorboard { followers(args, &written.page)? } else { Vec::new() };
        loop {
            // After the page was written: what it calls finished is followed to its end.
            for follower in &mut followers {
                follower.catch_up()?;
            }
            if !written.unfinished {
                break;
            }
            std::thread::sleep(Duration::from_secs(seconds.max(1)));
            written = eoinas_report::write(&args.runs, &options)?;
        }
    }
    for run in &written.runs {
        say!("{run}");
    }
    say!("pictures: {} in {}", written.count, written.pictures.display());
    for table in &written.tables {
        say!("{}", table.display());
    }
    if let Some(folder) = &written.tensorboard {
        say!("tensorboard --logdir {}", shell_word(folder));
    }
    say!("{}", written.page.display());
    Ok(ExitCode::SUCCESS)
}

fn followers(args: &Args, page: &Path) -> Result<Vec<Follower>, Error> {
    let folder = page.with_file_name("tensorboard");
    let mut followers = Vec::new();
    for source in record::open(&args.runs)? {
        for run in &source.runs {
            followers.push(Follower::new(&run.dir, &folder.join(source.place(run)))?);
        }
    }
    Ok(followers)
}
