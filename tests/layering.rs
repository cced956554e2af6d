//! Imports go down only, never sideways within a layer (docs/ARCHITECTURE.md).

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Layer of each crate; a crate may depend on lower layers alone.
const LAYERS: [(&str, usize); 11] = [
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
];

/// The crates that a project may embed without a tensor library.
const WITHOUT_TENSORS: [&str; 6] =
    ["eoinas-core", "eoinas-gumbel", "eoinas-prune", "eoinas-strategy", "eoinas-data", "eoinas-report"];

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().find(|(member, _)| *member == name).map(|(_, layer)| *layer)
}

#[test]
fn imports_go_down_only() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let members: Vec<_> = metadata.workspace_packages().into_iter().collect();
    for package in &members {
        let own = layer(&package.name).unwrap_or_else(|| panic!("{} has no layer: add it to LAYERS", package.name));
        for dependency in package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal) {
            if let Some(below) = layer(&dependency.name) {
                assert!(
                    below < own,
                    "{} (layer {own}) must not import {} (layer {below})",
                    package.name,
                    dependency.name
                );
            }
        }
    }
    assert_eq!(members.len(), LAYERS.len());
}

#[test]
fn embeddable_crates_need_no_tensor_library() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    for package in metadata.workspace_packages() {
        if WITHOUT_TENSORS.contains(&package.name.as_str()) {
            let tensors = package.dependencies.iter().find(|d| d.name.starts_with("candle"));
            assert!(tensors.is_none(), "{} must not depend on candle", package.name);
        }
    }
}
