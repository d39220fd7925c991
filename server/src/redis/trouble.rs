//! What can go wrong between here and Redis, by what is known of the outcome.

use redis::{ErrorKind, RedisError};
use thiserror::Error;

use super::topology::NodeAddress;

/// Why there is no answer to use.
#[derive(Debug, Error)]
pub(crate) enum Trouble {
    /// It was never sent: nothing was done.
    #[error("{node} cannot be reached: {reason}")]
    Unreachable {
        /// Which node.
        node: NodeAddress,
        /// What the system said.
        reason: String,
    },
    /// It was sent, and no answer came: it may have been done.
    #[error("{node} gave no answer: {reason}")]
    Lost {
        /// Which node.
        node: NodeAddress,
        /// What the system said.
        reason: String,
    },
    /// Redis refused before it did anything; the state that it is in may pass.
    #[error("Redis refuses: {code} {detail}")]
    Refused {
        /// The first word of its answer, such as `READONLY` or `OOM`.
        code: String,
        /// The rest.
        detail: String,
    },
    /// Redis refused in a way that we do not expect; what was done is not known.
    #[error("Redis failed: {0}")]
    Failed(String),
    /// The answer is not of the form that was agreed.
    #[error("Redis answered what was not asked: {0}")]
    Nonsense(&'static str),
    /// A slot is elsewhere for good.
    #[error("slot {slot} has moved to {to}")]
    Moved {
        /// Which slot.
        slot: u16,
        /// Where it is.
        to: NodeAddress,
    },
    /// The slot is being moved; this key is there already.
    #[error("the slot is moving to {0}")]
    Ask(NodeAddress),
    /// Redis does not know the script.
    #[error("the script is not loaded")]
    NoScript,
}

/// Refusals that come before anything is done. A script is refused for want of memory at
/// its start only, and one that has begun to write is never interrupted.
const BEFORE_ANYTHING: [&str; 13] = [
    "READONLY",
    "LOADING",
    "CLUSTERDOWN",
    "MASTERDOWN",
    "TRYAGAIN",
    "NOREPLICAS",
    "MISCONF",
    "OOM",
    "BUSY",
    "NOAUTH",
    "NOPERM",
    "UNKILLABLE",
    "WRONGPASS",
];

impl Trouble {
    /// What an error of the library comes to; `sent` if the command had left.
    pub(super) fn of(error: &RedisError, node: &NodeAddress, sent: bool) -> Trouble {
        let of_server = matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension);
        let Some(code) = error.code().filter(|_| of_server) else {
            let (node, reason) = (node.clone(), error.to_string());
            return if sent { Trouble::Lost { node, reason } } else { Trouble::Unreachable { node, reason } };
        };
        let detail = error.detail().unwrap_or_default();
        match (code, error.redirect_node()) {
            ("MOVED", Some((address, slot))) => NodeAddress::parse(address, node).map(|to| Trouble::Moved { slot, to }),
            ("ASK", Some((address, _))) => NodeAddress::parse(address, node).map(Trouble::Ask),
            ("NOSCRIPT", _) => Some(Trouble::NoScript),
            _ if BEFORE_ANYTHING.contains(&code) => {
                Some(Trouble::Refused { code: code.to_owned(), detail: detail.to_owned() })
            }
            _ => None,
        }
        .unwrap_or_else(|| Trouble::Failed(format!("{code} {detail}")))
    }

    /// Whether the same may be answered when it is asked again at once or soon, at
    /// whatever node serves it then.
    pub(super) fn passes(&self) -> bool {
        match self {
            Trouble::Refused { code, .. } => {
                matches!(code.as_str(), "TRYAGAIN" | "CLUSTERDOWN" | "LOADING" | "MASTERDOWN")
            }
            _ => false,
        }
    }
}
