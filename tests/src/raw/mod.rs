//! A client that may do everything that an honest one never does: any bytes at any moment, frames of
//! WebSocket made by hand, cut anywhere, under any headers.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "where a test cannot run, it says so and fails")]

mod client;
mod say;
mod socket;
mod ws_frame;

pub use client::{Ending, RawClient};
pub use say::{full, hello, message, open, open_as, packed, submit};
pub use socket::{RawReader, RawSocket, RawWriter};
pub use ws_frame::WsFrame;
