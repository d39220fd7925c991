//! How a connection is treated.

use cowrite_protocol::frame::Rate;

/// Times and bounds of one connection.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionSettings {
    /// `Hello` must come within this time, in milliseconds.
    pub hello_ms: u64,
    /// A quiet peer is asked for a sign of life this often, in milliseconds.
    pub ping_ms: u64,
    /// A peer that was asked and has given no sign of life for so many milliseconds more is not
    /// shown to others until it does.
    pub answer_ms: u64,
    /// A peer that was not heard for this long is given up, in milliseconds.
    pub silence_ms: u64,
    /// A peer whose socket takes no byte for this long is given up, in milliseconds.
    pub stuck_ms: u64,
    /// Bytes of offered frames that may wait for the socket.
    pub queue_bytes: usize,
    /// Submits, over all documents; above it the answer is `Busy`.
    pub submits: Rate,
    /// Cursor and presence frames, over all documents; above it the newest counts, and far above it
    /// the connection is read more slowly.
    pub presence: Rate,
    /// All frames, each counted as what it may cost: most as 1, an `Open` and a `Verify` as 10. Above
    /// it the connection is read more slowly. Not announced: whoever holds to the two rates above
    /// never meets it.
    pub frames: Rate,
    /// Connections that a user may have at a time, over all servers.
    pub connections_per_user: u32,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        ConnectionSettings {
            hello_ms: 5_000,
            ping_ms: 20_000,
            // With the ask and the tick of presence, within 30 s.
            answer_ms: 8_000,
            silence_ms: 90_000,
            stuck_ms: 60_000,
            queue_bytes: 1 << 20,
            submits: Rate { per_second: 100, burst: 200 },
            presence: Rate { per_second: 20, burst: 40 },
            frames: Rate { per_second: 1_000, burst: 12_000 },
            connections_per_user: 10,
        }
    }
}
