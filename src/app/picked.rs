//! Files that a person picked, dropped or pasted, on their way to the worker.

use js_sys::{Array, Reflect};
use leptos::{prelude::*, task::spawn_local};
use mqdrop_core::ordered;
use wasm_bindgen::JsValue;
use web_sys::{File, FileList};

use super::{
    session::{Room, Session},
    words::words,
};
use crate::bridge::{Command, MAX_FILES, PickedFile, To};
use crate::js::turn;

/// Files that the user picked or dropped at a time.
pub(super) struct Picked {
    /// The files, those below folders too.
    pub(super) files: Vec<PickedFile>,
    /// Where they are: the browser's `FileSystemHandle`s of files and folders, or none.
    pub(super) handles: Array,
}

/// So many files are looked at and handed over in one go: for some 20 ms where each takes 0.2.
const PART: usize = 100;

/// Hands files to the worker; says so if there are none or too many.
pub(super) fn send(session: Session, picked: Picked) {
    let room = session.room.get_untracked();
    send_into(session, room, session.audience.files(), picked);
}

/// The same, but only if this device is still in the room that they were chosen for.
pub(super) fn send_into(
    session: Session,
    room: Option<Room>,
    to: To,
    Picked { files, handles }: Picked,
) {
    // Browsers list a folder in any order.
    let files = if files.iter().any(|file| file.path.contains('/')) {
        ordered(files, |one, other| one.path.cmp(&other.path))
    } else {
        files
    };
    let with = |choice| Command::SendFiles {
        choice,
        handles,
        to,
    };
    begin(session, room, files, with);
}

/// Hands the files of a parcel to the worker again.
pub(super) fn choose_again(session: Session, parcel: &str, Picked { files, .. }: Picked) {
    if files.is_empty() {
        return;
    }
    let parcel = parcel.to_owned();
    let with = |choice| Command::ChooseAgain { parcel, choice };
    begin(session, session.room.get_untracked(), files, with);
}

fn begin(
    session: Session,
    room: Option<Room>,
    files: Vec<PickedFile>,
    with: impl FnOnce(u32) -> Command + 'static,
) {
    let state = session.state;
    if let Err(text) = check(files.len()) {
        return state.fail(text);
    }
    state.error.set(None);
    spawn_local(async move {
        let choice = session.new_choice();
        if hand_over(session, choice, &room, files).await {
            session.engine.send(with(choice));
        } else {
            session.engine.send(Command::ForgetChoice { choice });
            state.fail(words().composer_room_left());
        }
    });
}

/// Hands files over bit by bit, and says how far it is. Chromium asks the disk for the size of each,
/// and in the page nothing else happens meanwhile. Returns whether all were, and are still wanted.
async fn hand_over(
    session: Session,
    choice: u32,
    room: &Option<Room>,
    files: Vec<PickedFile>,
) -> bool {
    let Session { state, engine, .. } = session;
    let is_wanted = || session.room.with_untracked(|now| now == room);
    let number = files.len();
    let is_long = number > PART;
    if is_long {
        state.news.set(words().announce_looking(number as u64));
        state.looking.update(|(_, all)| *all += number);
    }
    let mut handed = 0;
    let mut rest = files.into_iter();
    while handed < number && is_wanted() {
        let files: Vec<PickedFile> = rest.by_ref().take(PART).collect();
        let len = files.len();
        engine.send(Command::Chosen { choice, files });
        handed += len;
        if is_long {
            state.looking.update(|(seen, _)| *seen += len);
            turn().await;
        }
    }
    if is_long {
        state.looking.update(|(seen, all)| {
            *seen -= handed;
            *all -= number;
        });
    }
    handed == number && is_wanted()
}

/// The files of an input or a clipboard, with the paths they have below a picked folder.
pub(super) fn from_list(list: Option<FileList>) -> Vec<PickedFile> {
    let Some(list) = list else { return Vec::new() };
    (0..list.length())
        .filter_map(|index| list.get(index))
        .map(|file| picked(file, None))
        .collect()
}

/// Files of which it is not known where they are.
pub(super) fn without_handles(files: Vec<PickedFile>) -> Picked {
    Picked {
        files,
        handles: Array::new(),
    }
}

/// One file, at `path` or where the browser says it was.
pub(super) fn picked(file: File, path: Option<String>) -> PickedFile {
    let path = path
        .or_else(|| relative_path(&file))
        .unwrap_or_else(|| file.name());
    PickedFile {
        file: file.into(),
        path,
    }
}

fn relative_path(file: &File) -> Option<String> {
    Reflect::get(file, &JsValue::from_str("webkitRelativePath"))
        .ok()?
        .as_string()
        .filter(|path| !path.is_empty())
}

fn check(files: usize) -> Result<(), String> {
    match files {
        0 => Err(words().composer_empty().to_owned()),
        1..=MAX_FILES => Ok(()),
        _ => Err(words().composer_too_many(&words().number(MAX_FILES as u64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_and_too_many_are_refused_in_words() {
        assert!(check(0).unwrap_err().contains("no file"));
        assert!(check(1).is_ok());
        assert!(check(MAX_FILES).is_ok());
        assert!(check(MAX_FILES + 1).unwrap_err().contains("100,000"));
    }
}
