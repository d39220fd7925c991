//! What was written down, and what is found beside it.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Write};
use std::fs;

use super::row::{Row, TIMES};

/// What rows may allocate, by name.
pub(crate) struct Budget(BTreeMap<String, Amounts>);

/// Allocations, and bytes.
type Amounts = (u64, u64);

/// What came of one row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is within its budget, and not far below.
    Kept,
    /// It needs more.
    Exceeded { name: &'static str, before: Amounts, now: Amounts },
    /// It needs so much less that the budget would not notice half of it coming back.
    Cheaper { name: &'static str, before: Amounts, now: Amounts },
    /// Nobody has written down what it may need.
    New { name: &'static str, now: Amounts },
}

impl Budget {
    /// What is in the file.
    pub(crate) fn stored() -> Budget {
        let text = fs::read_to_string(path()).expect("there are budgets");
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        Budget(lines.map(|line| read(line).unwrap_or_else(|| panic!("this is no budget: {line}"))).collect())
    }

    /// Just what these rows need.
    pub(crate) fn of(rows: &[Row]) -> Budget {
        Budget(rows.iter().map(|row| (row.name.to_owned(), (row.allocations, row.bytes))).collect())
    }

    /// Writes the file.
    pub(crate) fn store(&self) {
        let mut text = format!(
            "# What hot paths allocate, done {TIMES} times: allocations, bytes, what is done. Written by\n\
             # COWRITE_WRITE_BUDGETS=1 cargo test -p cowrite-tests --test budgets\n"
        );
        for (name, (allocations, bytes)) in &self.0 {
            writeln!(text, "{allocations:>8} {bytes:>11}  {name}").expect("a string can be written to");
        }
        fs::write(path(), text).expect("the budgets can be written");
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// One allocation too many is one too many; bytes may change by a twentieth, as a struct gets a field.
    pub(crate) fn judge(&self, row: &Row) -> Verdict {
        let (name, now) = (row.name, (row.allocations, row.bytes));
        let Some(&before) = self.0.get(name) else { return Verdict::New { name, now } };
        if now.0 > before.0 || now.1 > before.1 + before.1 / 20 {
            Verdict::Exceeded { name, before, now }
        } else if now.0 < before.0 - before.0 / 20 || now.1 < before.1 - before.1 / 10 {
            Verdict::Cheaper { name, before, now }
        } else {
            Verdict::Kept
        }
    }
}

impl Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |(allocations, bytes): &Amounts| format!("{allocations} allocations of {bytes} bytes");
        match self {
            Verdict::Kept => formatter.write_str("as before"),
            Verdict::Exceeded { name, before, now } => {
                write!(formatter, "{name}: {}, its budget is {}", said(now), said(before))
            }
            Verdict::Cheaper { name, before, now } => {
                write!(formatter, "{name}: only {} now, let its budget be that instead of {}", said(now), said(before))
            }
            Verdict::New { name, now } => write!(formatter, "{name}: {}, and has no budget", said(now)),
        }
    }
}

fn read(line: &str) -> Option<(String, Amounts)> {
    let (allocations, rest) = line.trim_start().split_once(' ')?;
    let (bytes, name) = rest.trim_start().split_once(' ')?;
    Some((name.trim_start().to_owned(), (allocations.parse().ok()?, bytes.parse().ok()?)))
}

fn path() -> String {
    format!("{}/budgets.txt", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn an_allocation_too_many_and_far_too_few_are_told() {
    let budget = Budget::of(&[Row { name: "x", allocations: 100, bytes: 1_000 }]);
    let judged = |allocations, bytes| budget.judge(&Row { name: "x", allocations, bytes }).to_string();
    assert_eq!(judged(100, 1_050), "as before");
    assert_eq!(judged(95, 900), "as before");
    let exceeded = "x: 101 allocations of 1000 bytes, its budget is 100 allocations of 1000 bytes";
    assert_eq!(judged(101, 1_000), exceeded);
    assert!(judged(100, 1_051).contains("its budget is"));
    assert!(judged(94, 1_000).contains("only 94 allocations") && judged(100, 899).contains("only"));
    assert!(budget.judge(&Row { name: "y", allocations: 0, bytes: 0 }).to_string().contains("no budget"));
}
