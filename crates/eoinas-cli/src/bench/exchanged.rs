//! What the processes of a run exchange: how often, how much, and how long it takes.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use eoinas_train::ranks::Collective;
use serde_json::{Map, Value, json};

/// Counts what goes through another.
#[derive(Debug)]
pub(super) struct Counted {
    inner: Arc<dyn Collective>,
    so_far: Mutex<Exchanged>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Exchanged {
    gathers: f64,
    /// Bytes that each rank has afterwards.
    gathered: f64,
    exchanges: f64,
    /// Bytes that reach this rank.
    exchanged: f64,
    seconds: f64,
    /// Sums for the line through the times of all calls over their bytes.
    squares: f64,
    products: f64,
}

impl Counted {
    pub fn new(inner: Arc<dyn Collective>) -> Self {
        Self { inner, so_far: Mutex::default() }
    }

    /// Begins anew.
    pub fn clear(&self) {
        *self.so_far() = Exchanged::default();
    }

    /// What there was in each of so many steps; the latency of a call and the bandwidth are those of the line of least squares.
    pub fn of_steps(&self, steps: usize) -> Map<String, Value> {
        let all = *self.so_far();
        let (calls, bytes) = (all.gathers + all.exchanges, all.gathered + all.exchanged);
        let slope = (calls * all.products - bytes * all.seconds) / (calls * all.squares - bytes * bytes);
        let latency = (all.seconds - slope * bytes) / calls;
        let each = |value: f64| json!((value / steps.max(1) as f64 * 10.0).round() / 10.0);
        let found = [
            ("gathers", each(all.gathers)),
            ("gathered_kib", each(all.gathered / 1024.0)),
            ("exchanges", each(all.exchanges)),
            ("exchanged_kib", each(all.exchanged / 1024.0)),
            ("exchange_ms", each(1e3 * all.seconds)),
            ("latency_us", json!((latency * 1e7).round() / 10.0)),
            ("mib_per_s", json!((1.0 / slope / f64::from(1 << 20)).round())),
        ];
        [("ranks".to_owned(), json!(self.ranks()))]
            .into_iter()
            .chain(found.into_iter().map(|(name, value)| (name.to_owned(), value)))
            .collect()
    }

    fn so_far(&self) -> MutexGuard<'_, Exchanged> {
        self.so_far.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn time(&self, bytes: usize, call: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
        let (start, bytes) = (Instant::now(), bytes as f64);
        call()?;
        let seconds = start.elapsed().as_secs_f64();
        let mut all = self.so_far();
        all.seconds += seconds;
        all.squares += bytes * bytes;
        all.products += bytes * seconds;
        Ok(())
    }
}

impl Collective for Counted {
    fn rank(&self) -> usize {
        self.inner.rank()
    }

    fn ranks(&self) -> usize {
        self.inner.ranks()
    }

    fn gather(&self, own: &[u8], lens: &[usize], all: &mut [u8]) -> Result<(), String> {
        let bytes = all.len();
        self.time(bytes, || self.inner.gather(own, lens, all))?;
        let mut so_far = self.so_far();
        so_far.gathers += 1.0;
        so_far.gathered += bytes as f64;
        Ok(())
    }

    fn exchange(&self, own: &[u8], to: &[usize], from: &[usize], all: &mut [u8]) -> Result<(), String> {
        let bytes = all.len();
        self.time(bytes, || self.inner.exchange(own, to, from, all))?;
        let mut so_far = self.so_far();
        so_far.exchanges += 1.0;
        so_far.exchanged += bytes as f64;
        Ok(())
    }
}
