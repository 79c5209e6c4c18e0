//! The rights of one connection, and its will.
//!
//! The crate publishes a will without a word to anybody but this: it asks for leave as for any
//! other message. So the answer is no, and the will is published here, where it is counted.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock, Weak};

use bytes::Bytes;
use mqtt5::broker::resource_monitor::ResourceMonitor;
use mqtt5::broker::{AuthProvider, AuthResult};
use mqtt5::packet::connect::ConnectPacket;
use mqtt5::packet::publish::PublishPacket;
use mqtt5::{QoS, WillMessage};

use super::audience::Audience;
use super::counted::{COST_OF_A_COPY, Count};
use super::listener::Listener;
use super::reception::{Answer, Reception};
use super::sessions::Sessions;

/// Copies of a will: the connection's, the stored session's, and the one here.
const COPIES: usize = 3;

/// One connection's access. The task that waits with a delayed will keeps it for as long.
pub(crate) struct Access {
    reception: Arc<Reception>,
    sessions: Sessions,
    audience: Arc<Audience>,
    listener: Weak<Listener>,
    household: IpAddr,
    /// Of this connection alone: it counts none any more from before the will is published.
    connections: Arc<ResourceMonitor>,
    /// The client's identifier, once its login was accepted.
    client: OnceLock<Arc<str>>,
    will: OnceLock<WillMessage>,
}

impl Access {
    /// The access of `listener`, which `connections` counts and no other.
    pub(crate) fn new(
        reception: &Arc<Reception>,
        sessions: &Sessions,
        audience: &Arc<Audience>,
        listener: &Arc<Listener>,
        connections: &Arc<ResourceMonitor>,
    ) -> Arc<Self> {
        Arc::new(Self {
            reception: Arc::clone(reception),
            sessions: sessions.clone(),
            audience: Arc::clone(audience),
            listener: Arc::downgrade(listener),
            household: listener.household,
            connections: Arc::clone(connections),
            client: OnceLock::new(),
            will: OnceLock::new(),
        })
    }

    /// Notes what is left behind now that the connection is over, also where it broke before the
    /// client heard that it was let in.
    pub(crate) async fn leave(&self) {
        if let Some(client) = self.client.get() {
            self.sessions.note_left(client, self.household).await;
        }
    }

    /// Publishes the will, counted.
    async fn publish(&self, client: &str, will: &WillMessage) {
        self.audience.note_will_gone(client);
        let size = will.payload.len() + will.topic.len() + properties(will) + COST_OF_A_COPY;
        let count = if will.qos == QoS::AtMostOnce {
            Count::under_way(&self.audience.ledger.gauge(), size)
        } else {
            Count::owed(&self.audience, &will.topic, None, size)
        };
        let payload = count.with(Bytes::copy_from_slice(&will.payload));
        self.audience.wait_until_room_is_made().await;
        let mut publish = PublishPacket::new(will.topic.clone(), payload, will.qos);
        publish.retain = will.retain;
        let to = &mut publish.properties;
        will.properties.apply_to_publish_properties(to);
        if will.retain && !will.payload.is_empty() {
            let expiry = will.properties.message_expiry_interval;
            let topic = will.topic.as_str().into();
            self.sessions
                .retain(&topic, size, self.household, expiry)
                .await;
        }
        self.sessions.publish(&publish).await;
    }
}

/// Bytes that a will takes.
pub(crate) fn cost(will: &WillMessage) -> usize {
    COPIES * (size_of::<WillMessage>() + will.topic.len() + will.payload.len() + properties(will))
}

/// Bytes that the properties of a will take.
fn properties(will: &WillMessage) -> usize {
    let all = &will.properties;
    let users = all.user_properties.iter();
    // A vector's room may be twice what it holds.
    let users =
        users.map(|(key, value)| 2 * size_of::<(String, String)>() + key.len() + value.len());
    let texts = [&all.content_type, &all.response_topic];
    let texts = texts.map(|text| text.as_ref().map_or(0, String::len));
    let data = all.correlation_data.as_ref().map_or(0, Vec::len);
    users.sum::<usize>() + texts.iter().sum::<usize>() + data
}

impl AuthProvider for Access {
    fn authenticate<'a>(
        &'a self,
        connect: &'a ConnectPacket,
        peer: SocketAddr,
    ) -> Answer<'a, mqtt5::Result<AuthResult>> {
        Box::pin(async move {
            let result = self.reception.authenticate(connect, peer).await?;
            if result.authenticated {
                // A connection logs in once.
                let _ = self.client.set(connect.client_id.as_str().into());
            }
            if result.authenticated
                && let Some(will) = &connect.will
                && let Some(listener) = self.listener.upgrade()
                && self.will.set(will.clone()).is_ok()
            {
                listener.gauge.keep(cost(will));
            }
            Ok(result)
        })
    }

    fn authorize_publish<'a>(
        &'a self,
        client: &str,
        user: Option<&'a str>,
        topic: &'a str,
    ) -> Answer<'a, bool> {
        let leave = self.reception.authorize_publish(client, user, topic);
        Box::pin(async move {
            let is_allowed = leave.await;
            if let Some(client) = self.client.get()
                && let Some(will) = self.will.get()
                && self.connections.get_stats().await.current_connections == 0
            {
                if is_allowed {
                    self.publish(client, will).await;
                }
                return false;
            }
            is_allowed
        })
    }

    fn authorize_subscribe<'a>(
        &'a self,
        client: &str,
        user: Option<&'a str>,
        filter: &'a str,
    ) -> Answer<'a, bool> {
        self.reception.authorize_subscribe(client, user, filter)
    }
}
