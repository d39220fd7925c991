//! Shared documents as signals of Leptos.
//!
//! [`provide_cowrite`] connects, [`use_document`] opens a document and gives it as signals; both
//! end with the component that called them. Edits are plain calls, and appear at once.
//!
//! `examples/leptos` is a whole page, and `docs/guides/leptos.md` explains it.
//!
//! While a page is rendered on a server nothing connects, and documents are empty.

#![warn(missing_docs)]

mod connection;
mod signals;

pub use connection::{Connection, provide_cowrite, use_cowrite};
pub use cowrite_client_wasm::front::{
    Activity, Client, Code, Document, DocumentEvent, EditError, LinkState, Member, Operation, Proposal, Selection,
    Settings, State, Status, TokenSource, Utf16Length,
};
pub use signals::{DocumentSignals, use_document};
