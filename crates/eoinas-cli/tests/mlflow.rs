//! Runs in a real MLflow server, looked at by its REST interface. Where there is no program `mlflow` (or the one that `EOINAS_MLFLOW`
//! names), the test is skipped with a line.
#![cfg(feature = "mlflow")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{
    env, fs,
    net::TcpListener,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use common::{run, text};
use serde_json::{Value, json};

/// The server, which ends with it.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It has processes of its own, which end with the group.
        let _ = Command::new("kill").args(["--", &format!("-{}", self.0.id())]).status();
        let _ = self.0.wait();
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().proxy(None).timeout_global(Some(Duration::from_secs(20)));
    config.http_status_as_error(false).build().into()
}

fn start(dir: &std::path::Path) -> Option<(Server, String)> {
    let program = env::var_os("EOINAS_MLFLOW").unwrap_or_else(|| "mlflow".into());
    if !Command::new(&program).arg("--version").output().is_ok_and(|output| output.status.success()) {
        println!("skipped: no mlflow (set EOINAS_MLFLOW to the program)");
        return None;
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new(program);
    command.args(["server", "--host", "127.0.0.1", "--workers", "1", "--port", &port.to_string()]);
    command.arg("--backend-store-uri").arg(format!("sqlite:///{}", dir.join("mlflow.db").display()));
    command.arg("--artifacts-destination").arg(dir.join("artefacts")).current_dir(dir);
    let log = fs::File::create(dir.join("server.log")).unwrap();
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let server = Server(command.spawn().unwrap());
    let address = format!("http://127.0.0.1:{port}");
    let begun = Instant::now();
    while !agent().get(format!("{address}/health")).call().is_ok_and(|answer| answer.status() == 200) {
        let log = fs::read_to_string(dir.join("server.log")).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(240), "{log}");
        sleep(Duration::from_millis(300));
    }
    Some((server, address))
}

fn json(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Value {
    serde_json::from_str(&answer.unwrap().body_mut().read_to_string().unwrap()).unwrap()
}

#[test]
fn a_search_is_one_run_of_a_real_server_and_survives_its_loss() {
    let dir = tempfile::tempdir().unwrap();
    let Some((server, address)) = start(dir.path()) else { return };
    let out = dir.path().join("run");
    let search = |more: &[&str]| {
        let tracking = ["--mlflow", &address, "--mlflow-experiment", "tiny cells"];
        let output = run("search", &[&tracking[..], more].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stderr)
    };
    let sizes = "--preset quick --epochs 3 --train-images 32 --batch-size 8 --channels 4 --cells 3";
    let sizes: Vec<&str> = sizes.split(' ').collect();
    let out = out.to_str().unwrap();
    search(&[&sizes[..], &["--max-steps", "3", "--out", out]].concat());
    search(&["--resume", out]);
    let api = format!("{address}/api/2.0/mlflow");
    let found =
        json(agent().get(format!("{api}/experiments/get-by-name")).query("experiment_name", "tiny cells").call());
    let experiment = &found["experiment"]["experiment_id"];
    let wanted = json!({ "experiment_ids": [experiment] }).to_string();
    let search_runs = agent().post(format!("{api}/runs/search")).header("content-type", "application/json");
    let found = json(search_runs.send(wanted));
    let runs = found["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 1, "{found:#}");
    let (info, data) = (&runs[0]["info"], &runs[0]["data"]);
    assert_eq!(info["status"], "FINISHED");
    let value = |list: &str, key: &str| {
        let entry = data[list].as_array().unwrap().iter().find(|entry| entry["key"] == key);
        entry.unwrap_or_else(|| panic!("{key}: {data:#}"))["value"].clone()
    };
    assert_eq!((value("params", "network.channels"), value("params", "epochs")), ("4".into(), "3".into()));
    assert_eq!(value("tags", "eoinas.method"), "eoinas");
    let id = info["run_id"].as_str().unwrap();
    let history =
        agent().get(format!("{api}/metrics/get-history")).query("run_id", id).query("metric_key", "train_loss");
    let history = json(history.call());
    let steps: Vec<i64> =
        history["metrics"].as_array().unwrap().iter().map(|metric| metric["step"].as_i64().unwrap_or(0)).collect();
    assert_eq!(steps, [0, 1, 2], "{history:#}");
    let files = json(agent().get(format!("{api}/artifacts/list")).query("run_id", id).call());
    let mut names: Vec<&str> =
        files["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["config.json", "genotype.json", "genotype.txt"]);
    let artefact = format!("{}/genotype.txt", info["artifact_uri"].as_str().unwrap().replace("mlflow-artifacts:/", ""));
    let artefact = agent().get(format!("{address}/api/2.0/mlflow-artifacts/artifacts/{artefact}")).call();
    let artefact = artefact.unwrap().body_mut().read_to_string().unwrap();
    assert_eq!(artefact.trim(), fs::read_to_string(format!("{out}/genotype.txt")).unwrap().trim());
    drop(server);
    let second = dir.path().join("second");
    let said = search(&[&sizes[..], &["--out", second.to_str().unwrap()]].concat());
    assert_eq!(said.matches("MLflow at ").count(), 1, "{said}");
    assert!(second.join("result.json").exists());
}
