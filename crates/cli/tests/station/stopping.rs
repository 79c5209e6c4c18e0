//! Ctrl-C and SIGTERM.
#![cfg(unix)]

use std::time::{Duration, Instant};

use tungstenite::Message;
use tungstenite::protocol::frame::coding::CloseCode;

use crate::support::Station;
use crate::support::client::{Client, Via, Wire, tcp, websocket};
use crate::support::packets::Version;

const LIMIT: Duration = Duration::from_secs(3);

#[test]
fn clients_are_told_and_the_exit_code_is_zero() {
    for signal in ["INT", "TERM"] {
        let mut station = Station::start(&[]);
        let mut new = Client::connect(&station, Via::WebSocket, Version::V5, "new");
        let mut old = Client::connect(&station, Via::WebSocket, Version::V311, "old");
        let mut plain = Client::connect(&station, Via::Tcp, Version::V311, "plain");
        let started = Instant::now();
        station.signal(signal);

        let disconnect = new.receive().unwrap();
        assert_eq!(disconnect.first, 0xE0);
        assert_eq!(disconnect.body[0], 0x8B, "Server shutting down");
        for client in [&mut new, &mut old] {
            let Wire::WebSocket(socket) = &mut client.wire else {
                unreachable!("connected by WebSocket")
            };
            match socket.read().unwrap() {
                Message::Close(Some(frame)) => assert_eq!(frame.code, CloseCode::Away),
                other => panic!("{other:?} instead of a close frame"),
            }
        }
        assert_eq!(plain.receive(), None);
        drop((new, old, plain));
        assert_eq!(station.wait(LIMIT).code(), Some(0));
        assert!(started.elapsed() < LIMIT);
    }
}

#[test]
fn clients_that_do_not_listen_do_not_delay_the_end() {
    let mut station = Station::start(&[]);
    let silent = (
        tcp(station.web),
        tcp(station.mqtt.unwrap()),
        websocket(station.web, "mqtt"),
    );
    let mut stalled = Client::connect(&station, Via::Tcp, Version::V5, "stalled");
    stalled.subscribe("data");
    let mut sender = Client::connect(&station, Via::Tcp, Version::V5, "sender");
    for _ in 0..40 {
        sender.publish("data", &vec![7; 512 * 1024]);
    }
    let started = Instant::now();
    station.signal("INT");
    assert_eq!(station.wait(LIMIT).code(), Some(0));
    assert!(started.elapsed() < LIMIT);
    drop((silent, stalled, sender));
}
