#![no_main]

use bytes::Bytes;
use core::time::Duration;
use mqdrop_mqtt::{Options, QoS, Session, Subscription, Time, Version, VersionPolicy};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((&how, bytes)) = bytes.split_first() else {
        return;
    };
    let version = if how & 1 == 0 {
        Version::V5
    } else {
        Version::V311
    };
    let mut session = Session::new(Options {
        client_id: "fuzzed".into(),
        version: VersionPolicy::Only(version),
        login: None,
        will: None,
        keep_alive: Duration::from_secs(30),
        session_expiry: Duration::from_secs(120),
        max_incoming_packet: 64 * 1024,
        receive_maximum: 20,
    });
    let mut now = Time::ZERO;
    session.handle_connected(now);
    if how & 2 == 0 {
        let accepted: &[u8] = match version {
            Version::V5 => &[0x20, 3, 0, 0, 0],
            Version::V311 => &[0x20, 2, 0, 0],
        };
        session.handle_bytes(Bytes::from_static(accepted), now);
        let filter = Subscription {
            filter: "a/b".into(),
            qos: QoS::AtLeastOnce,
            no_local: true,
        };
        let _ = session.subscribe(&[filter], now);
        let _ = session.publish("a/b", b"payload", QoS::AtLeastOnce, false, now);
    }
    for piece in bytes.chunks(usize::from(how >> 2) + 1) {
        session.handle_bytes(Bytes::copy_from_slice(piece), now);
        while session.poll_event().is_some() {}
        while session.poll_transmit().is_some() {}
        now += Duration::from_millis(1);
        session.handle_timeout(now);
    }
});
