//! What a browser loads before the first keystroke, and its budget.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::shell::Shell;
use crate::workspace::Workspace;

/// What the wasm module and its JavaScript should weigh together, bytes after `gzip -9`.
const GOAL_GZIP_BYTES: u64 = 32_000;

/// What they weigh today and a little more: whoever makes them heavier has to say so here,
/// whoever makes them lighter lowers it.
const BUDGET_GZIP_BYTES: u64 = 85_000;

/// What the scripts may weigh that are loaded only where documents are kept on the device.
const STORAGE_BUDGET_GZIP_BYTES: u64 = 6_000;

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

/// Every file of the core entry point, and apart from them those that it loads when asked to.
#[derive(Debug)]
pub(crate) struct Sizes {
    files: Vec<(String, Size)>,
    on_demand: Vec<(String, Size)>,
}

impl Sizes {
    /// Measures `npm/dist/index.js`, every file it imports, and the wasm module; and the storage
    /// that is imported only where an application asks for it.
    pub(crate) fn measure(workspace: &Workspace) -> Result<Self, Failure> {
        let dist = workspace.path("npm/dist");
        let Scripts { first: mut core, on_demand } = Scripts::of(dist.join("index.js"))?;
        let module = dist.join("wasm/cowrite_bg.wasm");
        if !module.is_file() {
            return Err(Failure::Layout { path: module, expected: "the build did not make it".to_owned() });
        }
        core.push(module);
        Ok(Self { files: weigh(workspace, &dist, &core)?, on_demand: weigh(workspace, &dist, &on_demand)? })
    }

    /// Prints a table.
    pub(crate) fn print(&self) {
        let width = self.files.iter().chain(&self.on_demand).map(|(name, _)| name.len()).max();
        let width = width.unwrap_or(0).max("together".len());
        let print = |name: &str, raw: &str, gzip: &str, brotli: &str| {
            println!("{name:width$}  {raw:>9}  {gzip:>9}  {brotli:>9}");
        };
        println!();
        print("bytes", "raw", "gzip -9", "brotli");
        let total = [("together".to_owned(), self.total())];
        let stored = [("storage".to_owned(), total_of(&self.on_demand))];
        for (name, size) in self.files.iter().chain(&total).chain(&self.on_demand).chain(&stored) {
            print(name, &size.raw.to_string(), &size.gzip.to_string(), &size.brotli.to_string());
        }
    }

    /// Whether all files together are within the budget, and what is loaded on demand within its own.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let stored = total_of(&self.on_demand).gzip;
        if stored > STORAGE_BUDGET_GZIP_BYTES {
            return Err(Failure::Budget {
                name: "the storage of documents".to_owned(),
                encoding: "gzip -9",
                actual: stored,
                budget: STORAGE_BUDGET_GZIP_BYTES,
            });
        }
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
        total_of(&self.files)
    }
}

fn total_of(files: &[(String, Size)]) -> Size {
    files.iter().fold(Size::default(), |sum, (_, size)| Size {
        raw: sum.raw + size.raw,
        gzip: sum.gzip + size.gzip,
        brotli: sum.brotli + size.brotli,
    })
}

fn weigh(workspace: &Workspace, dist: &Path, paths: &[PathBuf]) -> Result<Vec<(String, Size)>, Failure> {
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
        let name = path.strip_prefix(dist).unwrap_or(path).display().to_string();
        files.push((name, Size { raw, gzip, brotli }));
    }
    Ok(files)
}

/// The built scripts that an entry point leads to.
struct Scripts {
    /// Those that a page loads before it can begin.
    first: Vec<PathBuf>,
    /// Those that it loads when a storage is asked for, and only then.
    on_demand: Vec<PathBuf>,
}

/// The file, without its hash, that is imported only where an application asks for storage.
const ON_DEMAND: &str = "storage";

