//! The only file that names the codec, mqttbytes.
//!
//! It hands mqttbytes nothing that [`guard`] did not check, and gives it to
//! write only what fits. What mqttbytes gets wrong although it is legal is
//! settled here: the short form of DISCONNECT, reason codes it does not know,
//! and properties that are of no use to a client. CONNACK is read without it.

mod connack;
mod fault;
mod framing;
mod guard;
mod packet;
mod properties;
mod reader;

use core::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};
use mqttbytes::{FixedHeader, Protocol, v4, v5};

pub(crate) use self::fault::Fault;
use self::framing::put_varint;
pub(crate) use self::framing::{Frame, Framer, MAX_REMAINING};
use self::guard::Shape;
pub(crate) use self::packet::{ConnAck, Connect, Incoming, TooLong, publish_len, repeated};
use crate::types::{Message, QoS, ReasonCode, Subscription, Version, Will};

/// Packet type of CONNACK.
const CONNACK: u8 = 2;

/// Reads one packet that a server sent.
pub(crate) fn decode(frame: &Frame, version: Version) -> Result<Incoming, Fault> {
    if frame.header.kind() == CONNACK {
        return connack::read(frame, version).map(Incoming::ConnAck);
    }
    let shape = guard::check(frame, version)?;
    match version {
        Version::V5 => decode_v5(frame, shape),
        Version::V311 => decode_v311(frame, shape),
    }
    .map_err(|Unreadable| Fault::malformed("a reason code that does not belong there"))
}

/// mqttbytes took a guarded packet for wrong: only over a reason code below 0x80.
struct Unreadable;

impl From<mqttbytes::Error> for Unreadable {
    fn from(_: mqttbytes::Error) -> Self {
        Self
    }
}

fn decode_v5(frame: &Frame, shape: Shape) -> Result<Incoming, Unreadable> {
    let raw = &frame.bytes;
    Ok(match shape {
        Shape::Publish { topic, properties } => {
            let payload = raw.slice(properties.end..);
            let read = if properties.len() == 1 {
                v5::Publish::read(header(frame), raw.clone())?
            } else {
                read_head(frame, topic.start - 2..properties.start)?
            };
            publish(read.topic, read.pkid, payload, frame)
        }
        Shape::PubAck { reason } => {
            let range = reason.map_or(0..0, |at| at..at + 1);
            let read = v5::PubAck::read(header(frame), known(raw, range))?;
            let reason = reason.map_or(ReasonCode::SUCCESS, |at| code(raw, at));
            Incoming::PubAck {
                id: read.pkid,
                reason,
            }
        }
        Shape::SubAck { reasons } => {
            let read = v5::SubAck::read(header(frame), known(raw, reasons.clone()))?;
            Incoming::SubAck {
                id: read.pkid,
                reasons: codes(raw, reasons),
            }
        }
        Shape::UnsubAck { reasons } => {
            let read = v5::UnsubAck::read(header(frame), known(raw, reasons.clone()))?;
            Incoming::UnsubAck {
                id: read.pkid,
                reasons: codes(raw, reasons),
            }
        }
        Shape::PingResp => Incoming::PingResp,
        Shape::Disconnect {
            reason: Some(at),
            has_properties: true,
        } => {
            let read = v5::Disconnect::read(header(frame), known(raw, at..at + 1))?;
            Incoming::Disconnect {
                reason: code(raw, at),
                // Another server's address says more than words about it.
                text: read
                    .properties
                    .and_then(|all| all.server_reference.or(all.reason_string)),
            }
        }
        Shape::Disconnect { reason, .. } => Incoming::Disconnect {
            reason: reason.map_or(ReasonCode::SUCCESS, |at| code(raw, at)),
            text: None,
        },
    })
}

fn decode_v311(frame: &Frame, shape: Shape) -> Result<Incoming, Unreadable> {
    let raw = frame.bytes.clone();
    Ok(match shape {
        Shape::Publish { .. } => {
            let read = v4::Publish::read(header(frame), raw)?;
            publish(read.topic, read.pkid, read.payload, frame)
        }
        Shape::PubAck { .. } => Incoming::PubAck {
            id: v4::PubAck::read(header(frame), raw)?.pkid,
            reason: ReasonCode::SUCCESS,
        },
        Shape::SubAck { reasons } => Incoming::SubAck {
            id: v4::SubAck::read(header(frame), known(&raw, reasons.clone()))?.pkid,
            reasons: codes(&raw, reasons),
        },
        Shape::UnsubAck { .. } => Incoming::UnsubAck {
            id: v4::UnsubAck::read(header(frame), raw)?.pkid,
            reasons: Vec::new(),
        },
        Shape::PingResp => Incoming::PingResp,
        // The guard lets no DISCONNECT from a 3.1.1 server through.
        Shape::Disconnect { .. } => return Err(Unreadable),
    })
}

fn header(frame: &Frame) -> FixedHeader {
    FixedHeader::new(
        frame.header.first,
        frame.header.len - 1,
        frame.header.remaining,
    )
}

