//! Sessions that outlive their connections: what they hold counts, and when they are too many the
//! address that left most of them behind loses its oldest.

use std::net::IpAddr;
use std::sync::Arc;

use mqtt5::broker::router::MessageRouter;
use mqtt5::broker::storage::{ClientSession, DynamicStorage, StorageBackend};

use super::audience::Audience;
use super::listener::{Listener, NO_LOCAL, Stay};
use super::seat::MOST_FOR_LATER;
use crate::logs::Seldom;

/// Sessions without their client.
pub(crate) const MOST_SESSIONS: usize = 4096;
/// Stands for the clients of an earlier run, whose addresses are not known.
const FORMER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);

static TOO_MANY: Seldom = Seldom::new();

/// Keeps the books of sessions.
#[derive(Clone)]
pub(crate) struct Sessions {
    router: Arc<MessageRouter>,
    storage: Arc<DynamicStorage>,
    audience: Arc<Audience>,
    most: usize,
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
            self.note(client.into(), FORMER).await;
        }
        for (topic, message) in self.storage.get_retained_messages("#").await? {
            let size = topic.len() + message.payload.len();
            self.audience
                .retain(&topic.into(), message.payload.len(), size);
        }
        self.make_room().await;
        Ok(())
    }

    /// Notes what `listener` leaves behind now that its connection is over.
    pub(crate) async fn note_left(&self, listener: &Listener) {
        if let Some(client) = listener.client() {
            self.note(Arc::clone(client), listener.household).await;
        }
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
        let mut held = session.will_message.map_or(0, |will| will.payload.len());
        held += self.inflight(&client).await;
        let queue = self.storage.queue_handle(&client);
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
        });
        self.audience.make_room();
    }

    /// Bytes of messages whose exchange is unfinished. Too many of them are forgotten: the crate
    /// has no bound for them.
    async fn inflight(&self, client: &str) -> usize {
        let messages = self.storage.get_inflight_messages(client).await;
        let messages = messages.unwrap_or_default();
        let size = |payload: usize| payload + size_of::<ClientSession>();
        let sum = messages
            .iter()
            .map(|message| size(message.payload.len()))
            .sum();
        if sum <= MOST_FOR_LATER {
            return sum;
        }
        if let Err(error) = self.storage.remove_all_inflight_messages(client).await {
            tracing::warn!("cannot forget unfinished messages: {error}");
        }
        0
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

    /// Forgets those that have expired.
    pub(crate) async fn sweep(&self) {
        for client in self.audience.absent() {
            if self.left_behind(&client).await.is_none() {
                self.audience.forget(&client);
            }
        }
    }

    async fn remove(&self, client: &Arc<str>) {
        // Nobody comes back to the session while it is taken apart.
        let slot = self.router.lock_session(client).await;
        if !self.router.is_connected(client).await {
            if let Err(error) = self.storage.remove_session(client).await {
                tracing::warn!("cannot remove a session: {error}");
            }
            if let Err(error) = self.storage.remove_all_inflight_messages(client).await {
                tracing::warn!("cannot remove a session's messages: {error}");
            }
            self.storage.queue_handle(client).clear(None);
            self.router.unregister_client(client).await;
        }
        drop(slot);
        self.audience.forget(client);
    }
}
