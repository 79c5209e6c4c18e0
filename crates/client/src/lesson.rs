//! Lessons: facts about brokers that are worth remembering, and for how long they count.

use mqdrop_core::{Join, VersionPolicy};
use serde::{Deserialize, Serialize};

use crate::link::pairs;

/// For so many days a lesson counts. The broker may have been changed since, or the network was to
/// blame.
const DAYS: u32 = 7;

/// Facts that were found out about a broker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learnt {
    /// The broker speaks MQTT 3.1.1 only.
    pub only_v311: bool,
    /// The longest data frame it carries, in bytes, if it hung up on a longer one.
    pub frame_limit: Option<u32>,
    /// The quickest length of its packets, in bytes, once it was found.
    pub frame_length: Option<u32>,
}

impl Learnt {
    /// Has a device join with what is known. A version that its user chose stays.
    pub fn apply(self, join: &mut Join) {
        join.version = self.version(join.version);
        join.frame_limit = self.frame_limit;
        join.frame_length = self.frame_length;
    }

    fn version(self, wish: VersionPolicy) -> VersionPolicy {
        match wish {
            VersionPolicy::Auto if self.only_v311 => VersionPolicy::Prefer311,
            wish => wish,
        }
    }
}

/// Facts about a broker, and their age.
#[derive(Debug, PartialEq, Eq)]
pub struct Lesson {
    /// The facts.
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

    /// Tells whether it still counts on a day since 1970.
    #[must_use]
    pub fn counts(&self, today: u32) -> bool {
        (self.day..=self.day.saturating_add(DAYS)).contains(&today)
    }
}

#[cfg(test)]
mod tests {
    use mqdrop_core::Version;

    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn lesson(learnt: Learnt, day: u32) -> Lesson {
        Lesson { learnt, day }
    }

    #[test]
    fn a_version_that_was_learnt_counts_unless_the_user_chose() {
        let learnt = Learnt {
            only_v311: true,
            ..Learnt::default()
        };
        let (v5, v311) = (
            VersionPolicy::Only(Version::V5),
            VersionPolicy::Only(Version::V311),
        );
        for (learnt, wish, version) in [
            (Learnt::default(), VersionPolicy::Auto, VersionPolicy::Auto),
            (learnt, VersionPolicy::Auto, VersionPolicy::Prefer311),
            (learnt, v5, v5),
            (Learnt::default(), v311, v311),
        ] {
            assert_eq!(learnt.version(wish), version);
        }
    }

    #[test]
    fn foreign_text_teaches_nothing() {
        assert_eq!(
            Lesson::from_text("frame=lots&v311=maybe&day=never"),
            lesson(Learnt::default(), 0)
        );
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
