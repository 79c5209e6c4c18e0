//! Ends of connections for reasons that only this platform knows.

use mqdrop_core::{Obstacle, SocketClose};

/// An end that may be another one next time, in words.
pub(super) fn refused(text: String) -> SocketClose {
    SocketClose::Refused(Obstacle::Told(text))
}

/// An end that is the same until something is changed, here or at the broker; in words.
pub(super) fn lasting(text: String) -> SocketClose {
    SocketClose::Refused(Obstacle::Lasting(text))
}
