//! Everything that can be sent, from a terminal to another one.

use crate::support::{Run, Station, content, names, noise};

#[test]
fn a_file_arrives_with_its_time_and_events_tell_of_it() {
    let station = Station::start(&[]);
    let room = station.room();
    let bytes = noise(3_000_000);
    let path = room.file("holiday.jpg", &bytes);
    let sender = room.run(&["send", "--json", "--name", "Ann", path.to_str().unwrap()]);
    let inbox = room.inbox("inbox");
    let received = room.receive(&inbox, &["--name", "Ben"]).wait().expect(0);
    let sent = sender.wait().expect(0);

    assert_eq!(
        names(&inbox),
        ["holiday.jpg"],
        "and nothing is left beside it"
    );
    assert!(content(inbox.join("holiday.jpg")) == bytes);
    let modified = |path| std::fs::metadata(path).unwrap().modified().unwrap();
    let (there, here) = (modified(path), modified(inbox.join("holiday.jpg")));
    assert!(there.duration_since(here).unwrap_or_default().as_millis() < 2);

    let events = received.events();
    let of = |name: &str| {
        events
            .iter()
            .find(|event| event["event"] == name)
            .unwrap()
            .clone()
    };
    let offer = of("offer");
    assert_eq!(
        (&offer["title"], &offer["sender"]),
        (&"holiday.jpg".into(), &"Ann".into())
    );
    assert_eq!(
        (&offer["files"], &offer["bytes"]),
        (&1.into(), &3_000_000.into())
    );
    let saved = of("saved");
    assert!(saved["path"].as_str().unwrap().ends_with("holiday.jpg"));
    assert_eq!(saved["bytes"], 3_000_000);
    assert_eq!(saved["blake3"], blake3::hash(&bytes).to_hex().as_str());
    assert_eq!(events.last().unwrap()["event"], "done");

    let events = sent.events();
    let receipt = events
        .iter()
        .find(|event| event["event"] == "receipt")
        .unwrap();
    assert_eq!(receipt["name"], "Ben");
    assert_eq!(events.last().unwrap()["event"], "done");
}

#[test]
fn folders_and_several_paths_are_one_parcel() {
    let station = Station::start(&[]);
    let room = station.room();
    room.file("trip/a.txt", "a");
    room.file("trip/deep/b.txt", "bb");
    room.file("trip/empty", "");
    room.file("trip/cache.tmp", "no");
    room.file("alone.txt", "alone");
    let sender = room.run(&["send", "trip", "alone.txt", "--exclude", "*.tmp"]);
    let inbox = room.inbox("inbox");
    let received = room.receive(&inbox, &[]).wait().expect(0);
    sender.wait().expect(0);
    assert_eq!(content(inbox.join("trip/a.txt")), b"a");
    assert_eq!(content(inbox.join("trip/deep/b.txt")), b"bb");
    assert_eq!(content(inbox.join("trip/empty")), b"");
    assert_eq!(content(inbox.join("alone.txt")), b"alone");
    assert_eq!(names(&inbox.join("trip")), ["a.txt", "deep", "empty"]);
    let events = received.events();
    let saved = events.iter().filter(|event| event["event"] == "saved");
    let mut saved: Vec<(&str, u64)> = saved
        .map(|event| {
            (
                event["path"].as_str().unwrap(),
                event["bytes"].as_u64().unwrap(),
            )
        })
        .collect();
    saved.sort_unstable();
    let ends = ["alone.txt", "trip/a.txt", "trip/deep/b.txt", "trip/empty"];
    assert_eq!(saved.len(), ends.len());
    for ((path, bytes), end) in saved.into_iter().zip(ends) {
        assert!(path.ends_with(end), "{path}");
        assert_eq!(std::fs::metadata(room.path(path)).unwrap().len(), bytes);
    }
}

