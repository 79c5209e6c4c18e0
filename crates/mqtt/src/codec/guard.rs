//! Checks packets from the server, except CONNACK, byte by byte before the codec reads them:
//! lengths, reserved flags, packet identifiers, text, properties. What passes
//! here holds none of the cases in which the codec is wrong.

use core::ops::Range;

use super::fault::Fault;
use super::framing::Frame;
use super::properties;
use super::reader::Reader;
use crate::topic;
use crate::types::Version;

/// A well-formed packet that a server may send, and where its parts are in the frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Publish {
        topic: Range<usize>,
        /// With their length; empty on 3.1.1.
        properties: Range<usize>,
    },
    PubAck {
        reason: Option<usize>,
    },
    SubAck {
        reasons: Range<usize>,
    },
    UnsubAck {
        /// Empty on 3.1.1.
        reasons: Range<usize>,
    },
    PingResp,
    Disconnect {
        reason: Option<usize>,
        /// Whether properties follow the reason code.
        has_properties: bool,
    },
}

/// Checks `frame`, which came from a server that speaks `version`.
pub(super) fn check(frame: &Frame, version: Version) -> Result<Shape, Fault> {
    let header = frame.header;
    let v5 = version == Version::V5;
    if v5 && !header.is_minimal() {
        return Err(Fault::malformed(
            "a packet length in more bytes than it needs",
        ));
    }
    let mut reader = Reader::new(&frame.bytes, header.len);
    if header.kind() == 3 {
        return publish(&mut reader, header.flags(), v5);
    }
    let shape = match header.kind() {
        4 => puback(&mut reader, v5)?,
        9 => suback(&mut reader, v5)?,
        11 => unsuback(&mut reader, v5)?,
        13 => Shape::PingResp,
        14 if v5 => disconnect(&mut reader)?,
        5..=7 => return Err(Fault::protocol("a QoS 2 packet, which was never asked for")),
        15 if v5 => {
            return Err(Fault::protocol("AUTH, though no authentication was begun"));
        }
        0 | 15 => return Err(Fault::malformed("a packet type that does not exist")),
        _ => return Err(Fault::protocol("a packet that only clients may send")),
    };
    if reader.remaining() > 0 {
        return Err(Fault::malformed("a packet longer than its content"));
    }
    Ok(shape)
}

fn publish(reader: &mut Reader<'_>, flags: u8, v5: bool) -> Result<Shape, Fault> {
    let qos = (flags >> 1) & 0x03;
    match qos {
        0 if flags & 0x08 != 0 => return Err(Fault::malformed("a repeated QoS 0 message")),
        2 => {
            return Err(Fault::protocol(
                "a QoS 2 message, which was never asked for",
            ));
        }
        3 => return Err(Fault::malformed("a quality of service that does not exist")),
        _ => {}
    }
    let start = reader.position() + 2;
    let name = reader.string()?;
    if !topic::is_name(name) {
        return Err(Fault::protocol("a message without a valid topic"));
    }
    let topic = start..reader.position();
    if qos > 0 {
        packet_identifier(reader)?;
    }
    let properties = if v5 {
        properties::check(reader, properties::PUBLISH)?
    } else {
        reader.position()..reader.position()
    };
    Ok(Shape::Publish { topic, properties })
}

fn puback(reader: &mut Reader<'_>, v5: bool) -> Result<Shape, Fault> {
    packet_identifier(reader)?;
    if !v5 || reader.remaining() == 0 {
        return Ok(Shape::PubAck { reason: None });
    }
    let reason = Some(reader.position());
    reader.u8()?;
    if reader.remaining() > 0 {
        properties::check(reader, properties::ACK)?;
    }
    Ok(Shape::PubAck { reason })
}

fn suback(reader: &mut Reader<'_>, v5: bool) -> Result<Shape, Fault> {
    packet_identifier(reader)?;
    if v5 {
        properties::check(reader, properties::ACK)?;
    }
    let reasons = rest(reader)?;
    if reasons.is_empty() {
        return Err(Fault::malformed("SUBACK without a reason code"));
    }
    Ok(Shape::SubAck { reasons })
}

fn unsuback(reader: &mut Reader<'_>, v5: bool) -> Result<Shape, Fault> {
    packet_identifier(reader)?;
    if !v5 {
        let reasons = reader.position()..reader.position();
        return Ok(Shape::UnsubAck { reasons });
    }
    properties::check(reader, properties::ACK)?;
    let reasons = rest(reader)?;
    if reasons.is_empty() {
        return Err(Fault::malformed("UNSUBACK without a reason code"));
    }
    Ok(Shape::UnsubAck { reasons })
}

fn disconnect(reader: &mut Reader<'_>) -> Result<Shape, Fault> {
    let mut reason = None;
    if reader.remaining() > 0 {
        reason = Some(reader.position());
        reader.u8()?;
    }
    let has_properties = reader.remaining() > 0;
    if has_properties {
        properties::check(reader, properties::DISCONNECT)?;
    }
    Ok(Shape::Disconnect {
        reason,
        has_properties,
    })
}

fn packet_identifier(reader: &mut Reader<'_>) -> Result<(), Fault> {
    match reader.u16()? {
        0 => Err(Fault::protocol("a packet identifier of zero")),
        _ => Ok(()),
    }
}

fn rest(reader: &mut Reader<'_>) -> Result<Range<usize>, Fault> {
    let start = reader.position();
    reader.take(reader.remaining())?;
    Ok(start..reader.position())
}
