//! Files that a person picked, dropped or pasted, on their way to the worker.

use js_sys::{Array, Reflect};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{File, FileList};

use super::{session::Session, state::State};
use crate::bridge::{Command, MAX_FILES, Picked, PickedFile};
use crate::js::turn;

/// So many files are looked at in one go: for some 20 ms where each takes 0.2.
const GLANCE: usize = 100;

/// Hands files to the worker; says so if there are none or too many.
pub(super) fn send(session: Session, picked: Picked) {
    hand_over(session, picked, Command::SendFiles);
}

/// Hands the files of a parcel to the worker again.
pub(super) fn choose_again(session: Session, parcel: &str, picked: Picked) {
    if picked.files.is_empty() {
        return;
    }
    let parcel = parcel.to_owned();
    hand_over(session, picked, |Picked { files, .. }| {
        Command::ChooseAgain { parcel, files }
    });
}

fn hand_over(session: Session, picked: Picked, with: impl FnOnce(Picked) -> Command + 'static) {
    let Session {
        state,
        engine,
        room,
        ..
    } = session;
    if let Err(words) = check(picked.files.len()) {
        return state.fail(words);
    }
    state.error.set(None);
    let into = room.get_untracked();
    spawn_local(async move {
        look_at(state, &picked.files).await;
        if room.with_untracked(|room| *room == into) {
            engine.send(with(picked));
        } else {
            state.fail("The room was left before these files were looked at: they were not sent.");
        }
    });
}

/// Has the browser look at files bit by bit. Chromium asks the disk for the size of each, and in the
/// page nothing else happens meanwhile; handing them over has it do so for all of them.
async fn look_at(state: State, files: &[PickedFile]) {
    for (glance, some) in files.chunks(GLANCE).enumerate() {
        if glance == 1 {
            state.news.set(format!("Looking at {} files", files.len()));
        }
        if glance > 0 {
            state.looking.set(Some((glance * GLANCE, files.len())));
            turn().await;
        }
        for PickedFile { file, .. } in some {
            let _ = file.dyn_ref::<File>().map(|file| file.size());
        }
    }
    state.looking.set(None);
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
