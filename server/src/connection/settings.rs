//! How a connection is treated.

/// Times and bounds of one connection.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionSettings {
    /// `Hello` must come within this time, in milliseconds.
    pub hello_ms: u64,
    /// A quiet peer is asked for a sign of life this often, in milliseconds.
    pub ping_ms: u64,
    /// A peer that was not heard for this long is given up, in milliseconds.
    pub silence_ms: u64,
    /// A peer whose socket takes no byte for this long is given up, in milliseconds.
    pub stuck_ms: u64,
    /// Bytes of offered frames that may wait for the socket.
    pub queue_bytes: usize,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        ConnectionSettings {
            hello_ms: 5_000,
            ping_ms: 30_000,
            silence_ms: 90_000,
            stuck_ms: 60_000,
            queue_bytes: 1 << 20,
        }
    }
}
