//! Transfers that should move and do not: a broker that drops data tells nobody.

use core::time::Duration;

use litemap::LiteMap;
use mqdrop_mqtt::Time;

use super::{Engine, Event};
use crate::ids::ParcelId;
use crate::incoming::Incoming;
use crate::outgoing::Outgoing;
use crate::view::{Direction, TransferState};

/// A transfer of which nothing got through for so long is named as such.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often active transfers are looked at.
const LOOK: Duration = Duration::from_secs(3);

/// How active transfers got on.
#[derive(Default)]
pub(super) struct Stalls {
    seen: LiteMap<ParcelId, Seen>,
    /// When they are looked at again.
    next: Time,
}

struct Seen {
    /// What had got through.
    progress: u64,
    /// Since when it is no more.
    since: Time,
    told: bool,
}

impl Stalls {
    /// When to look again; `None` while nothing is under way.
    pub(super) fn deadline(&self) -> Option<Time> {
        (!self.seen.is_empty()).then_some(self.next)
    }
}

impl Engine {
    /// Looks at what is under way, if it is time.
    pub(super) fn look_for_stalls(&mut self, now: Time) {
        if now < self.stalls.next {
            return;
        }
        self.stalls.next = now + LOOK;
        let outgoing = self
            .outgoing
            .iter()
            .filter(|(_, outgoing)| outgoing.state(now) == TransferState::Active)
            .map(|(parcel, outgoing)| (*parcel, Outgoing::progress(outgoing)));
        let incoming = self
            .incoming
            .iter()
            .filter(|(_, incoming)| incoming.state() == TransferState::Active)
            .map(|(parcel, incoming)| (*parcel, Incoming::progress(incoming)));
        let active: LiteMap<ParcelId, u64> = outgoing.chain(incoming).collect();
        self.stalls
            .seen
            .retain(|parcel, _| active.contains_key(parcel));
        for (&parcel, &progress) in &active {
            let fresh = Seen {
                progress,
                since: now,
                told: false,
            };
            match self.stalls.seen.get_mut(&parcel) {
                Some(seen) if seen.progress == progress => {
                    let is_stalled = now.since(seen.since) >= PATIENCE;
                    if is_stalled && !std::mem::replace(&mut seen.told, true) {
                        self.cx.event(Event::Transfer(parcel));
                    }
                }
                _ => {
                    self.stalls.seen.insert(parcel, fresh);
                }
            }
        }
    }

    /// Nothing was under way on another connection.
    pub(super) fn forget_stalls(&mut self) {
        self.stalls = Stalls::default();
    }

    /// What to say of an active transfer of which nothing gets through.
    pub(super) fn stall_words(&self, parcel: ParcelId, direction: Direction) -> Option<String> {
        self.stalls.seen.get(&parcel).filter(|seen| seen.told)?;
        let topic = self.room.as_ref()?.topics.data(parcel);
        let (what, right) = match direction {
            Direction::In => ("arrives", "subscribe to"),
            Direction::Out => ("gets through", "publish to"),
        };
        Some(format!(
            "Nothing {what}. The broker may not allow the login to {right} {topic}, or may drop messages for their length"
        ))
    }
}
