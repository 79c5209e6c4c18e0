//! The memory that clients make the station use, measured from outside.

use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::client::{Client, Via, tcp};
use crate::support::http::get;
use crate::support::packets::{
    Connect, Version, connect_with_properties, publish_with, publish_with_properties, subscribe,
    unsubscribe,
};
use crate::support::{Station, eventually};

pub(crate) const MIB: usize = 1024 * 1024;

/// The most memory that the station uses while `attack` runs and for a moment after it.
pub(crate) fn peak(station: &Station, attack: impl FnOnce() + Send) -> usize {
    thread::scope(|scope| {
        let attacking = scope.spawn(attack);
        let mut most = 0;
        let mut until = None;
        loop {
            most = most.max(station.memory().unwrap_or(0));
            if attacking.is_finished() && until.is_none() {
                until = Some(Instant::now() + Duration::from_millis(300));
            }
            if until.is_some_and(|until| Instant::now() > until) {
                break;
            }
            thread::sleep(Duration::from_millis(2));
        }
        attacking.join().unwrap();
        assert_eq!(get(station.web, "/health").status, 200, "it still serves");
        if cfg!(target_os = "linux") {
            assert!(station.memory().is_some(), "there is something to measure");
        }
        most
    })
}

/// Sends as long as the station takes it, and says how often it did.
fn send_while_welcome(client: &mut Client, packets: impl Iterator<Item = Vec<u8>>) -> usize {
    let mut sent = 0;
    for packet in packets {
        if client.try_send(&packet).is_err() {
            break;
        }
        sent += 1;
    }
    sent
}

#[test]
fn what_is_never_acknowledged_costs_its_subscriber_the_connection() {
    let station = Station::start(&["-v"]);
    let mut silent = Client::connect(&station, Via::Tcp, Version::V5, "silent");
    silent.subscribe("data");
    let mut honest = Client::connect(&station, Via::Tcp, Version::V5, "honest");
    honest.subscribe("data");
    let reading = thread::spawn(move || while silent.receive().is_some() {});
    let acknowledging = thread::spawn(move || {
        let mut received = 0;
        while received < 300 {
            let packet = honest.receive().expect("who acknowledges stays");
            if packet.first & 0xF0 == 0x30 {
                let id = &packet.body[6..8];
                honest.send(&[0x40, 2, id[0], id[1]]);
                received += 1;
            }
        }
    });
    let mut sender = Client::connect(&station, Via::Tcp, Version::V5, "sender");
    let message = publish_with(Version::V5, 0x02, "data", &vec![7; MIB]);
    let most = peak(&station, || {
        for _ in 0..300 {
            sender.send(&message);
            assert_eq!(sender.receive().expect("a PUBACK").first, 0x40);
        }
    });
    assert!(most < 100 * MIB, "{} MiB", most / MIB);
    acknowledging.join().unwrap();
    reading.join().unwrap();
    assert!(station.log().contains("too much was waiting for it"));
}

#[test]
fn messages_that_wait_for_their_release_are_counted_and_do_not_stay() {
    for options in [&[][..], &["--topics"]] {
        let station = Station::start(options);
        let mut connect = Connect::new(Version::V5, "patient");
        connect.expiry = Some(3600);
        let (mut sender, _) = Client::connect_as(&station, Via::Tcp, &connect);
        let most = peak(&station, move || {
            let packets = (1..=200)
                .map(|id| publish_with_properties(0x04, id, "data", 0, &vec![7; MIB - 1024]));
            send_while_welcome(&mut sender, packets);
        });
        assert!(most < 90 * MIB, "{options:?}: {} MiB", most / MIB);
        eventually(|| station.memory().is_none_or(|bytes| bytes < 60 * MIB));
    }
}

#[test]
fn properties_are_refused_before_they_grow() {
    for options in [&[][..], &["--topics"]] {
        let station = Station::start(options);
        let mut sender = Client::connect(&station, Via::Tcp, Version::V5, "sender");
        for number in 0..111_usize {
            let filter: Vec<String> = (0..7)
                .map(|bit| if number >> bit & 1 == 1 { "+" } else { "t" }.to_owned())
                .collect();
            sender.send(&subscribe(Version::V5, &filter.join("/"), 0));
            assert_eq!(sender.receive().expect("a SUBACK").first, 0x90);
        }
        let most = peak(&station, || {
            for retain in [0, 1] {
                let mut client = Client::connect(&station, Via::Tcp, Version::V5, "properties");
                let packets = (0..10).map(|number| {
                    let topic = format!("t/t/t/t/t/t/{}", if number == 0 { "t" } else { "u" });
                    publish_with_properties(retain, 1, &topic, 200_000, b"x")
                });
                send_while_welcome(&mut client, packets);
                while client.receive().is_some() {}
            }
        });
        assert!(most < 60 * MIB, "{options:?}: {} MiB", most / MIB);
    }
}

