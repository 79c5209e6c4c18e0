//! Messages that count while any copy of them exists.

use std::sync::{Arc, Weak};

use bytes::Bytes;

use super::audience::Audience;
use super::gauge::{Gauge, UnderWay};
use super::listener::has_to_acknowledge;
use crate::seldom::Seldom;

/// The memory that a copy of a message takes besides its payload, topic and properties, in bytes.
pub(crate) const COST_OF_A_COPY: usize = 512;
/// A decoded property takes up to so many times its length.
pub(crate) const COST_OF_PROPERTIES: usize = 20;

static TOO_MUCH: Seldom = Seldom::new();

/// A message's count, which is given back when the payload goes.
pub(crate) enum Count {
    /// A QoS 0 message: for its publisher.
    UnderWay { _bytes: UnderWay },
    /// Any other: those who hear it see by this that it exists.
    Exists { _copies: Arc<()> },
}

impl Count {
    /// Counts a message of QoS 0 for the one who sent it.
    pub(crate) fn under_way(gauge: &Gauge, size: usize) -> Self {
        Self::UnderWay {
            _bytes: gauge.send(size),
        }
    }

    /// Counts a message for everyone who has to acknowledge it. Those who owe too much lose their
    /// connection. `publisher` is the listener that sent it, if it is one.
    pub(crate) fn owed(
        audience: &Audience,
        topic: &str,
        publisher: Option<u64>,
        size: usize,
    ) -> Self {
        let copies = Arc::new(());
        let enough = audience.queues.drop_above;
        for (listener, options) in audience.listeners_of(topic) {
            if !has_to_acknowledge(options, Some(listener.id) == publisher) {
                continue;
            }
            if !listener.is_present() {
                listener.keep_for_later(size);
                continue;
            }
            let alive: Weak<()> = Arc::downgrade(&copies);
            let before = listener.owe(size, alive, enough);
            if before > 0 && before + size > enough && !listener.is_ended() {
                if let Some(others) = TOO_MUCH.due() {
                    tracing::warn!(
                        others,
                        "limit hit: closing the connection of a client that does not acknowledge, see --max-queue"
                    );
                }
                listener.end("too much was waiting for it");
            }
        }
        Self::Exists { _copies: copies }
    }

    /// The payload that gives the count back when its last copy goes.
    pub(crate) fn with(self, payload: Bytes) -> Bytes {
        Bytes::from_owner(Counted {
            payload,
            _count: self,
        })
    }
}

struct Counted {
    payload: Bytes,
    _count: Count,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.payload
    }
}
