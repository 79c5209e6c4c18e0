//! Packets on their way to the broker: bounded, and gathered so that short ones go together.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use tokio::sync::Notify;

/// No more is taken while so many bytes wait, or are being written. Enough to keep a connection
/// busy, and little enough that a control message is not stuck behind for long. Bytes.
const ROOM: usize = 1024 * 1024;

/// Room is told of once so much of it is free that telling is worth it. Bytes.
const ROOM_AGAIN: usize = ROOM / 2;

/// Packets up to this are joined to pieces of up to [`TOGETHER`]: each piece has its price, as a
/// record of TLS or a message of a WebSocket. Bytes.
const SHORT: usize = 8 * 1024;
const TOGETHER: usize = 64 * 1024;

/// The writer takes about so much at once, so that room is told of in between. Bytes.
const BATCH: usize = 256 * 1024;

/// The packets that wait to be written.
#[derive(Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
    /// There is more, or it is closing.
    news: Notify,
}

#[derive(Default)]
struct State {
    packets: VecDeque<Bytes>,
    /// Bytes that wait or are being written.
    bytes: usize,
    is_open: bool,
    /// Nothing is added any more.
    is_closing: bool,
    /// Somebody was told that there is no room.
    is_awaited: bool,
}

impl Outbox {
    /// The connection is there.
    pub(super) fn open(&self) {
        self.state().is_open = true;
    }

    pub(super) fn is_open(&self) -> bool {
        self.state().is_open
    }

    pub(super) fn has_room(&self) -> bool {
        let mut state = self.state();
        let has_room = state.bytes < ROOM;
        state.is_awaited |= !has_room;
        state.is_open && !state.is_closing && has_room
    }

    /// Takes a packet, which goes out with the next [`Self::flush`] at the latest.
    pub(super) fn push(&self, packet: Bytes) {
        let mut state = self.state();
        if state.is_open && !state.is_closing {
            state.bytes += packet.len();
            state.packets.push_back(packet);
        }
    }

    pub(super) fn flush(&self) {
        self.news.notify_one();
    }

    /// Ends after what is in here.
    pub(super) fn close(&self) {
        self.state().is_closing = true;
        self.news.notify_one();
    }

    /// Waits for packets and joins what is short; `None` when it is closed and empty.
    pub(super) async fn take(&self) -> Option<Vec<Bytes>> {
        loop {
            let (packets, is_closing) = {
                let mut state = self.state();
                (state.take(), state.is_closing)
            };
            if !packets.is_empty() {
                return Some(join(packets));
            }
            if is_closing {
                return None;
            }
            self.news.notified().await;
        }
    }

    /// So many bytes of what was taken were written. Returns whether there is room again and somebody
    /// waits for it.
    pub(super) fn written(&self, bytes: usize) -> bool {
        let mut state = self.state();
        state.bytes = state.bytes.saturating_sub(bytes);
        state.bytes < ROOM_AGAIN && std::mem::take(&mut state.is_awaited)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self) -> Vec<Bytes> {
        let (mut packets, mut bytes) = (Vec::new(), 0);
        while bytes < BATCH
            && let Some(packet) = self.packets.pop_front()
        {
            bytes += packet.len();
            packets.push(packet);
        }
        packets
    }
}

fn join(packets: Vec<Bytes>) -> Vec<Bytes> {
    let mut pieces = Vec::with_capacity(packets.len());
    let mut together = BytesMut::new();
    for packet in packets {
        let is_full = packet.len() > SHORT || together.len() + packet.len() > TOGETHER;
        if is_full && !together.is_empty() {
            pieces.push(together.split().freeze());
        }
        if packet.len() > SHORT {
            pieces.push(packet);
        } else {
            together.extend_from_slice(&packet);
        }
    }
    if !together.is_empty() {
        pieces.push(together.freeze());
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn room_ends_at_a_mebibyte_and_is_told_of_when_half_is_free() {
        let outbox = Outbox::default();
        outbox.push(Bytes::from_static(b"too early"));
        assert!(!outbox.has_room());
        outbox.open();
        let packet = Bytes::from(vec![0; BATCH]);
        for _ in 0..4 {
            assert!(outbox.has_room());
            outbox.push(packet.clone());
        }
        assert!(!outbox.has_room());
        assert_eq!(outbox.take().await, Some(vec![packet]));
        assert!(!outbox.written(BATCH));
        assert!(!outbox.written(BATCH));
        assert!(outbox.written(1));
        // Nobody was told no since.
        assert!(!outbox.written(1));
    }

    #[tokio::test]
    async fn short_packets_go_together_in_their_order_and_all_before_the_end() {
        let outbox = Outbox::default();
        outbox.open();
        let long = Bytes::from(vec![7; SHORT + 1]);
        for packet in [&b"a"[..], b"b", &long, b"c"] {
            outbox.push(Bytes::copy_from_slice(packet));
        }
        outbox.close();
        outbox.push(Bytes::from_static(b"too late"));
        let pieces = outbox.take().await.unwrap();
        assert_eq!(
            pieces,
            [Bytes::from_static(b"ab"), long, Bytes::from_static(b"c")]
        );
        assert_eq!(outbox.take().await, None);
    }
}
