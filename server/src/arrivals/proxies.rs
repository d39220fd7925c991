//! Where a client comes from, when it comes by way of proxies.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;

/// Whose word is taken for where a client comes from.
///
/// Each proxy on the way appends the address that it was asked by to `X-Forwarded-For`. What
/// the last trusted one wrote is true; all that is left of it may be invented.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TrustedProxies {
    /// Nobody's: the client is who is connected, and the header is not read.
    #[default]
    None,
    /// Whoever is connected is a proxy, and this many of them (1 or more) are passed on the
    /// way. Only where the server cannot be reached but through them.
    Hops(u8),
    /// Proxies are known by their addresses, anybody else is a client.
    Networks(Vec<Network>),
}

/// The addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// How many bits are the same: 0 to 32, or to 128.
    bits: u8,
}

/// Why a text says nothing of proxies.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{text}` is neither a number of proxies from 1 to 16 nor a list of addresses and networks such as 10.0.0.0/8,fd00::1"
)]
pub struct ParseProxiesError {
    text: String,
}

/// Most proxies that are passed on a way.
const MOST_HOPS: u8 = 16;

impl TrustedProxies {
    /// Whether it is a proxy that is connected: then not this address but each of its
    /// requests says who the client is.
    pub fn is_proxy(&self, peer: IpAddr) -> bool {
        match self {
            TrustedProxies::None => false,
            TrustedProxies::Hops(_) => true,
            TrustedProxies::Networks(networks) => contains(networks, peer),
        }
    }

    /// The client of a request that came from `peer` with these values of
    /// `X-Forwarded-For`, in the order in which they stood. A part that is no address, and
    /// whatever is left of it, is not believed. Cost: linear in the header.
    pub fn client<'a>(&self, peer: IpAddr, forwarded: impl DoubleEndedIterator<Item = &'a [u8]>) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.is_proxy(peer) {
            return client;
        }
        let from_the_right = forwarded.rev().flat_map(|value| value.rsplit(|byte| *byte == b','));
        let mut hops = 0;
        for part in from_the_right {
            let Some(address) = std::str::from_utf8(part).ok().and_then(address) else { break };
            (client, hops) = (address, hops + 1);
            let is_proxy = match self {
                TrustedProxies::None => false,
                TrustedProxies::Hops(most) => hops < *most,
                TrustedProxies::Networks(networks) => contains(networks, address),
            };
            if !is_proxy {
                break;
            }
        }
        client
    }
}

impl Network {
    /// Whether the address is one of them. An IPv4 address that is written as IPv6 is the
    /// same one.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differ = u64::from(own.to_bits() ^ other.to_bits());
                differ >> (32 - u32::from(self.bits)) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differ = own.to_bits() ^ other.to_bits();
                differ.checked_shr(128 - u32::from(self.bits)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl FromStr for TrustedProxies {
    type Err = ParseProxiesError;

    fn from_str(text: &str) -> Result<TrustedProxies, ParseProxiesError> {
        let refused = || ParseProxiesError { text: text.to_owned() };
        if let Ok(hops) = text.parse::<u8>() {
            return if (1..=MOST_HOPS).contains(&hops) { Ok(TrustedProxies::Hops(hops)) } else { Err(refused()) };
        }
        let networks = text.split(',').map(|part| network(part.trim())).collect::<Option<Vec<_>>>();
        Ok(TrustedProxies::Networks(networks.ok_or_else(refused)?))
    }
}

impl fmt::Display for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrustedProxies::None => f.write_str("none"),
            TrustedProxies::Hops(hops) => write!(f, "{hops} on the way"),
            TrustedProxies::Networks(networks) => {
                for (place, network) in networks.iter().enumerate() {
                    let comma = if place == 0 { "" } else { ", " };
                    write!(f, "{comma}{}/{}", network.address, network.bits)?;
                }
                Ok(())
            }
        }
    }
}

fn contains(networks: &[Network], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(address))
}

fn network(text: &str) -> Option<Network> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse().ok()?)),
        None => (text, None),
    };
    let address = address.parse::<IpAddr>().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(width);
    (bits <= width).then_some(Network { address, bits })
}

