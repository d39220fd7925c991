//! A deliberate bug.

/// A change of one place of one file that makes it wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bug {
    /// Its name on the command line and in the table.
    pub(crate) name: &'static str,
    /// What is wrong then, for the table.
    pub(crate) what: &'static str,
    /// The file, from the top folder.
    pub(crate) file: &'static str,
    /// Text that stands in the file exactly once.
    pub(crate) right: &'static str,
    /// What stands there instead.
    pub(crate) wrong: &'static str,
}
