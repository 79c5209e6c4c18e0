//! Counts open connections, all and per address, and refuses what is too much.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::limits::Limits;

/// The station's door; clones are the same door.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    inside: Arc<Mutex<Inside>>,
    most: usize,
    most_per_address: usize,
}

#[derive(Debug, Default)]
struct Inside {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// Why a connection is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Full {
    /// There are as many connections as the station takes.
    #[error("the station has as many connections as it takes")]
    Altogether,
    /// There are as many from this address as the station takes from one.
    #[error("this address has as many connections as the station takes from one")]
    ForThisAddress,
}

/// One open connection; dropping it makes room.
#[derive(Debug)]
pub(crate) struct Ticket {
    door: Door,
    address: IpAddr,
}

impl Door {
    /// A door with these limits.
    pub(crate) fn new(limits: &Limits) -> Self {
        let number = |limit| usize::try_from(limit).unwrap_or(usize::MAX);
        Self {
            inside: Arc::default(),
            most: number(limits.max_connections),
            most_per_address: number(limits.max_connections_per_address),
        }
    }

    /// Lets a connection of `peer` in.
    ///
    /// # Errors
    /// [`Full`] when there are too many.
    pub(crate) fn admit(&self, peer: IpAddr) -> Result<Ticket, Full> {
        let address = household(peer);
        let mut inside = self.lock();
        if inside.all >= self.most {
            return Err(Full::Altogether);
        }
        let count = inside.by_address.entry(address).or_default();
        // Limits are at least one, so a refused address is one that is inside already.
        if *count >= self.most_per_address {
            return Err(Full::ForThisAddress);
        }
        *count += 1;
        inside.all += 1;
        drop(inside);
        Ok(Ticket {
            door: self.clone(),
            address,
        })
    }

    /// A door that keeps nobody out.
    #[cfg(test)]
    pub(crate) fn wide() -> Self {
        Self {
            inside: Arc::default(),
            most: usize::MAX,
            most_per_address: usize::MAX,
        }
    }

    /// Connections that are open now.
    pub(crate) fn count(&self) -> usize {
        self.lock().all
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut inside = self.door.lock();
        inside.all = inside.all.saturating_sub(1);
        if let Some(count) = inside.by_address.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                inside.by_address.remove(&self.address);
            }
        }
    }
}

/// The part of an address that counts as one: IPv6 gives every household a network of 2^64 of them.
pub(crate) fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(most: usize, most_per_address: usize) -> Door {
        Door {
            inside: Arc::default(),
            most,
            most_per_address,
        }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn each_address_has_its_share_and_all_have_a_bound() {
        let door = door(3, 2);
        let first = door.admit(ip("192.0.2.1")).unwrap();
        let _second = door.admit(ip("192.0.2.1")).unwrap();
        assert_eq!(
            door.admit(ip("192.0.2.1")).unwrap_err(),
            Full::ForThisAddress
        );
        let _other = door.admit(ip("192.0.2.2")).unwrap();
        assert_eq!(door.admit(ip("192.0.2.3")).unwrap_err(), Full::Altogether);
        assert_eq!(door.count(), 3);

        drop(first);
        let _again = door.admit(ip("192.0.2.1")).unwrap();
        assert_eq!(door.count(), 3);
    }

    #[test]
    fn nothing_is_remembered_of_those_who_left() {
        let door = door(10, 10);
        for last in 0..10 {
            drop(door.admit(IpAddr::from([192, 0, 2, last])).unwrap());
        }
        assert_eq!(door.count(), 0);
        assert!(door.lock().by_address.is_empty());
    }

    #[test]
    fn an_ipv6_network_and_a_mapped_address_count_as_one() {
        assert_eq!(
            household(ip("2001:db8::1")),
            household(ip("2001:db8::ffff:2"))
        );
        assert_ne!(
            household(ip("2001:db8::1")),
            household(ip("2001:db8:0:1::1"))
        );
        assert_eq!(household(ip("::ffff:192.0.2.1")), ip("192.0.2.1"));
        assert_ne!(household(ip("192.0.2.1")), household(ip("192.0.2.2")));
    }
}
