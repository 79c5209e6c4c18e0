//! A client's updates, in the app's words.

use mqdrop_client::Update;
use mqdrop_core::view::FileView;
use web_sys::Blob;

use crate::bridge::{Event, Failure};

/// The latest time that JavaScript can express, in milliseconds since 1970 (ECMA-262, section
/// 21.4.1.1). What a sender claims beyond is no time.
const LATEST_TIME: u64 = 8_640_000_000_000_000;

/// An update as the app is told of it; `None` for what is not the app's.
pub(super) fn event(update: Update<Blob>) -> Option<Event> {
    Some(match update {
        Update::Place { .. } => return None,
        Update::Status { status, .. } => Event::Status(status),
        Update::Peers { peers, .. } => Event::Peers(peers),
        Update::People { people, .. } => Event::People(people),
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
        Update::Unfit { error, .. } => Event::Failed(Failure::Offer(error)),
        Update::Notice(notice) => Event::Failed(Failure::Notice(notice)),
    })
}

fn expressible(mut file: FileView) -> FileView {
    file.modified = file.modified.filter(|&modified| modified <= LATEST_TIME);
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn times_that_no_browser_can_express_are_left_out() {
        let file = |modified| FileView {
            path: "a".to_owned(),
            size: 0,
            offset: 0,
            modified,
            mime: String::new(),
            blake3: None,
            crc32: None,
            left_out: false,
        };
        assert_eq!(
            expressible(file(Some(LATEST_TIME))).modified,
            Some(LATEST_TIME)
        );
        assert_eq!(expressible(file(Some(u64::MAX))).modified, None);
    }
}
