//! The files that this device sends, read piece by piece.

use std::collections::HashMap;
use std::rc::Rc;

use js_sys::{Array, Uint8Array};
use mqdrop_core::{Entry, ParcelId, ReadError, ReadRequest, Segment};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, File};

use super::js::{error_name, error_text};
use crate::bridge::PickedFile;

/// What became of a read.
pub(super) type ReadResult = (ReadRequest, Result<(), ReadError>);

/// The files of outgoing parcels, in the order in which they were offered.
pub(super) struct Sources {
    parcels: HashMap<ParcelId, Rc<Vec<File>>>,
    report: Rc<dyn Fn(ReadResult)>,
}

impl Sources {
    /// What was read is handed to `report`.
    pub(super) fn new(report: Rc<dyn Fn(ReadResult)>) -> Self {
        Self {
            parcels: HashMap::new(),
            report,
        }
    }

    /// These are the files of a parcel.
    pub(super) fn keep(&mut self, parcel: ParcelId, files: Vec<File>) {
        self.parcels.insert(parcel, Rc::new(files));
    }

    /// The parcel is gone.
    pub(super) fn forget(&mut self, parcel: ParcelId) {
        self.parcels.remove(&parcel);
    }

    /// The parcels that files are kept for.
    pub(super) fn known(&self) -> Vec<ParcelId> {
        self.parcels.keys().copied().collect()
    }

    /// Begins to read. Several reads may be under way at a time.
    pub(super) fn read(&self, mut request: ReadRequest) {
        let files = self
            .parcels
            .get(&request.parcel)
            .cloned()
            .unwrap_or_default();
        let report = Rc::clone(&self.report);
        spawn_local(async move {
            let segments = request.segments.clone();
            let result = fill(&files, &segments, request.target()).await;
            report((request, result));
        });
    }
}

/// What was picked, as files and as the engine's entries.
///
/// # Errors
/// In words, if something else than a file was picked.
pub(super) fn open(picked: Vec<PickedFile>) -> Result<(Vec<File>, Vec<Entry>), String> {
    let mut files = Vec::with_capacity(picked.len());
    let mut entries = Vec::with_capacity(picked.len());
    for PickedFile { file, path } in picked {
        let file: File = file
            .dyn_into()
            .map_err(|_| format!("{path} cannot be sent: it is not a file"))?;
        entries.push(Entry {
            path,
            size: file.size() as u64,
            modified: modified(&file),
            mime: file.type_(),
        });
        files.push(file);
    }
    Ok((files, entries))
}

/// When a file was last changed, in milliseconds since 1970; earlier times are not told.
fn modified(file: &File) -> Option<u64> {
    let millis = file.last_modified();
    (millis >= 0.0).then_some(millis as u64)
}

async fn fill(files: &[File], segments: &[Segment], target: &mut [u8]) -> Result<(), ReadError> {
    // One read for all of them is much faster than one each, but does not tell which one failed.
    if segments.len() > 1 && fill_at_once(files, segments, target).await.is_ok() {
        return Ok(());
    }
    let mut rest = target;
    for segment in segments {
        let Some((piece, after)) = core::mem::take(&mut rest).split_at_mut_checked(segment.len)
        else {
            return Err(not_there(segment));
        };
        let file = files.get(segment.file).ok_or_else(|| not_there(segment))?;
        fill_one(file, segment, piece)
            .await
            .map_err(|failure| ReadError {
                file: segment.file,
                text: describe(&failure),
            })?;
        rest = after;
    }
    Ok(())
}

async fn fill_at_once(
    files: &[File],
    segments: &[Segment],
    target: &mut [u8],
) -> Result<(), Failure> {
    let parts = Array::new();
    for segment in segments {
        let file = files.get(segment.file).ok_or(Failure::Short)?;
        parts.push(slice(file, segment)?.as_ref());
    }
    let joined = Blob::new_with_blob_sequence(&parts).map_err(Failure::Browser)?;
    read_into(&joined, target).await
}

async fn fill_one(file: &File, segment: &Segment, target: &mut [u8]) -> Result<(), Failure> {
    read_into(&slice(file, segment)?, target).await
}

