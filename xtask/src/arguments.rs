//! What the user asked for.

use std::path::PathBuf;

use crate::failure::Failure;

/// The help text.
pub(crate) const USAGE: &str = "\
cargo xtask COMMAND

  setup [--tests]                install what builds need; --tests also what tests
                                 need: Chromium, its driver, redis-server and
                                 faketime (Debian packages)
  wasm                           build the npm package into npm/, print its sizes
  demo [--port N] [--data DIR]   build everything and serve the demo (default: port
                                 8080, folder data/demo)
  test [--only STEP]             everything that CI runs; `test --only list` names
                                 the steps
  vectors [--list-kinds] FILE…   hold files of conformance vectors against the algebra,
                                 the sequencer and the engine
  faults [--minutes N] [--seed S] [--only KIND]
                                 real servers, Redis and clients, struck by faults for
                                 so long (default: 5 minutes); then everything is checked
  upgrade-golden                 write what this release leaves behind into
                                 tests/golden/upgrade, once, for all later ones to open
  model                          every way through the session and resume protocol, within
                                 wider bounds than in each test run; see docs/model-check.md
  fuzz [TARGET ...] [--minutes N] [--minimize]
                                 libFuzzer on all targets, or on these, 5 minutes each
                                 unless said otherwise; see docs/fuzzing.md
  docs                           the reference of the npm package and of the crates,
                                 as pages below the target folder
  bench [PART ...] [--list] [--quick] [--summary] [--write-docs]
                                 Cowrite beside its peers, in one run: servers, engines
                                 and libraries, all parts unless some are named; at the
                                 end all figures in one table; see bench/README.md
  bench-browser [keystrokes|carets] [OPTION=VALUE ...]
                                 what a keystroke and others' carets cost in Chromium,
                                 beside Yjs; both unless one is named. Options as in
                                 docs/performance-browser.md, such as --editors=quill
  soak [--minutes N]             the simulation on new seeds and all cores, until one
                                 fails or the time is over (default: 10)
  mutations [--runs N] [NAME…]   plant known bugs in a copy, one at a time: the
                                 simulation must find each one (default: within
                                 2,000 runs)
  changelog                      the next section of CHANGELOG.md, from the commits";

/// One command with its options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Arguments {
    /// Install tools, and what tests need if asked to.
    Setup {
        /// Also Chromium, its driver, and Redis.
        tests: bool,
    },
    /// Build the npm package.
    Wasm,
    /// Serve the demo.
    Demo {
        /// TCP port on the loopback address.
        port: u16,
        /// Where documents are kept; `None` is `data/demo`.
        data: Option<PathBuf>,
    },
    /// Run the tests.
    Test {
        /// Only this step, without set-up.
        only: Option<String>,
    },
    /// Run files of conformance vectors.
    Vectors {
        /// What is handed on: paths, and options of the runner.
        words: Vec<String>,
    },
    /// Strike real processes with faults.
    Faults {
        /// What is handed on: options of the runner.
        words: Vec<String>,
    },
    /// Write what this release leaves behind.
    UpgradeGolden,
    /// Explore the protocol's model widely.
    Model,
    /// Run the fuzzer.
    Fuzz {
        /// What is handed on: targets, and options.
        words: Vec<String>,
    },
    /// Build the reference.
    Docs,
    /// Measure beside the peers.
    Bench {
        /// What is handed on: parts, and options.
        words: Vec<String>,
    },
    /// Measure in the browser.
    BenchBrowser {
        /// Which program of `bench/browser`; `None` is each of them.
        program: Option<String>,
        /// Options of the program.
        options: Vec<String>,
    },
    /// Run the simulation on new seeds.
    Soak {
        /// For how long.
        minutes: u64,
    },
    /// Plant bugs that the simulation must find.
    Mutations {
        /// Only these; none means all.
        names: Vec<String>,
        /// Runs of all kinds together.
        runs: u64,
    },
    /// Print the changes since the last release.
    Changelog,
    /// Print the help text.
    Help,
}

