//! Where a run computes, and how it is watched and stopped: threads, device, signals, display.

use candle_core::Device;
use eoinas_train::{
    Options,
    machine::{parse_device, with_threads},
    observer::{Observer, Said, phase_display, progress_display, progress_display_after},
    stop::{Interrupt, MaxSteps},
};

use crate::{Error, flags::InFlags, out, signals};

/// The flags that set it.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Machine")]
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
    #[cfg(feature = "mlflow")]
    #[command(flatten)]
    pub tracking: crate::mlflow::Tracking,
}

/// What runs take from it.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    /// Stops a run at Ctrl-C and the like, which lets it save its state.
    interrupt: Interrupt,
    device: Device,
    quiet: bool,
    max_steps: Option<u64>,
    /// Notes that no run says again, where all runs are about the same images.
    said: Option<Said>,
    /// Whether a run is one line, where it is a phase of several.
    phases: bool,
    #[cfg(feature = "mlflow")]
    tracking: crate::mlflow::Tracking,
}

impl HostArgs {
    /// Opens the device and takes Ctrl-C, SIGTERM and SIGHUP.
    ///
    /// # Errors
    /// No such device; a system that takes no handler.
    pub(crate) fn open(&self) -> Result<Host, Error> {
        let device = parse_device(&self.device, out::note)?;
        let interrupt = Interrupt::default();
        signals::raise(interrupt.clone())?;
        Ok(Host {
            interrupt,
            device,
            quiet: self.quiet,
            max_steps: None,
            said: None,
            phases: false,
            #[cfg(feature = "mlflow")]
            tracking: self.tracking.clone(),
        })
    }

    /// Runs `work` on its threads.
    ///
    /// # Errors
    /// Those of `work`, and threads that cannot be started.
    pub(crate) fn run<T: Send>(&self, work: impl FnOnce() -> Result<T, Error> + Send) -> Result<T, Error> {
        with_threads(self.threads, work)?
    }
}

impl Host {
    /// The same, where each run stops after so many steps of this session.
    pub(crate) fn with_max_steps(self, max_steps: Option<u64>) -> Self {
        Self { max_steps, ..self }
    }

    /// The same, where no note is said twice, whatever runs there are.
    pub(crate) fn saying_notes_once(self) -> Self {
        Self { said: Some(Said::default()), ..self }
    }

    /// The same on a stream of its own on that GPU, without a display.
    ///
    /// # Errors
    /// A GPU that cannot be opened again.
    pub(crate) fn beside(&self, machine: &HostArgs) -> Result<Self, Error> {
        let device = parse_device(&machine.device, |_| {})?;
        Ok(Self { device, quiet: true, ..self.clone() })
    }

    /// The same of a process that leaves speaking to another.
    pub(crate) fn silent(self) -> Self {
        Self {
            quiet: true,
            #[cfg(feature = "mlflow")]
            tracking: crate::mlflow::Tracking::default(),
            ..self
        }
    }

    /// Whether networks are on the CPU.
    pub(crate) fn is_cpu(&self) -> bool {
        self.device.is_cpu()
    }

    /// The same, where each phase of the work is one line, or not.
    #[cfg(feature = "images")]
    pub(crate) fn with_phases(self, phases: bool) -> Self {
        Self { phases, ..self }
    }

    /// Something that the user should know, unless it was said.
    #[cfg(feature = "images")]
    pub(crate) fn note(&self, text: &str) {
        let text = crate::flags::in_note(text);
        if self.said.as_ref().is_none_or(|said| said.first(&text)) {
            out::note(&text);
        }
    }

    /// What is raised when the program is asked to end.
    pub(crate) fn interrupt(&self) -> Interrupt {
        self.interrupt.clone()
    }

    /// Where networks are.
    #[cfg(all(feature = "images", feature = "report"))]
    pub(crate) fn device(&self) -> &Device {
        &self.device
    }

    /// A line for people, unless they want none.
    pub(crate) fn tell(&self, text: &str) {
        if !self.quiet {
            out::note(text);
        }
    }

    /// What the run of a phase needs, whose name is said.
    pub(crate) fn options_of(&self, phase: &str) -> Options {
        match self.phases {
            true => self.options_with(|| phase_display(phase, self.said.clone().unwrap_or_default())),
            false => self.options(),
        }
    }

    /// The same of what is set beside a result; where it is no line of its own, its name is said before.
    pub(crate) fn options_beside(&self, name: &str) -> Options {
        if !self.phases {
            self.tell(&format!("set beside it: {name}"));
        }
        self.options_of(name)
    }

    /// What a run needs beside its settings.
    pub(crate) fn options(&self) -> Options {
        self.options_with(|| self.said.clone().map_or_else(progress_display, progress_display_after))
    }

    fn options_with(&self, display: impl FnOnce() -> Box<dyn Observer>) -> Options {
        let mut options = Options { command: command(), ..Options::default() };
        options.device = self.device.clone();
        options.rules.push(Box::new(self.interrupt.clone()));
        options.rules.extend(self.max_steps.map(|steps| Box::new(MaxSteps(steps)) as _));
        options.observers.extend((!self.quiet).then(|| Box::new(InFlags(display())) as _));
        #[cfg(feature = "mlflow")]
        options.observers.extend(self.tracking.observer());
        options
    }

    /// The same of a run of the study in that folder.
    #[cfg(any(feature = "images", feature = "report"))]
    pub(crate) fn options_in(&self, study: &std::path::Path) -> Options {
        Options { study: Some(study.to_owned()), ..self.options() }
    }
}

/// The command line, for the record; what is no Unicode in it is shown as it can be.
pub(crate) fn command() -> Vec<String> {
    std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect()
}

#[cfg(test)]
impl HostArgs {
    /// Two threads of the CPU.
    pub(crate) fn of_tests() -> Self {
        Self {
            threads: Some(2),
            device: "cpu".to_owned(),
            quiet: true,
            #[cfg(feature = "mlflow")]
            tracking: Default::default(),
        }
    }
}

#[cfg(test)]
impl Host {
    /// The CPU, where no signal is waited for.
    pub(crate) fn of_tests() -> Self {
        Self {
            interrupt: Interrupt::default(),
            device: Device::Cpu,
            quiet: true,
            max_steps: None,
            said: None,
            phases: false,
            #[cfg(feature = "mlflow")]
            tracking: Default::default(),
        }
    }
}
