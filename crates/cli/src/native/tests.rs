//! Two engines, each on a platform of its own, and a station between them.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use mqdrop_core::keys::RoomSecret;
use mqdrop_core::{Audience, Event, Identity, Join, Profile, RoomId, SocketAction, VersionPolicy};
use mqdrop_station::{Options, Station};
use tempfile::TempDir;

use super::*;

/// One side: an engine on its platform.
struct Side {
    engine: Engine,
    room: RoomId,
    native: Native,
    heard: mpsc::UnboundedReceiver<Input<Saved>>,
    errors: Vec<String>,
    saved: Vec<Saved>,
    /// Parcels that were heard of.
    parcels: BTreeSet<ParcelId>,
}

impl Side {
    fn new(seed: u8, target: &Target, state: &TempDir) -> Self {
        let (inputs, heard) = mpsc::unbounded_channel();
        let options = ConnectionOptions::default();
        let native = Native::with_state(options, target, inputs, Some(state.path())).unwrap();
        Self {
            engine: Engine::new([seed; 32]),
            room: RoomId::default(),
            native,
            heard,
            errors: Vec::new(),
            saved: Vec::new(),
            parcels: BTreeSet::new(),
        }
    }

    fn join(&mut self, url: &str) {
        let join = Join {
            secret: RoomSecret::derive("a key for nothing but tests").unwrap(),
            identity: Identity::from_random(crate::room::random().unwrap()),
            broker: url.to_owned(),
            prefix: String::new(),
            profile: Profile {
                secret: crate::room::random().unwrap(),
                name: "side".to_owned(),
                named: 0,
            },
            people: Vec::new(),
            invited_by: String::new(),
            former: None,
            wall: 0,
            login: None,
            version: VersionPolicy::default(),
            keep_alive: Join::KEEP_ALIVE,
            auto_accept: mqdrop_core::AutoAccept::All,
            takes_texts: true,
            frame_limit: None,
            frame_length: None,
        };
        let now = self.native.now();
        self.engine.leave_all(now);
        self.room = self.engine.join(join, now).unwrap();
        self.drain();
    }

    /// Sends what is in a folder.
    fn send(&mut self, folder: &std::path::Path) -> ParcelId {
        let walked = walk(&[folder.to_owned()], &WalkOptions::default()).unwrap();
        let entries = walked.files.iter().map(|file| file.entry.clone());
        let now = self.native.now();
        let parcel = self
            .engine
            .offer_files(self.room, entries.collect(), Audience::Room, now)
            .unwrap();
        self.native.keep_files(parcel, walked.files);
        self.drain();
        parcel
    }

    async fn turn(&mut self) {
        let input = self.heard.recv().await.unwrap();
        self.take(input);
    }

    fn take(&mut self, input: Input<Saved>) {
        let now = self.native.now();
        match input {
            Input::Opened { compresses, wall } => {
                self.engine.handle_open(compresses, wall, now);
            }
            Input::Received(bytes) => self.engine.handle_bytes(bytes, now),
            Input::Closed(close) => self.engine.handle_close(close, now),
            Input::Read(request, result) => self.engine.handle_read(request, result, now),
            Input::Stored(reply) => self.engine.handle_store(reply, now),
            Input::Finished { parcel, content } => {
                self.saved.push(content);
                self.engine
                    .handle_store(StoreReply::Finished { parcel }, now);
            }
            Input::Woken => {}
        }
        self.drain();
    }

    fn drain(&mut self) {
        let now = self.native.now();
        self.engine.handle_timeout(now);
        let mut is_busy = true;
        while std::mem::take(&mut is_busy) {
            while let Some(action) = self.engine.poll_socket() {
                is_busy = true;
                match action {
                    SocketAction::Open { url } => self.native.open(url).unwrap(),
                    SocketAction::Close { last } => self.native.close(last),
                }
            }
            while let Some(request) = self.engine.poll_store() {
                is_busy = true;
                if let Some(reply) = self.native.store(request) {
                    self.engine.handle_store(reply, now);
                }
            }
            while let Some(request) = self.engine.poll_read(now) {
                is_busy = true;
                self.native.read(request);
            }
            while let Some(event) = self.engine.poll_event() {
                is_busy = true;
                self.note(event);
            }
            while self.native.has_room()
                && let Some(packet) = self.engine.poll_transmit(now)
            {
                is_busy = true;
                self.native.send(packet);
            }
            self.native.flush();
        }
        if let Some((at, _)) = self.engine.poll_timeout(now) {
            self.native.wake(at);
        }
    }

