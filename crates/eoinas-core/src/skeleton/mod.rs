//! The network that cells are stacked into, as its few numbers: stem, layers, channels, images.
//!
//! [`crate::NetworkSpec`] is what it comes to, layer by layer.

mod form;
mod validate;

use serde::{Deserialize, Serialize};

pub use form::Form;
pub(crate) use form::Rules;

/// The network as a plain description. `classes`, `channels` and `cells` are the usual knobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skeleton {
    /// Stem and stacking.
    pub form: Form,
    /// Initial number of channels C. Paper: 16 in the search, 36 in CIFAR retraining, 48 on ImageNet.
    pub channels: usize,
    /// Number of cells L. Paper: 8, 20, 14. For NAS-Bench-201 three times its N.
    pub cells: usize,
    /// Stem channels as a multiple of C: 3 (DARTS form); NAS-Bench-201 and ImageNet ignore it.
    pub stem_multiplier: usize,
    /// Number of classes.
    pub classes: usize,
    /// Channels of an image.
    pub image_channels: usize,
    /// Height of an image in pixels. 1 for a signal: wherever the network halves the resolution, a side of one pixel stays
    /// one.
    pub height: usize,
    /// Width of an image in pixels, for which the same holds.
    pub width: usize,
    /// The kind of cell of each layer, by name ([`Skeleton::with_layers`]). `None` (default): the space's first kind that
    /// reduces at L/3 and 2L/3, its first that does not everywhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<String>>,
    /// The most ops that the network may have, over all of its cells. `None` (default): 100,000; those of the paper have up to a
    /// few thousand. A limit of whoever builds it, which no file says.
    #[serde(skip)]
    pub max_ops: Option<usize>,
}

impl Skeleton {
    /// The paper's search network: 8 cells, 16 channels, 32x32 colour images, 10 classes.
    pub fn search() -> Self {
        Self {
            form: Form::Cifar,
            channels: 16,
            cells: 8,
            stem_multiplier: 3,
            classes: 10,
            image_channels: 3,
            height: 32,
            width: 32,
            layers: None,
            max_ops: None,
        }
    }

    /// The paper's CIFAR-10 network: 20 cells, 36 channels.
    pub fn cifar() -> Self {
        Self { channels: 36, cells: 20, ..Self::search() }
    }

    /// The paper's ImageNet network: 14 cells, 48 channels, 224x224 images, 1000 classes.
    pub fn imagenet() -> Self {
        Self {
            form: Form::ImageNet,
            channels: 48,
            cells: 14,
            stem_multiplier: 1,
            classes: 1000,
            height: 224,
            width: 224,
            ..Self::search()
        }
    }

    /// NAS-Bench-201's CIFAR-10 network: three stages of `n` cells with 16, 32 and 64 channels. The benchmark has n = 5.
    pub fn nas_bench_201(n: usize) -> Self {
        Self { form: Form::NasBench201, cells: n.saturating_mul(3), stem_multiplier: 1, ..Self::search() }
    }

    /// The network that a cell found in this one is trained in, by the paper: 20 cells with C = 36 for images like
    /// CIFAR's, 14 cells with C = 48 from 128 pixels on; the benchmark's own network, 5 cells a stage with C = 16, for a
    /// cell of NAS-Bench-201. Images and classes stay, and so do the layers where their kinds were chosen one by one.
    pub fn retraining(&self) -> Self {
        let large = self.height.min(self.width) >= 128;
        let skeleton = match self.form {
            Form::NasBench201 => Self::nas_bench_201(5),
            Form::Cifar | Form::ImageNet if large => Self::imagenet(),
            Form::Cifar | Form::ImageNet => Self::cifar(),
        };
        let skeleton = skeleton.with_classes(self.classes).with_image(self.image_channels, self.height, self.width);
        match &self.layers {
            Some(layers) => skeleton.with_layers(layers),
            None => skeleton,
        }
    }

    /// The same network with another number of classes.
    pub fn with_classes(self, classes: usize) -> Self {
        Self { classes, ..self }
    }

    /// The same network for images of another shape.
    pub fn with_image(self, channels: usize, height: usize, width: usize) -> Self {
        Self { image_channels: channels, height, width, ..self }
    }

    /// The same network with a kind of cell of one's own choice at each layer. The resolution halves and the channels
    /// double where a cell reduces; in a space without such cells, and in the NAS-Bench-201 form, a residual block of
    /// stride 2 stands before the cells at L/3 and 2L/3, as it does without a choice.
    ///
    /// ```
    /// use eoinas_core::{CellSpec, NetworkSpec, Op, SearchSpace, Skeleton};
    /// let cell = |name, reduction| CellSpec::dense(name, 2, 2, reduction);
    /// let cells = vec![cell("early", false), cell("down", true), cell("late", false)];
    /// let space = SearchSpace::new("mine", vec![Op::SepConv3x3, Op::SkipConnect], cells)?;
    /// let skeleton = Skeleton::search().with_layers(["early", "early", "down", "late", "down", "late"]);
    /// let network = NetworkSpec::supernet(&space, &skeleton)?;
    /// assert_eq!((network.layers.len(), network.head.channels), (6, 2 * 64));
    /// // Of the forms of today, none says where a second kind that keeps the resolution stands.
    /// let error = NetworkSpec::supernet(&space, &Skeleton::search()).unwrap_err();
    /// assert!(error.to_string().starts_with("cell `late`: no layer of the network has it"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_layers<S: Into<String>>(self, kinds: impl IntoIterator<Item = S>) -> Self {
        let layers: Vec<String> = kinds.into_iter().map(Into::into).collect();
        Self { cells: layers.len(), layers: Some(layers), ..self }
    }

    /// Whether a network halves its resolution and doubles its channels at layer `index` (counted in cells) where nothing
    /// else is said: at L/3 and 2L/3 by integer division, which are also the first cells of NAS-Bench-201's second and
    /// third stage.
    pub(crate) fn reduces_at(&self, index: usize) -> bool {
        index == self.cells / 3 || index == 2 * self.cells / 3
    }
}
