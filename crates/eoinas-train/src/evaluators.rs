//! What gives a genotype its score with a network: the weights of a supernet, or a training of its own.

use std::{
    fmt::Display,
    path::{Path, PathBuf},
    sync::Arc,
};

use eoinas_core::{Genotype, models::Design};
use eoinas_strategy::{EvaluateError, Evaluation, Evaluator};

use crate::{
    checkpoint,
    claims::{Claims, Part},
    error::{Result, TrainError},
    evaluate::evaluate_genotype,
    run::{Job, Options, Outcome},
    run_dir::RunDir,
    search::SearchJob,
    training::{TrainConfig, Training},
};

/// Scores a genotype by its accuracy (or what else is the score of the task, more being better) over the whole validation half with the weights of a search's supernet.
///
/// With random search and a supernet whose paths were sampled uniformly this is random search with weight sharing (Li and
/// Talwalkar, 2019).
#[derive(Debug)]
pub struct SupernetEvaluator {
    job: SearchJob,
}

impl SupernetEvaluator {
    /// The supernet of the run in the folder `run`, finished or not, from its newest checkpoint. Of `options`, space, ops,
    /// device, images and a method of one's own count.
    ///
    /// # Errors
    /// No run, no checkpoint, one that is damaged or belongs to another space; images that cannot be read.
    pub fn open(run: &Path, mut options: Options) -> Result<Self> {
        let dir = RunDir::open(run)?;
        let config = SearchJob::read(&dir, &options)?;
        SearchJob::data(&config, &options).map(|data| data.check(&dir)).transpose()?;
        let folder = checkpoint::newest(run)?;
        let mut job = SearchJob::new(config, &mut options)?;
        let checkpoint = checkpoint::read(&folder, &job.about().subject, &options.device)?;
        job.restore(&folder, checkpoint.state, checkpoint.tensors)?;
        Ok(Self { job })
    }
}

impl Evaluator for SupernetEvaluator {
    fn name(&self) -> &str {
        "supernet"
    }

    fn evaluate(&mut self, genotype: &Genotype) -> Result<Evaluation, EvaluateError> {
        let tally = evaluate_genotype(&self.job.learner.supernet, genotype, &self.job.data.whole_valid)?;
        let measure = self.job.learner.supernet.task().measure();
        Ok(Evaluation::of(measure.merit(tally.score().unwrap_or(0.0))))
    }
}

/// Scores a candidate by training its network from scratch, each in a folder of its own, so that an interrupted evaluation
/// is gone on with and a candidate is trained once.
///
/// The score is the accuracy (or what else is the score of the task, more being better) on training images that are held out of every training alike, drawn by the seed of the
/// settings: [`TrainDataConfig::held_out`](crate::training::TrainDataConfig::held_out), where the settings do not say it
/// [`TrainingEvaluator::HELD_OUT`]. No strategy sees the test part, so that a found cell can be measured on it.
pub struct TrainingEvaluator {
    config: TrainConfig,
    dir: PathBuf,
    options: Box<dyn FnMut() -> Options>,
    claims: Option<Arc<Claims>>,
}

impl TrainingEvaluator {
    /// Share of the training images that scores are taken from by default: a tenth, the 5,000 of CIFAR-10's 50,000 that
    /// NAS, NASNet, PNAS and AmoebaNet hold out.
    pub const HELD_OUT: f64 = 0.1;

    /// Trainings by `config` in folders below `dir`; `options` makes what each needs.
    pub fn new(mut config: TrainConfig, dir: &Path, options: impl FnMut() -> Options + 'static) -> Self {
        config.data.held_out.get_or_insert(Self::HELD_OUT);
        Self { config, dir: dir.to_owned(), options: Box::new(options), claims: None }
    }

    /// The same as parts of a study that many processes share, whose folder `dir` is in: a candidate that another process trains is
    /// [`TrainError::EvaluatedElsewhere`].
    #[must_use]
    pub fn shared(self, claims: Arc<Claims>) -> Self {
        Self { claims: Some(claims), ..self }
    }
}

impl std::fmt::Debug for TrainingEvaluator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { config, dir, .. } = self;
        f.debug_struct("TrainingEvaluator").field("config", config).field("dir", dir).finish_non_exhaustive()
    }
}

/// Of genotypes, and of anything else that a network can be made of, such as the chains of MetaQNN and EAS.
impl<C: Clone + Display + Into<Design>> Evaluator<C> for TrainingEvaluator {
    fn name(&self) -> &str {
        "training"
    }

    fn evaluate(&mut self, candidate: &C) -> Result<Evaluation, EvaluateError> {
        let name = checkpoint::sha256(candidate.to_string().as_bytes());
        let run = self.dir.join(name.get(..16).unwrap_or(&name));
        let design: Design = candidate.clone().into();
        let config = self.config.clone().for_design(&design);
        let (task, options) = ((config, design), (self.options)());
        let part = match &self.claims {
            Some(claims) => Training::share(|_| Ok::<_, TrainError>(task), &run, options, claims)?,
            None => match Training::complete(task, &run, options)? {
                Outcome::Done(trained) => Part::Done(trained),
                Outcome::Stopped(reason) => Part::Stopped(reason),
            },
        };
        match part {
            Part::Done(trained) => Ok(Evaluation::of(trained.score().merit())),
            Part::Stopped(reason) => Err(TrainError::EvaluationStopped { path: run, reason }.into()),
            Part::Elsewhere(holder) => {
                Err(TrainError::EvaluatedElsewhere { path: run, holder: Box::new(holder) }.into())
            }
        }
    }
}
