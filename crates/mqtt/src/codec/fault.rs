use crate::types::ReasonCode;

/// A fault in something the server sent, for its DISCONNECT and for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The reason code that tells the server.
    pub(crate) reason: ReasonCode,
    /// The words that tell the user.
    pub(crate) what: &'static str,
}

impl Fault {
    /// The bytes cannot be read.
    pub(crate) const fn malformed(what: &'static str) -> Self {
        Self {
            reason: ReasonCode::MALFORMED_PACKET,
            what,
        }
    }

    /// The packet can be read, but is not allowed here.
    pub(crate) const fn protocol(what: &'static str) -> Self {
        Self {
            reason: ReasonCode::PROTOCOL_ERROR,
            what,
        }
    }
}
