//! What learns in a training: the network's weights, their momenta, and their average.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

use eoinas_nn::{Batch, DerivedNetwork, PassOptions, Sgd, Task, WeightGradients, saved::SavedNetwork};

use super::{average::Average, config::TrainConfig, init::InitConfig};
use crate::{
    checkpoint::Tensors,
    error::{Result, TrainError},
    halt::Flow,
    run::Tally,
    stop::check_finite,
};

/// A network, its optimiser and, where there is one, the average of its weights.
#[derive(Debug)]
pub struct Trainee {
    network: DerivedNetwork,
    average: Option<Average>,
    sgd: Sgd,
    /// Only the head's classifier is trained.
    frozen: bool,
    gathered: WeightGradients,
    gathered_images: usize,
    gathered_batches: usize,
}

impl Trainee {
    /// A network with fresh weights, and another one for their average where the settings want that.
    ///
    /// # Errors
    /// Those of `network`.
    pub fn new(config: &TrainConfig, network: impl Fn() -> Result<DerivedNetwork>) -> Result<Self> {
        let average = match config.average {
            Some(decay) => Some(Average::new(decay, network()?)),
            None => None,
        };
        let weights = &config.weights;
        let mut network = network()?;
        if let Some(init) = &config.init {
            network.scale_rate_below_head(init.rate);
        }
        Ok(Self {
            network,
            average,
            frozen: config.init.as_ref().is_some_and(InitConfig::is_frozen),
            sgd: Sgd { momentum: weights.momentum, weight_decay: weights.weight_decay, clip: weights.clip },
            gathered: WeightGradients::new(),
            gathered_images: 0,
            gathered_batches: 0,
        })
    }

    /// The same with another task than classes.
    pub fn with_task(self, task: &Arc<dyn Task>) -> Self {
        let network = self.network.with_task(Arc::clone(task));
        Self { network, average: self.average.map(|average| average.with_task(task)), ..self }
    }

    /// Takes the weights of a network that was trained before; those of the head, too, if `heads`.
    ///
    /// # Errors
    /// Those of another network.
    pub fn initialise(&mut self, saved: &SavedNetwork, heads: bool) -> Result<()> {
        saved.initialise(&mut self.network, heads)?;
        self.average.as_mut().map_or(Ok(()), |average| average.initialise(saved, heads))
    }

    /// The network that is trained.
    pub fn network(&self) -> &DerivedNetwork {
        &self.network
    }

    /// The network with the averaged weights, where they are kept.
    pub fn averaged(&self) -> Option<&DerivedNetwork> {
        self.average.as_ref().map(Average::network)
    }

    /// Ends its passes while the flag is raised ([`DerivedNetwork::heed`]).
    pub(crate) fn heed(&mut self, stop: Option<Arc<AtomicBool>>) {
        self.network.heed(stop);
    }

    /// Gathers the gradients of a mini-batch for the next update.
    ///
    /// # Errors
    /// A batch that does not fit; a stop if its loss is not finite.
    pub fn learn(&mut self, batch: &Batch, options: &PassOptions) -> Flow<Tally> {
        let mut output = match self.frozen {
            true => self.network.train_head_pass(batch, options)?,
            false => self.network.train_pass(batch, options)?,
        };
        check_finite("training loss", output.loss)?;
        let mut gradients = output.weight_gradients.take().unwrap_or_default();
        if self.gathered_batches == 0 {
            self.gathered = gradients;
        } else {
            // Sums over images instead of means, so that a short mini-batch counts as what it is.
            if self.gathered_batches == 1 {
                self.gathered.scale(self.gathered_images as f64)?;
            }
            gradients.scale(batch.samples() as f64)?;
            self.gathered.merge(gradients)?;
        }
        self.gathered_batches += 1;
        self.gathered_images += batch.samples();
        // The record has the loss of the network's own answers, as the evaluations do.
        output.loss -= f64::from(options.auxiliary_weight) * output.auxiliary_loss.unwrap_or(0.0);
        Ok(Tally::from(&output))
    }

    /// Update number `update`, from 0, with the mean gradient of the images since the one before. Returns that
    /// gradient's norm; one that is not finite changes nothing. The one place where gradients become updates.
    ///
    /// # Errors
    /// Tensors that cannot be made.
    pub fn update(&mut self, learning_rate: f64, update: u64) -> Result<f64> {
        let mut gradients = std::mem::take(&mut self.gathered);
        if self.gathered_batches > 1 {
            gradients.scale(1.0 / self.gathered_images as f64)?;
        }
        (self.gathered_batches, self.gathered_images) = (0, 0);
        let norm = self.sgd.step(self.network.parameters_mut(), &gradients, learning_rate)?;
        if let Some(average) = &mut self.average
            && norm.is_finite()
        {
            average.update(self.network.parameters(), update)?;
        }
        Ok(norm)
    }

    /// The tensors of a checkpoint: `weights`, `optimizer` with the momenta, `average` where there is one.
    pub fn tensors(&self) -> BTreeMap<String, Tensors> {
        let parameters = self.network.parameters();
        let momenta = parameters.momenta().into_iter().map(|(name, tensor)| (format!("momentum.{name}"), tensor));
        let mut tensors = BTreeMap::from([
            ("weights".to_owned(), parameters.tensors().into_iter().collect()),
            ("optimizer".to_owned(), momenta.collect()),
        ]);
        if let Some(average) = &self.average {
            tensors.insert("average".to_owned(), average.tensors().into_iter().collect());
        }
        tensors
    }

    /// Takes over the tensors of a checkpoint that lies in `folder`.
    ///
    /// # Errors
    /// Tensors that are missing, of another network or of another shape.
    pub fn load(&mut self, folder: &Path, mut tensors: BTreeMap<String, Tensors>) -> Result<()> {
        let mut take = |name: &str| {
            let what = format!("{name}.safetensors");
            tensors.remove(name).ok_or_else(|| TrainError::State { path: folder.to_owned(), what })
        };
        let parameters = self.network.parameters_mut();
        parameters.load(&take("weights")?.into_iter().collect())?;
        let momenta = take("optimizer")?;
        let momenta = momenta.into_iter().filter_map(|(name, t)| Some((name.strip_prefix("momentum.")?.to_owned(), t)));
        parameters.load_momenta(&momenta.collect())?;
        match &mut self.average {
            Some(average) => average.load(take("average")?),
            None => Ok(()),
        }
    }
}
