//! The page of `eoinas demo`: what is in it, and in a real browser what it says of pictures that are dropped on it. The
//! latter is skipped without Chromium, or where `EOINAS_ONNXRUNTIME_WEB` does not name a folder of onnxruntime-web.
#![cfg(feature = "images")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[path = "../../eoinas-report/tests/common/browser.rs"]
mod browser;
mod common;
#[path = "common/striped.rs"]
mod striped;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use browser::Browser;
use common::eoinas;
use eoinas_nn::saved::Framing;
use serde_json::{Value, json};
use striped::{pictures, trained};

/// A class's name that would do harm if it were taken for HTML.
const HARMFUL: &str = "</script><script>alert('{{model}}')</script> & rings";

fn demo(network: &Path, runtime: &Path, out: &Path, title: &str) -> Output {
    let mut command = eoinas("demo");
    command.arg(network).arg("--runtime").arg(runtime).arg("--out").arg(out);
    command.args(["--title", title]).output().unwrap()
}

fn failure(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A network that has learned `pictures`, and calls rings something harmful.
fn network(root: &Path, pictures: &[PathBuf], framing: Framing) -> PathBuf {
    let folder = root.join(format!("{framing:?}"));
    trained(&folder, pictures, framing, 3);
    let path = folder.join("network.json");
    let text = fs::read_to_string(&path).unwrap().replace("\"rings\"", &json!(HARMFUL).to_string());
    fs::write(path, text).unwrap();
    folder
}

#[test]
fn names_and_title_stay_text_and_nothing_is_overwritten() {
    let root = tempfile::tempdir().unwrap();
    let network = network(root.path(), &pictures(&root.path().join("pictures"), 30), Framing::Stretch);
    let (runtime, out) = (root.path().join("runtime/dist"), root.path().join("page"));
    fs::create_dir_all(&runtime).unwrap();
    let files = ["ort.wasm.min.js", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"];
    for file in files {
        let error = failure(&demo(&network, &root.path().join("runtime"), &out, "t"));
        assert!(error.contains(file) && error.contains("--runtime"), "{error}");
        fs::write(runtime.join(file), format!("</script> {file}")).unwrap();
    }
    assert!(!out.exists());
    let output = demo(&network, &root.path().join("runtime"), &out, "<b>{{wasm}}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let page = fs::read_to_string(out.join("index.html")).unwrap();
    assert_eq!(page.matches("<title>&lt;b&gt;{{wasm}}</title>").count(), 1);
    // One beginning and one end of each of the page's own scripts.
    assert_eq!((page.matches("<script").count(), page.matches("</script").count()), (6, 6));
    assert!(page.contains("\"\\u003c/script>\\u003cscript>alert('{{model}}')\\u003c/script> & rings\""));
    for file in files {
        assert!(page.contains(&STANDARD.encode(format!("</script> {file}"))), "{file}");
    }
    assert!(failure(&demo(&network, &runtime, &out, "t")).contains("is not overwritten"));
    assert_eq!(fs::read_to_string(out.join("index.html")).unwrap(), page);
}

/// What the page shows, by name, when it has looked at what it was given.
fn shown(browser: &mut Browser) -> BTreeMap<String, f64> {
    let state = browser.wait("document.body.dataset.state", |state| state == "done" || state == "failed");
    let status = browser.evaluate("document.getElementById('status').textContent");
    assert_eq!(state, "done", "{status}");
    let rows = "[...document.querySelectorAll('#answers tr')].map(row => [row.cells[0].textContent, \
                Number(row.cells[1].dataset.value), row.cells[1].textContent])";
    let row = |row: &Value| {
        let (name, value) = (row[0].as_str().unwrap().to_owned(), row[1].as_f64().unwrap());
        assert_eq!(row[2], format!("{:.1} %", 100.0 * value));
        (name, value)
    };
    browser.evaluate(rows).as_array().unwrap().iter().map(row).collect()
}

fn drop_script(name: &str, bytes: &[u8]) -> String {
    format!(
        "(() => {{ document.body.dataset.state = 'waiting'; \
         const bytes = Uint8Array.from(atob('{}'), c => c.charCodeAt(0)), data = new DataTransfer(); \
         data.items.add(new File([bytes], {})); \
         document.getElementById('drop').dispatchEvent(new DragEvent('drop', {{dataTransfer: data, bubbles: true}})); }})()",
        STANDARD.encode(bytes),
        json!(name)
    )
}

fn ours(network: &Path, picture: &Path) -> BTreeMap<String, f64> {
    let output = eoinas("classify").arg(network).arg(picture).arg("--json").output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let class = |class: &Value| (class["class"].as_str().unwrap().to_owned(), class["probability"].as_f64().unwrap());
    answer["classes"].as_array().unwrap().iter().map(class).collect()
}

#[test]
fn a_browser_says_what_classify_says() {
    let Some(runtime) = std::env::var_os("EOINAS_ONNXRUNTIME_WEB") else {
        println!("skipped: set EOINAS_ONNXRUNTIME_WEB to the folder of onnxruntime-web (`npm pack onnxruntime-web`)");
        return;
    };
    let root = tempfile::tempdir().unwrap();
    let pictures = pictures(&root.path().join("pictures"), 60);
    let Some(mut browser) = Browser::start(&root.path().join("profile")) else {
        println!("skipped: no Chromium");
        return;
    };
    for framing in [Framing::Stretch, Framing::Centre] {
        let network = network(root.path(), &pictures, framing);
        let out = root.path().join(format!("page-{framing:?}"));
        let output = demo(&network, Path::new(&runtime), &out, "Stripes");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        browser.call("Page.navigate", json!({ "url": format!("file://{}/index.html", out.display()) }));
        browser.wait("document.body?.dataset.state ?? ''", |state| state == "ready" || state == "failed");
        let mut worst = 0f64;
        for picture in pictures.iter().filter(|path| path.extension().is_some_and(|ending| ending == "png")).take(9) {
            browser.evaluate(&drop_script("a.png", &fs::read(picture).unwrap()));
            let (page, ours) = (shown(&mut browser), ours(&network, picture));
            assert!(page.keys().eq(ours.keys()), "{page:?}");
            worst = ours.iter().fold(worst, |worst, (name, value)| worst.max((value - page[name]).abs()));
        }
        println!("{framing:?}: probabilities differ by {worst:.1e}");
        assert!(worst < 1e-3, "{framing:?}: probabilities differ by {worst:e}");
        // What is no picture is said, and the page goes on; a chosen file is as good as a dropped one.
        browser.evaluate(&drop_script("no.png", b"no picture"));
        browser.wait("document.body.dataset.state", |state| state == "failed");
        let status = browser.evaluate("document.getElementById('status').textContent");
        assert!(status.as_str().unwrap().starts_with("no.png cannot be classified"), "{status}");
        let document = browser.call("DOM.getDocument", json!({}));
        let find = json!({ "nodeId": document["root"]["nodeId"], "selector": "#file" });
        let input = browser.call("DOM.querySelector", find);
        browser.evaluate("document.body.dataset.state = 'waiting'");
        browser.call("DOM.setFileInputFiles", json!({ "nodeId": input["nodeId"], "files": [pictures[1]] }));
        assert_eq!(shown(&mut browser).len(), 3);
        assert!(browser.errors.is_empty(), "{:?}", browser.errors);
    }
}
