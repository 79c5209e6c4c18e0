//! How much memory a sender keeps for each receiver, and how long messages are. The memory is what is
//! freed when the sender is dropped, with so many receivers, less what is freed with one.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what goes wrong here fails the benchmark"
)]

mod room;

use peak_alloc::PeakAlloc;
use room::{ENDLESS, Room, SHORT_FRAME};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// How far things are.
#[derive(Clone, Copy)]
enum Stage {
    /// The devices know one another.
    Met,
    /// Everyone has accepted.
    Accepted,
    /// Everyone has acknowledged what was sent so far.
    Acknowledged,
}

fn main() {
    println!("bytes that a sender keeps for each receiver, once they");
    println!("receivers   met   accepted   acknowledged");
    for receivers in [100, 1000, 4000] {
        let [met, accepted, acknowledged] = [Stage::Met, Stage::Accepted, Stage::Acknowledged]
            .map(|stage| (kept(receivers, stage) - kept(1, stage)) / (receivers as i64 - 1));
        println!("{receivers:9} {met:5} {accepted:10} {acknowledged:14}");
    }
    let mut room = Room::with_receivers(1, Some(SHORT_FRAME));
    let sign_of_life = room.signs_of_life().pop_front().unwrap();
    room.offer(ENDLESS);
    let acknowledgement = room.acknowledgements().pop_front().unwrap();
    println!("bytes of a message, as it comes from the broker");
    println!("acknowledgement {:14}", acknowledgement.len());
    println!("sign of life    {:14}", sign_of_life.len());
}

fn kept(receivers: usize, stage: Stage) -> i64 {
    let mut room = Room::with_receivers(receivers, Some(SHORT_FRAME));
    if !matches!(stage, Stage::Met) {
        room.offer(ENDLESS);
    }
    if matches!(stage, Stage::Acknowledged) {
        for packet in room.acknowledgements() {
            room.handle(packet);
        }
    }
    let before = MEMORY.current_usage();
    drop(room.take_sender());
    before as i64 - MEMORY.current_usage() as i64
}
