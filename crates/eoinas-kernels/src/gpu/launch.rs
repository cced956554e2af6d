//! Launching a kernel.

use super::arguments::Argument;
#[cfg(feature = "cuda")]
use super::cuda;
use super::device::Gpu;
#[cfg(feature = "emulation")]
use super::emulated;
use super::grid::{Grid, ROWS, tile};
use crate::error::Result;

impl Gpu {
    /// Launches a kernel that multiplies matrices, with `rows` x `columns` results.
    ///
    /// # Safety
    /// As for [`Self::launch`].
    pub(super) unsafe fn multiply(
        &self,
        name: &str,
        [rows, columns]: [usize; 2],
        arguments: &[Argument<'_>],
    ) -> Result<()> {
        let (size, suffix) = tile(columns);
        let blocks = [rows.div_ceil(ROWS), columns.div_ceil(size), 1];
        // SAFETY: as the caller says.
        unsafe { self.launch(&format!("{name}{suffix}"), Grid::tiles(blocks), arguments) }
    }

    /// Launches a kernel of `kernels/` by its name.
    ///
    /// # Safety
    /// The arguments must be those of the kernel, in its order; each address must be that of as many values as the
    /// kernel reads or writes for these sizes, and none that is written may be read or written as another one.
    pub(super) unsafe fn launch(&self, name: &str, grid: Grid, arguments: &[Argument<'_>]) -> Result<()> {
        match *self {
            #[cfg(feature = "cuda")]
            // SAFETY: as the caller says.
            Self::Cuda(ref device) => unsafe { cuda::launch(device, name, grid, arguments) },
            #[cfg(feature = "emulation")]
            // SAFETY: as the caller says.
            Self::Emulated => unsafe { emulated::launch(name, grid, arguments) },
        }
    }
}
