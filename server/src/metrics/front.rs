//! What the front door counts: connections, identity, limits.

use std::time::Duration;

use cowrite_protocol::frame::Code;

use super::kinds::{Kind, Kinds};
use super::{Counter, Histogram};

/// The numbers of everything between the network and the rooms. All methods are one or two atomic
/// additions, and may be called from anywhere.
#[derive(Debug)]
pub struct FrontMetrics {
    pub(super) refused: Kinds<Refused>,
    pub(super) ended: Kinds<Code>,
    pub(super) gone: Counter,
    pub(super) accept_failures: Counter,
    pub(super) messages_received: Counter,
    pub(super) messages_sent: Counter,
    pub(super) bytes_received: Counter,
    pub(super) bytes_sent: Counter,
    pub(super) authenticated: Counter,
    pub(super) refreshed: Counter,
    pub(super) auth_failures: Kinds<Code>,
    pub(super) rate_limited: Kinds<Rate>,
    pub(super) access_time: Histogram,
    pub(super) access_failures: Counter,
    pub(super) key_fetch_failures: Counter,
    pub(super) tokens_minted: Counter,
    pub(super) revoked: Kinds<Revoked>,
}

/// Why a connection is not let in, or a request for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The server has as many as it may.
    Total,
    /// Its address has as many as it may that have not said who they are.
    Address,
    /// Its user has as many as they may, over all servers.
    User,
    /// It comes from a page that is not allowed.
    Origin,
    /// Its request was not complete in time.
    Header,
    /// It is no WebSocket of ours.
    Protocol,
    /// The server goes down.
    Draining,
}

/// What somebody did too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// Submits.
    Submits,
    /// Presence and cursors.
    Presence,
    /// Documents opened.
    Opens,
    /// Tokens shown.
    Tokens,
    /// Any other frames.
    Frames,
    /// Requests over HTTP.
    Http,
}

/// What a revocation has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// A connection.
    Connection,
    /// One document on a connection.
    Channel,
}

/// Reasons for which a connection ends that have a counter of their own.
const ENDS: [Code; 11] = [
    Code::Malformed,
    Code::TooLarge,
    Code::HelloExpected,
    Code::Unauthorized,
    Code::TokenExpired,
    Code::TokenRevoked,
    Code::TooManyConnections,
    Code::Silent,
    Code::Stuck,
    Code::GoingAway,
    Code::Internal,
];

/// Reasons for which somebody is not believed.
const AUTH_FAILURES: [Code; 4] = [Code::Unauthorized, Code::TokenExpired, Code::TokenRevoked, Code::Unavailable];

impl Default for FrontMetrics {
    fn default() -> FrontMetrics {
        use Rate::{Frames, Http, Opens, Presence, Submits, Tokens};
        use Refused::{Address, Draining, Header, Origin, Protocol, Total, User};
        FrontMetrics {
            refused: Kinds::new(&[Total, Address, User, Origin, Header, Protocol, Draining]),
            ended: Kinds::new(&ENDS),
            gone: Counter::default(),
            accept_failures: Counter::default(),
            messages_received: Counter::default(),
            messages_sent: Counter::default(),
            bytes_received: Counter::default(),
            bytes_sent: Counter::default(),
            authenticated: Counter::default(),
            refreshed: Counter::default(),
            auth_failures: Kinds::new(&AUTH_FAILURES),
            rate_limited: Kinds::new(&[Submits, Presence, Opens, Tokens, Frames, Http]),
            access_time: Histogram::default(),
            access_failures: Counter::default(),
            key_fetch_failures: Counter::default(),
            tokens_minted: Counter::default(),
            revoked: Kinds::new(&[Revoked::Connection, Revoked::Channel]),
        }
    }
}

impl FrontMetrics {
    /// A connection was not let in.
    pub fn connection_refused(&self, why: Refused) {
        self.refused.increment(why);
    }

    /// The system would not give us a connection that waits: too many open files, mostly.
    pub fn accept_failed(&self) {
        self.accept_failures.increment();
    }

    /// The server ended a connection.
    pub fn connection_ended(&self, code: Code) {
        self.ended.increment(code);
    }

    /// The other side ended a connection, or it was cut.
    pub fn connection_gone(&self) {
        self.gone.increment();
    }

    /// A message came, of so many bytes.
    pub fn message_received(&self, bytes: usize) {
        self.messages_received.increment();
        self.bytes_received.add(bytes as u64);
    }

    /// A message was given to the socket, of so many bytes.
    pub fn message_sent(&self, bytes: usize) {
        self.messages_sent.increment();
        self.bytes_sent.add(bytes as u64);
    }

    /// Somebody said who they are and was believed, at the start of a connection.
    pub fn authenticated(&self) {
        self.authenticated.increment();
    }

    /// A connection showed a fresh token, which was believed.
    pub fn token_refreshed(&self) {
        self.refreshed.increment();
    }

    /// Somebody was not believed, at the start or later; also a token that has run out.
    pub fn auth_failed(&self, code: Code) {
        self.auth_failures.increment(code);
    }

    /// Somebody did something too often, and was told.
    pub fn rate_limited(&self, what: Rate) {
        self.rate_limited.increment(what);
    }

    /// The application was asked what a user may do, and answered after this time, or failed to.
    pub fn access_asked(&self, took: Duration, answered: bool) {
        self.access_time.observe(took);
        self.access_failures.add(u64::from(!answered));
    }

    /// The keys of tokens could not be fetched; those that are known go on.
    pub fn key_fetch_failed(&self) {
        self.key_fetch_failures.increment();
    }

    /// A token was made for the application.
    pub fn token_minted(&self) {
        self.tokens_minted.increment();
    }

    /// A revocation has ended something here.
    pub fn revoked(&self, what: Revoked) {
        self.revoked.increment(what);
    }
}

impl Kind for Refused {
    fn label(self) -> &'static str {
        match self {
            Refused::Total => "total",
            Refused::Address => "address",
            Refused::User => "user",
            Refused::Origin => "origin",
            Refused::Header => "header_timeout",
            Refused::Protocol => "protocol",
            Refused::Draining => "draining",
        }
    }
}

impl Kind for Rate {
    fn label(self) -> &'static str {
        match self {
            Rate::Submits => "submits",
            Rate::Presence => "presence",
            Rate::Opens => "opens",
            Rate::Tokens => "tokens",
            Rate::Frames => "frames",
            Rate::Http => "http",
        }
    }
}

impl Kind for Revoked {
    fn label(self) -> &'static str {
        match self {
            Revoked::Connection => "connection",
            Revoked::Channel => "channel",
        }
    }
}
