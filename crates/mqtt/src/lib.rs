//! Pure: no sockets, clock, randomness, storage, threads or browser. Time and bytes come in; bytes, deadlines and events come out.
//!
//! A client session for MQTT 5 and 3.1.1 with QoS 0 and 1. The driver opens a
//! transport, tells the [`Session`] about it with the `handle_*` calls, and
//! after every call drains `poll_transmit`, then `poll_event`, then sets its
//! timer for `poll_timeout`.
//!
//! # What a server does wrong
//!
//! The following ends the connection with [`Disconnect::Protocol`], on MQTT 5
//! after a DISCONNECT that names the reason (section 4.13 of the OASIS standard):
//! - bytes that cannot be read: lengths that lie, text that is not UTF-8 or holds U+0000, reserved flags or
//!   types, properties that do not belong there or come twice, reason codes below 0x80 that do not exist
//!   (of CONNACK much of this is read past, as `codec/connack.rs` says);
//! - packets longer than [`Options::max_incoming_packet`], at their fixed header;
//! - packets that only clients send, packets of QoS 2, AUTH, topic aliases and subscription identifiers: none of
//!   these was ever allowed or asked for;
//! - packet identifier 0, a topic that is empty or holds wildcards;
//! - anything before CONNACK but DISCONNECT with a reason, CONNACK twice;
//! - more QoS 1 messages than [`Options::receive_maximum`] before the transport took their PUBACKs (MQTT 5);
//! - SUBACK or UNSUBACK with another number of results than filters were named, or granting QoS 2.
//!
//! Ignored, because the standard does not forbid them or they do no harm: PUBACK, SUBACK and UNSUBACK for what is
//! not outstanding, PINGRESP without PINGREQ. Error codes (0x80 and above) from another packet's table are passed on,
//! because the user should read them.

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
