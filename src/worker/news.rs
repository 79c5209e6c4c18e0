//! What the app is to be told, and when.

use core::time::Duration;
use std::collections::VecDeque;

use mqdrop_core::view::{FileView, TransferState};
use mqdrop_core::{Engine, ParcelId, Time};
use mqdrop_unicode::upper_case;

use super::clock::Clock;
use super::throttle::Throttle;
use crate::bridge::Event;

/// A transfer's progress is told so often at most: about as often as an eye follows a number.
const TRANSFER_PAUSE: Duration = Duration::from_millis(250);

/// A parcel's files are told so often at most.
const FILES_PAUSE: Duration = Duration::from_millis(250);

/// So many files are told at a time: taking in more would keep the page waiting.
const PART: usize = 500;

/// Who is in the room is told so often at most.
const PEERS_PAUSE: Duration = Duration::from_millis(100);

/// Telling a long list takes long; this many times as long nothing is told of it.
const REST: u32 = 10;

/// The latest time that JavaScript can express, in milliseconds since 1970 (ECMA-262, section
/// 21.4.1.1). What a sender claims beyond is no time.
const LATEST_TIME: u64 = 8_640_000_000_000_000;

/// What is new.
pub(super) struct News {
    /// In the order in which they happened.
    events: VecDeque<Event>,
    status: bool,
    peers: bool,
    /// Until then nothing is told of who is in the room.
    peers_rest: Time,
    transfers: Throttle<TransferState>,
    files: Throttle<()>,
}

impl News {
    pub(super) fn new() -> Self {
        Self {
            events: VecDeque::new(),
            status: false,
            peers: false,
            peers_rest: Time::ZERO,
            transfers: Throttle::new(TRANSFER_PAUSE),
            files: Throttle::new(FILES_PAUSE),
        }
    }

    /// This is to be told.
    pub(super) fn add(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// Something did not work; in words.
    pub(super) fn error(&mut self, text: &str) {
        self.add(Event::Error(sentence(text)));
    }

    /// The connection changed.
    pub(super) fn status(&mut self) {
        self.status = true;
    }

    /// Someone came or went.
    pub(super) fn peers(&mut self) {
        self.peers = true;
    }

    /// A transfer is new, changed or gone.
    pub(super) fn transfer(&mut self, parcel: ParcelId) {
        self.transfers.mark(parcel);
    }

    /// A parcel's files are known, or their hashes are.
    pub(super) fn files(&mut self, parcel: ParcelId) {
        self.files.mark(parcel);
    }

    /// Any transfer may have changed.
    pub(super) fn check_all(&mut self) {
        for parcel in self.transfers.known() {
            self.transfers.mark(parcel);
        }
    }

    /// When there is something to tell again.
    pub(super) fn next(&self) -> Option<Time> {
        let peers = self.peers.then_some(self.peers_rest);
        let deadlines = [peers, self.transfers.next(), self.files.next()];
        deadlines.into_iter().flatten().min()
    }

    /// Tells what is due; returns the parcels that are gone.
    pub(super) fn tell(
        &mut self,
        engine: &Engine,
        clock: &Clock,
        tell: &mut dyn FnMut(Event),
    ) -> Vec<ParcelId> {
        let mut gone = Vec::new();
        if core::mem::take(&mut self.status) {
            tell(Event::Status(engine.status()));
        }
        let now = clock.now();
        if self.peers && self.peers_rest <= now {
            self.peers = false;
            tell(Event::Peers(engine.peers()));
            let after = clock.now();
            self.peers_rest = after + PEERS_PAUSE.max(after.since(now) * REST);
        }
        // A parcel's content comes before the state that says it is there.
        for event in self.events.drain(..) {
            tell(event);
        }
        for parcel in self.transfers.changed() {
            let Some(state) = engine.transfer_state(parcel, now) else {
                tell(Event::Removed {
                    parcel: parcel.to_string(),
                });
                self.transfers.forget(parcel);
                self.files.forget(parcel);
                gone.push(parcel);
                continue;
            };
            // The whole view takes long to make when there are many receivers.
            if self.transfers.tell(parcel, state, now)
                && let Some(view) = engine.transfer(parcel, now)
            {
                if state.is_final() {
                    self.files.hurry(parcel, now);
                    // Whoever waits for the end finds the hashes there, unless there are so many
                    // that the end itself would come late.
                    if view.files as usize <= PART {
                        self.tell_files(parcel, engine, clock, tell);
                    }
                }
                tell(Event::Transfer(view));
            }
        }
        for parcel in self.files.changed() {
            self.tell_files(parcel, engine, clock, tell);
        }
        gone
    }

    /// Tells a parcel's files, if they are due.
    fn tell_files(
        &mut self,
        parcel: ParcelId,
        engine: &Engine,
        clock: &Clock,
        tell: &mut dyn FnMut(Event),
    ) {
        let before = clock.now();
        if !self.files.tell(parcel, (), before) {
            return;
        }
        let mut files = engine.files(parcel).into_iter().flatten().peekable();
        let mut first = 0;
        while files.peek().is_some() {
            let part: Vec<_> = files.by_ref().take(PART).map(expressible).collect();
            let next = first + part.len();
            tell(Event::Files {
                parcel: parcel.to_string(),
                first,
                files: part,
            });
            first = next;
        }
        let after = clock.now();
        self.files.rest(parcel, after.since(before) * REST, after);
    }
}

fn expressible(mut file: FileView) -> FileView {
    file.modified = file.modified.filter(|&modified| modified <= LATEST_TIME);
    file
}

/// Errors begin in lower case, to be part of longer ones; what a person reads begins in upper case.
fn sentence(text: &str) -> String {
    let first = text.chars().next().map_or(0, char::len_utf8);
    let (first, rest) = text.split_at(first);
    upper_case(first) + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn errors_read_as_sentences() {
        assert_eq!(sentence("join a room first"), "Join a room first");
        assert_eq!(sentence("über"), "Über");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn times_that_no_browser_can_express_are_left_out() {
        let file = |modified| FileView {
            path: "a".to_owned(),
            size: 0,
            offset: 0,
            modified,
            mime: String::new(),
            blake3: None,
            left_out: false,
        };
        assert_eq!(
            expressible(file(Some(LATEST_TIME))).modified,
            Some(LATEST_TIME)
        );
        assert_eq!(expressible(file(Some(u64::MAX))).modified, None);
    }
}
