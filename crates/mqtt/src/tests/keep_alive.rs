//! PINGREQ and the signs of life.

use core::time::Duration;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::client::{Client, options};
use super::oracle::{self, PINGRESP, Publish, Sent};
use crate::{Disconnect, QoS, Timer, Version, VersionPolicy};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn silence_leads_to_a_ping_and_its_answer_to_the_next() {
    for version in [Version::V5, Version::V311] {
        let mut client = Client::connected(version);
        for _ in 0..3 {
            let before = client.now;
            assert_eq!(client.wake(), Timer::KeepAlive);
            assert_eq!(client.now.since(before), 30 * SECOND);
            assert_eq!(client.sent(), [Sent::PingReq]);
            assert_eq!(
                client.session.poll_timeout(),
                Some((client.now + 15 * SECOND, Timer::PingResponse))
            );
            client.receive(&PINGRESP);
        }
        assert_eq!(client.events(), []);
    }
}

#[test]
fn no_answer_ends_the_connection() {
    let mut client = Client::connected(Version::V5);
    client.publish("a", b"", QoS::AtLeastOnce);
    client.wake();
    let before = client.now;
    assert_eq!(client.wake(), Timer::PingResponse);
    // Something is under way, so the answer is awaited in earnest.
    assert_eq!(client.now.since(before), 5 * SECOND);
    assert_eq!(client.ended(), Disconnect::KeepAliveTimeout);
    assert_eq!(client.sent(), []);
    client.close();
    assert_eq!(client.events(), []);
}

#[test]
fn any_packet_is_a_sign_of_life() {
    let mut client = Client::connected(Version::V5);
    client.wake();
    client.advance(14 * SECOND);
    client.receive(&Publish::new("t", b"", None).encode(Version::V5));
    client.advance(5 * SECOND);
    client.session.handle_timeout(client.now);
    assert_eq!(client.events().len(), 1);
    assert!(client.session.is_connected());
}

#[test]
fn sending_puts_the_ping_off_but_only_while_something_is_received() {
    let mut client = Client::connected(Version::V5);
    for _ in 0..29 {
        client.advance(SECOND);
        client.publish("a", b"", QoS::AtMostOnce);
        client.session.handle_timeout(client.now);
    }
    assert!(!client.sent().contains(&Sent::PingReq));
    client.receive(&PINGRESP);
    for _ in 0..29 {
        client.advance(SECOND);
        client.publish("a", b"", QoS::AtMostOnce);
        client.session.handle_timeout(client.now);
    }
    assert!(!client.sent().contains(&Sent::PingReq));
    // QoS 0 into a dead connection: the ping notices.
    client.publish("a", b"", QoS::AtMostOnce);
    assert_eq!(client.wake(), Timer::KeepAlive);
    assert_eq!(client.sent()[0], Sent::PingReq, "ahead of what is queued");
}

#[test]
fn receiving_alone_does_not_replace_the_ping() {
    let mut client = Client::connected(Version::V5);
    for _ in 0..29 {
        client.advance(SECOND);
        client.receive(&Publish::new("t", b"", None).encode(Version::V5));
    }
    assert_eq!(client.wake(), Timer::KeepAlive);
    assert_eq!(client.sent(), [Sent::PingReq]);
}

#[test]
fn a_late_wake_up_pings_anew_before_it_gives_up() {
    let mut client = Client::connected(Version::V5);
    client.wake();
    client.sent();
    // The machine slept for an hour.
    client.advance(3600 * SECOND);
    client.session.handle_timeout(client.now);
    assert_eq!(client.sent(), [Sent::PingReq]);
    assert_eq!(client.events(), []);
    assert_eq!(
        client.session.poll_timeout(),
        Some((client.now + 15 * SECOND, Timer::PingResponse))
    );
    client.receive(&PINGRESP);
    assert!(client.session.is_connected());

    // And once more, but this time nobody answers.
    client.wake();
    client.advance(3600 * SECOND);
    client.session.handle_timeout(client.now);
    assert_eq!(client.events(), []);
    assert_eq!(client.wake(), Timer::PingResponse);
    assert_eq!(client.ended(), Disconnect::KeepAliveTimeout);
}

#[test]
fn a_timer_that_is_always_late_gives_up_in_the_end() {
    let mut client = Client::connected(Version::V5);
    client.wake();
    for _ in 0..3 {
        client.advance(60 * SECOND);
        client.session.handle_timeout(client.now);
        assert_eq!(client.events(), []);
    }
    client.advance(60 * SECOND);
    client.session.handle_timeout(client.now);
    assert_eq!(client.ended(), Disconnect::KeepAliveTimeout);
}

