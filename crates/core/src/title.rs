//! Titles of parcels.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::message::Offer;

/// The title of a text, as its offer carries it.
const TEXT: &str = "Text";

/// The title of a parcel.
///
/// An offer carries it as one text, the one that [`Display`](fmt::Display) makes: `a.txt`, or
/// `a.txt and 2 more` of three files, or `Text`. It is for people who read no other form of it, and
/// for scripts; what users read, `crates/words` makes of these parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Title {
    /// The first file's path, or a text's beginning; at most 200 letters on one line. Until the list of
    /// files is here it is the sender's word. It is empty for a text that is not here yet.
    pub name: String,
    /// The number of other files.
    pub more: u32,
}

impl Title {
    /// The parts of an offer's title.
    pub(crate) fn of(offer: &Offer) -> Self {
        let title = offer.title.as_str();
        if offer.text && title == TEXT {
            return Self::text();
        }
        let more = offer.files.saturating_sub(1);
        let of_several = title.strip_suffix(others(more).as_str());
        match of_several.filter(|name| more > 0 && !name.is_empty()) {
            Some(name) => Self::named(name, more),
            None => Self::named(title, 0),
        }
    }

    /// A text.
    pub(crate) fn text() -> Self {
        Self::named("", 0)
    }

    /// A parcel of the file that has this name, and of more files.
    pub(crate) fn named(name: impl Into<String>, more: u32) -> Self {
        let name = name.into();
        Self { name, more }
    }
}

impl fmt::Display for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name.as_str(), self.more) {
            ("", _) => f.write_str(TEXT),
            (name, 0) => f.write_str(name),
            (name, more) => {
                f.write_str(name)?;
                f.write_str(&others(more))
            }
        }
    }
}

fn others(more: u32) -> String {
    format!(" and {more} more")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ParcelId;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn of(title: &str, files: u32, text: bool) -> Title {
        Title::of(&Offer {
            parcel: ParcelId([0; 10]),
            title: title.into(),
            total: 0,
            files,
            manifest_len: 0,
            manifest_hash: [0; 32],
            content_key: [0; 32],
            block: 0,
            text,
            paused: false,
            parcel_key: [0; 32],
            proof: [0; 64],
            persons: None,
        })
    }

    #[test]
    fn an_offers_title_has_the_first_file_and_the_number_of_others() {
        for title in [Title::named("a", 0), Title::named("a b", 2), Title::text()] {
            let told = of(&title.to_string(), title.more + 1, title.name.is_empty());
            assert_eq!(told, title);
        }
    }

    #[test]
    fn what_does_not_fit_the_number_of_files_is_the_senders_word() {
        for (title, files) in [
            ("a and 2 more", 2),
            ("a and 0 more", 1),
            (" and 2 more", 3),
            ("a", 3),
            ("", 3),
            ("Text", 1),
        ] {
            assert_eq!(of(title, files, false), Title::named(title, 0));
        }
        assert_eq!(of("minutes", 1, true), Title::named("minutes", 0));
    }
}
