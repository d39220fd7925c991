//! What the hot paths allocate, against what they allocated when it was last written down: a keystroke
//! that costs one allocation more, for one of a thousand readers, is noticed here and not in a profile.
//!
//! `COWRITE_WRITE_BUDGETS=1 cargo test -p cowrite-tests --test budgets` writes it down anew, in
//! `tests/budgets.txt`. Counts do not depend on the machine, on its load or on optimisation.

#![expect(clippy::expect_used, reason = "what cannot be counted is a failed test")]

mod algebra;
mod budget;
mod desk;
mod keystroke;
mod row;
mod texts;
mod wire;

use budget::{Budget, Verdict};

#[test]
fn hot_paths_allocate_what_their_budgets_say() {
    let mut rows = algebra::rows();
    rows.extend(texts::rows());
    rows.extend(wire::rows());
    rows.extend(keystroke::rows());
    let budget = Budget::stored();
    if std::env::var_os("COWRITE_WRITE_BUDGETS").is_some() {
        return Budget::of(&rows).store();
    }
    let found: Vec<_> = rows.iter().map(|row| budget.judge(row)).filter(|verdict| *verdict != Verdict::Kept).collect();
    let gone = budget.names().filter(|name| rows.iter().all(|row| row.name != *name));
    let mut told: Vec<String> = found.iter().map(ToString::to_string).collect();
    told.extend(gone.map(|name| format!("{name}: nothing of this name is measured any more")));
    assert!(
        told.is_empty(),
        "{}\nIf this is meant, `COWRITE_WRITE_BUDGETS=1 cargo test -p cowrite-tests --test budgets` writes what it is now.",
        told.join("\n"),
    );
}
