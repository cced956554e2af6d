//! MLflow's REST interface, version 2.0, as far as runs need it (mlflow.org/docs, "REST API").

use std::time::Duration;

use serde_json::{Value, json};

use super::messages::{Message, Metric, now};

/// Parameters and tags of one request, at most.
const BATCH: usize = 100;
/// Characters of a parameter's value that every version takes.
const VALUE: usize = 500;
/// The same of a tag.
const TAG: usize = 5000;

/// The server, and the run there once it has begun.
pub(super) struct Client {
    agent: ureq::Agent,
    server: String,
    experiment: String,
    run: Option<Run>,
}

struct Run {
    id: String,
    /// Where its artefacts go below the server's, where that takes them.
    artefacts: Option<String>,
}

/// What went wrong, for people.
type Outcome<T> = Result<T, String>;

impl Client {
    pub fn new(server: String, experiment: String) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(5)))
            .timeout_global(Some(Duration::from_secs(10)));
        // A test talks to this machine, whatever proxy is set for the world outside.
        #[cfg(test)]
        let config = config.proxy(None);
        Self { agent: config.build().into(), server, experiment, run: None }
    }

    pub fn server(&self) -> &str {
        &self.server
    }

    pub fn tell(&mut self, message: &Message) -> Outcome<()> {
        if let Message::Begin { name, tags, params, resumed } = message {
            return self.begin(name, tags, params, *resumed);
        }
        let run = self.run.as_ref().ok_or("the run has not begun there")?;
        match message {
            Message::Begin { .. } => Ok(()),
            Message::Metrics(metrics) => {
                let metrics: Vec<Value> = metrics.iter().map(as_json).collect();
                self.post("runs/log-batch", &json!({ "run_id": run.id, "metrics": metrics })).map(drop)
            }
            Message::Tag(key, value) => {
                self.post("runs/set-tag", &json!({ "run_id": run.id, "key": key, "value": cut(value, TAG) })).map(drop)
            }
            Message::Artefact(name, text) => match &run.artefacts {
                Some(folder) => self.put(&format!("{folder}/{name}"), text),
                None => Ok(()),
            },
            Message::End(status) => {
                let ended = json!({ "run_id": run.id, "status": status, "end_time": now() });
                self.post("runs/update", &ended).map(drop)
            }
        }
    }

    fn begin(
        &mut self,
        name: &str,
        tags: &[(String, String)],
        params: &[(String, String)],
        resumed: bool,
    ) -> Outcome<()> {
        let experiment = self.experiment()?;
        let there = match tags.first().filter(|_| resumed) {
            Some((key, value)) => self.find(&experiment, key, value)?,
            None => None,
        };
        let run = match there {
            Some(run) => {
                let id = text(&run, &["info", "run_id"])?;
                self.post("runs/update", &json!({ "run_id": id, "status": "RUNNING" }))?;
                run
            }
            None => {
                let tags: Vec<Value> =
                    tags.iter().map(|(key, value)| json!({ "key": key, "value": cut(value, TAG) })).collect();
                let run = json!({ "experiment_id": experiment, "run_name": name, "start_time": now(), "tags": tags });
                let made = self.post("runs/create", &run)?;
                made.get("run").cloned().ok_or("it does not say which run it made")?
            }
        };
        let id = text(&run, &["info", "run_id"])?;
        let artefacts = text(&run, &["info", "artifact_uri"]).ok();
        let artefacts =
            artefacts.as_deref().and_then(|uri| Some(uri.strip_prefix("mlflow-artifacts:")?.trim_start_matches('/')));
        self.run = Some(Run { id: id.clone(), artefacts: artefacts.map(str::to_owned) });
        for params in params.chunks(BATCH) {
            let params: Vec<Value> =
                params.iter().map(|(key, value)| json!({ "key": key, "value": cut(value, VALUE) })).collect();
            self.post("runs/log-batch", &json!({ "run_id": id, "params": params }))?;
        }
        Ok(())
    }

    /// The number of the experiment, which is made where it is not there.
    fn experiment(&self) -> Outcome<String> {
        let by_name = || {
            let request =
                self.agent.get(self.url("experiments/get-by-name")).query("experiment_name", &self.experiment);
            self.answer(request.call(), "experiments/get-by-name")
        };
        let id = |found: &Value| text(found, &["experiment", "experiment_id"]);
        match by_name()? {
            (200, found) => id(&found),
            (404, _) => match self.post("experiments/create", &json!({ "name": self.experiment })) {
                Ok(made) => text(&made, &["experiment_id"]),
                // Another process was faster.
                Err(problem) => match by_name()? {
                    (200, found) => id(&found),
                    _ => Err(problem),
                },
            },
            (status, answer) => Err(refused("experiments/get-by-name", status, &answer)),
        }
    }

    /// The newest run with this tag.
    fn find(&self, experiment: &str, key: &str, value: &str) -> Outcome<Option<Value>> {
        let value = value.replace('\'', "\\'");
        let wanted = json!({
            "experiment_ids": [experiment], "filter": format!("tags.\"{key}\" = '{value}'"), "max_results": 1,
            "order_by": ["attributes.start_time DESC"],
        });
        let found = self.post("runs/search", &wanted)?;
        Ok(found.get("runs").and_then(|runs| runs.get(0)).cloned())
    }

    fn url(&self, what: &str) -> String {
        format!("{}/api/2.0/mlflow/{what}", self.server)
    }

    fn post(&self, what: &str, body: &Value) -> Outcome<Value> {
        let request = self.agent.post(self.url(what)).header("content-type", "application/json");
        match self.answer(request.send(body.to_string()), what)? {
            (200, answer) => Ok(answer),
            (status, answer) => Err(refused(what, status, &answer)),
        }
    }

    fn put(&self, path: &str, content: &str) -> Outcome<()> {
        let url = format!("{}/api/2.0/mlflow-artifacts/artifacts/{path}", self.server);
        match self.answer(self.agent.put(url).send(content), path)? {
            (200 | 201 | 204, _) => Ok(()),
            (status, answer) => Err(refused(path, status, &answer)),
        }
    }

    /// Status and JSON; `null` where it is none.
    fn answer(
        &self,
        response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
        what: &str,
    ) -> Outcome<(u16, Value)> {
        let mut response = response.map_err(|error| format!("{what}: {error}"))?;
        let body = response.body_mut().read_to_string().map_err(|error| format!("{what}: {error}"))?;
        Ok((response.status().as_u16(), serde_json::from_str(&body).unwrap_or_default()))
    }
}

fn as_json(metric: &Metric) -> Value {
    let Metric { key, value, step, timestamp } = metric;
    json!({ "key": key, "value": value, "step": step, "timestamp": timestamp })
}

fn text(value: &Value, way: &[&str]) -> Outcome<String> {
    let found = way.iter().try_fold(value, |value, field| value.get(field)).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| format!("its answer has no {}", way.join(".")))
}

fn refused(what: &str, status: u16, answer: &Value) -> String {
    let message = answer.get("message").and_then(Value::as_str).unwrap_or("it does not say why");
    format!("{what} is refused with {status}: {}", cut(message, VALUE))
}

/// The first so many characters.
fn cut(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}
