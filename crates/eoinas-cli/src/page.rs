//! The page of a run at its end.

use std::path::Path;

use crate::{Error, host::Host};

/// Whether the run ends with its page.
#[derive(Debug, clap::Args)]
pub struct PageArgs {
    /// When the run ends or is stopped, write report.html to its folder and open it in the browser.
    #[arg(long)]
    open_report: bool,
}

impl PageArgs {
    /// Whether it can be done, which is asked before the run rather than after it.
    ///
    /// # Errors
    /// The page is wanted, and the program was built without the feature `report`.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.open_report && !cfg!(feature = "report") {
            let text = "--open-report: this program was built without the feature `report`; build it with \
                        `--features report`, or leave the flag out and make the page later with `eoinas report`";
            return Err(text.into());
        }
        Ok(())
    }

    /// Writes the page of the runs in a folder and opens it. What goes wrong is said, and leaves the run's result alone.
    pub(crate) fn end(&self, folder: &Path) {
        if self.open_report {
            write_and_show(folder);
        }
    }
}

/// Has the network of a training that is done say what it takes its test pictures for, for the page of whoever asks for it, then or
/// later.
pub(crate) fn keep_evaluation(training: &Path, host: &Host) {
    #[cfg(all(feature = "images", feature = "report"))]
    crate::evaluate::keep(training, host);
    #[cfg(not(all(feature = "images", feature = "report")))]
    let _ = (training, host);
}

#[cfg(feature = "report")]
fn write_and_show(folder: &Path) {
    use crate::out::tell;
    match eoinas_report::write(&[folder.to_owned()], &eoinas_report::Options::default()) {
        Ok(written) => {
            let shown = eoinas_report::show(&written.page);
            tell!("{}: {}", if shown { "the report" } else { "open the report by hand" }, written.page.display());
        }
        Err(error) => tell!("no report: {error}"),
    }
}

#[cfg(not(feature = "report"))]
fn write_and_show(_: &Path) {}
