//! How the program was started, and with it what its advice names: `eoinas train`, or the example that is the same.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use clap::builder::{PathBufValueParser, TypedValueParser};
use eoinas_core::event::shell_word;

/// A command, the example that is the same thing, and the feature that this one needs where it does.
const NAMES: [(&str, &str, Option<&str>); 15] = [
    ("search", "cifar_search", None),
    ("train", "train_cell", None),
    ("images", "image_folder", Some("images")),
    ("classify", "classify", Some("images")),
    ("evaluate", "evaluate", Some("images,report")),
    ("export", "export_onnx", None),
    ("count", "count", None),
    ("report", "report", Some("report")),
    ("compare ablation", "ablation", Some("report")),
    ("compare correlation", "correlation", Some("report")),
    ("compare nas-bench-201", "nas_bench_201", Some("report")),
    ("compare front", "front", Some("report")),
    ("bench step", "search_step", None),
    ("bench inference", "inference_speed", None),
    ("bench gpu", "gpu_check", None),
];

/// How the program was started.
#[derive(Clone, Debug)]
pub struct Start {
    /// As it was typed: `eoinas`, or a path to it; `None` of an example.
    program: Option<String>,
    /// The long flags of the command that runs.
    flags: Vec<String>,
}

/// Reads a path. One that begins with a hyphen, which `--out=-a` can name, is told from a flag wherever it is said again: `./-a`.
pub(crate) fn path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().map(|path| match path.as_os_str().as_encoded_bytes() {
        [b'-', ..] => Path::new(".").join(path),
        _ => path,
    })
}

impl Start {
    /// Of the program, by its first argument.
    pub(crate) fn program(first: Option<&OsStr>) -> Self {
        let program = first.map_or_else(|| "eoinas".to_owned(), shell_word);
        Self { program: Some(program), flags: Vec::new() }
    }

    /// Of an example.
    pub(crate) fn example() -> Self {
        Self { program: None, flags: Vec::new() }
    }

    /// The same with the flags of `command`, which runs.
    pub(crate) fn with_flags_of(self, command: &clap::Command) -> Self {
        let flags = command.get_arguments().filter_map(|argument| argument.get_long().map(str::to_owned)).collect();
        Self { flags, ..self }
    }

    /// Whether the command that runs has the flag `--name`.
    pub(crate) fn has_flag(&self, name: &str) -> bool {
        self.flags.iter().any(|flag| flag == name)
    }

    /// How one types the command `name`, up to its arguments.
    pub(crate) fn command(&self, name: &str) -> String {
        let example = NAMES.iter().find(|(command, ..)| *command == name);
        match (&self.program, example) {
            (None, Some((_, example, feature))) => {
                let feature = feature.map(|feature| format!("--features {feature} ")).unwrap_or_default();
                format!("cargo run --release {feature}--example {example} --")
            }
            (Some(program), _) => format!("{program} {name}"),
            (None, None) => format!("eoinas {name}"),
        }
    }

    /// A whole command line that a shell takes.
    pub(crate) fn line<'a>(&self, name: &str, arguments: impl IntoIterator<Item = &'a OsStr>) -> String {
        let words = arguments.into_iter().map(shell_word);
        std::iter::once(self.command(name)).chain(words).collect::<Vec<_>>().join(" ")
    }

    /// A help text whose lines are commands of the program, as one types them here.
    pub(crate) fn adapt(&self, text: &str) -> String {
        text.lines().map(|line| self.adapt_line(line)).collect::<Vec<_>>().join("\n")
    }

    fn adapt_line(&self, line: &str) -> String {
        let found = NAMES.iter().find_map(|(command, ..)| {
            let arguments = line.trim_start().strip_prefix("eoinas ")?.strip_prefix(command)?;
            (arguments.is_empty() || arguments.starts_with(' ')).then_some((command, arguments))
        });
        match found {
            Some((command, "")) => format!("  {}", self.command(command).trim_end_matches(" --")),
            Some((command, arguments)) => format!("  {}{arguments}", self.command(command)),
            None => line.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_names_what_was_started() {
        let line = |start: &Start| start.line("train", ["--resume", "my runs/it's"].map(OsStr::new));
        let typed = Start::program(Some(OsStr::new("target/release/eoinas")));
        assert_eq!(line(&typed), r"target/release/eoinas train --resume 'my runs/it'\''s'");
        let example = r"cargo run --release --example train_cell -- --resume 'my runs/it'\''s'";
        assert_eq!(line(&Start::example()), example);
        let text = Start::example().adapt("eoinas compare ablation --seeds 3\neoinas report runs/a\neoinas count");
        let lines = [
            "  cargo run --release --features report --example ablation -- --seeds 3",
            "  cargo run --release --features report --example report -- runs/a",
            "  cargo run --release --example count",
        ];
        assert_eq!(text, lines.join("\n"));
    }

    #[test]
    #[cfg(unix)]
    fn names_that_are_no_unicode_paste_too() {
        use std::os::unix::ffi::OsStrExt as _;
        let line = Start::program(None).line("train", ["--resume".as_ref(), OsStr::from_bytes(b"it's \xff")]);
        assert_eq!(line, r"eoinas train --resume $'it\'s \xff'");
    }

    #[test]
    #[cfg(all(feature = "report", feature = "images"))]
    fn every_name_is_a_command() {
        let program = <crate::Program as clap::CommandFactory>::command();
        for (name, ..) in NAMES {
            let found = name.split(' ').try_fold(&program, |command, part| command.find_subcommand(part));
            assert!(found.is_some(), "{name}");
        }
    }
}
