//! Cuts a byte stream into packets (MQTT 5, section 2.1.1), however the transport split or merged it.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::fault::Fault;
use crate::types::ReasonCode;

/// The longest Remaining Length four bytes can encode (section 1.5.5).
pub(crate) const MAX_REMAINING: usize = 268_435_455;

/// The longest packet other than PUBLISH that is read. Such packets hold a few
/// numbers and sentences; more would only serve to fill memory.
const MAX_CONTROL_PACKET: usize = 128 * 1024;

/// How much is reserved on the word of a fixed header; beyond it the buffer doubles as bytes arrive.
const TRUSTED: usize = 1024 * 1024;

const PUBLISH: u8 = 3;

/// The first two to five bytes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FixedHeader {
    /// Packet type and flags.
    pub(crate) first: u8,
    /// Length of this header in bytes, 2 to 5.
    pub(crate) len: usize,
    /// Length of what follows it in bytes.
    pub(crate) remaining: usize,
}

impl FixedHeader {
    /// The packet type, 0 to 15.
    pub(crate) fn kind(self) -> u8 {
        self.first >> 4
    }

    /// The four flags below the packet type.
    pub(crate) fn flags(self) -> u8 {
        self.first & 0x0F
    }

    /// Whether Remaining Length is encoded in the fewest bytes, as MQTT 5 demands (section 1.5.5).
    pub(crate) fn is_minimal(self) -> bool {
        self.len == 1 + varint_len(self.remaining)
    }

    fn parse(bytes: &[u8]) -> Result<Option<Self>, Fault> {
        let Some((&first, rest)) = bytes.split_first() else {
            return Ok(None);
        };
        let mut remaining = 0;
        for (index, &byte) in rest.iter().take(4).enumerate() {
            remaining |= usize::from(byte & 0x7F) << (7 * index);
            if byte & 0x80 == 0 {
                let len = index + 2;
                return Ok(Some(Self {
                    first,
                    len,
                    remaining,
                }));
            }
        }
        if rest.len() >= 4 {
            return Err(Fault::malformed("a packet length of more than four bytes"));
        }
        Ok(None)
    }

    fn total(self) -> usize {
        self.len + self.remaining
    }
}

/// One whole packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) header: FixedHeader,
    /// The packet with its fixed header.
    pub(crate) bytes: Bytes,
}

/// Puts packets together from what the transport delivers.
///
/// A packet that lies whole within one delivery is a slice of it. One that is
/// split is copied once into a buffer of its own.
#[derive(Debug)]
pub(crate) struct Framer {
    limit: usize,
    partial: Vec<u8>,
    header: Option<FixedHeader>,
}

impl Framer {
    /// A framer that refuses packets of more than `limit` bytes as soon as their fixed header says so.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            partial: Vec::new(),
            header: None,
        }
    }

    /// Takes the next packet from `input`, or all of it if it does not complete one.
    ///
    /// After a fault the stream has no meaning any more; do not call this again.
    pub(crate) fn next(&mut self, input: &mut Bytes) -> Result<Option<Frame>, Fault> {
        if self.partial.is_empty()
            && let Some(header) = FixedHeader::parse(input)?
        {
            self.check(header)?;
            if input.len() >= header.total() {
                let bytes = input.split_to(header.total());
                return Ok(Some(Frame { header, bytes }));
            }
            self.header = Some(header);
        }
        let Some(header) = self.complete_header(input)? else {
            return Ok(None);
        };
        let wanted = header.total() - self.partial.len();
        self.append(input.split_to(wanted.min(input.len())), header.total());
        if self.partial.len() < header.total() {
            return Ok(None);
        }
        self.header = None;
        let bytes = Bytes::from(core::mem::take(&mut self.partial));
        Ok(Some(Frame { header, bytes }))
    }

    fn complete_header(&mut self, input: &mut Bytes) -> Result<Option<FixedHeader>, Fault> {
        while self.header.is_none() && input.has_remaining() {
            self.partial.push(input.get_u8());
            self.header = FixedHeader::parse(&self.partial)?;
            if let Some(header) = self.header {
                self.check(header)?;
            }
        }
        Ok(self.header)
    }

    /// Checks by the fixed header alone, so that a server that speaks something else is found out at once.
    fn check(&self, header: FixedHeader) -> Result<(), Fault> {
        if header.flags() != 0 && matches!(header.kind(), 2 | 4 | 9 | 11 | 13 | 14) {
            return Err(Fault::malformed("flags that MQTT reserves"));
        }
        let limit = if header.kind() == PUBLISH {
            self.limit
        } else {
            self.limit.min(MAX_CONTROL_PACKET)
        };
        if header.total() > limit {
            return Err(Fault {
                reason: ReasonCode::PACKET_TOO_LARGE,
                what: "a packet larger than this client takes",
            });
        }
        Ok(())
    }

    fn append(&mut self, bytes: Bytes, total: usize) {
        let wanted = self.partial.len() + bytes.len();
        if wanted > self.partial.capacity() {
            let capacity = wanted.max(2 * self.partial.capacity()).max(TRUSTED);
            self.partial
                .reserve_exact(capacity.min(total) - self.partial.len());
        }
        self.partial.extend_from_slice(&bytes);
    }

    /// Bytes reserved for the packet under assembly.
    #[cfg(test)]
    pub(crate) fn reserved(&self) -> usize {
        self.partial.capacity()
    }
}

/// How many bytes `value` takes as a Variable Byte Integer (section 1.5.5).
pub(crate) fn varint_len(value: usize) -> usize {
    match value {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        _ => 4,
    }
}

/// Writes `value` as a Variable Byte Integer.
pub(crate) fn put_varint(buffer: &mut BytesMut, mut value: usize) {
    while value >= 0x80 {
        buffer.put_u8((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    buffer.put_u8(value as u8);
}