#[test]
fn stdin_goes_to_stdout() {
    let station = Station::start(&[]);
    let room = station.room();
    let bytes = noise(2_000_000);
    let mut command = room.command(&["send", "-", "--file-name", "dump.bin"]);
    let sender = Run::start_with(&mut command, &bytes);
    let received = room
        .run(&["receive", "--yes", "--out", "-"])
        .wait()
        .expect(0);
    sender.wait().expect(0);
    assert!(received.stdout == bytes, "{} bytes", received.stdout.len());
    assert!(received.stderr.contains("dump.bin"), "{}", received.stderr);
}

#[test]
fn a_text_is_printed_as_it_is() {
    let station = Station::start(&[]);
    let room = station.room();
    let text = "two\nlines \u{1b}[31m";
    let sender = room.run(&["send", "--text", text]);
    let received = room.run(&["receive", "--yes"]).wait().expect(0);
    sender.wait().expect(0);
    assert_eq!(String::from_utf8(received.stdout).unwrap(), text);
    assert!(!received.stderr.contains('\u{1b}'), "{:?}", received.stderr);

    let sender = room.run(&["send", "--text", text]);
    let received = room.run(&["receive", "--yes", "--json"]).wait().expect(0);
    sender.wait().expect(0);
    assert!(!received.stdout.contains(&0x1b));
    let events = received.events();
    let message = events
        .iter()
        .find(|event| event["event"] == "message")
        .unwrap();
    assert_eq!(message["text"], text);
}

#[test]
fn one_upload_has_two_receivers() {
    let station = Station::start(&[]);
    let room = station.room();
    let bytes = noise(1_000_000);
    room.file("a.bin", &bytes);
    let sender = room.run(&["send", "--json", "--receivers", "2", "a.bin"]);
    let (one, two) = (room.inbox("one"), room.inbox("two"));
    let first = room.receive(&one, &["--name", "Ann"]);
    first.wait().expect(0);
    sender.until("receipt", |event| event["name"] == "Ann");
    room.receive(&two, &["--name", "Ben"]).wait().expect(0);
    let events = sender.wait().expect(0).events();
    let receipts = events.iter().filter(|event| event["event"] == "receipt");
    assert_eq!(receipts.count(), 2);
    for inbox in [one, two] {
        assert!(content(inbox.join("a.bin")) == bytes);
    }
}

#[test]
fn who_stays_takes_one_after_the_other() {
    let station = Station::start(&[]);
    let room = station.room();
    let inbox = room.inbox("inbox");
    let receiver = room.receive(&inbox, &["--stay"]);
    for name in ["a.txt", "b.txt"] {
        room.file(name, name);
        room.run(&["send", name]).wait().expect(0);
    }
    let is_of = |name: &'static str| {
        move |event: &serde_json::Value| {
            event["path"]
                .as_str()
                .is_some_and(|path| path.ends_with(name))
        }
    };
    receiver.until("saved", is_of("b.txt"));
    receiver.signal("INT");
    receiver.wait().expect(130);
    assert_eq!(names(&inbox), ["a.txt", "b.txt"]);
}

#[test]
fn a_sender_without_a_key_makes_one_and_tells_it() {
    let station = Station::start(&[]);
    let room = station.room();
    room.file("a.txt", "a");
    let mut command = room.command(&["send", "--json", "a.txt"]);
    let broker = format!("ws://localhost:{}/mqtt", station.web);
    let sender = Run::start(
        command
            .env_remove("MQDROP_KEY")
            .env("MQDROP_BROKER", broker),
    );
    let made = sender.until("room", |_| true);
    let link = made["link"].as_str().unwrap();
    assert!(
        link.starts_with(&format!("http://localhost:{}/#key=", station.web)),
        "{link}"
    );
    let key = made["key"].as_str().unwrap();
    assert!(link.contains(&format!("#key={key}&by=")), "{link}");
    sender.until_said("Key: ");
    // A person with the link needs nothing else.
    let inbox = room.inbox("inbox");
    let mut command = room.command(&["receive", link, "--yes", "--out", "inbox"]);
    let receiver = Run::start(command.env_remove("MQDROP_KEY").env_remove("MQDROP_BROKER"));
    receiver.wait().expect(0);
    sender.wait().expect(0);
    assert_eq!(content(inbox.join("a.txt")), b"a");
}
