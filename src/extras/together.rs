//! Saving several received files at once: as one zip archive, or into a folder that the user chose.

use js_sys::{Function, Promise};
use mqdrop_core::view::FileView;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsError, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use crate::archive::archive;
use crate::folder;

/// What came of saving.
#[wasm_bindgen(getter_with_clone)]
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many files are saved, or in the archive.
    pub saved: u32,
    /// The archive, which the browser is to be given.
    pub archive: Option<Blob>,
    /// The path of the file that could not be saved into the folder; behind it nothing is.
    pub path: Option<String>,
    /// What the browser threw at that, or instead of giving a folder.
    pub error: JsValue,
}

/// Saves a parcel's files that are here. `files` are their views, packed by the page; `folder` is a promise
/// of a `FileSystemDirectoryHandle`, or `undefined` for an archive. Into a folder, `go_on` is told the
/// number of files that are saved and of bytes that are written, and says whether to go on.
///
/// # Errors
/// If `files` are none that this build packed, or the archive cannot be made.
#[wasm_bindgen]
pub async fn save_together(
    folder: JsValue,
    content: Blob,
    files: Vec<u8>,
    go_on: Function,
) -> Result<Outcome, JsValue> {
    let files: Vec<FileView> =
        postcard::from_bytes(&files).map_err(|_| JsError::new("other build"))?;
    if folder.is_undefined() {
        return Ok(Outcome {
            saved: files.iter().filter(|file| !file.left_out).count() as u32,
            archive: Some(archive(&content, &files).await?),
            ..Outcome::default()
        });
    }
    let folder = match JsFuture::from(Promise::resolve(&folder)).await {
        Ok(folder) => folder,
        Err(error) => {
            return Ok(Outcome {
                error,
                ..Outcome::default()
            });
        }
    };
    let (saved, unsaved) = folder::save(folder, content, &files, go_on).await;
    let (path, error) = unsaved.unzip();
    Ok(Outcome {
        saved,
        archive: None,
        path,
        error: error.unwrap_or_default(),
    })
}

/// A part of a parcel's content.
///
/// # Errors
/// The browser's.
pub(crate) fn part(content: &Blob, offset: u64, len: u64) -> Result<Blob, JsValue> {
    #[allow(clippy::cast_precision_loss, reason = "exact below 2^53")]
    let (start, end) = (offset as f64, (offset + len) as f64);
    content.slice_with_f64_and_f64(start, end)
}
