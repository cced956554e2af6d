//! The page on the screen.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Asks the system to show a page in the reader's browser, and does not wait for that. Gives whether something was
/// started: where nothing was, the path that is printed has to do.
pub fn show(page: &Path) -> bool {
    let mut command = if cfg!(windows) {
        let mut command = Command::new("cmd");
        command.args(["/C", "start", ""]);
        command
    } else {
        Command::new(if cfg!(target_os = "macos") { "open" } else { "xdg-open" })
    };
    // A path from the root is no option, whatever the page is called.
    let page = std::path::absolute(page).unwrap_or_else(|_| Path::new(".").join(page));
    command.arg(page).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().is_ok()
}
