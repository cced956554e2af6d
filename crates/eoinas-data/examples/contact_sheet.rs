//! Draws a contact sheet of the embedded set: a column for each class.
//!
//! `cargo run --release -p eoinas-data --features images --example contact_sheet -- docs/embedded-set.png`

use eoinas_data::{Dataset, Embedded, Part};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{Rgb, RgbImage, imageops};

const ROWS: usize = 4;
const SCALE: u32 = 2;
const GAP: u32 = 2;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "embedded-set.png".into());
    let columns = 10;
    let data = Embedded::new(Part::Train, ROWS * columns);
    let (height, width) = (data.info().height as u32, data.info().width as u32);
    let (step_x, step_y) = (width * SCALE + GAP, height * SCALE + GAP);
    let mut sheet =
        RgbImage::from_pixel(step_x * columns as u32 + GAP, step_y * ROWS as u32 + GAP, Rgb([255, 255, 255]));
    for index in 0..data.len() {
        let mut pixels = vec![0u8; data.info().image_len()];
        data.read(index, pixels[..].as_mut().into())?;
        let image = RgbImage::from_raw(width, height, pixels).ok_or("an image of another size")?;
        let image = imageops::resize(&image, width * SCALE, height * SCALE, imageops::FilterType::Nearest);
        let (column, row) = ((index % columns) as u32, (index / columns) as u32);
        imageops::replace(&mut sheet, &image, i64::from(GAP + column * step_x), i64::from(GAP + row * step_y));
    }
    let file = std::io::BufWriter::new(std::fs::File::create(&path)?);
    sheet.write_with_encoder(PngEncoder::new_with_quality(file, CompressionType::Best, FilterType::Up))?;
    println!("{path}: columns are {}", data.info().classes()?.join(", "));
    Ok(())
}
