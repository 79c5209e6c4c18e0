//! Sessions that outlive their connections: what they hold counts, and when they are too many the
//! address that left most of them behind loses its oldest.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mqtt5::QoS;
use mqtt5::broker::router::MessageRouter;
use mqtt5::broker::storage::{
    ClientSession, DynamicStorage, InflightDirection, InflightMessage, QueueHandle, StorageBackend,
};
use mqtt5::packet::publish::PublishPacket;

use super::access;
use super::audience::Audience;
use super::counted::COST_OF_A_COPY;
use super::listener::{MOST_FOR_LATER, NO_LOCAL, Stay};
use super::retained::UNKNOWN;
use crate::seldom::Seldom;

/// Sessions without their client.
pub(crate) const MOST_SESSIONS: usize = 4096;

static TOO_MANY: Seldom = Seldom::new();
static TOO_MANY_RETAINED: Seldom = Seldom::new();

/// Messages of a session whose exchange is unfinished: packet identifiers and bytes.
#[derive(Debug, Default)]
pub(crate) struct Unfinished {
    /// Those that the client was sent.
    pub(crate) sent: Vec<(u16, usize)>,
    /// Those that the client has not released.
    pub(crate) unreleased: Vec<(u16, usize)>,
}

/// Keeps the books of sessions.
#[derive(Clone)]
pub(crate) struct Sessions {
    router: Arc<MessageRouter>,
    storage: Arc<DynamicStorage>,
    audience: Arc<Audience>,
    most: usize,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sessions")
    }
}

impl Sessions {
    /// The sessions of a broker, at most `most` without their clients.
    pub(crate) fn new(
        router: Arc<MessageRouter>,
        storage: Arc<DynamicStorage>,
        audience: Arc<Audience>,
        most: usize,
    ) -> Self {
        Self {
            router,
            storage,
            audience,
            most,
        }
    }

