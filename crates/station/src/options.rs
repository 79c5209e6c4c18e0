//! The options of a station.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;

use super::limits::Limits;
use super::origins::Origin;
use super::tls::TlsOptions;
use crate::error::Error;

/// The options of a station, each like that of `mqdrop serve` with its name. The default serves
/// this computer only, on port 8080.
#[derive(Debug, Clone)]
pub struct Options {
    /// The address of the app, and of MQTT over WebSocket; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The address of MQTT over TCP, if there is to be one.
    pub mqtt_listen: Option<SocketAddr>,
    /// A file of logins, whose lines [`users::line`](crate::users::line) makes. Without a login
    /// here or in `users`, none is asked for.
    pub users_file: Option<PathBuf>,
    /// Logins as `NAME:PASSWORD`.
    pub users: Vec<String>,
    /// Others than this computer may connect without a login.
    pub open: bool,
    /// Pages that may connect beside the station's own where no login is asked for.
    pub origins: Vec<Origin>,
    /// Other MQTT clients are served as well: with wildcards, QoS 2 and longer retained messages.
    pub topics: bool,
    /// The longest MQTT packet to accept, in bytes, within [`Options::MAX_PACKET`].
    pub max_packet: u32,
    /// The folder for sessions and retained messages; without it they are in memory only.
    pub data: Option<PathBuf>,
    /// The folder of the app, in place of the one built in.
    pub app: Option<PathBuf>,
    /// The certificate, if TLS is spoken.
    pub tls: TlsOptions,
    /// Bounds on what clients take.
    pub limits: Limits,
}

impl Options {
    /// The range of `max_packet`, in bytes: from room for a CONNECT with a will and a login to one
    /// less than the largest MQTT Remaining Length (OASIS MQTT 5.0, section 1.5.5). Some clients
    /// refuse more.
    pub const MAX_PACKET: RangeInclusive<u64> = 1024..=268_435_454;

    /// Refuses numbers out of range.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let max_packet = ("--max-packet", u64::from(self.max_packet), Self::MAX_PACKET);
        let mut numbers = self.limits.numbers().into_iter().chain([max_packet]);
        match numbers.find(|(_, value, range)| !range.contains(value)) {
            None => Ok(()),
            Some((option, value, range)) => Err(Error::OutOfRange {
                option,
                value,
                range,
            }),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 8080).into(),
            mqtt_listen: None,
            users_file: None,
            users: Vec::new(),
            open: false,
            origins: Vec::new(),
            topics: false,
            max_packet: 16 * 1024 * 1024,
            data: None,
            app: None,
            tls: TlsOptions::default(),
            limits: Limits::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_out_of_range_are_refused_by_the_name_of_their_option() {
        assert!(Options::default().check().is_ok());
        let with = |change: fn(&mut Options)| {
            let mut options = Options::default();
            change(&mut options);
            options.check().unwrap_err()
        };
        for (error, named) in [
            (with(|options| options.max_packet = 1023), "--max-packet"),
            (
                with(|options| options.limits.max_connections = 0),
                "--max-connections",
            ),
            (
                with(|options| options.limits.max_connections_per_address = 0),
                "--max-connections-per-address",
            ),
            (
                with(|options| options.limits.handshake_time = 11),
                "--handshake-time",
            ),
            (with(|options| options.limits.max_rate = 0), "--max-rate"),
            (with(|options| options.limits.max_queue = 1), "--max-queue"),
            (
                with(|options| options.limits.max_queue_total = u64::MAX),
                "--max-queue-total",
            ),
        ] {
            assert_eq!(error.problem(), crate::Problem::Options);
            let Error::OutOfRange { option, .. } = error else {
                panic!("{error}");
            };
            assert_eq!(option, named);
        }
    }
}
