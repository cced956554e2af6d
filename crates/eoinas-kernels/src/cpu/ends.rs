//! One image's way in and out of scratch memory, as an op sees it: whole, or band of rows by band of rows, so that what
//! was just read or is about to be written is in the nearest cache.

use std::ops::Range;

use super::access::{GradientView, InputView};
use super::image::{Layout, LoadGradient, LoadInput, StoreInputGradient, borrow_gradient, borrow_input};
use super::simd::Level;

/// An image of the input.
pub(crate) struct ImageInput<'a, 'v> {
    level: Level,
    view: &'a InputView<'v>,
    image: usize,
    layout: Layout,
    padded: &'a mut [f32],
    /// Rows before this one have been read, or nobody reads them.
    loaded: usize,
    /// Nobody reads rows from this one on.
    end: usize,
}

impl<'a, 'v> ImageInput<'a, 'v> {
    pub(crate) fn new(
        level: Level,
        view: &'a InputView<'v>,
        image: usize,
        layout: Layout,
        padded: &'a mut [f32],
    ) -> Self {
        Self { level, view, image, layout, padded, loaded: 0, end: layout.height }
    }

    /// The same, of which only these rows will be read; they count from the top of the border.
    pub(crate) fn limited(self, rows: Range<usize>) -> Self {
        let row = |row: usize| row.saturating_sub(self.layout.border_y).min(self.layout.height);
        Self { loaded: row(rows.start), end: row(rows.end), ..self }
    }

    /// All that will be read of the image in its layout, or the tensor itself where that is the same.
    pub(crate) fn whole(&mut self) -> &[f32] {
        match borrow_input(self.view, self.image, self.layout) {
            Some(x) => x,
            None => self.until(self.layout.height),
        }
    }

    /// The image in its layout, of which rows before `row` are there.
    pub(crate) fn until(&mut self, row: usize) -> &[f32] {
        let row = row.min(self.end);
        if row > self.loaded {
            let Self { view, image, layout, loaded, .. } = *self;
            self.level.run(LoadInput { view, image, rows: loaded..row, layout, to: self.padded });
            self.loaded = row;
        }
        self.padded
    }
}

/// What happens to the gradient of the input.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Nothing,
    Add,
    Write,
}

/// An image's gradients: that of the output, and that of the input.
pub(crate) struct ImageGradients<'a, 'v, 't> {
    pub(crate) level: Level,
    pub(crate) view: &'a InputView<'v>,
    pub(crate) grad: &'a GradientView<'v>,
    pub(crate) image: usize,
    /// Of the whole gradient of the output.
    pub(crate) gradient: Layout,
    /// Of the whole gradient of the input.
    pub(crate) dx_layout: Layout,
    pub(crate) dz: &'a mut [f32],
    pub(crate) dx: &'a mut [f32],
    /// The parts of the tensors that belong to this image.
    pub(crate) targets: Vec<&'t mut [f32]>,
    pub(crate) target: Target,
    /// BatchNorm's sums of this image.
    pub(crate) sums: &'a mut [f32],
}

impl ImageGradients<'_, '_, '_> {
    /// Whether the gradient of the input is wanted.
    pub(crate) fn wants_input(&self) -> bool {
        self.target != Target::Nothing
    }

    /// Whether the op writes its gradient where it belongs: nothing is pending and nothing is added.
    fn is_direct(&self) -> bool {
        self.target == Target::Write && self.view.norm.is_none() && !self.view.relu && self.dx_layout.is_plain()
    }

    /// Runs `f(dz, dx)` on the whole gradients; `dx` is to be written, all of it, and `None` if not wanted.
    pub(crate) fn whole(&mut self, f: impl FnOnce(&[f32], Option<&mut [f32]>)) {
        let dz = match borrow_gradient(self.grad, self.image, self.gradient) {
            Some(dz) => dz,
            None => {
                let Self { grad: view, image, gradient: layout, .. } = *self;
                self.level.run(LoadGradient { view, image, rows: 0..layout.height, layout, to: self.dz });
                &*self.dz
            }
        };
        let direct = self.is_direct();
        match self.targets.as_mut_slice() {
            [target] if direct => f(dz, Some(target)),
            _ if self.target == Target::Nothing => f(dz, None),
            _ => {
                f(dz, Some(&mut *self.dx));
                self.store(0..self.dx_layout.height);
            }
        }
    }

    /// Rows of the gradient of the output.
    pub(crate) fn dz_rows(&mut self, rows: Range<usize>) -> &[f32] {
        let Self { grad: view, image, gradient: layout, .. } = *self;
        self.level.run(LoadGradient { view, image, rows, layout, to: self.dz });
        self.dz
    }

    /// Has `f` write rows of the gradient of the input, and hands them over.
    pub(crate) fn dx_rows(&mut self, rows: Range<usize>, f: impl FnOnce(&mut [f32])) {
        f(self.dx);
        self.store(rows);
    }

    fn store(&mut self, rows: Range<usize>) {
        let Self { view, image, dx_layout: layout, .. } = *self;
        let add = self.target == Target::Add;
        let (dx, targets, sums) = (&*self.dx, self.targets.as_mut_slice(), &mut *self.sums);
        self.level.run(StoreInputGradient { view, image, rows, layout, dx, targets, add, sums });
    }
}
