//! An independent codec, mqtt-protocol-core, in the terms of these tests.

use mqtt_protocol_core::mqtt::Arc;
use mqtt_protocol_core::mqtt::packet::{Properties, Property, Qos, SubEntry, v3_1_1, v5_0};

use crate::Version;

/// A packet of the client, as the oracle understands it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sent {
    Connect(Box<Connect>),
    Publish {
        topic: String,
        payload: Vec<u8>,
        id: Option<u16>,
        retain: bool,
        dup: bool,
    },
    PubAck(u16),
    /// Filters with quality of service and No Local.
    Subscribe(u16, Vec<(String, u8, bool)>),
    Unsubscribe(u16, Vec<String>),
    PingReq,
    Disconnect {
        reason: u8,
        session_expiry: Option<u32>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Connect {
    pub(super) version: Version,
    pub(super) client_id: String,
    pub(super) clean: bool,
    pub(super) keep_alive: u16,
    pub(super) user_name: Option<String>,
    pub(super) password: Option<Vec<u8>>,
    /// Topic, payload, quality of service, retain.
    pub(super) will: Option<(String, Vec<u8>, u8, bool)>,
    pub(super) properties: Properties,
    pub(super) will_properties: Properties,
}

/// Reads all packets of a transmission, which must hold whole ones only.
pub(super) fn read_all(mut bytes: &[u8], version: Version) -> Vec<Sent> {
    let mut packets = Vec::new();
    while !bytes.is_empty() {
        let (header, remaining) = fixed_header(bytes);
        let (packet, rest) = bytes.split_at(header + remaining);
        packets.push(read(packet[0], &packet[header..], version));
        bytes = rest;
    }
    packets
}

fn fixed_header(bytes: &[u8]) -> (usize, usize) {
    let mut remaining = 0;
    for (index, byte) in bytes[1..].iter().take(4).enumerate() {
        remaining |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return (index + 2, remaining);
        }
    }
    panic!("no end of the packet length in {bytes:?}");
}

fn read(first: u8, body: &[u8], version: Version) -> Sent {
    let v5 = version == Version::V5;
    match first {
        0x10 if v5 => connect_v5(&all(v5_0::Connect::parse(body), body)),
        0x10 => connect_v311(&all(v3_1_1::Connect::parse(body), body)),
        0x30..=0x3F if v5 => {
            let read = v5_0::Publish::parse(first & 0x0F, Arc::from(body));
            let packet = all(read, body);
            assert_eq!(packet.props(), &Properties::new());
            Sent::Publish {
                topic: packet.topic_name().to_owned(),
                payload: packet.payload().as_slice().to_vec(),
                id: packet.packet_id(),
                retain: packet.retain(),
                dup: packet.dup(),
            }
        }
        0x30..=0x3F => {
            let read = v3_1_1::Publish::parse(first & 0x0F, Arc::from(body));
            let packet = all(read, body);
            Sent::Publish {
                topic: packet.topic_name().to_owned(),
                payload: packet.payload().as_slice().to_vec(),
                id: packet.packet_id(),
                retain: packet.retain(),
                dup: packet.dup(),
            }
        }
        0x40 if v5 => {
            let packet = all(v5_0::Puback::parse(body), body);
            assert_eq!(packet.reason_code(), None);
            Sent::PubAck(packet.packet_id())
        }
        0x40 => Sent::PubAck(all(v3_1_1::Puback::parse(body), body).packet_id()),
        0x82 if v5 => {
            let packet = all(v5_0::Subscribe::parse(body), body);
            Sent::Subscribe(packet.packet_id(), entries(packet.entries()))
        }
        0x82 => {
            let packet = all(v3_1_1::Subscribe::parse(body), body);
            Sent::Subscribe(packet.packet_id(), entries(packet.entries()))
        }
        0xA2 if v5 => {
            let packet = all(v5_0::Unsubscribe::parse(body), body);
            let filters = packet.entries().iter().map(|text| text.as_str().to_owned());
            Sent::Unsubscribe(packet.packet_id(), filters.collect())
        }
        0xA2 => {
            let packet = all(v3_1_1::Unsubscribe::parse(body), body);
            let filters = packet.entries().iter().map(|text| text.as_str().to_owned());
            Sent::Unsubscribe(packet.packet_id(), filters.collect())
        }
        0xC0 => {
            assert!(body.is_empty());
            Sent::PingReq
        }
        0xE0 if v5 => {
            let packet = all(v5_0::Disconnect::parse(body), body);
            Sent::Disconnect {
                reason: packet.reason_code().map_or(0, |code| code as u8),
                session_expiry: packet.props().iter().flatten().find_map(|one| match one {
                    Property::SessionExpiryInterval(interval) => Some(interval.val()),
                    _ => None,
                }),
            }
        }
        0xE0 => {
            assert!(body.is_empty());
            Sent::Disconnect {
                reason: 0,
                session_expiry: None,
            }
        }
        _ => panic!("a client does not send {first:#04x} {body:?}"),
    }
}

