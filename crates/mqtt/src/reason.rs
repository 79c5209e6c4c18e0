use crate::types::ReasonCode;

impl ReasonCode {
    /// Success, normal disconnection, or granted QoS 0.
    pub const SUCCESS: Self = Self(0x00);
    /// DISCONNECT that asks the server to publish the will.
    pub const DISCONNECT_WITH_WILL: Self = Self(0x04);
    /// An error without a closer description.
    pub const UNSPECIFIED_ERROR: Self = Self(0x80);
    /// A packet that could not be read.
    pub const MALFORMED_PACKET: Self = Self(0x81);
    /// A packet that was not allowed.
    pub const PROTOCOL_ERROR: Self = Self(0x82);
    /// Something that this server does not do.
    pub const IMPLEMENTATION_SPECIFIC_ERROR: Self = Self(0x83);
    /// CONNECT named a protocol version that the server does not speak.
    pub const UNSUPPORTED_PROTOCOL_VERSION: Self = Self(0x84);
    /// The client identifier is not allowed.
    pub const CLIENT_IDENTIFIER_NOT_VALID: Self = Self(0x85);
    /// User name or password is wrong.
    pub const BAD_USER_NAME_OR_PASSWORD: Self = Self(0x86);
    /// The login does not permit this.
    pub const NOT_AUTHORIZED: Self = Self(0x87);
    /// This client is not served, for good.
    pub const BANNED: Self = Self(0x8A);
    /// Logging in goes another way.
    pub const BAD_AUTHENTICATION_METHOD: Self = Self(0x8C);
    /// A topic filter that is not allowed here.
    pub const TOPIC_FILTER_INVALID: Self = Self(0x8F);
    /// A topic name that is not allowed here.
    pub const TOPIC_NAME_INVALID: Self = Self(0x90);
    /// The server has another address now.
    pub const SERVER_MOVED: Self = Self(0x9D);
    /// The server cannot serve now.
    pub const SERVER_UNAVAILABLE: Self = Self(0x88);
    /// More QoS 1 publications than Receive Maximum allows.
    pub const RECEIVE_MAXIMUM_EXCEEDED: Self = Self(0x93);
    /// A topic alias that was never allowed.
    pub const TOPIC_ALIAS_INVALID: Self = Self(0x94);
    /// A packet longer than the other side takes.
    pub const PACKET_TOO_LARGE: Self = Self(0x95);
    /// A quality of service that the server does not take.
    pub const QOS_NOT_SUPPORTED: Self = Self(0x9B);

    /// Whether this code reports a failure (MQTT 5, section 2.4: 0x80 and above).
    #[must_use]
    pub fn is_error(self) -> bool {
        self.0 >= 0x80
    }

    /// The code in plain words, without a full stop; codes that MQTT 5 does not know are called so.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self.0 {
            0x00 => "no error",
            0x01 => "granted quality of service 1",
            0x02 => "granted quality of service 2",
            0x04 => "disconnected, with the will to be published",
            0x10 => "nobody is subscribed",
            0x11 => "there was no such subscription",
            0x18 => "authentication goes on",
            0x19 => "authentication is asked for again",
            0x80 => "it gives no reason",
            0x81 => "it could not read a packet",
            0x82 => "it says the protocol was broken",
            0x83 => "it cannot handle this",
            0x84 => "it does not speak this MQTT version",
            0x85 => "it does not allow this client identifier",
            0x86 => "user name or password is wrong",
            0x87 => "this login is not allowed to do that",
            0x88 => "it is not available now; try again later",
            0x89 => "it is too busy now; try again later",
            0x8A => "this client is banned",
            0x8B => "it is shutting down",
            0x8C => "it does not take this way of logging in",
            0x8D => "it heard nothing for too long",
            0x8E => "another connection took over with the same client identifier",
            0x8F => "it does not allow this topic filter",
            0x90 => "it does not allow this topic",
            0x91 => "the packet identifier is already in use",
            0x92 => "it does not know the packet identifier",
            0x93 => "too many messages were waiting for acknowledgement",
            0x94 => "it does not allow this topic alias",
            0x95 => "the packet is larger than it allows",
            0x96 => "messages came too fast",
            0x97 => "a quota is used up",
            0x98 => "its administrator ended this",
            0x99 => "the payload is not of the announced format",
            0x9A => "it does not keep retained messages",
            0x9B => "it does not support this quality of service",
            0x9C => "use another server for now",
            0x9D => "the server has moved; use its new address",
            0x9E => "it does not support shared subscriptions",
            0x9F => "connections came too fast; try again later",
            0xA0 => "the longest allowed connection time is over",
            0xA1 => "it does not support subscription identifiers",
            0xA2 => "it does not support wildcards in subscriptions",
            _ => "it gives a reason that MQTT does not define",
        }
    }
}
