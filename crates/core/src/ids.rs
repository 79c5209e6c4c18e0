//! Names of rooms, devices and parcels, as they stand in topics.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// Lower-case base32 of RFC 4648 without padding: fits a topic segment of `[a-z0-9-]`.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Writes `bytes` in lower-case base32 without padding.
pub(crate) fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut bits, mut held) = (0u32, 0u32);
    for &byte in bytes {
        bits = bits << 8 | u32::from(byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            text.push(char::from(ALPHABET[(bits >> held & 31) as usize]));
        }
    }
    if held > 0 {
        text.push(char::from(ALPHABET[(bits << (5 - held) & 31) as usize]));
    }
    text
}

/// Reads [`base32`]; `None` for what it does not write.
pub(crate) fn from_base32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut bits, mut held) = (0u32, 0u32);
    for letter in text.bytes() {
        let value = ALPHABET.iter().position(|&known| known == letter)?;
        bits = (bits << 5 | value as u32) & 0xfff;
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    (base32(&bytes) == text).then_some(bytes)
}

/// One stay of this device in one room: each [join](crate::Engine::join) of an engine begins another. It
/// means nothing to other devices. The default is no room's.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct RoomId(pub(crate) u32);

/// The token by which the sender of a parcel knows a receiver, whatever id that has: random, and told to the
/// sender alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
#[cbor(transparent)]
pub(crate) struct Token(#[cbor(with = "minicbor::bytes")] pub(crate) [u8; 16]);

/// A text that is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id: 16 characters of a-z and 2-7 are expected")]
pub struct InvalidId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, minicbor::Encode, minicbor::Decode)]
        #[cbor(transparent)]
        pub struct $name(#[cbor(with = "minicbor::bytes")] pub(crate) [u8; 10]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&base32(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                if text.len() != 16 {
                    return Err(InvalidId);
                }
                let mut id = [0; 10];
                for (index, letter) in text.bytes().enumerate() {
                    let value = ALPHABET.iter().position(|&a| a == letter).ok_or(InvalidId)? as u64;
                    let at = index * 5;
                    // Five bits straddle at most two bytes.
                    let shifted = (value << 11) >> (at % 8);
                    id[at / 8] |= (shifted >> 8) as u8;
                    if let Some(next) = id.get_mut(at / 8 + 1) {
                        *next |= shifted as u8;
                    }
                }
                Ok(Self(id))
            }
        }
    };
}

id! {
    /// A device: the first 10 bytes of the BLAKE3 hash of its public key, so that no one
    /// can take another's id.
    DeviceId
}

id! {
    /// A parcel: the first 10 bytes of the BLAKE3 hash of its public key, by which its sender shows
    /// after a restart that the parcel is its own.
    ParcelId
}

id! {
    /// A person in one room: the first 10 bytes of the BLAKE3 hash of their public key there.
    PersonId
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// A device, by its number.
    pub(crate) fn device(number: u32) -> DeviceId {
        let mut id = [0; 10];
        id[..4].copy_from_slice(&number.to_be_bytes());
        DeviceId(id)
    }

    #[test]
    fn base32_agrees_with_rfc_4648() {
        for (plain, coded) in [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foobar", "mzxw6ytboi"),
        ] {
            assert_eq!(base32(plain.as_bytes()), coded);
            assert_eq!(from_base32(coded).as_deref(), Some(plain.as_bytes()));
        }
    }

    #[test]
    fn ids_survive_being_written_and_read() {
        for byte in 0..=255u8 {
            let id = DeviceId([byte, 1, 0xff, byte ^ 0x5a, 3, 4, 0x80, byte, 9, byte]);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        for text in [
            "",
            "abc",
            "aaaaaaaaaaaaaaa1",
            "AAAAAAAAAAAAAAAA",
            "aaaaaaaaaaaaaaaaa",
            "äaaaaaaaaaaaaaa",
        ] {
            assert_eq!(text.parse::<ParcelId>(), Err(InvalidId), "{text}");
        }
    }
}
