//! Pure: no sockets, clock, randomness, storage, threads or browser, but for the tables of letters
//! that `mqdrop_unicode` asks the browser for. Time, seed and bytes come in; bytes, deadlines and
//! events come out.
//!
//! Rooms and transfers over MQTT. An [`Engine`] is one device: its driver gives it what the socket,
//! storage, files and clock bring, and does what it asks for. `docs/PROTOCOL.md` has the protocol.

mod allowance;
mod api;
mod cause;
mod effects;
mod engine;
mod envelope;
mod frame;
mod frame_size;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod hash;
#[cfg(test)]
mod hostile;
mod identity;
mod ids;
mod incoming;
mod io;
pub mod keys;
mod layout;
mod manifest;
mod message;
mod names;
mod notes;
mod order;
mod outgoing;
mod pacing;
mod peers;
mod people;
mod person;
mod random;
mod ranges;
mod rate;
mod replay;
mod seal;
mod state;
mod sums;
mod title;
pub mod view;

pub use api::{
    AutoAccept, Entry, Event, Join, JoinError, OfferError, RestoreError, Restored, Timer,
};
pub use cause::{Notice, TooMuch};
pub use engine::{Engine, topic_prefix};
pub use identity::Identity;
pub use ids::{DeviceId, InvalidId, ParcelId, PersonId, RoomId};
pub use incoming::MAX_TEXT;
pub use io::{
    Invalid, Obstacle, ReadError, ReadFailure, ReadFault, ReadRequest, Segment, SocketAction,
    SocketClose, StoreError, StoreReply, StoreRequest,
};
pub use mqdrop_mqtt::{Login, ReasonCode, Time, Unfit, Version, VersionPolicy};
pub use names::{device_name, isolated};
pub use order::ordered;
pub use outgoing::Audience;
pub use people::{is_same_name, merge_people};
pub use person::{Profile, person_of_text};
