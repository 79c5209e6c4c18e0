//! From [`Options`] to CONNECT, and from CONNACK to [`Limits`].

use core::time::Duration;

use bytes::Bytes;

use crate::codec::{self, ConnAck, Connect, MAX_REMAINING};
use crate::topic::{self, MAX_STRING};
use crate::types::{Limits, Options, QoS, Unfit, Version};

/// The CONNECT for `options`, or what in them MQTT cannot carry.
pub(super) fn encode(options: &Options, version: Version, clean: bool) -> Result<Bytes, Unfit> {
    check(options, version)?;
    let connect = Connect {
        client_id: &options.client_id,
        clean,
        keep_alive: keep_alive_seconds(options),
        login: options.login.as_ref(),
        will: options.will.as_ref(),
        session_expiry: u32::try_from(options.session_expiry.as_secs()).unwrap_or(u32::MAX),
        receive_maximum: options.receive_maximum.max(1),
        max_packet_size: max_incoming_packet(options),
    };
    codec::connect(version, &connect).map_err(|_| Unfit::Together)
}

/// The longest packet to accept from the server, in bytes.
pub(super) fn max_incoming_packet(options: &Options) -> u32 {
    // Not the protocol's 268,435,460: there are peers that refuse anything above the longest Remaining Length.
    options.max_incoming_packet.clamp(1, MAX_REMAINING as u32)
}

/// The limits on a connection that `connack` accepted.
pub(super) fn limits(options: &Options, connack: &ConnAck) -> Limits {
    let asked = keep_alive_seconds(options);
    let seconds = match connack.server_keep_alive {
        Some(seconds) if seconds > 0 => seconds.min(asked),
        _ => asked,
    };
    Limits {
        receive_maximum: connack.receive_maximum.unwrap_or(u16::MAX),
        max_packet_size: connack.max_packet_size,
        max_qos: connack.max_qos.unwrap_or(QoS::AtLeastOnce),
        keep_alive: Duration::from_secs(u64::from(seconds)),
        retain_available: connack.retain_available.unwrap_or(true),
    }
}

fn keep_alive_seconds(options: &Options) -> u16 {
    u16::try_from(options.keep_alive.as_secs())
        .unwrap_or(u16::MAX)
        .max(1)
}

fn check(options: &Options, version: Version) -> Result<(), Unfit> {
    if !topic::is_string(&options.client_id) {
        return Err(Unfit::ClientId);
    }
    if let Some(login) = &options.login {
        if !topic::is_string(&login.username) {
            return Err(Unfit::Username);
        }
        if login.password.len() > MAX_STRING {
            return Err(Unfit::Password);
        }
        let only_password = login.username.is_empty() && !login.password.is_empty();
        if only_password && version == Version::V311 {
            return Err(Unfit::PasswordAlone);
        }
    }
    if let Some(will) = &options.will {
        if !topic::is_name(&will.topic) {
            return Err(Unfit::WillTopic);
        }
        if will.payload.len() > MAX_STRING {
            return Err(Unfit::WillPayload);
        }
    }
    Ok(())
}