    /// Takes up what an earlier run has left.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) async fn recover(&self) -> mqtt5::Result<()> {
        for client in self.storage.session_client_ids().await? {
            self.note(client.into(), UNKNOWN).await;
        }
        for (topic, message) in self.storage.get_retained_messages("#").await? {
            let size = topic.len() + message.payload.len() + COST_OF_A_COPY;
            let expiry = message.remaining_expiry_interval();
            self.retain(&topic.into(), size, UNKNOWN, expiry).await;
        }
        self.make_room().await;
        Ok(())
    }

    /// Notes what a client leaves behind now that its connection is over.
    pub(crate) async fn note_left(&self, client: &Arc<str>, household: IpAddr) {
        self.note(Arc::clone(client), household).await;
    }

    async fn note(&self, client: Arc<str>, household: IpAddr) {
        let Some(session) = self.left_behind(&client).await else {
            return;
        };
        let filters = session.subscriptions.iter();
        let filters = filters
            .map(|(filter, options)| {
                let no_local = if options.no_local { NO_LOCAL } else { 0 };
                (filter.as_str().into(), options.qos as u8 | no_local)
            })
            .collect();
        let will = session.will_message.as_ref().map_or(0, access::cost);
        let unfinished = self.unfinished(&client).await;
        let mut held = sum(&unfinished.sent);
        let mut unreleased = sum(&unfinished.unreleased);
        if held + unreleased > MOST_FOR_LATER {
            // The crate has no bound for them.
            if let Err(error) = self.storage.remove_all_inflight_messages(&client).await {
                tracing::warn!("cannot forget unfinished messages: {error}");
            }
            (held, unreleased) = (0, 0);
        }
        let queue = self.queue(&client);
        if !queue.is_empty() {
            let queued = queue.peek_all().await;
            held += queued
                .iter()
                .map(|message| message.footprint())
                .sum::<usize>();
        }
        self.audience.stay(Stay {
            client,
            user: session.user_id.map(Into::into),
            household,
            filters,
            held,
            unreleased,
            will,
        });
        self.audience.make_room();
    }

    /// The broker's queue for a client.
    pub(crate) fn queue(&self, client: &str) -> QueueHandle {
        self.storage.queue_handle(client)
    }

    /// The messages of a session whose exchange is unfinished.
    pub(crate) async fn unfinished(&self, client: &str) -> Unfinished {
        let messages = self.storage.get_inflight_messages(client).await;
        let mut unfinished = Unfinished::default();
        for message in messages.unwrap_or_default() {
            let list = match message.direction {
                InflightDirection::Outbound => &mut unfinished.sent,
                InflightDirection::Inbound => &mut unfinished.unreleased,
            };
            list.push((message.packet_id, footprint(&message)));
        }
        unfinished
    }

    /// Has room for a message that is about to be retained.
    pub(crate) async fn retain(
        &self,
        topic: &Arc<str>,
        size: usize,
        household: IpAddr,
        expiry: Option<u32>,
    ) {
        let expiry = expiry.map(|seconds| Duration::from_secs(seconds.into()));
        let retained = &self.audience.retained;
        for leaving in retained.enter(topic, size, household, expiry) {
            if let Some(others) = TOO_MANY_RETAINED.due() {
                tracing::warn!(
                    others,
                    "limit hit: too much is retained, the oldest message of the address with most goes"
                );
            }
            self.clear(&leaving).await;
        }
    }

    /// Removes a retained message the only way the crate knows: those who listen hear an empty one.
    async fn clear(&self, topic: &str) {
        let mut empty = PublishPacket::new(topic, Bytes::new(), QoS::AtMostOnce);
        empty.retain = true;
        self.publish(&empty).await;
    }

    /// Publishes a message that no connection sends.
    pub(crate) async fn publish(&self, message: &PublishPacket) {
        self.router.route_message(message, None).await;
    }

    /// The session of a client that is away.
    async fn left_behind(&self, client: &str) -> Option<ClientSession> {
        let session = self.storage.get_session(client).await.ok()??;
        (!session.connected && session.expiry_interval != Some(0)).then_some(session)
    }

    /// Makes room for another session.
    pub(crate) async fn make_room(&self) {
        while self.audience.away() >= self.most {
            let Some(client) = self.audience.oldest_of_most() else {
                return;
            };
            if let Some(others) = TOO_MANY.due() {
                tracing::warn!(
                    others,
                    "limit hit: too many sessions outlive their clients, one of the address with most of them goes"
                );
            }
            self.remove(&client).await;
        }
    }

    /// Removes those that have to go because too much is held for all, whenever there are any.
    pub(crate) async fn evict(self) {
        loop {
            self.audience.crowded.notified().await;
            for client in self.audience.evicted() {
                self.remove(&client).await;
            }
        }
    }

    /// Forgets sessions and retained messages that have expired.
    pub(crate) async fn sweep(&self) {
        for client in self.audience.absent() {
            // One that is about to come back is there, and connected. Its will, if it had one, was
            // published when the session ended at the latest.
            if let Ok(None) = self.storage.get_session(&client).await {
                self.audience.forget(&client);
            }
        }
        for topic in self.audience.retained.sweep() {
            // There may be a newer one by now.
            if let Ok(None) = self.storage.get_retained_message(&topic).await {
                self.clear(&topic).await;
            }
        }
    }

    async fn remove(&self, client: &Arc<str>) {
        // Nobody comes back to the session while it is taken apart.
        let slot = self.router.lock_session(client).await;
        if self.router.is_connected(client).await {
            return;
        }
        if let Err(error) = self.storage.remove_session(client).await {
            tracing::warn!("cannot remove a session: {error}");
        }
        if let Err(error) = self.storage.remove_all_inflight_messages(client).await {
            tracing::warn!("cannot remove a session's messages: {error}");
        }
        self.storage.queue_handle(client).clear(None);
        self.router.unregister_client(client).await;
        // A task of the crate holds it, until it is published.
        self.router.cancel_pending_will(client);
        self.audience.forget(client);
        drop(slot);
    }
}

fn sum(messages: &[(u16, usize)]) -> usize {
    messages.iter().map(|(_, size)| size).sum()
}

fn footprint(message: &InflightMessage) -> usize {
    let properties = message.user_properties.iter();
    let properties =
        properties.map(|(key, value)| size_of::<(String, String)>() + key.len() + value.len());
    size_of::<InflightMessage>()
        + message.topic.len()
        + message.payload.len()
        + properties.sum::<usize>()
}

#[cfg(test)]
mod tests;
