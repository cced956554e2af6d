//! Imports go down only, never sideways within a layer (docs/ARCHITECTURE.md).

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Layer of each crate; a crate may depend on lower layers alone.
const LAYERS: [(&str, usize); 15] = [
    ("eoinas-core", 0),
    ("eoinas-kernels", 1),
    ("eoinas-gumbel", 1),
    ("eoinas-prune", 1),
    ("eoinas-strategy", 1),
    ("eoinas-nn", 2),
    ("eoinas-data", 2),
    ("eoinas-onnx", 3),
    ("eoinas-report", 3),
    ("eoinas-train", 3),
    ("eoinas", 4),
    ("eoinas-mpi", 4),
    ("eoinas-cli", 5),
    ("eoinas-bench", 5),
    ("eoinas-fuzz", 5),
];

/// The crates that a project may embed without a tensor library.
const WITHOUT_TENSORS: [&str; 6] =
    ["eoinas-core", "eoinas-gumbel", "eoinas-prune", "eoinas-strategy", "eoinas-data", "eoinas-report"];

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().find(|(member, _)| *member == name).map(|(_, layer)| *layer)
}

/// The packages of the workspace, as cargo tells of them.
fn members() -> Vec<Value> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version", "1", "--no-deps", "--offline"]);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    serde_json::from_value(metadata["packages"].take()).unwrap()
}

fn name(of: &Value) -> &str {
    of["name"].as_str().unwrap()
}

/// What a package needs to be built, tests and build script apart.
fn dependencies(package: &Value) -> impl Iterator<Item = &str> {
    package["dependencies"].as_array().unwrap().iter().filter(|dependency| dependency["kind"].is_null()).map(name)
}

/// The default features of a package, with all that they bring.
fn default_features(package: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut left = vec!["default".to_owned()];
    while let Some(feature) = left.pop() {
        for brought in package["features"][&feature].as_array().into_iter().flatten() {
            left.push(brought.as_str().unwrap().to_owned());
        }
        found.insert(feature);
    }
    found
}

#[test]
fn imports_go_down_only() {
    let members = members();
    for package in &members {
        let package_name = name(package);
        let own = layer(package_name).unwrap_or_else(|| panic!("{package_name} has no layer: add it to LAYERS"));
        for dependency in dependencies(package) {
            if let Some(below) = layer(dependency) {
                assert!(below < own, "{package_name} (layer {own}) must not import {dependency} (layer {below})");
            }
        }
    }
    assert_eq!(members.len(), LAYERS.len());
}

#[test]
fn embeddable_crates_need_no_tensor_library() {
    for package in members().iter().filter(|package| WITHOUT_TENSORS.contains(&name(package))) {
        // What is optional is there by a feature that somebody asks for, and by none that is a default.
        let needed = package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|dependency| dependency["kind"].is_null() && !dependency["optional"].as_bool().unwrap());
        let tensors = needed.map(name).find(|dependency| dependency.starts_with("candle"));
        assert!(tensors.is_none(), "{} must not depend on candle", name(package));
        let tensors = default_features(package).into_iter().find(|feature| feature.contains("candle"));
        assert!(tensors.is_none(), "a default feature of {} must not bring candle", name(package));
    }
}

/// The first command builds for minutes; what it can do without must not come back.
#[test]
fn the_first_command_builds_no_part_that_it_can_do_without() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "-p", "eoinas", "--offline", "--prefix", "none", "--edges", "normal,build,dev"]);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    for heavy in ["eoinas-report", "resvg", "plotters", "image", "ureq", "rustls", "clap_complete", "criterion"] {
        let found = tree.lines().find(|line| line.split(' ').next() == Some(heavy));
        assert!(found.is_none(), "the first command would build {heavy}");
    }
}

