//! All of it, into a folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use eoinas_core::run_folder::names;

use crate::{
    error::{ReportError, Result},
    evaluation::Kept,
    id::{Id, Ids},
    page::{self, Chapter, Lead, Page},
    plot::Figure,
    record::{self, Run, Source, State},
    story::{self, Section},
    tables, tensorboard,
};

/// What is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The folder; `None`: that of the run itself, and of several the first one given.
    pub out: Option<PathBuf>,
    /// Write each picture as PNG, too, which takes longest of all; nothing without the feature `png`.
    pub png: bool,
    /// Write TensorBoard event files to `tensorboard/`.
    pub tensorboard: bool,
    /// A table of `name,weight,accuracy` for the correlation plot (Figure 1).
    pub correlation: Option<PathBuf>,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The page.
    pub page: PathBuf,
    /// Folder of the pictures.
    pub pictures: PathBuf,
    /// How many pictures there are.
    pub count: usize,
    /// Tables, as Markdown and CSV.
    pub tables: Vec<PathBuf>,
    /// Folder of the TensorBoard files, where they were asked for.
    pub tensorboard: Option<PathBuf>,
    /// One sentence about each run, with what could not be read.
    pub runs: Vec<String>,
    /// Whether a record just ends: its run goes on, or was killed.
    pub unfinished: bool,
}

/// Reads the records in `dirs` and writes `report.html`, the pictures as SVG and, where asked for, PNG (`pictures/`) with their values as
/// CSV, and the tables as Markdown and CSV (`tables.md`, ...). An earlier report is replaced; files of these names that
/// are none of a report stay.
///
/// # Errors
/// No record in one of the folders, a folder that cannot be written or holds such files of another origin, a drawing that
/// fails. What is wrong inside a record is said on the page.
pub fn write(dirs: &[PathBuf], options: &Options) -> Result<Written> {
    let sources = record::open(dirs)?;
    let first = sources.first().ok_or_else(|| ReportError::NoRecord { path: PathBuf::from(".") })?;
    let out = options.out.clone().unwrap_or_else(|| first.dir.clone());
    let pictures = out.join(names::PICTURES);
    let mut written = Written { page: out.join(names::REPORT), pictures: pictures.clone(), ..Written::default() };
    let runs: Vec<(&Source, &Run)> =
        sources.iter().flat_map(|source| source.runs.iter().map(move |run| (source, run))).collect();
    written.unfinished = runs.iter().any(|(_, run)| run.state() == State::Unfinished);
    let lead = Lead::of(&sources);
    let single = runs.len() == 1 && lead.is_none();
    // Each run's page and folder of pictures has a name of its own; the common page has one already.
    let mut taken = Ids::reserving(["report"]);
    let named = |(source, run): (_, _)| Named {
        name: taken.take(&Id::of(&Source::place(source, run).to_string_lossy())),
        source,
        run,
    };
    let runs: Vec<Named<'_>> = runs.into_iter().map(named).collect();
    claim(&out, runs.iter().filter(|_| !single).map(|named| format!("{}.html", named.name)))?;
    create(&pictures)?;
    let mut overview = story::compare(&sources)?;
    if let Some(path) = &options.correlation {
        overview.push(story::correlation(&story::read_points(path)?)?);
    }
    overview.retain(|section| !section.figures.is_empty());
    let mut common = Ids::default();
    save_all(&mut overview, &pictures, &mut common, options, &mut written)?;
    let mut chapters = Vec::new();
    let mut lead_cells = Section::default();
    for Named { name, source, run } in best_first(runs, lead.as_ref()) {
        let title = source.title(run);
        written.runs.push(sentence(&title, run));
        let (mut cells, mut sections) = (story::cells(run), story::sections(run)?);
        // How good it is comes before how it came about.
        sections.splice(0..0, Kept::read(&run.dir).iter().flat_map(Kept::sections));
        let mut own = Ids::default();
        let (folder, ids) =
            if single { (pictures.clone(), &mut common) } else { (pictures.join(name.as_str()), &mut own) };
        save_all(std::slice::from_mut(&mut cells), &folder, ids, options, &mut written)?;
        save_all(&mut sections, &folder, ids, options, &mut written)?;
        if single {
            chapters.push(Chapter { title, run, cells, sections, link: None });
            continue;
        }
        // Each run has its own page; the common one shows its cell and its curves.
        let link = format!("{name}.html");
        let own = Page {
            title: title.clone(),
            chapters: vec![Chapter {
                title: title.clone(),
                run,
                cells: cells.clone(),
                sections: sections.clone(),
                link: None,
            }],
            ..Page::default()
        };
        save(&out.join(&link), own.to_html().as_bytes())?;
        // What came of it is shown first of all, and its cells are those of the search.
        let of_lead = lead.as_ref().map(|lead| lead.order(run));
        let cells = match of_lead {
            Some(0) => {
                lead_cells = page::lead_cells(cells);
                Section::default()
            }
            Some(1) => Section::default(),
            _ => cells,
        };
        let sections = if of_lead == Some(0) { sections } else { Vec::new() };
        chapters.push(Chapter { title, run, cells, sections, link: Some(link) });
    }
    let tables = tables::tables(&sources);
    let markdown: String =
        tables.iter().map(|(title, table)| format!("## {title}\n\n{}\n", table.to_markdown())).collect();
    if !markdown.is_empty() {
        written.tables.push(out.join(names::TABLES));
        save(&out.join(names::TABLES), markdown.as_bytes())?;
    }
    for (title, table) in &tables {
        let path = out.join(format!("{}.csv", Id::of(title)));
        save(&path, table.to_csv().as_bytes())?;
        written.tables.push(path);
    }
    let lost = sources.iter().flat_map(|source| source.lost.clone()).collect();
    let lead = lead.map(|lead| (lead, lead_cells));
    let page = Page { title: record::title(&sources), lead, lost, overview, tables, chapters };
    save(&written.page, page.to_html().as_bytes())?;
    if options.tensorboard {
        let folder = out.join(names::TENSORBOARD);
        for (source, run) in sources.iter().flat_map(|source| source.runs.iter().map(move |run| (source, run))) {
            tensorboard::convert(&run.dir, &folder.join(source.place(run)))?;
        }
        written.tensorboard = Some(folder);
    }
    Ok(written)
}

