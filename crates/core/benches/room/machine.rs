//! The machine of engines here: a connection that takes a few packets at a time, files whose bytes are
//! not read from anywhere, and storage that takes everything and keeps nothing.

use bytes::Bytes;
use mqdrop_client::{Input, Platform};
use mqdrop_core::{ParcelId, ReadRequest, SocketClose, StoreReply, StoreRequest, Time};

#[derive(Default)]
pub(crate) struct Machine {
    pub(crate) now: Time,
    /// How many packets its connection takes until it is given room again.
    pub(crate) room: usize,
    /// Packets that were sent and are not with the broker.
    pub(crate) sent: Vec<Bytes>,
    /// Reads that were asked for and not answered.
    pub(crate) reads: Vec<ReadRequest>,
    /// Other answers that its client is yet to be given.
    pub(crate) answers: Vec<Input<()>>,
}

impl Platform for Machine {
    type Content = ();

    fn now(&self) -> Time {
        self.now
    }

    fn open(&mut self, _: String) -> Result<(), SocketClose> {
        self.answers.push(Input::Opened {
            compresses: false,
            wall: 0,
        });
        Ok(())
    }

    fn has_room(&self) -> bool {
        self.room > 0
    }

    fn send(&mut self, packet: Bytes) {
        self.room -= 1;
        self.sent.push(packet);
    }

    fn flush(&mut self) {}

    fn close(&mut self, _: Vec<Bytes>) {
        panic!("nobody leaves");
    }

    fn read(&mut self, request: ReadRequest) {
        self.reads.push(request);
    }

    fn forget_files(&mut self, _: ParcelId) {}

    fn store(&mut self, request: StoreRequest) -> Option<StoreReply> {
        match request {
            StoreRequest::Create { parcel, .. } => Some(StoreReply::Created { parcel }),
            StoreRequest::Write { parcel, data, .. } => {
                let len = data.len();
                Some(StoreReply::Written { parcel, len })
            }
            StoreRequest::Finish { parcel, .. } => {
                let content = ();
                self.answers.push(Input::Finished { parcel, content });
                None
            }
            StoreRequest::Note { .. } | StoreRequest::Discard { .. } => None,
            StoreRequest::Read { .. } => panic!("nothing was kept"),
        }
    }

    fn wake(&mut self, _: Time) {}
}
