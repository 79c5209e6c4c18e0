//! Folders that mean harm.
#![cfg(unix)]

use std::os::unix::fs::symlink;

use crate::support::{Station, content, names};

#[test]
fn links_in_the_folder_lead_nobody_out_of_it() {
    let station = Station::start(&[]);
    let room = station.room();
    room.file("trip/a.txt", "new");
    let elsewhere = room.inbox("elsewhere");
    let inbox = room.inbox("inbox");
    symlink(&elsewhere, inbox.join("trip")).unwrap();
    let sender = room.run(&["send", "trip"]);
    room.receive(&inbox, &["--overwrite"]).wait().expect(0);
    sender.wait().expect(0);
    assert!(names(&elsewhere).is_empty(), "{:?}", names(&elsewhere));
}

#[test]
fn a_link_in_a_files_place_is_replaced_and_not_followed() {
    let station = Station::start(&[]);
    let room = station.room();
    let precious = room.file("precious", "old");
    for (wish, is_replaced) in [("--overwrite", true), ("--rename", false)] {
        room.file("a.txt", "new");
        let inbox = room.inbox(wish);
        symlink(&precious, inbox.join("a.txt")).unwrap();
        let sender = room.run(&["send", "a.txt"]);
        room.receive(&inbox, &[wish]).wait().expect(0);
        sender.wait().expect(0);
        assert_eq!(content(&precious), b"old", "{wish}");
        let is_link = inbox.join("a.txt").symlink_metadata().unwrap().is_symlink();
        assert_eq!(is_link, !is_replaced, "{wish}");
    }
}

#[test]
fn files_that_are_there_are_kept_unless_they_are_to_be_replaced() {
    let station = Station::start(&[]);
    let room = station.room();
    room.file("a.txt", "new");
    for (wish, expected) in [
        ("--rename", &[("a (2).txt", "new"), ("a.txt", "old")][..]),
        ("--overwrite", &[("a.txt", "new")]),
        ("--skip", &[("a.txt", "old")]),
    ] {
        let inbox = room.inbox(wish);
        std::fs::write(inbox.join("a.txt"), "old").unwrap();
        let sender = room.run(&["send", "a.txt"]);
        room.receive(&inbox, &[wish]).wait().expect(0);
        sender.wait().expect(0);
        let found: Vec<(String, Vec<u8>)> = names(&inbox)
            .into_iter()
            .map(|name| (name.clone(), content(inbox.join(name))))
            .collect();
        let expected: Vec<(String, Vec<u8>)> = expected
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
            .collect();
        assert_eq!(found, expected, "{wish}");
    }
}

#[test]
fn a_name_that_means_harm_reaches_no_terminal() {
    let station = Station::start(&[]);
    let room = station.room();
    let name = "\u{1b}]0;owned\u{7}\u{1b}[2J.txt";
    let path = room.file(name, "x");
    let sender = room.run(&["send", "--name", "\u{1b}[31mAnn", path.to_str().unwrap()]);
    let inbox = room.inbox("inbox");
    let ended = room
        .run(&["receive", "--yes", "-v", "--out", "inbox"])
        .wait()
        .expect(0);
    let sent = sender.wait().expect(0);
    for stderr in [ended.stderr, sent.stderr] {
        let is_control = |letter: char| letter.is_control() && letter != '\n';
        assert!(!stderr.contains(is_control), "{stderr:?}");
    }
    let saved = names(&inbox);
    assert_eq!(saved.len(), 1);
    assert!(!saved[0].contains('\u{1b}'), "{saved:?}");
}
