//! Transfers that should move and do not: a broker that drops data tells nobody.

use core::time::Duration;

use litemap::LiteMap;
use mqdrop_mqtt::Time;

use super::parcels::Parcels;
use super::topics::Topics;
use crate::api::Event;
use crate::cause::Cause;
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
    standing: Standing,
    /// Since when it has been like this.
    since: Time,
    told: bool,
}

/// The standing of a transfer.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Standing {
    /// A number that changes when something gets through.
    progress: u64,
    /// Nothing more can, before storage here or at the receivers has taken what did.
    is_held_up: bool,
}

impl Stalls {
    /// When to look again; `None` while nothing is under way.
    pub(super) fn deadline(&self) -> Option<Time> {
        (!self.seen.is_empty()).then_some(self.next)
    }
}

impl Parcels {
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
            .map(|(parcel, outgoing)| (*parcel, of_outgoing(outgoing)));
        let incoming = self
            .incoming
            .iter()
            .filter(|(_, incoming)| incoming.state() == TransferState::Active)
            .map(|(parcel, incoming)| (*parcel, of_incoming(incoming)));
        let active: LiteMap<ParcelId, Standing> = outgoing.chain(incoming).collect();
        self.stalls
            .seen
            .retain(|parcel, _| active.contains_key(parcel));
        for (&parcel, &standing) in &active {
            let fresh = Seen {
                standing,
                since: now,
                told: false,
            };
            match self.stalls.seen.get_mut(&parcel) {
                Some(seen) if seen.standing == standing => {
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

    /// Why nothing of an active transfer gets through, if nothing does.
    pub(super) fn stall(
        &self,
        parcel: ParcelId,
        direction: Direction,
        topics: &Topics,
    ) -> Option<Cause> {
        let seen = self.stalls.seen.get(&parcel).filter(|seen| seen.told)?;
        let standing = match direction {
            Direction::In => self.incoming.get(&parcel).map(of_incoming)?,
            Direction::Out => self.outgoing.get(&parcel).map(of_outgoing)?,
        };
        if seen.standing != standing {
            return None;
        }
        if standing.is_held_up {
            return Some(Cause::HeldUp);
        }
        let topic = topics.data(parcel);
        Some(Cause::Stalled { topic })
    }
}

fn of_incoming(incoming: &Incoming) -> Standing {
    Standing {
        progress: incoming.progress(),
        is_held_up: incoming.waits_for_storage(),
    }
}

fn of_outgoing(outgoing: &Outgoing) -> Standing {
    Standing {
        progress: outgoing.progress(),
        is_held_up: outgoing.waits_for_receivers(),
    }
}
