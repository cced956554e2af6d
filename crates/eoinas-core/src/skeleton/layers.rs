//! From the skeleton's few numbers to its layers.

use super::{Form, Layer, Skeleton};
use crate::space::{CellKind, SearchSpace};

/// What a layer hands on: channels, and height and width in pixels.
type Output = (usize, (usize, usize));

impl Skeleton {
    /// The layers of this skeleton filled with the cells of `space`, in order; empty where [`Skeleton::validate`] has
    /// an error.
    ///
    /// A layer that keeps the resolution takes the space's first kind with `reduction` false, the layers at L/3 and 2L/3
    /// the first kind with `reduction` true; channels double there. In a space without such a kind, and in the
    /// NAS-Bench-201 form, a [`Layer::Residual`] comes first and a cell of the other kind after it. A cell's inputs are
    /// the outputs of the layers before it, residual blocks included, and of the stem before the first.
    ///
    /// ```
    /// use eoinas_core::{SearchSpace, Skeleton};
    /// let space = SearchSpace::darts();
    /// let layers = Skeleton::search().layers(&space);
    /// assert_eq!(layers.len(), 8);
    /// assert_eq!(layers[7].output_channels(&space), 4 * 64);
    /// assert_eq!(layers[7].output_size(), (8, 8));
    /// ```
    pub fn layers(&self, space: &SearchSpace) -> Vec<Layer> {
        let kind = |reduction| space.cells().iter().position(|cell| cell.reduction == reduction).map(CellKind);
        let (Ok(()), Some(normal)) = (self.validate(space), kind(false)) else {
            return Vec::new();
        };
        let reduce = kind(true).filter(|_| self.form != Form::NasBench201);
        let mut outputs = self.stem_outputs();
        let mut layers = Vec::with_capacity(self.cells + 2);
        let mut channels = self.channels;
        for index in 0..self.cells {
            let reduces = self.reduces_at(index);
            channels *= if reduces { 2 } else { 1 };
            if reduces && reduce.is_none() {
                push(residual(&outputs), space, &mut layers, &mut outputs);
            }
            let kind = if reduces { reduce.unwrap_or(normal) } else { normal };
            push(cell(kind, channels, space, &outputs), space, &mut layers, &mut outputs);
        }
        layers
    }

    /// What the stem hands to the first cell: its first and its last input.
    fn stem_outputs(&self) -> Vec<Output> {
        let channels = self.stem_channels();
        match self.form {
            Form::Cifar | Form::NasBench201 => vec![(channels, (self.height, self.width)); 2],
            Form::ImageNet => {
                let quarter = halve(halve((self.height, self.width)));
                vec![(channels, quarter), (channels, halve(quarter))]
            }
        }
    }

    /// Channels and size of what the classifier's average pool sees.
    pub fn features(&self, space: &SearchSpace) -> (usize, (usize, usize)) {
        self.layers(space).last().map_or((0, (0, 0)), |layer| (layer.output_channels(space), layer.output_size()))
    }
}

impl Layer {
    /// Channels of the output: a cell joins `concat.len()` nodes of `channels` each.
    pub fn output_channels(&self, space: &SearchSpace) -> usize {
        match self {
            Self::Cell { kind, channels, .. } => space.cell(*kind).map_or(0, |cell| cell.concat.len()) * channels,
            Self::Residual { channels, .. } => *channels,
        }
    }

    /// Height and width of the output in pixels.
    pub fn output_size(&self) -> (usize, usize) {
        match self {
            Self::Cell { output_size, .. } => *output_size,
            Self::Residual { input_size, .. } => halve(*input_size),
        }
    }
}

fn halve((height, width): (usize, usize)) -> (usize, usize) {
    (height.div_ceil(2), width.div_ceil(2))
}

fn push(layer: Layer, space: &SearchSpace, layers: &mut Vec<Layer>, outputs: &mut Vec<Output>) {
    outputs.push((layer.output_channels(space), layer.output_size()));
    layers.push(layer);
}

fn residual(outputs: &[Output]) -> Layer {
    let (input_channels, input_size) = outputs.last().copied().unwrap_or_default();
    Layer::Residual { input_channels, channels: 2 * input_channels, input_size }
}

fn cell(kind: CellKind, channels: usize, space: &SearchSpace, outputs: &[Output]) -> Layer {
    let (inputs, reduction) = space.cell(kind).map_or((0, false), |cell| (cell.inputs, cell.reduction));
    let taken = outputs.get(outputs.len().saturating_sub(inputs)..).unwrap_or_default();
    let input_size = taken.last().copied().unwrap_or_default().1;
    Layer::Cell {
        kind,
        channels,
        input_channels: taken.iter().map(|output| output.0).collect(),
        reduce_first: taken.first().is_some_and(|first| first.1 != input_size),
        input_size,
        output_size: if reduction { halve(input_size) } else { input_size },
    }
}
