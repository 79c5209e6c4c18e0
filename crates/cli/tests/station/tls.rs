//! https, wss and mqtts.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tungstenite::Message;
use tungstenite::client::IntoClientRequest;

use crate::support::http::request;
use crate::support::packets::{Connect, Packet, Version, publish, subscribe};
use crate::support::secure::{Secure, connect, get};
use crate::support::{Station, eventually, run};

/// A station with a certificate of its own making, and where that is.
fn station(folder: &Path) -> (Station, PathBuf) {
    let station = Station::start(&["--tls", "--data", folder.to_str().unwrap()]);
    (station, folder.join("tls").join("certificate.pem"))
}

/// The next packet from a plain stream or a WebSocket's messages.
fn receive(buffer: &mut Vec<u8>, mut more: impl FnMut() -> Vec<u8>) -> Packet {
    loop {
        if let Some(packet) = Packet::take(buffer) {
            return packet;
        }
        buffer.extend(more());
    }
}

fn some_bytes(stream: &mut Secure) -> Vec<u8> {
    let mut chunk = vec![0; 64 * 1024];
    let count = stream.read(&mut chunk).unwrap();
    assert_ne!(count, 0, "the connection is open");
    chunk.truncate(count);
    chunk
}

#[test]
fn the_announcement_tells_what_browsers_will_ask() {
    let folder = tempfile::tempdir().unwrap();
    let (first, certificate) = station(folder.path());
    let text = first.lines.join("\n");
    assert!(
        first.lines[0].starts_with("mqdrop is ready at https://localhost:"),
        "{text}"
    );
    assert!(
        text.contains("MQTT for scripts at mqtts://127.0.0.1:"),
        "{text}"
    );
    assert!(text.contains("warns about it once"), "{text}");
    assert!(text.contains(certificate.to_str().unwrap()) && text.contains("a new certificate"));
    let fingerprint = |station: &Station| {
        let line = station
            .lines
            .iter()
            .find(|line| line.starts_with("certificate fingerprint (SHA-256) "));
        line.unwrap().clone()
    };
    let before = fingerprint(&first);
    assert_eq!(before.split(' ').next_back().unwrap().len(), 95);
    drop(first);

    let (second, _) = station(folder.path());
    assert_eq!(fingerprint(&second), before, "the same after a restart");
    assert!(second.lines.join("\n").contains("the one kept"));
}

#[test]
fn pages_come_over_https_by_name_and_by_address() {
    let folder = tempfile::tempdir().unwrap();
    let (station, certificate) = station(folder.path());
    for name in ["localhost", "127.0.0.1", "::1"] {
        let mut stream = connect(station.web, name, &certificate).unwrap();
        let answer = get(&mut stream, "/health");
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"status\":\"ok\""));
    }
    let other = connect(station.web, "elsewhere.example", &certificate);
    assert!(other.is_err(), "the certificate is for this computer only");
}

