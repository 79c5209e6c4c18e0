//! Looks at what a client sends before the broker does: packets that would grow when they are
//! decoded, or that nobody needs, end the connection while only their first bytes are here.
//! (OASIS MQTT 5.0 and 3.1.1, sections 2 and 3.)

use self::fields::Fields;
pub(crate) use self::fields::variable;
use super::rules::{MOST_PROPERTIES, Rules};

/// The longest CONNECT, in bytes: a will and a login. mqdrop's own is below 1 KiB.
const LONGEST_CONNECT: usize = 16 * 1024;
/// The longest packet that is neither CONNECT nor PUBLISH, in bytes.
const LONGEST_CONTROL: usize = 16 * 1024;
const LONGEST_CLIENT_ID: usize = 256;
/// The longest payload that is acknowledged, in bytes: the broker keeps it until it is.
const LONGEST_ACKNOWLEDGED: usize = 1024 * 1024;

const CONNECT: u8 = 1;
const PUBLISH: u8 = 3;
const PUBACK: u8 = 4;
const PUBREC: u8 = 5;
const PUBREL: u8 = 6;
const PUBCOMP: u8 = 7;
const SUBSCRIBE: u8 = 8;
const UNSUBSCRIBE: u8 = 10;
const DISCONNECT: u8 = 14;
const AUTH: u8 = 15;

/// A finding in the packets that pass.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A PUBLISH, before its payload.
    Publish(Published),
    /// A SUBSCRIBE: filters with their options.
    Subscribe(Vec<(String, u8)>),
    /// The client has a message that it was sent, or does not want it (PUBACK, PUBCOMP, PUBREC).
    Acknowledged(u16),
    /// The client lets go of a message that it sent (PUBREL).
    Released(u16),
}

/// The part of a PUBLISH that the broker's events do not tell, and what it is recognised by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Published {
    pub(crate) qos: u8,
    pub(crate) is_retained: bool,
    pub(crate) packet_id: Option<u16>,
    pub(crate) payload: usize,
    /// As they were sent, with their length before them.
    pub(crate) properties: Vec<u8>,
}

/// Why a client is let go of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The reason code for CONNACK or DISCONNECT (OASIS MQTT 5.0, section 2.4).
    pub(crate) code: u8,
    pub(crate) words: &'static str,
}

/// Follows a client's packets, in whatever pieces they come.
#[derive(Debug)]
pub(crate) struct Inspector {
    rules: Rules,
    /// The client speaks MQTT 5; known after its CONNECT.
    is_v5: Option<bool>,
    state: State,
    /// The first bytes of the present packet, behind its length.
    head: Vec<u8>,
    /// Findings that were not taken yet.
    found: Vec<Found>,
    /// Bytes of the present packet that have passed.
    passed: usize,
    /// Packets that have begun, not yet told of.
    packets: u32,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// The next byte is a packet's first.
    Between,
    /// In the Remaining Length: its value so far and the next digit's weight.
    Length { first: u8, value: usize, shift: u32 },
    /// The head is collected, of `length` bytes behind the Remaining Length.
    Head { first: u8, length: usize },
    /// So many bytes of the packet are left.
    Rest { left: usize },
}

/// How far a head is.
enum Progress {
    /// It takes so many bytes.
    Needs(usize),
    Done(Option<Found>),
}

