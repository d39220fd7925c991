//! Why a case is not passed.

use std::fmt::{self, Debug, Display};

/// What stands between a case and its being passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The fact does not hold here, or the case cannot be read.
    Failed(String),
    /// Nothing of ours answers to this case; it was not run.
    Unsupported(String),
}

impl Finding {
    /// A failure for a reason.
    pub fn failed(reason: impl Display) -> Finding {
        Finding::Failed(reason.to_string())
    }

    /// Fails unless both are the same; `what` says what was compared.
    ///
    /// # Errors
    /// [`Finding::Failed`], with both sides.
    pub fn same<T: PartialEq + Debug>(what: &str, got: &T, expected: &T) -> Result<(), Finding> {
        if got == expected {
            return Ok(());
        }
        Err(Finding::Failed(format!("{what}\n    expected {expected:?}\n    got      {got:?}")))
    }
}

impl Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Failed(reason) => write!(out, "failed: {reason}"),
            Finding::Unsupported(reason) => write!(out, "unsupported: {reason}"),
        }
    }
}
