//! `eoinas classify`: what is on pictures, or in signals.

use std::{io, path::PathBuf, process::ExitCode};

use candle_core::{Device, Tensor};
use eoinas_core::{NumberInfo, ValueKind, counted, file};
use eoinas_data::MAX_PIXELS;
use eoinas_nn::saved::Description;
use eoinas_nn::{InferenceNetwork, Operations, task::Answer};
use serde_json::{Value, json};

use crate::{
    Error, Start, flags,
    inputs::{Input, inputs},
    out::{self, say, tell},
    saved,
    sight::Sight,
};

/// Tell what is on pictures, with a network that was trained and saved.
///
/// Of a folder every picture in it and below it is classified, in the order of the names; `-` is a picture that comes in by
/// standard input. One that cannot be read is named, the others are classified, and the exit code is 1.
///
/// What is told is what the network learned: classes with their probabilities, numbers in their own units, or labels with a
/// probability each. A network that learned from floats takes text files of numbers (separated by commas, spaces or line
/// ends; row by row, the channels of a moment or pixel together) where others take pictures.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas classify runs/folder/training/network cat.jpg dog.png --top 3
  eoinas classify runs/folder/training/network holidays --json
  eoinas classify runs/folder/training/network - < cat.jpg
  find . -name '*.jpg' -newer last | eoinas classify runs/folder/training/network --files-from -")]
pub struct Args {
    /// Folder of the network: network.json and model.safetensors.
    model: PathBuf,
    /// Pictures, folders of them, or - for standard input; for a network that learned from floats, text files of numbers.
    #[arg(required_unless_present = "files_from", value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Classify what this file names, too: one name a line, or a zero byte after each; - reads the names from standard input.
    #[arg(long, value_name = "FILE")]
    files_from: Option<PathBuf>,
    /// How many classes or labels to print for each picture, the most probable first.
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    top: u16,
    /// The most pixels of a picture that is decoded.
    #[arg(long, value_name = "N", default_value_t = MAX_PIXELS)]
    max_pixels: u64,
    /// The most ops of the network [default: 100000]
    #[arg(long, value_name = "N")]
    max_ops: Option<usize>,
    /// Print one JSON object for each picture, on a line of its own.
    #[arg(long)]
    json: bool,
}

/// Classifies pictures.
///
/// # Errors
/// A network that cannot be read.
pub fn run(args: &Args, start: &Start) -> Result<ExitCode, Error> {
    let saved = saved::open(&args.model, args.max_ops, (1, &Device::Cpu))?;
    let network = saved.build(&Operations::built_in(), &Device::Cpu)?.into_inference()?;
    let inputs = inputs(&args.images, args.files_from.as_deref(), saved.description.normalisation.values)?;
    let (all, mut failed) = (inputs.len(), 0);
    for input in inputs {
        // One picture that cannot be read does not keep the others from being classified.
        let answer = input.and_then(|input| Ok((input.name(), classify(&network, &saved.description, &input, args)?)));
        match answer {
            Ok((name, answer)) => print(&name, answer, args),
            Err(error) => {
                tell!("error: {}", flags::explain(&error, start));
                failed += 1;
            }
        }
        if !out::is_read() {
            return Ok(ExitCode::SUCCESS);
        }
    }
    if all > 1 {
        let unread = if failed > 0 { format!(", {failed} could not be read") } else { String::new() };
        tell!("{} of {all} classified{unread}", all - failed);
    }
    Ok(if failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What the network says of a picture or signal.
fn classify<'a>(
    network: &InferenceNetwork,
    description: &'a Description,
    input: &Input,
    args: &Args,
) -> Result<Answer<'a>, Error> {
    let [height, width, channels] = description.architecture.images();
    let values = match description.normalisation.values {
        ValueKind::Bytes => picture(description, input, args.max_pixels)?,
        ValueKind::Floats => signal(description, input)?,
    };
    let images = Tensor::from_vec(values, (1, height, width, channels), &Device::Cpu)?;
    Ok(Answer::new(&description.target, &network.logits(&images)?.flatten_all()?.to_vec1()?))
}