#[test]
fn long_filters_and_names_of_shares_are_not_kept() {
    for options in [&[][..], &["--topics"]] {
        let station = Station::start(options);
        let before = station.memory().unwrap_or(0);
        let long = "x".repeat(60_000);
        for number in 0..300 {
            let mut client = Client::connect(&station, Via::Tcp, Version::V5, "long");
            client.send(&subscribe(Version::V5, &format!("{number}/{long}"), 0));
            while client.receive().is_some_and(|packet| packet.first != 0x90) {}
        }
        let mut client = Client::connect(&station, Via::Tcp, Version::V5, "share");
        let name = "s".repeat(12_000);
        for number in 0..2000 {
            let filter = format!("$share/{name}{number}/t");
            client.send(&subscribe(Version::V5, &filter, 0));
            let suback = client.receive().expect("a SUBACK");
            assert!(suback.body.last().is_some_and(|code| *code >= 0x80));
            client.send(&unsubscribe(Version::V5, &filter));
            assert_eq!(client.receive().expect("an UNSUBACK").first, 0xB0);
        }
        let after = station.memory().unwrap_or(0);
        assert!(
            after < before + 20 * MIB,
            "{options:?}: {} MiB",
            after / MIB
        );
    }
}

#[test]
fn unfinished_packets_share_the_budget() {
    let station = Station::start(&["--max-queue-total", "33554432", "-v"]);
    let most = peak(&station, || {
        let _stopped: Vec<Client> = (0..10)
            .map(|number| {
                let id = format!("stops{number}");
                let mut client = Client::connect(&station, Via::Tcp, Version::V5, &id);
                let whole = publish_with(Version::V5, 0, "data", &vec![7; 15 * MIB]);
                client.give_up_writing_after(Duration::from_secs(1));
                // The station may have closed it before the end.
                let _ = client.try_send(&whole[..whole.len() - 1]);
                client
            })
            .collect();
        Client::connect(&station, Via::Tcp, Version::V5, "newcomer").subscribe("open");
    });
    assert!(most < 90 * MIB, "{} MiB", most / MIB);
    assert!(station.log().contains("--max-queue-total"));
}

#[test]
fn long_messages_to_many_share_the_budget() {
    let station = Station::start(&["--max-queue-total", "67108864"]);
    let most = peak(&station, || {
        let mut listeners: Vec<Client> = (0..40)
            .map(|number| {
                let id = format!("listens{number}");
                let mut client = Client::connect(&station, Via::Tcp, Version::V5, &id);
                client.subscribe("data");
                client
            })
            .collect();
        let mut sender = Client::connect(&station, Via::Tcp, Version::V5, "sender");
        let message = publish_with(Version::V5, 0, "data", &vec![7; 8 * MIB]);
        let _ = sender.try_send(&message);
        for listener in &mut listeners {
            listener.receive();
        }
    });
    assert!(most < 160 * MIB, "{} MiB", most / MIB);
}

#[test]
fn a_connect_is_small_before_anything_is_decoded() {
    let station = Station::start(&["--user", "ann:secret"]);
    let most = peak(&station, || {
        let waiting: Vec<_> = (0..60)
            .map(|number| {
                let mut socket = tcp(station.mqtt.unwrap());
                let id = format!("guess{number}");
                let connect = connect_with_properties(&id, ("ann", "wrong"), 180_000);
                // The station may close it before the end.
                let _ = socket.write_all(&connect);
                socket
            })
            .collect();
        for mut socket in waiting {
            let mut answer = Vec::new();
            let _ = socket.read_to_end(&mut answer);
            assert!(answer.get(3) != Some(&0), "nobody got in");
        }
    });
    assert!(most < 90 * MIB, "{} MiB", most / MIB);
}

#[test]
fn sessions_left_behind_share_the_budget() {
    let station = Station::start(&["--max-queue-total", "33554432"]);
    let mut sender = Client::connect(&station, Via::Tcp, Version::V5, "sender");
    let most = peak(&station, || {
        for number in 0..200 {
            let id = format!("away{number}");
            let mut connect = Connect::new(Version::V5, &id);
            connect.expiry = Some(3600);
            let (mut away, _) = Client::connect_as(&station, Via::Tcp, &connect);
            away.subscribe("news");
            away.send(&[0xE0, 0]);
            assert_eq!(away.receive(), None);
        }
        let message = publish_with(Version::V5, 0x02, "news", &vec![7; 600 * 1024]);
        for _ in 0..3 {
            sender.send(&message);
            assert_eq!(sender.receive().expect("a PUBACK").first, 0x40);
        }
    });
    assert!(most < 80 * MIB, "{} MiB", most / MIB);
}

#[test]
fn what_waits_for_a_client_that_is_back_shares_the_budget() {
    let station = Station::start(&["--max-queue-total", "16777216"]);
    let mut sender = Client::connect(&station, Via::Tcp, Version::V5, "sender");
    let mut send = |topic: &str, length| {
        sender.send(&publish_with(Version::V5, 0x02, topic, &vec![7; length]));
        assert_eq!(sender.receive().expect("a PUBACK").first, 0x40);
    };
    let most = peak(&station, || {
        let _back: Vec<Client> = (0..80)
            .map(|number| {
                let id = format!("back{number}");
                let mut connect = Connect::new(Version::V5, &id);
                connect.expiry = Some(3600);
                connect.receive_maximum = Some(1);
                let (mut away, _) = Client::connect_as(&station, Via::Tcp, &connect);
                away.subscribe(&id);
                away.send(&[0xE0, 0]);
                assert_eq!(away.receive(), None);
                send(&id, 1);
                send(&id, 900 * 1024);
                // It does not acknowledge the first message, so the second is not sent.
                connect.clean = false;
                let (mut back, connack) = Client::connect_as(&station, Via::Tcp, &connect);
                // Its session may have made room by now.
                if connack.body[0] == 1 {
                    assert_eq!(back.message().1.len(), 1);
                }
                back
            })
            .collect();
    });
    assert!(most < 60 * MIB, "{} MiB", most / MIB);
}
