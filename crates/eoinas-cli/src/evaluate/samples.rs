//! What is evaluated: which images, and which of the network's classes each has.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use eoinas_core::{Target, ValueKind, run_folder::names};
use eoinas_data::{
    DataError, Dataset, FolderConfig, ImageFolder, MAX_PIXELS, Part, Samples as Values, Source, SourceKind,
};
use eoinas_nn::saved::Description;
use eoinas_train::{RunDir, Training};

use super::{Asked, Which};
use crate::{Error, data::kind_of, sight::Sight};

/// Images with their classes.
#[derive(Debug)]
pub(super) struct Samples {
    /// What they are, in words.
    pub on: String,
    /// Which part of the data.
    pub part: Which,
    /// What the user should know.
    pub notes: Vec<String>,
    /// The images.
    pub entries: Vec<Entry>,
    sight: Sight,
}

/// One image.
#[derive(Debug)]
pub(super) struct Entry {
    /// What it is called: its file, or part and index.
    pub name: String,
    /// The network's class of this name.
    pub class: usize,
    place: Place,
}

#[derive(Debug)]
enum Place {
    File(PathBuf),
    Set(Arc<dyn Dataset>, usize),
}

impl Samples {
    /// Those that the flags mean.
    ///
    /// # Errors
    /// No such images, another size than the network's, classes that `classes`, those of the network, lacks.
    pub(super) fn open(asked: &Asked<'_>, description: &Description, classes: &[String]) -> Result<Self, Error> {
        asked.dataset.map_or(Ok(()), |kind| asked.pictures.check(kind))?;
        let beside = asked.pictures.beside();
        let dir = asked.data.or(beside);
        let kind = kind_of(asked.dataset.or(beside.map(|_| SourceKind::Folder)), dir)?;
        asked.pictures.check(kind)?;
        let sight = Sight::of(description, asked.pictures.max_pixels.unwrap_or(MAX_PIXELS))?;
        let mut samples = match (kind, dir) {
            (SourceKind::Folder, Some(dir)) => of_folder(dir, asked, classes, sight)?,
            (_, dir) => of_set(Source::new(kind, dir.map(Path::to_owned)), asked, description, classes, sight)?,
        };
        let there: BTreeSet<usize> = samples.entries.iter().map(|entry| entry.class).collect();
        let absent = classes.iter().zip(0..).filter(|(_, class)| !there.contains(class)).map(|(name, _)| name);
        let absent = quoted(absent);
        if !absent.is_empty() {
            samples.notes.push(format!("no picture of {absent}: nothing says how well that is known"));
        }
        Ok(samples)
    }

    /// The pixels of an image as the network sees it, `[height, width, channels]`.
    ///
    /// # Errors
    /// An image that cannot be read.
    pub(super) fn pixels(&self, entry: &Entry) -> Result<Vec<u8>, DataError> {
        match &entry.place {
            Place::File(path) => self.sight.file(path),
            Place::Set(set, index) => {
                let mut values = Values::zeros(ValueKind::Bytes, set.info().image_len());
                set.read(*index, values.as_values())?;
                match values {
                    Values::Bytes(bytes) => Ok(bytes),
                    Values::Floats(_) => Ok(Vec::new()),
                }
            }
        }
    }
}

/// Pictures in folders. None is read yet.
fn of_folder(dir: &Path, asked: &Asked<'_>, classes: &[String], sight: Sight) -> Result<Samples, Error> {
    let config = FolderConfig { labels: asked.pictures.labels.clone(), ..FolderConfig::default() };
    let list = ImageFolder::list(dir, &config)?;
    let class = matched(dir.display(), &list.classes, classes)?;
    let learned = learned_from(asked.model, dir);
    let changed = if learned { changed(asked.model) } else { None };
    let part = asked.part.unwrap_or(if list.held_out.is_none() || learned { Which::Test } else { Which::All });
    let mut notes = list.notes;
    if let (Some(changed), true) = (changed, list.held_out.is_some()) {
        notes.push(format!(
            "{changed}: which pictures the training held out cannot be told any more, and the network may have learned from these"
        ));
    }
    match (part, list.held_out) {
        (Which::Test, Some(held_out)) => notes.push(held_out),
        (Which::All, Some(_)) if asked.part.is_none() => notes.push(
            "the folder has no test part, so that all of its pictures are evaluated; where the network learned from them, \
             --part test evaluates those that its training held out"
                .to_owned(),
        ),
        (Which::Train | Which::All, held_out) if held_out.is_none() || learned => notes.push(seen()),
        _ => {}
    }
    let mut files = match part {
        Which::Train => list.train,
        Which::Test => list.test,
        Which::All => [list.train, list.test].concat(),
    };
    files.sort_by(|a, b| a.1.cmp(&b.1).then_with(|| a.0.cmp(&b.0)));
    let entry = |(path, index): (PathBuf, u32)| {
        let class = class.get(index as usize).copied()?;
        Some(Entry { name: path.display().to_string(), class, place: Place::File(path) })
    };
    let entries: Vec<Entry> = files.into_iter().filter_map(entry).collect();
    if entries.is_empty() {
        let part = part.name();
        return Err(
            format!("{}: the {part} part has no pictures; --part all takes those of both", dir.display()).into()
        );
    }
    Ok(Samples { on: part.of(&dir.display().to_string()), part, notes, entries, sight })
}

