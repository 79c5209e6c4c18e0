use crate::types::{Version, VersionPolicy};

/// Finds out which protocol version the broker speaks.
#[derive(Debug)]
pub(super) struct Negotiation {
    may_change: bool,
    next: Version,
    /// A broker accepted `next`; only its explicit refusal changes it then.
    settled: bool,
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
            settled: false,
        }
    }

    /// What the next CONNECT speaks.
    pub(super) fn next(&self) -> Version {
        self.next
    }

    pub(super) fn handle_accepted(&mut self) {
        self.settled = true;
    }

    /// CONNACK said that the broker does not speak this version.
    pub(super) fn handle_refused(&mut self) {
        self.settled = false;
        self.change();
    }

    /// The transport closed before CONNACK: how some brokers refuse a version,
    /// but also what a broken network looks like.
    pub(super) fn handle_closed_early(&mut self) {
        if !self.settled {
            self.change();
        }
    }

    fn change(&mut self) {
        if self.may_change {
            self.next = match self.next {
                Version::V5 => Version::V311,
                Version::V311 => Version::V5,
            };
        }
    }
}
