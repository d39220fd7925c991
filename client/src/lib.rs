//! The client engine of Cowrite, without I/O.
//!
//! An [`Engine`] is one document: it takes edits at once, keeps what is pending apart
//! from what the server has accepted, and survives any disconnect. A [`Session`] is one
//! client's stay across sockets: it greets, opens, reconnects and tells the time to its
//! engines. Neither owns a socket, a clock or randomness: the host hands them in.
//!
//! The host's loop: after each call drain [`Session::poll_output`] to `None`, then wait
//! for the socket or for [`Session::poll_timeout`].

#![cfg_attr(not(any(test, feature = "native")), no_std)]
#![warn(missing_docs)]

extern crate alloc;

mod backoff;
pub mod engine;
#[cfg(feature = "native")]
pub mod native;
mod random;
pub mod session;

pub use cowrite_protocol::Millis;
pub use engine::{
    EditError, Engine, Event, MemberView, Origin, Proposal, ProposalKind, Record, RecordError, Review, ReviewRule,
    Status, UndoSettings, Undone, Verdict, Written,
};
pub use session::{DocumentHandle, Found, LinkState, Loss, OpenError, Output, Session, SessionEvent, SessionSettings};
