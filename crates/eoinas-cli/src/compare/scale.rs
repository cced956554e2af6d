//! How large a study is: images, networks, epochs of its searches and trainings.

use std::path::PathBuf;

use eoinas_core::SearchSpace;
use eoinas_data::SourceKind;
use eoinas_train::{Search, SearchConfig, TrainConfig, Training, batch};
use serde::{Deserialize, Serialize};

use crate::{
    Error, data, flags,
    host::{Host, HostArgs},
    share::Processes,
};

/// What the searches and trainings of a study share, whatever their variant and seed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shared {
    /// Of a search, before what its variant sets.
    pub search: SearchConfig,
    /// Of a training.
    pub training: TrainConfig,
}

/// The flags that set it. The defaults are for minutes on two cores.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Scale")]
pub struct Scale {
    /// Folder of the images, which is looked at; without it the embedded set is used.
    #[arg(long, value_parser = crate::start::path(), value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Epochs of a search [default: those of the preset `quick`]
    #[arg(long)]
    pub search_epochs: Option<usize>,
    /// Images of a search, both halves together.
    #[arg(long, default_value_t = 4000)]
    pub search_images: usize,
    /// Initial channels C of the network that is searched in.
    #[arg(long, default_value_t = 8)]
    pub search_channels: usize,
    /// Cells of the network that is searched in.
    #[arg(long, default_value_t = 4)]
    pub search_cells: usize,
    /// Epochs of a training.
    #[arg(long, default_value_t = 8)]
    pub epochs: usize,
    /// Images that train a found cell.
    #[arg(long, default_value_t = 5000)]
    pub train_images: usize,
    /// Images that test it.
    #[arg(long, default_value_t = 2000)]
    pub test_images: usize,
    /// Initial channels C of the network that is trained.
    #[arg(long, default_value_t = 8)]
    pub channels: usize,
    /// Cells of the network that is trained.
    #[arg(long, default_value_t = 5)]
    pub cells: usize,
    #[command(flatten)]
    pub processes: Processes,
    #[command(flatten)]
    pub host: HostArgs,
}

impl Scale {
    /// What `--data` holds, which is said. The numbers are checked, too: a training's would be seen after a search else.
    ///
    /// # Errors
    /// No data set; numbers that cannot work.
    pub fn dataset(&self) -> Result<SourceKind, Error> {
        let dataset = data::kind_of(None, self.data.as_deref())?;
        self.search(dataset).validate().map_err(flags::of_search)?;
        self.training(dataset).validate()?;
        Ok(dataset)
    }

    /// Checks that such a search and a training can begin.
    ///
    /// # Errors
    /// Settings that cannot work; images that cannot be read, or too few of them.
    pub fn check(&self, search: &SearchConfig, training: TrainConfig, host: &Host) -> Result<(), Error> {
        Search::check(search.clone(), host.options()).map_err(flags::of_search)?;
        let cell = batch::random_cell(&SearchSpace::darts(), 0);
        Ok(Training::check((training, cell.into()), host.options())?)
    }

    /// What the study notes.
    pub fn shared(&self, dataset: SourceKind) -> Shared {
        Shared { search: self.search(dataset), training: self.training(dataset) }
    }

    /// The settings of a search, the preset `quick` at this scale, on images of the kind `dataset`.
    pub fn search(&self, dataset: SourceKind) -> SearchConfig {
        let mut config = SearchConfig::quick();
        config.epochs = self.search_epochs.unwrap_or(config.epochs);
        config.network.channels = self.search_channels;
        config.network.cells = self.search_cells;
        config.data.dataset = dataset;
        config.data.dir = self.data.clone();
        config.data.train_images = Some(self.search_images);
        config
    }

    /// The settings of a training, the preset `quick` at this scale. All learn from the same images.
    pub fn training(&self, dataset: SourceKind) -> TrainConfig {
        let mut config = TrainConfig { epochs: self.epochs, split_seed: Some(0), ..TrainConfig::quick() };
        config.network.channels = self.channels;
        config.network.cells = self.cells;
        config.data.dataset = dataset;
        config.data.dir = self.data.clone();
        config.data.train_images = Some(self.train_images);
        config.data.test_images = Some(self.test_images);
        config
    }
}
