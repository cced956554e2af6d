use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::json;

use super::*;

/// A server that keeps what it is asked, and answers as MLflow does.
fn server(asked: Arc<Mutex<Vec<(String, String)>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let asked = Arc::clone(&asked);
            thread::spawn(move || while answer(&stream, &asked).is_some() {});
        }
    });
    address
}

fn answer(mut stream: &TcpStream, asked: &Mutex<Vec<(String, String)>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let what = line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let run = json!({ "info": { "run_id": "r1", "artifact_uri": "mlflow-artifacts:/7/r1/artifacts" } });
    let (status, said) = match what.as_str() {
        what if what.contains("get-by-name") => ("404 Not Found", json!({ "error_code": "RESOURCE_DOES_NOT_EXIST" })),
        what if what.ends_with("experiments/create") => ("200 OK", json!({ "experiment_id": "7" })),
        what if what.ends_with("runs/create") => ("200 OK", json!({ "run": run })),
        what if what.ends_with("runs/search") => ("200 OK", json!({ "runs": [run] })),
        _ => ("200 OK", json!({})),
    };
    asked.lock().unwrap().push((what, String::from_utf8(body).unwrap()));
    let said = said.to_string();
    write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{said}", said.len()).ok()
}

fn tracked(server: String) -> Box<dyn Observer> {
    let tracking = Tracking { mlflow: Some(server), mlflow_experiment: "cells & more".to_owned() };
    tracking.observer().unwrap()
}

fn record(event: Event) -> Record {
    Record { seq: 0, elapsed_seconds: 0.0, event }
}

fn started() -> Event {
    let started = json!({
        "record_version": 2, "program_version": "0.1.0", "task": "search", "method": "eoinas", "space": null, "seed": 3,
        "epochs": 2, "config": { "seed": 3, "network": { "channels": 4 }, "text": "x".repeat(600) },
        "dataset": { "name": "embedded", "train_images": 1, "valid_images": 1, "classes": [] }, "genotype": null,
        "command": ["eoinas", "search"],
    });
    Event::RunStarted(Box::new(serde_json::from_value(started).unwrap()))
}

#[test]
fn a_run_is_told_from_beginning_to_end() {
    let asked = Arc::default();
    let mut run = tracked(server(Arc::clone(&asked)));
    run.opened("/runs/study/.claims/gdas/seed-0/search/attempt-2".as_ref());
    let end = EpochEnd { epoch: 1, train_loss: 0.5, valid_loss: Some(f64::NAN), ..EpochEnd::default() };
    let found = Event::Derived {
        text: "Genotype(...)".to_owned(),
        genotype: json!({}),
        parameters: Some(9),
        multiply_adds: None,
    };
    let all = [started(), Event::EpochEnd(Box::new(end)), found, Event::RunEnded { epochs: 2, steps: 4 }];
    all.into_iter().for_each(|event| run.observe(&record(event)).unwrap());
    drop(run);
    let asked = asked.lock().unwrap();
    let whats: Vec<&str> = asked.iter().map(|(what, _)| what.as_str()).collect();
    let api = "/api/2.0/mlflow/";
    let folder = "PUT /api/2.0/mlflow-artifacts/artifacts/7/r1/artifacts/";
    let wanted = [
        format!("GET {api}experiments/get-by-name?experiment_name=cells%20%26%20more"),
        format!("POST {api}experiments/create"),
        format!("POST {api}runs/create"),
        format!("POST {api}runs/log-batch"),
        format!("{folder}config.json"),
        format!("POST {api}runs/log-batch"),
        format!("POST {api}runs/log-batch"),
        format!("{folder}genotype.txt"),
        format!("{folder}genotype.json"),
        format!("POST {api}runs/update"),
    ];
    assert_eq!(whats, wanted);
    let body = |at: usize| serde_json::from_str::<Value>(&asked[at].1).unwrap();
    assert_eq!(body(2)["run_name"], "gdas/seed-0/search");
    assert_eq!(body(2)["tags"][0], json!({ "key": "eoinas.folder", "value": "/runs/study/gdas/seed-0/search" }));
    let params = body(3)["params"].as_array().unwrap().clone();
    assert!(params.contains(&json!({ "key": "network.channels", "value": "4" })), "{params:?}");
    assert!(params.contains(&json!({ "key": "text", "value": "x".repeat(500) })), "{params:?}");
    let metrics = body(5)["metrics"].as_array().unwrap().clone();
    assert!(
        metrics.iter().any(|metric| metric["key"] == "train_loss" && metric["value"] == 0.5 && metric["step"] == 1)
    );
    assert!(metrics.iter().all(|metric| metric["key"] != "valid_loss"), "{metrics:?}");
    assert_eq!(body(9)["status"], "FINISHED");
}

/// In the run that it had, which is looked for by its folder.
#[test]
fn a_run_that_goes_on_is_the_same_one_there() {
    let asked = Arc::default();
    let dir = tempfile::tempdir().unwrap();
    let line = serde_json::to_string(&record(started())).unwrap();
    std::fs::write(dir.path().join(names::EVENTS), line + "\n").unwrap();
    let mut run = tracked(server(Arc::clone(&asked)));
    run.opened(dir.path());
    let resumed = Event::Resumed { epoch: 0, step: 1, checkpoint: String::new() };
    run.observe(&record(resumed)).unwrap();
    // An error ends it.
    drop(run);
    let asked = asked.lock().unwrap();
    assert!(asked.iter().all(|(what, _)| !what.ends_with("runs/create")), "{asked:?}");
    let search = asked.iter().find(|(what, _)| what.ends_with("runs/search")).unwrap();
    assert!(search.1.contains(&dir.path().display().to_string()), "{search:?}");
    assert!(asked.last().unwrap().1.contains("FAILED"), "{asked:?}");
}

#[test]
fn a_server_that_is_not_there_stops_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut run = tracked(address);
    for _ in 0..5000 {
        run.observe(&record(started())).unwrap();
    }
}

#[test]
fn an_address_is_one_of_a_server() {
    assert_eq!(address("http://127.0.0.1:5000/").unwrap(), "http://127.0.0.1:5000");
    assert!(address("mlruns").is_err() && address("http://").is_err());
}
