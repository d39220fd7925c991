//! Runs files of conformance vectors: `cargo xtask vectors FILE…`.

use std::path::Path;
use std::process::ExitCode;

use cowrite_tests::vectors::{KINDS, Report, VectorFile};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list-kinds") {
        for kind in KINDS {
            println!("{:20} {}", kind.name, kind.what);
        }
        return ExitCode::SUCCESS;
    }
    if arguments.is_empty() {
        eprintln!("usage: vectors [--list-kinds] FILE…");
        return ExitCode::FAILURE;
    }
    let mut report = Report::default();
    for path in &arguments {
        match VectorFile::read(Path::new(path)) {
            Ok(file) => file.cases().for_each(|case| report.run(case)),
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        }
    }
    print!("{report}");
    if report.failed() > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
