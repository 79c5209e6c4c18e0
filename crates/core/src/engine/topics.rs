//! The topics of a room.

use crate::api::JoinError;
use crate::ids::{DeviceId, ParcelId};
use crate::keys::RoomSecret;

const USUAL_PREFIX: &str = "mqdrop/1";
/// The most parts of a topic prefix: with the room and two more parts that is at most six slashes,
/// and some brokers allow seven.
const MAX_PREFIX_PARTS: usize = 4;
/// The longest topic prefix, in bytes: with what follows it a topic stays below the 256 bytes that
/// some brokers take.
const MAX_PREFIX: usize = 100;

/// The topic prefix that `typed` means, empty for the usual one: spaces around it and slashes at its
/// ends are left out. Forms check with this what an engine is asked to [`join`](crate::Engine::join) with.
///
/// # Errors
/// If it cannot be part of a room's topics.
pub fn topic_prefix(typed: &str) -> Result<&str, JoinError> {
    let prefix = typed.trim().trim_matches('/');
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = prefix.len() <= MAX_PREFIX
        && prefix.split('/').count() <= MAX_PREFIX_PARTS
        && prefix
            .split('/')
            .all(|part| !part.is_empty() && part.chars().all(legal));
    if fits || prefix.is_empty() {
        Ok(prefix)
    } else {
        Err(JoinError::InvalidPrefix)
    }
}

/// Everything of a room lies below this.
#[derive(Clone, Debug)]
pub(super) struct Topics {
    base: String,
    me: DeviceId,
}

/// The kind of topic of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    /// Control messages to everyone.
    Room,
    /// Control messages to this device.
    Me,
    /// A parcel's data frames.
    Data(ParcelId),
}

impl Topics {
    pub(super) fn new(prefix: &str, secret: &RoomSecret, me: DeviceId) -> Result<Self, JoinError> {
        let prefix = match topic_prefix(prefix)? {
            "" => USUAL_PREFIX,
            prefix => prefix,
        };
        Ok(Self {
            base: format!("{prefix}/{}/", secret.room()),
            me,
        })
    }

    /// Tells whether these are the topics of the same room.
    pub(super) fn are_of_one_room(&self, other: &Self) -> bool {
        self.base == other.base
    }

    /// A filter that matches all of the room's topics, as brokers' rules of access are written.
    pub(super) fn all(&self) -> String {
        format!("{}#", self.base)
    }

    pub(super) fn room(&self) -> String {
        format!("{}c", self.base)
    }

    pub(super) fn device(&self, device: DeviceId) -> String {
        format!("{}i/{device}", self.base)
    }

    pub(super) fn data(&self, parcel: ParcelId) -> String {
        format!("{}d/{parcel}", self.base)
    }

    /// The kind of `topic`; `None` if this device did not ask for it.
    pub(super) fn classify(&self, topic: &str) -> Option<Channel> {
        let tail = topic.strip_prefix(&self.base)?;
        match tail.split_once('/') {
            None if tail == "c" => Some(Channel::Room),
            Some(("i", device)) if device.parse() == Ok(self.me) => Some(Channel::Me),
            Some(("d", parcel)) => parcel.parse().ok().map(Channel::Data),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn topics(prefix: &str) -> Result<Topics, JoinError> {
        Topics::new(
            prefix,
            &RoomSecret {
                room: [0; 16],
                key: [0; 32],
            },
            DeviceId([1; 10]),
        )
    }

    #[test]
    fn topics_are_told_apart() {
        let topics = topics("").unwrap();
        assert_eq!(topics.room(), format!("mqdrop/1/{}/c", "a".repeat(26)));
        assert_eq!(topics.classify(&topics.room()), Some(Channel::Room));
        assert_eq!(
            topics.classify(&topics.device(DeviceId([1; 10]))),
            Some(Channel::Me)
        );
        assert_eq!(topics.classify(&topics.device(DeviceId([2; 10]))), None);
        let parcel = ParcelId([3; 10]);
        assert_eq!(
            topics.classify(&topics.data(parcel)),
            Some(Channel::Data(parcel))
        );
        for foreign in ["", "c", "mqdrop/1/x/c", "$SYS/x", "mqdrop/1/ä"] {
            assert_eq!(topics.classify(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn only_plain_prefixes_are_taken() {
        let longest = "x".repeat(MAX_PREFIX);
        for good in ["a", "site-2/files", "a/b/c/d", " /a/ ", &longest] {
            assert!(topics(good).is_ok(), "{good}");
            assert_eq!(topic_prefix(good), Ok(good.trim().trim_matches('/')));
        }
        for bad in [
            "a//b",
            "A",
            "a b",
            "a/#",
            "+",
            "a/b/c/d/e",
            "ä",
            "$share/x",
            &format!("{longest}x"),
        ] {
            assert_eq!(topic_prefix(bad), Err(JoinError::InvalidPrefix), "{bad}");
            assert!(topics(bad).is_err(), "{bad}");
        }
        assert_eq!(topic_prefix(" / "), Ok(""));
    }
}
