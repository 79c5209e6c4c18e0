//! A platform in memory that notes what its client does, and is as strict as it may be.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use mqdrop_client::{Input, Platform};
use mqdrop_core::{Obstacle, ParcelId, ReadRequest, SocketClose, StoreReply, StoreRequest, Time};

/// Something that a client did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Open,
    /// A packet of this length.
    Send(usize),
    Close,
    ReadFile,
    ForgetFiles(ParcelId),
    ReadBack,
    Discard(ParcelId),
}

#[derive(Default)]
pub(crate) struct Machine {
    pub(crate) now: Time,
    /// When its timer rings.
    pub(crate) timer: Option<Time>,
    /// Happened, and is yet to be handled.
    pub(crate) inputs: VecDeque<Input<Vec<u8>>>,
    /// The actions of its client in this turn.
    pub(crate) calls: Vec<Call>,
    /// How many packets its connection takes in a turn.
    pub(crate) room: usize,
    pub(crate) is_open: bool,
    /// Sent in this turn and not flushed.
    gathered: Vec<Bytes>,
    /// On the way to the broker.
    pub(crate) sent: Vec<Bytes>,
    /// The files that are sent, one a parcel.
    pub(crate) files: BTreeMap<ParcelId, Vec<u8>>,
    pub(crate) disk: Disk,
}

/// The things that outlive a restart: content and notes.
#[derive(Default)]
pub(crate) struct Disk(pub(crate) BTreeMap<ParcelId, (Vec<u8>, Vec<u8>)>);

impl Machine {
    pub(crate) fn with(disk: Disk) -> Self {
        Self {
            disk,
            ..Self::default()
        }
    }

    /// A turn begins, at this time.
    pub(crate) fn begin(&mut self, now: Time, room: usize) {
        assert!(now >= self.now, "time does not go back");
        assert!(self.gathered.is_empty(), "a turn ends with a flush");
        self.calls.clear();
        (self.now, self.room) = (now, room);
    }

    fn gather(&mut self, packet: Bytes) {
        assert!(self.is_open, "nothing is sent where there is no connection");
        self.calls.push(Call::Send(packet.len()));
        self.gathered.push(packet);
    }
}

impl Platform for Machine {
    type Content = Vec<u8>;

    fn now(&self) -> Time {
        self.now
    }

    fn open(&mut self, url: String) -> Result<(), SocketClose> {
        self.calls.push(Call::Open);
        self.is_open = false;
        if url.starts_with("no ") {
            return Err(SocketClose::Refused(Obstacle::NoAddress));
        }
        self.inputs.push_back(Input::Opened {
            compresses: false,
            wall: 0,
        });
        Ok(())
    }

    fn has_room(&self) -> bool {
        self.is_open && self.room > 0
    }

    fn send(&mut self, packet: Bytes) {
        assert!(self.has_room(), "there is no room");
        self.room -= 1;
        self.gather(packet);
    }

    fn flush(&mut self) {
        self.sent.append(&mut self.gathered);
    }

    fn close(&mut self, last: Vec<Bytes>) {
        for packet in last {
            self.gather(packet);
        }
        self.flush();
        self.calls.push(Call::Close);
        self.is_open = false;
    }

    fn read(&mut self, mut request: ReadRequest) {
        self.calls.push(Call::ReadFile);
        let file = &self.files[&request.parcel];
        let segments = request.segments.iter();
        let bytes = segments.flat_map(|it| &file[it.offset as usize..][..it.len]);
        let bytes: Vec<u8> = bytes.copied().collect();
        request.target().copy_from_slice(&bytes);
        self.inputs.push_back(Input::Read(request, Ok(())));
    }

    fn forget_files(&mut self, parcel: ParcelId) {
        self.calls.push(Call::ForgetFiles(parcel));
        self.files.remove(&parcel);
    }

    fn store(&mut self, request: StoreRequest) -> Option<StoreReply> {
        let parcels = &mut self.disk.0;
        match request {
            StoreRequest::Create { parcel, size } => {
                parcels.insert(parcel, (vec![0; size as usize], Vec::new()));
                Some(StoreReply::Created { parcel })
            }
            StoreRequest::Write {
                parcel,
                offset,
                data,
            } => {
                let (content, _) = parcels.get_mut(&parcel).unwrap();
                let len = data.len();
                content[offset as usize..][..len].copy_from_slice(&data);
                Some(StoreReply::Written { parcel, len })
            }
            StoreRequest::Note { parcel, note } => {
                let (_, notes) = parcels.get_mut(&parcel).unwrap();
                notes.extend(note);
                None
            }
            StoreRequest::Read {
                parcel,
                offset,
                len,
            } => {
                self.calls.push(Call::ReadBack);
                let (content, _) = &parcels[&parcel];
                let data = Bytes::copy_from_slice(&content[offset as usize..][..len]);
                Some(StoreReply::Read {
                    parcel,
                    offset,
                    data,
                })
            }
            StoreRequest::Finish { parcel, .. } => {
                let content = parcels[&parcel].0.clone();
                self.inputs.push_back(Input::Finished { parcel, content });
                None
            }
            StoreRequest::Discard { parcel } => {
                self.calls.push(Call::Discard(parcel));
                parcels.remove(&parcel);
                None
            }
        }
    }

    fn wake(&mut self, at: Time) {
        self.timer = Some(at);
    }
}
