//! The batches of an epoch, in order, from several threads.

use super::Batch;
use super::make::Maker;
use crate::error::{DataError, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Iterator over the batches of an epoch. Dropping it stops its threads.
///
/// With T threads, thread t makes the batches t, t + T, t + 2T, ... into its own bounded queue, and the iterator takes
/// from the queues in turn: the order is fixed without any sorting, and no thread runs ahead by more than its share.
#[derive(Debug)]
pub struct Batches {
    maker: Arc<Maker>,
    stop: Arc<AtomicBool>,
    queues: Vec<Receiver<Result<Batch>>>,
    threads: Vec<JoinHandle<()>>,
    start: usize,
    next: usize,
    end: usize,
    spawn_error: Option<DataError>,
}

impl Batches {
    pub(super) fn start(maker: Maker, start: usize, end: usize) -> Self {
        let threads = maker.config.threads.min(end.saturating_sub(start));
        let queue_len = maker.config.prefetch.div_ceil(threads.max(1)).max(1);
        let mut batches = Self {
            maker: Arc::new(maker),
            stop: Arc::default(),
            queues: Vec::with_capacity(threads),
            threads: Vec::with_capacity(threads),
            start,
            next: start,
            end,
            spawn_error: None,
        };
        for thread in 0..threads {
            // The queue holds finished batches; one more is in the making.
            let (sender, receiver) = sync_channel(queue_len - usize::from(queue_len > 1));
            let (maker, stop) = (Arc::clone(&batches.maker), Arc::clone(&batches.stop));
            let work = move || run(&maker, (start + thread..end).step_by(threads), &sender, &stop);
            match std::thread::Builder::new().name(format!("loader-{thread}")).spawn(work) {
                Ok(handle) => batches.threads.push(handle),
                Err(source) => {
                    let problem = format!("thread {thread} could not be started: {source}; use fewer threads");
                    batches.spawn_error = Some(DataError::Thread { problem });
                    break;
                }
            }
            batches.queues.push(receiver);
        }
        batches
    }

    fn gone(&self) -> DataError {
        let batch = self.next;
        let problem =
            format!("a thread stopped before batch {batch}: the data set's `read` panicked; its message is above");
        DataError::Thread { problem }
    }

    fn make_next(&mut self) -> Result<Batch> {
        if let Some(error) = self.spawn_error.take() {
            return Err(error);
        }
        if self.queues.is_empty() {
            return self.maker.make(self.next, &self.stop).unwrap_or_else(|| Err(self.gone()));
        }
        let queue = (self.next - self.start) % self.queues.len();
        // A queue without a sender means that its thread panicked: it ends only when its work is done.
        self.queues.get(queue).and_then(|queue| queue.recv().ok()).unwrap_or_else(|| Err(self.gone()))
    }
}

fn run(maker: &Maker, numbers: impl Iterator<Item = usize>, sender: &SyncSender<Result<Batch>>, stop: &AtomicBool) {
    for number in numbers {
        let Some(batch) = maker.make(number, stop) else { return };
        let failed = batch.is_err();
        if sender.send(batch).is_err() || failed {
            return;
        }
    }
}

impl Iterator for Batches {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let batch = self.make_next();
        self.next = if batch.is_ok() { self.next + 1 } else { self.end };
        Some(batch)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end.saturating_sub(self.next);
        // An error ends the epoch early.
        (left.min(1), Some(left))
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // A thread that waits for room in its queue wakes up when the receiver goes.
        self.queues.clear();
        for thread in self.threads.drain(..) {
            // A panic was reported as an error already.
            let _ = thread.join();
        }
    }
}
