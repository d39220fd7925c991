//! What a browser loads before the first keystroke, and its budget.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::failure::Failure;
use crate::shell::Shell;
use crate::workspace::Workspace;

/// What the wasm module and its JavaScript should weigh together, bytes after `gzip -9`.
const GOAL_GZIP_BYTES: u64 = 32_000;

/// What they weigh today and a little more: whoever makes them heavier has to say so here,
/// whoever makes them lighter lowers it.
const BUDGET_GZIP_BYTES: u64 = 82_000;

/// Packs each file named on the command line as a web server does, and prints the sizes.
const PACK: &str = "\
const fs = require('node:fs'), zlib = require('node:zlib');
for (const path of process.argv.slice(1)) {
  const raw = fs.readFileSync(path);
  const gzip = zlib.gzipSync(raw, { level: 9 }), brotli = zlib.brotliCompressSync(raw);
  console.log(raw.length, gzip.length, brotli.length);
}";

/// One file in the three ways it can travel, bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    raw: u64,
    gzip: u64,
    brotli: u64,
}

/// Every file of the core entry point.
#[derive(Debug)]
pub(crate) struct Sizes {
    files: Vec<(String, Size)>,
}

impl Sizes {
    /// Measures `npm/dist/index.js`, every file it imports, and the wasm module.
    pub(crate) fn measure(workspace: &Workspace) -> Result<Self, Failure> {
        let dist = workspace.path("npm/dist");
        let mut paths = scripts(dist.join("index.js"))?;
        let module = dist.join("wasm/cowrite_bg.wasm");
        if !module.is_file() {
            return Err(Failure::Layout { path: module, expected: "the build did not make it".to_owned() });
        }
        paths.push(module);

        let arguments = ["-e".as_ref(), PACK.as_ref()].into_iter().chain(paths.iter().map(|path| path.as_os_str()));
        let said = Shell::new(workspace, "node", arguments).output()?;
        let mut files = Vec::new();
        for (path, line) in paths.iter().zip(said.lines()) {
            let numbers: Vec<u64> = line.split(' ').flat_map(str::parse).collect();
            let [raw, gzip, brotli] = numbers[..] else {
                return Err(Failure::Layout {
                    path: path.clone(),
                    expected: format!("its three sizes cannot be read from `{line}`"),
                });
            };
            let name = path.strip_prefix(&dist).unwrap_or(path).display().to_string();
            files.push((name, Size { raw, gzip, brotli }));
        }
        Ok(Self { files })
    }

    /// Prints a table.
    pub(crate) fn print(&self) {
        let width = self.files.iter().map(|(name, _)| name.len()).max();
        let width = width.unwrap_or(0).max("together".len());
        let print = |name: &str, raw: &str, gzip: &str, brotli: &str| {
            println!("{name:width$}  {raw:>9}  {gzip:>9}  {brotli:>9}");
        };
        println!();
        print("bytes", "raw", "gzip -9", "brotli");
        let total = [("together".to_owned(), self.total())];
        for (name, size) in self.files.iter().chain(&total) {
            print(name, &size.raw.to_string(), &size.gzip.to_string(), &size.brotli.to_string());
        }
    }

    /// Whether all files together are within the budget.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let actual = self.total().gzip;
        if actual > GOAL_GZIP_BYTES {
            println!("the goal of {GOAL_GZIP_BYTES} bytes is missed by {}", actual - GOAL_GZIP_BYTES);
        }
        if actual <= BUDGET_GZIP_BYTES {
            return Ok(());
        }
        Err(Failure::Budget {
            name: "the client (wasm and JavaScript together)".to_owned(),
            encoding: "gzip -9",
            actual,
            budget: BUDGET_GZIP_BYTES,
        })
    }

    fn total(&self) -> Size {
        self.files.iter().fold(Size::default(), |sum, (_, size)| Size {
            raw: sum.raw + size.raw,
            gzip: sum.gzip + size.gzip,
            brotli: sum.brotli + size.brotli,
        })
    }
}

/// A script and all that it imports from beside it, each once.
fn scripts(entry: PathBuf) -> Result<Vec<PathBuf>, Failure> {
    let mut found = BTreeSet::new();
    let mut open = vec![entry];
    while let Some(path) = open.pop() {
        if found.contains(&path) {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(Failure::file(&path))?;
        let folder = path.parent().map(PathBuf::from).unwrap_or_default();
        for name in imports(&text) {
            // In one form only, or a file could be counted under two names.
            let target = folder.join(name);
            let target = fs::canonicalize(&target).map_err(Failure::file(target))?;
            open.push(target);
        }
        found.insert(fs::canonicalize(&path).map_err(Failure::file(&path))?);
    }
    Ok(found.into_iter().collect())
}

/// The relative paths that a built module imports, statically or when called.
fn imports(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for keyword in ["from", "import"] {
        for (at, _) in text.match_indices(keyword) {
            let rest = text[at + keyword.len()..].trim_start_matches([' ', '(']);
            let quote = rest.chars().next().filter(|c| "\"'`".contains(*c));
            let name = quote.and_then(|quote| rest[1..].split(quote).next());
            // The glue of wasm-bindgen names its import object by a path, without importing it.
            names.extend(name.filter(|name| name.starts_with('.')));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::{BUDGET_GZIP_BYTES, Size, Sizes, imports};

    #[test]
    fn every_way_of_importing_is_found() {
        let text = r#"import{a}from"./a.js";import './b.js';import("../c.js");x={"./d.js":0}"#;
        assert_eq!(imports(text), ["./a.js", "./b.js", "../c.js"]);
    }

    #[test]
    fn the_budget_is_for_all_files_together() {
        let sizes = |gzip: &[u64]| Sizes {
            files: gzip.iter().map(|&gzip| (String::new(), Size { raw: 0, gzip, brotli: 0 })).collect(),
        };
        assert!(sizes(&[BUDGET_GZIP_BYTES - 1, 1]).check().is_ok());
        assert!(sizes(&[BUDGET_GZIP_BYTES - 1, 2]).check().is_err());
    }
}
