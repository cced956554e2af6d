//! `eoinas demo`: a network as a page that classifies pictures in the browser.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use candle_core::Device;
use eoinas_core::TargetInfo;
use eoinas_onnx::OnnxError;
use serde_json::json;

use crate::{
    Error, Start,
    export::{self, Input},
    out::say,
    saved,
};

const PAGE: &str = include_str!("page.html");
/// The page's file.
const INDEX: &str = "index.html";
/// The files of onnxruntime-web that run a network on the CPU, and where the page has each.
const RUNTIME: [(&str, &str); 3] =
    [("ort.wasm.min.js", "runtime"), ("ort-wasm-simd-threaded.mjs", "module"), ("ort-wasm-simd-threaded.wasm", "wasm")];

/// Write a page that classifies pictures in the browser.
///
/// One file that holds the network and the runtime, works without a server and a network connection, and sends nothing
/// anywhere: a picture that is dropped on it is cut, resized and classified there. The runtime is onnxruntime-web (`npm pack
/// onnxruntime-web`, unpacked), of which three files are taken: ort.wasm.min.js and ort-wasm-simd-threaded with its two endings.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas demo runs/folder/training/network --runtime node_modules/onnxruntime-web
  eoinas demo runs/folder/training/network --runtime package --out cats --title 'Cats and dogs'")]
pub struct Args {
    /// Folder of the network: network.json and model.safetensors.
    model: PathBuf,
    /// Folder of onnxruntime-web (1.20 or later), or its folder `dist`.
    #[arg(long, value_name = "DIR")]
    runtime: PathBuf,
    /// Folder for the page, index.html, which must not be there yet.
    #[arg(long, default_value = "demo", value_name = "DIR")]
    out: PathBuf,
    /// What the page is called.
    #[arg(long, default_value = "What is on the picture?", value_name = "TEXT")]
    title: String,
    /// The most ops of the network [default: 100000]
    #[arg(long, value_name = "N")]
    max_ops: Option<usize>,
}

/// Writes the page.
///
/// # Errors
/// A network that cannot be read or takes no pictures; a runtime that is not there; a page that is there already or cannot be
/// written.
pub fn run(args: &Args, _: &Start) -> Result<ExitCode, Error> {
    let page = args.out.join(INDEX);
    if page.exists() {
        return Err(Box::new(OnnxError::Exists { path: page }));
    }
    let saved = saved::open(&args.model, args.max_ops, (0, &Device::Cpu))?;
    let (network, options) = export::prepared(&saved, Input::AnySize, true)?;
    let model = eoinas_onnx::to_bytes(&network, &options)?;
    let runtime = RUNTIME.map(|(file, place)| Ok((place, STANDARD.encode(runtime_file(&args.runtime, file)?))));
    let runtime = runtime.into_iter().collect::<Result<Vec<_>, Error>>()?;
    let text = filled(args, &saved.description.target, &STANDARD.encode(model), &runtime)?;
    write(&page, &text).map_err(|source| OnnxError::File { path: page.clone(), source })?;
    say!("{}: {} MB; open it in a browser", page.display(), text.len().div_ceil(1_000_000));
    Ok(ExitCode::SUCCESS)
}

/// Writes the page whole or not at all.
fn write(page: &Path, text: &str) -> io::Result<()> {
    page.parent().map_or(Ok(()), fs::create_dir_all)?;
    let written = File::create_new(page)?.write_all(text.as_bytes());
    if written.is_err() {
        // A page that was cut short is of no use to anybody.
        let _ = fs::remove_file(page);
    }
    written
}

/// A file of the runtime, in its folder or in the `dist` below.
fn runtime_file(folder: &Path, file: &str) -> Result<Vec<u8>, Error> {
    let path = [folder.join(file), folder.join("dist").join(file)].into_iter().find(|path| path.is_file());
    let path = path.ok_or_else(|| {
        format!(
            "--runtime: {} has no {file}, nor has its folder dist; give the folder of onnxruntime-web 1.20 or later (`npm pack \
             onnxruntime-web`, unpacked)",
            folder.display()
        )
    })?;
    Ok(fs::read(&path).map_err(|error| format!("{}: cannot be read: {error}", path.display()))?)
}

/// The page with its texts and files in their places.
fn filled(args: &Args, target: &TargetInfo, model: &str, runtime: &[(&str, String)]) -> Result<String, Error> {
    let units: Vec<&str> = match target {
        TargetInfo::Numbers(numbers) => numbers.iter().map(|number| number.unit.as_str()).collect(),
        _ => Vec::new(),
    };
    let about = json!({ "kind": target.kind().to_string(), "names": target.names(), "units": units });
    // In a script's text nothing is escaped by the browser, and `</script` would end it: names may say anything.
    let about = serde_json::to_string(&about)?.replace('<', "\\u003c");
    let title = escaped(&args.title);
    let mut places = vec![("title", title.as_str()), ("about", &about), ("model", model)];
    places.extend(runtime.iter().map(|(place, text)| (*place, text.as_str())));
    // One pass, so that a text that looks like a place stays as it is.
    let mut pieces = PAGE.split("{{");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let found = piece
            .split_once("}}")
            .and_then(|(name, rest)| places.iter().find(|(place, _)| *place == name).map(|(_, value)| (*value, rest)));
        let (value, rest) = found.ok_or("the page has a place that nothing is put in")?;
        text.push_str(value);
        text.push_str(rest);
    }
    Ok(text)
}

/// A text as HTML shows it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
