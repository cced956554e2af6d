//! A cell that is named on the command line: a file's, a published one, or the genotype itself.

use std::{
    fs::File,
    path::{Component, Path},
};

use eoinas_core::{Genotype, file, genotype::MAX_BYTES, zoo};

use crate::Error;

/// Bytes of a genotype in any encoding, at most.
const LONGEST: u64 = 2 * MAX_BYTES as u64 + 2;

/// The genotype in the file `name`, in any of its text forms; else the published cell that is called so; else the genotype
/// that the text itself is.
///
/// # Errors
/// Neither is there, or both are; a file that cannot be read or is no genotype.
pub(crate) fn read(name: &Path) -> Result<Genotype, Error> {
    let shown = name.display();
    // A path is no name, though it may be spelled like one.
    let is_name = name.components().eq([Component::Normal(name.as_os_str())]);
    let published = zoo::find(&name.to_string_lossy());
    match published {
        Ok(published) if is_name && !name.is_file() => return Ok(published.genotype()),
        Ok(_) if is_name => {
            let text =
                format!("{shown} is a published cell, and here is a file of that name; for the file write ./{shown}");
            return Err(text.into());
        }
        _ if !name.exists() && is_text(name) => return Ok(Genotype::parse_bytes(name.as_os_str().as_encoded_bytes())?),
        Err(error) if !name.exists() => return Err(format!("there is no file {shown}, and {error}").into()),
        _ if !name.exists() => return Err(format!("there is no file {shown}").into()),
        _ => {}
    }
    // Not plain files alone: the shell's <(...) is a pipe. What has no end is refused.
    let read = File::open(name).and_then(|source| file::read_from(source, LONGEST));
    let bytes = read.map_err(|error| format!("cannot read the genotype in {shown}: {error}"))?;
    Ok(Genotype::parse_bytes(&bytes).map_err(|error| format!("{shown}: {error}"))?)
}

/// Whether this is the text of a genotype rather than the name of anything: every form has one of these marks.
fn is_text(name: &Path) -> bool {
    name.to_string_lossy().contains(['(', '{', '|', '\n'])
}
