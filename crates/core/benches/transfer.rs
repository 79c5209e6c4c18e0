//! The cost to two engines of sending 64 MiB from one to the other: reading ahead, sealing, hashing
//! and pacing on one side; opening, placing, hashing and acknowledging on the other.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what goes wrong here fails the benchmark"
)]

mod room;

use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher};
use room::{Room, SHORT_FRAME};

#[global_allocator]
static MEMORY: AllocProfiler = AllocProfiler::system();

const SIZE: u64 = 64 * 1024 * 1024;

fn main() {
    divan::main();
}

#[divan::bench(sample_count = 30, sample_size = 1)]
fn from_memory_to_memory(bencher: Bencher) {
    deliver(bencher, None);
}

/// The same in frames of one block, as a broker with a low limit has them.
#[divan::bench(sample_count = 30, sample_size = 1)]
fn in_frames_of_16_kib(bencher: Bencher) {
    deliver(bencher, Some(SHORT_FRAME));
}

/// From the offer until the sender has the receipt.
fn deliver(bencher: Bencher, frame_limit: Option<u32>) {
    bencher
        .with_inputs(|| Room::with_receivers(1, frame_limit))
        .counter(BytesCount::new(SIZE))
        .bench_local_values(|mut room| {
            let parcel = room.offer(SIZE);
            room.deliver(parcel);
            room
        });
}
