//! MQTT packets, as far as the tests need them (OASIS MQTT 3.1.1 and 5.0).

/// The protocol level of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V311,
    V5,
}

pub(crate) const VERSIONS: [Version; 2] = [Version::V311, Version::V5];

/// The content of a CONNECT.
#[derive(Debug, Clone)]
pub(crate) struct Connect<'a> {
    pub(crate) version: Version,
    pub(crate) id: &'a str,
    pub(crate) login: Option<(&'a str, &'a str)>,
    pub(crate) will: Option<(&'a str, &'a [u8])>,
    /// Flags of the will: 0x08 is QoS 1, 0x20 has it retained.
    pub(crate) will_flags: u8,
    /// Properties of the will without their length, MQTT 5 only.
    pub(crate) will_properties: Vec<u8>,
    pub(crate) clean: bool,
    /// Session Expiry Interval in seconds, MQTT 5 only.
    pub(crate) expiry: Option<u32>,
    /// Receive Maximum, MQTT 5 only.
    pub(crate) receive_maximum: Option<u16>,
}

impl<'a> Connect<'a> {
    pub(crate) fn new(version: Version, id: &'a str) -> Self {
        Self {
            version,
            id,
            login: None,
            will: None,
            will_flags: 0,
            will_properties: Vec::new(),
            clean: true,
            expiry: None,
            receive_maximum: None,
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut body = string("MQTT");
        body.push(match self.version {
            Version::V311 => 4,
            Version::V5 => 5,
        });
        let mut flags = 0;
        flags |= if self.clean { 0x02 } else { 0 };
        if self.will.is_some() {
            flags |= 0x04 | self.will_flags;
        }
        flags |= if self.login.is_some() { 0xC0 } else { 0 };
        body.push(flags);
        body.extend_from_slice(&60_u16.to_be_bytes());
        if self.version == Version::V5 {
            let mut properties = Vec::new();
            if let Some(seconds) = self.expiry {
                properties.push(0x11);
                properties.extend_from_slice(&seconds.to_be_bytes());
            }
            if let Some(most) = self.receive_maximum {
                properties.push(0x21);
                properties.extend_from_slice(&most.to_be_bytes());
            }
            body.extend(&packet(0, &properties)[1..]);
        }
        body.extend(string(self.id));
        if let Some((topic, payload)) = self.will {
            if self.version == Version::V5 {
                body.extend(&packet(0, &self.will_properties)[1..]);
            }
            body.extend(string(topic));
            body.extend(binary(payload));
        }
        if let Some((name, password)) = self.login {
            body.extend(string(name));
            body.extend(string(password));
        }
        packet(0x10, &body)
    }
}

/// A SUBSCRIBE to one filter; `options` is its last byte.
pub(crate) fn subscribe(version: Version, filter: &str, options: u8) -> Vec<u8> {
    let mut body = vec![0, 1];
    if version == Version::V5 {
        body.push(0);
    }
    body.extend(string(filter));
    body.push(options);
    packet(0x82, &body)
}

pub(crate) fn publish(version: Version, topic: &str, payload: &[u8]) -> Vec<u8> {
    publish_with(version, 0, topic, payload)
}

/// A PUBLISH with these flags; with a QoS above 0 its packet identifier is 7.
pub(crate) fn publish_with(version: Version, flags: u8, topic: &str, payload: &[u8]) -> Vec<u8> {
    let mut body = string(topic);
    if flags & 0x06 != 0 {
        body.extend_from_slice(&[0, 7]);
    }
    if version == Version::V5 {
        body.push(0);
    }
    body.extend_from_slice(payload);
    packet(0x30 | flags, &body)
}

/// An MQTT 5 PUBLISH to `topic` with `count` empty user properties, as packet `id` where its QoS
/// is above 0.
pub(crate) fn publish_with_properties(
    flags: u8,
    id: u16,
    topic: &str,
    count: usize,
    payload: &[u8],
) -> Vec<u8> {
    let properties = [0x26, 0, 0, 0, 0].repeat(count);
    publish_with_content(flags, id, topic, &properties, payload)
}

/// The same with these properties, without their length.
pub(crate) fn publish_with_content(
    flags: u8,
    id: u16,
    topic: &str,
    properties: &[u8],
    payload: &[u8],
) -> Vec<u8> {
    let mut body = string(topic);
    if flags & 0x06 != 0 {
        body.extend_from_slice(&id.to_be_bytes());
    }
    body.extend(&packet(0, properties)[1..]);
    body.extend_from_slice(payload);
    packet(0x30 | flags, &body)
}

/// An MQTT 5 CONNECT with a login and `count` empty user properties.
pub(crate) fn connect_with_properties(id: &str, login: (&str, &str), count: usize) -> Vec<u8> {
    let mut body = string("MQTT");
    body.extend_from_slice(&[5, 0xC2, 0, 60]);
    body.extend(empty_user_properties(count));
    for part in [id, login.0, login.1] {
        body.extend(string(part));
    }
    packet(0x10, &body)
}

/// An UNSUBSCRIBE from one filter.
pub(crate) fn unsubscribe(version: Version, filter: &str) -> Vec<u8> {
    let mut body = vec![0, 1];
    if version == Version::V5 {
        body.push(0);
    }
    body.extend(string(filter));
    packet(0xA2, &body)
}

fn empty_user_properties(count: usize) -> Vec<u8> {
    let content = [0x26, 0, 0, 0, 0].repeat(count);
    let framed = packet(0, &content);
    framed[1..].to_vec()
}

/// A received packet: its first byte, and what follows the length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) first: u8,
    pub(crate) body: Vec<u8>,
}

