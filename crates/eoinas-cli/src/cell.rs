//! A cell that is named on the command line: a file's, or a published one.

use std::path::Path;

use eoinas_core::{Genotype, zoo};

use crate::Error;

/// The genotype in the file `name`, in any of its text forms; else the published cell that is called so.
///
/// # Errors
/// Neither is there; a file that cannot be read or is no genotype.
pub(crate) fn read(name: &Path) -> Result<Genotype, Error> {
    let shown = name.display();
    if !name.exists() {
        let published = zoo::find(&name.to_string_lossy());
        return Ok(published.map_err(|error| format!("there is no file {shown}, and {error}"))?.genotype());
    }
    let text =
        std::fs::read_to_string(name).map_err(|error| format!("cannot read the genotype in {shown}: {error}"))?;
    Ok(Genotype::parse(&text).map_err(|error| format!("{shown}: {error}"))?)
}
