//! Messages without the names of their senders.

use super::inspector::variable;

/// The names by which the broker's crate tells of a message's publisher, as user properties (MQTT 5, section
/// 3.3.2.3.7). Who knows a client's identifier can take its place.
const NAMES_OF_SENDERS: [&[u8]; 2] = [b"x-mqtt-client-id", b"x-mqtt-sender"];

/// The place of a PUBLISH's properties, and its packet identifier.
pub(crate) struct Place {
    pub(crate) packet_id: Option<u16>,
    /// The first byte behind the length of the packet.
    body: usize,
    /// The first byte behind topic and packet identifier.
    properties: usize,
}

impl Place {
    /// Finds them in a whole PUBLISH.
    pub(crate) fn of(packet: &[u8]) -> Option<Self> {
        let (_, digits) = variable(packet.get(1..)?)?;
        let body = 1 + digits;
        let &[high, low] = packet.get(body..body + 2)? else {
            return None;
        };
        let mut at = body + 2 + usize::from(u16::from_be_bytes([high, low]));
        let mut packet_id = None;
        if packet.first()? & 0x06 != 0 {
            let &[high, low] = packet.get(at..at + 2)? else {
                return None;
            };
            packet_id = Some(u16::from_be_bytes([high, low]));
            at += 2;
        }
        Some(Self {
            packet_id,
            body,
            properties: at,
        })
    }

    /// The packet without the names of its publisher, if it has any.
    pub(crate) fn without_names(&self, packet: &[u8]) -> Option<Vec<u8>> {
        let (length, digits) = variable(packet.get(self.properties..)?)?;
        let from = self.properties + digits;
        let all = packet.get(from..from + length)?;
        let mut kept = Vec::with_capacity(all.len());
        let mut rest = all;
        while let Some(size) = property_size(rest) {
            let (property, after) = rest.split_at_checked(size)?;
            let is_name = property[0] == 0x26
                && NAMES_OF_SENDERS.iter().any(|name| {
                    property.get(3..3 + name.len()) == Some(name)
                        && usize::from(property[2]) == name.len()
                });
            if !is_name {
                kept.extend_from_slice(property);
            }
            rest = after;
        }
        if kept.len() + rest.len() == all.len() {
            return None;
        }
        kept.extend_from_slice(rest);
        let mut head = packet[self.body..self.properties].to_vec();
        write_variable(&mut head, kept.len());
        head.extend_from_slice(&kept);
        let payload = &packet[from + length..];
        let mut whole = vec![packet[0]];
        write_variable(&mut whole, head.len() + payload.len());
        whole.extend_from_slice(&head);
        whole.extend_from_slice(payload);
        Some(whole)
    }
}

/// How long the first property of a PUBLISH is, with its identifier (MQTT 5, section 2.2.2.2).
fn property_size(bytes: &[u8]) -> Option<usize> {
    let field = |at: usize| {
        let &[high, low] = bytes.get(at..at + 2)? else {
            return None;
        };
        Some(2 + usize::from(u16::from_be_bytes([high, low])))
    };
    Some(match bytes.first()? {
        0x01 => 2,
        0x02 => 5,
        0x23 => 3,
        0x0B => 1 + variable(&bytes[1..])?.1,
        0x03 | 0x08 | 0x09 => 1 + field(1)?,
        0x26 => {
            let key = field(1)?;
            1 + key + field(1 + key)?
        }
        _ => return None,
    })
}

fn write_variable(to: &mut Vec<u8>, mut value: usize) {
    loop {
        let digit = (value & 0x7F) as u8;
        value >>= 7;
        if value == 0 {
            to.push(digit);
            return;
        }
        to.push(digit | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_of_the_sender_are_taken_out() {
        let property = |key: &[u8], value: &[u8]| {
            let mut bytes = vec![0x26];
            for part in [key, value] {
                bytes.extend_from_slice(&[0, part.len() as u8]);
                bytes.extend_from_slice(part);
            }
            bytes
        };
        let packet = |properties: &[Vec<u8>]| {
            let properties = properties.concat();
            let mut body = vec![0, 1, b't', 0, 9];
            write_variable(&mut body, properties.len());
            body.extend(properties);
            body.extend_from_slice(b"payload");
            let mut packet = vec![0x32];
            write_variable(&mut packet, body.len());
            [packet, body].concat()
        };
        let other = property(b"x-mqtt-client-ids", b"kept");
        let format = vec![0x01, 1];
        let named = packet(&[
            format.clone(),
            property(b"x-mqtt-client-id", &[b'i'; 60]),
            other.clone(),
            property(b"x-mqtt-sender", b"ann"),
        ]);
        let place = Place::of(&named).unwrap();
        assert_eq!(place.packet_id, Some(9));
        let nameless = packet(&[format, other]);
        assert_eq!(place.without_names(&named).unwrap(), nameless);
        let place = Place::of(&nameless).unwrap();
        assert!(place.without_names(&nameless).is_none());
        for end in 0..named.len() {
            if let Some(place) = Place::of(&named[..end]) {
                let _ = place.without_names(&named[..end]);
            }
        }
    }
}