impl Packet {
    /// Takes one packet from the front of `bytes`, if it is complete.
    pub(crate) fn take(bytes: &mut Vec<u8>) -> Option<Self> {
        let (length, header) = variable_length(bytes.get(1..)?)?;
        let end = 1 + header + length;
        if bytes.len() < end {
            return None;
        }
        let packet: Vec<u8> = bytes.drain(..end).collect();
        Some(Self {
            first: packet[0],
            body: packet[1 + header..].to_vec(),
        })
    }

    /// Topic and payload of a PUBLISH.
    pub(crate) fn published(&self, version: Version) -> (String, &[u8]) {
        assert_eq!(self.first >> 4, 3, "a PUBLISH, not {:#x}", self.first);
        let length = usize::from(u16::from_be_bytes([self.body[0], self.body[1]]));
        let topic = String::from_utf8(self.body[2..2 + length].to_vec()).expect("topics are text");
        let mut at = 2 + length;
        if self.first & 0x06 != 0 {
            at += 2;
        }
        if version == Version::V5 {
            let (properties, header) = variable_length(&self.body[at..]).expect("properties");
            at += header + properties;
        }
        (topic, &self.body[at..])
    }

    /// The reason or return code of a CONNACK.
    pub(crate) fn connack_code(&self) -> u8 {
        assert_eq!(self.first, 0x20, "a CONNACK");
        self.body[1]
    }

    /// The four-byte property `id` of an MQTT 5 CONNACK.
    pub(crate) fn connack_property(&self, id: u8) -> Option<u32> {
        let (_, header) = variable_length(&self.body[2..])?;
        let mut rest = &self.body[2 + header..];
        while let Some((found, after)) = rest.split_first() {
            let length = match found {
                0x24 | 0x25 | 0x28 | 0x29 | 0x2A => 1,
                0x13 | 0x21 | 0x22 => 2,
                0x11 | 0x27 => 4,
                0x12 | 0x15 | 0x16 | 0x1A | 0x1C | 0x1F => {
                    2 + usize::from(u16::from_be_bytes([after[0], after[1]]))
                }
                other => panic!("property {other:#x}"),
            };
            if *found == id {
                return Some(u32::from_be_bytes(after[..4].try_into().ok()?));
            }
            rest = &after[length..];
        }
        None
    }
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    let mut left = body.len();
    loop {
        let digit = (left % 128) as u8;
        left /= 128;
        packet.push(if left > 0 { digit | 0x80 } else { digit });
        if left == 0 {
            break;
        }
    }
    packet.extend_from_slice(body);
    packet
}

fn string(text: &str) -> Vec<u8> {
    binary(text.as_bytes())
}

fn binary(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("short enough for MQTT");
    [&length.to_be_bytes(), content].concat()
}

fn variable_length(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}
