//! Input of unknown length: it is written to a file, for its length and hash come first on the way.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Content, SourceFile, entry};
use crate::words;

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
    let file = file.map_err(|error| trouble(&folder, &error))?;
    spool_into(input, name, file).map_err(|error| trouble(&folder, &error))
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

pub(super) fn trouble(folder: &Path, error: &io::Error) -> String {
    let folder = folder.to_string_lossy();
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            words().sending_input_no_space(&folder)
        }
        _ => words().sending_input_not_kept(&folder, &error.to_string()),
    }
}
