//! Pure: no sockets, clock, randomness, storage, threads or browser. Time and bytes come in; bytes, deadlines and events come out.
//!
//! A client session for MQTT 5 and 3.1.1. The driver opens a transport, tells
//! the [`Session`] about it with the `handle_*` calls, and after every call
//! drains `poll_transmit`, `poll_event` and `poll_timeout`.

mod codec;
mod reason;
mod session;
mod time;
mod topic;
mod types;

pub use session::Session;
pub use time::Time;
pub use types::*;

#[cfg(test)]
mod tests;
