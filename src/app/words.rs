//! The page's words, in its language.

use std::cell::Cell;

use mqdrop_words::Words;

use crate::bridge::Failure;

thread_local! {
    static WORDS: Cell<Option<Words>> = const { Cell::new(None) };
}

/// The words of the page's language. It is chosen before anything is drawn, and stays.
#[inline(never)]
pub(super) fn words() -> Words {
    WORDS.get().unwrap_or_else(Words::page)
}

/// Sets the words of the page, before anything is drawn.
pub(super) fn set_words(words: Words) {
    WORDS.set(Some(words));
}

/// The text before and behind the one placeholder of a message, for something that is no text.
pub(super) fn around(message: impl FnOnce(Words, &str) -> String) -> [String; 2] {
    const MARK: &str = "\u{1}";
    let filled = message(words(), MARK);
    let (before, behind) = filled.split_once(MARK).unwrap_or((&filled, ""));
    [before, behind].map(str::to_owned)
}

/// The sentence for something that did not work.
pub(super) fn failure_words(failure: &Failure) -> String {
    let words = words();
    match failure {
        Failure::Key(error) => words.key_error(*error),
        Failure::Join(error) => words.join_error(error),
        Failure::Offer(error) => words.offer_error(error),
        Failure::Notice(notice) => words.notice(notice),
        Failure::FilesGone => words.error_files_gone().into(),
        Failure::RoomLeft => words.error_room_left().into(),
        Failure::Unreadable { path, others } => words.unreadable_here(path, (*others).into()),
        Failure::NoRandom => words.error_no_random().into(),
    }
}
