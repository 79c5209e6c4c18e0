//! Notes of a parcel: a file that grows, locked by the process that uses it.

use std::fs::{File, TryLockError};
use std::io;

use super::super::positioned::{read_exact_at, write_all_at};

/// Notes beyond this many bytes are not read: 512 GiB of content have as many.
const MAX_NOTES: u64 = 512 * 1024 * 1024;

/// A file of notes. Dropping it lets go of the lock.
pub(super) struct Notes {
    file: File,
    len: u64,
}

impl Notes {
    /// Takes a file, unless another process has it or somebody removed it; then `None`.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn lock(file: File) -> io::Result<Option<Self>> {
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // The process that had it before may have removed it just now.
        if super::disk::is_removed(&file) {
            return Ok(None);
        }
        let len = file.metadata()?.len();
        Ok(Some(Self { file, len }))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends. The first note is on the disk then: without it the others could not be read.
    ///
    /// # Errors
    /// Those of the system. A part of a note is written over by the next one.
    pub(super) fn append(&mut self, note: &[u8]) -> io::Result<()> {
        write_all_at(&self.file, note, self.len)?;
        let is_first = self.len == 0;
        self.len += note.len() as u64;
        if is_first { self.sync() } else { Ok(()) }
    }

    /// All of them.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn read(&self) -> io::Result<Vec<u8>> {
        let len = usize::try_from(self.len.min(MAX_NOTES)).unwrap_or_default();
        let mut notes = vec![0; len];
        read_exact_at(&self.file, &mut notes, 0)?;
        Ok(notes)
    }

    /// Cuts off what is behind `len` bytes.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn cut(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)?;
        self.len = len;
        Ok(())
    }

    /// Has them outlast a power cut.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}
