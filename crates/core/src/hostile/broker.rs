use core::time::Duration;

use mqdrop_mqtt::Version;
use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::victim::{ACCEPTED, Victim, packet, secret};
use mqdrop_core::view::{ConnectionState, RoomTrouble};
use mqdrop_core::{Invalid, Obstacle, SocketClose};

/// A packet that a server may send, or that only looks like one.
fn any_packet() -> impl Strategy<Value = Vec<u8>> {
    let body = proptest::collection::vec(any::<u8>(), 0..40);
    let acknowledgement = (any::<u8>(), 0u16..4, any::<u8>()).prop_map(|(kind, id, code)| {
        let [high, low] = id.to_be_bytes();
        packet(kind, &[high, low, code])
    });
    let message = (0u8..16, "[a-z/#+$]{0,20}", body.clone()).prop_map(|(flags, topic, body)| {
        let mut whole = (topic.len() as u16).to_be_bytes().to_vec();
        whole.extend_from_slice(topic.as_bytes());
        whole.extend_from_slice(&body);
        packet(0x30 | flags, &whole)
    });
    prop_oneof![
        (any::<u8>(), body.clone()).prop_map(|(first, body)| packet(first, &body)),
        acknowledgement,
        message,
        Just(vec![0x20, 2, 0, 0]),
        Just(vec![0x20, 2, 1, 0]),
        Just(vec![0xd0, 0]),
        Just(vec![0x90, 4, 0, 1, 1, 1]),
        // Says that 256 MiB follow.
        Just(vec![0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1]),
        // A length that never ends.
        Just(vec![0x30, 0xff, 0xff, 0xff, 0xff, 0xff]),
        body,
    ]
}

/// Asserts that an honest broker brings the device into the room.
fn recovers(victim: &mut Victim) {
    for _ in 0..200 {
        if victim.is_opening() {
            break;
        }
        if victim.status().remedy.is_some() {
            // It was told that it never gets in.
            victim.join_again();
            break;
        }
        // Also one that it still believes in is found out.
        victim.wait(Duration::from_secs(5));
    }
    assert!(victim.is_opening(), "{:?}", victim.status());
    victim.admit();
}

mqdrop_testing::properties! {
    /// At whatever point of the connection it begins to talk nonsense.
    fn no_broker_breaks_a_device_for_good(
        version in prop_oneof![Just(Version::V311), Just(Version::V5)],
        online in any::<bool>(),
        packets in proptest::collection::vec(any_packet(), 1..12),
    ) {
        let mut victim = Victim::speaking(version);
        if online {
            victim.admit();
        } else {
            victim.open();
        }
        for bytes in packets {
            if victim.is_opening() {
                break;
            }
            victim.receive(&bytes);
            victim.wait(Duration::from_millis(100));
            let status = victim.status();
            let is_error = status.state == ConnectionState::Error;
            prop_assert_eq!(status.trouble.is_some(), is_error);
        }
        prop_assert!(victim.peers().is_empty());
        recovers(&mut victim);
    }
}

#[test]
fn messages_for_topics_never_asked_for_are_passed_over() {
    let mut victim = Victim::online();
    let base = format!("mqdrop/1/{}/", secret().room());
    for topic in [
        format!("{base}d/aaaaaaaaaaaaaaaa"),
        format!("{base}i/aaaaaaaaaaaaaaaa"),
        format!("{base}x"),
        base.clone(),
        "$SYS/broker/uptime".into(),
        "else/where".into(),
    ] {
        let mut body = (topic.len() as u16).to_be_bytes().to_vec();
        body.extend_from_slice(topic.as_bytes());
        body.extend_from_slice(&[1; 500]);
        victim.receive(&packet(0x30, &body));
    }
    assert_eq!(victim.status().state, ConnectionState::Online);
    assert!(victim.notices.is_empty());
}

#[test]
fn a_broker_that_announces_a_huge_packet_is_left_and_the_user_told() {
    let mut victim = Victim::online();
    victim.receive(&[0x30, 0xff, 0xff, 0xff, 0x7f]);
    let status = victim.status();
    assert_ne!(status.state, ConnectionState::Online);
    assert!(matches!(status.trouble, Some(RoomTrouble::NotMqtt(_))));
    recovers(&mut victim);
}

#[test]
fn a_browser_that_hangs_up_on_what_came_says_why() {
    for (what, words) in [(Invalid::Text, "text"), (Invalid::TooLong, "too long")] {
        let mut victim = Victim::new();
        victim.open();
        victim.close(SocketClose::Invalid(what));
        let status = victim.status();
        let is_told = |what: &str| what.contains(words);
        assert!(matches!(&status.trouble, Some(RoomTrouble::NotMqtt(what)) if is_told(what)));
        recovers(&mut victim);
    }
}

#[test]
fn what_the_driver_knows_of_an_end_is_shown_at_every_stage() {
    let obstacle = Obstacle::Told("A certificate is missing".into());
    let missing = RoomTrouble::Transport(obstacle.clone());
    let is_shown = |victim: &mut Victim| {
        let close = SocketClose::Refused(obstacle.clone());
        victim.close(close);
        let status = victim.status();
        assert_eq!(status.state, ConnectionState::Error);
        assert_eq!(status.trouble.as_ref(), Some(&missing));
        assert!(status.tries_again);
        recovers(victim);
    };
    for version in [Version::V5, Version::V311] {
        let mut victim = Victim::speaking(version);
        is_shown(&mut victim);
        let mut victim = Victim::speaking(version);
        victim.open();
        is_shown(&mut victim);
        // Also where the first loss of a connection is not worth a word.
        is_shown(&mut victim);
        victim.close(SocketClose::Closed { code: None });
        assert_ne!(victim.status().trouble, Some(missing.clone()));
    }
}

#[test]
fn a_broker_that_refuses_every_subscription_is_named() {
    let mut victim = Victim::new();
    victim.let_in(&ACCEPTED, &[0x80, 0x80]);
    let status = victim.status();
    assert_eq!(status.state, ConnectionState::Error);
    assert!(
        matches!(status.trouble, Some(RoomTrouble::MayNotSubscribe { .. })),
        "{status:?}"
    );
    victim.close(SocketClose::Closed { code: None });
    victim.wait(Duration::from_secs(600));
    assert!(!victim.is_opening());
    recovers(&mut victim);
}

#[test]
fn a_session_that_another_took_over_is_named_and_taken_back_without_haste() {
    let mut victim = Victim::speaking(Version::V5);
    let mut waits = Vec::new();
    for _ in 0..12 {
        assert!(victim.is_opening());
        victim.let_in(&[0x20, 3, 0, 0, 0], &[0, 1, 1]);
        victim.echo();
        assert_eq!(victim.status().state, ConnectionState::Online);
        victim.receive(&[0xe0, 2, 0x8e, 0]);
        let status = victim.status();
        assert!(
            matches!(
                status.trouble,
                Some(RoomTrouble::Ended { reason: 0x8e, .. })
            ),
            "{status:?}"
        );
        let began = victim.now();
        while !victim.is_opening() {
            victim.wait(Duration::from_millis(100));
        }
        waits.push(victim.now().since(began));
    }
    let shortest = Duration::from_millis(250);
    assert!(waits.iter().all(|wait| *wait >= shortest), "{waits:?}");
    // A rival that comes back at once every time does not make it do the same.
    assert!(waits[11] >= Duration::from_secs(10), "{waits:?}");
}
