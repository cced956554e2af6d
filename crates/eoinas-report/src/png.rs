//! Pictures as pixels, with a font of their own so that they are the same everywhere.

use std::sync::{Arc, LazyLock};

use resvg::{tiny_skia, usvg};

use crate::error::{ReportError, Result};

/// One font for all text: pictures do not depend on what is installed.
static FONTS: LazyLock<Arc<usvg::fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = usvg::fontdb::Database::new();
    fonts.load_font_data(epaint_default_fonts::UBUNTU_LIGHT.to_vec());
    fonts.load_font_data(epaint_default_fonts::HACK_REGULAR.to_vec());
    let family = fonts.faces().next().and_then(|face| Some(face.families.first()?.0.clone()));
    fonts.set_sans_serif_family(family.unwrap_or_default());
    Arc::new(fonts)
});

/// Most pixels of a picture: half a second of work and 100 MB.
pub const MOST_PIXELS: u32 = 1 << 24;
/// Longest side: programs that show pictures know 15 bits of it.
const LONGEST: u32 = (1 << 15) - 1;

/// A picture as PNG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Png {
    /// The file.
    pub bytes: Vec<u8>,
    /// Pixels of a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Whether it is smaller than was asked for: it would have had more than [`MOST_PIXELS`], or too long a side.
    pub shrunk: bool,
}

/// An SVG picture as PNG, `scale` pixels for each of its own; fewer where that would be too many.
///
/// # Errors
/// The text is no SVG, or the picture has no pixels.
pub fn png(svg: &str, scale: f32) -> Result<Png> {
    let wrong = |reason: String| ReportError::Draw { figure: "a picture as PNG".to_owned(), reason };
    let options = usvg::Options { fontdb: FONTS.clone(), ..usvg::Options::default() };
    let tree = usvg::Tree::from_str(svg, &options).map_err(|error| wrong(error.to_string()))?;
    let size = tree.size().to_int_size();
    let (width, height) = (f64::from(size.width()), f64::from(size.height()));
    let largest = (f64::from(MOST_PIXELS) / (width * height)).sqrt().min(f64::from(LONGEST) / width.max(height));
    let shrunk = f64::from(scale) > largest;
    let side = |length: f64| {
        // Rounded up, both sides together could be too many.
        if shrunk { ((length * largest) as u32).max(1) } else { (length * f64::from(scale)).ceil() as u32 }
    };
    let (width, height) = (side(width), side(height));
    let mut pixels = tiny_skia::Pixmap::new(width, height)
        .ok_or_else(|| wrong(format!("{} x {} pixels are none", size.width(), size.height())))?;
    let scale = if shrunk { largest as f32 } else { scale };
    resvg::render(&tree, tiny_skia::Transform::from_scale(scale, scale), &mut pixels.as_mut());
    let bytes = encode(pixels, shrunk).map_err(|error| wrong(error.to_string()))?;
    Ok(Png { bytes, width, height, shrunk })
}

/// What most of the time goes to: for a large picture a tenth of it is taken, and up to twice the bytes.
fn encode(pixels: tiny_skia::Pixmap, large: bool) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixels.width(), pixels.height());
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(if large { png::Compression::Fast } else { png::Compression::Balanced });
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels.take_demultiplied())?;
    writer.finish()?;
    Ok(bytes)
}

/// A picture of RGB pixels, `height * width * 3` bytes row by row, as PNG.
///
/// # Errors
/// Other than so many bytes, or none.
pub fn of_pixels((height, width): (usize, usize), rgb: &[u8]) -> Result<Vec<u8>> {
    let wrong = |reason: String| ReportError::Draw { figure: "a picture as PNG".to_owned(), reason };
    let (pixels, rest) = rgb.as_chunks::<3>();
    let opaque: Vec<u8> = pixels.iter().flat_map(|[r, g, b]| [*r, *g, *b, u8::MAX]).collect();
    let size = tiny_skia::IntSize::from_wh(width as u32, height as u32).filter(|_| rest.is_empty());
    let pixels = size.and_then(|size| tiny_skia::Pixmap::from_vec(opaque, size));
    let pixels = pixels.ok_or_else(|| wrong(format!("{} bytes are no {height} x {width} pixels", rgb.len())))?;
    pixels.encode_png().map_err(|error| wrong(error.to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn no_picture_has_too_many_pixels() {
        for (size, scale, made) in [
            ((100, 50), 2.0, (200, 100, false)),
            ((101, 51), 1.5, (152, 77, false)),
            ((2048, 2048), 2.0, (4096, 4096, false)),
            ((8192, 8192), 1.0, (4096, 4096, true)),
            ((16_384, 100), 2.0, (32_767, 199, true)),
            ((65_534, 1), 1.0, (32_767, 1, true)),
        ] {
            let (width, height) = size;
            let svg = format!("<svg width=\"{width}\" height=\"{height}\" xmlns=\"http://www.w3.org/2000/svg\"/>");
            let png = png(&svg, scale).unwrap();
            assert_eq!((png.width, png.height, png.shrunk), made, "{size:?}");
            let header = [png.width.to_be_bytes(), png.height.to_be_bytes()].concat();
            assert_eq!(png.bytes[16..24], header);
        }
    }
}
