//! Ports for programs that are told where to listen, and that come back to the same one.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range from which systems take the ports of outgoing connections (32768 and up with
/// Linux): a port that is closed for a while, until its program is started again, must not be
/// taken by the very client that tries to reach it.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A loopback port that nobody listens on now, different with each call.
///
/// # Panics
/// If there is none.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Tests that run beside each other begin at different places.
    let start = u32::from(FIRST) + std::process::id().wrapping_mul(641) % u32::from(COUNT);
    for _ in 0..COUNT {
        let turn = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u32::from(FIRST) + (start - u32::from(FIRST) + turn) % u32::from(COUNT);
        let port = u16::try_from(port).expect("it is below 32,000");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("none of {COUNT} ports from {FIRST} on is free");
}

#[cfg(test)]
mod tests {
    use super::free_port;

    #[test]
    fn no_port_is_given_twice() {
        let first = free_port();
        assert_ne!(free_port(), first);
    }
}
