//! The lengths that packets may have: a step is about twice as long as the one before.

use crate::layout::BLOCK;

/// The shortest packets that frames go in, with everything in them; bytes. Mosquitto up to 2.0
/// writes up to so much to a WebSocket at once, and of anything longer as much for each turn of its
/// main loop.
pub(crate) const PIECE: u64 = 4096;
/// Bytes of plaintext in the longest frame. Each frame has its price, so long ones are faster; but
/// many brokers stop at 1 MiB.
pub(crate) const MAX_FRAME: u64 = 896 * 1024;
/// The longest length to try that is not above `length`.
pub(super) fn step(length: u64) -> u64 {
    match length {
        MAX_FRAME.. => MAX_FRAME,
        BLOCK.. => 1 << length.ilog2(),
        _ => PIECE,
    }
}

/// The next shorter length.
pub(super) fn shorter(length: u64) -> u64 {
    if length > BLOCK {
        step(length - 1)
    } else {
        PIECE
    }
}

/// The next longer one.
pub(super) fn longer(length: u64) -> u64 {
    match length {
        BLOCK.. => (length * 2).min(MAX_FRAME),
        _ => BLOCK,
    }
}
