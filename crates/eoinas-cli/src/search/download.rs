//! CIFAR from its home, with a bar.

use std::path::PathBuf;

use eoinas_data::SourceKind;

use crate::Error;

#[cfg(feature = "download")]
pub(super) fn fetch(dataset: SourceKind, dir: PathBuf) -> Result<PathBuf, Error> {
    use eoinas_data::download::{self, Archive};
    let archive = match dataset {
        SourceKind::Cifar10 => Archive::cifar10(),
        SourceKind::Cifar100 => Archive::cifar100(),
        other => return Err(format!("--download fetches cifar10 and cifar100, not {other}").into()),
    };
    // A folder with something else is no place for it, and may have been given by mistake.
    if let Some(other) = dir.is_dir().then(|| SourceKind::detect(&dir).ok()).flatten().filter(|other| *other != dataset)
    {
        let other = if other == SourceKind::Folder {
            "folders of pictures".to_owned()
        } else {
            format!("the files of {other}")
        };
        return Err(format!(
            "--download fetches {dataset} to --data, and {} has {other}; leave --download out, or give another folder",
            dir.display()
        )
        .into());
    }
    let style = indicatif::ProgressStyle::with_template("{bar:24} {bytes}/{total_bytes} {eta} left")?;
    let bar = indicatif::ProgressBar::new(0).with_style(style);
    let folder = download::fetch(&archive, &dir, &mut |progress| {
        bar.set_length(progress.total.unwrap_or(progress.done));
        bar.set_position(progress.done);
    });
    bar.finish_and_clear();
    Ok(folder?)
}

#[cfg(not(feature = "download"))]
pub(super) fn fetch(_: SourceKind, _: PathBuf) -> Result<PathBuf, Error> {
    Err("this program was built without the feature `download`; build it with it, or fetch the files by hand".into())
}
