//! The machine of the device under attack: its broker and its storage are the test's.

use std::collections::VecDeque;

use bytes::Bytes;
use litemap::LiteMap;
use mqdrop_client::{Input, Platform};
use mqdrop_core::{ParcelId, ReadRequest, SocketClose, StoreReply, StoreRequest};
use mqdrop_mqtt::Time;

/// The victim's machine.
#[derive(Default)]
pub(super) struct Machine {
    pub(super) now: Time,
    pub(super) timer: Option<Time>,
    /// Events that it has not heard of yet.
    pub(super) inputs: VecDeque<Input<()>>,
    /// Bytes of content that it wrote to storage.
    pub(super) written: u64,
    /// Bytes that it noted.
    pub(super) noted: usize,
    /// The content that storage holds.
    stored: LiteMap<ParcelId, Vec<u8>>,
    /// Answers of storage that are yet to come, if they take a while.
    pub(super) late: Option<Vec<StoreReply>>,
    /// The bytes it sent to the broker and nobody has looked at.
    pub(super) sent: Vec<u8>,
    /// It asked for a connection.
    pub(super) opening: bool,
}

impl Platform for Machine {
    type Content = ();

    fn now(&self) -> Time {
        self.now
    }

    fn open(&mut self, _: String) -> Result<(), SocketClose> {
        self.opening = true;
        Ok(())
    }

    fn has_room(&self) -> bool {
        true
    }

    fn send(&mut self, packet: Bytes) {
        self.sent.extend_from_slice(&packet);
    }

    fn flush(&mut self) {}

    fn close(&mut self, last: Vec<Bytes>) {
        self.sent.extend(last.concat());
    }

    fn read(&mut self, request: ReadRequest) {
        self.inputs.push_back(Input::Read(request, Ok(())));
    }

    fn forget_files(&mut self, _: ParcelId) {}

    fn store(&mut self, request: StoreRequest) -> Option<StoreReply> {
        let reply = match request {
            StoreRequest::Create { parcel, .. } => StoreReply::Created { parcel },
            StoreRequest::Write {
                parcel,
                offset,
                data,
            } => {
                self.written += data.len() as u64;
                let (offset, len) = (offset as usize, data.len());
                let stored = self.stored.entry(parcel).or_default();
                stored.resize(stored.len().max(offset + len), 0);
                stored[offset..offset + len].copy_from_slice(&data);
                StoreReply::Written { parcel, len }
            }
            StoreRequest::Read {
                parcel,
                offset,
                len,
            } => {
                let stored = &self.stored[&parcel][offset as usize..][..len];
                let data = Bytes::copy_from_slice(stored);
                StoreReply::Read {
                    parcel,
                    offset,
                    data,
                }
            }
            StoreRequest::Finish { parcel, .. } => {
                let content = ();
                self.inputs.push_back(Input::Finished { parcel, content });
                return None;
            }
            StoreRequest::Note { note, .. } => {
                self.noted += note.len();
                return None;
            }
            StoreRequest::Discard { .. } => return None,
        };
        match &mut self.late {
            Some(late) => {
                late.push(reply);
                None
            }
            None => Some(reply),
        }
    }

    fn wake(&mut self, at: Time) {
        self.timer = Some(at);
    }
}
