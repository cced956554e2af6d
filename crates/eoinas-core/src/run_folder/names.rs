//! Names of files and folders.

/// The settings of the run.
pub const CONFIG: &str = "config.json";
/// The files that a run learns from.
pub const DATA: &str = "data.json";
/// The record: every event, one JSON object a line ([`crate::event::Record`]).
pub const EVENTS: &str = "events.jsonl";
/// The field's usual log lines.
pub const LOG: &str = "log.txt";
/// The derived or trained cell as DARTS text.
pub const GENOTYPE_TEXT: &str = "genotype.txt";
/// The same as versioned JSON.
pub const GENOTYPE_JSON: &str = "genotype.json";
/// The human-designed network that is trained, instead of a cell.
pub const MODEL: &str = "model.json";
/// Where the checkpoints are.
pub const CHECKPOINTS: &str = "checkpoints";
/// What came out; its presence says that the run is done.
pub const RESULT: &str = "result.json";
/// The trained network to be used: the last epoch's weights, averaged ones where there is an average.
pub const NETWORK: &str = "network";

/// What a training's network said of its test pictures, counts and some pictures, for the page.
pub const EVALUATION: &str = "evaluation.json";

/// The time that a run's counts were fitted to, and what its parts were measured to take.
pub const TIME: &str = "time.json";

/// Held by the one who writes to the folder; says who that is.
pub const LOCK: &str = ".lock";
/// Who works on which part of a study that many processes share, and their unfinished runs.
pub const CLAIMS: &str = ".claims";
/// The name of such an unfinished run begins so; a number follows.
pub const ATTEMPT: &str = "attempt-";
/// SHA-256 of settings and results, as `sha256sum --check` reads it.
pub const SUMS: &str = "SHA256SUMS";

/// Settings and seeds of searches that differ by their seed; their runs are folders beside it ([`super::seed`]).
pub const SEEDS: &str = "seeds.json";
/// Settings, cells and seeds of trainings; their runs are folders beside it ([`super::seed`], [`super::random_cell`]).
pub const TRIALS: &str = "trials.json";

/// Settings of the search that comes before a training, in the folder that holds both.
pub const SEARCH_PLAN: &str = "search.json";
/// Settings of the training that follows a search, in the folder that holds both.
pub const TRAINING_PLAN: &str = "training.json";
/// How that training goes on with the network of the finals' winner instead of beginning anew, in the same folder.
pub const GOING_ON: &str = "going-on.json";
/// What a found cell's network is set beside: the plan, in the folder that holds search and training.
pub const BASELINES_PLAN: &str = "baselines.json";
/// What the plan brought: a training of a random cell.
pub const BASELINES: &str = "baselines";
/// What a linear classifier on the same images and their largest class reach, in the folder that holds the plan.
pub const LINEAR_CLASSIFIER: &str = "linear-classifier.json";
/// Trainings of the candidate cells at the end of a search, a folder of trials for each round.
pub const FINALISTS: &str = "finalists";
/// Cells of a search's finals that no other one is both better and cheaper than, a text each ([`super::on_front`]).
pub const FRONT: &str = "front";
/// The training that follows a search.
pub const TRAINING: &str = "training";
/// The search of a study's seed, or of a network made from pictures.
pub const SEARCH: &str = "search";
/// A training of a study's seed; one with a change is `train-CHANGE` ([`super::training_with`]).
pub const TRAIN: &str = "train";

/// The page of a report.
pub const REPORT: &str = "report.html";
/// The pictures of a report.
pub const PICTURES: &str = "pictures";
/// The tables of a report.
pub const TABLES: &str = "tables.md";
/// TensorBoard event files of a report.
pub const TENSORBOARD: &str = "tensorboard";
