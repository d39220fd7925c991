//! Ports for programs that are told where to listen, and that come back to the same one.

use std::net::TcpListener;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// The ports that are never given out: those below need rights or belong to services that a machine
/// may run.
const FIRST: u16 = 6_000;

/// How many ports are used at most, the highest ones that do.
const MOST: u16 = 12_000;

/// With fewer the system leaves no room, and its own range is used.
const LEAST: u16 = 1_000;

/// A loopback port that nobody listens on now, different with each call.
///
/// # Panics
/// If there is none.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    static RANGE: OnceLock<Range<u16>> = OnceLock::new();
    let range = RANGE.get_or_init(|| below(first_outgoing()));
    let count = u32::from(range.end - range.start);
    // Tests that run beside each other begin at different places.
    let start = std::process::id().wrapping_mul(641) % count;
    for _ in 0..count {
        let turn = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = range.start + u16::try_from((start + turn) % count).expect("it is below the count, a u16");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("none of the ports {range:?} is free");
}

/// Listens on a free port.
///
/// # Panics
/// If there is none.
pub fn listen_anywhere() -> TcpListener {
    // A port that was free may not be when it is bound: a program that another test starts this
    // moment holds a copy of the listener that tried it, until it is more than a copy of ourselves.
    let listener = (0..100).find_map(|_| TcpListener::bind(("127.0.0.1", free_port())).ok());
    listener.expect("of a hundred ports that were free all were taken at once")
}

/// The ports below those that the system takes for outgoing connections: a port that is closed for
/// a while, until its program is started again, must not be taken by the very client that tries to
/// reach it.
fn below(outgoing: u16) -> Range<u16> {
    if outgoing < FIRST + LEAST {
        return 20_000..32_000;
    }
    outgoing.saturating_sub(MOST).max(FIRST)..outgoing
}

/// The first port that the system takes for outgoing connections: 32,768 with most, 16,000 with some.
fn first_outgoing() -> u16 {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    range.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(32_768)
}

#[cfg(test)]
mod tests {
    use super::{below, free_port, listen_anywhere};

    #[test]
    fn no_port_is_given_twice() {
        let first = free_port();
        assert_ne!(free_port(), first);
        let listener = listen_anywhere();
        assert_ne!(free_port(), listener.local_addr().unwrap().port());
    }

    #[test]
    fn the_ports_of_outgoing_connections_are_left_to_them() {
        assert_eq!(below(32_768), 20_768..32_768);
        assert_eq!(below(16_000), 6_000..16_000);
        assert_eq!(below(1_024), 20_000..32_000);
    }
}
