//! What the examples that run for long have in common.

use eoinas_train::stop::Interrupt;

/// A rule that stops a run at Ctrl-C, which lets it save its state. A second Ctrl-C ends the program at once.
///
/// # Errors
/// The system takes no handler.
pub fn interrupt() -> Result<Interrupt, ctrlc::Error> {
    let interrupt = Interrupt::default();
    let raised = interrupt.clone();
    ctrlc::set_handler(move || {
        if raised.is_raised() {
            std::process::exit(130);
        }
        raised.raise();
    })?;
    Ok(interrupt)
}