/// A run with the name of its page and of its folder of pictures.
struct Named<'a> {
    name: Id,
    source: &'a Source,
    run: &'a Run,
}

/// What a lead was made of first; then finished runs with the best score first; searches before trainings, in the given order
/// otherwise.
fn best_first<'a>(mut runs: Vec<Named<'a>>, lead: Option<&Lead<'_>>) -> Vec<Named<'a>> {
    let order = |run: &Run| lead.map_or(0, |lead| lead.order(run));
    let key = |run: &Run| {
        ((order(run), !run.is_search()), run.score().map_or(f64::INFINITY, |(score, _)| -run.measure().merit(score)))
    };
    runs.sort_by(|a, b| {
        let (a, b) = (key(a.run), key(b.run));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    runs
}

fn sentence(title: &str, run: &Run) -> String {
    let problems = match run.problems.len() {
        0 => String::new(),
        1 => "; one part of its record could not be read".to_owned(),
        count => format!("; {count} parts of its record could not be read"),
    };
    format!("{title}: {}{problems}", page::verdict(run))
}

/// `taken` are the names of files in the folder. A picture whose PNG is smaller than the others' says so.
fn save_all(
    sections: &mut [Section],
    folder: &Path,
    taken: &mut Ids,
    options: &Options,
    written: &mut Written,
) -> Result<()> {
    for figure in sections.iter_mut().flat_map(|section| &mut section.figures) {
        save_figure(figure, &taken.take(&figure.id), folder, options)?;
        written.count += 1;
    }
    Ok(())
}

fn save_figure(figure: &mut Figure, name: &Id, folder: &Path, options: &Options) -> Result<()> {
    create(folder)?;
    let path = |end: &str| folder.join(format!("{name}.{end}"));
    save(&path("svg"), figure.svg.as_bytes())?;
    save(&path("csv"), figure.table.to_csv().as_bytes())?;
    if let Some(dot) = &figure.dot {
        save(&path("dot"), dot.as_bytes())?;
    }
    if options.png {
        #[cfg(feature = "png")]
        {
            let png = crate::png::png(&figure.svg, 2.0)?;
            save(&path("png"), &png.bytes)?;
            if png.shrunk {
                let space = if figure.caption.is_empty() { "" } else { " " };
                let (width, height) = (png.width, png.height);
                figure.caption +=
                    &format!("{space}Its PNG is scaled down to {width} x {height} pixels; the SVG is not.");
            }
        }
    }
    Ok(())
}

/// Makes sure that nothing but an earlier report is replaced: from the first file on, the folder has a page that is known
/// as such.
fn claim(out: &Path, pages: impl Iterator<Item = String>) -> Result<()> {
    let page = out.join(names::REPORT);
    match fs::read(&page) {
        Ok(bytes) if String::from_utf8_lossy(&bytes).contains(page::MARK) => return Ok(()),
        Ok(_) => return Err(ReportError::Taken { path: page }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(source) => return Err(ReportError::read(page)(source)),
    }
    let mut names: Vec<String> = tables::TITLES.iter().map(|title| format!("{}.csv", Id::of(title))).collect();
    names.extend([names::TABLES, names::PICTURES].map(str::to_owned));
    names.extend(pages);
    if let Some(path) = names.iter().map(|name| out.join(name)).find(|path| path.exists()) {
        return Err(ReportError::Taken { path });
    }
    create(out)?;
    let text = format!("<!DOCTYPE html>\n<title>Report</title>\n{}\n<p>The report is being written.</p>\n", page::MARK);
    save(&page, text.as_bytes())
}

fn create(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(ReportError::write(folder))
}

/// Written beside and renamed: a reader of a running run's page never sees half of it.
fn save(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, path)).map_err(ReportError::write(path))
}
