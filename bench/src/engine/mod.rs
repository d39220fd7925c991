//! The engine and the algebra without a network, beside libraries that do the same.

mod age;
mod algebra;
mod branches;
mod cowrite;
mod library;
#[cfg(feature = "peers")]
mod peers;
mod size;
mod stored;
mod sync;
mod trace;
mod typist;

use serde::Deserialize;

use library::{Library, Pair};

/// What is asked for, in the words of `bench/peers`.
#[derive(Deserialize)]
struct Request {
    library: String,
    kind: Kind,
    /// A trace, as a path.
    file: Option<String>,
    /// Edits of each branch, or past ones.
    edits: Option<usize>,
    /// UTF-16 code units of a text.
    units: Option<usize>,
    /// Components of each operation.
    components: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Trace,
    Merge,
    Age,
    Algebra,
    Size,
    Stored,
    Sync,
}

/// Measures one library in one way; prints what it measured as JSON. Ends the program if the text at
/// the end is not the right one.
pub(crate) fn measure(request: &str) {
    let request: Request = serde_json::from_str(request).expect("a request");
    let measured = match request.kind {
        Kind::Trace => trace::measure(|| library(&request.library), &request.file.expect("a trace")),
        Kind::Merge => branches::measure(pair(&request.library), request.edits.expect("edits")),
        Kind::Age => aged(&request.library, request.edits.expect("edits")),
        Kind::Stored => stored::measure(&request.file.expect("a trace")),
        Kind::Sync => sync::measure(),
        Kind::Size => size::measure(request.units.expect("units")),
        Kind::Algebra => algebra::measure(&request.library, request.components.expect("components")),
    };
    println!("{measured}");
}

fn library(name: &str) -> Box<dyn Library> {
    match name {
        "text" => Box::<cowrite::TextAlone>::default(),
        "document" => Box::<cowrite::Applied>::default(),
        "engine" => Box::new(cowrite::Offline::new()),
        "sequencer" => Box::new(cowrite::Sequenced::new()),
        #[cfg(feature = "peers")]
        "jumprope" => Box::<peers::Rope>::default(),
        #[cfg(feature = "peers")]
        "diamond-types" => Box::new(peers::Diamond::new("ann")),
        #[cfg(feature = "peers")]
        "yrs" => Box::new(peers::Yrs::new(1)),
        _ => panic!("there is no library {name}; peers are there with the feature of that name"),
    }
}

fn aged(name: &str, edits: usize) -> serde_json::Value {
    match name {
        "engine" => age::ours(edits),
        #[cfg(feature = "peers")]
        "diamond-types" => age::stored(peers::Diamond::new("ann"), edits),
        #[cfg(feature = "peers")]
        "yrs" => age::stored(peers::Yrs::new(1), edits),
        _ => panic!("there is no aged document of {name}; peers are there with the feature of that name"),
    }
}

fn pair(name: &str) -> Box<dyn Pair> {
    match name {
        "engine" => Box::new(cowrite::Branches::new()),
        #[cfg(feature = "peers")]
        "diamond-types" => Box::new(peers::DiamondPair::new()),
        #[cfg(feature = "peers")]
        "yrs" => Box::new(peers::YrsPair::new()),
        _ => panic!("there are no branches of {name}; peers are there with the feature of that name"),
    }
}
