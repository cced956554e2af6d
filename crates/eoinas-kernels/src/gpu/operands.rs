//! From tensors to addresses: operands of one launch, checked.

use candle_core::{CpuStorage, DType, InplaceOp1, Layout, Storage, Tensor};

use super::arguments::{Address, Argument, GradientArgument, InputArgument, SOURCES, TargetArgument};
#[cfg(feature = "cuda")]
use super::cuda;
use super::device::Gpu;
#[cfg(feature = "emulation")]
use super::emulated;
use super::grid::int;
use crate::error::{KernelError, Result};
use crate::tensors::len;
use crate::view::{Gradient, Input};

/// Pixels along a side of an image, at most: a filter reads up to 2^12 rows beside it.
const SIDE: usize = 1 << 18;

/// The tensors of one call of a kernel, which must be on its GPU. None that is written shares memory with another.
pub(super) struct Operands<'g> {
    gpu: &'g Gpu,
    kernel: &'static str,
    /// Which storages are in use.
    storages: Vec<usize>,
}

impl<'g> Operands<'g> {
    pub(super) fn new(gpu: &'g Gpu, kernel: &'static str) -> Self {
        Self { gpu, kernel, storages: Vec::new() }
    }

    /// The address of an f32 tensor that is read.
    ///
    /// # Errors
    /// Another type or device, not contiguous, or emptied by [`crate::Workspace::recycle`].
    pub(super) fn read(&mut self, name: &'static str, tensor: &Tensor) -> Result<Address> {
        self.read_as(name, tensor, DType::F32)
    }

    /// The same for another type.
    pub(super) fn read_as(&mut self, name: &'static str, tensor: &Tensor, dtype: DType) -> Result<Address> {
        let (address, storage) = self.locate(name, tensor, dtype)?;
        self.storages.push(storage);
        Ok(address)
    }

    /// The address of a tensor that is read if it is there, else 0.
    pub(super) fn optional(&mut self, name: &'static str, tensor: Option<&Tensor>) -> Result<Address> {
        tensor.map_or(Ok(0), |tensor| self.read(name, tensor))
    }

    /// The address of an f32 tensor that is written, after all that are read were asked for.
    ///
    /// # Errors
    /// As [`Self::read`], or it shares its memory with another tensor of the call.
    pub(super) fn write(&mut self, name: &'static str, tensor: &Tensor) -> Result<Address> {
        self.write_as(name, tensor, DType::F32)
    }

    /// The same for another type.
    pub(super) fn write_as(&mut self, name: &'static str, tensor: &Tensor, dtype: DType) -> Result<Address> {
        let (_, storage) = self.locate(name, tensor, dtype)?;
        if self.storages.contains(&storage) {
            return Err(KernelError::shared(self.kernel, name));
        }
        self.storages.push(storage);
        let mutable = Mutable { gpu: self.gpu, address: std::cell::Cell::new(None) };
        tensor.inplace_op1(&mutable)?;
        mutable.address.get().ok_or_else(|| KernelError::layout(self.kernel, name, tensor, dtype))
    }

    /// The address of an f32 tensor that is read, and whose values kernels count with an `int`.
    pub(super) fn counted(&mut self, name: &'static str, tensor: &Tensor) -> Result<Address> {
        self.int(tensor.elem_count())?;
        self.read(name, tensor)
    }

    /// The address of a kernel's output.
    pub(super) fn output(&mut self, tensor: &Tensor) -> Result<Address> {
        // Kernels count its values with an `int`.
        self.int(tensor.elem_count())?;
        self.write("output", tensor)
    }

    fn locate(&self, name: &'static str, tensor: &Tensor, dtype: DType) -> Result<(Address, usize)> {
        let (guard, layout) = tensor.storage_and_layout();
        let layout_error = || KernelError::layout(self.kernel, name, tensor, dtype);
        let Some((start, end)) = layout.contiguous_offsets().filter(|_| tensor.dtype() == dtype) else {
            return Err(layout_error());
        };
        // The offsets are of candle's count, which wraps around.
        if len(tensor.dims()) != Some(end - start) {
            return Err(KernelError::shape(self.kernel, name, tensor, "a shape that memory can hold"));
        }
        let storage = std::ptr::from_ref::<Storage>(&*guard) as usize;
        let first: Option<Address> = match (self.gpu, &*guard) {
            #[cfg(feature = "cuda")]
            (Gpu::Cuda(device), Storage::Cuda(storage)) if device.id() == storage.device.id() => {
                cuda::address(storage, end)
            }
            #[cfg(feature = "emulation")]
            (Gpu::Emulated, Storage::Cpu(storage)) => emulated::address(storage, end),
            _ => return Err(KernelError::device(self.kernel, name, tensor)),
        };
        let first = first.ok_or_else(layout_error)?;
        Ok((first + (start * dtype.size_in_bytes()) as Address, storage))
    }

