use crate::types::{Version, VersionPolicy};

/// Finds out which protocol version the broker speaks.
#[derive(Debug)]
pub(super) struct Negotiation {
    may_change: bool,
    next: Version,
    /// The version of the last CONNECT.
    spoken: Option<Version>,
    /// A broker accepted `next`; only its explicit refusal, or what is no MQTT, changes it then.
    settled: bool,
    /// A broker also answered a request in `next`.
    proven: bool,
    /// How often the connection ended without any answer to a request in `next`.
    closed: u32,
}

impl Negotiation {
    pub(super) fn new(policy: VersionPolicy) -> Self {
        let (may_change, next) = match policy {
            VersionPolicy::Auto => (true, Version::V5),
            VersionPolicy::Prefer311 => (true, Version::V311),
            VersionPolicy::Only(version) => (false, version),
        };
        Self {
            may_change,
            next,
            spoken: None,
            settled: false,
            proven: false,
            closed: 0,
        }
    }

    /// The version of this CONNECT.
    pub(super) fn speak(&mut self) -> Version {
        self.spoken = Some(self.next);
        self.next
    }

    /// Whether the next CONNECT speaks another version than the last one.
    pub(super) fn is_changing(&self) -> bool {
        self.spoken.is_some_and(|spoken| spoken != self.next)
    }

    pub(super) fn handle_accepted(&mut self) {
        self.settled = true;
    }

    /// The server answered a request.
    pub(super) fn handle_proven(&mut self) {
        self.proven = true;
    }

    /// CONNACK said that the broker does not speak this version.
    pub(super) fn handle_refused(&mut self) {
        self.change();
    }

    /// There was no proper answer to CONNECT: how some brokers refuse a version, but also what a broken
    /// network looks like.
    pub(super) fn handle_failed(&mut self) {
        if !self.settled {
            self.change();
        }
    }

    /// The server sent something that is no MQTT of this version.
    pub(super) fn handle_fault(&mut self) {
        if !self.proven {
            self.change();
        }
    }

    /// An accepted connection ended. Once that is the network; a server that never answers a request
    /// in MQTT 5 may only have taken the greeting for one it knows.
    pub(super) fn handle_closed(&mut self) {
        if !self.proven && self.next == Version::V5 {
            self.closed += 1;
            if self.closed > 1 {
                self.change();
            }
        }
    }

    fn change(&mut self) {
        // One change a connection: what follows from the same trouble does not change back.
        if self.may_change && !self.is_changing() {
            self.next = match self.next {
                Version::V5 => Version::V311,
                Version::V311 => Version::V5,
            };
            (self.settled, self.proven, self.closed) = (false, false, 0);
        }
    }
}