/// `frame` with 0x80 for every error in `reasons`: mqttbytes knows only the
/// codes each packet's table lists, but servers send others, such as "server
/// shutting down" in CONNACK, and the user should read them.
fn known(frame: &Bytes, reasons: Range<usize>) -> Bytes {
    let is_error = |byte: &u8| ReasonCode(*byte).is_error();
    if !frame[reasons.clone()].iter().any(is_error) {
        return frame.clone();
    }
    let mut copy = BytesMut::from(&frame[..]);
    for byte in copy[reasons].iter_mut().filter(|byte| is_error(byte)) {
        *byte = ReasonCode::UNSPECIFIED_ERROR.0;
    }
    copy.freeze()
}

/// Reads a PUBLISH from its topic and packet identifier alone, without
/// properties and payload: mqttbytes would build a list of all user
/// properties, of which a stranger may send thousands.
fn read_head(frame: &Frame, head: Range<usize>) -> Result<v5::Publish, mqttbytes::Error> {
    let remaining = head.len() + 1;
    let mut copy = BytesMut::with_capacity(5 + remaining);
    copy.put_u8(frame.header.first);
    put_varint(&mut copy, remaining);
    let fixed = FixedHeader::new(frame.header.first, copy.len() - 1, remaining);
    copy.put_slice(&frame.bytes[head]);
    copy.put_u8(0);
    v5::Publish::read(fixed, copy.freeze())
}

fn code(frame: &Bytes, at: usize) -> ReasonCode {
    frame
        .get(at)
        .map_or(ReasonCode::UNSPECIFIED_ERROR, |byte| ReasonCode(*byte))
}

fn codes(frame: &Bytes, range: Range<usize>) -> Vec<ReasonCode> {
    frame[range].iter().copied().map(ReasonCode).collect()
}

fn publish(topic: String, id: u16, payload: Bytes, frame: &Frame) -> Incoming {
    let flags = frame.header.flags();
    let qos = if flags & 0x06 == 0 {
        QoS::AtMostOnce
    } else {
        QoS::AtLeastOnce
    };
    Incoming::Publish {
        id: (id != 0).then_some(id),
        message: Message {
            topic,
            payload,
            qos,
            retain: flags & 0x01 != 0,
            dup: flags & 0x08 != 0,
        },
    }
}

impl From<mqttbytes::Error> for TooLong {
    fn from(_: mqttbytes::Error) -> Self {
        Self
    }
}

/// CONNECT. Every string and the will's payload must be at most 65,535 bytes long.
pub(crate) fn connect(version: Version, connect: &Connect<'_>) -> Result<Bytes, TooLong> {
    let mut buffer = BytesMut::new();
    match version {
        Version::V5 => v5::Connect {
            protocol: Protocol::V5,
            keep_alive: connect.keep_alive,
            client_id: connect.client_id.to_owned(),
            clean_session: connect.clean,
            last_will: connect.will.map(will_v5),
            login: connect
                .login
                .map(|login| v5::Login::new(login.username.as_str(), login.password.as_str())),
            properties: Some(v5::ConnectProperties {
                session_expiry_interval: (connect.session_expiry > 0)
                    .then_some(connect.session_expiry),
                receive_maximum: Some(connect.receive_maximum),
                max_packet_size: Some(connect.max_packet_size),
                // Zero is what leaving it out means; brokers that forget this exist.
                topic_alias_max: Some(0),
                request_response_info: None,
                request_problem_info: Some(1),
                user_properties: Vec::new(),
                authentication_method: None,
                authentication_data: None,
            }),
        }
        .write(&mut buffer)?,
        Version::V311 => v4::Connect {
            protocol: Protocol::V4,
            keep_alive: connect.keep_alive,
            client_id: connect.client_id.to_owned(),
            clean_session: connect.clean,
            last_will: connect.will.map(|will| v4::LastWill {
                topic: will.topic.clone(),
                message: will.payload.clone(),
                qos: qos(will.qos),
                retain: false,
            }),
            login: connect
                .login
                .map(|login| v4::Login::new(login.username.as_str(), login.password.as_str())),
        }
        .write(&mut buffer)?,
    };
    Ok(buffer.freeze())
}

fn will_v5(will: &Will) -> v5::LastWill {
    let delay = u32::try_from(will.delay.as_secs()).unwrap_or(u32::MAX);
    v5::LastWill {
        topic: will.topic.clone(),
        message: will.payload.clone(),
        qos: qos(will.qos),
        retain: false,
        properties: (delay > 0).then(|| v5::WillProperties {
            delay_interval: Some(delay),
            payload_format_indicator: None,
            message_expiry_interval: None,
            content_type: None,
            response_topic: None,
            correlation_data: None,
            user_properties: Vec::new(),
        }),
    }
}

