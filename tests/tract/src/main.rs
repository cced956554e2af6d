//! What a file of `eoinas export` says of pictures: FILE.onnx PICTURE...

use std::collections::HashMap;

use image::{DynamicImage, ImageDecoder, ImageReader, Rgb, RgbImage, imageops, imageops::FilterType};
use serde_json::{Map, json};
use tract_onnx::{
    prelude::*,
    tract_core::internal::{TractErrorContext, bail},
};

/// Red, green and blue, the right way up, transparent pixels seen on white.
fn read(path: &str) -> TractResult<RgbImage> {
    let mut decoder = ImageReader::open(path)?.with_guessed_format()?.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    let rgba = image.into_rgba8();
    Ok(RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [rgb @ .., alpha] = rgba[(x, y)].0.map(u32::from);
        Rgb(rgb.map(|value| ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8))
    }))
}

/// The middle of a picture, which is shrunk first.
fn middle(rgb: RgbImage, [height, width]: [u32; 2]) -> RgbImage {
    let [to_h, to_w] = [height, width].map(f64::from);
    let [h, w] = [rgb.height(), rgb.width()].map(f64::from);
    let scale = (2.0 * to_h / h).max(2.0 * to_w / w).min(1.0);
    let [h, w] = [h, w].map(|side| (side * scale).round());
    let rgb = imageops::resize(&rgb, w as u32, h as u32, FilterType::Triangle);
    let scale = (h / to_h).min(w / to_w) * 0.875;
    let [rows, columns] = [(to_h, h), (to_w, w)].map(|(to, most)| (to * scale).round().clamp(1.0, most));
    let [top, left] = [h - rows, w - columns].map(|beside| (beside / 2.0).ceil() as u32);
    imageops::crop_imm(&rgb, left, top, columns as u32, rows as u32).to_image()
}

/// The input `images` `[1, channels, height, width]`.
fn prepare(mut rgb: RgbImage, [height, width, channels]: [u32; 3], framing: &str) -> TractResult<Tensor> {
    if framing == "centre" {
        rgb = middle(rgb, [height, width]);
    }
    let rgb = imageops::resize(&rgb, width, height, FilterType::Triangle);
    let pixels = || rgb.pixels().map(|pixel| pixel.0.map(f32::from));
    let values: Vec<f32> = match channels {
        1 => pixels().map(|[r, g, b]| (0.299 * r + 0.587 * g + 0.114 * b).round()).collect(),
        _ => (0..3).flat_map(|channel| pixels().map(move |pixel| pixel[channel])).collect(),
    };
    Tensor::from_shape(&[1, channels as usize, height as usize, width as usize], &values)
}

fn softmax(mut values: Vec<f32>) -> Vec<f32> {
    let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    values.iter_mut().for_each(|value| *value = (*value - largest).exp());
    let sum: f32 = values.iter().sum();
    values.iter().map(|value| value / sum).collect()
}

fn main() -> TractResult<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, paths @ ..] = &arguments[..] else { bail!("usage: eoinas-tract FILE.onnx PICTURE...") };
    let proto = onnx().proto_model_for_path(file)?;
    let about: HashMap<_, _> = proto.metadata_props.iter().map(|entry| (&entry.key[..], &entry.value[..])).collect();
    let entry = |name: &str| about.get(name).copied().with_context(|| format!("{file} does not say its `{name}`"));
    let number = |name: &str| entry(name)?.parse().with_context(|| format!("`{name}` of {file}"));
    let classes: Vec<String> = serde_json::from_str(entry("classes")?)?;
    let logits = proto.graph.iter().flat_map(|graph| &graph.output).any(|output| output.name == "logits");
    let model = onnx().model_for_proto_model(&proto)?;
    // A plan is for inputs of one shape: where pictures have any size, another size takes another plan.
    let mut last = None;
    for path in paths {
        let rgb = read(path).with_context(|| path.clone())?;
        let input = match entry("input")? {
            "any-size" => Tensor::from_shape(&[1, rgb.height() as usize, rgb.width() as usize, 3], &rgb)?,
            "pixels" => prepare(rgb, [number("height")?, number("width")?, number("channels")?], entry("framing")?)?,
            other => bail!("{file} takes {other}, not pixels"),
        };
        let fact = InferenceFact::dt_shape_from_tensor(&input);
        last.take_if(|(of, _)| *of != fact);
        let (_, plan) = match &mut last {
            Some(plan) => plan,
            None => {
                let model = model.clone().with_input_fact(0, fact.clone())?;
                last.insert((fact, model.into_optimized()?.into_runnable()?))
            }
        };
        let outputs = plan.run(tvec!(input.into()))?;
        let output = outputs[0].try_as_plain_ram()?.as_slice::<f32>()?.to_vec();
        let output = if logits { softmax(output) } else { output };
        let class = classes.iter().zip(&output).max_by(|a, b| a.1.total_cmp(b.1)).map(|(class, _)| class);
        let probabilities: Map<_, _> = classes.iter().cloned().zip(output.iter().map(|&value| value.into())).collect();
        println!("{}", json!({ "image": path, "class": class, "probabilities": probabilities }));
    }
    Ok(())
}
