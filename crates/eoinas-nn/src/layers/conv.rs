//! Any convolution by the kernels, which have odd filters, stride 1 or 2 and a padding of half the filter: the image is padded
//! before where there is more padding, the output cut where there is less, and groups run one after the other.

use candle_core::Tensor;
use candle_nn::Init;
use eoinas_core::models::ConvSpec;
use eoinas_kernels::norm::{batch_stats, normalise};
use eoinas_kernels::{
    BatchStats, ConvGeometry, Convolution, Geometry, Gradient, Input, InputGradient, Norm, conv_backward, conv_forward,
    optim,
};

use super::pixels::Places;
use crate::error::{NnError, Result};
use crate::gradients::WeightGradients;
use crate::operation::Context;
use crate::parameters::{ParamId, Scope};

/// A convolution and how the kernels run it.
#[derive(Debug)]
pub(super) struct Conv {
    pub spec: ConvSpec,
    /// `[rows, columns, input / groups, output]`.
    pub weight: ParamId,
    pub bias: Option<ParamId>,
    /// Height, width and channels of the input.
    input: [usize; 3],
    /// What of the image the kernel reads, of what it gives what counts; `None`: all.
    read: Option<Places>,
    kept: Option<Places>,
    /// The kernel's filter and stride.
    kernel: (usize, usize),
    stride: usize,
    /// Whether a BatchNorm reads its sums.
    normed: bool,
    /// Height, width and channels of an image that the filter covers whole, as that of a fully connected layer does: it runs as
    /// one pixel of as many channels. A filter's other places would be computed for nothing.
    whole: Option<[usize; 3]>,
}

impl Conv {
    /// Creates the weights, normal as in He et al. 2015 (deviation `sqrt(2 / fan_out)`), and a bias of zeros.
    pub fn new(
        scope: &mut Scope<'_>,
        spec: ConvSpec,
        input: [usize; 3],
        output: [usize; 3],
        normed: bool,
    ) -> Result<Self> {
        let ConvSpec { channels, kernel: (rows, columns), stride, padding, groups, bias } = spec;
        let fan_out = (rows * columns * channels / groups.max(1)).max(1);
        let init = Init::Randn { mean: 0.0, stdev: (2.0 / fan_out as f64).sqrt() };
        let weight = scope.create("weight", (rows, columns, input[2] / groups.max(1), channels), init, true)?;
        let bias = if bias { Some(scope.create("bias", channels, Init::Const(0.0), true)?) } else { None };
        let covers = (rows, columns) == (input[0], input[1]) && padding == (0, 0) && stride == 1 && groups == 1;
        let whole = (covers && (rows, columns) != (1, 1)).then_some(input);
        let input = if whole.is_some() { [1, 1, input.iter().product()] } else { input };
        let (rows, columns) = if whole.is_some() { (1, 1) } else { (rows, columns) };
        // An even filter gets a row and a column of zeros behind it.
        let kernel = (rows | 1, columns | 1);
        let fitted =
            [(rows, padding.0), (columns, padding.1)].map(|(size, padding)| Fitted::new(size, padding, stride));
        let side = |of: fn(&Fitted) -> isize| fitted.each_ref().map(of);
        let size = [0, 1].map(|side: usize| input[side] + fitted[side].before + fitted[side].after);
        let read = Places { start: side(|side| -(side.before as isize)), count: size, stride: 1 };
        let of_kernel = if stride == 2 { 2 } else { 1 };
        let kept = Places {
            start: side(|side| side.first as isize),
            count: [output[0], output[1]],
            stride: stride / of_kernel,
        };
        let given = size.map(|size| size.div_ceil(of_kernel));
        Ok(Self {
            spec,
            weight,
            bias,
            input,
            read: (read.start != [0, 0] || size != [input[0], input[1]]).then_some(read),
            kept: (kept.start != [0, 0] || kept.stride != 1 || given != kept.count).then_some(kept),
            kernel,
            stride: of_kernel,
            normed,
            whole,
        })
    }

