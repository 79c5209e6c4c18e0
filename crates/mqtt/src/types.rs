use core::fmt;
use core::time::Duration;

use bytes::Bytes;

/// The protocol version spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// MQTT 3.1.1, protocol level 4.
    V311,
    /// MQTT 5, protocol level 5.
    V5,
}

/// Which protocol version a session may speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VersionPolicy {
    /// MQTT 5 first; 3.1.1 after a broker refused the version, or did not begin to speak it properly.
    #[default]
    Auto,
    /// Only this version.
    Only(Version),
    /// As `Auto`, but begin with 3.1.1: it worked at this broker the last time.
    Prefer311,
}

/// Quality of service of a publication or subscription; QoS 2 is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QoS {
    /// QoS 0: no acknowledgement.
    AtMostOnce,
    /// QoS 1: acknowledged with PUBACK, which speaks of the broker, never of the receiver.
    AtLeastOnce,
}

/// The user name and password of a CONNECT; an empty one is left out. Its `Debug` hides the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// User name; UTF-8, at most 65,535 bytes.
    pub username: String,
    /// Password; at most 65,535 bytes. 3.1.1 takes one only together with a user name.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// The message a broker publishes for a client that vanished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Will {
    /// Where it is published.
    pub topic: String,
    /// Its content.
    pub payload: Bytes,
    /// Its quality of service.
    pub qos: QoS,
    /// MQTT 5: how long the broker waits for the session to be resumed before it publishes the will.
    pub delay: Duration,
}

/// The wishes of a session in its CONNECT.
#[derive(Clone, Debug)]
pub struct Options {
    /// Client identifier; may be empty on MQTT 5, then the broker assigns one.
    pub client_id: String,
    /// Which protocol version to speak.
    pub version: VersionPolicy,
    /// User name and password.
    pub login: Option<Login>,
    /// The will, if any.
    pub will: Option<Will>,
    /// The longest silence before a PINGREQ; the server may shorten it (MQTT 5). Whole seconds, 1 s to 65,535 s.
    /// Of a server that says nothing no more than 45 s are borne.
    pub keep_alive: Duration,
    /// MQTT 5: how long the broker keeps the session after the connection ends. Zero: a new session on every connection.
    /// On 3.1.1 every connection begins a clean session, because a broker would keep it without end.
    pub session_expiry: Duration,
    /// Packets longer than this are not accepted from the broker; announced on MQTT 5. Bytes, fixed header
    /// included. Packets other than PUBLISH are not accepted beyond 128 KiB in any case.
    pub max_incoming_packet: u32,
    /// How many QoS 1 messages the broker may send before an acknowledgement; announced on MQTT 5. At least 1.
    pub receive_maximum: u16,
}

/// The limits that the server announced. On 3.1.1 it announces none, and the protocol's own maximum stands here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most unacknowledged QoS 1 publications it takes.
    pub receive_maximum: u16,
    /// The longest packet it takes, in bytes, if it named one.
    pub max_packet_size: Option<u32>,
    /// The highest quality of service it takes.
    pub max_qos: QoS,
    /// The keep-alive in force: what was asked for, or the Server Keep Alive if that is shorter.
    pub keep_alive: Duration,
    /// Whether it takes retained messages.
    pub retain_available: bool,
}

/// A message from the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Topic name.
    pub topic: String,
    /// Content; a slice of what the transport delivered wherever the packet was whole in it.
    pub payload: Bytes,
    /// Quality of service it was delivered with.
    pub qos: QoS,
    /// Whether it was a retained message.
    pub retain: bool,
    /// Whether it may be a repetition.
    pub dup: bool,
}

/// One topic filter of a SUBSCRIBE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Topic filter, wildcards allowed.
    pub filter: String,
    /// The highest quality of service wanted.
    pub qos: QoS,
    /// MQTT 5: do not deliver what this client itself publishes. 3.1.1 has no such option; expect echoes there.
    pub no_local: bool,
}

/// Names a QoS 1 publication, SUBSCRIBE or UNSUBSCRIBE until its acknowledgement event. Never reused within a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub(crate) u64);

/// A server's reason code (MQTT 5) or its nearest MQTT 5 equivalent (3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReasonCode(pub u8);

