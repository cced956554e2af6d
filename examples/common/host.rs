//! Where an example runs: threads, device, Ctrl-C, and how much it says.

use candle_core::Device;
use eoinas_train::{
    SearchOptions, TrainOptions,
    machine::{parse_device, with_threads},
    observer::progress_display,
    stop::Interrupt,
};

use super::Error;

/// The flags that set it.
#[derive(Clone, Debug, clap::Args)]
pub struct HostArgs {
    /// Threads of the kernels on the CPU; results do not depend on it [default: all cores]
    #[arg(long)]
    pub threads: Option<usize>,
    /// cpu, cuda, cuda:N, or auto: a GPU if there is one.
    #[arg(long, default_value = "cpu")]
    pub device: String,
    /// No progress display.
    #[arg(long)]
    pub quiet: bool,
}

/// What runs take from it.
#[derive(Debug)]
pub struct Host {
    /// Stops a run at Ctrl-C, which lets it save its state. A second Ctrl-C ends the program at once.
    interrupt: Interrupt,
    device: Device,
    quiet: bool,
}

impl HostArgs {
    /// Opens the device and takes Ctrl-C.
    ///
    /// # Errors
    /// No such device; a system that takes no handler.
    pub fn open(&self) -> Result<Host, Error> {
        let device = parse_device(&self.device, super::note)?;
        let interrupt = Interrupt::default();
        let raised = interrupt.clone();
        ctrlc::set_handler(move || {
            if raised.is_raised() {
                std::process::exit(130);
            }
            raised.raise();
        })?;
        Ok(Host { interrupt, device, quiet: self.quiet })
    }

    /// Runs `work` on its threads.
    ///
    /// # Errors
    /// Those of `work`, and threads that cannot be started.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> Result<T, Error> + Send) -> Result<T, Error> {
        with_threads(self.threads, work)?
    }
}

impl Host {
    /// What a search needs beside its settings.
    pub fn search_options(&self) -> SearchOptions {
        let mut options = SearchOptions { command: std::env::args().collect(), ..SearchOptions::default() };
        options.device = self.device.clone();
        options.rules.push(Box::new(self.interrupt.clone()));
        options.observers.extend((!self.quiet).then(progress_display));
        options
    }

    /// The same for a training.
    pub fn train_options(&self) -> TrainOptions {
        let mut options = TrainOptions { command: std::env::args().collect(), ..TrainOptions::default() };
        options.device = self.device.clone();
        options.rules.push(Box::new(self.interrupt.clone()));
        options.observers.extend((!self.quiet).then(progress_display));
        options
    }
}
