use super::fault::Fault;
use super::framing::varint_len;

const SHORT: Fault = Fault::malformed("a packet that ends too early");

/// Reads MQTT's data types (MQTT 5, section 1.5) from a packet and keeps the position in it.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from `position` on.
    pub(super) fn new(bytes: &'a [u8], position: usize) -> Self {
        Self { bytes, position }
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    pub(super) fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.position)
    }

    /// Splits off a reader of the next `len` bytes.
    pub(super) fn sub(&mut self, len: usize) -> Result<Self, Fault> {
        let end = self.position.checked_add(len).ok_or(SHORT)?;
        let bytes = self.bytes.get(..end).ok_or(SHORT)?;
        let position = core::mem::replace(&mut self.position, end);
        Ok(Self { bytes, position })
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], Fault> {
        let sub = self.sub(len)?;
        sub.bytes.get(sub.position..).ok_or(SHORT)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Fault> {
        self.take(1)?.first().copied().ok_or(SHORT)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Fault> {
        let bytes = self.take(2)?.try_into().map_err(|_| SHORT)?;
        Ok(u16::from_be_bytes(bytes))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Fault> {
        let bytes = self.take(4)?.try_into().map_err(|_| SHORT)?;
        Ok(u32::from_be_bytes(bytes))
    }

    /// A Variable Byte Integer of at most four bytes, in its shortest form.
    pub(super) fn varint(&mut self) -> Result<usize, Fault> {
        let mut value = 0;
        for index in 0..4 {
            let byte = self.u8()?;
            value |= usize::from(byte & 0x7F) << (7 * index);
            if byte & 0x80 == 0 {
                if varint_len(value) != index + 1 {
                    return Err(Fault::malformed("a number in more bytes than it needs"));
                }
                return Ok(value);
            }
        }
        Err(Fault::malformed("a number of more than four bytes"))
    }

    pub(super) fn binary(&mut self) -> Result<&'a [u8], Fault> {
        let len = self.u16()?;
        self.take(usize::from(len))
    }

    /// A UTF-8 Encoded String, which must not hold U+0000 (section 1.5.4).
    pub(super) fn string(&mut self) -> Result<&'a str, Fault> {
        let text = core::str::from_utf8(self.binary()?)
            .map_err(|_| Fault::malformed("text that is not UTF-8"))?;
        if text.contains('\0') {
            return Err(Fault::malformed("text with a zero character"));
        }
        Ok(text)
    }
}