fn all<T, E: core::fmt::Debug>(read: Result<(T, usize), E>, body: &[u8]) -> T {
    let (packet, len) = read.unwrap_or_else(|error| panic!("{error:?} in {body:?}"));
    assert_eq!(len, body.len(), "the packet ends where its length says");
    packet
}

fn entries(entries: &[SubEntry]) -> Vec<(String, u8, bool)> {
    let one = |entry: &SubEntry| {
        let options = entry.sub_opts();
        let filter = entry.topic_filter().to_owned();
        (filter, options.qos() as u8, options.nl())
    };
    entries.iter().map(one).collect()
}

fn connect_v5(packet: &v5_0::Connect) -> Sent {
    Sent::Connect(Box::new(Connect {
        version: Version::V5,
        client_id: packet.client_id().to_owned(),
        clean: packet.clean_start(),
        keep_alive: packet.keep_alive(),
        user_name: packet.user_name().map(str::to_owned),
        password: packet.password().map(<[u8]>::to_vec),
        will: packet.will_topic().map(|topic| {
            let payload = packet.will_payload().unwrap_or_default().to_vec();
            let qos = packet.will_qos() as u8;
            (topic.to_owned(), payload, qos, packet.will_retain())
        }),
        properties: packet.props().clone(),
        will_properties: packet.will_props().clone(),
    }))
}

fn connect_v311(packet: &v3_1_1::Connect) -> Sent {
    Sent::Connect(Box::new(Connect {
        version: Version::V311,
        client_id: packet.client_id().to_owned(),
        clean: packet.clean_session(),
        keep_alive: packet.keep_alive(),
        user_name: packet.user_name().map(str::to_owned),
        password: packet.password().map(<[u8]>::to_vec),
        will: packet.will_topic().map(|topic| {
            let payload = packet.will_payload().unwrap_or_default().to_vec();
            let qos = packet.will_qos() as u8;
            (topic.to_owned(), payload, qos, packet.will_retain())
        }),
        properties: Properties::new(),
        will_properties: Properties::new(),
    }))
}

pub(super) fn connack_v5(session_present: bool, reason: u8, properties: Properties) -> Vec<u8> {
    let packet = v5_0::Connack::builder()
        .session_present(session_present)
        .reason_code(reason.try_into().expect("a CONNACK reason code"))
        .props(properties)
        .build();
    packet.expect("a valid CONNACK").to_continuous_buffer()
}

pub(super) fn connack_v311(session_present: bool, code: u8) -> Vec<u8> {
    let packet = v3_1_1::Connack::builder()
        .session_present(session_present)
        .return_code(code.try_into().expect("a CONNACK return code"))
        .build();
    packet.expect("a valid CONNACK").to_continuous_buffer()
}

/// A PUBLISH from the server; QoS 1 with a packet identifier, QoS 0 without.
#[derive(Clone, Debug)]
pub(super) struct Publish {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
    pub(super) id: Option<u16>,
    pub(super) retain: bool,
    pub(super) dup: bool,
    pub(super) properties: Properties,
}

impl Publish {
    pub(super) fn new(topic: &str, payload: &[u8], id: Option<u16>) -> Self {
        Self {
            topic: topic.to_owned(),
            payload: payload.to_vec(),
            id,
            retain: false,
            dup: false,
            properties: Properties::new(),
        }
    }

