//! Storage in plain memory: the model that tests compare the others with.

use bytes::Bytes;
use js_sys::{Array, Uint8Array};
use mqdrop_core::StoreError;
use web_sys::Blob;

use super::{BlockStore, Pending, end_within, store_error};

pub(super) struct MemoryStore {
    content: Vec<u8>,
    notes: Vec<u8>,
}

impl MemoryStore {
    pub(super) fn new(size: usize) -> Self {
        Self {
            content: vec![0; size],
            notes: Vec::new(),
        }
    }
}

impl BlockStore for MemoryStore {
    fn write(&mut self, offset: u64, data: Bytes) -> Result<(), StoreError> {
        let end = end_within(offset, data.len(), self.content.len() as u64)?;
        self.content[offset as usize..end as usize].copy_from_slice(&data);
        Ok(())
    }

    fn note(&mut self, note: &[u8]) -> Result<(), StoreError> {
        self.notes.extend_from_slice(note);
        Ok(())
    }

    fn read(&mut self, offset: u64, len: usize) -> Result<Bytes, StoreError> {
        let end = end_within(offset, len, self.content.len() as u64)?;
        Ok(self.content[offset as usize..end as usize].to_vec().into())
    }

    fn finish(&mut self) -> Pending<Result<Blob, StoreError>> {
        let array = Uint8Array::from(self.content.as_slice());
        let blob = Blob::new_with_u8_array_sequence(&Array::of1(&array))
            .map_err(|error| store_error(&error));
        Box::pin(core::future::ready(blob))
    }

    fn go_on(&mut self, _notes_len: u64, _size: u64) -> Result<(), StoreError> {
        Ok(())
    }

    fn leave(self: Box<Self>) {}

    fn discard(self: Box<Self>) {}
}
