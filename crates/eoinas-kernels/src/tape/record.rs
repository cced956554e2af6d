//! Puts a result that is already computed on candle's tape, with a closure that goes back.

use std::fmt;
use std::sync::Mutex;

use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Shape, Tensor};
#[cfg(feature = "cuda")]
use candle_core::{CudaStorage, Storage, backend::BackendStorage};

use crate::error::Result;
use crate::workspace::take_buffer;

/// A candle op whose forward pass hands out what was computed before.
struct Recorded<F> {
    name: &'static str,
    output: Mutex<Option<Tensor>>,
    backward: F,
}

impl<F> fmt::Debug for Recorded<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorded").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<F> Recorded<F> {
    fn new(output: Tensor, name: &'static str, backward: F) -> Self {
        Self { name, output: Mutex::new(Some(output)), backward }
    }

    fn take(&self) -> candle_core::Result<Tensor> {
        let output = self.output.lock().ok().and_then(|mut output| output.take());
        output.ok_or_else(|| candle_core::Error::Msg(format!("{}: the op was applied twice", self.name)))
    }

    fn forward(&self) -> candle_core::Result<(CpuStorage, Shape)> {
        let output = self.take()?;
        let shape = output.shape().clone();
        let buffer = take_buffer(&output);
        let buffer =
            buffer.ok_or_else(|| candle_core::Error::Msg(format!("{}: its output is not on the CPU", self.name)))?;
        Ok((CpuStorage::F32(buffer), shape))
    }

    #[cfg(feature = "cuda")]
    fn cuda_forward(&self) -> candle_core::Result<(CudaStorage, Shape)> {
        let output = self.take()?;
        let (storage, layout) = output.storage_and_layout();
        match &*storage {
            Storage::Cuda(storage) => Ok((storage.try_clone(layout)?, output.shape().clone())),
            _ => Err(candle_core::Error::Msg(format!("{}: its output is not on the GPU", self.name))),
        }
    }
}

/// The error as candle's, the gradients in candle's form.
fn gradients<const N: usize>(result: Result<[Tensor; N]>) -> candle_core::Result<[Option<Tensor>; N]> {
    result.map(|gradients| gradients.map(Some)).map_err(candle_core::Error::wrap)
}

/// Goes back from `(argument, result, gradient of the result)`.
trait Unary: Fn(&Tensor, &Tensor, &Tensor) -> Result<Tensor> + Send + Sync + 'static {}
impl<F: Fn(&Tensor, &Tensor, &Tensor) -> Result<Tensor> + Send + Sync + 'static> Unary for F {}

/// Goes back from `(arguments, gradient of the result)`.
trait Several<const N: usize>: Fn([&Tensor; N], &Tensor) -> Result<[Tensor; N]> + Send + Sync + 'static {}
impl<const N: usize, F: Fn([&Tensor; N], &Tensor) -> Result<[Tensor; N]> + Send + Sync + 'static> Several<N> for F {}

impl<F: Unary> CustomOp1 for Recorded<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        self.forward()
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        self.cuda_forward()
    }

    fn bwd(&self, arg: &Tensor, res: &Tensor, grad: &Tensor) -> candle_core::Result<Option<Tensor>> {
        (self.backward)(arg, res, &grad.contiguous()?).map(Some).map_err(candle_core::Error::wrap)
    }
}

impl<F: Several<2>> CustomOp2 for Recorded<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        self.forward()
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        self.cuda_forward()
    }

    fn bwd(
        &self,
        arg1: &Tensor,
        arg2: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let [first, second] = gradients((self.backward)([arg1, arg2], &grad.contiguous()?))?;
        Ok((first, second))
    }
}

impl<F: Several<3>> CustomOp3 for Recorded<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        self.forward()
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        self.cuda_forward()
    }

    fn bwd(
        &self,
        arg1: &Tensor,
        arg2: &Tensor,
        arg3: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [first, second, third] = gradients((self.backward)([arg1, arg2, arg3], &grad.contiguous()?))?;
        Ok((first, second, third))
    }
}

/// `output`, computed from `x`.
pub(super) fn unary(
    x: &Tensor,
    output: Tensor,
    name: &'static str,
    backward: impl Fn(&Tensor, &Tensor, &Tensor) -> Result<Tensor> + Send + Sync + 'static,
) -> Result<Tensor> {
    Ok(x.apply_op1(Recorded::new(output, name, backward))?)
}

/// `output`, computed from two tensors.
pub(super) fn binary(
    [x, y]: [&Tensor; 2],
    output: Tensor,
    name: &'static str,
    backward: impl Fn([&Tensor; 2], &Tensor) -> Result<[Tensor; 2]> + Send + Sync + 'static,
) -> Result<Tensor> {
    Ok(x.apply_op2(y, Recorded::new(output, name, backward))?)
}

/// `output`, computed from three tensors.
pub(super) fn ternary(
    [x, y, z]: [&Tensor; 3],
    output: Tensor,
    name: &'static str,
    backward: impl Fn([&Tensor; 3], &Tensor) -> Result<[Tensor; 3]> + Send + Sync + 'static,
) -> Result<Tensor> {
    Ok(x.apply_op3(y, z, Recorded::new(output, name, backward))?)
}
