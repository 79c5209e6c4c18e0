//! How often a user is told of what changes with every packet.

use core::time::Duration;

use litemap::LiteMap;
use mqdrop_core::{ParcelId, Time};

/// Remembers the parcels that changed and were not told, and the time from which on each may be told.
/// A state `S` is told at once whenever it differs from the one that was told last.
pub(crate) struct Throttle<S> {
    pause: Duration,
    parcels: LiteMap<ParcelId, Entry<S>>,
}

struct Entry<S> {
    changed: bool,
    told: Option<Told<S>>,
}

struct Told<S> {
    state: S,
    /// Until then only a change of `state` is told.
    rest: Time,
}

impl<S: PartialEq> Throttle<S> {
    /// Tells each parcel's changes at most once in `pause`.
    pub(crate) fn new(pause: Duration) -> Self {
        Self {
            pause,
            parcels: LiteMap::new(),
        }
    }

    /// Something about this parcel changed.
    pub(crate) fn mark(&mut self, parcel: ParcelId) {
        self.parcels
            .entry(parcel)
            .or_insert(Entry {
                changed: false,
                told: None,
            })
            .changed = true;
    }

    /// Lists the parcels that changed and were not told.
    pub(crate) fn changed(&self) -> Vec<ParcelId> {
        self.parcels
            .iter()
            .filter(|(_, entry)| entry.changed)
            .map(|(parcel, _)| *parcel)
            .collect()
    }

    /// Decides whether a change is to be told now that `state` is so. If so, the caller tells it, and
    /// the parcel counts as told.
    pub(crate) fn tell(&mut self, parcel: ParcelId, state: S, now: Time) -> bool {
        let Some(entry) = self.parcels.get_mut(&parcel) else {
            return false;
        };
        let due = entry
            .told
            .as_ref()
            .is_none_or(|told| told.rest <= now || told.state != state);
        if !entry.changed || !due {
            return false;
        }
        entry.changed = false;
        entry.told = Some(Told {
            state,
            rest: now + self.pause,
        });
        true
    }

    /// Leaves the parcel alone for at least `rest` from now on, because telling it is costly.
    pub(crate) fn rest(&mut self, parcel: ParcelId, rest: Duration, now: Time) {
        if let Some(told) = self
            .parcels
            .get_mut(&parcel)
            .and_then(|entry| entry.told.as_mut())
        {
            told.rest = told.rest.max(now + rest);
        }
    }

    /// The pause is over for this parcel, whatever it was.
    pub(crate) fn hurry(&mut self, parcel: ParcelId, now: Time) {
        if let Some(told) = self
            .parcels
            .get_mut(&parcel)
            .and_then(|entry| entry.told.as_mut())
        {
            told.rest = now;
        }
    }

    /// Returns the time from which on the next change may be told.
    pub(crate) fn next(&self) -> Option<Time> {
        self.parcels
            .values()
            .filter(|entry| entry.changed)
            .map(|entry| entry.told.as_ref().map_or(Time::ZERO, |told| told.rest))
            .min()
    }

    /// The parcel is gone.
    pub(crate) fn forget(&mut self, parcel: ParcelId) {
        self.parcels.remove(&parcel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const PAUSE: Duration = Duration::from_millis(100);

    fn parcel() -> ParcelId {
        "aaaaaaaaaaaaaaaa".parse().unwrap()
    }

    #[test]
    fn what_is_new_is_told_at_once() {
        let mut throttle = Throttle::new(PAUSE);
        throttle.mark(parcel());
        assert_eq!(throttle.changed(), [parcel()]);
        assert!(throttle.tell(parcel(), 'a', Time::from_millis(5)));
        assert_eq!((throttle.changed(), throttle.next()), (vec![], None));
    }

    #[test]
    fn progress_waits_and_is_not_lost() {
        let mut throttle = Throttle::new(PAUSE);
        throttle.mark(parcel());
        assert!(throttle.tell(parcel(), 'a', Time::from_millis(0)));
        for millis in 1..100 {
            throttle.mark(parcel());
            assert!(
                !throttle.tell(parcel(), 'a', Time::from_millis(millis)),
                "{millis}"
            );
        }
        assert_eq!(throttle.next(), Some(Time::from_millis(100)));
        assert!(throttle.tell(parcel(), 'a', Time::from_millis(100)));
        assert!(
            !throttle.tell(parcel(), 'a', Time::from_millis(300)),
            "nothing changed since"
        );
    }

    #[test]
    fn another_state_does_not_wait() {
        let mut throttle = Throttle::new(PAUSE);
        throttle.mark(parcel());
        assert!(throttle.tell(parcel(), 'a', Time::from_millis(0)));
        throttle.mark(parcel());
        assert!(throttle.tell(parcel(), 'b', Time::from_millis(1)));
    }

    #[test]
    fn costly_tellings_rest_longer_unless_hurried() {
        let mut throttle = Throttle::new(PAUSE);
        throttle.mark(parcel());
        assert!(throttle.tell(parcel(), (), Time::from_millis(0)));
        throttle.rest(parcel(), Duration::from_secs(2), Time::from_millis(0));
        throttle.mark(parcel());
        assert!(!throttle.tell(parcel(), (), Time::from_millis(1999)));
        assert_eq!(throttle.next(), Some(Time::from_millis(2000)));
        throttle.hurry(parcel(), Time::from_millis(500));
        assert!(throttle.tell(parcel(), (), Time::from_millis(500)));
    }

    #[test]
    fn the_forgotten_are_not_told() {
        let mut throttle = Throttle::new(PAUSE);
        throttle.mark(parcel());
        throttle.forget(parcel());
        assert!(!throttle.tell(parcel(), 'a', Time::from_millis(0)));
        assert!(throttle.parcels.is_empty());
    }
}
