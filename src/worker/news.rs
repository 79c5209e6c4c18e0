//! What a client tells, in the app's words.

use mqdrop_client::Update;
use mqdrop_core::view::FileView;
use mqdrop_unicode::upper_case;
use web_sys::Blob;

use crate::bridge::Event;

/// The latest time that JavaScript can express, in milliseconds since 1970 (ECMA-262, section
/// 21.4.1.1). What a sender claims beyond is no time.
const LATEST_TIME: u64 = 8_640_000_000_000_000;

/// An update as the app is told of it.
pub(super) fn event(update: Update<Blob>) -> Event {
    match update {
        Update::Status(status) => Event::Status(status),
        Update::Peers(peers) => Event::Peers(peers),
        Update::Transfer(view) => Event::Transfer(view),
        Update::Removed(parcel) => Event::Removed {
            parcel: parcel.to_string(),
        },
        Update::Files {
            parcel,
            first,
            files,
        } => Event::Files {
            parcel: parcel.to_string(),
            first,
            files: files.into_iter().map(expressible).collect(),
        },
        Update::Text { parcel, text } => Event::Text {
            parcel: parcel.to_string(),
            text,
        },
        Update::Content { parcel, content } => Event::Content {
            parcel: parcel.to_string(),
            blob: content.into(),
        },
        Update::Learnt(learnt) => Event::Learnt(learnt),
        Update::Kept(kept) => Event::Kept(kept),
        Update::Unfit { error, .. } => failure(&error.to_string()),
        Update::Error(text) => failure(&text),
    }
}

/// Something did not work; in words.
pub(super) fn failure(text: &str) -> Event {
    Event::Error(sentence(text))
}

fn expressible(mut file: FileView) -> FileView {
    file.modified = file.modified.filter(|&modified| modified <= LATEST_TIME);
    file
}

/// Errors begin in lower case, to be part of longer ones; what a person reads begins in upper case.
fn sentence(text: &str) -> String {
    let first = text.chars().next().map_or(0, char::len_utf8);
    let (first, rest) = text.split_at(first);
    upper_case(first) + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn errors_read_as_sentences() {
        assert_eq!(sentence("join a room first"), "Join a room first");
        assert_eq!(sentence("über"), "Über");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn times_that_no_browser_can_express_are_left_out() {
        let file = |modified| FileView {
            path: "a".to_owned(),
            size: 0,
            offset: 0,
            modified,
            mime: String::new(),
            blake3: None,
            left_out: false,
        };
        assert_eq!(
            expressible(file(Some(LATEST_TIME))).modified,
            Some(LATEST_TIME)
        );
        assert_eq!(expressible(file(Some(u64::MAX))).modified, None);
    }
}