/// An address as proxies write it, some of them with the port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bracketed = || text.strip_prefix('[')?.split_once(']').map(|(address, _)| address);
    let with_port = || text.split_once(':').map(|(address, _)| address).filter(|address| address.contains('.'));
    let address = text.parse().ok().or_else(|| bracketed().or_else(with_port)?.parse().ok());
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(proxies: &str, peer: &str, forwarded: &[&str]) -> String {
        let proxies = if proxies.is_empty() { TrustedProxies::None } else { proxies.parse().unwrap() };
        let forwarded = forwarded.iter().map(|value| value.as_bytes());
        proxies.client(peer.parse().unwrap(), forwarded).to_string()
    }

    #[test]
    fn nobody_is_trusted_who_was_not_named() {
        assert_eq!(client("", "192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
        assert_eq!(client("10.0.0.0/8", "192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
    }

    #[test]
    fn what_a_client_invents_stands_left_of_what_a_proxy_wrote() {
        assert_eq!(client("1", "10.0.0.2", &["1.1.1.1, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(client("1", "10.0.0.2", &["1.1.1.1", "203.0.113.9"]), "203.0.113.9");
        assert_eq!(client("2", "10.0.0.2", &["1.1.1.1, 203.0.113.9, 10.0.0.1"]), "203.0.113.9");
        let networks = "10.0.0.0/8,fd00::/8";
        assert_eq!(client(networks, "10.0.0.2", &["1.1.1.1, 203.0.113.9, 10.0.0.1"]), "203.0.113.9");
        assert_eq!(client(networks, "fd00::2", &["1.1.1.1,203.0.113.9 , fd00::1"]), "203.0.113.9");
        assert_eq!(client(networks, "::ffff:10.0.0.2", &["203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn a_way_that_is_too_short_or_unreadable_ends_at_the_last_one_believed() {
        assert_eq!(client("1", "10.0.0.2", &[]), "10.0.0.2");
        assert_eq!(client("3", "10.0.0.2", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(client("1", "10.0.0.2", &["203.0.113.9, unknown"]), "10.0.0.2");
        assert_eq!(client("10.0.0.0/8", "10.0.0.2", &["203.0.113.9, \u{1}, 10.0.0.1"]), "10.0.0.1");
        assert_eq!(client("10.0.0.0/8", "10.0.0.2", &["10.0.0.7,10.0.0.1"]), "10.0.0.7");
    }

    #[test]
    fn ports_and_brackets_are_left_out() {
        assert_eq!(client("1", "10.0.0.2", &["203.0.113.9:4711"]), "203.0.113.9");
        assert_eq!(client("1", "10.0.0.2", &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(client("1", "10.0.0.2", &["2001:db8::1"]), "2001:db8::1");
        assert_eq!(client("1", "10.0.0.2", &["::ffff:203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn networks_end_where_their_bits_end() {
        let inside = |network: &str, address: &str| {
            let TrustedProxies::Networks(networks) = network.parse().unwrap() else { panic!("{network}") };
            contains(&networks, address.parse().unwrap())
        };
        assert!(inside("10.1.0.0/16", "10.1.255.255") && !inside("10.1.0.0/16", "10.2.0.0"));
        assert!(inside("10.1.2.3", "10.1.2.3") && !inside("10.1.2.3", "10.1.2.4"));
        assert!(inside("0.0.0.0/0", "203.0.113.9") && !inside("0.0.0.0/0", "::1"));
        assert!(inside("::/0", "2001:db8::1") && inside("::1", "::1") && !inside("::1", "::2"));
        assert!(inside("fd00::/8", "fd12::1") && !inside("fd00::/8", "fe00::1"));
    }

    #[test]
    fn what_is_no_setting_is_refused() {
        for absurd in ["", "0", "17", "256", "-1", "10.0.0.0/33", "::/129", "10.0.0.1,", "all", "10.0.0.0/8 fd00::1"] {
            assert!(absurd.parse::<TrustedProxies>().is_err(), "{absurd}");
        }
        let shown = "10.0.0.0/8, ::1".parse::<TrustedProxies>().map(|proxies| proxies.to_string());
        assert_eq!(shown.as_deref(), Ok("10.0.0.0/8, ::1/128"));
    }
}
