//! Writes what this release leaves behind, for all later ones: `cargo xtask upgrade-golden`.

use std::path::Path;
use std::process::ExitCode;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let releases = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/upgrade");
    let folder = releases.join(env!("CARGO_PKG_VERSION"));
    if folder.exists() {
        eprintln!("{} is there already, and what a release has written never changes", folder.display());
        return ExitCode::FAILURE;
    }
    cowrite_tests::upgrade::write(&folder).await;
    println!("{} is written: commit it", folder.display());
    ExitCode::SUCCESS
}
