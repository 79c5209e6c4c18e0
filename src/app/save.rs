//! Saving received files: an object URL and a link that downloads it.

use std::{sync::Arc, time::Duration};

use gloo_timers::future::sleep;
use js_sys::Date;
use leptos::{prelude::*, task::spawn_local};
use mqdrop_core::view::FileView;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, HtmlAnchorElement, HtmlIFrameElement, Url};

use super::{
    actions::Button,
    names,
    state::{Parts, Saving, State},
    storage,
    words::words,
};

/// Between two downloads, so that a parcel of very many files does not begin them all at once.
const SPACING: Duration = Duration::from_millis(200);

/// How long an object URL and its frame stay: a browser may ask the user first where to save.
const URL_LIFE: Duration = Duration::from_secs(60);

/// Saves all files of a parcel one after the other, each under its own name; meanwhile it says how
/// far that is, and then how many the browser was given.
pub(super) fn all(state: State, parcel: Arc<str>, content: Blob, parts: Parts) {
    let files = parts.files.get_untracked();
    let saving = Saving::new(Button::Save);
    parts.saving.set(Some(saving));
    let number = files.iter().filter(|file| !file.left_out).count();
    if number > 1 {
        state.news.set(words().announce_saving(number as u64));
    }
    spawn_local(async move {
        let names = names::save_names(files.iter().map(|file| file.path.as_str()));
        let mut given = 0;
        for (file, name) in files.iter().zip(&names).filter(|(file, _)| !file.left_out) {
            if given > 0 {
                sleep(SPACING).await;
            }
            if !is_there(&content, file).await || save(&content, file, name).is_none() {
                state.fail(words().file_refused(name));
                break;
            }
            given += 1;
            parts.saving.set(Some(Saving {
                files: given,
                ..saving
            }));
        }
        let here = files.iter().filter(|file| !file.left_out);
        let bytes = here.take(given).map(|file| file.size).sum();
        parts
            .saved
            .update(|saved| saved.add_first(given, number, bytes, Date::now()));
        note(&parcel, &parts);
        if number > 1 {
            let handed = words().number(given as u64);
            let news = words().announce_saved(number as u64, &handed);
            state.news.set(news);
        }
        parts.saving.set(None);
    });
}

/// Saves one file, the one at this place in the parcel.
pub(super) fn one(state: State, parcel: &str, parts: &Parts, place: usize, file: &FileView) {
    let content = parts.content.read_untracked();
    let name = names::save_names([file.path.as_str()]).concat();
    if content
        .as_ref()
        .and_then(|content| save(content, file, &name))
        .is_none()
    {
        return state.fail(words().file_refused(&name));
    }
    parts
        .saved
        .update(|saved| saved.add(place, file.size, Date::now()));
    note(parcel, parts);
}

/// Remembers a parcel of which everything was saved.
pub(super) fn note(parcel: &str, parts: &Parts) {
    let files = parts.files.read_untracked();
    let files = files.iter().filter(|file| !file.left_out).count();
    if parts.saved.read_untracked().is_whole(files) {
        storage::save_saved(parcel);
    }
}

/// Whether the content can be read: else the browser would save nothing, without a word.
async fn is_there(content: &Blob, file: &FileView) -> bool {
    #[allow(clippy::cast_precision_loss, reason = "exact below 2^53")]
    let start = file.offset as f64;
    let end = start + if file.size > 0 { 1.0 } else { 0.0 };
    match content.slice_with_f64_and_f64(start, end) {
        Ok(part) => JsFuture::from(part.array_buffer()).await.is_ok(),
        Err(_) => false,
    }
}

fn save(content: &Blob, file: &FileView, name: &str) -> Option<()> {
    // Sizes beyond 2^53 bytes exist in no browser.
    #[allow(clippy::cast_precision_loss, reason = "exact below 2^53")]
    let (start, end) = (file.offset as f64, (file.offset + file.size) as f64);
    let part = content
        .slice_with_f64_and_f64_and_content_type(start, end, safe_mime(&file.mime))
        .ok()?;
    give(&part, name)
}

/// Gives the browser something to save under this name.
pub(super) fn give(content: &Blob, name: &str) -> Option<()> {
    let frame = new_frame()?;
    let Ok(url) = Url::create_object_url_with_blob(content) else {
        frame.remove();
        return None;
    };
    let clicked = click_link(&frame, &url, name);
    set_timeout(
        move || {
            frame.remove();
            let _ = Url::revoke_object_url(&url);
        },
        URL_LIFE,
    );
    clicked
}

/// A hidden frame for one download. To a browser a download begins like a visit to another page:
/// in WebKit the next one in the same frame takes the place of one that has not begun yet, and
/// Chromium allows a frame ten in a second; the others would be lost without a word.
fn new_frame() -> Option<HtmlIFrameElement> {
    let frame: HtmlIFrameElement = document().create_element("iframe").ok()?.unchecked_into();
    frame.set_hidden(true);
    document().body()?.append_child(&frame).ok()?;
    Some(frame)
}

fn click_link(frame: &HtmlIFrameElement, url: &str, name: &str) -> Option<()> {
    let page = frame.content_document()?;
    let anchor: HtmlAnchorElement = page.create_element("a").ok()?.unchecked_into();
    anchor.set_href(url);
    anchor.set_download(name);
    page.body()?.append_child(&anchor).ok()?;
    anchor.click();
    Some(())
}

/// Types that cannot hold scripts. Others of their kinds can, as `image/svg+xml` and whatever ends
/// in `+xml`, so the kinds alone do not do.
const PASSIVE: [&str; 25] = [
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/webp",
    "image/avif",
    "image/heic",
    "image/heif",
    "image/jxl",
    "image/bmp",
    "image/tiff",
    "image/x-icon",
    "audio/mpeg",
    "audio/mp4",
    "audio/aac",
    "audio/ogg",
    "audio/wav",
    "audio/x-wav",
    "audio/flac",
    "audio/webm",
    "video/mp4",
    "video/webm",
    "video/ogg",
    "video/quicktime",
    "video/x-matroska",
    "application/zip",
];

/// The type a file is saved with. An object URL is of the app's own origin, and a browser that
/// opens it instead of saving would run what a peer sent there: only types that cannot hold
/// scripts keep theirs.
fn safe_mime(mime: &str) -> &'static str {
    // Browsers do not tell letters by their case here.
    let is_passive = |passive: &&str| mime.eq_ignore_ascii_case(passive);
    PASSIVE
        .iter()
        .find(|passive| is_passive(passive))
        .unwrap_or(&"application/octet-stream")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_can_run_keeps_its_type() {
        for mime in [
            "text/html",
            "image/svg+xml",
            "application/xhtml+xml",
            "text/xml",
            "application/pdf",
            "",
            "IMAGE/SVG",
            "image/SVG+xml",
            "Image/Svg+XML",
            "image/x+xml",
            "video/html",
            "image/png, text/html",
            "image/jpeg ",
        ] {
            assert_eq!(safe_mime(mime), "application/octet-stream", "{mime}");
        }
        assert_eq!(safe_mime("image/jpeg"), "image/jpeg");
        assert_eq!(safe_mime("video/mp4"), "video/mp4");
        assert_eq!(safe_mime("Image/JPEG"), "image/jpeg");
    }
}
