//! Random valid packets and their parts.

use mqtt_protocol_core::mqtt::packet::{
    AssignedClientIdentifier, ContentType, CorrelationData, MaximumPacketSize, MaximumQos,
    MessageExpiryInterval, PayloadFormat, PayloadFormatIndicator, Properties, Property,
    ReasonString, ReceiveMaximum, ResponseTopic, RetainAvailable, ServerKeepAlive, ServerReference,
    SessionExpiryInterval, SharedSubscriptionAvailable, SubscriptionIdentifierAvailable,
    TopicAliasMaximum, UserProperty, WildcardSubscriptionAvailable,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::oracle::{self, Publish};
use crate::{QoS, Version};

/// Text without NUL.
pub(super) fn text(len: core::ops::Range<usize>) -> impl Strategy<Value = String> {
    let characters = any::<char>().prop_map(|one| if one == '\0' { ' ' } else { one });
    vec(characters, len).prop_map(|all| all.into_iter().collect())
}

pub(super) fn topic() -> impl Strategy<Value = String> {
    text(1..40).prop_map(|text| text.replace(['+', '#'], "/"))
}

pub(super) fn filter() -> impl Strategy<Value = String> {
    let level = prop_oneof![
        topic().prop_map(|text| text.replace('/', "-")),
        Just("+".to_owned())
    ];
    (vec(level, 1..5), any::<bool>()).prop_map(|(levels, all)| {
        let filter = levels.join("/");
        if all { filter + "/#" } else { filter }
    })
}

pub(super) fn version() -> impl Strategy<Value = Version> {
    prop_oneof![Just(Version::V5), Just(Version::V311)]
}

pub(super) fn qos() -> impl Strategy<Value = QoS> {
    prop_oneof![Just(QoS::AtMostOnce), Just(QoS::AtLeastOnce)]
}

/// Some of these properties, in any order.
pub(super) fn some(properties: Vec<BoxedStrategy<Property>>) -> impl Strategy<Value = Properties> {
    let all = properties.into_iter().map(option::of).collect::<Vec<_>>();
    all.prop_map(|all| all.into_iter().flatten().collect::<Vec<_>>())
        .prop_shuffle()
}

pub(super) fn user_properties() -> impl Strategy<Value = Properties> {
    let one = (text(0..8), text(0..8)).prop_map(|(key, value)| {
        Property::UserProperty(UserProperty::new(key.as_str(), value.as_str()).unwrap())
    });
    vec(one, 0..3)
}

pub(super) fn with_user_properties(
    strategy: impl Strategy<Value = Properties>,
) -> impl Strategy<Value = Properties> {
    (strategy, user_properties())
        .prop_map(|(mut properties, users)| {
            properties.extend(users);
            properties
        })
        .prop_shuffle()
}

pub(super) fn reason_string() -> BoxedStrategy<Property> {
    text(0..30)
        .prop_map(|text| Property::ReasonString(ReasonString::new(text.as_str()).unwrap()))
        .boxed()
}

pub(super) fn ack_properties() -> impl Strategy<Value = Properties> {
    with_user_properties(some(vec![reason_string()]))
}

pub(super) fn publish_properties() -> impl Strategy<Value = Properties> {
    with_user_properties(some(vec![
        any::<bool>()
            .prop_map(|text| {
                let format = if text {
                    PayloadFormat::String
                } else {
                    PayloadFormat::Binary
                };
                Property::PayloadFormatIndicator(PayloadFormatIndicator::new(format).unwrap())
            })
            .boxed(),
        any::<u32>()
            .prop_map(|value| {
                Property::MessageExpiryInterval(MessageExpiryInterval::new(value).unwrap())
            })
            .boxed(),
        text(0..10)
            .prop_map(|text| Property::ContentType(ContentType::new(text.as_str()).unwrap()))
            .boxed(),
        topic()
            .prop_map(|text| Property::ResponseTopic(ResponseTopic::new(text.as_str()).unwrap()))
            .boxed(),
        vec(any::<u8>(), 0..20)
            .prop_map(|data| Property::CorrelationData(CorrelationData::new(data).unwrap()))
            .boxed(),
    ]))
}

pub(super) fn publish(version: Version) -> impl Strategy<Value = Publish> {
    let properties = match version {
        Version::V5 => publish_properties().boxed(),
        Version::V311 => Just(Properties::new()).boxed(),
    };
    let id = option::of(1..=u16::MAX);
    let payload = vec(any::<u8>(), 0..300);
    (
        topic(),
        payload,
        id,
        any::<bool>(),
        any::<bool>(),
        properties,
    )
        .prop_map(|(topic, payload, id, retain, dup, properties)| Publish {
            topic,
            payload,
            id,
            retain,
            dup: dup && id.is_some(),
            properties,
        })
}

/// A packet a server may send after CONNACK, of those that do not end the connection.
pub(super) fn packet(version: Version) -> impl Strategy<Value = Vec<u8>> {
    let id = 1_u16..6;
    prop_oneof![
        4 => publish(version).prop_map(move |publish| publish.encode(version)),
        1 => (id.clone(), ack_properties())
            .prop_map(move |(id, properties)| oracle::puback(version, id, 0, properties)),
        1 => (id.clone(), 0_u8..2, ack_properties())
            .prop_map(move |(id, code, properties)| oracle::suback(version, id, &[code], properties)),
        1 => (id, ack_properties())
            .prop_map(move |(id, properties)| oracle::unsuback(version, id, &[0], properties)),
        1 => Just(oracle::PINGRESP.to_vec()),
    ]
}

#[derive(Clone, Debug)]
pub(super) struct Announcement {
    pub(super) receive_maximum: Option<u16>,
    pub(super) max_packet_size: Option<u32>,
    pub(super) max_qos: Option<u8>,
    pub(super) retain_available: Option<u8>,
    pub(super) server_keep_alive: Option<u16>,
    pub(super) client_id: Option<String>,
}

pub(super) fn announcement() -> impl Strategy<Value = Announcement> {
    (
        option::of(1_u16..),
        option::of(1_u32..),
        option::of(0_u8..2),
        option::of(0_u8..2),
        option::of(any::<u16>()),
        option::of(text(1..20)),
    )
        .prop_map(
            |(
                receive_maximum,
                max_packet_size,
                max_qos,
                retain_available,
                server_keep_alive,
                client_id,
            )| {
                Announcement {
                    receive_maximum,
                    max_packet_size,
                    max_qos,
                    retain_available,
                    server_keep_alive,
                    client_id,
                }
            },
        )
}

impl Announcement {
    pub(super) fn properties(&self) -> Properties {
        let client_id = self.client_id.as_deref();
        [
            self.receive_maximum
                .map(|value| Property::ReceiveMaximum(ReceiveMaximum::new(value).unwrap())),
            self.max_packet_size
                .map(|value| Property::MaximumPacketSize(MaximumPacketSize::new(value).unwrap())),
            self.max_qos
                .map(|value| Property::MaximumQos(MaximumQos::new(value).unwrap())),
            self.retain_available
                .map(|value| Property::RetainAvailable(RetainAvailable::new(value).unwrap())),
            self.server_keep_alive
                .map(|value| Property::ServerKeepAlive(ServerKeepAlive::new(value).unwrap())),
            client_id.map(|value| {
                Property::AssignedClientIdentifier(AssignedClientIdentifier::new(value).unwrap())
            }),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Properties of CONNACK that are read past.
pub(super) fn unused_connack_properties() -> impl Strategy<Value = Properties> {
    with_user_properties(some(vec![
        reason_string(),
        any::<u32>()
            .prop_map(|value| {
                Property::SessionExpiryInterval(SessionExpiryInterval::new(value).unwrap())
            })
            .boxed(),
        any::<u16>()
            .prop_map(|value| Property::TopicAliasMaximum(TopicAliasMaximum::new(value).unwrap()))
            .boxed(),
        text(0..10)
            .prop_map(|value| {
                Property::ServerReference(ServerReference::new(value.as_str()).unwrap())
            })
            .boxed(),
        (0_u8..2)
            .prop_map(|value| {
                Property::WildcardSubscriptionAvailable(
                    WildcardSubscriptionAvailable::new(value).unwrap(),
                )
            })
            .boxed(),
        (0_u8..2)
            .prop_map(|value| {
                Property::SubscriptionIdentifierAvailable(
                    SubscriptionIdentifierAvailable::new(value).unwrap(),
                )
            })
            .boxed(),
        (0_u8..2)
            .prop_map(|value| {
                Property::SharedSubscriptionAvailable(
                    SharedSubscriptionAvailable::new(value).unwrap(),
                )
            })
            .boxed(),
    ]))
}
