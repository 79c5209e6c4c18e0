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
}
