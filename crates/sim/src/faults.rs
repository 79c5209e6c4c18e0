//! Faults and limits of brokers.

/// The faults and limits of a broker.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// One in so many QoS 0 messages is dropped for one subscriber; 0 for none.
    pub drop_qos0: u64,
    /// One in so many messages overtakes messages of other topics; 0 for none.
    pub reorder: u64,
    /// One in so many QoS 1 messages is delivered twice; 0 for none.
    pub repeat: u64,
    /// Packets longer than this end the connection.
    pub max_packet: Option<usize>,
    /// Whether MQTT 5 clients are told of it.
    pub announce: bool,
    /// MQTT 5 is closed without an answer.
    pub only_v311: bool,
    /// The reason code that CONNACK refuses everybody with; 0 for none.
    pub refuses: u8,
    /// More properties in a CONNACK of MQTT 5.
    pub properties: Vec<u8>,
    /// A will of QoS 1 is refused.
    pub max_qos_0: bool,
    /// Messages to topics that hold this are dropped.
    pub deaf_to: Option<&'static str>,
    /// Messages of topics that hold this are delivered to nobody.
    pub mute_on: Option<&'static str>,
    /// MQTT 5 clients are told which messages are dropped.
    pub says_so: bool,
    /// A subscription to a topic that holds this is refused.
    pub unsubscribable: Option<&'static str>,
    /// How many subscriptions a client may have.
    pub max_subscriptions: Option<usize>,
    /// One in so many PUBACKs is given only with the next one; 0 for none.
    pub late_pubacks: u64,
    /// The Receive Maximum that MQTT 5 clients are told of.
    pub receive_maximum: Option<u16>,
}
