//! Bringing the bytes of one address into a file, over as many connections as it takes.

use super::{Archive, Progress, failed, written};
use crate::error::Result;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;
use ureq::http::HeaderMap;

/// Connections in a row that may bring nothing before giving up.
const ATTEMPTS: u32 = 4;

#[derive(Debug)]
pub(super) struct Client {
    agent: ureq::Agent,
    pause: Duration,
}

/// How one connection ended.
enum End {
    Complete,
    /// The bytes that are here are not a beginning of the file: start anew.
    Restart,
    Broken {
        total: Option<u64>,
        reason: String,
    },
}

impl Client {
    /// `pause` is the wait before the second attempt; it doubles with each. `https`: no other address is followed.
    pub fn new(pause: Duration, https: bool) -> Self {
        let config = ureq::Agent::config_builder()
            .https_only(https)
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(20)))
            .timeout_recv_response(Some(Duration::from_secs(60)))
            // A connection that has gone silent ends here, and the next one goes on where it was.
            .timeout_recv_body(Some(Duration::from_secs(180)));
        // A test talks to this machine, whatever proxy is set for the world outside.
        #[cfg(test)]
        let config = config.proxy(None);
        Self { agent: config.build().into(), pause }
    }

    /// Appends to `file` until it is complete.
    pub fn transfer(
        &self,
        archive: &Archive,
        path: &Path,
        file: &mut File,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<()> {
        let url = archive.url.as_str();
        let (mut fruitless, mut connected) = (0, false);
        loop {
            let before = file.metadata().map_err(written(path))?.len();
            let (total, reason) = match self.connect(archive, path, file, before, connected, progress)? {
                End::Complete => return Ok(()),
                End::Restart => {
                    file.set_len(0).map_err(written(path))?;
                    (None, "the server cannot go on where the file ends".into())
                }
                End::Broken { total, reason } => (total, reason),
            };
            connected = true;
            let done = file.metadata().map_err(written(path))?.len();
            fruitless = if done > before { 0 } else { fruitless + 1 };
            if fruitless >= ATTEMPTS {
                let total = total.map_or_else(|| "an unknown number of".to_owned(), |total| total.to_string());
                let problem =
                    format!("broke off after {done} of {total} bytes: {reason}; call again to go on from there");
                return Err(failed(url, problem));
            }
            std::thread::sleep(self.pause * 2u32.pow(fruitless));
        }
    }

    fn connect(
        &self,
        archive: &Archive,
        path: &Path,
        file: &mut File,
        done: u64,
        connected: bool,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<End> {
        let url = archive.url.as_str();
        let mut request = self.agent.get(url);
        if done > 0 {
            request = request.header("Range", format!("bytes={done}-"));
        }
        let mut response = match request.call() {
            Ok(response) => response,
            Err(error) if connected => return Ok(End::Broken { total: None, reason: error.to_string() }),
            Err(error) => {
                let advice =
                    "check the network, or fetch the archive by other means and unpack it into the data folder";
                return Err(failed(url, format!("the server cannot be reached: {error}; {advice}")));
            }
        };
        let range = content_range(response.headers());
        let total = match (response.status().as_u16(), range) {
            // Some servers send the whole file whatever was asked for.
            (200, _) => {
                file.set_len(0).map_err(written(path))?;
                header(response.headers(), "content-length").and_then(|length| length.parse().ok())
            }
            (206, Some((Some(start), total))) if start == done => total,
            (416, Some((None, Some(total)))) if total == done => return Ok(End::Complete),
            (206 | 416, _) => return Ok(End::Restart),
            (status @ (429 | 500..), _) if connected => {
                return Ok(End::Broken { total: None, reason: format!("status {status}") });
            }
            (status, _) => {
                let advice = "the archive may have moved: fetch it by other means";
                return Err(failed(url, format!("the server answered with status {status}; {advice}")));
            }
        };
        let too_long = |bytes: u64| {
            let most = archive.max_bytes;
            failed(
                url,
                format!(
                    "the server sends {bytes} bytes or more, and the archive has at most {most}; is it the right address?"
                ),
            )
        };
        if let Some(total) = total.filter(|total| *total > archive.max_bytes) {
            return Err(too_long(total));
        }
        // One byte more than there may be tells that there are more.
        let left = (archive.max_bytes + 1).saturating_sub(file.metadata().map_err(written(path))?.len());
        let end = receive(&mut response.body_mut().as_reader().take(left), path, file, total, progress)?;
        let done = file.metadata().map_err(written(path))?.len();
        if done > archive.max_bytes {
            file.set_len(0).map_err(written(path))?;
            return Err(too_long(done));
        }
        Ok(end)
    }
}

fn receive(
    body: &mut impl Read,
    path: &Path,
    file: &mut File,
    total: Option<u64>,
    progress: &mut dyn FnMut(Progress),
) -> Result<End> {
    let mut done = file.metadata().map_err(written(path))?.len();
    let mut buffer = vec![0; 1 << 16];
    loop {
        progress(Progress { done, total });
        let count = match body.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Ok(End::Broken { total, reason: error.to_string() }),
        };
        if count == 0 {
            let whole = total.is_none_or(|total| done == total);
            let reason = "the connection was closed".into();
            return Ok(if whole { End::Complete } else { End::Broken { total, reason } });
        }
        file.write_all(buffer.get(..count).unwrap_or(&[])).map_err(written(path))?;
        done += count as u64;
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Start and total of `Content-Range: bytes 10-99/100`, where they are given (`bytes */100`, `bytes 10-99/*`).
fn content_range(headers: &HeaderMap) -> Option<(Option<u64>, Option<u64>)> {
    let (range, total) = header(headers, "content-range")?.strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split('-').next().and_then(|start| start.parse().ok()), total.parse().ok()))
}
