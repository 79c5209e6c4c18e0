//! Input of unknown length: it is written to a file, for its length and hash come first on the way.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Content, SourceFile, entry};

/// Long input belongs on a disk, which `/tmp` often is not.
const ON_DISK: &str = "/var/tmp";

/// Writes all that comes to a file without a name, which is gone with the program. It is sent under
/// `name`. Takes as long as the input does: to be called beside the main thread. The disk is its bound.
///
/// # Errors
/// In words.
pub(crate) fn spool(input: &mut dyn Read, name: &str) -> Result<SourceFile, String> {
    let folder = folder();
    let file = tempfile::tempfile_in(&folder);
    let file = file.map_err(|error| words(&folder, &error))?;
    spool_into(input, name, file).map_err(|error| words(&folder, &error))
}

pub(super) fn spool_into(input: &mut dyn Read, name: &str, file: File) -> io::Result<SourceFile> {
    let mut file = file;
    let size = io::copy(input, &mut file)?;
    Ok(SourceFile {
        entry: entry(name.to_owned(), size, None),
        content: Content::Spool(Arc::new(file)),
    })
}

/// The folder for files that may be long.
pub(in super::super) fn folder() -> PathBuf {
    let chosen = std::env::var_os("TMPDIR").is_some();
    if !chosen && Path::new(ON_DISK).is_dir() {
        ON_DISK.into()
    } else {
        std::env::temp_dir()
    }
}

pub(super) fn words(folder: &Path, error: &io::Error) -> String {
    let folder = folder.display();
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => format!(
            "There is no space left in {folder} for the input, which is kept there until it is sent. Name a folder with more space in TMPDIR"
        ),
        _ => format!("The input could not be kept in {folder} until it is sent: {error}"),
    }
}
