//! Received files into a folder that the user chose, with their structure
//! (<https://wicg.github.io/file-system-access/>). Nothing that is there is overwritten: what has the
//! name of something else gets a number.

use js_sys::{Function, Object, Reflect};
use litemap::LiteMap;
use mqdrop::js::{call_async, error_name};
use mqdrop_core::view::FileView;
use wasm_bindgen::JsValue;
use web_sys::Blob;

use crate::together::part;

/// So much is handed to the browser at a time, in bytes: it copies without the page, which then says
/// how far that is.
const STEP: u64 = 16 * 1024 * 1024;

/// Saves a parcel's files into a folder, a `FileSystemDirectoryHandle` that may be written to. `go_on` is
/// told the number of files that are saved and of bytes that are written, and says whether to go on.
/// Nothing is left of a file that was not written to its end.
///
/// Returns how many are saved, and the path of the first one that could not be, behind which nothing is,
/// with what the browser threw.
pub(crate) async fn save(
    folder: JsValue,
    content: Blob,
    files: &[FileView],
    go_on: Function,
) -> (u32, Option<(String, JsValue)>) {
    let mut target = Target {
        content,
        folders: LiteMap::from_iter([(String::new(), folder)]),
        go_on,
        saved: 0,
        written: 0,
    };
    for file in files.iter().filter(|file| !file.left_out) {
        match target.save(file).await {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return (target.saved, Some((file.path.clone(), error))),
        }
    }
    (target.saved, None)
}

struct Target {
    content: Blob,
    /// The folders that were made, by their paths in the parcel, and the user's own.
    folders: LiteMap<String, JsValue>,
    go_on: Function,
    saved: u32,
    written: u64,
}

impl Target {
    /// Saves one file. Whether to go on.
    async fn save(&mut self, file: &FileView) -> Result<bool, JsValue> {
        let (path, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
        let folder = self.folder(path).await?;
        let name = free_name(&folder, name).await?;
        let handle = make(&folder, "getFileHandle", &name).await?;
        let whole = self.write(file, &handle).await;
        if !matches!(whole, Ok(true)) {
            // An empty file of its name was made. Of one that cannot be removed the user learns as well.
            let _ = call_async(&folder, "removeEntry", &[&name.into()]).await;
            return whole;
        }
        self.saved += 1;
        self.goes_on()
    }

    /// Writes a file's content. Whether all of it is there: the user may have it stopped.
    async fn write(&mut self, file: &FileView, handle: &JsValue) -> Result<bool, JsValue> {
        // The browser writes beside the file, which gets the content at the end.
        let stream = call_async(handle, "createWritable", &[]).await?;
        let mut done = 0;
        while done < file.size {
            let len = STEP.min(file.size - done);
            let written = match part(&self.content, file.offset + done, len) {
                Ok(part) => call_async(&stream, "write", &[&part]).await,
                Err(error) => Err(error),
            };
            done += len;
            self.written += len;
            let goes_on = written.and_then(|_| self.goes_on());
            if !matches!(goes_on, Ok(true)) {
                // What failed may have ended it already.
                let _ = call_async(&stream, "abort", &[]).await;
                return goes_on;
            }
        }
        call_async(&stream, "close", &[]).await?;
        Ok(true)
    }

    fn goes_on(&self) -> Result<bool, JsValue> {
        #[allow(clippy::cast_precision_loss, reason = "exact below 2^53")]
        let written = self.written as f64;
        let answer = self
            .go_on
            .call2(&JsValue::NULL, &self.saved.into(), &written.into())?;
        Ok(answer.is_truthy())
    }

    /// The folder of this path, made with those above it if it is not there yet.
    async fn folder(&mut self, path: &str) -> Result<JsValue, JsValue> {
        let mut above = "";
        let ends = path.match_indices('/').map(|(at, _)| at);
        let mut handle = self.folders.get("").cloned().unwrap_or_default();
        for end in ends.chain([path.len()]).filter(|end| *end > 0) {
            let this = &path[..end];
            handle = match self.folders.get(this) {
                Some(known) => known.clone(),
                None => {
                    let name = this[above.len()..].trim_start_matches('/');
                    let name = free_name(&handle, name).await?;
                    make(&handle, "getDirectoryHandle", &name).await?
                }
            };
            self.folders.insert(this.to_owned(), handle.clone());
            above = this;
        }
        Ok(handle)
    }
}

/// Makes a file or a folder in a folder.
async fn make(folder: &JsValue, method: &str, name: &str) -> Result<JsValue, JsValue> {
    let options = Object::new();
    Reflect::set(&options, &"create".into(), &true.into())?;
    call_async(folder, method, &[&name.into(), &options]).await
}

/// This name, with a number if a folder has something of it already. A name that the browser gives to no
/// file, such as that of a Windows shortcut, gets another extension.
async fn free_name(folder: &JsValue, name: &str) -> Result<String, JsValue> {
    let mut name = name.to_owned();
    let mut is_changed = false;
    let mut number = 1u32;
    loop {
        let candidate = numbered(&name, number);
        let found = call_async(folder, "getFileHandle", &[&candidate.as_str().into()]).await;
        let error = found.map_or_else(|error| error, |_| JsValue::UNDEFINED);
        match error_name(&error).as_str() {
            "NotFoundError" => return Ok(candidate),
            // A file, or a folder.
            "" | "TypeMismatchError" => number = number.saturating_add(1),
            "TypeError" if !is_changed => {
                is_changed = true;
                name.push('_');
            }
            _ => return Err(error),
        }
    }
}

/// A name with a number before its extension, from 2 on.
fn numbered(name: &str, number: u32) -> String {
    let dot = name.rfind('.').filter(|dot| *dot > 0);
    let (stem, extension) = name.split_at(dot.unwrap_or(name.len()));
    match number {
        0 | 1 => name.to_owned(),
        number => format!("{stem} ({number}){extension}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_before_the_extension() {
        for (name, number, expected) in [
            ("a.txt", 1, "a.txt"),
            ("a.txt", 2, "a (2).txt"),
            (".profile", 3, ".profile (3)"),
            ("a", 12, "a (12)"),
        ] {
            assert_eq!(numbered(name, number), expected);
        }
    }
}
