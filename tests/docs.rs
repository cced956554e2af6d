//! What the documents name is there.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::path::{Path, PathBuf};

/// Files and folders (these with a slash at the end) of the sources, by their paths from the root.
fn sources(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name == "target" || name.starts_with('.') && name != ".cargo" {
            continue;
        }
        let shown = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
        if path.is_dir() {
            found.push(format!("/{shown}/"));
            sources(root, &path, found);
        } else {
            found.push(format!("/{shown}"));
        }
    }
}

/// The text without its blocks of code.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// Words in backquotes that are files or folders of the sources.
fn named(prose: &str) -> impl Iterator<Item = &str> {
    let is_path = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
    let is_source = |word: &str| [".rs", ".md", ".toml", "/"].iter().any(|end| word.ends_with(end));
    prose.split('`').skip(1).step_by(2).filter(move |word| is_path(word) && is_source(word))
}

/// Targets of links to other files.
fn links(prose: &str) -> impl Iterator<Item = &str> {
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    targets.filter(|target| !target.is_empty() && !target.contains("://"))
}

#[test]
fn files_that_documents_name_are_there() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    sources(&root, &root, &mut found);
    let mut checked = 0;
    for document in found.iter().filter(|path| path.ends_with(".md")) {
        let path = root.join(document.trim_start_matches('/'));
        let prose = prose(&fs::read_to_string(&path).unwrap());
        for word in named(&prose) {
            let end = format!("/{}", word.trim_start_matches("../").trim_start_matches("./").trim_start_matches('/'));
            assert!(found.iter().any(|path| path.ends_with(&end)), "{document}: `{word}`");
            checked += 1;
        }
        for target in links(&prose) {
            assert!(path.parent().unwrap().join(target).exists(), "{document}: {target}");
        }
    }
    assert!(checked > 50, "{checked}");
}
