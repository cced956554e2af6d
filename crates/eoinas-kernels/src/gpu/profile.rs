//! Which kernels a GPU's time goes to: marks in its stream before and after every launch, while somebody asks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::device::Gpu;
use crate::error::{KernelError, Result};

static ON: AtomicBool = AtomicBool::new(false);
static LAUNCHES: Mutex<Vec<Launch>> = Mutex::new(Vec::new());

/// What one kernel took.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelTime {
    /// The kernel's name in `kernels/`.
    pub name: String,
    /// How often it was launched.
    pub launches: usize,
    /// Time of all launches on the device, in milliseconds, without what lies between them.
    pub milliseconds: f64,
}

/// A launch and the marks around it.
struct Launch {
    name: String,
    begin: Mark,
    end: Mark,
}

/// A point in the device's work.
pub(super) enum Mark {
    #[cfg(feature = "cuda")]
    Cuda(candle_core::cuda_backend::cudarc::driver::CudaEvent),
    #[cfg(feature = "emulation")]
    Emulated(std::time::Instant),
}

/// From now on every launch is timed, until [`finish`]; what was timed before is forgotten.
pub fn start() {
    LAUNCHES.lock().unwrap_or_else(PoisonError::into_inner).clear();
    ON.store(true, Ordering::Relaxed);
}

/// The launches since [`start`] by kernel, those that took the longest first. It waits for the device.
///
/// # Errors
/// A device that fails.
pub fn finish() -> Result<Vec<KernelTime>> {
    ON.store(false, Ordering::Relaxed);
    let launches = std::mem::take(&mut *LAUNCHES.lock().unwrap_or_else(PoisonError::into_inner));
    let mut times = BTreeMap::<String, (usize, f64)>::new();
    for launch in launches {
        let milliseconds =
            launch.begin.until(&launch.end).map_err(|reason| KernelError::launch(&launch.name, reason))?;
        let time = times.entry(launch.name).or_default();
        *time = (time.0 + 1, time.1 + milliseconds);
    }
    let mut times: Vec<KernelTime> =
        times.into_iter().map(|(name, (launches, milliseconds))| KernelTime { name, launches, milliseconds }).collect();
    times.sort_by(|one, other| other.milliseconds.total_cmp(&one.milliseconds));
    Ok(times)
}

/// A mark for a launch that follows, if launches are timed.
pub(super) fn mark(gpu: &Gpu, name: &str) -> Result<Option<Mark>> {
    if !ON.load(Ordering::Relaxed) {
        return Ok(None);
    }
    Mark::now(gpu).map(Some).map_err(|reason| KernelError::launch(name, reason))
}

/// Keeps a launch that began at this mark and ends here.
pub(super) fn record(gpu: &Gpu, name: &str, begin: Option<Mark>) -> Result<()> {
    let Some(begin) = begin else { return Ok(()) };
    let end = Mark::now(gpu).map_err(|reason| KernelError::launch(name, reason))?;
    let launch = Launch { name: name.to_owned(), begin, end };
    LAUNCHES.lock().unwrap_or_else(PoisonError::into_inner).push(launch);
    Ok(())
}

impl Mark {
    fn now(gpu: &Gpu) -> std::result::Result<Self, String> {
        match *gpu {
            #[cfg(feature = "cuda")]
            Gpu::Cuda(ref device) => {
                use candle_core::cuda_backend::cudarc::driver::sys::CUevent_flags::CU_EVENT_DEFAULT;
                let event = device.cuda_stream().record_event(Some(CU_EVENT_DEFAULT));
                event.map(Self::Cuda).map_err(|error| error.to_string())
            }
            #[cfg(feature = "emulation")]
            Gpu::Emulated => Ok(Self::Emulated(std::time::Instant::now())),
        }
    }

    /// Milliseconds until a later mark of the same device.
    fn until(&self, end: &Self) -> std::result::Result<f64, String> {
        match (self, end) {
            #[cfg(feature = "cuda")]
            (Self::Cuda(begin), Self::Cuda(end)) => {
                begin.elapsed_ms(end).map(f64::from).map_err(|error| error.to_string())
            }
            #[cfg(feature = "emulation")]
            (Self::Emulated(begin), Self::Emulated(end)) => {
                Ok(end.saturating_duration_since(*begin).as_secs_f64() * 1e3)
            }
            #[cfg(any(
                all(feature = "cuda", feature = "emulation"),
                not(any(feature = "cuda", feature = "emulation"))
            ))]
            _ => Err("the launch began on another device".to_owned()),
        }
    }
}
