//! `eoinas bench step`: time and memory of one search step.

use std::{process::ExitCode, sync::Arc, time::Instant};

use candle_core::Device;
use clap::ValueEnum;
use eoinas_core::{
    AliveOps, EdgeOpTable, Gate, Gates, SearchSpace, SeedStream, Skeleton, Streams, count, network::NetworkSpec,
};
use eoinas_gumbel::{Mixture, Relaxation, Sample, Sampled, gumbel};
use eoinas_kernels::{
    profile::{self, KernelTime},
    simd::Level,
};
use eoinas_nn::{Adam, AdamState, Batch, Operations, PassOptions, PassOutput, Sgd, Supernet, Wanted};
use eoinas_train::{
    machine::{parse_device, with_threads},
    memory::{Footprint, Work},
    ranks::among,
};
use rand::Rng;

use crate::{
    Error, Start,
    bench::{check_room, exchanged::Counted, small},
    out::{self, say},
    ranks::Ranks,
};

/// Candidate ops in the order of the PyTorch program that this one is timed against.
const BASELINE_ORDER: [&str; 8] = [
    "none",
    "skip_connect",
    "sep_conv_3x3",
    "dil_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_5x5",
    "avg_pool_3x3",
    "max_pool_3x3",
];

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Draw {
    /// Edge e of cell kind k runs op (3 e + k) mod 8 in the baseline's order: all ops, the same in every step.
    Balanced,
    /// A new sample in every pass.
    Random,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Paths {
    /// One op an edge.
    Sampled,
    /// All ops of every edge.
    Mixture,
}

/// Time and memory of one search step (an update of the weights and one of the architecture) on random images.
///
/// Milliseconds are medians over the steps; gmacs_fwd are billions of multiply-adds of a forward pass of the whole batch. The
/// processes that a launcher of MPI has started share the steps, and what they exchange in one is told too.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas bench step --draw balanced --threads 2 --json
  eoinas bench step --path mixture --batch 16
  eoinas bench step --device cuda")]
pub struct Args {
    /// Images in a batch.
    #[arg(long, alias = "batch-size", default_value_t = 64, value_parser = small())]
    batch: usize,
    /// Initial number of channels C.
    #[arg(long, default_value_t = 16)]
    channels: usize,
    /// Number of cells L.
    #[arg(long, default_value_t = 8)]
    cells: usize,
    /// Height and width of the images.
    #[arg(long, default_value_t = 32)]
    size: usize,
    /// Threads of the kernels.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Steps that are timed.
    #[arg(long, default_value_t = 10, value_parser = small())]
    steps: usize,
    /// Steps before them.
    #[arg(long, default_value_t = 3, value_parser = small())]
    warmup: usize,
    /// Which ops are drawn, of paths that are sampled [default: random]
    #[arg(long, value_enum)]
    draw: Option<Draw>,
    /// One op an edge or all of them.
    #[arg(long, value_enum, default_value_t = Paths::Sampled)]
    path: Paths,
    /// Where it runs: cpu, cuda or cuda:N.
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Also time every kernel of the steps on the GPU, and print the time of a step by kernel. The steps themselves take
    /// a little longer for it.
    #[arg(long, conflicts_with = "json")]
    profile: bool,
    /// Seed of images, weights and draws.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print one JSON line.
    #[arg(long)]
    json: bool,
}

/// Runs the steps and prints what they took.
///
/// # Errors
/// Sizes that cannot work, no such device.
pub fn run(args: &Args, _: &Start) -> Result<ExitCode, Error> {
    if args.profile && args.device == "cpu" {
        return Err("--profile times kernels of a GPU; name one by --device".into());
    }
    if args.draw.is_some() && args.path == Paths::Mixture {
        return Err("--draw is of --path sampled; of a mixture no ops are drawn".into());
    }
    if let Some(ranks) = Ranks::join()? {
        let counted = Arc::new(Counted::new(ranks.collective()));
        let shared = || among(counted.clone(), || steps(args, Some(&counted)));
        return ranks.end(|_| with_threads(Some(args.threads), shared)?);
    }
    with_threads(Some(args.threads), || steps(args, None))?
}

/// Milliseconds of each part, one value a pass (`step`: one a step).
#[derive(Default)]
struct Times {
    forward: Vec<f64>,
    backward: Vec<f64>,
    optimiser: Vec<f64>,
    step: Vec<f64>,
}

fn steps(args: &Args, exchanged: Option<&Counted>) -> Result<ExitCode, Error> {
    let device = parse_device(&args.device, out::note)?;
    let space = SearchSpace::darts();
    let skeleton = Skeleton { channels: args.channels, cells: args.cells, ..Skeleton::search() };
    let skeleton = skeleton.with_image(3, args.size, args.size);
    let footprint = Footprint::of_cells(&NetworkSpec::supernet(&space, &skeleton)?);
    check_room(footprint, (Work::Training, args.batch), &device, "--batch, --channels, --cells or --size")?;
    let streams = Streams::new(args.seed);
    let mut net = Supernet::new(&space, &skeleton, &Operations::built_in(), &streams, &device)?;
    let batches = [random_batch(args, &streams, 0, &device)?, random_batch(args, &streams, 1, &device)?];
    let alive = AliveOps::all(&space);
    let mut alphas = EdgeOpTable::filled(&space, 0f32);
    let (sgd, adam, mut state) = (Sgd::default(), Adam::default(), AdamState::new(&space));
    let relaxation: &dyn Relaxation = if args.path == Paths::Mixture { &Mixture } else { &Sampled };
    let (mut times, mut ops_run, mut gmacs) = (Times::default(), 0, Vec::new());
    for step in 0..args.warmup + args.steps {
        let draw = |stream, alphas: &EdgeOpTable<f32>| -> Result<Sample, Error> {
            let mut rng = streams.rng(stream, 0, step as u64);
            let mut sample = relaxation.sample(alphas, &alive, &space, 10.0, &mut rng)?;
            if args.draw == Some(Draw::Balanced) {
                sample.gates = balanced(&space)?;
            }
            Ok(sample)
        };
        if step == args.warmup {
            times = Times::default();
            gmacs.clear();
            exchanged.inspect(|exchanged| exchanged.clear());
            if args.profile {
                profile::start();
            }
        }
        let start = Instant::now();
        let sample = draw(SeedStream::WeightPath, &alphas)?;
        let output = net.pass(&batches[0], &sample.gates, Wanted::WEIGHTS, &PassOptions::default())?;
        times.record(&output);
        let update = Instant::now();
        if let Some(gradients) = output.weight_gradients {
            sgd.step(net.parameters_mut(), &gradients, 0.025)?;
        }
        device.synchronize()?;
        times.optimiser.push(milliseconds(update));
        gmacs.push(
            count::supernet_path(&sample.gates, &skeleton, &space)?.multiply_adds as f64 * args.batch as f64 / 1e9,
        );

        let sample = draw(SeedStream::ArchPath, &alphas)?;
        let output = net.pass(&batches[1], &sample.gates, Wanted::GATES, &PassOptions::default())?;
        times.record(&output);
        let update = Instant::now();
        if let Some(gradients) = &output.gate_gradients {
            let gradients = relaxation.pullback(&sample, gradients)?;
            adam.step(&space, &mut state, &mut alphas, &gradients, &alive);
        }
        times.optimiser.push(milliseconds(update));
        times.step.push(milliseconds(start));
        ops_run = output.ops_run;
    }
    let gmacs = gmacs.iter().sum::<f64>() / gmacs.len().max(1) as f64;
    report(args, &mut times, ops_run, gmacs, exchanged);
    if args.profile {
        print_kernels(&profile::finish()?, args.steps);
    }
    Ok(ExitCode::SUCCESS)
}

/// Time and launches of a step, kernel by kernel.
fn print_kernels(kernels: &[KernelTime], steps: usize) {
    let steps = steps.max(1) as f64;
    say!("{:<32} {:>10} {:>10}", "kernel, of one step", "launches", "ms");
    let all = KernelTime {
        name: "all".to_owned(),
        launches: kernels.iter().map(|kernel| kernel.launches).sum(),
        milliseconds: kernels.iter().map(|kernel| kernel.milliseconds).sum(),
    };
    for KernelTime { name, launches, milliseconds } in kernels.iter().chain([&all]) {
        say!("{name:<32} {:>10.1} {:>10.4}", *launches as f64 / steps, milliseconds / steps);
    }
}

fn balanced(space: &SearchSpace) -> Result<Gates, Error> {
    let gate = |kind: usize, edge: usize| {
        let name = BASELINE_ORDER[(3 * edge + kind) % BASELINE_ORDER.len()];
        let op = space.op_index(name).ok_or_else(|| format!("the space has no op `{name}`"))?;
        Ok(vec![Gate { op, value: 1.0 }])
    };
    let kinds = space.cells().iter().enumerate();
    let kinds = kinds.map(|(kind, cell)| (0..cell.edges.len()).map(|edge| gate(kind, edge)).collect());
    Ok(Gates { kinds: kinds.collect::<Result<_, Error>>()? })
}

fn random_batch(args: &Args, streams: &Streams, index: u64, device: &Device) -> Result<Batch, Error> {
    let mut rng = streams.rng(SeedStream::Named("search_step"), 0, index);
    let shape = (args.batch, args.size, args.size, 3);
    // Any noise will do as an image.
    let pixels: Vec<f32> = (0..args.batch * args.size * args.size * 3).map(|_| gumbel(&mut rng) - 0.577).collect();
    let labels: Vec<u32> = (0..args.batch).map(|_| rng.next_u32() % 10).collect();
    Ok(Batch::from_pixels(pixels, shape, labels, device)?)
}

impl Times {
    fn record(&mut self, output: &PassOutput) {
        self.forward.push(output.forward_time.as_secs_f64() * 1e3);
        self.backward.push(output.backward_time.as_secs_f64() * 1e3);
    }
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match (values.get(half.wrapping_sub(1)), values.get(half)) {
        (Some(low), Some(high)) if values.len().is_multiple_of(2) => (low + high) / 2.0,
        (_, middle) => middle.copied().unwrap_or(f64::NAN),
    }
}

/// Peak resident memory of this process in MiB, as far as the system tells.
fn peak_rss_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? / 1024.0)
}

