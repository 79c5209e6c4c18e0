//! The fields of MQTT packets (OASIS MQTT 5.0, section 1.5).

use super::{Violation, too_large};

/// The fields of a packet, one after the other.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    /// The next bytes, if there are so many.
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// A string or binary data, with its length before it.
    pub(super) fn field(&mut self) -> Option<&'a [u8]> {
        let &[high, low] = self.take(2)? else {
            return None;
        };
        self.take(usize::from(u16::from_be_bytes([high, low])))
    }

    /// Filters with their options, up to the end.
    pub(super) fn filters(&mut self) -> Option<Vec<(String, u8)>> {
        let mut filters = Vec::new();
        while let Some(filter) = self.field() {
            let options = self.take(1)?[0];
            // A filter that is not UTF-8 is malformed.
            let filter = str::from_utf8(filter).ok()?;
            filters.push((filter.to_owned(), options));
        }
        Some(filters)
    }

    /// Skips properties, if they are not too many.
    pub(super) fn properties(&mut self, most: usize) -> Result<(), Violation> {
        if let Some((length, digits)) = variable(self.0) {
            if length > most {
                return Err(too_large("its packet had too many properties"));
            }
            self.take(digits + length);
        }
        Ok(())
    }
}

/// A Variable Byte Integer at the front of `bytes`, and how many bytes it takes.
pub(crate) fn variable(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}