    pub(super) fn encode(&self, version: Version) -> Vec<u8> {
        let qos = match self.id {
            Some(_) => Qos::AtLeastOnce,
            None => Qos::AtMostOnce,
        };
        match version {
            Version::V5 => {
                let mut builder = v5_0::Publish::builder()
                    .topic_name(self.topic.as_str())
                    .expect("a valid topic")
                    .qos(qos)
                    .retain(self.retain)
                    .dup(self.dup)
                    .props(self.properties.clone())
                    .payload(self.payload.clone());
                if let Some(id) = self.id {
                    builder = builder.packet_id(id);
                }
                let packet = builder.build();
                packet.expect("a valid PUBLISH").to_continuous_buffer()
            }
            Version::V311 => {
                let mut builder = v3_1_1::Publish::builder()
                    .topic_name(self.topic.as_str())
                    .expect("a valid topic")
                    .qos(qos)
                    .retain(self.retain)
                    .dup(self.dup)
                    .payload(self.payload.clone());
                if let Some(id) = self.id {
                    builder = builder.packet_id(id);
                }
                let packet = builder.build();
                packet.expect("a valid PUBLISH").to_continuous_buffer()
            }
        }
    }
}

pub(super) fn puback(version: Version, id: u16, reason: u8, properties: Properties) -> Vec<u8> {
    match version {
        Version::V5 => {
            let mut builder = v5_0::Puback::builder().packet_id(id);
            if reason != 0 || !properties.is_empty() {
                builder = builder.reason_code(reason.try_into().expect("a PUBACK reason code"));
            }
            if !properties.is_empty() {
                builder = builder.props(properties);
            }
            let packet = builder.build();
            packet.expect("a valid PUBACK").to_continuous_buffer()
        }
        Version::V311 => {
            let packet = v3_1_1::Puback::builder().packet_id(id).build();
            packet.expect("a valid PUBACK").to_continuous_buffer()
        }
    }
}

pub(super) fn suback(version: Version, id: u16, reasons: &[u8], properties: Properties) -> Vec<u8> {
    match version {
        Version::V5 => {
            let reasons = reasons
                .iter()
                .map(|&code| code.try_into().expect("a SUBACK reason code"))
                .collect();
            let packet = v5_0::Suback::builder()
                .packet_id(id)
                .reason_codes(reasons)
                .props(properties)
                .build();
            packet.expect("a valid SUBACK").to_continuous_buffer()
        }
        Version::V311 => {
            let codes = reasons
                .iter()
                .map(|&code| code.try_into().expect("a SUBACK return code"))
                .collect();
            let packet = v3_1_1::Suback::builder()
                .packet_id(id)
                .return_codes(codes)
                .build();
            packet.expect("a valid SUBACK").to_continuous_buffer()
        }
    }
}

pub(super) fn unsuback(
    version: Version,
    id: u16,
    reasons: &[u8],
    properties: Properties,
) -> Vec<u8> {
    match version {
        Version::V5 => {
            let reasons = reasons
                .iter()
                .map(|&code| code.try_into().expect("an UNSUBACK reason code"))
                .collect();
            let packet = v5_0::Unsuback::builder()
                .packet_id(id)
                .reason_codes(reasons)
                .props(properties)
                .build();
            packet.expect("a valid UNSUBACK").to_continuous_buffer()
        }
        Version::V311 => {
            let packet = v3_1_1::Unsuback::builder().packet_id(id).build();
            packet.expect("a valid UNSUBACK").to_continuous_buffer()
        }
    }
}

pub(super) fn disconnect(reason: Option<u8>, properties: Option<Properties>) -> Vec<u8> {
    let mut builder = v5_0::Disconnect::builder();
    if let Some(reason) = reason {
        builder = builder.reason_code(reason.try_into().expect("a DISCONNECT reason code"));
    }
    if let Some(properties) = properties {
        builder = builder.props(properties);
    }
    let packet = builder.build();
    packet.expect("a valid DISCONNECT").to_continuous_buffer()
}

pub(super) const PINGRESP: [u8; 2] = [0xD0, 0x00];
