//! Settings and the flags that set them: the library's errors name the former, the user typed the latter.

use eoinas_core::Setting;

use crate::{Error, Start};

/// Settings by their names in `config.json`, and their flags.
const FLAGS: [(&str, &str); 27] = [
    ("accumulate", "accumulate"),
    ("arch.learning_rate", "arch-learning-rate"),
    ("augment.cutout", "cutout"),
    ("auxiliary", "auxiliary"),
    ("average", "ema"),
    ("batch_size", "batch-size"),
    ("data.dataset", "dataset"),
    ("data.dir", "data"),
    ("data.image_size", "image-size"),
    ("data.skip_unreadable", "skip-unreadable"),
    ("data.test_images", "test-images"),
    ("data.train_images", "train-images"),
    ("device", "device"),
    ("drop_path", "drop-path"),
    ("edges", "edges"),
    ("epochs", "epochs"),
    ("label_smoothing", "label-smoothing"),
    ("method", "method"),
    ("network.cells", "cells"),
    ("network.channels", "channels"),
    ("partial_channels", "partial-channels"),
    ("path", "path"),
    ("paths_per_step", "paths-per-step"),
    ("preset", "preset"),
    ("seed", "seed"),
    ("seeds", "seeds"),
    ("threads", "threads"),
];

/// What an error says to the user of the command that runs.
pub(crate) fn explain(error: &Error, start: &Start) -> String {
    let mut cause = Some(error.as_ref() as &(dyn std::error::Error + 'static));
    while let Some(error) = cause {
        if let Some(Setting { name: setting, got, expected }) = error.downcast_ref() {
            return format!("{} is {got}; expected {expected}", name(setting, start));
        }
        cause = error.source();
    }
    error.to_string()
}

/// How the user of the command that runs sets `setting`: by its flag where it has one.
fn name(setting: &str, start: &Start) -> String {
    let known = FLAGS.iter().find(|(name, _)| *name == setting);
    match known {
        Some((_, flag)) if start.has_flag(flag) => format!("--{flag}"),
        _ => setting.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    /// The long flags of all commands.
    fn flags(command: &clap::Command) -> Vec<String> {
        let own = command.get_arguments().filter_map(|argument| argument.get_long().map(str::to_owned));
        own.chain(command.get_subcommands().flat_map(flags)).collect()
    }

    #[test]
    #[cfg(feature = "report")]
    fn every_flag_is_one() {
        let known = flags(&crate::Program::command());
        for (setting, flag) in FLAGS {
            assert!(known.iter().any(|known| known == flag), "{setting}: --{flag}");
        }
    }

    #[test]
    fn only_flags_that_the_command_has_are_named() {
        let program = crate::Program::command();
        let of = |command: &str, setting: &str| {
            let command = program.find_subcommand(command).unwrap();
            name(setting, &Start::example().with_flags_of(command))
        };
        assert_eq!(of("search", "network.channels"), "--channels");
        assert_eq!(of("search", "augment.cutout"), "augment.cutout");
        assert_eq!(of("train", "augment.cutout"), "--cutout");
        assert_eq!(of("train", "temperature"), "temperature");
    }
}
