//! Human-designed networks by the program: trained, resumed, saved, used, refused.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;

use common::{assert_same, run, text};

const SMALL: [&str; 8] = ["--width", "0.5", "--train-images", "96", "--test-images", "64", "--batch-size", "32"];

#[test]
fn a_human_designed_network_is_trained_stopped_resumed_and_used() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (whole, pieces) = (path("whole"), path("pieces"));
    let train = |out: &str, more: &[&str]| {
        let args = ["--network", "resnet-20", "--epochs", "2", "--json", "--out", out];
        run("train", &[&args[..], &SMALL, more].concat())
    };
    let output = train(&whole, &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let result: serde_json::Value = serde_json::from_str(text(&output.stdout).lines().last().unwrap()).unwrap();
    let trained = &result["trained"][0];
    assert_eq!(trained["model"]["name"], "resnet-20");
    assert_eq!(trained["model"]["width"], 0.5);
    assert!(trained.get("genotype").is_none() && trained.get("cells").is_none(), "{trained}");
    let counted = eoinas_core::models::ModelConfig {
        width: 0.5,
        ..eoinas_core::models::ModelConfig::new("resnet-20".parse().unwrap())
    };
    let counts = counted.graph([32, 32, 3], 10).unwrap().counts();
    assert_eq!(trained["parameters"], counts.parameters);
    assert_eq!(trained["multiply_adds"], counts.multiply_adds);

    let output = train(&pieces, &["--max-steps", "4"]);
    assert!(output.status.success() && text(&output.stderr).contains("--resume"), "{}", text(&output.stderr));
    let output = run("train", &["--resume", &pieces, "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_same(whole.as_ref(), pieces.as_ref(), &["model.json", "network/network.json", "network/model.safetensors"]);

    let network = format!("{whole}/network");
    let output = run("evaluate", &[&network, "--dataset", "embedded", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let file = path("network.onnx");
    let output = common::eoinas("export").args([&network, "--out", &file]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(fs::metadata(&file).unwrap().len() > 1000);
    let page = common::eoinas("report").arg(&whole).output().unwrap();
    assert!(page.status.success(), "{}", text(&page.stderr));
    assert!(fs::read_to_string(format!("{whole}/report.html")).unwrap().contains("resnet-20 x 0.5"));
}

#[test]
fn a_chain_of_layers_is_trained_counted_and_used() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("chain").display().to_string();
    let layers = "conv3-8 pool2/2 conv3-16 average";
    let args = ["--network", layers, "--multiply-adds", "500k", "--epochs", "1", "--train-images", "64"];
    let output = run("train", &[&args[..], &["--test-images", "64", "--json", "--out", &out]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let result: serde_json::Value = serde_json::from_str(text(&output.stdout).lines().last().unwrap()).unwrap();
    let trained = &result["trained"][0];
    assert_eq!((&trained["model"]["name"], &trained["model"]["chain"]), (&"chain".into(), &layers.into()));
    let cost = trained["multiply_adds"].as_f64().unwrap();
    assert!((400e3..600e3).contains(&cost), "{cost}");
    let output = run("evaluate", &[&format!("{out}/network"), "--dataset", "embedded", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let output = common::eoinas("count").args([layers, "--json"]).output().unwrap();
    assert!(text(&output.stdout).contains(layers), "{}{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn networks_by_their_texts_are_trained_stopped_resumed_and_used() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let pictures = pictures(dir.path(), 12);
    for (kind, layers) in [
        ("stages", "stage3-4:1-01 stage3-6:0 dense8"),
        ("motifs", "motifs4 3.0.6 1.4.2 | 1.2.1"),
        ("densenet", "densenet4 block3x2-5 transition6 block4:7"),
    ] {
        let [whole, pieces] = ["whole", "pieces"].map(|name| path(&format!("{kind}-{name}")));
        let train = |out: &str, more: &[&str]| {
            let small =
                ["--network", layers, "--data", &pictures, "--image-size", "8", "--epochs", "2", "--batch-size", "4"];
            let output = run("train", &[&small[..], &["--width", "0.5", "--json", "--out", out], more].concat());
            assert!(output.status.success(), "{}", text(&output.stderr));
            text(&output.stdout)
        };
        let result: serde_json::Value = serde_json::from_str(train(&whole, &[]).lines().last().unwrap()).unwrap();
        let trained = &result["trained"][0];
        assert_eq!((&trained["model"]["name"], &trained["model"][kind]), (&kind.into(), &layers.into()));
        train(&pieces, &["--max-steps", "4"]);
        let output = run("train", &["--resume", &pieces, "--json"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_same(
            whole.as_ref(),
            pieces.as_ref(),
            &["model.json", "network/network.json", "network/model.safetensors"],
        );

        let network = format!("{whole}/network");
        let picture = format!("{pictures}/dark/0.png");
        let output = common::eoinas("classify").args([&network, &picture, "--json"]).output().unwrap();
        let said = text(&output.stdout);
        assert!(said.contains("dark") || said.contains("light"), "{said}{}", text(&output.stderr));
        let file = path(&format!("{kind}.onnx"));
        let output = common::eoinas("export").args([&network, "--out", &file]).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        // What is counted for images of CIFAR's size, by the text and by the library.
        let output = common::eoinas("count").args([layers, "--width", "0.5", "--json"]).output().unwrap();
        let counted: serde_json::Value = serde_json::from_str(&text(&output.stdout)).unwrap();
        let model = eoinas_core::models::ModelConfig { width: 0.5, ..layers.parse().unwrap() };
        let counts = model.graph([32, 32, 3], 10).unwrap().counts();
        assert_eq!(counted[0]["network"], layers);
        assert_eq!(counted[0]["cifar"]["multiply_adds"], counts.multiply_adds);
    }
}

#[test]
fn trainings_are_shared_by_whoever_names_the_folder_as_it_likes() {
    let dir = tempfile::tempdir().unwrap();
    let pictures = pictures(dir.path(), 12);
    let train = |data: &str, more: &[&str]| {
        let small = ["--network", "conv3-4 average", "--image-size", "8", "--epochs", "1", "--batch-size", "4"];
        let mut command = common::eoinas("train");
        command.current_dir(dir.path()).args(["--data", data, "--folds", "2", "--out", "folds"]).args(small).args(more);
        command.output().unwrap()
    };
    let first = train("pictures", &[]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    let printed = text(&first.stdout);
    assert!(printed.contains("--network 'conv3-4 average' --config "), "{printed}");
    let again = train(&pictures, &[]);
    assert!(again.status.success(), "{}", text(&again.stderr));
    let error = train("pictures", &["--seed", "5"]);
    assert!(text(&error.stderr).contains("whose seed is 0, not 5"), "{}", text(&error.stderr));
}

#[test]
fn strategies_have_their_candidates_trained() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("study").display().to_string();
    let small =
        ["--epochs", "1", "--train-images", "80", "--test-images", "20", "--multiply-adds", "200k", "--cells", "3"];
    let study = |args: &[&str]| {
        let output = run("compare", &[&["strategies", "--budget", "2", "--out", &out], &small[..], args].concat());
        (output.status.success(), text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
    };
    let all = "random,metaqnn-chains,hierarchical-motifs,genetic-cnn-stages,eas";
    let (ok, first, error) = study(&["--strategy", all]);
    assert!(ok, "{error}");
    for strategy in all.split(',') {
        let history = fs::read_to_string(format!("{out}/{strategy}/seed-0/history-2.json")).unwrap();
        assert_eq!(history.matches("\"genotype\"").count(), 2, "{strategy}");
        assert!(first.contains(&format!("{strategy}/seed-0/found-2-")), "{first}");
    }
    // Nothing is trained again, and other settings are another study.
    let (ok, again, error) = study(&["--strategy", all]);
    assert!(ok && again == first, "{error}{again}");
    // Fewer strategies take nothing from the table.
    let table = || fs::read_to_string(format!("{out}/strategies.csv")).unwrap();
    let whole = table();
    let (ok, _, error) = study(&["--strategy", "random"]);
    assert!(ok && table() == whole, "{error}{}", table());
    let (ok, _, error) = study(&["--strategy", "random", "--cells", "4"]);
    assert!(!ok && error.contains("--cells"), "{error}");
    let (ok, _, error) = study(&["--strategy", "random", "--data", &out]);
    assert!(!ok && !error.contains("panicked"), "{error}");
    let (ok, _, error) = study(&["--strategy", "rando"]);
    assert!(!ok && error.contains("similar value exists: 'random'"), "{error}");
}

#[test]
fn densenets_grow_within_a_cost_that_is_enough() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("study").display().to_string();
    let study = |multiply_adds: &str| {
        let small = ["--epochs", "1", "--train-images", "80", "--test-images", "20", "--multiply-adds", multiply_adds];
        run(
            "compare",
            &[&["strategies", "--strategy", "eas-densenets", "--budget", "1", "--out", &out], &small[..]].concat(),
        )
    };
    let refused = study("200k");
    let error = text(&refused.stderr);
    assert!(!refused.status.success() && error.contains("expected at least"), "{error}");
    fs::remove_dir_all(&out).unwrap();
    let done = study("500k");
    assert!(done.status.success(), "{}", text(&done.stderr));
    let history = fs::read_to_string(format!("{out}/eas-densenets/seed-0/history-1.json")).unwrap();
    assert!(history.contains("\"genotype\": \"densenet"), "{history}");
}

#[test]
fn what_a_human_designed_network_does_not_have_is_refused() {
    for (args, wanted) in [
        (&["--network", "resnet-21"][..], "resnet-20"),
        (&["--network", "conv3-8 pool2-2"], "`pool2-2` is no layer of a chain"),
        (&["--network", "chain"], "invalid value 'chain'"),
        (&["--network", "conv4-16"], "odd filters"),
        (&["--network", "conv3"], "`conv3` is no layer of a chain"),
        (&["--network", "conv3-8 pool5/3 pool5/3 pool5/3 pool5/3"], "does not fit"),
        (&["--network", "stage3-8:1-1 dense8"], "the bits of node 3 in `stage3-8:1-1` are not 2"),
        (&["--network", "motifs8 6.0.7 | 1"], "there is no op 7, only 0 to 6"),
        (&["--network", "motifs8 6.0.0 | 1"], "does not depend on its first"),
        (&["--network", "stages"], "invalid value 'stages'"),
        (&["--network", "densenet24 block12 transition9"], "no block follows `transition9`"),
        (&["--network", "densenet"], "invalid value 'densenet'"),
        (&["--network", "resnet-20", "--depth", "21"], "6n + 2"),
        (&["--network", "mobilenet-v2", "--depth", "20"], "--depth is 20"),
        (&["--network", "resnet-20", "--width", "0"], "--width is 0"),
        (&["--network", "resnet-20", "--channels", "8"], "--channels"),
        (&["--network", "resnet-20", "--drop-path", "0.2"], "--drop-path"),
        (&["--network", "resnet-20", "--genotype", "darts-v2"], "--genotype"),
        (&["--genotype", "darts-v2", "--width", "0.5"], "--width"),
        (&["--network", "resnet-20", "--max-parameters", "1M"], "--max-parameters"),
        (
            &["--network", "mobilenet-v2", "--multiply-adds", "3M", "--batch-size", "10"],
            "the narrowest mobilenet-v2 takes",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("run").display().to_string();
        let output = run("train", &[args, &["--epochs", "1", "--train-images", "20", "--out", &out]].concat());
        let error = text(&output.stderr);
        assert!(!output.status.success() && error.contains(wanted), "{args:?}: {error}");
        assert!(!error.contains("panicked"), "{error}");
    }
}

#[test]
fn the_papers_tables_are_counted_and_trained() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("paper").display().to_string();
    let output = eoinas(&["--out", &out]);
    assert!(output.0, "{}", output.1);
    for wanted in ["MobileNet-V2", "3.50", "ResNet + cutout", "not run", "EoiNAS"] {
        assert!(output.1.contains(wanted), "{wanted}: {}", output.1);
    }
    let files = ["table-1.md", "table-1.csv", "table-2.md", "table-2.csv", "paper.html"];
    let read = || files.map(|name| fs::read_to_string(dir.path().join("paper").join(name)).unwrap());
    let all = read();
    // One that is asked for alone is printed alone, and the others stay.
    let output = eoinas(&["--tables", "2", "--out", &out]);
    assert!(output.0 && !output.1.contains("Table 1") && output.1.contains("Table 2"), "{}", output.1);
    assert_eq!(read(), all);
    // Trainings have the settings of the first one.
    let data = pictures(dir.path(), 50);
    let small = ["--train-images", "64", "--test-images", "4", "--cells", "3", "--seeds", "1"];
    let part = |more: &[&str]| {
        let images: &[&str] = if more.contains(&"--data") { &[] } else { &["--data", &data] };
        let cost: &[&str] = if more.contains(&"--multiply-adds") { &[] } else { &["--multiply-adds", "8M"] };
        eoinas(&[&["--tables", "1", "--quiet", "--out", &out], images, cost, &small[..], more].concat())
    };
    // What cannot begin is not noted.
    let output = part(&["--epochs", "0", "--part", "2"]);
    assert!(!output.0 && !dir.path().join("paper/folder").exists(), "{}", output.1);
    // Nor is anything trained where one of the systems cannot be made so small.
    let output = part(&["--epochs", "1", "--part", "2", "--multiply-adds", "100k"]);
    assert!(!output.0 && output.1.contains("--multiply-adds is 100000; expected at least"), "{}", output.1);
    assert!(!dir.path().join("paper/folder").exists());
    let output = part(&["--epochs", "1", "--part", "2"]);
    assert!(output.0, "{}", output.1);
    let output = part(&["--epochs", "2", "--part", "3"]);
    assert!(
        !output.0 && output.1.contains("--epochs is 1, not 2 (study.json); give it as it is there"),
        "{}",
        output.1
    );
    // Those with other images are beside them.
    let other = dir.path().join("cifar");
    common::cifar(&other, 20);
    let output = part(&["--epochs", "1", "--part", "2", "--data", other.to_str().unwrap()]);
    assert!(output.0, "{}", output.1);
    assert!(dir.path().join("paper/folder").exists() && dir.path().join("paper/cifar10").exists());
}

#[test]
fn a_network_is_as_wide_as_its_cost_allows() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run").display().to_string();
    let args = ["--network", "mobilenet-v2", "--multiply-adds", "8M", "--epochs", "1", "--json", "--out", &out];
    let output = run("train", &[&args[..], &SMALL[2..]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let result: serde_json::Value = serde_json::from_str(text(&output.stdout).lines().last().unwrap()).unwrap();
    let trained = &result["trained"][0];
    let width = trained["model"]["width"].as_f64().unwrap();
    assert!(width < 0.5, "{trained}");
    let cost = trained["multiply_adds"].as_f64().unwrap() / 8e6;
    assert!((0.85..1.15).contains(&cost), "{cost}");
    let saved = fs::read_to_string(dir.path().join("run/network/network.json")).unwrap();
    let saved: serde_json::Value = serde_json::from_str(&saved).unwrap();
    assert_eq!(saved["model"]["width"], trained["model"]["width"]);
}

/// So many grey pictures of each of two classes, and their folder.
fn pictures(dir: &std::path::Path, each: u8) -> String {
    let pictures = dir.join("pictures");
    for (class, shade) in [("dark", 20u8), ("light", 230)] {
        fs::create_dir_all(pictures.join(class)).unwrap();
        for index in 0..each {
            let picture = image::GrayImage::from_fn(8, 8, |x, y| image::Luma([shade + (x * y) as u8 % 20 + index % 5]));
            picture.save(pictures.join(class).join(format!("{index}.png"))).unwrap();
        }
    }
    pictures.display().to_string()
}

/// `eoinas compare paper`: whether it ended well, and what it printed.
fn eoinas(args: &[&str]) -> (bool, String) {
    let output = common::eoinas("compare paper").args(args).output().unwrap();
    (output.status.success(), text(&output.stdout) + &text(&output.stderr))
}