#[test]
fn connack_may_come_after_a_late_wake_up() {
    let mut client = Client::new(options(VersionPolicy::Auto));
    client.open();
    client.advance(600 * SECOND);
    client.session.handle_timeout(client.now);
    assert_eq!(client.events(), []);
    let before = client.now;
    assert_eq!(client.wake(), Timer::Connack);
    assert_eq!(client.now.since(before), 15 * SECOND);
    assert_eq!(client.ended(), Disconnect::ConnackTimeout);
}

#[test]
fn a_check_pings_at_once_and_gives_up_after_five_seconds() {
    let mut client = Client::connected(Version::V5);
    client.session.check(client.now);
    assert_eq!(client.sent(), [Sent::PingReq]);
    client.advance(4 * SECOND);
    // Asking again neither pings again nor grants more time.
    client.session.check(client.now);
    assert_eq!(client.sent(), []);
    assert_eq!(
        client.session.poll_timeout(),
        Some((client.now + SECOND, Timer::PingResponse))
    );
    client.receive(&PINGRESP);
    client.session.check(client.now);
    assert_eq!(client.sent(), [Sent::PingReq]);
    assert_eq!(client.wake(), Timer::PingResponse);
    assert_eq!(client.ended(), Disconnect::KeepAliveTimeout);
}

#[test]
fn a_check_replaces_an_awaited_ping_that_a_sleep_made_old() {
    let mut client = Client::connected(Version::V5);
    client.wake();
    client.advance(600 * SECOND);
    client.session.check(client.now);
    client.session.handle_timeout(client.now);
    assert_eq!(client.events(), []);
    assert_eq!(
        client.session.poll_timeout(),
        Some((client.now + 5 * SECOND, Timer::PingResponse))
    );
}

#[test]
fn the_servers_keep_alive_may_shorten_ours_and_never_lengthens_it() {
    use mqtt_protocol_core::mqtt::packet::{Property, ServerKeepAlive};
    for (servers, ours) in [(10, 10), (1, 1), (300, 30), (0, 30)] {
        let property = Property::ServerKeepAlive(ServerKeepAlive::new(servers).unwrap());
        let connack = oracle::connack_v5(false, 0, vec![property]);
        let mut client = Client::connected_with(options(VersionPolicy::Auto), &connack);
        let before = client.now;
        assert_eq!(client.wake(), Timer::KeepAlive);
        assert_eq!(client.now.since(before), ours * SECOND);
    }
}

#[test]
fn while_something_is_under_way_silence_is_noticed_within_nine_seconds() {
    for by_request in [false, true] {
        let mut client = Client::connected(Version::V5);
        if by_request {
            client.publish("t", b"p", QoS::AtLeastOnce);
        } else {
            client.session.set_busy(true);
        }
        client.sent();
        let began = client.now;
        assert_eq!(client.wake(), Timer::KeepAlive);
        assert_eq!(client.sent(), [Sent::PingReq]);
        assert_eq!(client.wake(), Timer::PingResponse);
        assert_eq!(client.ended(), Disconnect::KeepAliveTimeout);
        assert_eq!(client.now.since(began), Duration::from_secs(9));
    }
}

#[test]
fn what_arrives_spares_the_ping_and_so_does_having_nothing_under_way() {
    let mut client = Client::connected(Version::V5);
    client.session.set_busy(true);
    for _ in 0..12 {
        client.advance(Duration::from_secs(3));
        client.receive(&Publish::new("t", b"", None).encode(Version::V5));
        client.session.handle_timeout(client.now);
        // Only what keeps the connection alive, which asks for a packet in 30 s.
        let sent = client.sent();
        assert!(sent.is_empty() || sent == [Sent::PingReq], "{sent:?}");
    }
    client.session.set_busy(false);
    client.events();
    let (at, _) = client.session.poll_timeout().unwrap();
    assert!(at.since(client.now) > Duration::from_secs(9));
}

#[test]
fn a_ping_that_was_awaited_at_leisure_is_awaited_in_earnest_once_something_is_under_way() {
    let mut client = Client::connected(Version::V5);
    client.wake();
    assert_eq!(client.sent(), [Sent::PingReq]);
    client.session.set_busy(true);
    let began = client.now;
    while client.session.poll_timeout().is_some() {
        client.wake();
    }
    assert!(client.now.since(began) <= Duration::from_secs(9));
}

#[test]
fn a_line_that_is_too_slow_for_the_answer_is_given_more_time_each_time() {
    let mut client = Client::connected(Version::V5);
    client.session.set_busy(true);
    let mut spans = Vec::new();
    for _ in 0..6 {
        let began = client.now;
        while client.session.poll_timeout().is_some() {
            client.wake();
        }
        client.events();
        spans.push(client.now.since(began).as_secs());
        client.session.handle_connected(client.now);
        client.sent();
        client.receive(&super::client::connack(Version::V5));
        client.events();
    }
    // A connection that lasted longer was not only slow.
    assert_eq!(spans, [9, 18, 36, 70, 9, 18]);
}
