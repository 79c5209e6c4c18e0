//! A parcel that goes to standard output: its content comes in any order, so it is kept in a file
//! without a name until it is whole.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use bytes::Bytes;
use mqdrop_core::StoreError;
use mqdrop_core::view::FileView;

use super::super::positioned::{read_exact_at, write_all_at};
use super::Saved;
use super::disk::{available, claim, end_within, store_error};
use crate::words;

/// One parcel's content.
pub(super) struct Spooled {
    content: File,
    size: u64,
    /// Bytes that were given out: after an error that goes on from there.
    given: u64,
}

impl Spooled {
    /// # Errors
    /// [`StoreError::NoSpace`] if there is not enough.
    pub(super) fn create(content: io::Result<File>, size: u64) -> Result<Self, StoreError> {
        let content = content
            .map_err(|error| StoreError::Told(words().store_not_kept(&error.to_string())))?;
        let free = available(&content);
        if free.is_some_and(|free| free < size) {
            return Err(StoreError::NoSpace { available: free });
        }
        claim(&content, size).map_err(|error| store_error(&error, &content))?;
        Ok(Self {
            content,
            size,
            given: 0,
        })
    }

    pub(super) fn write(&self, offset: u64, data: &[u8]) -> Result<(), StoreError> {
        end_within(offset, data.len(), self.size)?;
        write_all_at(&self.content, data, offset)
            .map_err(|error| store_error(&error, &self.content))
    }

    pub(super) fn read(&self, offset: u64, len: usize) -> Result<Bytes, StoreError> {
        end_within(offset, len, self.size)?;
        let mut data = vec![0; len];
        read_exact_at(&self.content, &mut data, offset)
            .map_err(|error| store_error(&error, &self.content))?;
        Ok(data.into())
    }

    /// Gives the content out. May be called again after an error.
    ///
    /// # Errors
    /// If there are several files, or nobody reads.
    pub(super) fn finish(
        &mut self,
        files: &[FileView],
        output: &mut dyn Write,
    ) -> Result<Saved, StoreError> {
        let [file] = files else {
            let count = files.len() as u64;
            return Err(StoreError::Told(words().store_several_to_stdout(count)));
        };
        if file.left_out {
            return Err(StoreError::Told(
                words().store_unreadable_at_sender().into(),
            ));
        }
        self.give(output)
            .map_err(|error| StoreError::Told(words().store_not_written(&error.to_string())))?;
        Ok(Saved::default())
    }

    fn give(&mut self, output: &mut dyn Write) -> io::Result<()> {
        (&self.content).seek(SeekFrom::Start(self.given))?;
        let mut piece = vec![0; 256 * 1024];
        while self.given < self.size {
            let wanted = (self.size - self.given).min(piece.len() as u64) as usize;
            let len = (&self.content).read(&mut piece[..wanted])?;
            if len == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            output.write_all(&piece[..len])?;
            self.given += len as u64;
        }
        output.flush()
    }
}
