//! What is measured, as what measures it sees it.

/// A text that is edited.
pub(super) trait Library {
    /// Replaces so many characters there, as one edit. Traces and typists write only characters of one UTF-16 unit.
    fn splice(&mut self, at: usize, deleted: usize, inserted: &str);

    /// The text.
    fn text(&self) -> String;

    /// Its bytes when it is stored with its history; `None` where none is kept.
    fn bytes(&self) -> Option<usize> {
        None
    }
}

/// A text that is stored with its history.
#[cfg(feature = "peers")]
pub(super) trait Stored: Library {
    /// All of it as bytes.
    fn store(&self) -> Vec<u8>;

    /// Reads it again.
    fn read(bytes: &[u8]) -> Self;
}

/// Two copies of a text that are edited apart.
pub(super) trait Pair {
    /// Both begin with this text, and part.
    fn begin(&mut self, text: &str);

    /// An edit of the one (0) or the other (1).
    fn splice(&mut self, side: usize, at: usize, deleted: usize, inserted: &str);

    /// Brings both together; gives the bytes that were exchanged.
    fn join(&mut self) -> usize;

    /// The text of one side.
    fn text(&self, side: usize) -> String;
}
