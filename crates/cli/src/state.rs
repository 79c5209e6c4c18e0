//! The user's folder for this program's state.

use std::io;
use std::path::{Path, PathBuf};

/// This program's folder; `None` where a user has none for state.
pub(crate) fn folder() -> Option<PathBuf> {
    let state = dirs::state_dir().or_else(dirs::data_local_dir)?;
    Some(below(&state))
}

/// The same, below another folder for state than the user's.
pub(crate) fn below(state: &Path) -> PathBuf {
    state.join("mqdrop")
}

/// Makes a folder in it that only its user can look into, unless it is there.
///
/// # Errors
/// Those of the system.
pub(crate) fn make(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(folder)
    }
    #[cfg(not(unix))]
    std::fs::create_dir_all(folder)
}
