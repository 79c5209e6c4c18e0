//! The folder of `--data` is for its owner only: it holds messages and sessions.

use std::fs;
use std::io;
use std::path::Path;

use crate::failure::Failure;

/// Makes the folder, and everything that the station writes from now on, private; also what an
/// earlier version has left there.
///
/// # Errors
/// When the folder cannot be used.
pub(crate) fn make_private(folder: &Path) -> Result<(), Failure> {
    prepare(folder).map_err(|error| {
        Failure::other(format!(
            "cannot keep data in {}: {error}; choose a folder you may write to with --data",
            folder.display()
        ))
    })
}

#[cfg(unix)]
fn prepare(folder: &Path) -> io::Result<()> {
    // The broker's crate opens its files without a mode of its own.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    fs::create_dir_all(folder)?;
    close(folder)
}

#[cfg(unix)]
fn close(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = fs::symlink_metadata(path)?;
    // What a link leads to is somebody's own business.
    if metadata.is_symlink() {
        return Ok(());
    }
    let mode = if metadata.is_dir() { 0o700 } else { 0o600 };
    if metadata.permissions().mode() & 0o777 != mode {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    if metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            close(&entry?.path())?;
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn prepare(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}