/// An event of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// CONNACK accepted the connection. Without `session_present` nothing is subscribed and nothing is in flight.
    Connected {
        /// Whether the broker resumed the earlier session.
        session_present: bool,
        /// The version now spoken.
        version: Version,
        /// The limits that the broker announced.
        limits: Limits,
    },
    /// A message arrived.
    Message(Message),
    /// PUBACK for a QoS 1 publication; an error reason means the broker did not take it.
    Published {
        /// Which publication.
        ticket: Ticket,
        /// `Err` carries a reason code of 0x80 or above.
        result: Result<(), ReasonCode>,
    },
    /// SUBACK, one result a filter in the order they were asked for.
    Subscribed {
        /// Which SUBSCRIBE.
        ticket: Ticket,
        /// The granted QoS or the reason of the refusal.
        results: Vec<Result<QoS, ReasonCode>>,
    },
    /// UNSUBACK.
    Unsubscribed {
        /// Which UNSUBSCRIBE.
        ticket: Ticket,
    },
    /// The connection is over; the driver must close the transport if it is still open.
    /// After this only `handle_connected` brings the session back.
    Disconnected(Disconnect),
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Disconnect {
    /// The transport ended by itself after CONNACK.
    #[error("the connection was lost")]
    TransportClosed,
    /// The transport ended before CONNACK: not an MQTT broker, or it wants another version. With
    /// [`VersionPolicy::Auto`] the next connection speaks the other version, as
    /// [`Session::is_changing_version`](crate::Session::is_changing_version) tells.
    #[error("the broker closed the connection before answering")]
    ClosedBeforeConnack,
    /// CONNACK refused the connection.
    #[error("the broker refused the connection: reason code {:#04x}", .reason.0)]
    Refused {
        /// The reason code.
        reason: ReasonCode,
        /// The server's own words (MQTT 5 Reason String), at most 1,024 characters.
        text: Option<String>,
    },
    /// The server sent DISCONNECT.
    #[error("the broker ended the connection: reason code {:#04x}", .reason.0)]
    ByServer {
        /// The reason code.
        reason: ReasonCode,
        /// The server's own words (MQTT 5 Reason String), at most 1,024 characters.
        text: Option<String>,
    },
    /// No CONNACK came in time.
    #[error("the broker did not answer in time")]
    ConnackTimeout,
    /// The server fell silent: no answer to PINGREQ.
    #[error("the broker stopped answering")]
    KeepAliveTimeout,
    /// The server broke the protocol.
    #[error("the broker sent something that is not valid MQTT: {0}")]
    Protocol(&'static str),
    /// The [`Options`] cannot be put into a CONNECT of the version to be spoken; nothing was sent.
    #[error("these settings cannot be used: {0:?}")]
    InvalidOptions(Unfit),
    /// [`Session::disconnect`](crate::Session::disconnect) was called.
    #[error("disconnected")]
    ByClient,
}

/// The part of [`Options`] that does not fit into a CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Unfit {
    /// The client identifier: too long, or with a zero character.
    ClientId,
    /// The user name: too long, or with a zero character.
    Username,
    /// The password: too long.
    Password,
    /// A password without a user name, which MQTT 3.1.1 does not have.
    PasswordAlone,
    /// The will's topic: not a valid one.
    WillTopic,
    /// The will's payload: longer than 65,535 bytes.
    WillPayload,
    /// All of them together: too long for one packet.
    Together,
}

/// Why a packet was not accepted for sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// There is no accepted connection; ask again after [`Event::Connected`].
    #[error("not connected")]
    NotConnected,
    /// The packet would be longer than the server takes.
    #[error("packet of {size} bytes, but the broker takes at most {limit}")]
    TooLarge {
        /// The packet's whole length.
        size: usize,
        /// The server's Maximum Packet Size, or the protocol's.
        limit: usize,
    },
    /// Not a valid topic name or topic filter (MQTT 5, section 4.7): empty, NUL, misplaced wildcard, longer than 65,535 bytes.
    #[error("not a valid topic")]
    InvalidTopic,
    /// Too many requests wait for the broker's acknowledgement; ask again after one came.
    #[error("too many requests wait for the broker")]
    QueueFull,
}

/// Why [`Session::poll_timeout`](crate::Session::poll_timeout) wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// CONNACK is due.
    Connack,
    /// A PINGREQ must be sent.
    KeepAlive,
    /// The answer to a PINGREQ is due.
    PingResponse,
}
