//! Facts about a disk, and errors as the engine is to know them.

use std::fs::File;
use std::io;

use mqdrop_core::StoreError;

use crate::words;

/// Free bytes where this file is, if the system tells.
pub(super) fn available(file: &File) -> Option<u64> {
    #[cfg(unix)]
    {
        let stat = rustix::fs::fstatvfs(file).ok()?;
        stat.f_bavail.checked_mul(stat.f_frsize)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        None
    }
}

/// Claims the space of a file now rather than in the middle.
///
/// # Errors
/// [`io::ErrorKind::StorageFull`] if there is less, where the system tells.
pub(super) fn claim(file: &File, size: u64) -> io::Result<()> {
    file.set_len(size)?;
    #[cfg(target_os = "linux")]
    if size > 0 {
        let flags = rustix::fs::FallocateFlags::empty();
        if let Err(error @ (rustix::io::Errno::NOSPC | rustix::io::Errno::DQUOT)) =
            rustix::fs::fallocate(file, flags, 0, size)
        {
            return Err(error.into());
        }
        // File systems that cannot do it take the space as they need it.
    }
    Ok(())
}

/// An error of the system as one of storage.
pub(super) fn store_error(error: &io::Error, file: &File) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::NoSpace {
            available: available(file),
        },
        io::ErrorKind::NotFound => StoreError::Gone,
        _ => StoreError::Told(words().store_not_stored(&error.to_string())),
    }
}

/// Tells whether somebody removed the file, so that what is written to it is lost.
pub(super) fn is_removed(file: &File) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        file.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}

/// The end of a run of bytes, if it lies within a content of `size` bytes.
pub(super) fn end_within(offset: u64, len: usize, size: u64) -> Result<u64, StoreError> {
    offset
        .checked_add(len as u64)
        .filter(|&end| end <= size)
        .ok_or(StoreError::Excess)
}