    /// The output, and its sums where a BatchNorm wants them and the kernel takes them.
    pub fn forward(&self, context: &Context<'_>, x: &Tensor) -> Result<(Tensor, Option<BatchStats>)> {
        let x = self.pixels(x)?;
        let read = self.read.map_or(Ok(x.clone()), |read| read.take(&x))?;
        let (weights, plain) = (self.weights(context)?, self.plain());
        let want_stats = plain && self.normed && context.keep;
        let (mut parts, mut stats) = (Vec::with_capacity(weights.len()), None);
        for (group, weight) in weights.iter().enumerate() {
            let part = self.part(&read, group, self.input[2])?;
            let input = Input { sources: &[&part], norm: None, relu: false };
            let (z, found) = conv_forward(context.workspace, input, self.convolution(weight)?, want_stats)?;
            parts.push(self.kept.map_or(Ok(z.clone()), |kept| kept.take(&z))?);
            stats = found;
        }
        let y = if parts.len() == 1 { parts.remove(0) } else { Tensor::cat(&parts, 3)? };
        let Some(bias) = self.bias else { return Ok((y, stats)) };
        let added = normalise(context.workspace, &y, &shift(context.parameters.value(bias)?)?)?;
        context.workspace.recycle(y);
        Ok((added, None))
    }

    /// Adds the weights' gradients. The input's goes to `target` where the kernel can, else it is returned.
    pub fn backward(
        &self,
        context: &Context<'_>,
        x: &Tensor,
        dy: &Tensor,
        target: InputGradient<'_>,
        gradients: &mut WeightGradients,
    ) -> Result<Option<Tensor>> {
        if let Some(bias) = self.bias {
            let sums = batch_stats(dy)?;
            gradients.add(bias, sums.mean.affine(sums.count as f64, 0.0)?)?;
        }
        let x = self.pixels(x)?;
        let read = self.read.map_or(Ok(x.clone()), |read| read.take(&x))?;
        let weights = self.weights(context)?;
        let request = match target {
            InputGradient::Skip => InputGradient::Skip,
            target if self.plain() => target,
            _ => InputGradient::Return,
        };
        let size = [read.dim(1)?, read.dim(2)?].map(|size| size.div_ceil(self.stride));
        let (mut inputs, mut found_weights) = (Vec::new(), Vec::new());
        for (group, weight) in weights.iter().enumerate() {
            let part = self.part(&read, group, self.input[2])?;
            let dz = self.part(dy, group, self.spec.channels)?;
            let dz = self.kept.map_or(Ok(dz.clone()), |kept| kept.give_back(&dz, size))?;
            let gradient = Gradient { dy: &dz, norm: None, gate: 1.0, sample: None };
            let input = Input { sources: &[&part], norm: None, relu: false };
            let found = conv_backward(context.workspace, input, self.convolution(weight)?, gradient, request, true)?;
            inputs.extend(found.input.map(|(dx, _)| dx));
            found_weights.extend(found.weights);
        }
        self.add_weights(found_weights, gradients)?;
        if inputs.is_empty() {
            return Ok(None);
        }
        let dx = if inputs.len() == 1 { inputs.remove(0) } else { Tensor::cat(&inputs, 3)? };
        if let Some([height, width, channels]) = self.whole {
            return Ok(Some(dx.reshape(((), height, width, channels))?));
        }
        let size = [self.input[0], self.input[1]];
        Ok(Some(self.read.map_or(Ok(dx.clone()), |read| read.give_back(&dx, size))?))
    }

    fn add_weights(
        &self,
        mut found: Vec<eoinas_kernels::WeightGradient>,
        gradients: &mut WeightGradients,
    ) -> Result<()> {
        let (rows, columns) = self.spec.kernel;
        if let Some([height, width, channels]) = self.whole {
            let settled = optim::settle(found)?;
            let weight = settled.first().ok_or(NnError::Fault("a convolution's weights have no gradient"))?;
            return gradients.add(self.weight, weight.reshape((height, width, channels, ()))?);
        }
        if found.len() == 1 && self.kernel == (rows, columns) && !self.is_depthwise() {
            return found.pop().map_or(Ok(()), |found| gradients.add_found(self.weight, found));
        }
        let shape = (rows, columns, self.input[2] / self.spec.groups, ());
        let parts = optim::settle(found)?.into_iter().map(|part| {
            let part = part.narrow(0, 0, rows)?.narrow(1, 0, columns)?.contiguous()?;
            Ok(part.reshape(shape)?)
        });
        let parts = parts.collect::<Result<Vec<_>>>()?;
        gradients.add(self.weight, Tensor::cat(&parts, 3)?)
    }

