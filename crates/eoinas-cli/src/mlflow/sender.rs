//! A queue between a run and the server.

use std::{
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError},
    },
    thread,
    time::Duration,
};

use super::{client::Client, messages::Message};
use crate::out;

/// So many messages wait for a slow server; what comes then is not told.
const QUEUE: usize = 4096;
/// So long a run that ends waits for what is still to be told.
const LAST: Duration = Duration::from_secs(20);
/// So many requests in a row may fail before the server is given up.
const FAILURES: u32 = 3;

/// Whether this process has given the server up: its other runs do not wait for it again.
static LOST: AtomicBool = AtomicBool::new(false);

/// Hands messages to a thread that tells the server.
#[derive(Debug)]
pub(super) struct Sender {
    queue: Option<SyncSender<Message>>,
    /// Closed when all is told.
    done: Receiver<()>,
    full: bool,
}

impl Sender {
    /// `None`: the server was given up.
    pub fn start(server: String, experiment: String) -> Option<Self> {
        if LOST.load(Ordering::Relaxed) {
            return None;
        }
        let (queue, messages) = mpsc::sync_channel(QUEUE);
        let (told, done) = mpsc::sync_channel(1);
        let tell = move || {
            tell(&messages, Client::new(server, experiment));
            drop(told);
        };
        // Without a thread nothing is told.
        let thread = thread::Builder::new().name("mlflow".to_owned()).spawn(tell);
        if let Err(error) = &thread {
            out::note(&format!("MLflow is not told of this run: {error}"));
        }
        Some(Self { queue: thread.is_ok().then_some(queue), done, full: false })
    }

    /// Never waits.
    pub fn send(&mut self, message: Message) {
        let Some(queue) = &self.queue else { return };
        match queue.try_send(message) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                if !std::mem::replace(&mut self.full, true) {
                    out::note("MLflow takes messages too slowly: some of them are left out");
                }
            }
            Err(TrySendError::Disconnected(_)) => self.queue = None,
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        if self.queue.take().is_some() && self.done.recv_timeout(LAST) == Err(RecvTimeoutError::Timeout) {
            out::note("MLflow takes messages too slowly: the last ones are left out");
        }
    }
}

/// Tells the server until the run ends or the server is lost, of which there is one note.
fn tell(messages: &Receiver<Message>, mut client: Client) {
    let (mut failures, mut ended) = (0, true);
    while let Ok(message) = messages.recv() {
        match &message {
            Message::Begin { .. } => ended = false,
            Message::End(_) => ended = true,
            _ => {}
        }
        match client.tell(&message) {
            Ok(()) => failures = 0,
            Err(problem) => {
                failures += 1;
                let begins = matches!(message, Message::Begin { .. });
                if failures == 1 {
                    // Without a password.
                    let server = client.server();
                    let server = server.rsplit_once('@').map_or(server, |(_, host)| host);
                    out::note(&format!("MLflow at {server} was not told all of this run, which goes on: {problem}"));
                }
                if begins || failures >= FAILURES {
                    LOST.store(true, Ordering::Relaxed);
                    return;
                }
            }
        }
    }
    if !ended {
        // An error ended it, which has no event.
        let _ = client.tell(&Message::End("FAILED"));
    }
}
