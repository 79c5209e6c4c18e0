//! Files that a person picked, dropped or pasted, on their way to the worker.

use js_sys::{Array, Reflect};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{File, FileList};

use super::{
    session::{Room, Session},
    state::State,
};
use crate::bridge::{Command, MAX_FILES, Picked, PickedFile};
use crate::js::turn;

/// So many files are looked at in one go: for some 20 ms where each takes 0.2.
const GLANCE: usize = 100;

/// Hands files to the worker; says so if there are none or too many.
pub(super) fn send(session: Session, picked: Picked) {
    send_into(session, session.room.get_untracked(), picked);
}

/// The same, but only if this device is still in the room that they were chosen for.
pub(super) fn send_into(session: Session, room: Option<Room>, picked: Picked) {
    hand_over(session, room, picked, Command::SendFiles);
}

/// Hands the files of a parcel to the worker again.
pub(super) fn choose_again(session: Session, parcel: &str, picked: Picked) {
    if picked.files.is_empty() {
        return;
    }
    let parcel = parcel.to_owned();
    let with = |Picked { files, .. }| Command::ChooseAgain { parcel, files };
    hand_over(session, session.room.get_untracked(), picked, with);
}

fn hand_over(
    session: Session,
    room: Option<Room>,
    picked: Picked,
    with: impl FnOnce(Picked) -> Command + 'static,
) {
    let state = session.state;
    if let Err(words) = check(picked.files.len()) {
        return state.fail(words);
    }
    state.error.set(None);
    let is_there = move || session.room.with_untracked(|now| *now == room);
    spawn_local(async move {
        if look_at(state, &picked.files, &is_there).await {
            session.engine.send(with(picked));
        } else {
            state.fail("The files were not sent: the room they were chosen for was left before they were looked at.");
        }
    });
}

/// Has the browser look at files bit by bit. Chromium asks the disk for the size of each, and in the
/// page nothing else happens meanwhile; handing them over has it do so for all of them. Returns
/// whether they are still wanted.
async fn look_at(state: State, files: &[PickedFile], is_wanted: &dyn Fn() -> bool) -> bool {
    let number = files.len();
    let is_long = number > GLANCE;
    if is_long {
        state.news.set(format!("Looking at {number} files"));
        state.looking.update(|(_, all)| *all += number);
    }
    let mut looked = 0;
    for some in files.chunks(GLANCE) {
        if !is_wanted() {
            break;
        }
        for PickedFile { file, .. } in some {
            let _ = file.dyn_ref::<File>().map(|file| file.size());
        }
        looked += some.len();
        if is_long {
            state.looking.update(|(seen, _)| *seen += some.len());
            turn().await;
        }
    }
    if is_long {
        state.looking.update(|(seen, all)| {
            *seen -= looked;
            *all -= number;
        });
    }
    looked == number && is_wanted()
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

/// Shows that files can only be sent in a room.
pub(super) fn refuse_outside(state: State) {
    state.fail("Join a room first: files are sent to those who are in it.");
}

fn relative_path(file: &File) -> Option<String> {
    Reflect::get(file, &JsValue::from_str("webkitRelativePath"))
        .ok()?
        .as_string()
        .filter(|path| !path.is_empty())
}

fn check(files: usize) -> Result<(), String> {
    match files {
        0 => Err("There is no file in this: an empty folder cannot be sent.".into()),
        1..=MAX_FILES => Ok(()),
        _ => Err(format!(
            "These are more than {MAX_FILES} files. Send them in several parts, or as an archive."
        )),
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
        assert!(check(MAX_FILES + 1).unwrap_err().contains("100000"));
    }
}
