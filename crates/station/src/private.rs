//! The folder of `--data` is for its owner only: it holds messages and sessions.

use std::fs;
use std::io;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::error::Error;

/// Makes the folder, and everything that the station writes from now on, private. Files that are
/// there already keep their permissions.
///
/// # Errors
/// When the folder cannot be used.
pub(crate) fn make_private(folder: &Path) -> Result<(), Error> {
    prepare(folder).map_err(|error| Error::Data {
        folder: folder.to_owned(),
        error: error.to_string(),
    })
}

#[cfg(unix)]
fn prepare(folder: &Path) -> io::Result<()> {
    // The broker's crate opens its files without a mode of its own.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    fs::create_dir_all(folder)?;
    // Nobody else gets through a closed folder, so what is in it may stay as it is: somebody may
    // have named a folder with other things in it.
    if fs::metadata(folder)?.permissions().mode() & 0o777 == 0o700 {
        return Ok(());
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn prepare(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}
