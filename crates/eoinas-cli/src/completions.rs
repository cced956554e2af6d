//! `eoinas completions`: what a shell reads to complete commands and flags.

use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::{Error, Program, Start, out};

/// Print what a shell reads to complete commands and flags.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas completions bash > ~/.local/share/bash-completion/completions/eoinas
  eoinas completions zsh > ~/.zfunc/_eoinas
  eoinas completions fish > ~/.config/fish/completions/eoinas.fish")]
pub struct Args {
    /// The shell.
    shell: Shell,
}

/// Prints the script.
///
/// # Errors
/// None; it has the form of the other commands.
pub fn run(args: &Args, _: &Start) -> Result<ExitCode, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Program::command(), "eoinas", &mut script);
    out::text(&String::from_utf8_lossy(&script));
    Ok(ExitCode::SUCCESS)
}
