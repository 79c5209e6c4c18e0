//! Saving several received files at once: as one zip archive, or into a folder that the user chooses.

use std::sync::Arc;

use js_sys::{Date, Object, Promise, Reflect};
use leptos::{prelude::*, task::spawn_local};
use mqdrop_core::view::FileView;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Blob;

use super::{
    actions::Button,
    extras::{Extras, NotLoaded},
    names, save,
    session::Session,
    state::{Parts, Saving},
    words::words,
};
use crate::js::{call, error_name, error_text, property};

/// A parcel that is here and to be saved.
pub(super) struct Parcel {
    pub(super) id: Arc<str>,
    pub(super) title: String,
    pub(super) content: Blob,
    pub(super) parts: Parts,
}

/// Whether files can be saved as an archive: there are several, and their sums are known.
pub(super) fn is_possible(files: &[FileView]) -> bool {
    let mut here = files.iter().filter(|file| !file.left_out);
    here.clone().nth(1).is_some() && here.all(|file| file.crc32.is_some())
}

/// Whether the browser saves into folders.
pub(super) fn has_folders() -> bool {
    property(&window(), PICK).is_function()
}

/// The method that has the user choose a folder.
const PICK: &str = "showDirectoryPicker";

/// Saves a parcel's files, as one zip archive or into a folder that the user chooses now.
pub(super) fn save(session: Session, parcel: Parcel, by: Button) {
    let folder = match by {
        // At once: the user's click does not count for long.
        Button::SaveFolder => pick(),
        _ => JsValue::UNDEFINED,
    };
    parcel.parts.saving.set(Some(Saving::new(by)));
    spawn_local(async move {
        let files = parcel.files();
        let outcome = parcel.save_into(&folder, &files, session.extras).await;
        parcel.end(session, &files, folder.is_undefined(), outcome);
        parcel.parts.saving.set(None);
    });
}

/// Has the user choose a folder: a promise of it.
fn pick() -> JsValue {
    let options = Object::new();
    // Fails for what is no object.
    let _ = Reflect::set(&options, &"mode".into(), &"readwrite".into());
    call(&window(), PICK, &[&options]).unwrap_or_else(|error| Promise::reject(&error).into())
}

impl Parcel {
    /// The files that are here.
    fn files(&self) -> Vec<FileView> {
        let files = self.parts.files.read_untracked();
        let here = files.iter().filter(|file| !file.left_out);
        here.cloned().collect()
    }

    /// What came of it; `Err` says what did not work.
    async fn save_into(
        &self,
        folder: &JsValue,
        files: &[FileView],
        extras: Extras,
    ) -> Result<JsValue, &'static str> {
        let module = extras.load().await;
        let module = module.map_err(|NotLoaded| words().file_together_not_loaded())?;
        let saving = self.parts.saving.clone();
        let go_on = Closure::<dyn Fn(f64, f64) -> bool>::new(move |files, bytes| {
            let now = saving.get_untracked().map(|saving| Saving {
                files: files as usize,
                bytes: bytes as u64,
                ..saving
            });
            saving.set(now);
            now.is_some_and(|now| !now.is_stopped)
        });
        let go_on = go_on.as_ref().unchecked_ref();
        let outcome = module.save_together(folder, &self.content, files, go_on);
        outcome.await.map_err(|_| words().file_together_failed())
    }

    /// Gives the browser the archive, and tells what came of saving.
    fn end(
        &self,
        session: Session,
        files: &[FileView],
        is_zip: bool,
        outcome: Result<JsValue, &'static str>,
    ) {
        let (words, state) = (words(), session.state);
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(failure) => return state.fail(failure),
        };
        let error = property(&outcome, "error");
        match property(&outcome, "path").as_string() {
            Some(path) => state.fail(words.file_folder_failed(&path, &error_text(&error))),
            None if error.is_undefined() => {}
            // The user thinks better of it.
            None if error_name(&error) == "AbortError" => return,
            None => return state.fail(words.file_folder_refused(&error_text(&error))),
        }
        if is_zip {
            let name =
                names::archive_name(files.iter().map(|file| file.path.as_str()), &self.title);
            if save::give(property(&outcome, "archive").unchecked_ref(), &name).is_none() {
                return state.fail(words.file_refused(&name));
            }
        }
        let saved = property(&outcome, "saved").as_f64().unwrap_or(0.0) as usize;
        // What is in a folder was copied; the archive is the browser's to copy.
        let copying = if is_zip {
            self.content.size() as u64
        } else {
            0
        };
        let (all, number) = (files.len(), words.number(saved as u64));
        self.parts
            .saved
            .update(|it| it.add_first(saved, all, copying, Date::now()));
        save::note(&self.id, &self.parts);
        state.news.set(if is_zip {
            words.announce_saved(all as u64, &number)
        } else {
            words.announce_folder_saved(all as u64, &number)
        });
    }
}
