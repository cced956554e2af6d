//! A picture of any size to an image of the network's, by the graph itself: cut, resized and rounded as
//! `eoinas_data::ImageFolder` does it, so that the answer is the one that the program gives.

use eoinas_core::{Setting, ValueKind};
use eoinas_nn::saved::Framing;

use crate::ExportOptions;
use crate::convert::{Converter, int, ints, text};
use crate::error::{OnnxError, Result};
use crate::proto::{DOUBLE, FLOAT, INT64};

/// Side of the middle of a picture that [`Framing::Centre`] shows, as a share of the largest that fits.
const CENTRE: f64 = 0.875;
/// What a picture is shrunk to before its middle is taken, as a multiple of the network's size.
const ROOM: f64 = 2.0;
/// Brightness of a pixel (ITU-R 601).
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

impl Converter {
    /// The nodes from pixels to images of `[height, width, channels]`, whose values are whole numbers from 0 to 255.
    pub(crate) fn picture(
        &mut self,
        [height, width, channels]: [usize; 3],
        framing: Framing,
        options: &ExportOptions,
    ) -> Result<String> {
        if !options.normalisation.as_ref().is_some_and(|normalisation| normalisation.values == ValueKind::Bytes) {
            let problem =
                "it reads no pixels from 0 to 255, or their normalisation is not given; pictures have nothing else";
            return Err(OnnxError::Graph { problem: problem.to_owned() });
        }
        let expected = "3 or, of grey, 1; a file that takes pictures of any size takes red, green and blue";
        Setting::check(channels == 1 || channels == 3, "channels of the images", channels, expected)?;
        let first = self.push("Transpose", vec![options.input().to_owned()], vec![ints("perm", [0, 3, 1, 2])]);
        let mut x = self.cast(first, FLOAT);
        let to = self.weights.add_integers("picture.size", &[height as i64, width as i64])?;
        if framing == Framing::Centre {
            x = self.middle(x, (height, width))?;
        }
        x = self.resize(x, to)?;
        if channels == 1 {
            let luma = self.weights.add_floats("picture.luma", &[1, 3, 1, 1], &LUMA)?;
            let grey = self.push("Conv", vec![x, luma], Vec::new());
            x = self.round(grey)?;
        }
        Ok(x)
    }

    /// The middle of a picture, which is shrunk first: the window that [`Framing::Centre`] shows.
    fn middle(&mut self, x: String, (height, width): (usize, usize)) -> Result<String> {
        // Sizes are [height, width]; in double precision, as the program computes them, so that the same pixel is the edge.
        let to = self.weights.add_doubles("picture.to", &[height as f64, width as f64])?;
        let room = self.weights.add_doubles("picture.room", &[ROOM * height as f64, ROOM * width as f64])?;
        let half = self.weights.add_doubles("picture.half", &[0.5])?;
        let one = self.weights.add_doubles("picture.one", &[1.0])?;
        let two = self.weights.add_doubles("picture.two", &[2.0])?;
        let share = self.weights.add_doubles("picture.share", &[CENTRE])?;

        let shape = self.push("Shape", vec![x.clone()], vec![int("start", 2), int("end", 4)]);
        let size = self.cast(shape, DOUBLE);
        let scales = self.push("Div", vec![room, size.clone()], Vec::new());
        let largest = self.push("ReduceMax", vec![scales], vec![int("keepdims", 1)]);
        let scale = self.push("Min", vec![largest, one.clone()], Vec::new());
        let exact = self.push("Mul", vec![size, scale], Vec::new());
        let size = self.whole(exact, &half);
        let sizes = self.cast(size.clone(), INT64);
        let x = self.resize(x, sizes)?;

        let scales = self.push("Div", vec![size.clone(), to.clone()], Vec::new());
        let smallest = self.push("ReduceMin", vec![scales], vec![int("keepdims", 1)]);
        let scale = self.push("Mul", vec![smallest, share], Vec::new());
        let exact = self.push("Mul", vec![to, scale], Vec::new());
        let window = self.whole(exact, &half);
        let window = self.push("Max", vec![window, one], Vec::new());
        let window = self.push("Min", vec![window, size.clone()], Vec::new());
        let beside = self.push("Sub", vec![size, window.clone()], Vec::new());
        let start = self.push("Div", vec![beside, two], Vec::new());
        let start = self.push("Ceil", vec![start], Vec::new());
        let end = self.push("Add", vec![start.clone(), window], Vec::new());
        let (start, end) = (self.cast(start, INT64), self.cast(end, INT64));
        let axes = self.weights.add_integers("picture.axes", &[2, 3])?;
        Ok(self.push("Slice", vec![x, start, end, axes], Vec::new()))
    }

    /// The image at the size `sizes`, each value rounded: bilinear with a triangle as wide as an output pixel is in the input.
    fn resize(&mut self, x: String, sizes: String) -> Result<String> {
        // What lies beyond the border has no weight; without `exclude_outside` the border's pixels would count for it.
        let exactly = [int("antialias", 1), int("exclude_outside", 1), ints("axes", [2, 3])];
        let attributes = [text("mode", "linear")].into_iter().chain(exactly).collect();
        // No region and no scales: the sizes say all.
        let y = self.push("Resize", vec![x, String::new(), String::new(), sizes], attributes);
        self.round(y)
    }

    /// Rounded, halves upwards: the operator `Round` takes halves to even numbers.
    fn round(&mut self, x: String) -> Result<String> {
        let half = self.weights.add_doubles("picture.half", &[0.5])?;
        let half = self.cast(half, FLOAT);
        Ok(self.whole(x, &half))
    }

    fn whole(&mut self, x: String, half: &str) -> String {
        let more = self.push("Add", vec![x, half.to_owned()], Vec::new());
        self.push("Floor", vec![more], Vec::new())
    }

    fn cast(&mut self, x: String, to: i32) -> String {
        self.push("Cast", vec![x], vec![int("to", to as usize)])
    }
}
