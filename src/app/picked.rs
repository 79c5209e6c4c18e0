//! Files that a person picked, dropped or pasted, on their way to the worker.

use js_sys::{Array, Reflect};
use leptos::prelude::*;
use wasm_bindgen::JsValue;
use web_sys::{File, FileList};

use super::{session::Session, state::State};
use crate::bridge::{Command, MAX_FILES, Picked, PickedFile};

/// Hands files to the worker; says so if there are none or too many.
pub(super) fn send(session: Session, picked: Picked) {
    if let Err(words) = check(picked.files.len()) {
        session.state.fail(words);
        return;
    }
    session.state.error.set(None);
    session.engine.send(Command::SendFiles(picked));
}

/// Hands the files of a parcel to the worker again.
pub(super) fn choose_again(session: Session, parcel: &str, files: Vec<PickedFile>) {
    if files.is_empty() {
        return;
    }
    if let Err(words) = check(files.len()) {
        return session.state.fail(words);
    }
    session.state.error.set(None);
    session.engine.send(Command::ChooseAgain {
        parcel: parcel.to_owned(),
        files,
    });
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
