//! What puts a server under load.

mod writer;

pub(crate) use writer::Writer;
