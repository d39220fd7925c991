//! Every kind of case, and what checks it.

use super::{Case, Finding, algebra, attributes, committed, pending, text_unicode};

/// A kind of case.
pub struct Kind {
    /// Its name in the files.
    pub name: &'static str,
    /// What a case of it says, by the names of its fields.
    pub what: &'static str,
    run: fn(Case<'_>) -> Result<(), Finding>,
}

/// The kinds that are run, in the order in which they are told.
pub const KINDS: &[Kind] = &[
    Kind { name: "apply", what: "doc, a → expect: the document after a", run: algebra::apply },
    Kind { name: "applyText", what: "doc, a → expect: the same of plain text, as strings", run: algebra::apply_text },
    Kind { name: "compose", what: "a, b → expect: both as one", run: algebra::compose },
    Kind {
        name: "transform",
        what: "a, b, priority → expect: b over a; priority: a goes first",
        run: algebra::transform,
    },
    Kind {
        name: "transformPosition",
        what: "a, index, priority → expect; priority: it stays before what is inserted at it",
        run: algebra::position,
    },
    Kind { name: "transformRange", what: "a, range, isOwnOp → expect", run: algebra::range },
    Kind { name: "invert", what: "base, a: a and its inverse give base", run: algebra::invert },
    Kind { name: "diff", what: "a, b: the difference makes b of a", run: algebra::diff },
    Kind { name: "build", what: "calls → expect: in normal form", run: algebra::build },
    Kind { name: "canonical", what: "a or calls → expect: in normal form", run: algebra::canonical },
    Kind { name: "tp1", what: "doc, a, b → expect: the document, either way round", run: algebra::converge },
    Kind {
        name: "serverLog",
        what: "doc, submissions [{client, base, op}] → expect_log, expect_doc; by the sequencer",
        run: committed::server_log,
    },
    Kind {
        name: "concurrent",
        what: "doc, ops → expect_log, expect_doc; by the sequencer and each author's engine",
        run: committed::concurrent,
    },
    Kind {
        name: "pending",
        what: "doc, edits, server → expect_doc, expect_pending, expect_change; by the engine",
        run: pending::pending,
    },
    Kind { name: "concat", what: "a, b → expect: one list", run: algebra::concat },
    Kind { name: "chop", what: "a → expect: without a trailing plain retain", run: algebra::canonical },
    Kind { name: "slice", what: "a, start, end → expect", run: algebra::slice },
    Kind { name: "length", what: "a → expect, UTF-16 code units", run: algebra::operation_length },
    Kind { name: "changeLength", what: "a → expect, UTF-16 code units", run: algebra::length_change },
    Kind { name: "opLength", what: "a, one component → expect, UTF-16 code units", run: algebra::component_length },
    Kind { name: "attributesCompose", what: "a, b, keepNull → expect", run: attributes::compose },
    Kind { name: "attributesDiff", what: "a, b → expect", run: attributes::diff },
    Kind { name: "attributesInvert", what: "a, base → expect", run: attributes::invert },
    Kind { name: "attributesTransform", what: "a, b, priority → expect", run: attributes::transform },
];

/// The kinds of ottypes/text-unicode, whose cases name that type and count code points.
const TEXT_UNICODE: &[Kind] = &[
    Kind { name: "transform", what: "", run: text_unicode::transform },
    Kind { name: "compose", what: "", run: text_unicode::compose },
    Kind { name: "normalize", what: "", run: text_unicode::normalize },
    Kind { name: "create", what: "", run: text_unicode::create },
    Kind { name: "transformPosition", what: "", run: text_unicode::positions },
    Kind { name: "transformSelection", what: "", run: text_unicode::positions },
];

/// Runs one case.
///
/// # Errors
/// What stands between it and its being passed.
pub fn check(case: Case<'_>) -> Result<(), Finding> {
    let kinds = match case.value("type").and_then(|name| name.as_str()) {
        None | Some("rich-text" | "text") => KINDS,
        Some("text-unicode") => TEXT_UNICODE,
        Some(other) => return Err(Finding::Unsupported(format!("documents of type {other}"))),
    };
    let Some(kind) = kinds.iter().find(|kind| kind.name == case.kind()) else {
        return Err(Finding::Unsupported(format!("there is no kind `{}`", case.kind())));
    };
    // A rule that panics is a failed case, and the cases behind it are run.
    std::panic::catch_unwind(|| (kind.run)(case)).unwrap_or_else(|_| Err(Finding::failed("it panicked")))
}