    /// An input, whose shape was checked.
    pub(super) fn input(&mut self, input: Input<'_>, shape: [usize; 4]) -> Result<InputArgument> {
        let mut argument = InputArgument {
            sources: self.sources(input.sources.len())?,
            shape: self.ints(shape)?,
            relu: i32::from(input.relu),
            ..InputArgument::default()
        };
        let slots = argument.source.iter_mut().zip(&mut argument.width);
        for ((address, width), source) in slots.zip(input.sources) {
            *address = self.read("input", source)?;
            *width = self.int(source.dim(3)?)?;
        }
        if let Some(norm) = input.norm {
            argument.norm = [
                self.read("input norm mean", &norm.mean)?,
                self.read("input norm rstd", &norm.rstd)?,
                self.read("input norm scale", &norm.scale)?,
                self.read("input norm shift", &norm.shift)?,
            ];
        }
        Ok(argument)
    }

    /// A gradient, whose shape was checked.
    pub(super) fn gradient(&mut self, gradient: Gradient<'_>, shape: [usize; 4]) -> Result<GradientArgument> {
        let mut argument = GradientArgument {
            dy: self.read("dy", gradient.dy)?,
            sample: self.optional("sample", gradient.sample)?,
            gate: gradient.gate,
            shape: self.ints(shape)?,
            ..GradientArgument::default()
        };
        if let Some((z, map)) = gradient.norm {
            argument.z = self.read("z", z)?;
            argument.map = [
                self.read("gradient coefficient a", &map.a)?,
                self.read("gradient coefficient b", &map.b)?,
                self.read("gradient coefficient d", &map.d)?,
            ];
        }
        Ok(argument)
    }

    /// Tensors `[n, h, w, c_i]` that a gradient is added to or written to.
    pub(super) fn target(&mut self, tensors: &[&Tensor], add: bool) -> Result<TargetArgument> {
        let mut argument =
            TargetArgument { sources: self.sources(tensors.len())?, add: i32::from(add), ..TargetArgument::default() };
        let slots = argument.tensor.iter_mut().zip(&mut argument.width);
        for ((address, width), tensor) in slots.zip(tensors) {
            *address = self.write("input gradient", tensor)?;
            *width = self.int(tensor.dim(3)?)?;
        }
        Ok(argument)
    }

    fn sources(&self, count: usize) -> Result<i32> {
        if count > SOURCES {
            return Err(KernelError::Argument {
                kernel: self.kernel,
                argument: "input",
                got: format!("{count} sources"),
                expected: format!("at most {SOURCES} on a GPU"),
            });
        }
        self.int(count)
    }

    pub(super) fn int(&self, number: usize) -> Result<i32> {
        int(self.kernel, number)
    }

    /// Numbers as a kernel takes them.
    pub(super) fn numbers<const N: usize>(&self, numbers: [usize; N]) -> Result<[Argument<'static>; N]> {
        let mut arguments = [Argument::Int(0); N];
        for (argument, number) in arguments.iter_mut().zip(numbers) {
            *argument = Argument::Int(self.int(number)?);
        }
        Ok(arguments)
    }

    fn ints(&self, shape: [usize; 4]) -> Result<[i32; 4]> {
        // Kernels count the values of a tensor with an `int`, too.
        self.int(shape.iter().product())?;
        let [n, h, w, c] = shape;
        // And places beside an image, within any filter's padding, also of rows that far from it.
        if h.max(w) > SIDE {
            return Err(KernelError::Argument {
                kernel: self.kernel,
                argument: "height or width",
                got: h.max(w).to_string(),
                expected: format!("at most {SIDE} on a GPU"),
            });
        }
        Ok([self.int(n)?, self.int(h)?, self.int(w)?, self.int(c)?])
    }
}

/// An in-place op that finds out where a tensor is to be written.
struct Mutable<'g> {
    gpu: &'g Gpu,
    address: std::cell::Cell<Option<Address>>,
}

impl InplaceOp1 for Mutable<'_> {
    fn name(&self) -> &'static str {
        "write"
    }

    fn cpu_fwd(&self, _storage: &mut CpuStorage, _layout: &Layout) -> candle_core::Result<()> {
        match *self.gpu {
            #[cfg(feature = "cuda")]
            Gpu::Cuda(_) => {}
            #[cfg(feature = "emulation")]
            Gpu::Emulated => self.address.set(emulated::address_mut(_storage, _layout)),
        }
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, storage: &mut candle_core::CudaStorage, layout: &Layout) -> candle_core::Result<()> {
        self.address.set(cuda::address_mut(storage, layout));
        Ok(())
    }
}
