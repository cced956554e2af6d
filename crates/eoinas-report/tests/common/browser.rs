//! A browser that is spoken to over its debugging protocol; eoinas-cli's tests have it from here.
#![allow(dead_code, reason = "each test uses its part")]

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

/// Tenths of a second that anything may take.
const PATIENCE: usize = 1200;

pub struct Browser {
    process: Child,
    socket: WebSocket<TcpStream>,
    session: Option<String>,
    count: u64,
    /// What went wrong on the page.
    pub errors: Vec<String>,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Browser {
    /// Chromium, or the program that `EOINAS_CHROMIUM` names; `None` without one.
    pub fn start(profile: &Path) -> Option<Self> {
        let named = std::env::var_os("EOINAS_CHROMIUM").map(PathBuf::from);
        let known = ["chromium", "chromium-browser", "google-chrome"].map(PathBuf::from);
        let process = named.into_iter().chain(known).find_map(|program| {
            Command::new(program)
                .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0"])
                .arg(format!("--user-data-dir={}", profile.display()))
                .arg("about:blank")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .ok()
        })?;
        let file = profile.join("DevToolsActivePort");
        let (port, path) = (0..PATIENCE).find_map(|_| {
            sleep(Duration::from_millis(100));
            let text = fs::read_to_string(&file).ok()?;
            let (port, path) = text.split_once('\n')?;
            Some((port.parse::<u16>().ok()?, path.trim().to_owned()))
        })?;
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let (socket, _) = tungstenite::client::client(format!("ws://127.0.0.1:{port}{path}"), stream).unwrap();
        let mut browser = Self { process, socket, session: None, count: 0, errors: Vec::new() };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let session = browser.call("Target.attachToTarget", json!({ "targetId": target["targetId"], "flatten": true }));
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Runtime.enable", "Log.enable", "Page.enable", "DOM.enable"] {
            browser.call(domain, json!({}));
        }
        Some(browser)
    }

    pub fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.count += 1;
        let mut message = json!({ "id": self.count, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(message.to_string())).unwrap();
        loop {
            let answer: Value = serde_json::from_str(self.socket.read().unwrap().to_text().unwrap()).unwrap();
            let of_page = match answer["method"].as_str() {
                Some("Runtime.exceptionThrown") => true,
                Some("Runtime.consoleAPICalled") => answer["params"]["type"] == "error",
                Some("Log.entryAdded") => answer["params"]["entry"]["level"] == "error",
                _ => false,
            };
            if of_page {
                self.errors.push(answer.to_string());
            }
            if answer["id"] == json!(self.count) {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    pub fn evaluate(&mut self, script: &str) -> Value {
        let result = self.call("Runtime.evaluate", json!({ "expression": script, "returnByValue": true }));
        assert!(result["exceptionDetails"].is_null(), "{script}: {result}");
        result["result"]["value"].clone()
    }

    /// Asks until a script's value is one that is wanted; gives it.
    pub fn wait(&mut self, script: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..PATIENCE {
            let value = self.evaluate(script);
            if wanted(&value) {
                return value;
            }
            sleep(Duration::from_millis(100));
        }
        panic!("{script}: {}; {:?}", self.evaluate(script), self.errors);
    }
}
