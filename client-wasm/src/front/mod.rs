//! The face towards programs in Rust: what the crates for Leptos and Yew stand on, and what a
//! page in Rust without either can use by itself.
//!
//! A [`Client`] is a socket, a [`Document`] is one open document of it. Both are handles: cheap
//! to clone, and equal where they mean the same. Everything happens on the page's one thread.
//! Where there is no browser, as while a page is rendered on a server, nothing connects and
//! every document stays empty.

mod client;
mod difference;
mod document;
mod happening;
mod listener;
mod listeners;
mod member;
mod opened;
mod settings;
mod status;
mod textarea;
mod unload;
mod view;

pub use client::Client;
pub use cowrite_client::{EditError, LinkState, Loss, Origin, ProposalKind};
pub use cowrite_protocol::frame::{Activity, Code};
pub use cowrite_protocol::{Cursor, Operation, Selection, Utf16Length, Utf16Offset};
pub use document::{Document, DocumentEvent, Proposal};
pub(crate) use happening::{Happening, Program};
pub use listeners::Subscription;
pub use member::Member;
pub use settings::{Settings, TokenSource};
pub use status::{State, Status};
pub use textarea::TextareaBinding;
