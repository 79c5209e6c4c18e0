//! The answer of `/health`: that the station runs, and how busy it is. Nothing about who is connected
//! or what they do.

use std::time::Instant;

use super::broker::Broker;
use super::door::Door;

/// Counts that anybody may know.
#[derive(Debug)]
pub(crate) struct Health {
    since: Instant,
    door: Door,
}

impl Health {
    /// From now on; `door` counts the connections.
    pub(crate) fn new(door: Door) -> Self {
        Self {
            since: Instant::now(),
            door,
        }
    }

    /// A JSON object: the version, seconds since the start, open connections, and clients that are
    /// logged in to the broker.
    pub(crate) fn report(&self, broker: &Broker) -> String {
        format!(
            "{{\"status\":\"ok\",\"version\":\"{}\",\"uptime_seconds\":{},\"connections\":{},\"clients\":{}}}\n",
            env!("CARGO_PKG_VERSION"),
            self.since.elapsed().as_secs(),
            self.door.count(),
            broker.clients(),
        )
    }
}
