//! The parcels that are sent and received in a room.

use litemap::LiteMap;
use mqdrop_mqtt::Time;

use super::stall::Stalls;
use crate::api::{AutoAccept, Event};
use crate::cause::Cause;
use crate::effects::Effects;
use crate::frame_size::FrameSize;
use crate::ids::ParcelId;
use crate::incoming::Incoming;
use crate::outgoing::Outgoing;
use crate::view::TransferState;

pub(super) struct Parcels {
    pub(super) outgoing: LiteMap<ParcelId, Outgoing>,
    pub(super) incoming: LiteMap<ParcelId, Incoming>,
    /// The offers that are accepted without asking.
    pub(super) auto_accept: AutoAccept,
    /// The wishes of the room's parcels.
    pub(super) cx: Effects,
    pub(super) stalls: Stalls,
}

impl Parcels {
    pub(super) fn new(auto_accept: AutoAccept) -> Self {
        Self {
            outgoing: LiteMap::new(),
            incoming: LiteMap::new(),
            auto_accept,
            cx: Effects::default(),
            stalls: Stalls::default(),
        }
    }

    pub(super) fn has(&self, parcel: ParcelId) -> bool {
        self.outgoing.contains_key(&parcel) || self.incoming.contains_key(&parcel)
    }

    /// Has each of them say how it stands.
    pub(super) fn tell(&mut self) {
        for &parcel in self.outgoing.keys().chain(self.incoming.keys()) {
            self.cx.event(Event::Transfer(parcel));
        }
    }

    /// Those whose data the broker delivers.
    pub(super) fn subscribed(&self) -> impl Iterator<Item = ParcelId> {
        let subscribed = self.incoming.iter().filter(|(_, it)| it.is_subscribed());
        subscribed.map(|(parcel, _)| *parcel)
    }

    /// This device is in the room, again perhaps. Nothing was under way on another connection.
    pub(super) fn handle_online(&mut self) {
        self.stalls = Stalls::default();
        for (_, incoming) in &mut self.incoming {
            incoming.handle_online(&mut self.cx);
        }
        self.tell();
    }

    pub(super) fn handle_link_lost(&mut self) {
        for (_, outgoing) in &mut self.outgoing {
            outgoing.handle_link_lost(&mut self.cx);
        }
        self.tell();
    }

    pub(super) fn handle_timeout(&mut self, now: Time, size: &mut FrameSize) {
        for (_, outgoing) in &mut self.outgoing {
            outgoing.handle_timeout(now, size, &mut self.cx);
        }
        for (_, incoming) in &mut self.incoming {
            incoming.handle_timeout(now, &mut self.cx);
        }
        let stalled = self
            .stalls
            .look(self.outgoing.iter(), self.incoming.iter(), now);
        for parcel in stalled {
            self.cx.event(Event::Transfer(parcel));
        }
    }

    /// The time to look at whether something is stalled.
    pub(super) fn stall_deadline(&self, now: Time) -> Option<Time> {
        let is_active = |state| state == TransferState::Active;
        self.stalls.deadline(|| self.is_any(is_active, now))
    }

    /// Tells whether something is under way.
    pub(super) fn are_busy(&self, now: Time) -> bool {
        self.is_any(
            |state| matches!(state, TransferState::Active | TransferState::Verifying),
            now,
        )
    }

    /// Tells whether a parcel is in such a state.
    fn is_any(&self, is_meant: impl Fn(TransferState) -> bool, now: Time) -> bool {
        self.incoming.values().any(|i| is_meant(i.state()))
            || self.outgoing.values().any(|o| is_meant(o.state(now)))
    }

    /// The reason why nothing of a transfer gets through, if nothing does. Its data has this topic.
    pub(super) fn stall(&self, parcel: ParcelId, topic: String) -> Option<Cause> {
        match self.outgoing.get(&parcel) {
            Some(outgoing) => self.stalls.cause_of_outgoing(outgoing, topic),
            None => self
                .stalls
                .cause_of_incoming(self.incoming.get(&parcel)?, topic),
        }
    }

    /// The state of a parcel, if this device is in the room; `None` if it is off the list.
    pub(super) fn state(&self, parcel: ParcelId, now: Time) -> Option<TransferState> {
        match self.outgoing.get(&parcel) {
            Some(outgoing) => Some(outgoing.state(now)),
            None => Some(self.incoming.get(&parcel)?.state()),
        }
    }
}
