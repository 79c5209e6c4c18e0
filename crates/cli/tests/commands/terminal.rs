//! Somebody at a terminal, who is asked.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::support::{PATIENCE, Room, Station, content, names};

/// A command whose stdin and stderr are a terminal.
struct Terminal {
    child: Child,
    keys: File,
    shown: Receiver<Vec<u8>>,
    screen: String,
}

impl Terminal {
    fn start(room: &Room, args: &[&str]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let open = || File::options().read(true).write(true).open(&name).unwrap();
        let child = room
            .command(args)
            .stdin(Stdio::from(OwnedFd::from(open())))
            .stderr(Stdio::from(OwnedFd::from(open())))
            .stdout(Stdio::from(OwnedFd::from(open())))
            .spawn()
            .unwrap();
        let keys = File::from(master);
        let mut screen = keys.try_clone().unwrap();
        let (sender, shown) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Ends with the last process that has the terminal.
            while let Ok(len @ 1..) = screen.read(&mut buffer) {
                if sender.send(buffer[..len].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            keys,
            shown,
            screen: String::new(),
        }
    }

    fn until(&mut self, words: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.screen.contains(words) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.shown.recv_timeout(left) {
                Ok(bytes) => self.screen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("not shown: {words}\n{}", self.screen),
            }
        }
    }

    fn type_in(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).unwrap();
    }

    fn wait(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(
                Instant::now() < deadline,
                "it does not end\n{}",
                self.screen
            );
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn whoever_says_yes_gets_it() {
    let station = Station::start(&[]);
    let room = station.room();
    room.file("a.txt", "a");
    let sender = room.run(&["send", "--name", "Ann", "a.txt"]);
    let inbox = room.inbox("inbox");
    let mut receiver = Terminal::start(&room, &["receive", "--out", "inbox"]);
    receiver.until("Ann wants to send you \"a.txt\" (1 byte). Take it? [y/N]");
    receiver.type_in("y\n");
    assert_eq!(receiver.wait(), Some(0));
    sender.wait().expect(0);
    assert_eq!(content(inbox.join("a.txt")), b"a");
}

#[test]
fn whoever_says_no_declines_on_both_sides() {
    let station = Station::start(&[]);
    let room = station.room();
    room.file("a.txt", "a");
    let sender = room.run(&["send", "--json", "a.txt"]);
    let inbox = room.inbox("inbox");
    let mut receiver = Terminal::start(&room, &["receive", "--name", "Ben", "--out", "inbox"]);
    receiver.until("[y/N]");
    receiver.type_in("n\n");
    assert_eq!(receiver.wait(), Some(4));
    let ended = sender.wait().expect(4);
    assert!(ended.stderr.contains("Ben declined it"), "{}", ended.stderr);
    assert!(names(&inbox).is_empty());
}

#[test]
fn the_key_is_shown_first_with_a_link_and_its_code() {
    let station = Station::start(&[]);
    let room = Room::new(format!("ws://localhost:{}/mqtt", station.web));
    room.file("a.txt", "a");
    let mut sender = Terminal::start(&room, &["send", "a.txt"]);
    sender.until("Key: blue whale of the tests");
    sender.until("Sending \"a.txt\"");
    let link = format!(
        "Link: http://localhost:{}/#key=blue%20whale%20of%20the%20tests&by=",
        station.web
    );
    assert!(sender.screen.contains(&link), "{}", sender.screen);
    assert!(sender.screen.contains("████"), "a code is drawn");
    assert!(sender.screen.find("Key: ") < sender.screen.find("Sending"));
}

#[test]
fn words_are_compared_by_whoever_looks_at_them() {
    let station = Station::start(&[]);
    let room = station.room();
    let ben = room.run(&["receive", "--yes", "--json", "--stay", "--name", "Ben"]);
    ben.until("online", |_| true);
    let people = ["people", "--name", "Ann", "--wait", "1", "ben"];
    for (answer, code, listed) in [
        ("n\n", 4, "Ben: here ("),
        ("y\n", 0, "Ben: here, verified ("),
    ] {
        let mut ann = Terminal::start(&room, &[&people[..], &["--verify"]].concat());
        ann.until("Are the words the same as the other person sees? [y/N]");
        assert!(ann.screen.contains("Ann: you ("), "{}", ann.screen);
        assert!(ann.screen.contains("Ben: here ("), "{}", ann.screen);
        ann.type_in(answer);
        assert_eq!(ann.wait(), Some(code));
        let mut ann = Terminal::start(&room, &people);
        ann.until(listed);
        assert_eq!(ann.wait(), Some(0));
    }
}
