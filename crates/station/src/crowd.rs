//! A bounded crowd of connections that have not done anything useful yet. When it is full,
//! somebody makes room, so newcomers always get in: whoever has waited longest among those of the
//! address that has most of the places.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::door::household;

/// The crowd; clones are the same crowd.
#[derive(Debug, Clone)]
pub(crate) struct Crowd {
    places: Arc<Mutex<VecDeque<Taken>>>,
    limit: usize,
}

#[derive(Debug)]
struct Taken {
    address: IpAddr,
    lost: Arc<Notify>,
}

/// One connection's place; dropping it leaves the crowd.
#[derive(Debug)]
pub(crate) struct Place {
    crowd: Crowd,
    lost: Arc<Notify>,
}

impl Crowd {
    /// A crowd of at most `limit` places.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            places: Arc::default(),
            limit,
        }
    }

    /// Takes a place for `peer`, if need be somebody else's.
    pub(crate) fn enter(&self, peer: IpAddr) -> Place {
        let lost = Arc::new(Notify::new());
        let mut places = self.lock();
        while places.len() >= self.limit
            && let Some(index) = who_makes_room(&places)
        {
            if let Some(taken) = places.remove(index) {
                taken.lost.notify_one();
            }
        }
        places.push_back(Taken {
            address: household(peer),
            lost: Arc::clone(&lost),
        });
        drop(places);
        Place {
            crowd: self.clone(),
            lost,
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Taken>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Resolves when the place is given to somebody else.
    pub(crate) async fn lost(&self) {
        self.lost.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd
            .lock()
            .retain(|taken| !Arc::ptr_eq(&taken.lost, &self.lost));
    }
}

/// The oldest place of the address with the most; the oldest of all where several have as many.
fn who_makes_room(places: &VecDeque<Taken>) -> Option<usize> {
    let mut counts: HashMap<IpAddr, usize> = HashMap::new();
    for taken in places {
        *counts.entry(taken.address).or_default() += 1;
    }
    let most = counts.values().copied().max()?;
    places
        .iter()
        .position(|taken| counts.get(&taken.address) == Some(&most))
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn is_lost(place: &Place) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        pin!(place.lost()).poll(&mut context).is_ready()
    }

    #[test]
    fn the_oldest_makes_room_and_who_left_does_not_count() {
        let crowd = Crowd::new(2);
        let first = crowd.enter(HERE);
        let second = crowd.enter(HERE);
        drop(first);
        let third = crowd.enter(HERE);
        assert!(!is_lost(&second) && !is_lost(&third));
        let fourth = crowd.enter(HERE);
        assert!(is_lost(&second));
        assert!(!is_lost(&third) && !is_lost(&fourth));
    }

    #[test]
    fn who_takes_most_of_the_places_makes_room() {
        let crowd = Crowd::new(4);
        let alone = crowd.enter([192, 0, 2, 1].into());
        let many: Vec<Place> = (0..20).map(|_| crowd.enter(HERE)).collect();
        assert!(
            !is_lost(&alone),
            "older than all, but it takes one place only"
        );
        let lost = many.iter().filter(|place| is_lost(place)).count();
        assert_eq!(lost, 17);
        assert!(
            many[17..].iter().all(|place| !is_lost(place)),
            "the newest stay"
        );
    }
}
