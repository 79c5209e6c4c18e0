//! Findings about a broker, as a table or as JSON.

use std::time::Duration;

use mqdrop_mqtt::{Limits, QoS, Version};
use serde_json::{Value, json};

use super::Fault;
use crate::words;

/// Everything that was found out.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// The versions it speaks.
    pub(super) versions: Vec<Version>,
    /// Its introduction in the newest of these.
    pub(super) limits: Option<Limits>,
    /// The time that a short message takes there and back.
    pub(super) latency: Option<Duration>,
    pub(super) acknowledges: Passes,
    pub(super) wildcards: Passes,
    pub(super) retained: Passes,
    pub(super) retained_by_wildcard: Passes,
    pub(super) longest: Length,
    /// Bytes a second by the payload's length in bytes.
    pub(super) rates: Vec<(usize, f64)>,
}

/// The answer to whether something works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Passes {
    #[default]
    No,
    Yes,
    /// It could not be found out, in words.
    Unknown(String),
}

impl From<Result<bool, Fault>> for Passes {
    fn from(result: Result<bool, Fault>) -> Self {
        match result {
            Ok(true) => Self::Yes,
            Ok(false) => Self::No,
            Err(fault) => Self::Unknown(fault.reason()),
        }
    }
}

impl Passes {
    fn told(&self) -> String {
        match self {
            Self::Yes => words().doctor_yes().into(),
            Self::No => words().doctor_no().into(),
            Self::Unknown(reason) => words().doctor_not_known_why(reason),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Yes => Value::Bool(true),
            Self::No => Value::Bool(false),
            Self::Unknown(_) => Value::Null,
        }
    }
}

/// Lengths of messages, in bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Length {
    /// The longest that came back.
    pub(super) carried: Option<usize>,
    /// The first that did not, and what happened.
    pub(super) failed: Option<(usize, String)>,
}

impl Length {
    fn told(&self) -> String {
        match (self.carried, &self.failed) {
            (Some(carried), None) => words().doctor_longest_tried(&bytes(carried)),
            (Some(carried), Some((failed, reason))) => {
                words().doctor_longest_between(&bytes(carried), &bytes(*failed), reason)
            }
            (None, Some((failed, reason))) => words().doctor_longest_none(&bytes(*failed), reason),
            (None, None) => words().doctor_not_known().into(),
        }
    }
}

impl Findings {
    /// The rows of the table: what, and how it is.
    pub(super) fn rows(&self) -> Vec<(&'static str, String)> {
        let versions: Vec<_> = self.versions.iter().map(|&version| name(version)).collect();
        let mut rows = vec![(words().doctor_versions(), versions.join(", "))];
        if let Some(limits) = &self.limits {
            let announced = limits.max_packet_size.map_or_else(
                || words().doctor_none_announced().into(),
                |size| bytes(size as usize),
            );
            let receive_maximum = words().number(limits.receive_maximum.into());
            rows.push((words().doctor_maximum_packet_size(), announced));
            rows.push((words().doctor_receive_maximum(), receive_maximum));
        }
        rows.push((words().doctor_longest(), self.longest.told()));
        rows.push((words().doctor_qos_1(), self.acknowledges.told()));
        rows.push((words().doctor_wildcards(), self.wildcards.told()));
        rows.push((words().doctor_retained(), self.retained.told()));
        let to_wildcards = self.retained_by_wildcard.told();
        rows.push((words().doctor_retained_to_wildcards(), to_wildcards));
        let latency = self.latency.map_or_else(
            || words().doctor_not_heard().into(),
            |latency| words().latency(latency),
        );
        rows.push((words().doctor_latency(), latency));
        for (payload, rate) in &self.rates {
            let (rate, length) = (words().size(*rate as u64), words().size(*payload as u64));
            rows.push((
                words().doctor_rate(),
                words().doctor_rate_of(&rate, &length),
            ));
        }
        rows
    }

    /// The same for scripts; lengths in bytes, times in seconds.
    pub(super) fn json(&self) -> Value {
        let versions: Vec<_> = self.versions.iter().map(|&version| name(version)).collect();
        let rates: Vec<_> = self
            .rates
            .iter()
            .map(|(payload, rate)| json!({ "payload": payload, "bytesPerSecond": *rate as u64 }))
            .collect();
        let limits = self.limits.as_ref();
        json!({
            "v": 1,
            "event": "broker",
            "versions": versions,
            "maximumPacketSize": limits.and_then(|limits| limits.max_packet_size),
            "receiveMaximum": limits.map(|limits| limits.receive_maximum),
            "maximumQoS": limits.map(|limits| u8::from(limits.max_qos == QoS::AtLeastOnce)),
            "longestMessage": self.longest.carried,
            "tooLongMessage": self.longest.failed.as_ref().map(|(length, _)| length),
            "qos1": self.acknowledges.json(),
            "wildcards": self.wildcards.json(),
            "retained": self.retained.json(),
            "retainedToWildcards": self.retained_by_wildcard.json(),
            "latency": self.latency.map(|latency| latency.as_secs_f64()),
            "rates": rates,
        })
    }
}

fn name(version: Version) -> &'static str {
    match version {
        Version::V5 => "5",
        Version::V311 => "3.1.1",
    }
}

/// A length as brokers' settings have it.
fn bytes(number: usize) -> String {
    words().number_bytes(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_what_does_not_work_and_why() {
        let findings = Findings {
            versions: vec![Version::V5, Version::V311],
            longest: Length {
                carried: Some(16_384),
                failed: Some((65_536, "the connection was lost".to_owned())),
            },
            wildcards: Passes::Yes,
            retained: Passes::Unknown("the broker stopped answering".to_owned()),
            latency: Some(Duration::from_micros(1500)),
            rates: vec![(4_000, 12_345_678.0)],
            ..Findings::default()
        };
        let rows = findings.rows();
        let row = |what| {
            let found = rows.iter().find(|(name, _)| *name == what);
            found.map(|(_, how)| how.as_str())
        };
        assert_eq!(row("MQTT versions"), Some("5, 3.1.1"));
        assert_eq!(
            row("Longest message"),
            Some("16,384 bytes arrive, 65,536 bytes do not: the connection was lost")
        );
        assert_eq!(row("Wildcards"), Some("yes"));
        assert_eq!(row("QoS 1"), Some("no"));
        assert_eq!(
            row("Retained messages"),
            Some("not known: the broker stopped answering")
        );
        assert_eq!(row("Latency"), Some("1.5 ms there and back"));
        assert_eq!(row("Rate"), Some("12 MB a second in messages of 4.0 kB"));
        let json = findings.json();
        assert_eq!(json["versions"], json!(["5", "3.1.1"]));
        assert_eq!(json["retained"], Value::Null);
        assert_eq!(json["longestMessage"], json!(16_384));
    }
}
