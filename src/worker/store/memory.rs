//! Storage in plain memory: the model that tests compare the others with.

use core::cell::Cell;
use core::ops::Range;
use std::rc::Rc;

use bytes::Bytes;
use js_sys::{Array, Uint8Array};
use mqdrop_core::StoreError;
use web_sys::Blob;

use super::{BlockStore, Pending, end_within, store_error};

pub(super) struct MemoryStore {
    content: Vec<u8>,
    notes: Vec<u8>,
    full: Rc<Cell<bool>>,
}

impl MemoryStore {
    pub(super) fn new(size: usize) -> Self {
        Self {
            content: vec![0; size],
            notes: Vec::new(),
            full: Rc::default(),
        }
    }

    /// One that has no space while the cell says so.
    pub(super) fn with_space(size: usize, full: &Rc<Cell<bool>>) -> Self {
        Self {
            full: Rc::clone(full),
            ..Self::new(size)
        }
    }

    fn check_space(&self) -> Result<(), StoreError> {
        if self.full.get() {
            Err(StoreError::NoSpace { available: Some(0) })
        } else {
            Ok(())
        }
    }
}

impl BlockStore for MemoryStore {
    fn write(&mut self, offset: u64, data: Bytes) -> Result<(), StoreError> {
        self.check_space()?;
        let end = end_within(offset, data.len(), self.content.len() as u64)?;
        self.content[offset as usize..end as usize].copy_from_slice(&data);
        Ok(())
    }

    fn note(&mut self, note: &[u8]) -> Result<(), StoreError> {
        self.check_space()?;
        self.notes.extend_from_slice(note);
        Ok(())
    }

    fn read(&mut self, offset: u64, len: usize) -> Pending<Result<Bytes, StoreError>> {
        let end = end_within(offset, len, self.content.len() as u64);
        let read = end.map(|end| self.content[offset as usize..end as usize].to_vec().into());
        Box::pin(core::future::ready(read))
    }

    fn finish(&mut self, _left_out: Vec<Range<u64>>) -> Pending<Result<Blob, StoreError>> {
        if let Err(error) = self.check_space() {
            return Box::pin(core::future::ready(Err(error)));
        }
        let array = Uint8Array::from(self.content.as_slice());
        let blob = Blob::new_with_u8_array_sequence(&Array::of1(&array))
            .map_err(|error| store_error(&error));
        Box::pin(core::future::ready(blob))
    }

    fn size(&self) -> u64 {
        self.content.len() as u64
    }

    fn go_on(&mut self, _notes_len: u64, _size: u64) -> Result<(), StoreError> {
        Ok(())
    }

    fn leave(self: Box<Self>) {}

    fn discard(self: Box<Self>) {}
}
