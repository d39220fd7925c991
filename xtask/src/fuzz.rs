//! `cargo xtask fuzz`: libFuzzer on the targets of `fuzz/`, for as long as there is time.

use std::fs;
use std::path::Path;

use crate::failure::Failure;
use crate::shell::Shell;
use crate::tool::Tool;
use crate::workspace::Workspace;

/// The targets, as in `fuzz/Cargo.toml`.
const TARGETS: [&str; 5] = ["codec", "operations", "engine", "room", "disk_log"];

/// What is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wish {
    targets: Vec<String>,
    minutes: u64,
    minimize: bool,
}

/// Installs cargo-fuzz if it is missing, and runs each target for some minutes, beginning with the committed
/// corpus and with what earlier runs found. With `--minimize` puts the smallest inputs that reach as much into
/// the committed corpus instead.
pub(crate) fn fuzz(workspace: &Workspace, words: &[String]) -> Result<(), Failure> {
    let wish = Wish::parse(words)?;
    Tool::cargo_fuzz().install(workspace)?;
    for target in &wish.targets {
        let committed = workspace.path("tests/corpus/fuzz").join(target);
        let found = workspace.target().join("fuzz-corpus").join(target);
        make(&found)?;
        if wish.minimize {
            minimize(workspace, target, &committed, &found)?;
        } else {
            let seconds = format!("-max_total_time={}", 60 * wish.minutes);
            let limits =
                [seconds.as_str(), "-timeout=20", "-rss_limit_mb=2048", "-max_len=1024", "-print_final_stats=1"];
            run(workspace, target, &[&found, &committed], &limits)?;
        }
    }
    Ok(())
}

/// Of all inputs those that reach some code first, small ones before others.
fn minimize(workspace: &Workspace, target: &str, committed: &Path, found: &Path) -> Result<(), Failure> {
    let small = workspace.target().join("fuzz-corpus").join(format!("{target}-small"));
    if small.exists() {
        fs::remove_dir_all(&small).map_err(Failure::file(&small))?;
    }
    make(&small)?;
    run(workspace, target, &[&small, committed, found], &["-merge=1", "-use_counters=0", "-max_len=256"])?;
    for entry in fs::read_dir(committed).map_err(Failure::file(committed))? {
        let path = entry.map_err(Failure::file(committed))?.path();
        // What failed once stays.
        if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("failed-")) {
            fs::remove_file(&path).map_err(Failure::file(&path))?;
        }
    }
    for entry in fs::read_dir(&small).map_err(Failure::file(&small))? {
        let path = entry.map_err(Failure::file(&small))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        fs::copy(&path, committed.join(name.get(..12).unwrap_or(&name))).map_err(Failure::file(&path))?;
    }
    Ok(())
}

/// Runs one target. Without sanitizers it needs nothing but the stable toolchain. What is checked in the build
/// stands in the profile of `fuzz/Cargo.toml`.
fn run(workspace: &Workspace, target: &str, folders: &[&Path], options: &[&str]) -> Result<(), Failure> {
    let fixed = ["fuzz", "run", "--sanitizer=none", "--release", "--fuzz-dir=fuzz", target];
    let mut words: Vec<String> = fixed.map(str::to_owned).to_vec();
    words.extend(folders.iter().map(|folder| folder.display().to_string()));
    words.push("--".to_owned());
    words.extend(options.iter().map(|&option| option.to_owned()));
    let build = workspace.target().join("fuzz");
    Shell::new(workspace, "cargo", words).with("CARGO_TARGET_DIR", &build.display().to_string()).run()
}

fn make(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(Failure::file(folder))
}

impl Wish {
    fn parse(words: &[String]) -> Result<Wish, Failure> {
        let mut wish = Wish { minutes: 5, ..Wish::default() };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let number = |text: Option<&str>| {
                let minutes = text.and_then(|text| text.parse().ok()).filter(|minutes| *minutes > 0);
                minutes.ok_or_else(|| Failure::Usage("`--minutes` needs a number".to_owned()))
            };
            match word.as_str() {
                "--minutes" => wish.minutes = number(words.next().map(String::as_str))?,
                "--minimize" => wish.minimize = true,
                word if word.starts_with("--minutes=") => wish.minutes = number(word.split_once('=').map(|(_, n)| n))?,
                target if TARGETS.contains(&target) => wish.targets.push(target.to_owned()),
                other => {
                    return Err(Failure::Usage(format!("`fuzz` does not know `{other}`; its targets: {TARGETS:?}")));
                }
            }
        }
        if wish.targets.is_empty() {
            wish.targets = TARGETS.map(str::to_owned).to_vec();
        }
        Ok(wish)
    }
}

#[cfg(test)]
mod tests {
    use super::{TARGETS, Wish};

    fn parse(line: &str) -> Option<Wish> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Wish::parse(&words).ok()
    }

    #[test]
    fn without_a_target_all_are_meant() {
        let all = parse("--minutes=2").unwrap_or_default();
        assert_eq!((all.targets.len(), all.minutes, all.minimize), (TARGETS.len(), 2, false));
        let one = Wish { targets: vec!["room".to_owned()], minutes: 5, minimize: true };
        assert_eq!(parse("room --minimize"), Some(one));
        for wrong in ["rooms", "--minutes", "--minutes 0", "--minutes=x"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn each_target_is_a_program_with_a_corpus() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for target in TARGETS {
            assert!(root.join(format!("fuzz/fuzz_targets/{target}.rs")).is_file(), "{target}");
            assert!(root.join("tests/corpus/fuzz").join(target).is_dir(), "{target}");
        }
    }
}
