//! From tensors to slices: checks of shape, type, layout and device, and the guards that keep the storage borrowed.

use std::cell::RefCell;

use candle_core::{CpuStorage, DType, Device, InplaceOp1, Layout, Storage, StorageRef, Tensor};

use crate::error::{KernelError, Result};
use crate::view::{Gradient, Input, InputGradient};

/// A contiguous f32 CPU tensor, borrowed for reading.
pub(crate) struct Read<'a> {
    storage: StorageRef<'a>,
    start: usize,
    len: usize,
}

impl Read<'_> {
    pub(crate) fn slice(&self) -> &[f32] {
        match &*self.storage {
            Storage::Cpu(CpuStorage::F32(values)) => values.get(self.start..self.start + self.len).unwrap_or(&[]),
            _ => &[],
        }
    }

    fn address(&self) -> *const Storage {
        &raw const *self.storage
    }
}

fn check(kernel: &'static str, name: &'static str, tensor: &Tensor) -> Result<()> {
    if !tensor.device().is_cpu() {
        let device = format!("{:?}", tensor.device().location());
        return Err(KernelError::Device { kernel, device });
    }
    if tensor.dtype() != DType::F32 || !tensor.is_contiguous() {
        return Err(KernelError::Layout { kernel, tensor: name });
    }
    Ok(())
}

/// Borrows a tensor for reading.
pub(crate) fn read<'a>(kernel: &'static str, name: &'static str, tensor: &'a Tensor) -> Result<Read<'a>> {
    check(kernel, name, tensor)?;
    let (storage, layout) = tensor.storage_and_layout();
    let read = Read { storage, start: layout.start_offset(), len: tensor.elem_count() };
    // A recycled tensor has lost its content.
    if read.slice().len() != read.len {
        return Err(KernelError::Layout { kernel, tensor: name });
    }
    Ok(read)
}

pub(crate) fn expect_shape(kernel: &'static str, name: &'static str, tensor: &Tensor, shape: &[usize]) -> Result<()> {
    if tensor.dims() == shape {
        return Ok(());
    }
    Err(KernelError::Shape { kernel, tensor: name, got: tensor.dims().to_vec(), expected: format!("{shape:?}") })
}

/// Borrows a tensor of a known shape.
pub(crate) fn read_shaped<'a>(
    kernel: &'static str,
    name: &'static str,
    tensor: &'a Tensor,
    shape: &[usize],
) -> Result<Read<'a>> {
    expect_shape(kernel, name, tensor, shape)?;
    read(kernel, name, tensor)
}

/// The tensors of an [`Input`], borrowed.
pub(crate) struct InputGuard<'a> {
    sources: Vec<(Read<'a>, usize)>,
    /// mean, rstd, scale, shift.
    norm: Option<[Read<'a>; 4]>,
    relu: bool,
    pub(crate) shape: [usize; 4],
}

/// A BatchNorm's numbers, `[c]` each.
#[derive(Clone, Copy)]
pub(crate) struct NormView<'a> {
    pub(crate) mean: &'a [f32],
    pub(crate) rstd: &'a [f32],
    pub(crate) scale: &'a [f32],
    pub(crate) shift: &'a [f32],
}

/// An [`Input`] as slices.
#[derive(Clone)]
pub(crate) struct InputView<'a> {
    /// Values and number of channels of each source.
    pub(crate) sources: Vec<(&'a [f32], usize)>,
    pub(crate) norm: Option<NormView<'a>>,
    pub(crate) relu: bool,
    /// Of all sources joined.
    pub(crate) shape: [usize; 4],
}

impl<'a> InputGuard<'a> {
    pub(crate) fn new(kernel: &'static str, input: Input<'a>) -> Result<Self> {
        let wrong = |tensor: Option<&Tensor>, expected: &str| KernelError::Shape {
            kernel,
            tensor: "input",
            got: tensor.map(|t| t.dims().to_vec()).unwrap_or_default(),
            expected: expected.to_owned(),
        };
        let Some(first) = input.sources.first() else {
            return Err(wrong(None, "at least one source [n, h, w, c]"));
        };
        let &[n, h, w, _] = first.dims() else {
            return Err(wrong(Some(first), "[n, h, w, c]"));
        };
        let mut sources = Vec::with_capacity(input.sources.len());
        let mut channels = 0;
        for source in input.sources {
            match *source.dims() {
                [n2, h2, w2, c] if [n2, h2, w2] == [n, h, w] => {
                    channels += c;
                    sources.push((read(kernel, "input", source)?, c));
                }
                _ => return Err(wrong(Some(source), &format!("[{n}, {h}, {w}, c] as the first source"))),
            }
        }
        if n * h * w * channels == 0 {
            return Err(wrong(Some(first), "no dimension of 0"));
        }
        let norm = match input.norm {
            None => None,
            Some(norm) => {
                let part = |name, tensor| read_shaped(kernel, name, tensor, &[channels]);
                Some([
                    part("input norm mean", &norm.mean)?,
                    part("input norm rstd", &norm.rstd)?,
                    part("input norm scale", &norm.scale)?,
                    part("input norm shift", &norm.shift)?,
                ])
            }
        };
        Ok(Self { sources, norm, relu: input.relu, shape: [n, h, w, channels] })
    }

    pub(crate) fn view(&self) -> InputView<'_> {
        InputView {
            sources: self.sources.iter().map(|(read, c)| (read.slice(), *c)).collect(),
            norm: self.norm.as_ref().map(|[mean, rstd, scale, shift]| NormView {
                mean: mean.slice(),
                rstd: rstd.slice(),
                scale: scale.slice(),
                shift: shift.slice(),
            }),
            relu: self.relu,
            shape: self.shape,
        }
    }
}