/// The files of eoinas-kernels by module (`cpu::conv::dense`; the root is empty), each with the modules that it imports.
fn kernels() -> BTreeMap<String, BTreeSet<String>> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/eoinas-kernels/src");
    let mut files = BTreeMap::new();
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&source).unwrap().with_extension("");
                let mut module: Vec<_> = name.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
                module.pop_if(|last| last == "mod" || last == "lib");
                files.insert(module.join("::"), std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let imports = |module: &str, text: &str| {
        let found = paths(module, text).into_iter().map(|path| {
            // The file that the path's first parts name; what follows is inside of it.
            let parts: Vec<&str> = path.split("::").collect();
            let file = (1..=parts.len()).rev().map(|len| parts[..len].join("::")).find(|file| files.contains_key(file));
            file.unwrap_or_default()
        });
        // Of its own files, those that it uses by their bare names.
        let own = files.keys().filter(|file| {
            let (parent, name) = file.rsplit_once("::").unwrap_or(("", file));
            parent == module && text.contains(&format!("use {name}::"))
        });
        found.chain(own.cloned()).filter(|file| file != module).collect()
    };
    files.iter().map(|(module, text)| (module.clone(), imports(module, text))).collect()
}

/// All paths that begin at `crate` or `super` in a module's text, from the root. Comments and tests are left out, braces of
/// `use` are taken apart.
fn paths(module: &str, text: &str) -> Vec<String> {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let code: String = text.lines().map(|line| line.split("//").next().unwrap().trim().to_owned() + " ").collect();
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::").chain(code.match_indices("super::")) {
        let mut prefixes = vec![String::new()];
        let mut path = String::new();
        for c in code[at..].chars() {
            match c {
                '{' => prefixes.push(std::mem::take(&mut path)),
                ',' | '}' if prefixes.len() > 1 => {
                    found.push(prefixes.concat() + &std::mem::take(&mut path));
                    if c == '}' {
                        prefixes.pop();
                    }
                }
                ' ' if prefixes.len() > 1 => {}
                c if c.is_alphanumeric() || "_:*".contains(c) => path.push(c),
                _ => break,
            }
            if c == '}' && prefixes.len() == 1 {
                break;
            }
        }
        found.push(path);
    }
    let parent = module.rsplit_once("::").map_or("", |(parent, _)| parent);
    let from_root = |path: String| match path.strip_prefix("super::") {
        Some(below) if parent.is_empty() => below.to_owned(),
        Some(below) => format!("{parent}::{below}"),
        None => path.trim_start_matches("crate::").to_owned(),
    };
    found.into_iter().filter(|path| !path.is_empty()).map(from_root).collect()
}

#[test]
fn devices_know_nothing_of_ops_nor_of_each_other() {
    /// What both devices need: all that they may import beside their own files.
    const SHARED: [&str; 11] = [
        "aligned",
        "check",
        "collective",
        "error",
        "gate",
        "geometry",
        "results",
        "share",
        "tensors",
        "view",
        "workspace",
    ];
    let kernels = kernels();
    // What the rules are about is seen.
    assert!(
        ["cpu", "gpu", "device", "check"].iter().all(|module| kernels["conv"].contains(*module)),
        "{:?}",
        kernels["conv"]
    );
    for (module, imports) in &kernels {
        let device = module.split("::").next().unwrap();
        for import in imports {
            let top = import.split("::").next().unwrap();
            let allowed = match device {
                "cpu" | "gpu" => top == device || SHARED.contains(&top),
                "reference" => top == device,
                shared if SHARED.contains(&shared) => SHARED.contains(&top),
                _ => true,
            };
            assert!(allowed, "{module} must not import {import}");
        }
    }
}

#[test]
fn no_files_of_the_kernels_import_each_other_in_a_circle() {
    let mut left = kernels();
    loop {
        // What imports nothing that is left is in no circle.
        let free: Vec<String> = left
            .iter()
            .filter(|(_, imports)| !imports.iter().any(|i| left.contains_key(i)))
            .map(|(m, _)| m.clone())
            .collect();
        if free.is_empty() {
            break;
        }
        free.iter().for_each(|module| drop(left.remove(module)));
    }
    assert!(left.is_empty(), "these import each other: {left:#?}");
}
