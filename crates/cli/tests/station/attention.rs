//! The work that clients make for the station, measured from outside: how soon it answers others.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::Station;
use crate::support::client::{Client, Via, from, tcp, websocket};
use crate::support::http::get;
use crate::support::packets::{Connect, Version, subscribe};

/// How long others may wait while somebody does everything to hold the station up.
const SOON: Duration = Duration::from_secs(3);

#[test]
fn frames_without_content_leave_others_their_turn_and_end_with_the_login_time() {
    let station = Station::start(&["--handshake-time", "4"]);
    let is_over = AtomicBool::new(false);
    let longest = thread::scope(|scope| {
        let floods: Vec<_> = [[0x8A, 0x80, 0, 0, 0, 0], [0x82, 0x80, 0, 0, 0, 0]]
            .into_iter()
            .cycle()
            .take(4)
            .map(|frame| {
                let (mut socket, _) = websocket(station.web, "mqtt");
                let is_over = &is_over;
                scope.spawn(move || {
                    let many = frame.repeat(64 * 1024);
                    while !is_over.load(Ordering::Relaxed) {
                        if socket.get_mut().write_all(&many).is_err() {
                            return true;
                        }
                    }
                    false
                })
            })
            .collect();
        let started = Instant::now();
        let mut longest = Duration::ZERO;
        while started.elapsed() < Duration::from_secs(3) {
            let asked = Instant::now();
            assert_eq!(get(station.web, "/health").status, 200);
            longest = longest.max(asked.elapsed());
            thread::sleep(Duration::from_millis(20));
        }
        // The login time holds for them as well; a write fails some time after it.
        let limit = Instant::now() + Duration::from_secs(10);
        while Instant::now() < limit && !floods.iter().all(|flood| flood.is_finished()) {
            thread::sleep(Duration::from_millis(20));
        }
        is_over.store(true, Ordering::Relaxed);
        for flood in floods {
            assert!(flood.join().unwrap(), "it is let go of");
        }
        longest
    });
    assert!(longest < SOON, "{longest:?}");
}

#[test]
fn a_full_table_of_sessions_costs_those_who_filled_it() {
    let station = Station::start(&[]);
    let mut modest = Connect::new(Version::V5, "modest");
    modest.clean = false;
    modest.expiry = Some(600);
    let (mut client, _) = from(&station, 2, &modest);
    client.send(&subscribe(Version::V5, "news", 1));
    assert_eq!(client.receive().expect("a SUBACK").first, 0x90);
    client.send(&[0xE0, 0]);
    assert_eq!(client.receive(), None);
    let flood = |number: usize, is_clean| {
        let id = format!("flood{number}");
        let mut connect = Connect::new(Version::V5, &id);
        connect.clean = is_clean;
        connect.expiry = Some(4_000_000);
        let (mut client, connack) = Client::connect_as(&station, Via::Tcp, &connect);
        client.send(&[0xE0, 0]);
        assert_eq!(client.receive(), None, "it is gone");
        connack.body[0]
    };
    for number in 0..4200 {
        assert_eq!(flood(number, true), 0);
    }
    assert_eq!(flood(0, false), 0, "the oldest session made room");
    assert_eq!(flood(4199, false), 1, "the latest is still there");
    // Newcomers get in, from the flood's own address too, and who left one session keeps it.
    let mut connect = Connect::new(Version::V5, "newcomer");
    connect.expiry = Some(120);
    Client::connect_as(&station, Via::Tcp, &connect);
    let (_, connack) = from(&station, 2, &modest);
    assert_eq!(connack.body[0], 1, "the session is still there");
}

#[test]
fn guesses_become_slow_from_their_address_only() {
    let station = Station::start(&["--user", "ann:secret", "--user", "bob:other"]);
    let mut wrong = Connect::new(Version::V5, "guess");
    wrong.login = Some(("ann", "wrong"));
    let started = Instant::now();
    let mut refused = 0;
    thread::scope(|scope| {
        let guessing: Vec<_> = (0..30)
            .map(|_| {
                let mut client = Client::open(&station, Via::Tcp, Version::V5);
                client.send(&wrong.encode());
                scope.spawn(move || client.receive().map(|packet| packet.connack_code()))
            })
            .collect();
        let mut right = Connect::new(Version::V5, "right");
        right.login = Some(("ann", "secret"));
        let asked = Instant::now();
        from(&station, 2, &right);
        assert!(
            asked.elapsed() < Duration::from_secs(6),
            "{:?}",
            asked.elapsed()
        );
        for guess in guessing {
            refused += usize::from(guess.join().unwrap().is_some_and(|code| code != 0));
        }
    });
    assert_eq!(refused, 30);
    // Each that was checked took its turn; so many more guesses are not even looked at.
    let mut client = Client::open(&station, Via::Tcp, Version::V5);
    wrong.login = Some(("ann", "secret"));
    client.send(&wrong.encode());
    let answer = client.receive().expect("an answer").connack_code();
    let took = started.elapsed();
    assert!(
        answer != 0 || took > Duration::from_secs(6),
        "{answer:#x} after {took:?}"
    );
}

#[test]
fn wildcards_are_few_even_where_they_are_allowed() {
    for (options, allowed) in [(&[][..], 0), (&["--topics"][..], 100)] {
        let station = Station::start(options);
        let mut client = Client::connect(&station, Via::Tcp, Version::V5, "wild");
        let granted = (0..300)
            .filter(|number| {
                client.send(&subscribe(Version::V5, &format!("{number}/+/x"), 0));
                let suback = client.receive().expect("a SUBACK");
                suback.body.last().is_some_and(|code| *code < 0x80)
            })
            .count();
        assert_eq!(granted, allowed, "{options:?}");
    }
}

#[test]
fn silence_before_the_first_packet_is_no_place_to_hide_bytes() {
    let station = Station::start(&[]);
    let mut socket = tcp(station.mqtt.unwrap());
    // The beginning of a CONNECT of 1 MiB.
    socket.write_all(&[0x10, 0x80, 0x80, 0x40]).unwrap();
    let mut client = Client::over(socket, Version::V5);
    let started = Instant::now();
    while client.receive().is_some() {}
    assert!(started.elapsed() < SOON, "refused by its length alone");
}