    /// The state of both sides, for a test that failed.
    fn story(&self) -> String {
        let now = self.native.now();
        let transfers = self.parcels.iter();
        let transfers = transfers.filter_map(|&parcel| self.engine.transfer(parcel, now));
        format!(
            "\n{:?}\n{:?}\n{:?}",
            self.engine.status(self.room),
            transfers.collect::<Vec<_>>(),
            self.errors
        )
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Transfer(parcel) => drop(self.parcels.insert(parcel)),
            Event::Files(parcel) => {
                let files = self.engine.files(parcel).unwrap_or_default();
                self.native.set_files(parcel, files);
            }
            Event::Notice(notice) => self.errors.push(format!("{notice:?}")),
            Event::Unfit { error, .. } => self.errors.push(error.to_string()),
            _ => {}
        }
    }
}

/// A station on this computer; the addresses for WebSockets and for plain connections.
async fn station() -> (String, String) {
    let options = Options {
        listen: ([127, 0, 0, 1], 0).into(),
        mqtt_listen: Some(([127, 0, 0, 1], 0).into()),
        ..Options::default()
    };
    let station = Station::start(options).await.unwrap();
    let told = station.announcement();
    let web = told.url.replacen("http", "ws", 1);
    tokio::spawn(station.run(core::future::pending()));
    (format!("{web}mqtt"), told.mqtt.unwrap())
}

fn into(folder: &TempDir) -> Target {
    Target::Folder {
        path: folder.path().to_owned(),
        collisions: Collisions::Rename,
    }
}

/// Turns of both sides until this holds.
async fn until(one: &mut Side, other: &mut Side, mut holds: impl FnMut(&Side, &Side) -> bool) {
    let turns = async {
        while !holds(one, other) {
            tokio::select! {
                () = one.turn() => {}
                () = other.turn() => {}
            }
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(120), turns).await;
    assert!(
        in_time.is_ok(),
        "it took too long: {}{}",
        one.story(),
        other.story()
    );
}

/// Files of all kinds of lengths in a folder named "tree".
fn tree() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    fs::create_dir_all(tree.join("sub/deep")).unwrap();
    for (name, len) in [
        ("a", 0),
        ("b.txt", 10),
        ("sub/c", 70_000),
        ("sub/deep/d", 3_000_000),
    ] {
        let content: Vec<u8> = (0..len).map(|at| (at * 31 % 251) as u8).collect();
        fs::write(tree.join(name), content).unwrap();
    }
    (folder, tree)
}