impl Inspector {
    /// An inspector of one connection, before its first byte.
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            rules,
            is_v5: None,
            state: State::Between,
            head: Vec::new(),
            found: Vec::new(),
            passed: 0,
            packets: 0,
        }
    }

    /// Tells whether a whole CONNECT has passed.
    pub(crate) fn knows_the_client(&self) -> bool {
        self.is_v5.is_some()
    }

    /// Tells whether the client speaks MQTT 5.
    pub(crate) fn is_v5(&self) -> bool {
        self.is_v5 == Some(true)
    }

    /// Tells whether an answer may be one of MQTT 5; during CONNECT its level says so.
    pub(crate) fn may_answer_v5(&self) -> bool {
        self.is_v5.unwrap_or_else(|| self.head.get(6) == Some(&5))
    }

    /// Bytes of the unfinished packet that have passed.
    pub(crate) fn passed(&self) -> usize {
        self.passed
    }

    /// Takes the findings since the last time.
    pub(crate) fn take_found(&mut self) -> Vec<Found> {
        std::mem::take(&mut self.found)
    }

    /// Looks at the next bytes: how many packets begin in them. A SUBSCRIBE counts as many as it
    /// has filters, since the broker looks through all retained messages for each.
    ///
    /// # Errors
    /// [`Violation`]: the bytes must not be handed on.
    pub(crate) fn pass(&mut self, bytes: &[u8]) -> Result<u32, Violation> {
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            match self.state {
                State::Between => {
                    self.packets += 1;
                    self.passed = 1;
                    self.head.clear();
                    self.state = State::Length {
                        first: byte,
                        value: 0,
                        shift: 0,
                    };
                    rest = after;
                }
                State::Length {
                    first,
                    value,
                    shift,
                } => {
                    self.passed += 1;
                    let value = value | usize::from(byte & 0x7F) << shift;
                    rest = after;
                    // A fifth digit is malformed; the broker ends the connection for it.
                    if byte & 0x80 != 0 && shift < 28 {
                        self.state = State::Length {
                            first,
                            value,
                            shift: shift + 7,
                        };
                        continue;
                    }
                    self.begin(first, value)?;
                }
                State::Head { first, length } => {
                    let Progress::Needs(needed) = self.look(first, length)? else {
                        continue;
                    };
                    let missing = needed.min(length) - self.head.len();
                    let here = missing.min(rest.len());
                    self.head.extend_from_slice(&rest[..here]);
                    self.passed += here;
                    rest = &rest[here..];
                    self.advance(first, length)?;
                }
                State::Rest { left } => {
                    let here = left.min(rest.len());
                    self.passed += here;
                    rest = &rest[here..];
                    self.rest(left - here);
                }
            }
        }
        Ok(std::mem::take(&mut self.packets))
    }

    /// The length of a packet is known.
    fn begin(&mut self, first: u8, length: usize) -> Result<(), Violation> {
        let kind = first >> 4;
        match kind {
            CONNECT if length > LONGEST_CONNECT => {
                return Err(too_large("its CONNECT was too long"));
            }
            CONNECT | PUBLISH => {}
            _ if length > LONGEST_CONTROL => {
                return Err(too_large("it sent a packet that was too long for its kind"));
            }
            _ => {}
        }
        if self.is_v5.is_none() && kind != CONNECT {
            return Err(Violation {
                code: 0x82,
                words: "it broke the rules of MQTT",
            });
        }
        if kind == PUBLISH && first >> 1 & 3 > self.rules.highest_qos() {
            return Err(Violation {
                code: 0x9B,
                words: "it sent a message with QoS 2, see --topics",
            });
        }
        self.state = State::Head { first, length };
        self.advance(first, length)
    }

    /// Goes on to the rest once the head is complete.
    fn advance(&mut self, first: u8, length: usize) -> Result<(), Violation> {
        let found = match self.look(first, length)? {
            Progress::Done(found) => found,
            // Shorter than its own parts say: the broker finds it malformed.
            Progress::Needs(_) if self.head.len() >= length => None,
            Progress::Needs(_) => return Ok(()),
        };
        if let Some(Found::Subscribe(filters)) = &found {
            let others = filters.len().saturating_sub(1);
            self.packets += u32::try_from(others).unwrap_or(u32::MAX);
        }
        self.found.extend(found);
        if first >> 4 == CONNECT && self.is_v5.is_none() {
            self.is_v5 = Some(self.head.get(6) == Some(&5));
        }
        self.rest(length - self.head.len());
        Ok(())
    }

    fn rest(&mut self, left: usize) {
        if left == 0 {
            self.passed = 0;
            self.state = State::Between;
        } else {
            self.state = State::Rest { left };
        }
    }

    /// How far the head of the present packet is.
    fn look(&self, first: u8, length: usize) -> Result<Progress, Violation> {
        let whole = |found: fn(&Self) -> Result<Option<Found>, Violation>| {
            if self.head.len() < length {
                return Ok(Progress::Needs(length));
            }
            found(self).map(Progress::Done)
        };
        match first >> 4 {
            CONNECT => whole(|this| this.connect().map(|()| None)),
            SUBSCRIBE => whole(Self::subscribe),
            PUBLISH => self.publish(first, length),
            PUBACK | PUBREC | PUBREL | PUBCOMP => self.acknowledgement(first >> 4, length),
            UNSUBSCRIBE => self.bounded(2, length),
            DISCONNECT | AUTH => self.bounded(1, length),
            _ => Ok(Progress::Done(None)),
        }
    }

    fn acknowledgement(&self, kind: u8, length: usize) -> Result<Progress, Violation> {
        // Identifier, reason, properties; the last two may be missing.
        if let needs @ Progress::Needs(_) = self.bounded(3, length)? {
            return Ok(needs);
        }
        let [high, low, ref rest @ ..] = self.head[..] else {
            return Ok(Progress::Needs(2));
        };
        let id = u16::from_be_bytes([high, low]);
        let has_failed = self.is_v5() && rest.first().is_some_and(|reason| *reason >= 0x80);
        Ok(Progress::Done(match kind {
            PUBREL => Some(Found::Released(id)),
            // A PUBCOMP follows.
            PUBREC if !has_failed => None,
            _ => Some(Found::Acknowledged(id)),
        }))
    }

    /// Waits for the length of the properties, at `at`, and refuses too many.
    fn bounded(&self, at: usize, length: usize) -> Result<Progress, Violation> {
        if !self.is_v5() || length <= at {
            return Ok(if self.head.len() < at.min(length) {
                Progress::Needs(at.min(length))
            } else {
                Progress::Done(None)
            });
        }
        match variable(self.head.get(at..).unwrap_or_default()) {
            Some((value, _)) if value > MOST_PROPERTIES => {
                Err(too_large("its packet had too many properties"))
            }
            Some(_) => Ok(Progress::Done(None)),
            // Malformed.
            None if self.head.len() >= length.min(at + 4) => Ok(Progress::Done(None)),
            // One digit after the other.
            None => Ok(Progress::Needs((self.head.len() + 1).max(at + 1))),
        }
    }

    fn publish(&self, first: u8, length: usize) -> Result<Progress, Violation> {
        let qos = first >> 1 & 3;
        let head = &self.head;
        let [high, low, ..] = head[..] else {
            return Ok(Progress::Needs(2));
        };
        let topic = usize::from(u16::from_be_bytes([high, low]));
        if topic > self.rules.longest_topic() {
            return Err(too_large("its topic was too long"));
        }
        let mut at = 2 + topic;
        let mut packet_id = None;
        if qos > 0 {
            at += 2;
            let Some(&[high, low]) = head.get(at - 2..at) else {
                return Ok(Progress::Needs(at));
            };
            packet_id = Some(u16::from_be_bytes([high, low]));
        }
        let mut properties = Vec::new();
        if self.is_v5() {
            let Some((value, digits)) = variable(head.get(at..).unwrap_or_default()) else {
                if head.len() >= at + 4 {
                    return Ok(Progress::Done(None));
                }
                // One digit after the other.
                return Ok(Progress::Needs((head.len() + 1).max(at + 1)));
            };
            if value > MOST_PROPERTIES {
                return Err(too_large("its packet had too many properties"));
            }
            let Some(raw) = head.get(at..at + digits + value) else {
                return Ok(Progress::Needs(at + digits + value));
            };
            properties = raw.to_vec();
            at += raw.len();
        }
        if head.len() < at {
            return Ok(Progress::Needs(at));
        }
        let payload = length.saturating_sub(at);
        if qos > 0 && payload > LONGEST_ACKNOWLEDGED {
            return Err(Violation {
                code: 0x95,
                words: "its message was too long for QoS 1 and 2",
            });
        }
        Ok(Progress::Done(Some(Found::Publish(Published {
            qos,
            is_retained: first & 1 == 1,
            packet_id,
            payload,
            properties,
        }))))
    }

    /// Checks a whole CONNECT, as far as it is well-formed; the broker finds what is not.
    fn connect(&self) -> Result<(), Violation> {
        let mut fields = Fields(&self.head);
        let _name = fields.field();
        let Some(&[level, flags, _, _]) = fields.take(4) else {
            return Ok(());
        };
        let is_v5 = level == 5;
        if is_v5 {
            fields.properties(MOST_PROPERTIES)?;
        }
        if fields
            .field()
            .is_some_and(|id| id.len() > LONGEST_CLIENT_ID)
        {
            return Err(Violation {
                code: 0x85,
                words: "its client identifier was too long",
            });
        }
        if flags & 0x04 != 0 {
            if is_v5 {
                fields.properties(self.rules.most_will_properties())?;
            }
            let topic = fields.field().map_or(0, <[u8]>::len);
            if topic > self.rules.longest_topic() {
                return Err(too_large("its topic was too long"));
            }
        }
        Ok(())
    }

    fn subscribe(&self) -> Result<Option<Found>, Violation> {
        let mut fields = Fields(&self.head);
        if fields.take(2).is_some() && self.is_v5() {
            fields.properties(MOST_PROPERTIES)?;
        }
        Ok(fields.filters().map(Found::Subscribe))
    }
}

fn too_large(words: &'static str) -> Violation {
    Violation { code: 0x95, words }
}

mod fields;
#[cfg(test)]
mod tests;
