//! Where a run computes: device, threads, memory.

use std::str::FromStr;

use candle_core::Device;
use eoinas_core::Setting;
use eoinas_kernels::device;

use crate::error::Result;

/// The device that a command line names: `cpu`, `cuda` or `cuda:N`; or `auto`: the first GPU if there is one, and else
/// the CPU, with a line that says why on `note`.
///
/// # Errors
/// Another name, a build without CUDA, no such device.
pub fn parse_device(text: &str, note: impl FnOnce(&str)) -> Result<Device> {
    let wrong = |expected: &str| Setting::new("device", text, expected);
    let ordinal = match text.split_once(':') {
        None if text == "cpu" => return Ok(Device::Cpu),
        None if text == "cuda" => 0,
        None if text == "auto" => {
            return Ok(device::cuda(0).unwrap_or_else(|error| {
                note(&format!("runs on the CPU: {error}"));
                Device::Cpu
            }));
        }
        Some(("cuda", number)) => usize::from_str(number).map_err(|_| wrong("a number after `cuda:`, as in cuda:0"))?,
        _ => return Err(wrong("cpu, cuda, cuda:N or auto").into()),
    };
    device::cuda(ordinal).map_err(|error| wrong(&format!("a device that can be used: {error}")).into())
}

/// Runs `work` on that many threads; `None`: as many as there are cores. Results do not depend on the number.
///
/// # Errors
/// The threads cannot be started.
pub fn with_threads<T: Send>(threads: Option<usize>, work: impl FnOnce() -> T + Send) -> Result<T> {
    let count = threads.unwrap_or(0);
    let expected = "at least one, and at most 4096";
    Setting::check(threads.is_none_or(|count| (1..=4096).contains(&count)), "threads", count, expected)?;
    let failed = |error| Setting::new("threads", count, format!("a number that can be started: {error}"));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build().map_err(failed)?;
    Ok(pool.install(work))
}

/// Threads that the kernels run on here.
pub fn threads() -> usize {
    rayon::current_num_threads()
}

/// A line of the system's account of its memory (`MemTotal`, `MemAvailable`), in bytes; Linux has it.
pub fn memory(name: &str) -> Option<u64> {
    let account = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = account.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_by_name() {
        let parse_device = |text| parse_device(text, |_| ());
        assert!(parse_device("cpu").unwrap().is_cpu());
        for (text, part) in [("gpu", "expected cpu"), ("cuda:x", "a number"), ("tpu:0", "expected cpu")] {
            let error = parse_device(text).unwrap_err().to_string();
            assert!(error.contains(part) && error.contains(text), "{error}");
        }
        if !candle_core::utils::cuda_is_available() {
            assert!(parse_device("cuda:1").unwrap_err().to_string().contains("feature `cuda`"));
            let mut said = String::new();
            assert!(super::parse_device("auto", |line| said.push_str(line)).unwrap().is_cpu());
            assert!(said.contains("feature `cuda`"), "{said}");
        }
    }

    #[test]
    fn threads_are_as_many_as_asked_for() {
        assert_eq!(with_threads(Some(3), rayon::current_num_threads).unwrap(), 3);
        for count in [0, 4097, usize::MAX] {
            assert!(with_threads(Some(count), || ()).unwrap_err().to_string().contains("at least one"));
        }
    }
}