impl Scripts {
    /// A script and all that it imports from beside it, each once.
    fn of(entry: PathBuf) -> Result<Scripts, Failure> {
        let first = reached(vec![entry.clone()], false)?;
        let all = reached(vec![entry], true)?;
        Ok(Scripts { on_demand: all.difference(&first).cloned().collect(), first: first.into_iter().collect() })
    }
}

/// All scripts that these lead to; through the storage only if it is asked for.
fn reached(mut open: Vec<PathBuf>, on_demand: bool) -> Result<BTreeSet<PathBuf>, Failure> {
    let mut found = BTreeSet::new();
    while let Some(path) = open.pop() {
        if found.contains(&path) {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(Failure::file(&path))?;
        let folder = path.parent().map(PathBuf::from).unwrap_or_default();
        for import in imports(&text) {
            // The wasm module's glue is imported when called, too, and always is.
            if import.when_called && is_storage(import.name) && !on_demand {
                continue;
            }
            // In one form only, or a file could be counted under two names.
            let target = folder.join(import.name);
            let target = fs::canonicalize(&target).map_err(Failure::file(target))?;
            open.push(target);
        }
        found.insert(fs::canonicalize(&path).map_err(Failure::file(&path))?);
    }
    Ok(found)
}

fn is_storage(name: &str) -> bool {
    let file = name.trim_start_matches("./");
    file.strip_prefix(ON_DEMAND).is_some_and(|rest| rest.starts_with(['-', '.']))
}

/// A relative path that a built module imports.
#[derive(Debug, PartialEq)]
struct Import<'a> {
    name: &'a str,
    /// It is imported by a call, not before the module runs.
    when_called: bool,
}

/// The relative paths that a built module imports, statically or when called.
fn imports(text: &str) -> Vec<Import<'_>> {
    let mut names = Vec::new();
    for keyword in ["from", "import"] {
        for (at, _) in text.match_indices(keyword) {
            let rest = text[at + keyword.len()..].trim_start_matches(' ');
            let when_called = rest.starts_with('(');
            let rest = rest.trim_start_matches([' ', '(']);
            let quote = rest.chars().next().filter(|c| "\"'`".contains(*c));
            let name = quote.and_then(|quote| rest[1..].split(quote).next());
            // The glue of wasm-bindgen names its import object by a path, without importing it.
            let name = name.filter(|name| name.starts_with('.'));
            names.extend(name.map(|name| Import { name, when_called }));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::{BUDGET_GZIP_BYTES, STORAGE_BUDGET_GZIP_BYTES, Size, Sizes, imports, is_storage};

    #[test]
    fn every_way_of_importing_is_found() {
        let text = r#"import{a}from"./a.js";import './b.js';import("../c.js");x={"./d.js":0}"#;
        let found: Vec<_> = imports(text).iter().map(|import| (import.name, import.when_called)).collect();
        assert_eq!(found, [("./a.js", false), ("./b.js", false), ("../c.js", true)]);
    }

    #[test]
    fn only_the_storage_is_loaded_on_demand() {
        assert!(is_storage("./storage-UOXAAU7P.js") && is_storage("./storage.js"));
        assert!(!is_storage("./wasm/cowrite.js") && !is_storage("./storages.js"));
    }

    #[test]
    fn the_budget_is_for_all_files_together() {
        let files = |gzip: &[u64]| -> Vec<_> {
            gzip.iter().map(|&gzip| (String::new(), Size { raw: 0, gzip, brotli: 0 })).collect()
        };
        let check = |core: &[u64], stored: u64| Sizes { files: files(core), on_demand: files(&[stored]) }.check();
        assert!(check(&[BUDGET_GZIP_BYTES - 1, 1], STORAGE_BUDGET_GZIP_BYTES).is_ok());
        assert!(check(&[BUDGET_GZIP_BYTES - 1, 2], 0).is_err());
        assert!(check(&[1], STORAGE_BUDGET_GZIP_BYTES + 1).is_err());
    }
}