impl Arguments {
    /// Reads the words after `cargo xtask`.
    pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, Failure> {
        let mut words = words.into_iter();
        let command = words.next().unwrap_or_default();
        let mut parsed = match command.as_str() {
            "setup" => Self::Setup { tests: false },
            "wasm" => Self::Wasm,
            "demo" => Self::Demo { port: 8080, data: None },
            "test" => Self::Test { only: None },
            "vectors" => return Ok(Self::Vectors { words: words.collect() }),
            "faults" => return Ok(Self::Faults { words: words.collect() }),
            "upgrade-golden" => Self::UpgradeGolden,
            "model" => Self::Model,
            "fuzz" => return Ok(Self::Fuzz { words: words.collect() }),
            "docs" => Self::Docs,
            "bench" => return Ok(Self::Bench { words: words.collect() }),
            "bench-browser" => Self::BenchBrowser { program: None, options: Vec::new() },
            "soak" => Self::Soak { minutes: 10 },
            "mutations" => Self::Mutations { names: Vec::new(), runs: 2_000 },
            "changelog" => Self::Changelog,
            "" | "help" | "-h" | "--help" => return Ok(Self::Help),
            other => return Err(Failure::Usage(format!("there is no command `{other}`"))),
        };
        while let Some(word) = words.next() {
            // Both `--port 1` and `--port=1` are usual.
            let (name, attached) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (word.as_str(), None),
            };
            let mut value = || {
                attached
                    .clone()
                    .or_else(|| words.next())
                    .ok_or_else(|| Failure::Usage(format!("`{name}` needs a value")))
            };
            match (&mut parsed, name) {
                (_, "-h" | "--help") => return Ok(Self::Help),
                (Self::Setup { tests }, "--tests") if attached.is_none() => *tests = true,
                (Self::Demo { port, .. }, "--port") => {
                    let text = value()?;
                    *port = text.parse().map_err(|_| Failure::Usage(format!("`{text}` is no port (0 to 65535)")))?;
                }
                (Self::Demo { data, .. }, "--data") => *data = Some(PathBuf::from(value()?)),
                (Self::BenchBrowser { program, .. }, "keystrokes" | "carets") if program.is_none() => {
                    *program = Some(word)
                }
                (Self::BenchBrowser { options, .. }, _) if name.starts_with("--") && attached.is_some() => {
                    options.push(word);
                }
                (Self::Soak { minutes }, "--minutes") => {
                    let text = value()?;
                    *minutes = text.parse().map_err(|_| Failure::Usage(format!("`{text}` is no number of minutes")))?;
                }
                (Self::Mutations { runs, .. }, "--runs") => {
                    let text = value()?;
                    *runs = text.parse().map_err(|_| Failure::Usage(format!("`{text}` is no number of runs")))?;
                }
                (Self::Mutations { names, .. }, name) if !name.starts_with('-') => names.push(name.to_owned()),
                (Self::Test { only }, "--only") => *only = Some(value()?),
                _ => {
                    return Err(Failure::Usage(format!("`{command}` does not know `{word}`")));
                }
            }
        }
        Ok(parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::Arguments;

    fn parse(line: &str) -> Option<Arguments> {
        Arguments::parse(line.split_whitespace().map(str::to_owned)).ok()
    }

    #[test]
    fn options_belong_to_their_command() {
        assert_eq!(parse("setup --tests"), Some(Arguments::Setup { tests: true }));
        assert_eq!(parse("demo --port=9 --data d"), Some(Arguments::Demo { port: 9, data: Some("d".into()) }));
        assert_eq!(parse("test --only fmt"), Some(Arguments::Test { only: Some("fmt".to_owned()) }));
        let words = vec!["--list-kinds".to_owned(), "a.json".to_owned()];
        assert_eq!(parse("vectors --list-kinds a.json"), Some(Arguments::Vectors { words }));
        let words = vec!["traces".to_owned(), "--quick".to_owned()];
        assert_eq!(parse("bench traces --quick"), Some(Arguments::Bench { words }));
        let words = vec!["--seed".to_owned(), "7".to_owned()];
        assert_eq!(parse("faults --seed 7"), Some(Arguments::Faults { words }));
        let words = vec!["room".to_owned(), "--minutes=9".to_owned()];
        assert_eq!(parse("fuzz room --minutes=9"), Some(Arguments::Fuzz { words }));
        let options = vec!["--editors=quill".to_owned()];
        assert_eq!(
            parse("bench-browser carets --editors=quill"),
            Some(Arguments::BenchBrowser { program: Some("carets".to_owned()), options })
        );
        assert_eq!(parse("soak --minutes 3"), Some(Arguments::Soak { minutes: 3 }));
        let names = vec!["tie-rule".to_owned()];
        assert_eq!(parse("mutations --runs 9 tie-rule"), Some(Arguments::Mutations { names, runs: 9 }));
        for wrong in [
            "bench-browser --editors",
            "bench-browser frames",
            "tset",
            "setup --port 1",
            "demo --port",
            "demo --port 70000",
            "test fmt",
            "setup --tests=no",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
