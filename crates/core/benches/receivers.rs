//! The cost of receivers to a sender: the work for each of their messages, by how many there are.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what goes wrong here fails the benchmark"
)]

mod room;

use std::cell::RefCell;
use std::collections::VecDeque;

use bytes::Bytes;
use divan::{AllocProfiler, Bencher};
use room::{ENDLESS, Room, SHORT_FRAME};

#[global_allocator]
static MEMORY: AllocProfiler = AllocProfiler::system();

/// The core takes 4,096 at most.
const RECEIVERS: [usize; 5] = [1, 10, 100, 1000, 4000];

fn main() {
    divan::main();
}

/// A room, and what the sender has not handled.
struct Sending {
    room: Room,
    inbox: VecDeque<Bytes>,
}

impl Sending {
    /// Everyone has accepted.
    fn to(receivers: usize) -> RefCell<Self> {
        let mut room = Room::with_receivers(receivers, Some(SHORT_FRAME));
        room.offer(ENDLESS);
        Self::new(room)
    }

    fn new(room: Room) -> RefCell<Self> {
        let inbox = VecDeque::new();
        RefCell::new(Self { room, inbox })
    }

    fn next(&mut self, more: impl FnOnce(&mut Room) -> VecDeque<Bytes>) -> Bytes {
        if self.inbox.is_empty() {
            self.inbox = more(&mut self.room);
        }
        self.inbox.pop_front().unwrap()
    }
}

/// The sender handles one acknowledgement, and does what it wants done then.
#[divan::bench(args = RECEIVERS, sample_count = 4000, sample_size = 1)]
fn acknowledgement(bencher: Bencher, receivers: usize) {
    let sending = Sending::to(receivers);
    bencher
        .with_inputs(|| sending.borrow_mut().next(Room::acknowledgements))
        .bench_local_values(|packet| sending.borrow_mut().room.handle(packet));
}

/// The sender hashes, seals and sends one frame of 16 KiB, and chooses what to read next.
#[divan::bench(args = RECEIVERS, sample_count = 50, sample_size = 1)]
fn frame(bencher: Bencher, receivers: usize) {
    let sending = Sending::to(receivers);
    let sent: RefCell<Option<Bytes>> = RefCell::default();
    bencher
        .with_inputs(|| {
            if let Some(frame) = sent.take() {
                sending.borrow_mut().room.carry(frame);
            }
        })
        .bench_local_values(|()| {
            let frame = sending.borrow_mut().room.frame();
            sent.replace(Some(frame));
        });
}

/// The view of the transfer for the sender's user, which a driver asks for when it has changed.
#[divan::bench(args = RECEIVERS, sample_count = 100)]
fn view(bencher: Bencher, receivers: usize) {
    let mut room = Room::with_receivers(receivers, Some(SHORT_FRAME));
    let parcel = room.offer(ENDLESS);
    let now = room.now();
    let sender = room.take_sender();
    bencher.bench_local(|| sender.engine().transfer(parcel, now));
}

/// One device handles what another says to the room every 30 s.
#[divan::bench(args = RECEIVERS, sample_count = 4000, sample_size = 1)]
fn sign_of_life(bencher: Bencher, others: usize) {
    let sending = Sending::new(Room::with_receivers(others, None));
    bencher
        .with_inputs(|| sending.borrow_mut().next(Room::signs_of_life))
        .bench_local_values(|packet| sending.borrow_mut().room.handle(packet));
}

/// A device comes in, and it and another one get to know each other: the work of both.
#[divan::bench(sample_count = 200, sample_size = 1)]
fn meeting(bencher: Bencher) {
    bencher
        .with_inputs(|| Room::new(None))
        .bench_local_values(|mut room| {
            room.join();
            room
        });
}
