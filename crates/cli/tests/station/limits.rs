//! The bounds that an operator may change.

use std::io::Read;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::client::{Client, Via, tcp, websocket};
use crate::support::http::get;
use crate::support::packets::{Version, publish_with};
use crate::support::{Station, eventually};

/// Fills the station with connections that do nothing yet.
fn silent(station: &Station, number: usize) -> Vec<TcpStream> {
    let sockets: Vec<TcpStream> = (0..number).map(|_| tcp(station.mqtt.unwrap())).collect();
    sockets
}

#[test]
fn too_many_connections_are_turned_away_with_a_word_until_one_leaves() {
    for option in ["--max-connections", "--max-connections-per-address"] {
        let station = Station::start(&[option, "3", "-v"]);
        let mut inside = silent(&station, 2);
        let client = Client::connect(&station, Via::WebSocket, Version::V5, "third");
        // The silent ones are connected before the station has taken them in.
        eventually(|| station.log().matches("connection opened").count() == 3);
        let refused = get(station.web, "/health");
        assert_eq!(refused.status, 503, "{option}");
        assert!(String::from_utf8_lossy(&refused.body).contains("too many connections"));
        let mut over_tcp = tcp(station.mqtt.unwrap());
        assert_eq!(over_tcp.read(&mut [0]).unwrap_or(0), 0, "closed at once");

        let log = station.log();
        assert!(log.contains("limit hit") && log.contains(option), "{log}");
        inside.pop();
        eventually(|| get(station.web, "/health").status == 200);
        drop((inside, client));
    }
}

#[test]
fn handshakes_have_their_time_and_no_more() {
    let station = Station::start(&["--handshake-time", "1", "-v"]);
    let started = Instant::now();
    let mut sockets = vec![tcp(station.web)];
    sockets.extend(silent(&station, 1));
    let (mut speechless, _) = websocket(station.web, "mqtt");
    for mut socket in sockets {
        let mut rest = Vec::new();
        // The connection ends, with a last word or without one.
        let _ = socket.read_to_end(&mut rest);
    }
    while speechless.read().is_ok() {}
    let took = started.elapsed();
    assert!(
        took > Duration::from_millis(500) && took < Duration::from_secs(8),
        "{took:?}"
    );
    eventually(|| {
        let log = station.log();
        log.contains("did not log in in time") && log.contains("no request came in time")
    });
}

#[test]
fn a_client_that_sends_too_many_packets_is_read_more_slowly() {
    let station = Station::start(&["--max-rate", "100"]);
    let mut hasty = Client::connect(&station, Via::WebSocket, Version::V5, "hasty");
    let mut calm = Client::connect(&station, Via::WebSocket, Version::V5, "calm");
    calm.subscribe("news");
    hasty.subscribe("news");
    // A second's worth is free; what is more takes two seconds.
    let began = Instant::now();
    hasty.send(&[0xC0, 0].repeat(300));
    for _ in 0..300 {
        assert_eq!(hasty.receive().unwrap().first, 0xD0);
    }
    let started = Instant::now();
    hasty.send(&[0xC0, 0]);
    calm.publish("news", b"to the hasty one as well");
    assert_eq!(calm.message().1, b"to the hasty one as well");
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "others do not wait"
    );
    assert_eq!(
        hasty.receive().unwrap().first,
        0x30,
        "nor do messages to it"
    );
    assert_eq!(hasty.receive().unwrap().first, 0xD0);
    let took = began.elapsed();
    assert!(
        took > Duration::from_millis(1200) && took < Duration::from_secs(6),
        "{took:?}"
    );
    assert!(station.log().contains("--max-rate"));
}

#[test]
fn the_queue_of_a_client_that_does_not_read_is_as_long_as_asked_for() {
    const MESSAGES: u32 = 400;
    let station = Station::start(&["--max-queue", "131072"]);
    let mut stalled = Client::connect(&station, Via::Tcp, Version::V5, "stalled");
    stalled.subscribe("data");
    let mut sender = Client::connect(&station, Via::Tcp, Version::V5, "sender");
    for number in 0..MESSAGES {
        let mut payload = vec![7; 64 * 1024];
        payload[..4].copy_from_slice(&number.to_be_bytes());
        sender.publish("data", &payload);
    }
    eventually(|| station.log().contains("--max-queue"));
    // The answer to this comes last, and it is never dropped.
    stalled.send(&[0xC0, 0]);
    let mut received = 0;
    while stalled.receive().unwrap().first != 0xD0 {
        received += 1;
    }
    assert!(received > 0 && received < MESSAGES, "{received}");
}

#[test]
fn one_that_owes_reading_twice_its_queue_is_closed() {
    let station = Station::start(&["--max-queue", "65536", "-v"]);
    let mut stalled = Client::connect(&station, Via::Tcp, Version::V5, "stalled");
    stalled.subscribe("data");
    let mut sender = Client::connect(&station, Via::Tcp, Version::V5, "sender");
    // Acknowledged messages are never dropped, but nobody may let them pile up without end.
    let message = publish_with(Version::V5, 0x02, "data", &vec![7; 1024 * 1024]);
    for _ in 0..20 {
        sender.send(&message);
        assert_eq!(sender.receive().unwrap().first, 0x40);
    }
    eventually(|| station.log().contains("too much was waiting for it"));
    let mut received = 0;
    while stalled.receive().is_some() {
        received += 1;
    }
    assert!(received < 20, "{received}");
}
