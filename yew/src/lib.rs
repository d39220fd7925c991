//! Shared documents as hooks of Yew.
//!
//! A [`CowriteProvider`] connects, [`use_document`] opens a document, and [`use_text`],
//! [`use_status`] and [`use_members`] render a component again when what they give has changed,
//! and only then. Edits are methods of the [`Document`], and appear at once.
//!
//! `examples/yew` is a whole page, and `docs/guides/yew.md` explains it.
//!
//! While a page is rendered on a server nothing connects, and documents are empty.

#![warn(missing_docs)]

mod provider;
mod seen;
mod textarea;

pub use cowrite_client_wasm::front::{
    Activity, Client, Code, Document, DocumentEvent, EditError, LinkState, Member, Operation, Proposal, Selection,
    Settings, State, Status, Subscription, TokenSource, Utf16Length,
};
pub use provider::{CowriteProvider, CowriteProviderProps, use_client, use_document};
pub use seen::{use_link, use_members, use_status, use_text};
pub use textarea::use_textarea;
