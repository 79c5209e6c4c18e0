//! The wishes of a transfer, collected while it handles an input.

use std::collections::VecDeque;

use crate::api::Event;
use crate::ids::{DeviceId, ParcelId};
use crate::io::StoreRequest;
use crate::message::Body;

/// Whom a control message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    Room,
    Device(DeviceId),
}

/// A wish to begin or stop listening to a parcel's data frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataTopic {
    Subscribe(ParcelId),
    Unsubscribe(ParcelId),
}

#[derive(Default)]
pub(crate) struct Effects {
    pub(crate) messages: VecDeque<(To, Body)>,
    /// Events that others brought about: they decide how many there are.
    pub(crate) answers: VecDeque<(DeviceId, Body)>,
    pub(crate) topics: VecDeque<DataTopic>,
    pub(crate) store: VecDeque<StoreRequest>,
    pub(crate) events: VecDeque<Event>,
}

impl Effects {
    pub(crate) fn send(&mut self, device: DeviceId, body: Body) {
        self.messages.push_back((To::Device(device), body));
    }

    /// Says something that may be left out: whoever it is for asks again, or it is said again in time.
    pub(crate) fn answer(&mut self, device: DeviceId, body: Body) {
        self.answers.push_back((device, body));
    }

    pub(crate) fn broadcast(&mut self, body: Body) {
        self.messages.push_back((To::Room, body));
    }

    /// Takes over what storage and user are to be told.
    pub(crate) fn take_over(&mut self, other: &mut Self) {
        self.store.append(&mut other.store);
        for event in other.events.drain(..) {
            self.event(event);
        }
    }

    /// Queues an event, unless the very same one is waiting already.
    pub(crate) fn event(&mut self, event: Event) {
        if !self.events.contains(&event) {
            self.events.push_back(event);
        }
    }
}