    /// Whether the kernel reads the whole input and gives the whole output by itself.
    pub fn plain(&self) -> bool {
        self.whole.is_none()
            && self.read.is_none()
            && self.kept.is_none()
            && (self.spec.groups == 1 || self.is_depthwise())
    }

    fn is_depthwise(&self) -> bool {
        let ConvSpec { groups, channels, kernel, .. } = self.spec;
        groups > 1 && groups == self.input[2] && groups == channels && kernel.0 == kernel.1
    }

    /// The image as the kernel reads it.
    fn pixels(&self, x: &Tensor) -> Result<Tensor> {
        Ok(if self.whole.is_some() { x.reshape(((), 1, 1, self.input[2]))? } else { x.clone() })
    }

    /// The weights as the kernel takes them: one tensor, or one a group.
    fn weights(&self, context: &Context<'_>) -> Result<Vec<Tensor>> {
        let weight = context.parameters.value(self.weight)?;
        if self.whole.is_some() {
            return Ok(vec![weight.reshape((1, 1, self.input[2], self.spec.channels))?]);
        }
        let (rows, columns, _, channels) = weight.dims4()?;
        let odd = |weight: &Tensor| match self.kernel == (rows, columns) {
            true => Ok(weight.clone()),
            false => {
                let padded = weight.pad_with_zeros(0, 0, self.kernel.0 - rows)?;
                padded.pad_with_zeros(1, 0, self.kernel.1 - columns)?.contiguous()
            }
        };
        let weight = odd(weight)?;
        if self.is_depthwise() {
            return Ok(vec![weight.reshape((self.kernel.0, self.kernel.1, channels))?]);
        }
        let parts = (0..self.spec.groups).map(|group| self.part(&weight, group, channels));
        parts.collect()
    }

    /// The channels of a group, of `channels` that all groups share; all of them where the kernel does not know groups.
    fn part(&self, x: &Tensor, group: usize, channels: usize) -> Result<Tensor> {
        if self.spec.groups == 1 || self.is_depthwise() {
            return Ok(x.clone());
        }
        let share = channels / self.spec.groups;
        Ok(x.narrow(3, group * share, share)?.contiguous()?)
    }

    fn convolution<'a>(&self, weight: &'a Tensor) -> Result<Convolution<&'a Tensor>> {
        Ok(match self.is_depthwise() {
            true => Convolution::Depthwise { weight, geometry: Geometry::new(self.kernel.0, self.stride, 1)? },
            false => Convolution::Dense { weight, geometry: ConvGeometry::new(self.kernel, self.stride)? },
        })
    }
}

/// What is padded along a side, and where the kernel's outputs that count begin.
#[derive(Clone, Copy, Debug)]
struct Fitted {
    before: usize,
    after: usize,
    first: usize,
}

impl Fitted {
    /// For a filter of `size` at places `stride` apart from `-padding` on. The kernel's output number `i` has its filter's
    /// middle at `i`, or `2 i` at stride 2, of what it reads.
    fn new(size: usize, padding: usize, stride: usize) -> Self {
        let (half, even) = ((size | 1) / 2, usize::from(size.is_multiple_of(2)));
        // The middle of the first and of the last filter must lie inside of what is read.
        let extra = padding.saturating_sub(half.saturating_sub(even));
        let middle = half + extra - padding;
        let odd = if stride == 2 { middle % 2 } else { 0 };
        let step = if stride == 2 { 2 } else { 1 };
        Self { before: extra + odd, after: extra, first: (middle + odd) / step }
    }
}

/// A map that adds `shift` to each channel.
fn shift(shift: &Tensor) -> Result<Norm> {
    let (zeros, ones) = (shift.zeros_like()?, shift.ones_like()?);
    Ok(Norm { mean: zeros, rstd: ones.clone(), scale: ones, shift: shift.clone() })
}