/// A data set in files of its own, or one that is drawn.
fn of_set(
    source: Source,
    asked: &Asked<'_>,
    description: &Description,
    classes: &[String],
    sight: Sight,
) -> Result<Samples, Error> {
    let part = asked.part.unwrap_or(Which::Test);
    let sets = match part {
        Which::Train => vec![(Part::Train, source.open(Part::Train)?)],
        Which::Test => vec![(Part::Test, source.open(Part::Test)?)],
        Which::All => {
            let (train, test) = source.open_parts()?;
            vec![(Part::Train, train), (Part::Test, test)]
        }
    };
    let (mut notes, mut entries) = (Vec::new(), Vec::new());
    for (name, set) in sets {
        let info = set.info();
        let (wanted, got) = (description.architecture.images(), [info.height, info.width, info.channels]);
        if got != wanted {
            let shown = |[height, width, channels]: [usize; 3]| format!("{height} x {width} x {channels}");
            return Err(format!(
                "{}: its images are {} (height, width, channels), the network reads {}; pictures in folders are resized, \
                 others need a network of their size",
                info.name,
                shown(got),
                shown(wanted)
            )
            .into());
        }
        let class = matched(&info.name, info.classes()?, classes)?;
        for note in &info.notes {
            if !notes.contains(note) {
                notes.push(note.clone());
            }
        }
        for index in 0..set.len() {
            let Target::Class(own) = set.target(index)? else { continue };
            let Some(class) = class.get(own as usize).copied() else { continue };
            let place = Place::Set(Arc::clone(&set), index);
            entries.push(Entry { name: format!("{}/{index}", name.name()), class, place });
        }
    }
    if part != Which::Test {
        notes.push(seen());
    }
    let on = source.dir.as_deref().map_or_else(|| source.kind.to_string(), |dir| dir.display().to_string());
    Ok(Samples { on: part.of(&on), part, notes, entries, sight })
}

impl Which {
    /// As `--part` takes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
            Self::All => "all",
        }
    }

    fn of(self, data: &str) -> String {
        match self {
            Self::Train => format!("the training part of {data}"),
            Self::Test => format!("the test part of {data}"),
            Self::All => data.to_owned(),
        }
    }
}

fn seen() -> String {
    "there are pictures of a training part among these: a network that learned from them is worse on others".to_owned()
}

/// For each class of the data the network's class of the same name.
fn matched(data: impl std::fmt::Display, theirs: &[String], known: &[String]) -> Result<Vec<usize>, Error> {
    let places: BTreeMap<&String, usize> = known.iter().zip(0..).collect();
    let unknown = quoted(theirs.iter().filter(|class| !places.contains_key(class)));
    if !unknown.is_empty() {
        let known = quoted(known.iter());
        return Err(format!(
            "{data}: the network knows no class {unknown}; it knows {known}: call the classes as the network does, or leave \
             others out"
        )
        .into());
    }
    Ok(theirs.iter().filter_map(|class| places.get(class).copied()).collect())
}

/// Some names, in backquotes.
fn quoted<'a>(names: impl Iterator<Item = &'a String>) -> String {
    const MOST: usize = 20;
    let names: Vec<&String> = names.collect();
    let first = names.iter().take(MOST).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > MOST { format!("{first} and {} more", names.len() - MOST) } else { first }
}

/// What differs between the folder as it is and as the training beside the network learned from it.
fn changed(model: &Path) -> Option<String> {
    let run = RunDir::open(model.canonicalize().ok()?.parent()?).ok()?;
    match Training::check_data(&run) {
        Ok(unknown) => unknown,
        Err(error) => Some(error.to_string()),
    }
}

/// Whether the training beside the network learned from this folder, of which it then held out the pictures to test on.
fn learned_from(model: &Path, dir: &Path) -> bool {
    let config = model.canonicalize().ok().and_then(|model| std::fs::read(model.parent()?.join(names::CONFIG)).ok());
    let config = config.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    let learned = config.and_then(|config| Some(PathBuf::from(config.pointer("/data/dir")?.as_str()?)));
    learned
        .and_then(|learned| learned.canonicalize().ok())
        .is_some_and(|learned| dir.canonicalize().ok() == Some(learned))
}
