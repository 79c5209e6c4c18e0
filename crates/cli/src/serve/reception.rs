//! Who gets in, and who may leave something here: after the login, a bound on the sessions that
//! outlive their connections. Each of them holds messages for a client that may never come back.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use mqtt5::broker::storage::{ClientSession, DynamicStorage, StorageBackend};
use mqtt5::broker::{AuthProvider, AuthResult};
use mqtt5::packet::connect::ConnectPacket;
use mqtt5::protocol::v5::reason_codes::ReasonCode;

use super::login::Logins;
use super::pressure::Audience;
use crate::logs::Seldom;

static TOO_MANY: Seldom = Seldom::new();

/// Checks logins, then sessions.
pub(crate) struct Reception {
    logins: Logins,
    storage: Arc<DynamicStorage>,
    audience: Arc<Audience>,
    /// Sessions without their client.
    most_sessions: usize,
}

impl Reception {
    /// A reception that lets at most `most_sessions` stay behind.
    pub(crate) fn new(
        logins: Logins,
        storage: Arc<DynamicStorage>,
        audience: Arc<Audience>,
        most_sessions: usize,
    ) -> Self {
        Self {
            logins,
            storage,
            audience,
            most_sessions,
        }
    }

    /// Whether there is room for the session this client will leave behind, if it leaves one.
    async fn has_room_for(&self, connect: &ConnectPacket) -> mqtt5::Result<bool> {
        if ClientSession::expiry_from_connect(connect) == Some(0) {
            return Ok(true);
        }
        let sessions = self.storage.session_client_ids().await?;
        let left_behind = sessions.len().saturating_sub(self.audience.clients());
        Ok(left_behind < self.most_sessions || sessions.contains(&connect.client_id))
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl AuthProvider for Reception {
    fn authenticate<'a>(
        &'a self,
        connect: &'a ConnectPacket,
        peer: SocketAddr,
    ) -> Answer<'a, mqtt5::Result<AuthResult>> {
        Box::pin(async move {
            let result = self.logins.authenticate(connect, peer).await?;
            if !result.authenticated || self.has_room_for(connect).await? {
                return Ok(result);
            }
            if let Some(others) = TOO_MANY.due() {
                tracing::warn!(%peer, others, "limit hit: too many sessions outlive their clients");
            }
            Ok(AuthResult::fail(ReasonCode::QuotaExceeded))
        })
    }

    fn authorize_publish<'a>(
        &'a self,
        client_id: &str,
        user: Option<&'a str>,
        topic: &'a str,
    ) -> Answer<'a, bool> {
        self.logins.authorize_publish(client_id, user, topic)
    }

    fn authorize_subscribe<'a>(
        &'a self,
        client_id: &str,
        user: Option<&'a str>,
        filter: &'a str,
    ) -> Answer<'a, bool> {
        self.logins.authorize_subscribe(client_id, user, filter)
    }
}

#[cfg(test)]
mod tests {
    use mqtt5::broker::storage::MemoryBackend;

    use super::*;

    fn connect(id: &str, expiry: u32) -> ConnectPacket {
        let options = mqtt5::ConnectOptions::new(id).protocol_options;
        let mut connect = ConnectPacket::new(options);
        connect.protocol_version = 5;
        connect.properties.set_session_expiry_interval(expiry);
        connect
    }

    #[tokio::test]
    async fn sessions_that_stay_are_bounded_and_known_ones_welcome() {
        let storage = Arc::new(DynamicStorage::Memory(MemoryBackend::new()));
        let logins = Logins::load(&[], None).unwrap();
        let audience = Arc::new(Audience::new(1));
        let reception = Reception::new(logins, Arc::clone(&storage), audience, 2);
        for id in ["one", "two"] {
            assert!(reception.has_room_for(&connect(id, 60)).await.unwrap());
            let session = ClientSession::new(id.to_owned(), true, Some(60));
            storage.store_session(session).await.unwrap();
        }
        assert!(!reception.has_room_for(&connect("three", 60)).await.unwrap());
        assert!(reception.has_room_for(&connect("three", 0)).await.unwrap());
        assert!(reception.has_room_for(&connect("two", 60)).await.unwrap());

        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let refused = reception.authenticate(&connect("three", 60), peer).await;
        let refused = refused.unwrap();
        assert!(!refused.authenticated);
        assert_eq!(refused.reason_code, ReasonCode::QuotaExceeded);
    }
}
