//! How far is looked.

use cowrite_server::room::Existence;

/// One edit of a user, made on whatever text the client shows then.
#[derive(Clone, Copy, Debug, Hash)]
pub enum Edit {
    /// Inserts the second character before the first one, or at the start of a text without it.
    Before(char, char),
    /// Inserts the second character behind the first one, or at the end of a text without it.
    Behind(char, char),
    /// Deletes the character; an edit that does nothing if it is not there.
    Delete(char),
}

impl Edit {
    /// What it inserts. No two edits of a model insert the same.
    pub(super) fn token(self) -> Option<char> {
        match self {
            Edit::Before(_, token) | Edit::Behind(_, token) => Some(token),
            Edit::Delete(_) => None,
        }
    }
}

/// What users do, and how often something goes wrong on one way through the model. All else, above all the order
/// in which things happen, is explored without a bound.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// The document's text before anybody opens it; the first version, if there is any.
    pub text: &'static str,
    /// The edits of each client, in order.
    pub edits: [&'static [Edit]; 2],
    /// One server or two; a client joins either whenever it joins.
    pub servers: usize,
    /// Whether it begins with both clients in step: at one server, or each at its own. Otherwise with nobody there.
    pub warm: bool,
    /// How often the link of each client is cut: the client hears of it, what was on its way to it is lost, and what it has sent
    /// may still reach the server.
    pub cuts: [u8; 2],
    /// How often a server is killed and started again. What it has asked of the log may still happen.
    pub crashes: u8,
    /// How often a room is told that nobody knows how its append ended, which may still land.
    pub unanswered: u8,
    /// How often a live message to a room is lost.
    pub lost: u8,
    /// What the application asks of the document's existence, in order, each at either server. The next is asked once the
    /// one before is answered, or its server was killed.
    pub wishes: &'static [Existence],
    /// Whether the finer steps are taken apart: an append that happens and its answer; a server that has read all
    /// of a cut socket and that hears of the cut; a room that hears of its own append by the feed as well.
    pub fine: bool,
    /// From this many missed entries on a catch-up is composed.
    pub compose_from: u64,
    /// Whether the log fences an append of a stay that another has followed. Without, the checker must find
    /// what that is for.
    pub fence: bool,
    /// Whether the log keeps the entry that ends a life for those who load the document. Without, the checker must find
    /// what that is for.
    pub tombstone: bool,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            text: "c",
            edits: [&[Edit::Before('c', 'Y')], &[Edit::Behind('c', 'X')]],
            servers: 2,
            warm: true,
            cuts: [0; 2],
            crashes: 0,
            unanswered: 0,
            lost: 0,
            wishes: &[],
            tombstone: true,
            fine: false,
            compose_from: 2,
            fence: true,
        }
    }
}
