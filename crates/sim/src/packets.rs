//! The parts of MQTT packets, from the OASIS texts.

/// Reads a packet's body. Who sent it is not a stranger: what is missing there is a fault.
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads from the beginning of a body.
    pub fn new(body: &'a [u8]) -> Self {
        Self(body)
    }

    /// Whether all was read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes that were not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// The next `len` bytes.
    pub fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len);
        self.0 = rest;
        taken
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }

    /// The next two bytes, as a number.
    pub fn word(&mut self) -> u16 {
        u16::from_be_bytes(self.take(2).try_into().unwrap())
    }

    /// The next four bytes, as a number.
    pub fn long(&mut self) -> u32 {
        u32::from_be_bytes(self.take(4).try_into().unwrap())
    }

    /// The next string: its length and its bytes.
    pub fn string(&mut self) -> &'a [u8] {
        let len = self.word().into();
        self.take(len)
    }

    /// The properties of MQTT 5: their length, and that many bytes.
    pub fn properties(&mut self) -> Reader<'a> {
        let (len, used) = variable(self.0).unwrap();
        self.take(used);
        Reader(self.take(len))
    }
}

/// A variable byte integer and how long it is itself (MQTT 5, section 1.5.5), if all of it is there.
pub fn variable(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

/// A packet with this first byte.
pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    let mut len = body.len();
    loop {
        let more = len > 0x7f;
        packet.push((len & 0x7f) as u8 | if more { 0x80 } else { 0 });
        len >>= 7;
        if !more {
            break;
        }
    }
    packet.extend_from_slice(body);
    packet
}
