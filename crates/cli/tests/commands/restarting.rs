//! Commands that were killed, and go on when they are given again.

use std::path::PathBuf;

use crate::support::{Room, Run, Station, content, names, noise};

/// A station that carries a few megabytes a second, so that there is a middle to be killed in.
fn slow() -> Station {
    Station::start(&["--max-packet", "20000", "--max-rate", "200"])
}

/// A film that is on its way from a sender to a receiver.
struct UnderWay {
    station: Station,
    room: Room,
    inbox: PathBuf,
    sender: Run,
    receiver: Run,
    film: Vec<u8>,
    /// Bytes that arrived.
    moved: u64,
}

impl UnderWay {
    /// A film of `len` bytes, of which more than `moved` have arrived.
    fn with(len: usize, moved: u64, args: &[&str]) -> Self {
        let station = slow();
        let room = station.room();
        let film = noise(len);
        room.file("film.bin", &film);
        let sender = send(&room);
        let inbox = room.inbox("inbox");
        let receiver = room.receive(&inbox, args);
        Self {
            moved: receiver.until_moved(moved),
            station,
            room,
            inbox,
            sender,
            receiver,
            film,
        }
    }
}

fn send(room: &Room) -> Run {
    room.run(&["send", "--json", "film.bin"])
}

#[test]
fn a_receiver_that_was_killed_goes_on_with_what_it_has() {
    let UnderWay {
        station: _station,
        room,
        inbox,
        sender,
        receiver,
        film,
        ..
    } = UnderWay::with(12_000_000, 4_000_000, &[]);
    receiver.kill();
    let left = names(&inbox);
    assert!(left.iter().all(|name| name.starts_with('.')), "{left:?}");

    let receiver = room.receive(&inbox, &[]);
    let events = receiver.wait().expect(0).events();
    sender.wait().expect(0);
    assert!(content(inbox.join("film.bin")) == film);
    assert_eq!(names(&inbox), ["film.bin"]);
    let first = events
        .iter()
        .find(|event| event["state"] == "active")
        .unwrap();
    assert!(first["bytes"].as_u64() > Some(2_000_000), "{first}");
}

#[test]
fn a_receiver_that_was_killed_while_it_put_files_in_their_places_tells_its_sender() {
    let station = slow();
    let room = station.room();
    for name in ["a", "b", "c"] {
        room.file(&format!("trip/{name}.bin"), noise(1_000_000));
    }
    let sender = room.run(&["send", "--json", "trip"]);
    let inbox = room.inbox("inbox");
    let receiver = room.receive(&inbox, &[]);
    receiver.until_moved(0);
    // A folder in the way of the second file holds the work up there, until it is taken away.
    let ends_with = |end: &str| names(&inbox).into_iter().find(|name| name.ends_with(end));
    let part = ends_with(".mqdrop-part").unwrap();
    let block = inbox.join(part.replace("-part", "-piece-1"));
    std::fs::create_dir(&block).unwrap();
    receiver.until("progress", |event| event["state"] == "verifying");
    let began = std::time::Instant::now();
    while ends_with(".mqdrop-moves").is_none() {
        assert!(began.elapsed().as_secs() < 20, "{:?}", names(&inbox));
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    receiver.kill();
    std::fs::remove_dir(block).unwrap();

    let events = room.receive(&inbox, &[]).wait().expect(0).events();
    sender.wait().expect(0);
    let saved = events.iter().filter(|event| event["event"] == "saved");
    assert_eq!(saved.count(), 3, "{events:?}");
    assert!(
        events.iter().all(|event| event["state"] != "active"),
        "nothing came twice"
    );
    assert_eq!(names(&inbox), ["trip"]);
    for name in ["a", "b", "c"] {
        let name = format!("trip/{name}.bin");
        assert!(
            content(inbox.join(&name)) == content(room.path(&name)),
            "{name}"
        );
    }
}

#[test]
fn a_sender_that_was_killed_goes_on_with_the_same_files() {
    let UnderWay {
        station: _station,
        room,
        inbox,
        sender,
        receiver,
        film,
        moved,
    } = UnderWay::with(12_000_000, 4_000_000, &[]);
    sender.kill();

    let sender = send(&room);
    let events = receiver.wait().expect(0).events();
    sender.wait().expect(0);
    assert!(content(inbox.join("film.bin")) == film);
    let offers = events.iter().filter(|event| event["event"] == "offer");
    assert_eq!(offers.count(), 1, "it is the same parcel");
    let progress = events.iter().filter(|event| event["event"] == "progress");
    let bytes = progress.filter_map(|event| event["bytes"].as_u64());
    let after: Vec<u64> = bytes.skip_while(|bytes| *bytes < moved).collect();
    assert!(
        after.iter().all(|bytes| *bytes > 0),
        "nothing was lost: {after:?}"
    );
}

#[test]
fn files_that_changed_meanwhile_are_sent_anew() {
    let UnderWay {
        station: _station,
        room,
        inbox,
        sender,
        receiver,
        ..
    } = UnderWay::with(6_000_000, 1_000_000, &["--stay"]);
    sender.kill();
    let other = vec![7; 6_000_000];
    room.file("film.bin", &other);

    let sender = send(&room);
    sender.wait().expect(0);
    receiver.until("saved", |_| true);
    receiver.signal("INT");
    receiver.wait().expect(130);
    let saved: Vec<String> = names(&inbox)
        .into_iter()
        .filter(|name| !name.starts_with('.'))
        .collect();
    assert_eq!(saved.len(), 1);
    assert!(content(inbox.join(&saved[0])) == other);
}

#[test]
fn a_station_that_restarts_is_ridden_out() {
    let UnderWay {
        station,
        room: _room,
        inbox,
        sender,
        receiver,
        film,
        ..
    } = UnderWay::with(6_000_000, 1_000_000, &[]);
    let (web, mqtt) = (station.web.to_string(), station.mqtt.to_string());
    drop(station);
    receiver.until_said("connection to the broker was lost");
    let _station = Station::start_on(&web, &mqtt, &[]);
    receiver.wait().expect(0);
    sender.wait().expect(0);
    assert!(content(inbox.join("film.bin")) == film);
}
