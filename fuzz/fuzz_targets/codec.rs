#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cowrite_tests::fuzz::codec(data));
