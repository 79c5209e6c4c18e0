//! CONNACK, read as far as that does no harm.
//!
//! Brokers and gateways get this packet wrong more often than others, and a client that insists on
//! its letter is of no use to people who cannot change the broker. A limit that does not exist (a
//! Maximum Packet Size of zero) is no limit, of two values the tighter one counts, and what belongs
//! to other packets is passed over. What cannot be read at all is a fault, after which the session
//! tries the other version.

use super::fault::Fault;
use super::framing::Frame;
use super::packet::ConnAck;
use super::reader::Reader;
use crate::types::{QoS, ReasonCode, Version};

/// Reads the CONNACK of a server that was asked to speak `version`.
pub(super) fn read(frame: &Frame, version: Version) -> Result<ConnAck, Fault> {
    let mut reader = Reader::new(&frame.bytes, frame.header.len);
    let session_present = reader.u8()? & 1 == 1;
    let code = reader.u8()?;
    let reason = match code {
        0 => ReasonCode::SUCCESS,
        1 => ReasonCode::UNSUPPORTED_PROTOCOL_VERSION,
        2 => ReasonCode::CLIENT_IDENTIFIER_NOT_VALID,
        3 => ReasonCode::SERVER_UNAVAILABLE,
        4 => ReasonCode::BAD_USER_NAME_OR_PASSWORD,
        5 => ReasonCode::NOT_AUTHORIZED,
        0x80.. => ReasonCode(code),
        _ => {
            return Err(Fault::malformed("a reason code that does not belong there"));
        }
    };
    let mut connack = ConnAck::new(session_present, reason);
    connack.is_v311 = reader.remaining() == 0 && !reason.is_error() || (1..=5).contains(&code);
    if version == Version::V5 && reader.remaining() > 0 {
        let len = reader.varint()?;
        properties(&mut reader.sub(len)?, &mut connack)?;
    }
    if reader.remaining() > 0 {
        return Err(Fault::malformed("a packet longer than its content"));
    }
    Ok(connack)
}

/// The properties, of section 3.2.2.3 and of other packets.
fn properties(reader: &mut Reader<'_>, connack: &mut ConnAck) -> Result<(), Fault> {
    let mut server_reference = None;
    while reader.remaining() > 0 {
        match reader.u8()? {
            33 => tighten(&mut connack.receive_maximum, reader.u16()?),
            39 => tighten(&mut connack.max_packet_size, reader.u32()?),
            19 => tighten(&mut connack.server_keep_alive, reader.u16()?),
            36 => {
                if reader.u8()? == 0 {
                    connack.max_qos = Some(QoS::AtMostOnce);
                }
            }
            37 => {
                if reader.u8()? == 0 {
                    connack.retain_available = Some(false);
                }
            }
            18 => text(reader, &mut connack.assigned_client_id)?,
            28 => text(reader, &mut server_reference)?,
            31 => text(reader, &mut connack.text)?,
            1 | 23 | 25 | 40..=42 => drop(reader.u8()?),
            34 | 35 => drop(reader.u16()?),
            2 | 17 | 24 => drop(reader.u32()?),
            3 | 8 | 9 | 21 | 22 | 26 => drop(reader.binary()?),
            11 => drop(reader.varint()?),
            38 => drop((reader.binary()?, reader.binary()?)),
            _ => return Err(Fault::malformed("a property that does not exist")),
        }
    }
    // Another server's address says more than words about it.
    connack.text = server_reference.or(connack.text.take());
    Ok(())
}

/// A limit, if it is one; of two the tighter.
fn tighten<T: Ord + Default>(limit: &mut Option<T>, value: T) {
    if value != T::default() && limit.as_ref().is_none_or(|limit| value < *limit) {
        *limit = Some(value);
    }
}

/// The first text that is one.
fn text(reader: &mut Reader<'_>, text: &mut Option<String>) -> Result<(), Fault> {
    let bytes = reader.binary()?;
    if text.is_none() {
        *text = core::str::from_utf8(bytes)
            .ok()
            .filter(|text| !text.is_empty() && !text.contains('\0'))
            .map(str::to_owned);
    }
    Ok(())
}
