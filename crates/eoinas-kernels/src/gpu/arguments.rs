//! What kernels take: the structs of `views.cuh`, `threads.cuh`, `node.cu` and `optim.cu`, field by field.

/// Tensors that an input is joined from, at most.
pub(super) const SOURCES: usize = 8;
/// Terms of one launch, at most.
pub(super) const TERMS: usize = 16;
/// Tensors of one launch of the optimiser, at most.
pub(super) const TENSORS: usize = 64;

/// Address of values on the device; 0 for none.
pub(super) type Address = u64;

/// An activation; `Input` in `views.cuh`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct InputArgument {
    pub(super) source: [Address; SOURCES],
    /// mean, rstd, scale, shift.
    pub(super) norm: [Address; 4],
    pub(super) width: [i32; SOURCES],
    pub(super) sources: i32,
    pub(super) shape: [i32; 4],
    pub(super) relu: i32,
}

/// The gradient at an output; `Gradient` in `views.cuh`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct GradientArgument {
    pub(super) dy: Address,
    pub(super) z: Address,
    /// a, b, d.
    pub(super) map: [Address; 3],
    pub(super) sample: Address,
    pub(super) gate: f32,
    pub(super) shape: [i32; 4],
}

/// Where the gradient of an input goes; `Target` in `views.cuh`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TargetArgument {
    pub(super) tensor: [Address; SOURCES],
    pub(super) width: [i32; SOURCES],
    pub(super) sources: i32,
    pub(super) add: i32,
}

/// Summands of a node; `Terms` in `node.cu`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TermsArgument {
    pub(super) z: [Address; TERMS],
    pub(super) mean: [Address; TERMS],
    pub(super) rstd: [Address; TERMS],
    pub(super) scale: [Address; TERMS],
    pub(super) shift: [Address; TERMS],
    pub(super) sample: [Address; TERMS],
    pub(super) gate: [f32; TERMS],
    pub(super) terms: i32,
}

/// Where an output's statistics go; `Statistics` in `threads.cuh`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StatisticsArgument {
    pub(super) moments: Address,
    pub(super) out: Address,
    pub(super) counters: Address,
    pub(super) eps: f64,
}

/// Where a gradient's sums go; `Sums` in `node.cu`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct SumsArgument {
    pub(super) parts: Address,
    pub(super) out: Address,
    pub(super) counters: Address,
}

/// Sums of one launch; `Parts` in `optim.cu`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct PartsArgument {
    pub(super) parts: [Address; TENSORS],
    pub(super) out: [Address; TENSORS],
    pub(super) values: [i32; TENSORS],
    pub(super) pieces: [i32; TENSORS],
}

impl Default for PartsArgument {
    fn default() -> Self {
        Self { parts: [0; TENSORS], out: [0; TENSORS], values: [0; TENSORS], pieces: [0; TENSORS] }
    }
}

/// Parameters of one launch; `Tensors` in `optim.cu`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct TensorsArgument {
    pub(super) value: [Address; TENSORS],
    pub(super) gradient: [Address; TENSORS],
    pub(super) momentum: [Address; TENSORS],
    pub(super) values: [i32; TENSORS],
}

impl Default for TensorsArgument {
    fn default() -> Self {
        let none = [0; TENSORS];
        Self { value: none, gradient: none, momentum: none, values: [0; TENSORS] }
    }
}

/// One argument of a kernel.
#[derive(Clone, Copy, Debug)]
pub(super) enum Argument<'a> {
    Address(Address),
    Int(i32),
    Float(f32),
    Double(f64),
    Input(&'a InputArgument),
    Gradient(&'a GradientArgument),
    Target(&'a TargetArgument),
    Terms(&'a TermsArgument),
    Tensors(&'a TensorsArgument),
    Parts(&'a PartsArgument),
    Statistics(&'a StatisticsArgument),
    Sums(&'a SumsArgument),
}
