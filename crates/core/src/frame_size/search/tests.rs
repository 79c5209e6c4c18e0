use super::super::MAX_FRAME;
use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A broker: what it carries in a second, by the length of packets.
type Broker = fn(u64) -> f64;

/// As mosquitto 2.0 does.
fn mosquitto(length: u64) -> f64 {
    if length <= PIECE { 66e6 } else { 0.1e6 }
}

/// As NATS 2.9 does.
fn nats(length: u64) -> f64 {
    match length {
        PIECE => 58e6,
        BLOCK..=65_536 => 80e6,
        65_537..=262_144 => 19e6,
        _ => 41e6,
    }
}

/// One that is quick with packets of one block only.
fn one_block(length: u64) -> f64 {
    match length {
        PIECE => 28e6,
        BLOCK => 44e6,
        _ => 12e6,
    }
}

/// Frames as a sender makes them go through a broker for so long; where it ends.
fn run(search: &mut Search, mut current: u64, broker: Broker, seconds: f64) -> u64 {
    let mut clock = 0.0;
    while clock < seconds {
        let frame = current.max(65_536);
        let took = 4.0 * frame as f64 / broker(current);
        clock += took;
        let took = Duration::from_secs_f64(took);
        current = search.on_flow((current, MAX_FRAME), 4 * frame, took);
    }
    current
}

fn found(broker: Broker, seconds: f64) -> u64 {
    let mut search = Search::new(None);
    let length = run(&mut search, PIECE, broker, seconds);
    assert!(search.is_over());
    length
}

#[test]
fn the_quickest_length_is_found_within_seconds() {
    assert_eq!(found(mosquitto, 3.5), PIECE);
    assert_eq!(found(nats, 2.0), 65_536);
    assert_eq!(found(one_block, 3.5), BLOCK);
    // The same at all lengths, and slow: nothing is gained by short ones.
    assert_eq!(found(|_| 100e6, 3.0), MAX_FRAME);
    assert_eq!(found(|_| 2e6, 40.0), MAX_FRAME);
    // As the station.
    assert_eq!(
        found(|length| 300e6 * (length as f64 / 262e3).min(1.0), 3.0),
        MAX_FRAME
    );
}

/// At first the window is short and the broker has not warmed up.
#[test]
fn a_rate_that_still_grows_is_waited_for() {
    let mut gauge = Gauge::default();
    let flow = |bytes| Flow {
        bytes,
        spans: 2,
        took: MEASURE,
    };
    for bytes in [1_000_000, 2_000_000, 4_000_000] {
        assert_eq!(gauge.take(flow(bytes)), None);
    }
    assert_eq!(gauge.take(flow(3_900_000)), Some(flow(4_000_000).rate()));
    let mut endless = Gauge::default();
    let taken = (0..MOST_MEASURED).find_map(|time| endless.take(flow(1000 << time)));
    assert_eq!(taken, Some(flow(1000 << (MOST_MEASURED - 1)).rate()));
}

/// Each 4 KiB that come in let as many go out: only what waits with nothing behind it tells.
#[test]
fn a_slowness_that_hides_at_first_is_found_out() {
    for most in [BLOCK, 65_536, MAX_FRAME] {
        for hidden in [1 << 20, 3 << 20, 8 << 20] {
            let mut search = Search::new(None);
            let (mut current, mut long, mut clock) = (PIECE, 0, 0.0);
            while clock < 30.0 {
                let bytes = 4 * current.max(65_536);
                long = if current > PIECE { long + bytes } else { 0 };
                let rate = mosquitto(if long < hidden { PIECE } else { current });
                let took = bytes as f64 / rate;
                clock += took;
                let took = Duration::from_secs_f64(took);
                current = search.on_flow((current, most), bytes, took);
            }
            assert_eq!(
                (current, search.is_over()),
                (PIECE, true),
                "{most} {hidden}"
            );
        }
    }
}

