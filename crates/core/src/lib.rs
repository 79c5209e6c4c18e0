//! Pure: no sockets, clock, randomness, storage, threads or browser. Time, seed and bytes come in; bytes, deadlines and events come out.

mod engine;
mod ids;
mod io;
pub mod keys;
pub mod view;

pub use engine::{Engine, Entry, Event, Join, JoinError, OfferError, Timer};
pub use ids::{DeviceId, InvalidId, ParcelId};
pub use io::{ReadError, ReadRequest, Segment, SocketAction, SocketClose, StoreError, StoreReply, StoreRequest};
pub use mqdrop_mqtt::{Login, Time, Version, VersionPolicy};
