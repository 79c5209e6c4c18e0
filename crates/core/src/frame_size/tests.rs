use super::steps::longer;
use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const QUICK: Duration = Duration::from_millis(50);

fn unknown() -> FrameSize {
    FrameSize::new(None, None)
}

/// Packets of this length.
fn sized(length: u64) -> FrameSize {
    FrameSize {
        current: length,
        confirmed: PIECE,
        ..unknown()
    }
}

/// A frame arrives, as quickly whatever its length.
fn deliver(size: &mut FrameSize, bytes: u64) {
    size.on_delivered(bytes);
    let took = QUICK * (bytes / PIECE) as u32;
    size.on_flow(bytes, 8 * bytes, took, Time::ZERO);
}

/// Sends frames to a broker that hangs up on more than `limit` bytes, until `frames` arrived.
fn send(size: &mut FrameSize, limit: u64, frames: u32) -> u32 {
    let (mut arrived, mut hung_up) = (0, 0);
    while arrived < frames {
        let bytes = size.current();
        size.on_sent(bytes, Time::ZERO);
        if bytes <= limit {
            deliver(size, bytes);
            arrived += 1;
        } else {
            hung_up += 1;
            size.on_connection_lost(Loss::Unexplained, Time::ZERO);
        }
    }
    hung_up
}

#[test]
fn grows_to_the_longest_if_that_is_as_quick() {
    let mut size = unknown();
    assert_eq!(send(&mut size, u64::MAX, 30), 0);
    assert_eq!((size.current(), size.limit()), (MAX_FRAME, None));
    assert_eq!(size.best(), Some(MAX_FRAME));
}

#[test]
fn what_the_broker_announces_is_kept_to_and_the_best_found_below() {
    for (most, longest) in [(20_000, BLOCK), (60_000, 32_768), (9000, PIECE)] {
        let mut size = FrameSize::new(None, Some(MAX_FRAME));
        size.on_connected(most);
        assert_eq!(send(&mut size, u64::MAX, 60), 0);
        assert_eq!((size.current(), size.best()), (longest, Some(longest)));
        assert_eq!(size.window(), longest * MOST_PACKETS);
        // The same connection with another broker behind it.
        size.on_connected(1 << 20);
        assert_eq!(size.most(), MAX_FRAME);
        let mut long = sized(MAX_FRAME);
        long.on_connected(most);
        assert_eq!(long.current(), longest);
    }
}

#[test]
fn one_receiver_that_hears_nothing_says_nothing_of_the_broker() {
    let mut size = unknown();
    size.on_delivered(PIECE);
    let at = Time::from_millis;
    size.on_flow(PIECE, 1 << 20, QUICK, at(1000));
    assert_eq!(size.current(), BLOCK);
    size.on_stall(Duration::from_secs(2), at(2500));
    assert_eq!(size.current(), BLOCK, "another one heard something");
    size.on_stall(Duration::from_secs(2), at(4000));
    assert_eq!(size.current(), PIECE);
}

#[test]
fn finds_a_limit_after_two_hang_ups_and_keeps_it() {
    for limit in [4096, 9000, 16_384, 20_000, 40_000, 131_072, 200_000] {
        let mut size = unknown();
        assert_eq!(send(&mut size, limit, 200), 2, "{limit}");
        let found = size.limit().unwrap();
        let next = longer(found);
        assert!(found <= limit && next > limit, "{found} of {limit}");
        let mut again = FrameSize::new(size.limit(), size.best());
        assert_eq!(again.best(), size.best(), "it is not forgotten meanwhile");
        assert_eq!(send(&mut again, limit, 200), 0);
    }
}

#[test]
fn a_limit_that_changes_is_found_again() {
    for (before, after) in [(u64::MAX, 20_000), (40_000, 20_000), (300_000, 40_000)] {
        let mut size = unknown();
        send(&mut size, before, 100);
        let hung_up = send(&mut size, after, 100);
        // The first time it may be chance, and so may the first at a new length.
        assert!(hung_up <= 1 + MOST_RELAPSES + 2, "{hung_up}");
        assert!(size.limit().is_some_and(|limit| limit <= after));
    }
}

