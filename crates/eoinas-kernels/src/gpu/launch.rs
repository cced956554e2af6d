//! Launching a kernel.

use super::arguments::Argument;
#[cfg(feature = "cuda")]
use super::cuda;
use super::device::Gpu;
#[cfg(feature = "emulation")]
use super::emulated;
use super::grid::{Grid, rows, tile};
use super::profile;
use crate::error::Result;

impl Gpu {
    /// Launches a kernel that multiplies matrices, with `pixels` x `columns` results, in tiles for `of` columns.
    ///
    /// # Safety
    /// As for [`Self::launch`].
    pub(super) unsafe fn multiply(
        &self,
        name: &str,
        [pixels, columns]: [usize; 2],
        of: usize,
        arguments: &[Argument<'_>],
    ) -> Result<()> {
        let (size, suffix) = tile(of);
        let blocks = [pixels.div_ceil(rows(size)), columns.div_ceil(size), 1];
        // SAFETY: as the caller says.
        unsafe { self.launch(&format!("{name}{suffix}"), Grid::product(blocks), arguments) }
    }

    /// Launches a kernel of `kernels/` by its name.
    ///
    /// # Safety
    /// The arguments must be those of the kernel, in its order; each address must be that of as many values as the
    /// kernel reads or writes for these sizes, and none that is written may be read or written as another one.
    pub(super) unsafe fn launch(&self, name: &str, grid: Grid, arguments: &[Argument<'_>]) -> Result<()> {
        let mark = profile::mark(self, name)?;
        match *self {
            #[cfg(feature = "cuda")]
            // SAFETY: as the caller says.
            Self::Cuda(ref device) => unsafe { cuda::launch(device, name, grid, arguments)? },
            #[cfg(feature = "emulation")]
            // SAFETY: as the caller says.
            Self::Emulated => unsafe { emulated::launch(name, grid, arguments)? },
        }
        profile::record(self, name, mark)
    }
}