/// The values of a picture, normalised.
fn picture(description: &Description, input: &Input, max_pixels: u64) -> Result<Vec<f32>, Error> {
    let sight = Sight::of(description, max_pixels)?;
    let pixels = match input {
        Input::File(path) => sight.file(path)?,
        Input::Standard => sight.reader(io::stdin().lock(), &input.name())?,
    };
    Ok(description.normalisation.apply(&pixels))
}

/// The numbers of a text file, normalised.
fn signal(description: &Description, input: &Input) -> Result<Vec<f32>, Error> {
    let [height, width, channels] = description.architecture.images();
    let wrong = |problem: String| format!("{}: {problem}", input.name());
    let text = match input {
        Input::File(path) => file::read(path, file::TEXT),
        Input::Standard => file::read_from(io::stdin().lock(), file::TEXT),
    };
    let text = text.map_err(|error| wrong(error.to_string()))?;
    let text = String::from_utf8(text).map_err(|error| wrong(format!("it is no UTF-8 text: {error}")))?;
    let words = text.split(|c: char| c.is_whitespace() || ",;".contains(c)).filter(|word| !word.is_empty());
    let number = |word: &str| match word.parse::<f32>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => {
            let word: String = word.chars().take(32).collect();
            Err(wrong(format!("`{word}` is no number; the network reads text files of numbers")))
        }
    };
    let values = words.map(number).collect::<Result<Vec<f32>, String>>()?;
    let wanted = height * width * channels;
    if values.len() != wanted {
        let shape = format!("{wanted} ({height} x {width} x {channels}: height, width, channels)");
        return Err(
            wrong(format!("it has {}; the network reads {shape}", counted(values.len(), "number", "numbers"))).into()
        );
    }
    Ok(description.normalisation.apply_floats(&values))
}

fn print(name: &str, answer: Answer<'_>, args: &Args) {
    let likeliest = |mut named: Vec<(&str, f32)>, what: &str, one: &str| {
        named.sort_by(|a, b| b.1.total_cmp(&a.1));
        named.truncate(usize::from(args.top));
        let json = named.iter().map(|(name, p)| json!({ one: name, "probability": p })).collect();
        let lines = named.iter().map(|(name, p)| format!("{:5.1} %  {name}", 100.0 * p)).collect();
        (what.to_owned(), json, lines)
    };
    let (what, json, lines): (String, Vec<Value>, Vec<String>) = match answer {
        Answer::Classes(classes) => likeliest(classes, "classes", "class"),
        Answer::Labels(labels) => likeliest(labels, "labels", "label"),
        Answer::Numbers(numbers) => {
            let json =
                |(info, value): &(&NumberInfo, f32)| json!({ "name": info.name, "value": value, "unit": info.unit });
            let line = |(info, value): &(&NumberInfo, f32)| {
                format!("{}  {}", format!("{} {}", rounded(*value, info.std), info.unit).trim_end(), info.name)
            };
            ("numbers".to_owned(), numbers.iter().map(json).collect(), numbers.iter().map(line).collect())
        }
    };
    if args.json {
        say!("{}", json!({ "image": name, what: json }));
        return;
    }
    say!("{}", shown(name));
    lines.iter().for_each(|line| say!("  {}", shown(line)));
}

/// A text on one line: control characters, and those that turn the direction of what follows, are escaped.
fn shown(text: &str) -> String {
    let turns = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || turns(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// A number with as many decimals as a thousandth of its deviation has, and no zeros at the end.
fn rounded(value: f32, std: f32) -> String {
    let decimals = (3.0 - std.log10().floor()).clamp(0.0, 6.0) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_on_its_line() {
        assert_eq!(shown("a b/ä.png"), "a b/ä.png");
        assert_eq!(shown("a\nb\u{202e}gnp.exe"), "a\\nb\\u{202e}gnp.exe");
    }
}
