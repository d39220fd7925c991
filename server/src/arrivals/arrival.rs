//! The places of those who came in, until they are given back.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;

use super::{AddressBlock, ArrivalSettings, TrustedProxies, most_connections, open_file_limit};
use crate::metrics::Refused;

/// Counts all who are connected, and by address those who have not said yet who they are.
#[derive(Debug)]
pub struct Arrivals {
    most: u32,
    most_strangers: u32,
    proxies: TrustedProxies,
    inside: AtomicU32,
    /// Those of each address; never zero.
    strangers: Mutex<HashMap<AddressBlock, u32>>,
}

/// One that is connected: a place that is given back when it is dropped. It counts among
/// the strangers of its address until [`Arrival::authenticated`].
#[derive(Debug)]
pub struct Arrival {
    arrivals: Arc<Arrivals>,
    peer: IpAddr,
    /// What it counts for. Of a proxy nothing, until a request says who the client is.
    stranger: Mutex<Option<AddressBlock>>,
    asked: AtomicBool,
}

/// Why somebody is not let in now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Crowded {
    /// All places are taken.
    #[error("{most} connections are open, which is the most")]
    Full {
        /// So many there are.
        most: u32,
    },
    /// All places for strangers of this address are taken.
    #[error("{most} connections of {address} have not said yet who they are, which is the most")]
    Strangers {
        /// Who it counts for.
        address: AddressBlock,
        /// So many there are.
        most: u32,
    },
}

impl Arrivals {
    /// None are there. Reads how many files may be open, if the settings leave it to that.
    pub fn new(settings: &ArrivalSettings) -> Arrivals {
        Arrivals {
            most: most_connections(settings.connections, open_file_limit()),
            most_strangers: settings.strangers,
            proxies: settings.proxies.clone(),
            inside: AtomicU32::new(0),
            strangers: Mutex::default(),
        }
    }

    /// Most that are let in at one time.
    pub fn most(&self) -> u32 {
        self.most
    }

    /// How many are there.
    pub fn inside(&self) -> u32 {
        self.inside.load(Ordering::Relaxed)
    }

    /// A place for who has connected from `peer`.
    ///
    /// # Errors
    /// If there is none; then nothing is counted.
    pub fn arrive(self: &Arc<Self>, peer: IpAddr) -> Result<Arrival, Crowded> {
        // Taken first and given back if it was too much: nobody gets in between.
        let inside = self.inside.fetch_add(1, Ordering::Relaxed);
        let arrival =
            Arrival { arrivals: Arc::clone(self), peer, stranger: Mutex::default(), asked: AtomicBool::new(false) };
        if inside >= self.most {
            return Err(Crowded::Full { most: self.most });
        }
        if !self.proxies.is_proxy(peer) {
            arrival.count_for(AddressBlock::of(peer))?;
        }
        Ok(arrival)
    }

    fn strangers(&self) -> MutexGuard<'_, HashMap<AddressBlock, u32>> {
        // Nothing panics between two changes that belong together.
        self.strangers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrival {
    /// A request for a socket came with these values of `X-Forwarded-For`. If it is a proxy
    /// that is connected, this says who the client is, and counts for it from now on.
    ///
    /// # Errors
    /// If there are too many strangers of that client's address already.
    pub fn forwarded<'a>(&self, values: impl DoubleEndedIterator<Item = &'a [u8]>) -> Result<(), Crowded> {
        let proxies = &self.arrivals.proxies;
        if !proxies.is_proxy(self.peer) {
            return Ok(());
        }
        self.count_for(AddressBlock::of(proxies.client(self.peer, values)))
    }

    /// It is known who this is: it is no stranger any more.
    pub fn authenticated(&self) {
        if let Some(address) = self.stranger().take() {
            self.arrivals.forget(address);
        }
    }

    /// A whole request has come.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// Whether a whole request has come.
    pub fn has_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    fn count_for(&self, address: AddressBlock) -> Result<(), Crowded> {
        self.authenticated();
        let most = self.arrivals.most_strangers;
        {
            let mut strangers = self.arrivals.strangers();
            let count = strangers.entry(address).or_default();
            if *count >= most {
                return Err(Crowded::Strangers { address, most });
            }
            *count += 1;
        }
        *self.stranger() = Some(address);
        Ok(())
    }

    fn stranger(&self) -> MutexGuard<'_, Option<AddressBlock>> {
        // Nothing panics while it is held.
        self.stranger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrivals {
    fn forget(&self, address: AddressBlock) {
        if let Entry::Occupied(mut count) = self.strangers().entry(address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

impl From<Crowded> for Refused {
    fn from(crowded: Crowded) -> Refused {
        match crowded {
            Crowded::Full { .. } => Refused::Total,
            Crowded::Strangers { .. } => Refused::Address,
        }
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        self.authenticated();
        self.arrivals.inside.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(connections: u32, strangers: u32, proxies: &str) -> Arc<Arrivals> {
        let proxies = proxies.parse().unwrap_or_default();
        Arc::new(Arrivals::new(&ArrivalSettings { connections: Some(connections), strangers, proxies }))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn strangers_of_an_address_are_limited_until_they_are_known_or_gone() {
        let arrivals = arrivals(100, 2, "");
        let here = || arrivals.arrive(ip("192.0.2.1"));
        let (first, second) = (here().unwrap(), here().unwrap());
        let address = AddressBlock::of(ip("192.0.2.1"));
        assert_eq!(here().err(), Some(Crowded::Strangers { address, most: 2 }));
        assert!(arrivals.arrive(ip("192.0.2.2")).is_ok());
        first.authenticated();
        first.authenticated();
        let third = here().unwrap();
        assert!(here().is_err());
        drop(second);
        assert!(here().is_ok());
        assert_eq!(arrivals.inside(), 2);
        drop((first, third));
        assert_eq!(arrivals.inside(), 0);
        assert!(arrivals.strangers().is_empty());
    }

    #[test]
    fn all_together_are_limited_known_or_not() {
        let arrivals = arrivals(2, 100, "");
        let places = [ip("192.0.2.1"), ip("192.0.2.2")].map(|peer| arrivals.arrive(peer).unwrap());
        places[0].authenticated();
        assert_eq!(arrivals.arrive(ip("192.0.2.3")).err(), Some(Crowded::Full { most: 2 }));
        assert_eq!(arrivals.inside(), 2);
        drop(places);
        assert!(arrivals.arrive(ip("192.0.2.3")).is_ok());
    }

    #[test]
    fn behind_a_proxy_clients_count_for_themselves() {
        let arrivals = arrivals(100, 1, "1");
        let proxied = |client: &str| {
            let arrival = arrivals.arrive(ip("10.0.0.1")).unwrap();
            arrival.forwarded([client.as_bytes()].into_iter()).map(|()| arrival)
        };
        let first = proxied("192.0.2.1").unwrap();
        assert!(proxied("192.0.2.1").is_err());
        assert!(proxied("192.0.2.2").is_ok());
        // Another request on the same connection.
        assert_eq!(first.forwarded([&b"192.0.2.1"[..]].into_iter()), Ok(()));
        drop(first);
        assert!(proxied("192.0.2.1").is_ok());
    }
}
