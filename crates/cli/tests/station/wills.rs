//! Wills: what they make the station hold, and when they are published.

use crate::memory::{MIB, peak};
use crate::support::client::{Client, Via};
use crate::support::packets::{Connect, Version, subscribe};
use crate::support::{Station, eventually};

/// A day, as a Will Delay Interval.
const DELAYED: [u8; 5] = [0x18, 0, 1, 0x51, 0x80];

#[test]
fn delayed_wills_go_with_their_sessions() {
    const CLIENTS: usize = 2500;
    let station = Station::start(&["--max-queue-total", "16777216"]);
    let payload = vec![7; 14 * 1024];
    let most = peak(&station, || {
        for number in 0..CLIENTS {
            let id = format!("leaver{number}");
            let mut connect = Connect::new(Version::V5, &id);
            connect.expiry = Some(86_400);
            connect.will = Some(("gone", &payload));
            connect.will_properties = DELAYED.to_vec();
            let (client, _) = Client::connect_as(&station, Via::Tcp, &connect);
            client.cut();
        }
    });
    // 34 MiB were sent, and each will is kept three times.
    assert!(most < 60 * MIB, "{} MiB", most / MIB);
    Client::connect(&station, Via::Tcp, Version::V5, "newcomer").subscribe("open");
}

#[test]
fn wills_count_for_those_who_do_not_acknowledge_them() {
    for (options, properties) in [(&[][..], 0), (&["--topics"][..], 200)] {
        let limit = ["--max-queue-total", "33554432"];
        let station = Station::start(&[options, &limit].concat());
        let mut silent: Vec<Client> = (0..100)
            .map(|number| {
                let id = format!("silent{number}");
                let mut client = Client::connect(&station, Via::Tcp, Version::V5, &id);
                client.send(&subscribe(Version::V5, "gone", 1));
                assert_eq!(client.receive().expect("a SUBACK").first, 0x90);
                client
            })
            .collect();
        let most = peak(&station, || {
            let payload = vec![7; 8 * 1024];
            for number in 0..200 {
                let id = format!("leaver{number}");
                let mut connect = Connect::new(Version::V5, &id);
                connect.will = Some(("gone", &payload));
                connect.will_flags = 0x08;
                connect.will_properties = [0x26, 0, 0, 0, 0].repeat(properties);
                let (client, _) = Client::connect_as(&station, Via::Tcp, &connect);
                client.cut();
            }
        });
        assert!(most < 80 * MIB, "{options:?}: {} MiB", most / MIB);
        Client::connect(&station, Via::Tcp, Version::V5, "newcomer").subscribe("open");
        assert!(
            silent
                .iter_mut()
                .any(|client| client.try_send(&[0xC0, 0]).is_err() || {
                    // The station has let go of some of them.
                    while client.receive().is_some_and(|packet| packet.first != 0xD0) {}
                    client.try_send(&[0xC0, 0]).is_err()
                })
        );
    }
}

#[test]
fn properties_of_a_will_are_few_without_the_option() {
    let mut connect = Connect::new(Version::V5, "leaver");
    connect.will = Some(("gone", b"last words"));
    connect.will_properties = [0x26, 0, 0, 0, 0].repeat(4);
    let station = Station::start(&[]);
    let mut refused = Client::open(&station, Via::Tcp, Version::V5);
    refused.send(&connect.encode());
    assert_eq!(refused.receive().expect("a CONNACK").connack_code(), 0x95);
    // A delay, a format and an expiry.
    connect.will_properties = [&[0x18, 0, 0, 0, 1, 1, 1], &[2, 0, 0, 0, 9][..]].concat();
    Client::connect_as(&station, Via::Tcp, &connect);
    let open = Station::start(&["--topics"]);
    connect.will_properties = [0x26, 0, 0, 0, 0].repeat(100);
    Client::connect_as(&open, Via::Tcp, &connect);
}

#[test]
fn a_delayed_will_is_published_unless_its_client_is_back() {
    let station = Station::start(&[]);
    let mut watcher = Client::connect(&station, Via::Tcp, Version::V5, "watcher");
    watcher.subscribe("gone");
    for (id, comes_back) in [("back", true), ("lost", false)] {
        let mut connect = Connect::new(Version::V5, id);
        connect.expiry = Some(600);
        connect.will = Some(("gone", id.as_bytes()));
        connect.will_flags = 0x08;
        connect.will_properties = vec![0x18, 0, 0, 0, 1];
        let (client, _) = Client::connect_as(&station, Via::Tcp, &connect);
        client.cut();
        if comes_back {
            connect.clean = false;
            connect.will = None;
            eventually(|| {
                let (_, connack) = Client::connect_as(&station, Via::Tcp, &connect);
                connack.body[0] == 1
            });
        }
    }
    let packet = watcher.receive().expect("a will");
    assert_eq!(packet.first, 0x32, "with its QoS");
    assert_eq!(
        packet.published(Version::V5),
        ("gone".to_owned(), &b"lost"[..])
    );
}