#[test]
fn a_connection_that_ends_for_another_reason_says_nothing_of_lengths() {
    let mut size = unknown();
    send(&mut size, u64::MAX, 3);
    let current = size.current();
    for _ in 0..10 {
        size.on_sent(current, Time::ZERO);
        assert!(!size.on_connection_lost(Loss::NotBySize, Time::ZERO));
    }
    assert_eq!((size.current(), size.limit()), (current, None));
}

/// As after a reconnection, when the window is short.
#[test]
fn a_limit_that_changes_is_found_again_behind_shorter_frames() {
    let (mut size, limit) = (unknown(), 200_000);
    send(&mut size, u64::MAX, 100);
    let mut hung_up = 0;
    for _ in 0..20 {
        for window in [65_536, 131_072, 262_144, MAX_FRAME] {
            let bytes = size.current().min(window);
            size.on_sent(bytes, Time::ZERO);
            if bytes > limit {
                hung_up += 1;
                size.on_connection_lost(Loss::Unexplained, Time::ZERO);
                break;
            }
            deliver(&mut size, bytes);
        }
    }
    assert!(hung_up <= 1 + MOST_RELAPSES + 2, "{hung_up}");
    assert_eq!(size.limit(), Some(131_072));
}

#[test]
fn a_connection_lost_by_chance_leaves_no_limit() {
    let mut size = unknown();
    size.on_sent(size.current(), Time::ZERO);
    deliver(&mut size, PIECE);
    size.on_sent(size.current(), Time::ZERO);
    assert!(!size.on_connection_lost(Loss::Unexplained, Time::ZERO));
    assert_eq!(size.current(), PIECE);
    send(&mut size, u64::MAX, 90);
    assert_eq!((size.current(), size.limit()), (MAX_FRAME, None));
    size.on_sent(size.current(), Time::ZERO);
    assert!(
        !size.on_connection_lost(Loss::Unexplained, Time::ZERO),
        "nothing new was tried"
    );
}

#[test]
fn a_broker_that_says_too_large_is_believed_at_once() {
    let mut size = unknown();
    size.on_sent(PIECE, Time::ZERO);
    size.on_delivered(PIECE);
    size.on_sent(BLOCK, Time::ZERO);
    assert!(size.on_connection_lost(Loss::TooLarge, Time::ZERO));
    assert_eq!(size.limit(), Some(PIECE));
}

#[test]
fn a_broker_that_takes_nothing_is_noticed() {
    let mut size = unknown();
    for _ in 0..3 {
        assert!(!size.is_hopeless());
        size.on_sent(PIECE, Time::ZERO);
        size.on_connection_lost(Loss::Unexplained, Time::ZERO);
    }
    assert!(size.is_hopeless());
    size.on_delivered(PIECE);
    assert!(!size.is_hopeless());
}

#[test]
fn a_connection_that_dies_much_later_died_of_something_else() {
    let mut size = unknown();
    for _ in 0..5 {
        size.on_sent(PIECE, Time::ZERO);
        assert!(!size.on_connection_lost(Loss::Unexplained, Time::from_millis(60_000)));
    }
}

#[test]
fn packets_are_as_long_as_the_broker_and_the_topic_let_them_be() {
    let room = |limit: u64| move |packet: Option<u64>| limit.min(packet.unwrap_or(limit)) - 200;
    let fit = |size: &FrameSize, limit| {
        let mut size = size.clone();
        size.on_connected(room(limit)(None));
        Fit::new(&size, room(limit)).unwrap()
    };
    let first = fit(&unknown(), 1 << 20);
    assert_eq!((first.piece, first.frame), (3896, BLOCK));
    let mut short = unknown();
    short.on_delivered(PIECE);
    let short = fit(&short, 1 << 20);
    assert_eq!((short.piece, short.frame), (3896, FRAME_OF_PIECES));
    let long = fit(&sized(MAX_FRAME), 1 << 20);
    assert_eq!((long.frame, long.piece), (MAX_FRAME, MAX_FRAME as usize));
    // A limit between two lengths, and those below the shortest.
    let middle = fit(&sized(MAX_FRAME), 60_000);
    assert_eq!((middle.length, middle.piece), (32_768, 32_768));
    let less = fit(&sized(MAX_FRAME), 9000);
    assert_eq!((less.length, less.piece), (PIECE, 3896));
    let least = fit(&sized(PIECE), 3000);
    assert_eq!((least.length, least.piece), (PIECE, 2800));
    assert_eq!(Fit::new(&unknown(), |_| 0), None);
}