#[test]
fn http_leads_to_https() {
    let folder = tempfile::tempdir().unwrap();
    let (station, _) = station(folder.path());
    let answer = request(station.web, "GET", "/a?b=1", &[]);
    assert_eq!(answer.status, 308);
    assert_eq!(answer.header("location"), Some("https://station/a?b=1"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

#[test]
fn messages_of_all_lengths_travel_between_wss_and_mqtts() {
    let folder = tempfile::tempdir().unwrap();
    let (station, certificate) = station(folder.path());
    let stream = connect(station.web, "localhost", &certificate).unwrap();
    let mut asked = "wss://localhost/mqtt".into_client_request().unwrap();
    asked
        .headers_mut()
        .insert("sec-websocket-protocol", "mqtt".parse().unwrap());
    let (mut browser, _) = tungstenite::client(asked, stream).unwrap();
    let mut script = connect(station.mqtt.unwrap(), "127.0.0.1", &certificate).unwrap();
    let (mut from_browser, mut from_script) = (Vec::new(), Vec::new());

    let binary = |bytes: Vec<u8>| Message::binary(bytes);
    browser
        .send(binary(Connect::new(Version::V5, "browser").encode()))
        .unwrap();
    script
        .write_all(&Connect::new(Version::V5, "script").encode())
        .unwrap();
    let hears_browser =
        |browser: &mut tungstenite::WebSocket<Secure>| browser.read().unwrap().into_data().to_vec();
    let packet = receive(&mut from_browser, || hears_browser(&mut browser));
    assert_eq!(packet.connack_code(), 0);
    let packet = receive(&mut from_script, || some_bytes(&mut script));
    assert_eq!(packet.connack_code(), 0);

    browser
        .send(binary(subscribe(Version::V5, "to/browser", 0)))
        .unwrap();
    script
        .write_all(&subscribe(Version::V5, "to/script", 0))
        .unwrap();
    assert_eq!(
        receive(&mut from_browser, || hears_browser(&mut browser)).first,
        0x90
    );
    assert_eq!(
        receive(&mut from_script, || some_bytes(&mut script)).first,
        0x90
    );

    for length in [0, 1, 16 * 1024, 70_000, 1024 * 1024] {
        let payload: Vec<u8> = (0..length).map(|i| (i * 31 % 253) as u8).collect();
        let message = publish(Version::V5, "to/script", &payload);
        browser.send(binary(message)).unwrap();
        let packet = receive(&mut from_script, || some_bytes(&mut script));
        assert!(packet.published(Version::V5).1 == payload, "{length} bytes");

        let message = publish(Version::V5, "to/browser", &payload);
        script.write_all(&message).unwrap();
        let packet = receive(&mut from_browser, || hears_browser(&mut browser));
        assert!(packet.published(Version::V5).1 == payload, "{length} bytes");
    }
}

#[test]
fn a_reader_that_pauses_gets_everything_in_order() {
    const MESSAGES: u32 = 100;
    let folder = tempfile::tempdir().unwrap();
    let (station, certificate) = station(folder.path());
    let mqtts = |id: &str| {
        let mut stream = connect(station.mqtt.unwrap(), "localhost", &certificate).unwrap();
        stream
            .write_all(&Connect::new(Version::V5, id).encode())
            .unwrap();
        let mut received = Vec::new();
        let connack = receive(&mut received, || some_bytes(&mut stream));
        assert_eq!(connack.connack_code(), 0);
        (stream, received)
    };
    let (mut reader, mut received) = mqtts("reader");
    reader
        .write_all(&subscribe(Version::V5, "data", 0))
        .unwrap();
    assert_eq!(
        receive(&mut received, || some_bytes(&mut reader)).first,
        0x90
    );

    // More than sockets hold, less than the station drops at: some waits in the station.
    let (mut writer, _) = mqtts("writer");
    for number in 0..MESSAGES {
        let mut payload = vec![7; 128 * 1024];
        payload[..4].copy_from_slice(&number.to_be_bytes());
        writer
            .write_all(&publish(Version::V5, "data", &payload))
            .unwrap();
    }
    for number in 0..MESSAGES {
        let packet = receive(&mut received, || some_bytes(&mut reader));
        let payload = packet.published(Version::V5).1;
        assert_eq!(
            (payload.len(), &payload[..4]),
            (128 * 1024, &number.to_be_bytes()[..])
        );
    }
}

#[test]
fn what_is_not_tls_or_stops_in_the_middle_harms_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (station, certificate) = station(folder.path());
    let mut halves = Vec::new();
    for address in [station.web, station.mqtt.unwrap()] {
        for rubbish in [
            &[0x16, 3, 1][..],
            &[0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5],
            &[0x16; 4096],
            &[0; 64],
        ] {
            let mut socket = crate::support::client::tcp(address);
            socket.write_all(rubbish).unwrap();
            halves.push(socket);
        }
    }
    let mut stream = connect(station.web, "localhost", &certificate).unwrap();
    assert!(get(&mut stream, "/health").starts_with("HTTP/1.1 200 "));
    drop(halves);
}

#[test]
fn more_silent_connections_than_places_make_room_for_newcomers() {
    let folder = tempfile::tempdir().unwrap();
    let (station, certificate) = station(folder.path());
    let silent: Vec<_> = (0..600)
        .map(|_| crate::support::client::tcp(station.web))
        .collect();
    let connections = || {
        let mut stream = connect(station.web, "localhost", &certificate).unwrap();
        let answer = get(&mut stream, "/health");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let health: serde_json::Value = serde_json::from_str(body).unwrap();
        health["connections"].as_u64().unwrap()
    };
    let started = Instant::now();
    assert!(connections() > 0);
    assert!(started.elapsed() < Duration::from_secs(5), "at once");
    eventually(|| connections() < 600);
    drop(silent);
}

#[test]
fn a_given_certificate_is_used_and_a_wrong_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (made, certificate) = station(folder.path());
    drop(made);
    let key = certificate.with_file_name("key.pem");
    let (cert, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let station = Station::start(&["--tls-cert", cert, "--tls-key", key]);
    assert!(station.lines[0].contains("https://"));
    let text = station.lines.join("\n");
    assert!(
        text.contains("fingerprint") && !text.contains("warns"),
        "{text}"
    );
    let mut stream = connect(station.web, "localhost", &certificate).unwrap();
    assert!(get(&mut stream, "/health").starts_with("HTTP/1.1 200 "));

    let another = tempfile::tempdir().unwrap();
    let (made, _) = self::station(another.path());
    drop(made);
    let strange_key = another.path().join("tls").join("key.pem");
    let nowhere = folder.path().join("nowhere.pem");
    for (cert, key, named) in [
        (cert, strange_key.to_str().unwrap(), "belongs to"),
        (nowhere.to_str().unwrap(), key, "--tls-cert"),
        (cert, nowhere.to_str().unwrap(), "--tls-key"),
        (key, key, "--tls-cert"),
        (cert, cert, "--tls-key"),
    ] {
        let args = [
            "serve",
            "--listen",
            "0",
            "--tls-cert",
            cert,
            "--tls-key",
            key,
        ];
        let (code, stdout, stderr) = run(&args);
        assert_eq!((code, stderr.lines().count()), (1, 1), "{stderr}");
        assert!(stderr.contains(named) && stdout.is_empty(), "{stderr}");
    }
}