/// A machine that does too much else when the first packets go out makes the shortest length look as
/// slow as any.
#[test]
fn a_first_measurement_that_was_held_up_does_not_stand() {
    for goal in [None, Some(65_536)] {
        let mut search = Search::new(goal);
        let held_up = Duration::from_millis(400);
        let current = search.on_flow((PIECE, MAX_FRAME), 20_000, held_up);
        assert_eq!(current, BLOCK);
        let length = run(&mut search, current, mosquitto, 150.0);
        assert_eq!((length, search.is_over()), (PIECE, true), "{goal:?}");
    }
}

#[test]
fn a_length_of_which_nothing_arrives_is_given_up() {
    let mut search = Search::new(None);
    let quick = Duration::from_millis(30);
    let first = search.on_flow((PIECE, MAX_FRAME), 1 << 20, quick);
    assert_eq!(first, BLOCK);
    assert_eq!(search.window(first), Some(CAREFUL));
    let stalled = search.on_stall(first);
    assert_eq!((stalled, search.window(stalled)), (PIECE, None));
    for _ in 0..2 {
        assert!(!search.is_over());
        let length = search.on_flow((PIECE, MAX_FRAME), 4 << 20, MEASURE);
        assert_eq!(length, PIECE);
    }
    assert!(search.is_over());
}

#[test]
fn a_line_that_stands_still_says_nothing_of_lengths() {
    // Before anything arrived.
    let mut search = Search::new(None);
    for _ in 0..9 {
        assert_eq!(search.on_stall(PIECE), PIECE);
    }
    let length = run(&mut search, PIECE, mosquitto, 4.0);
    assert_eq!((length, search.is_over()), (PIECE, true));
    // And after the best was found.
    for _ in 0..9 {
        assert_eq!(search.on_stall(PIECE), PIECE);
    }
    assert_eq!(run(&mut search, PIECE, mosquitto, 4.0), PIECE);
    assert!(search.is_over());
    let mut long = Search::new(None);
    let length = run(&mut long, PIECE, |_| 100e6, 3.0);
    for _ in 0..9 {
        assert_eq!(long.on_stall(length), MAX_FRAME);
    }
    assert!(long.is_over());
}

#[test]
fn a_length_that_was_found_before_is_gone_up_to_and_not_beyond() {
    let mut search = Search::new(Some(65_536));
    assert_eq!(run(&mut search, PIECE, |_| 100e6, 0.1), 65_536);
    assert!(search.is_over());
    // Not if it is far slower by now.
    let mut search = Search::new(Some(MAX_FRAME));
    assert_eq!(run(&mut search, PIECE, mosquitto, 4.0), PIECE);
    // And in the end what is longer gets its chance, as the broker may be a newer one.
    let mut search = Search::new(Some(PIECE));
    assert_eq!(run(&mut search, PIECE, |_| 100e6, 1.0), PIECE);
    assert_eq!(run(&mut search, PIECE, |_| 100e6, 65.0), MAX_FRAME);
}

#[test]
fn what_was_found_is_found_anew_when_it_is_not_true_any_more() {
    let mut search = Search::new(None);
    let length = run(&mut search, PIECE, |_| 100e6, 3.0);
    assert_eq!(length, MAX_FRAME);
    // Another broker took its place, and the first frames take long.
    assert_eq!(run(&mut search, length, mosquitto, 120.0), PIECE);
    assert!(search.is_over());
    // It is updated: after a while longer ones are tried again.
    assert_eq!(run(&mut search, PIECE, |_| 100e6, 70.0), MAX_FRAME);
}

#[test]
fn a_longer_one_is_tried_more_and_more_rarely() {
    for (broker, best) in [
        (mosquitto as Broker, PIECE),
        (one_block, BLOCK),
        (nats, 65_536),
    ] {
        let mut search = Search::new(None);
        let mut current = run(&mut search, PIECE, broker, 4.0);
        let mut tries = 0;
        for _ in 0..1200 {
            let before = search.retry.0;
            current = run(&mut search, current, broker, 1.0);
            tries += u32::from(search.retry.0 > before);
        }
        assert!((1..=3).contains(&tries), "{tries}");
        assert_eq!(current, best);
    }
}
