//! Transfers that should move and do not: a broker that drops data tells nobody.

use core::time::Duration;

use litemap::LiteMap;
use mqdrop_mqtt::Time;

use crate::cause::Cause;
use crate::ids::ParcelId;
use crate::incoming::Incoming;
use crate::outgoing::Outgoing;
use crate::view::TransferState;

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
    /// The time to look again; `None` while nothing is under way, which `is_any_active` says if nothing
    /// was when they were looked at last.
    pub(super) fn deadline(&self, is_any_active: impl FnOnce() -> bool) -> Option<Time> {
        (!self.seen.is_empty() || is_any_active()).then_some(self.next)
    }

    /// Looks at what is under way, if it is time. Answers which transfers have come to a halt.
    pub(super) fn look<'a>(
        &mut self,
        outgoing: impl Iterator<Item = (&'a ParcelId, &'a Outgoing)>,
        incoming: impl Iterator<Item = (&'a ParcelId, &'a Incoming)>,
        now: Time,
    ) -> Vec<ParcelId> {
        if now < self.next {
            return Vec::new();
        }
        self.next = now + LOOK;
        let outgoing = outgoing
            .filter(|(_, outgoing)| outgoing.state(now) == TransferState::Active)
            .map(|(parcel, outgoing)| (*parcel, of_outgoing(outgoing)));
        let incoming = incoming
            .filter(|(_, incoming)| incoming.state() == TransferState::Active)
            .map(|(parcel, incoming)| (*parcel, of_incoming(incoming)));
        let active: LiteMap<ParcelId, Standing> = outgoing.chain(incoming).collect();
        self.seen.retain(|parcel, _| active.contains_key(parcel));
        let mut stalled = Vec::new();
        for (&parcel, &standing) in &active {
            let fresh = Seen {
                standing,
                since: now,
                told: false,
            };
            match self.seen.get_mut(&parcel) {
                Some(seen) if seen.standing == standing => {
                    let is_stalled = now.since(seen.since) >= PATIENCE;
                    if is_stalled && !std::mem::replace(&mut seen.told, true) {
                        stalled.push(parcel);
                    }
                }
                _ => {
                    self.seen.insert(parcel, fresh);
                }
            }
        }
        stalled
    }

    /// The reason why nothing of an outgoing transfer gets through, if nothing does. Its data has this topic.
    pub(super) fn cause_of_outgoing(&self, outgoing: &Outgoing, topic: String) -> Option<Cause> {
        self.cause(outgoing.parcel(), of_outgoing(outgoing), topic)
    }

    /// The reason why nothing of an incoming transfer arrives, if nothing does. Its data has this topic.
    pub(super) fn cause_of_incoming(&self, incoming: &Incoming, topic: String) -> Option<Cause> {
        self.cause(incoming.parcel(), of_incoming(incoming), topic)
    }

    fn cause(&self, parcel: ParcelId, standing: Standing, topic: String) -> Option<Cause> {
        let seen = self.seen.get(&parcel).filter(|seen| seen.told)?;
        if seen.standing != standing {
            return None;
        }
        Some(if standing.is_held_up {
            Cause::HeldUp
        } else {
            Cause::Stalled { topic }
        })
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
