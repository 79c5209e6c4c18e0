//! What the browser remembers between visits. Never the key, never a password.

use mqdrop_client::link::pairs;

use crate::bridge::{Learnt, Protocol};

/// What is remembered of the join form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// This device's name.
    pub name: String,
    /// The broker's address as it was typed; empty for the app's own.
    pub broker: String,
    /// The topic prefix; empty for the usual one.
    pub prefix: String,
    /// The protocol version.
    pub protocol: Protocol,
}

impl Settings {
    /// As one line of text.
    #[must_use]
    pub fn to_text(&self) -> String {
        pairs::encode(&[
            ("name", &self.name),
            ("broker", &self.broker),
            ("prefix", &self.prefix),
            ("protocol", protocol_text(self.protocol)),
        ])
    }

    /// Reads [`Settings::to_text`]; what is not understood is left at its default.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let mut settings = Self::default();
        for (name, value) in pairs::decode(text) {
            match name.as_str() {
                "name" => settings.name = value,
                "broker" => settings.broker = value,
                "prefix" => settings.prefix = value,
                "protocol" => settings.protocol = protocol_from(&value),
                _ => {}
            }
        }
        settings
    }
}

/// The protocol version as the form's choice and the settings write it.
#[must_use]
pub fn protocol_text(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Auto => "auto",
        Protocol::V5 => "5",
        Protocol::V311 => "3.1.1",
    }
}

/// Reads [`protocol_text`]; anything else means: find out.
#[must_use]
pub fn protocol_from(text: &str) -> Protocol {
    match text {
        "5" => Protocol::V5,
        "3.1.1" => Protocol::V311,
        _ => Protocol::Auto,
    }
}

/// For how many days what was learnt of a broker counts. It may have been changed since, or the
/// network was to blame.
const LESSON_DAYS: u32 = 7;

/// What was learnt of a broker, and when.
#[derive(Debug, PartialEq, Eq)]
pub struct Lesson {
    /// What it was.
    pub learnt: Learnt,
    /// The day when the last of it was learnt, in days since 1970.
    pub day: u32,
}

impl Lesson {
    /// As one line of text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let bytes = |length: Option<u32>| length.map(|it| it.to_string()).unwrap_or_default();
        pairs::encode(&[
            ("v311", if self.learnt.only_v311 { "1" } else { "" }),
            ("frame", &bytes(self.learnt.frame_limit)),
            ("length", &bytes(self.learnt.frame_length)),
            ("day", &self.day.to_string()),
        ])
    }

    /// Reads [`Self::to_text`]; what is not understood counts as not learnt, or as long ago.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let mut lesson = Self {
            learnt: Learnt::default(),
            day: 0,
        };
        for (name, value) in pairs::decode(text) {
            match name.as_str() {
                "v311" => lesson.learnt.only_v311 = value == "1",
                "frame" => lesson.learnt.frame_limit = value.parse().ok(),
                "length" => lesson.learnt.frame_length = value.parse().ok(),
                "day" => lesson.day = value.parse().unwrap_or_default(),
                _ => {}
            }
        }
        lesson
    }

    /// Whether it still counts on a day since 1970.
    #[must_use]
    pub fn counts(&self, today: u32) -> bool {
        (self.day..=self.day.saturating_add(LESSON_DAYS)).contains(&today)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_they_were_written() {
        let settings = Settings {
            name: "Ann & Bob’s = 100%".into(),
            broker: "wss://host:8084/mqtt".into(),
            prefix: "team/x".into(),
            protocol: Protocol::V311,
        };
        assert_eq!(Settings::from_text(&settings.to_text()), settings);
        assert_eq!(
            Settings::from_text(&Settings::default().to_text()),
            Settings::default()
        );
    }

    #[test]
    fn foreign_text_gives_defaults() {
        assert_eq!(Settings::from_text("{\"json\":1}"), Settings::default());
        assert_eq!(
            Settings::from_text("protocol=7&color=red"),
            Settings::default()
        );
        assert_eq!(
            Lesson::from_text("frame=lots&v311=maybe&day=never"),
            lesson(Learnt::default(), 0)
        );
    }

    fn lesson(learnt: Learnt, day: u32) -> Lesson {
        Lesson { learnt, day }
    }

    #[test]
    fn lessons_are_read_as_they_were_written() {
        let learnt = Learnt {
            only_v311: true,
            frame_limit: Some(16_384),
            frame_length: Some(4096),
        };
        for lesson in [lesson(learnt, 20_000), lesson(Learnt::default(), 0)] {
            assert_eq!(Lesson::from_text(&lesson.to_text()), lesson);
        }
    }

    #[test]
    fn lessons_count_for_a_week() {
        let lesson = lesson(Learnt::default(), 20_000);
        assert!(lesson.counts(20_000) && lesson.counts(20_007));
        // The clock may have been set back.
        for today in [20_008, 19_999, 0, u32::MAX] {
            assert!(!lesson.counts(today), "{today}");
        }
        let undated = Lesson::from_text("v311=1&frame=16384");
        assert!(!undated.counts(20_000));
    }
}
