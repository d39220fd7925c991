//! What counts as one client, as far as its address tells.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One address of IPv4, or the 2^64 of IPv6 that one subscriber is given: who has one of
/// those has them all, and would never meet a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressBlock {
    /// One address.
    V4(Ipv4Addr),
    /// The upper 64 bits of an address; the lower ones are zero.
    V6(Ipv6Addr),
}

impl AddressBlock {
    /// The block of an address. An IPv4 address that is written as IPv6 is the same one.
    pub fn of(address: IpAddr) -> AddressBlock {
        match address.to_canonical() {
            IpAddr::V4(address) => AddressBlock::V4(address),
            IpAddr::V6(address) => AddressBlock::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        }
    }
}

impl fmt::Display for AddressBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AddressBlock::V4(address) => address.fmt(f),
            AddressBlock::V6(address) => write!(f, "{address}/64"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(address: &str) -> String {
        AddressBlock::of(address.parse().unwrap()).to_string()
    }

    #[test]
    fn a_subscriber_of_ipv6_is_one_client() {
        assert_eq!(block("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(block("2001:db8:1:2::1"), "2001:db8:1:2::/64");
        assert_ne!(block("2001:db8:1:3::1"), "2001:db8:1:2::/64");
        assert_eq!(block("192.0.2.7"), "192.0.2.7");
        assert_ne!(block("192.0.2.8"), "192.0.2.7");
    }

    #[test]
    fn an_address_has_one_form() {
        assert_eq!(block("::ffff:192.0.2.7"), "192.0.2.7");
    }
}