/// Why a piece was not read.
enum Failure {
    /// There are fewer bytes than there were.
    Short,
    /// An exception.
    Browser(JsValue),
}

fn slice(file: &File, segment: &Segment) -> Result<Blob, Failure> {
    let end = segment.offset.saturating_add(segment.len as u64);
    file.slice_with_f64_and_f64(segment.offset as f64, end as f64)
        .map_err(Failure::Browser)
}

async fn read_into(blob: &Blob, target: &mut [u8]) -> Result<(), Failure> {
    let buffer = JsFuture::from(blob.array_buffer())
        .await
        .map_err(Failure::Browser)?;
    let bytes = Uint8Array::new(&buffer);
    if bytes.length() as usize != target.len() {
        return Err(Failure::Short);
    }
    bytes.copy_to(target);
    Ok(())
}

fn describe(failure: &Failure) -> String {
    match failure {
        Failure::Short => {
            "it is shorter than it was when it was chosen; choose it again".to_owned()
        }
        // Browsers compare the file's time of change with what it was when it was chosen.
        Failure::Browser(error) => match error_name(error).as_str() {
            "NotReadableError" | "NotFoundError" => {
                "it was changed or removed since it was chosen; choose it again".to_owned()
            }
            _ => format!("it could not be read: {}", error_text(error)),
        },
    }
}

fn not_there(segment: &Segment) -> ReadError {
    ReadError {
        file: segment.file,
        text: "it is not there any more; choose it again".to_owned(),
    }
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use js_sys::Reflect;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn file(name: &str, text: &str) -> File {
        File::new_with_str_sequence(&Array::of1(&text.into()), name).unwrap()
    }

    fn segment(file: usize, offset: u64, len: usize) -> Segment {
        Segment { file, offset, len }
    }

    #[wasm_bindgen_test]
    async fn segments_are_read_one_after_the_other() {
        let files = [file("a", "abcdef"), file("b", "ghi"), file("c", "jkl")];
        for (segments, wanted) in [
            (vec![segment(0, 2, 3)], "cde"),
            (
                vec![segment(0, 4, 2), segment(1, 0, 3), segment(2, 0, 1)],
                "efghij",
            ),
        ] {
            let mut target = vec![0; wanted.len()];
            fill(&files, &segments, &mut target).await.unwrap();
            assert_eq!(target, wanted.as_bytes());
        }
    }

    #[wasm_bindgen_test]
    async fn the_file_that_is_too_short_is_named() {
        let files = [file("a", "abc"), file("b", "de")];
        let mut target = [0; 6];
        let error = fill(&files, &[segment(0, 0, 3), segment(1, 0, 3)], &mut target)
            .await
            .unwrap_err();
        assert_eq!(error.file, 1);
        assert!(error.text.contains("shorter"), "{}", error.text);
    }

    #[wasm_bindgen_test]
    async fn a_file_that_is_not_there_is_an_error() {
        let mut target = [0; 1];
        let error = fill(&[], &[segment(0, 0, 1)], &mut target)
            .await
            .unwrap_err();
        assert_eq!(error.file, 0);
    }

    #[wasm_bindgen_test]
    fn a_file_becomes_an_entry() {
        let picked = PickedFile {
            file: file("ü.txt", "abc").into(),
            path: "folder/ü.txt".to_owned(),
        };
        let (files, entries) = open(vec![picked]).unwrap();
        assert_eq!(files.len(), 1);
        assert_eq!(
            (entries[0].path.as_str(), entries[0].size),
            ("folder/ü.txt", 3)
        );
        assert!(entries[0].modified.is_some());
    }

    #[wasm_bindgen_test]
    fn what_is_not_a_file_is_not_sent() {
        let object = js_sys::Object::new();
        Reflect::set(&object, &"size".into(), &3.into()).unwrap();
        let error = open(vec![PickedFile {
            file: object.into(),
            path: "x".to_owned(),
        }])
        .unwrap_err();
        assert!(error.contains("x cannot be sent"));
    }
}