/// The tensors of a [`Gradient`], borrowed.
pub(crate) struct GradientGuard<'a> {
    dy: Read<'a>,
    /// z, a, b, d.
    norm: Option<[Read<'a>; 4]>,
    gate: f32,
    sample: Option<Read<'a>>,
}

/// A [`Gradient`] as slices.
#[derive(Clone, Copy)]
pub(crate) struct GradientView<'a> {
    pub(crate) dy: &'a [f32],
    /// `z`, and the coefficients `a`, `b`, `d`.
    pub(crate) norm: Option<(&'a [f32], [&'a [f32]; 3])>,
    pub(crate) gate: f32,
    pub(crate) sample: Option<&'a [f32]>,
}

impl<'a> GradientGuard<'a> {
    /// `shape` is that of the kernel's output.
    pub(crate) fn new(kernel: &'static str, gradient: Gradient<'a>, shape: [usize; 4]) -> Result<Self> {
        let channels = [shape[3]];
        let dy = read_shaped(kernel, "dy", gradient.dy, &shape)?;
        let norm = match gradient.norm {
            None => None,
            Some((z, coefficients)) => Some([
                read_shaped(kernel, "z", z, &shape)?,
                read_shaped(kernel, "gradient coefficient a", &coefficients.a, &channels)?,
                read_shaped(kernel, "gradient coefficient b", &coefficients.b, &channels)?,
                read_shaped(kernel, "gradient coefficient d", &coefficients.d, &channels)?,
            ]),
        };
        let sample = match gradient.sample {
            None => None,
            Some(sample) => Some(read_shaped(kernel, "sample", sample, &[shape[0]])?),
        };
        Ok(Self { dy, norm, gate: gradient.gate, sample })
    }

    pub(crate) fn view(&self) -> GradientView<'_> {
        GradientView {
            dy: self.dy.slice(),
            norm: self.norm.as_ref().map(|[z, a, b, d]| (z.slice(), [a.slice(), b.slice(), d.slice()])),
            gate: self.gate,
            sample: self.sample.as_ref().map(Read::slice),
        }
    }
}

/// Checks an [`InputGradient`] against the input that it belongs to: shapes, no pending BatchNorm, and no tensor that
/// is read while it is written.
pub(crate) fn check_input_gradient(
    kernel: &'static str,
    request: InputGradient<'_>,
    input: Input<'_>,
    gradient: Gradient<'_>,
) -> Result<()> {
    let InputGradient::AddTo(targets) = request else { return Ok(()) };
    let wrong = |got: &[usize], expected: String| KernelError::Shape {
        kernel,
        tensor: "input gradient",
        got: got.to_vec(),
        expected,
    };
    if targets.len() != input.sources.len() {
        return Err(wrong(&[targets.len()], format!("{} tensors, one for each source", input.sources.len())));
    }
    if let Some(norm) = input.norm {
        return Err(wrong(norm.scale.dims(), "no pending BatchNorm when adding to existing gradients".to_owned()));
    }
    let mut addresses = Vec::new();
    for (target, source) in targets.iter().zip(input.sources) {
        if target.dims() != source.dims() {
            return Err(wrong(target.dims(), format!("{:?}", source.dims())));
        }
        let address = read(kernel, "input gradient", target)?.address();
        if addresses.contains(&address) {
            return Err(KernelError::Shared { kernel, tensor: "input gradient" });
        }
        addresses.push(address);
    }
    let mut readers: Vec<&Tensor> = input.sources.to_vec();
    readers.push(gradient.dy);
    readers.extend(gradient.norm.map(|(z, _)| z));
    readers.extend(gradient.sample);
    for reader in readers {
        if addresses.contains(&read(kernel, "input", reader)?.address()) {
            return Err(KernelError::Shared { kernel, tensor: "input gradient" });
        }
    }
    Ok(())
}

/// Runs `f` with the values of all targets, borrowed for writing.
pub(crate) fn write_all(targets: &[&Tensor], f: &mut dyn FnMut(&mut [&mut [f32]])) -> Result<()> {
    nest(targets, &mut Vec::new(), f)
}

fn nest(targets: &[&Tensor], open: &mut Vec<&mut [f32]>, f: &mut dyn FnMut(&mut [&mut [f32]])) -> Result<()> {
    let Some((first, rest)) = targets.split_first() else {
        f(open);
        return Ok(());
    };
    let op = Borrow { rest, open: RefCell::new(Some((open, f))) };
    Ok(first.inplace_op1(&op)?)
}

type Open<'o, 's> = (&'o mut Vec<&'s mut [f32]>, &'o mut dyn FnMut(&mut [&mut [f32]]));

/// Borrows one tensor's values, and the rest from inside.
struct Borrow<'o, 's> {
    rest: &'o [&'o Tensor],
    open: RefCell<Option<Open<'o, 's>>>,
}

impl InplaceOp1 for Borrow<'_, '_> {
    fn name(&self) -> &'static str {
        "add-input-gradient"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let (Some((open, f)), CpuStorage::F32(values)) = (self.open.take(), storage) else { return Ok(()) };
        let (start, len) = (layout.start_offset(), layout.shape().elem_count());
        let Some(values) = values.get_mut(start..start + len) else { return Ok(()) };
        let mut all: Vec<&mut [f32]> = open.iter_mut().map(|s| &mut **s).collect();
        all.push(values);
        nest(self.rest, &mut all, f).map_err(candle_core::Error::wrap)
    }
}

/// A CPU tensor of per-channel numbers.
pub(crate) fn channel_tensor(values: Vec<f32>) -> Result<Tensor> {
    let len = values.len();
    Ok(Tensor::from_vec(values, len, &Device::Cpu)?)
}
