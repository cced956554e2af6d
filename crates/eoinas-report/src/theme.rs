//! Colours. Pictures are written with those for light backgrounds; the page puts variables in their place, so that it
//! follows the reader's preference.

/// A colour by its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ink {
    /// As it stands in SVG files, upper case as the plotting library writes it.
    pub light: &'static str,
    /// The same role on a dark background.
    pub dark: &'static str,
    /// Name of the page's variable.
    pub name: &'static str,
}

const fn ink(name: &'static str, light: &'static str, dark: &'static str) -> Ink {
    Ink { light, dark, name }
}

pub const TEXT: Ink = ink("text", "#1B1F24", "#E6E8EB");
pub const MUTED: Ink = ink("muted", "#5A636E", "#A3ADB8");
pub const GRID: Ink = ink("grid", "#DFE3E8", "#333B44");
pub const SURFACE: Ink = ink("surface", "#FEFEFE", "#14181D");
pub const PANEL: Ink = ink("panel", "#F4F6F8", "#1D232A");
pub const LINE: Ink = ink("line", "#8B95A1", "#77818C");

/// The palette of M. Okabe and K. Ito, which colour-blind readers can tell apart, its yellow darkened for white paper.
pub const PALETTE: [Ink; 7] = [
    ink("blue", "#0072B2", "#4CA6E8"),
    ink("vermillion", "#D55E00", "#F08A3C"),
    ink("green", "#009E73", "#2FC79B"),
    ink("purple", "#CC79A7", "#E39CC4"),
    ink("orange", "#E69F00", "#F2B840"),
    ink("sky", "#56B4E9", "#8CCEF5"),
    ink("yellow", "#A89A00", "#F0E442"),
];

/// Every colour with a role.
pub fn all() -> impl Iterator<Item = Ink> {
    [TEXT, MUTED, GRID, SURFACE, PANEL, LINE].into_iter().chain(PALETTE)
}

/// The colour of the series with this number.
pub fn series(index: usize) -> Ink {
    PALETTE.get(index % PALETTE.len()).copied().unwrap_or(TEXT)
}

/// The colour of an op, the same in every picture.
pub fn op(name: &str) -> Ink {
    own(name).unwrap_or(MUTED)
}

/// The op's own colour, where it has one.
pub fn own(name: &str) -> Option<Ink> {
    let [blue, vermillion, green, purple, orange, sky, yellow] = PALETTE;
    Some(match name {
        "none" => LINE,
        "skip_connect" => vermillion,
        "max_pool_3x3" => orange,
        "avg_pool_3x3" => yellow,
        "sep_conv_3x3" | "nor_conv_3x3" => blue,
        "sep_conv_5x5" | "nor_conv_1x1" => sky,
        "dil_conv_3x3" | "sep_conv_7x7" => green,
        "dil_conv_5x5" | "conv_7x1_1x7" => purple,
        _ => return None,
    })
}

/// Two letters for an op, for places where its name has no room: colours alone do not reach every reader.
pub fn op_letters(name: &str) -> String {
    let known = match name {
        "none" => "0",
        "skip_connect" => "sk",
        "max_pool_3x3" => "mx",
        "avg_pool_3x3" => "av",
        "sep_conv_3x3" => "s3",
        "sep_conv_5x5" => "s5",
        "sep_conv_7x7" => "s7",
        "dil_conv_3x3" => "d3",
        "dil_conv_5x5" => "d5",
        "conv_7x1_1x7" => "17",
        "nor_conv_1x1" => "n1",
        "nor_conv_3x3" => "n3",
        _ => "",
    };
    if known.is_empty() { name.chars().take(2).collect() } else { known.to_owned() }
}

/// A colour of the scale from dark blue to yellow (anchors of viridis, by S. van der Walt and N. Smith), 0 to 1.
pub fn scale(share: f64) -> (u8, u8, u8) {
    const ANCHORS: [[f64; 3]; 5] =
        [[68.0, 1.0, 84.0], [59.0, 82.0, 139.0], [33.0, 145.0, 140.0], [94.0, 201.0, 98.0], [253.0, 231.0, 37.0]];
    let place = share.clamp(0.0, 1.0) * 4.0;
    let low = (place.floor() as usize).min(3);
    let part = place - low as f64;
    let channel = |c: usize| (ANCHORS[low][c] * (1.0 - part) + ANCHORS[low + 1][c] * part).round() as u8;
    (channel(0), channel(1), channel(2))
}

/// The page's style: a variable for each colour, light and dark; always light on paper.
pub fn variables() -> String {
    let list = |value: fn(&Ink) -> &'static str| -> String {
        all().map(|ink| format!("--{}:{};", ink.name, value(&ink))).collect()
    };
    let (light, dark) = (list(|ink| ink.light), list(|ink| ink.dark));
    format!(
        ":root{{color-scheme:light dark;{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
    )
}

/// An SVG with variables in the place of the colours that have a role.
pub fn with_variables(svg: &str) -> String {
    all().fold(svg.to_owned(), |text, ink| {
        text.replace(&format!("\"{}\"", ink.light), &format!("\"var(--{})\"", ink.name))
    })
}
