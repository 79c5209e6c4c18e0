//! Subscriptions to parcels' data, of which a broker may give only so many.

use core::time::Duration;
use std::collections::VecDeque;

use litemap::LiteMap;
use mqdrop_mqtt::{QoS, RequestError, Session, Subscription, Ticket, Time};

use super::topics::Topics;
use crate::effects::DataTopic;
use crate::ids::ParcelId;

/// A broker that gave no subscription is asked again after so long, then after twice as long …
const FIRST_RETRY: Duration = Duration::from_secs(5);
/// … up to this.
const LAST_RETRY: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Subscriptions {
    /// Changes that the session did not take yet; kept through interruptions, as the broker may
    /// keep what it was told before.
    changes: LiteMap<ParcelId, DataTopic>,
    /// Changes that the broker has not answered.
    asked: LiteMap<Ticket, ParcelId>,
    /// Parcels that the broker had no subscription for.
    waiting: VecDeque<ParcelId>,
    /// When the first of them is tried again, though none was given up meanwhile.
    retry: Option<Time>,
    /// How often in a row that was in vain.
    refusals: u32,
}

impl Subscriptions {
    /// Begins or stops listening to a parcel's data, as soon as the session takes it.
    pub(super) fn change(&mut self, change: DataTopic) {
        let (DataTopic::Subscribe(parcel) | DataTopic::Unsubscribe(parcel)) = change;
        self.waiting.retain(|waiting| *waiting != parcel);
        self.changes.insert(parcel, change);
    }

    /// A new connection: what was asked on the one before is asked anew by who wants it.
    pub(super) fn handle_connected(&mut self) {
        self.asked.clear();
        self.waiting.clear();
        (self.retry, self.refusals) = (None, 0);
    }

    /// Gives changes to the session, as far as it takes them.
    pub(super) fn flush(&mut self, session: &mut Session, topics: &Topics, now: Time) {
        while let Some((&parcel, _)) = self.changes.first()
            && let Some(change) = self.changes.remove(&parcel)
        {
            let topic = topics.data(parcel);
            let taken = match change {
                DataTopic::Subscribe(_) => {
                    let wanted = Subscription {
                        filter: topic,
                        qos: QoS::AtMostOnce,
                        no_local: true,
                    };
                    let ticket = session.subscribe(&[wanted], now);
                    ticket.map(|ticket| {
                        self.asked.insert(ticket, parcel);
                    })
                }
                DataTopic::Unsubscribe(_) => session.unsubscribe(&[&topic], now).map(drop),
            };
            if taken == Err(RequestError::QueueFull) {
                self.changes.insert(parcel, change);
                return;
            }
        }
    }

    /// Parcels whose subscription the broker has not answered.
    pub(super) fn asked(&self) -> impl Iterator<Item = ParcelId> {
        self.asked.values().copied()
    }

    /// The parcel that SUBACK is about.
    pub(super) fn answered(&mut self, ticket: Ticket) -> Option<ParcelId> {
        self.asked.remove(&ticket)
    }

    /// The broker gave a subscription: there may be another one.
    pub(super) fn granted(&mut self) {
        self.refusals = 0;
        self.try_next();
    }

    /// The broker has none for this parcel now.
    pub(super) fn refused(&mut self, parcel: ParcelId, now: Time) {
        self.waiting.push_back(parcel);
        let wait = FIRST_RETRY * 2u32.pow(self.refusals.min(8));
        self.refusals += 1;
        self.retry = Some(now + wait.min(LAST_RETRY));
    }

    /// The broker was given one back.
    pub(super) fn given_back(&mut self) {
        self.try_next();
    }

    /// When another try is due.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.retry
    }

    pub(super) fn handle_timeout(&mut self, now: Time) {
        if self.retry.take_if(|retry| *retry <= now).is_some() {
            self.try_next();
        }
    }

    fn try_next(&mut self) {
        if let Some(parcel) = self.waiting.pop_front() {
            self.changes.insert(parcel, DataTopic::Subscribe(parcel));
        }
        if self.waiting.is_empty() {
            self.retry = None;
        }
    }
}
