//! Any bytes as NAS-Bench-201's table, whole or a part of it.
#![no_main]

use eoinas_strategy::NasBench201Table;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = NasBench201Table::read(bytes);
    let _ = NasBench201Table::read_part(bytes);
});