fn report(args: &Args, times: &mut Times, ops_run: u64, gmacs: f64, exchanged: Option<&Counted>) {
    let exchanged = exchanged.map(|exchanged| exchanged.of_steps(args.steps)).unwrap_or_default();
    let least = times.step.iter().copied().fold(f64::INFINITY, f64::min);
    let rows = [
        ("step_ms", median(&mut times.step)),
        ("step_ms_min", least),
        ("fwd_ms", median(&mut times.forward)),
        ("bwd_ms", median(&mut times.backward)),
        ("opt_ms", median(&mut times.optimiser)),
        ("gmacs_fwd", gmacs),
        ("peak_rss_mib", peak_rss_mib().unwrap_or(f64::NAN)),
    ];
    if args.json {
        let mut line: serde_json::Map<String, serde_json::Value> = rows
            .iter()
            .map(|(name, value)| ((*name).to_owned(), serde_json::json!((value * 1e4).round() / 1e4)))
            .collect();
        for (name, value) in [
            ("batch", args.batch),
            ("channels", args.channels),
            ("cells", args.cells),
            ("size", args.size),
            ("threads", args.threads),
            ("ops_run", ops_run as usize),
        ] {
            line.insert(name.to_owned(), value.into());
        }
        for (name, value) in [
            ("draw", format!("{:?}", args.draw.unwrap_or(Draw::Random))),
            ("path", format!("{:?}", args.path)),
            ("vectors", Level::current().name().to_owned()),
        ] {
            line.insert(name.to_owned(), value.to_lowercase().into());
        }
        line.extend(exchanged);
        say!("{}", serde_json::Value::Object(line));
    } else {
        rows.iter().for_each(|(name, value)| say!("{name:>14} {value:10.3}"));
        say!("{:>14} {ops_run:6}", "ops_run");
        exchanged.iter().for_each(|(name, value)| say!("{name:>14} {value:>6}"));
    }
}
