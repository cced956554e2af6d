#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| eoinas_fuzz::table(bytes));
