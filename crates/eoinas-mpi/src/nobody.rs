//! In the place of MPI where it is not built in: nobody can be joined.

use std::sync::Arc;

use eoinas_kernels::collective::Collective;

/// There is none.
#[derive(Debug)]
pub enum World {}

impl World {
    pub fn collective(&self) -> Arc<dyn Collective> {
        match *self {}
    }

    pub fn abort(&self, _: u8) -> ! {
        match *self {}
    }
}