/// PUBLISH at QoS 1 with a packet identifier (not zero), at QoS 0 without; never DUP. The payload is copied once.
pub(crate) fn encode_publish(
    version: Version,
    topic: &str,
    payload: &[u8],
    id: Option<u16>,
    retain: bool,
) -> Result<Bytes, TooLong> {
    let level = match id {
        Some(_) => QoS::AtLeastOnce,
        None => QoS::AtMostOnce,
    };
    let (total, remaining) = publish_len(version, topic, payload.len(), level);
    if remaining > MAX_REMAINING {
        return Err(TooLong);
    }
    // mqttbytes writes a PUBLISH only from a payload it owns, which would be
    // another copy; so it writes the head, and the payload goes behind it.
    let mut head = BytesMut::with_capacity(16 + topic.len());
    match version {
        Version::V5 => {
            let mut packet = v5::Publish::from_bytes(topic, qos(level), Bytes::new());
            packet.pkid = id.unwrap_or(0);
            packet.retain = retain;
            packet.write(&mut head)?
        }
        Version::V311 => {
            let mut packet = v4::Publish::from_bytes(topic, qos(level), Bytes::new());
            packet.pkid = id.unwrap_or(0);
            packet.retain = retain;
            packet.write(&mut head)?
        }
    };
    let head_remaining = remaining - payload.len();
    let mut buffer = BytesMut::with_capacity(total);
    buffer.put_slice(&head[..1]);
    put_varint(&mut buffer, remaining);
    buffer.put_slice(&head[head.len() - head_remaining..]);
    buffer.put_slice(payload);
    Ok(buffer.freeze())
}

/// PUBACK with success; in this form the same in both versions.
pub(crate) fn puback(id: u16) -> Result<Bytes, TooLong> {
    let mut buffer = BytesMut::with_capacity(4);
    v4::PubAck::new(id).write(&mut buffer)?;
    Ok(buffer.freeze())
}

/// SUBSCRIBE. Every filter must be at most 65,535 bytes long.
pub(crate) fn subscribe(
    version: Version,
    id: u16,
    subscriptions: &[Subscription],
) -> Result<Bytes, TooLong> {
    let mut buffer = BytesMut::new();
    match version {
        Version::V5 => {
            let mut packet = v5::Subscribe::new_many(subscriptions.iter().map(|wanted| {
                let mut filter = v5::SubscribeFilter::new(wanted.filter.clone(), qos(wanted.qos));
                // No Local on a shared subscription is a protocol error (section 3.8.3.1).
                let is_shared = wanted.filter.starts_with("$share/");
                filter.set_nolocal(wanted.no_local && !is_shared);
                filter
            }));
            packet.pkid = id;
            packet.write(&mut buffer)?
        }
        Version::V311 => {
            let mut packet =
                v4::Subscribe::new_many(subscriptions.iter().map(|wanted| {
                    v4::SubscribeFilter::new(wanted.filter.clone(), qos(wanted.qos))
                }));
            packet.pkid = id;
            packet.write(&mut buffer)?
        }
    };
    Ok(buffer.freeze())
}

/// UNSUBSCRIBE. Every filter must be at most 65,535 bytes long.
pub(crate) fn unsubscribe(version: Version, id: u16, filters: &[&str]) -> Result<Bytes, TooLong> {
    let filters = filters.iter().map(|&filter| filter.to_owned()).collect();
    let mut buffer = BytesMut::new();
    match version {
        Version::V5 => v5::Unsubscribe {
            pkid: id,
            filters,
            properties: None,
        }
        .write(&mut buffer)?,
        Version::V311 => v4::Unsubscribe {
            pkid: id,
            topics: filters,
        }
        .write(&mut buffer)?,
    };
    Ok(buffer.freeze())
}

/// PINGREQ, the same in both versions.
pub(crate) fn pingreq() -> Result<Bytes, TooLong> {
    let mut buffer = BytesMut::with_capacity(2);
    v4::PingReq.write(&mut buffer)?;
    Ok(buffer.freeze())
}

/// DISCONNECT. On 3.1.1 it says nothing more. `ends_session`: the server is to forget the session at once (MQTT 5).
pub(crate) fn disconnect(
    version: Version,
    reason: ReasonCode,
    ends_session: bool,
) -> Result<Bytes, TooLong> {
    let mut buffer = BytesMut::new();
    match version {
        Version::V5 => {
            let mut packet = v5::Disconnect::new();
            packet.reason_code = v5::DisconnectReasonCode::try_from(reason.0)
                .unwrap_or(v5::DisconnectReasonCode::UnspecifiedError);
            if ends_session {
                let mut properties = v5::DisconnectProperties::new();
                properties.session_expiry_interval = Some(0);
                packet.properties = Some(properties);
            }
            packet.write(&mut buffer)?
        }
        Version::V311 => v4::Disconnect.write(&mut buffer)?,
    };
    Ok(buffer.freeze())
}

fn qos(level: QoS) -> mqttbytes::QoS {
    match level {
        QoS::AtMostOnce => mqttbytes::QoS::AtMostOnce,
        QoS::AtLeastOnce => mqttbytes::QoS::AtLeastOnce,
    }
}
