use eoinas_strategy::{ArchitectureLatencies, NasBench201Table};

/// Any bytes as NAS-Bench-201's table, whole or a part of it, and as one of latencies.
pub fn table(bytes: &[u8]) {
    let _ = NasBench201Table::read(bytes);
    let _ = NasBench201Table::read_part(bytes);
    let _ = ArchitectureLatencies::read(bytes, None);
    let _ = ArchitectureLatencies::read(bytes, Some("c10_test_e200"));
}
