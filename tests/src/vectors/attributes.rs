//! Sets of attributes by themselves.

use cowrite_protocol::operation::{Attributes, Nulls};

use super::{Case, Finding};

/// Two sets, one after the other.
pub(super) fn compose(case: Case<'_>) -> Result<(), Finding> {
    let nulls = if case.is("keepNull") { Nulls::Keep } else { Nulls::Drop };
    expect(case, &case.attributes("a")?.compose(&case.attributes("b")?, nulls))
}

/// What makes one set of the other.
pub(super) fn diff(case: Case<'_>) -> Result<(), Finding> {
    expect(case, &case.attributes("a")?.diff(&case.attributes("b")?))
}

/// What takes a set back.
pub(super) fn invert(case: Case<'_>) -> Result<(), Finding> {
    expect(case, &case.attributes("a")?.invert(&case.attributes("base")?))
}

/// One set carried over the other.
pub(super) fn transform(case: Case<'_>) -> Result<(), Finding> {
    let winner = if case.is("priority") { case.attributes("a")? } else { Attributes::NONE };
    expect(case, &case.attributes("b")?.without_keys_of(&winner))
}

fn expect(case: Case<'_>, got: &Attributes) -> Result<(), Finding> {
    Finding::same("attributes", got, &case.attributes("expect")?)
}
