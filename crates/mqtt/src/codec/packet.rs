//! The packets that the codec reads and writes, in the session's terms.

use bytes::{Bytes, BytesMut};

use super::framing::varint_len;
use crate::types::{Login, Message, QoS, ReasonCode, Version, Will};

/// A packet from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    ConnAck(ConnAck),
    Publish {
        /// The packet identifier; `None` at QoS 0.
        id: Option<u16>,
        message: Message,
    },
    PubAck {
        id: u16,
        reason: ReasonCode,
    },
    SubAck {
        id: u16,
        reasons: Vec<ReasonCode>,
    },
    UnsubAck {
        id: u16,
        /// Empty on 3.1.1, which reports none.
        reasons: Vec<ReasonCode>,
    },
    PingResp,
    Disconnect {
        reason: ReasonCode,
        text: Option<String>,
    },
}

/// The contents of CONNACK; on 3.1.1 only the first three.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConnAck {
    pub(crate) session_present: bool,
    pub(crate) reason: ReasonCode,
    /// In the form of 3.1.1, whichever version was asked for.
    pub(crate) is_v311: bool,
    pub(crate) receive_maximum: Option<u16>,
    pub(crate) max_packet_size: Option<u32>,
    pub(crate) max_qos: Option<QoS>,
    pub(crate) retain_available: Option<bool>,
    /// Seconds.
    pub(crate) server_keep_alive: Option<u16>,
    pub(crate) assigned_client_id: Option<String>,
    pub(crate) text: Option<String>,
}

impl ConnAck {
    /// A CONNACK that says nothing else.
    pub(super) fn new(session_present: bool, reason: ReasonCode) -> Self {
        Self {
            session_present,
            reason,
            is_v311: false,
            receive_maximum: None,
            max_packet_size: None,
            max_qos: None,
            retain_available: None,
            server_keep_alive: None,
            assigned_client_id: None,
            text: None,
        }
    }
}

/// The contents of CONNECT. Times are in seconds.
#[derive(Debug)]
pub(crate) struct Connect<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) clean: bool,
    pub(crate) keep_alive: u16,
    pub(crate) login: Option<&'a Login>,
    pub(crate) will: Option<&'a Will>,
    pub(crate) session_expiry: u32,
    pub(crate) receive_maximum: u16,
    pub(crate) max_packet_size: u32,
}

/// A packet that MQTT cannot carry, being too long; callers check lengths before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// The length of a PUBLISH in bytes, fixed header included, and of what follows the fixed header.
pub(crate) fn publish_len(
    version: Version,
    topic: &str,
    payload: usize,
    qos: QoS,
) -> (usize, usize) {
    let identifier = match qos {
        QoS::AtMostOnce => 0,
        QoS::AtLeastOnce => 2,
    };
    let properties = match version {
        Version::V5 => 1,
        Version::V311 => 0,
    };
    let remaining = 2 + topic.len() + identifier + properties + payload;
    (1 + varint_len(remaining) + remaining, remaining)
}

/// The same PUBLISH with DUP set, for sending it again (section 3.3.1.1).
pub(crate) fn repeated(publish: Bytes) -> Bytes {
    let mut packet = BytesMut::from(publish);
    if let Some(first) = packet.first_mut() {
        *first |= 0x08;
    }
    packet.freeze()
}
