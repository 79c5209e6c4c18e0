//! Connections that do nothing, or do not keep up, leave others alone.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::support::Station;
use crate::support::client::{Client, Via, tcp, websocket};
use crate::support::http::get;
use crate::support::packets::{Version, publish_with};

/// Well below the station's limit for the head of a request.
const AT_ONCE: Duration = Duration::from_secs(5);

#[test]
fn silent_connections_keep_nobody_out() {
    let station = Station::start(&[]);
    let mqtt = station.mqtt.unwrap();
    let silent: Vec<_> = (0..20)
        .flat_map(|_| [tcp(station.web), tcp(mqtt)])
        .collect();
    let halves: Vec<_> = (0..20)
        .map(|_| {
            let mut socket = tcp(station.web);
            socket.write_all(b"GET /mqtt HTTP/1.1\r\nhost: st").unwrap();
            socket
        })
        .collect();
    let speechless: Vec<_> = (0..20).map(|_| websocket(station.web, "mqtt")).collect();

    let started = Instant::now();
    assert_eq!(get(station.web, "/health").status, 200);
    for via in [Via::WebSocket, Via::Tcp] {
        Client::connect(&station, via, Version::V5, "newcomer").subscribe("open");
    }
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
    drop((silent, halves, speechless));
}

#[test]
fn more_silent_connections_than_places_make_room_for_newcomers() {
    let station = Station::start(&[]);
    let silent: Vec<_> = (0..600).map(|_| tcp(station.web)).collect();
    let started = Instant::now();
    assert_eq!(get(station.web, "/health").status, 200);
    Client::connect(&station, Via::WebSocket, Version::V5, "newcomer").subscribe("open");
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
    drop(silent);
}

#[test]
fn a_subscriber_that_does_not_read_stops_nobody_and_costs_little() {
    const MESSAGES: u32 = 300;
    const LENGTH: usize = 512 * 1024;
    let station = Station::start(&[]);
    let mut stalled = Client::connect(&station, Via::WebSocket, Version::V5, "stalled");
    stalled.subscribe("data");
    let mut reading = Client::connect(&station, Via::WebSocket, Version::V5, "reading");
    reading.subscribe("data");
    let mut sender = Client::connect(&station, Via::WebSocket, Version::V5, "sender");

    let sending = std::thread::spawn(move || {
        let mut payload = vec![7; LENGTH];
        for number in 0..MESSAGES {
            payload[..4].copy_from_slice(&number.to_be_bytes());
            sender.publish("data", &payload);
        }
        sender.send(&publish_with(Version::V5, 0x02, "data", b"end"));
        let puback = sender.receive().expect("an acknowledgement");
        assert_eq!(puback.first, 0x40);
    });
    let mut received = Vec::new();
    loop {
        let (_, payload) = reading.message();
        if payload == b"end" {
            break;
        }
        assert_eq!(payload.len(), LENGTH);
        received.push(u32::from_be_bytes(payload[..4].try_into().unwrap()));
    }
    sending.join().unwrap();
    assert!(received.is_sorted_by(|a, b| a < b), "in order, none twice");
    // All of them, unless this computer is so busy that a reader pauses for seconds.
    assert!(received.len() > MESSAGES as usize / 2, "{}", received.len());
    if let Some(bytes) = station.memory() {
        // 150 MiB were sent; the stalled subscriber is owed at most 16 of them.
        assert!(bytes < 100 * 1024 * 1024, "{bytes} bytes in use");
    }
    drop(stalled);
}

#[test]
fn a_sender_is_slowed_down_to_the_pace_of_its_only_listener() {
    const MESSAGES: u32 = 200;
    let station = Station::start(&[]);
    let mut reading = Client::connect(&station, Via::Tcp, Version::V5, "reading");
    reading.subscribe("data");
    let mut sender = Client::connect(&station, Via::Tcp, Version::V5, "sender");
    let sending = std::thread::spawn(move || {
        let mut payload = vec![7; 256 * 1024];
        for number in 0..MESSAGES {
            payload[..4].copy_from_slice(&number.to_be_bytes());
            sender.publish("data", &payload);
        }
        sender
    });
    for number in 0..MESSAGES {
        // Slower than any sender: some 50 MiB/s.
        std::thread::sleep(Duration::from_millis(5));
        assert_eq!(
            reading.message().1[..4],
            number.to_be_bytes(),
            "nothing is dropped"
        );
    }
    drop(sending.join().unwrap());
}
