//! Admission of clients: logins first, then room for the session that a client may leave
//! behind, and the filters it may subscribe to.

use std::future::{Future, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use mqtt5::broker::storage::ClientSession;
use mqtt5::broker::{AuthProvider, AuthResult};
use mqtt5::packet::connect::ConnectPacket;
use mqtt5::protocol::v5::reason_codes::ReasonCode;

use super::audience::Audience;
use super::login::Logins;
use super::sessions::Sessions;

/// Checks logins, makes room for sessions, and keeps to the rules for topics.
pub(crate) struct Reception {
    logins: Logins,
    sessions: Sessions,
    audience: Arc<Audience>,
}

impl Reception {
    /// A reception for those with one of the logins.
    pub(crate) fn new(logins: Logins, sessions: Sessions, audience: Arc<Audience>) -> Self {
        Self {
            logins,
            sessions,
            audience,
        }
    }
}

/// An answer to the broker's crate, which asks without knowing how long that takes.
pub(crate) type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl AuthProvider for Reception {
    fn authenticate<'a>(
        &'a self,
        connect: &'a ConnectPacket,
        peer: SocketAddr,
    ) -> Answer<'a, mqtt5::Result<AuthResult>> {
        Box::pin(async move {
            let result = self.logins.check(connect, peer).await;
            // A connected client's place is taken by who comes with its identifier.
            if let Some(user) = &result.user_id
                && self.audience.is_of_another(&connect.client_id, user)
            {
                return Ok(AuthResult::fail(ReasonCode::ClientIdentifierNotValid));
            }
            if result.authenticated && ClientSession::expiry_from_connect(connect) != Some(0) {
                self.sessions.make_room().await;
            }
            Ok(result)
        })
    }

    fn authorize_publish<'a>(
        &'a self,
        _client_id: &str,
        _user: Option<&'a str>,
        topic: &'a str,
    ) -> Answer<'a, bool> {
        // An alias could bring a longer one; see the module `inspector`.
        let is_allowed = topic.len() <= self.audience.rules.longest_topic();
        Box::pin(ready(is_allowed))
    }

    fn authorize_subscribe<'a>(
        &'a self,
        client_id: &str,
        _user: Option<&'a str>,
        filter: &'a str,
    ) -> Answer<'a, bool> {
        Box::pin(ready(self.audience.allow(client_id, filter)))
    }
}
