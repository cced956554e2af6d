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

/// An SVG picture as PNG, `scale` pixels for each of its own.
///
/// # Errors
/// The text is no SVG, or the picture is too large to be held.
pub fn png(svg: &str, scale: f32) -> Result<Vec<u8>> {
    let wrong = |reason: String| ReportError::Draw { figure: "a picture as PNG".to_owned(), reason };
    let options = usvg::Options { fontdb: FONTS.clone(), ..usvg::Options::default() };
    let tree = usvg::Tree::from_str(svg, &options).map_err(|error| wrong(error.to_string()))?;
    let size = tree.size().to_int_size();
    let side = |length: u32| (length as f32 * scale).ceil() as u32;
    let mut pixels = tiny_skia::Pixmap::new(side(size.width()), side(size.height()))
        .ok_or_else(|| wrong(format!("{} x {} pixels are too many or none", size.width(), size.height())))?;
    resvg::render(&tree, tiny_skia::Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| wrong(error.to_string()))
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
