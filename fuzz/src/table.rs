use eoinas_strategy::NasBench201Table;

/// Any bytes as NAS-Bench-201's table, whole or a part of it.
pub fn table(bytes: &[u8]) {
    let _ = NasBench201Table::read(bytes);
    let _ = NasBench201Table::read_part(bytes);
}