fn check(from: &std::path::Path, saved: &Saved, to: &TempDir) {
    let paths: Vec<&str> = saved
        .paths
        .iter()
        .filter_map(|path| path.to_str())
        .collect();
    assert_eq!(
        paths,
        ["tree/a", "tree/b.txt", "tree/sub/c", "tree/sub/deep/d"]
    );
    for path in paths {
        let sent = fs::read(from.parent().unwrap().join(path)).unwrap();
        assert!(fs::read(to.path().join(path)).unwrap() == sent, "{path}");
    }
    assert_eq!(fs::read_dir(to.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_folder_goes_from_one_side_to_the_other_over_both_kinds_of_connection() {
    let (websocket, plain) = station().await;
    let (_from, tree) = tree();
    let (to, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut sender = Side::new(1, &Target::Nowhere, &state);
    let mut receiver = Side::new(2, &into(&to), &state);
    sender.join(&plain);
    receiver.join(&websocket);
    sender.send(&tree);
    until(&mut sender, &mut receiver, |_, receiver| {
        !receiver.saved.is_empty()
    })
    .await;
    check(&tree, &receiver.saved[0], &to);
    assert!(sender.errors.is_empty() && receiver.errors.is_empty());
}

#[tokio::test]
async fn both_sides_go_on_after_they_were_killed() {
    let (websocket, plain) = station().await;
    let (_from, tree) = tree();
    // Long enough to be in the middle of it for a while.
    fs::write(tree.join("sub/deep/d"), vec![5; 40_000_000]).unwrap();
    let (to, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut sender = Side::new(1, &Target::Nowhere, &state);
    let mut receiver = Side::new(2, &into(&to), &state);
    sender.join(&plain);
    receiver.join(&websocket);
    let parcel = sender.send(&tree);
    until(&mut sender, &mut receiver, |_, receiver| {
        let now = receiver.native.now();
        let view = receiver.engine.transfer(parcel, now);
        view.is_some_and(|view| view.bytes > 10_000_000)
    })
    .await;
    drop((sender, receiver));

    let mut sender = Side::new(3, &Target::Nowhere, &state);
    let mut receiver = Side::new(4, &into(&to), &state);
    // Tasks that were under way when these were dropped let go of their files in a moment.
    let kept = taken_up(&sender.native, |taken| &mut taken.sent).await;
    let walked = walk(std::slice::from_ref(&tree), &WalkOptions::default()).unwrap();
    let entries: Vec<_> = walked.files.iter().map(|file| file.entry.clone()).collect();
    assert_eq!(kept.fingerprint, Some(Fingerprint::of(&entries)));
    let now = sender.native.now();
    let restored = sender.native.restore(kept, &mut sender.engine, now);
    assert_eq!(restored.ok().flatten(), Some(parcel));
    let kept = taken_up(&receiver.native, |taken| &mut taken.received).await;
    let now = receiver.native.now();
    let restored = receiver.native.restore(kept, &mut receiver.engine, now);
    assert_eq!(restored.ok().flatten(), Some(parcel));
    sender.join(&websocket);
    receiver.join(&plain);
    let now = sender.native.now();
    let places = sender.engine.choose_again(parcel, entries, now).unwrap();
    let files = places.into_iter().map(|place| walked.files[place].clone());
    sender.native.keep_files(parcel, files.collect());
    sender.drain();
    until(&mut sender, &mut receiver, |_, receiver| {
        !receiver.saved.is_empty()
    })
    .await;
    check(&tree, &receiver.saved[0], &to);
    assert_eq!(receiver.parcels, BTreeSet::from([parcel]));
    assert!(sender.errors.is_empty() && receiver.errors.is_empty());
}

/// The one parcel that an earlier side left, once it let go of it.
async fn taken_up(native: &Native, of: impl Fn(&mut TakenUp) -> &mut Vec<Kept>) -> Kept {
    loop {
        let mut taken = native.take_up().unwrap();
        if let Some(kept) = of(&mut taken).pop() {
            return kept;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_file_that_changes_before_it_is_read_is_told() {
    let (_, plain) = station().await;
    let (_from, tree) = tree();
    let (to, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut sender = Side::new(1, &Target::Nowhere, &state);
    let mut receiver = Side::new(2, &into(&to), &state);
    let walked = walk(std::slice::from_ref(&tree), &WalkOptions::default()).unwrap();
    fs::write(tree.join("b.txt"), "something else").unwrap();
    sender.join(&plain);
    receiver.join(&plain);
    let entries = walked.files.iter().map(|file| file.entry.clone());
    let now = sender.native.now();
    let parcel = sender
        .engine
        .offer_files(sender.room, entries.collect(), Audience::Room, now)
        .unwrap();
    sender.native.keep_files(parcel, walked.files);
    sender.drain();
    until(&mut sender, &mut receiver, |_, receiver| {
        !receiver.saved.is_empty()
    })
    .await;
    let saved = &receiver.saved[0];
    assert!(
        !saved.paths.contains(&PathBuf::from("tree/b.txt")),
        "{saved:?}"
    );
    assert_eq!(saved.paths.len(), 3);
    assert!(!to.path().join("tree/b.txt").exists());
}
