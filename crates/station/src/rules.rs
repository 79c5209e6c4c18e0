//! The rules for what clients may ask of the broker: by default no more than mqdrop itself does.

/// Topics are this long at most, in bytes; mqdrop's have less than 200.
const LONGEST_TOPIC: usize = 256;
const LONGEST_OPEN_TOPIC: usize = 1024;
/// Properties of a packet, in bytes. Decoded they take up to twenty times as much.
pub(crate) const MOST_PROPERTIES: usize = 1024;
/// Retained payloads, in bytes.
const LONGEST_RETAINED: usize = 16_000;
const LONGEST_OPEN_RETAINED: usize = 64 * 1024;
/// Wildcard filters of one client, and of all: every message is compared with each of them.
const MOST_WILDCARDS: usize = 100;
const MOST_WILDCARDS_OF_ALL: usize = 1000;
/// Properties of a will, in bytes: a delay, a format and an expiry.
const MOST_WILL_PROPERTIES: usize = 16;
const MOST_FILTERS: usize = 256;
const MOST_OPEN_FILTERS: usize = 1000;

/// The rules for topics, filters and QoS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Plain MQTT is spoken here: wildcards, QoS 2 and longer retained messages are allowed.
    pub(crate) is_open: bool,
}

impl Rules {
    /// The longest topic and filter, in bytes.
    pub(crate) fn longest_topic(self) -> usize {
        if self.is_open {
            LONGEST_OPEN_TOPIC
        } else {
            LONGEST_TOPIC
        }
    }

    /// The longest retained payload, in bytes.
    pub(crate) fn longest_retained(self) -> usize {
        if self.is_open {
            LONGEST_OPEN_RETAINED
        } else {
            LONGEST_RETAINED
        }
    }

    /// Properties of a will, in bytes.
    pub(crate) fn most_will_properties(self) -> usize {
        if self.is_open {
            MOST_PROPERTIES
        } else {
            MOST_WILL_PROPERTIES
        }
    }

    /// Filters that one client may have.
    pub(crate) fn most_filters(self) -> usize {
        if self.is_open {
            MOST_OPEN_FILTERS
        } else {
            MOST_FILTERS
        }
    }

    /// Filters with wildcards that one client may have, and all clients together.
    pub(crate) fn most_wildcards(self) -> (usize, usize) {
        if self.is_open {
            (MOST_WILDCARDS, MOST_WILDCARDS_OF_ALL)
        } else {
            (0, 0)
        }
    }

    /// The highest QoS.
    pub(crate) fn highest_qos(self) -> u8 {
        if self.is_open { 2 } else { 1 }
    }

    /// Tells whether a filter may be subscribed to, however many there are. Shared subscriptions never:
    /// the broker's crate keeps the name of every group for ever.
    pub(crate) fn allow_filter(self, filter: &str) -> bool {
        filter.len() <= self.longest_topic()
            && !filter.starts_with("$share/")
            && (self.is_open || !has_wildcard(filter))
    }
}

/// Tells whether a filter stands for more than one topic.
pub(crate) fn has_wildcard(filter: &str) -> bool {
    filter.contains(['+', '#'])
}
