//! A bounded crowd of connections that have not done anything useful yet. When
//! it is full, whoever has waited longest makes room: newcomers always get in.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The crowd; clones are the same crowd.
#[derive(Debug, Clone)]
pub(crate) struct Crowd {
    places: Arc<Mutex<VecDeque<Arc<Notify>>>>,
    limit: usize,
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

    /// Takes a place, if need be the oldest one's.
    pub(crate) fn enter(&self) -> Place {
        let lost = Arc::new(Notify::new());
        let mut places = self.lock();
        while places.len() >= self.limit {
            if let Some(oldest) = places.pop_front() {
                oldest.notify_one();
            }
        }
        places.push_back(Arc::clone(&lost));
        drop(places);
        Place {
            crowd: self.clone(),
            lost,
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Notify>>> {
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
            .retain(|place| !Arc::ptr_eq(place, &self.lost));
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    fn is_lost(place: &Place) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        pin!(place.lost()).poll(&mut context).is_ready()
    }

    #[test]
    fn the_oldest_makes_room_and_who_left_does_not_count() {
        let crowd = Crowd::new(2);
        let first = crowd.enter();
        let second = crowd.enter();
        drop(first);
        let third = crowd.enter();
        assert!(!is_lost(&second) && !is_lost(&third));
        let fourth = crowd.enter();
        assert!(is_lost(&second));
        assert!(!is_lost(&third) && !is_lost(&fourth));
    }
}
