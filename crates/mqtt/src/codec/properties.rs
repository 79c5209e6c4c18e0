//! Checks the properties of MQTT 5 packets (section 2.2.2) before the codec
//! reads them: it trusts their length, and takes repetitions and any value.

use core::ops::Range;

use super::fault::Fault;
use super::reader::Reader;
use crate::topic;
use crate::types::ReasonCode;

/// The property identifiers a server may send in PUBLISH (section 3.3.2.3).
pub(super) const PUBLISH: &[u8] = &[
    1,
    2,
    3,
    RESPONSE_TOPIC,
    9,
    SUBSCRIPTION_IDENTIFIER,
    TOPIC_ALIAS,
    USER_PROPERTY,
];
/// In PUBACK, SUBACK and UNSUBACK (sections 3.4.2.2, 3.9.2.1 and 3.11.2.1).
pub(super) const ACK: &[u8] = &[REASON_STRING, USER_PROPERTY];
/// In DISCONNECT (section 3.14.2.2).
pub(super) const DISCONNECT: &[u8] = &[
    SESSION_EXPIRY_INTERVAL,
    SERVER_REFERENCE,
    REASON_STRING,
    USER_PROPERTY,
];

const RESPONSE_TOPIC: u8 = 8;
const SUBSCRIPTION_IDENTIFIER: u8 = 11;
const SESSION_EXPIRY_INTERVAL: u8 = 17;
const SERVER_REFERENCE: u8 = 28;
const REASON_STRING: u8 = 31;
const TOPIC_ALIAS: u8 = 35;
const USER_PROPERTY: u8 = 38;

/// Checks the properties at `reader`, of which only `allowed` may occur, and
/// returns where they lie, their length included.
pub(super) fn check(reader: &mut Reader<'_>, allowed: &[u8]) -> Result<Range<usize>, Fault> {
    let start = reader.position();
    let len = reader.varint()?;
    let mut properties = reader.sub(len)?;
    let mut seen = 0_u64;
    while properties.remaining() > 0 {
        let id = properties.u8()?;
        if !allowed.contains(&id) {
            return Err(Fault::malformed("a property that does not belong there"));
        }
        if id != USER_PROPERTY {
            if seen & (1 << id) != 0 {
                return Err(Fault::protocol("a property twice"));
            }
            seen |= 1 << id;
        }
        check_value(&mut properties, id)?;
    }
    Ok(start..reader.position())
}

fn check_value(reader: &mut Reader<'_>, id: u8) -> Result<(), Fault> {
    match id {
        1 => {
            if reader.u8()? > 1 {
                return Err(Fault::protocol("a property that must be 0 or 1"));
            }
        }
        2 | SESSION_EXPIRY_INTERVAL => {
            reader.u32()?;
        }
        RESPONSE_TOPIC => {
            if !topic::is_name(reader.string()?) {
                return Err(Fault::protocol("a Response Topic that is not a topic"));
            }
        }
        TOPIC_ALIAS => {
            return Err(Fault {
                reason: ReasonCode::TOPIC_ALIAS_INVALID,
                what: "a topic alias, though none was allowed",
            });
        }
        SUBSCRIPTION_IDENTIFIER => {
            return Err(Fault::protocol(
                "a subscription identifier, though none was given",
            ));
        }
        9 => {
            reader.binary()?;
        }
        USER_PROPERTY => {
            reader.string()?;
            reader.string()?;
        }
        _ => {
            reader.string()?;
        }
    }
    Ok(())
}
