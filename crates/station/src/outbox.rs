//! The bytes that wait to be written to one client's socket, and their bound.
//!
//! The broker's own queues count messages, not bytes, and stop while a client
//! does not read. So the broker always gets rid of a packet here at once: it goes
//! straight into the socket while that has room, waits here otherwise, and
//! beyond the bound a QoS 0 PUBLISH is dropped, as MQTT allows. A client that
//! takes nothing for a minute, or lets even its acknowledged messages pile up,
//! is let go of.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

use super::frames::{self, CloseCode, LONGEST_HEADER};
use super::gauge::Gauge;
use super::limits::QueueLimits;
use super::socket::Socket;
use crate::seldom::Seldom;

/// A socket that takes no byte for so long belongs to nobody any more.
const STALL_LIMIT: Duration = Duration::from_secs(60);
/// How long the last bytes and the goodbye may take when a connection ends.
const GOODBYE_LIMIT: Duration = Duration::from_secs(1);
/// From this length on, in bytes, a packet is worth a call of its own.
const LONG_PACKET: usize = 16 * 1024;
/// The longest piece that short packets share, in bytes.
const LONGEST_SHARED: usize = 64 * 1024;
/// Pieces handed to the kernel in one call.
const PIECES_PER_WRITE: usize = 64;

static DROPPED: Seldom = Seldom::new();
static GIVEN_UP: Seldom = Seldom::new();

/// How packets are wrapped on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Plain MQTT over TCP.
    Plain,
    /// One binary WebSocket message for each packet.
    WebSocket,
}

/// The sending side of one connection, shared by the broker and a writer task.
#[derive(Debug)]
pub(crate) struct Outbox {
    socket: Arc<Socket>,
    wire: Wire,
    state: Mutex<State>,
    work: Notify,
    gauge: Gauge,
    limits: QueueLimits,
}

#[derive(Debug, Default)]
struct State {
    pieces: VecDeque<Vec<u8>>,
    /// Bytes of the first piece that are already written.
    written: usize,
    waiting: usize,
    ending: Option<CloseCode>,
    broken: bool,
}

impl Outbox {
    /// An empty outbox; [`Outbox::run`] must run beside it.
    pub(crate) fn new(
        socket: Arc<Socket>,
        wire: Wire,
        gauge: Gauge,
        limits: QueueLimits,
    ) -> Arc<Self> {
        Arc::new(Self {
            socket,
            wire,
            state: Mutex::default(),
            work: Notify::new(),
            gauge,
            limits,
        })
    }

    /// Takes one whole MQTT packet to send. Never waits.
    ///
    /// # Errors
    /// When the connection is over, or is given up now because too much waits.
    pub(crate) fn send(&self, packet: &[u8]) -> io::Result<()> {
        let mut buffer = [0; LONGEST_HEADER];
        let header = match self.wire {
            Wire::Plain => &[][..],
            Wire::WebSocket => frames::binary_header(packet.len(), &mut buffer),
        };
        self.push(header, packet, is_qos0_publish(packet))
    }

    /// Answers a WebSocket ping.
    ///
    /// # Errors
    /// As [`Outbox::send`].
    pub(crate) fn send_pong(&self, content: &[u8]) -> io::Result<()> {
        self.push(&[], &frames::pong(content), false)
    }

    /// Ends the connection after what waits is sent, with a close frame where
    /// the wire has one. The first call decides on the code.
    pub(crate) fn end(&self, code: CloseCode) {
        self.lock().ending.get_or_insert(code);
        self.work.notify_one();
    }

    /// Writes what waits until the connection ends, then says goodbye.
    pub(crate) async fn run(self: Arc<Self>) {
        let ended = self.write_until_ended().await;
        if let Some(code) = ended
            && timeout(GOODBYE_LIMIT, self.say_goodbye(code))
                .await
                .is_err()
        {
            tracing::debug!("a client did not take the last bytes");
        }
        self.break_off();
    }

    fn push(&self, header: &[u8], packet: &[u8], may_be_dropped: bool) -> io::Result<()> {
        let mut state = self.lock();
        if state.broken || state.ending.is_some() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let total = header.len() + packet.len();
        let all_together = self.gauge.ledger().total() + total > self.limits.total;
        let is_long = state.waiting + total > self.limits.drop_above;
        if may_be_dropped && state.waiting > 0 && (is_long || all_together) {
            if let Some(others) = DROPPED.due() {
                tracing::warn!(peer = %self.socket.peer(), others, "limit hit: dropping QoS 0 messages for a client that does not keep up, see --max-queue and --max-queue-total");
            }
            return Ok(());
        }
        // If all are too much together, those that hold most of it make room.
        if state.waiting > self.limits.give_up_above
            || all_together && state.waiting > self.limits.behind_from
        {
            if let Some(others) = GIVEN_UP.due() {
                tracing::warn!(peer = %self.socket.peer(), others, "limit hit: closing the connection of a client that does not keep up, see --max-queue and --max-queue-total");
            }
            self.socket.note_end("too much was waiting for it");
            drop(state);
            self.break_off();
            return Err(io::ErrorKind::TimedOut.into());
        }
        // Long packets skip the queue and a copy; short ones are cheaper together.
        let written = if state.pieces.is_empty() && total >= LONG_PACKET {
            match self.write_now(header, packet) {
                Ok(written) => written,
                Err(error) => {
                    state.broken = true;
                    return Err(error);
                }
            }
        } else {
            0
        };
        if written == total {
            if self.socket.has_unsent() {
                self.work.notify_one();
            }
            return Ok(());
        }
        state.append(
            &header[written.min(header.len())..],
            &packet[written.saturating_sub(header.len())..],
        );
        self.gauge.set_waiting(state.waiting);
        drop(state);
        self.work.notify_one();
        Ok(())
    }

    /// Hands the kernel what it takes without waiting.
    fn write_now(&self, header: &[u8], packet: &[u8]) -> io::Result<usize> {
        match self
            .socket
            .try_write_vectored(&mut [IoSlice::new(header), IoSlice::new(packet)])
        {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            result => result,
        }
    }

    async fn write_until_ended(&self) -> Option<CloseCode> {
        loop {
            let (empty, ending) = {
                let state = self.lock();
                if state.broken {
                    return None;
                }
                (
                    state.pieces.is_empty() && !self.socket.has_unsent(),
                    state.ending,
                )
            };
            match (empty, ending) {
                (true, Some(code)) => return Some(code),
                (true, None) => self.work.notified().await,
                (false, ending) => {
                    let limit = ending.map_or(STALL_LIMIT, |_| GOODBYE_LIMIT);
                    if !matches!(timeout(limit, self.socket.writable()).await, Ok(Ok(()))) {
                        self.socket.note_end("it took no bytes for too long");
                        return None;
                    }
                    if self.write_some().is_err() {
                        return None;
                    }
                }
            }
        }
    }

    fn write_some(&self) -> io::Result<()> {
        let mut state = self.lock();
        if state.pieces.is_empty() {
            return self.socket.try_flush().map(|_| ());
        }
        let written = {
            let mut slices = Vec::with_capacity(state.pieces.len().min(PIECES_PER_WRITE));
            for (index, piece) in state.pieces.iter().take(PIECES_PER_WRITE).enumerate() {
                let from = if index == 0 { state.written } else { 0 };
                slices.push(IoSlice::new(&piece[from..]));
            }
            match self.socket.try_write_vectored(&mut slices) {
                Ok(written) => written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        };
        state.advance(written);
        self.gauge.set_waiting(state.waiting);
        Ok(())
    }

    async fn say_goodbye(&self, code: CloseCode) {
        if self.wire == Wire::WebSocket {
            let frame = frames::close(code);
            let mut rest = &frame[..];
            while !rest.is_empty() {
                let sending = poll_fn(|cx| {
                    self.socket
                        .poll_write_vectored(cx, &mut [IoSlice::new(rest)])
                });
                match sending.await {
                    Ok(count) => rest = &rest[count..],
                    Err(_) => return,
                }
            }
        }
        // Closing with unread input would reset the connection and could take
        // the last packets with it: stop sending, then read until the peer closes.
        if poll_fn(|cx| self.socket.poll_finish(cx)).await.is_err() {
            return;
        }
        let deadline = Instant::now() + GOODBYE_LIMIT;
        let mut ignored = vec![0; 16 * 1024];
        while matches!(
            timeout_at(deadline, self.socket.readable()).await,
            Ok(Ok(()))
        ) {
            match self.socket.try_read(&mut ignored) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }

    /// Ends the connection now: the reading side then sees its end as well.
    fn break_off(&self) {
        {
            let mut state = self.lock();
            state.broken = true;
            state.pieces = VecDeque::new();
            state.written = 0;
            state.waiting = 0;
            self.gauge.set_waiting(0);
        }
        self.work.notify_one();
        self.socket.break_off();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Queues a packet, short ones behind one another in one piece.
    fn append(&mut self, header: &[u8], packet: &[u8]) {
        let total = header.len() + packet.len();
        self.waiting += total;
        if let Some(last) = self.pieces.back_mut()
            && last.len() + total <= LONGEST_SHARED
        {
            last.extend_from_slice(header);
            last.extend_from_slice(packet);
            return;
        }
        let mut piece = Vec::with_capacity(total);
        piece.extend_from_slice(header);
        piece.extend_from_slice(packet);
        self.pieces.push_back(piece);
    }

    fn advance(&mut self, mut count: usize) {
        self.waiting = self.waiting.saturating_sub(count);
        while let Some(first) = self.pieces.front() {
            let left = first.len() - self.written;
            if count < left {
                self.written += count;
                return;
            }
            count -= left;
            self.written = 0;
            self.pieces.pop_front();
        }
    }
}

/// Tells whether the packet is a PUBLISH with QoS 0 (OASIS MQTT 5.0, section 3.3.1).
fn is_qos0_publish(packet: &[u8]) -> bool {
    packet.first().is_some_and(|first| first & 0xF6 == 0x30)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::super::gauge::Ledger;
    use super::super::socket::pair;
    use super::*;

    fn publish(qos: u8, length: usize) -> Vec<u8> {
        let mut packet = vec![0; length];
        packet[0] = 0x30 | qos << 1;
        packet
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_costs_a_bounded_number_of_bytes() {
        let (socket, _client) = pair().await.unwrap();
        let limits = QueueLimits::default();
        let outbox = Outbox::new(socket, Wire::WebSocket, Gauge::default(), limits);
        let packet = publish(0, 256 * 1024);
        for _ in 0..1000 {
            outbox.send(&packet).unwrap();
            assert!(outbox.lock().waiting <= limits.drop_above);
        }
        assert!(outbox.lock().waiting > limits.drop_above - 2 * packet.len());

        let acknowledged = publish(1, 1024 * 1024);
        let mut accepted = 0;
        while outbox.send(&acknowledged).is_ok() {
            accepted += acknowledged.len();
            assert!(accepted <= limits.give_up_above);
        }
        assert!(
            accepted >= limits.drop_above / 2,
            "the reserve is for acknowledged messages"
        );
        assert_eq!(outbox.lock().waiting, 0, "giving up frees the memory");
    }

    #[tokio::test]
    async fn where_all_are_too_much_together_those_who_wait_for_most_make_room() {
        let limits = QueueLimits {
            total: 3 * 1024 * 1024,
            behind_from: 1024 * 1024,
            ..QueueLimits::default()
        };
        let ledger = Ledger::new(limits.behind_from, limits.total);
        let outbox = |socket| Outbox::new(socket, Wire::Plain, ledger.gauge(), limits);
        let (socket, _greedy) = pair().await.unwrap();
        let greedy = outbox(socket);
        let (socket, _modest) = pair().await.unwrap();
        let modest = outbox(socket);

        let small = publish(1, 1024);
        modest.send(&small).unwrap();
        let long = publish(0, 512 * 1024);
        for _ in 0..100 {
            greedy.send(&long).unwrap();
        }
        let waiting = greedy.gauge.ledger().total();
        assert!(waiting <= limits.total && waiting > limits.total - 2 * long.len());

        modest.send(&publish(1, 1024 * 1024)).unwrap();
        assert!(
            greedy.send(&publish(1, 1024 * 1024)).is_err(),
            "it waits for most"
        );
        modest.send(&small).unwrap();
        assert!(modest.gauge.ledger().total() < limits.total);
    }

    #[tokio::test]
    async fn everything_arrives_in_order_and_then_the_stream_ends() {
        let (socket, mut client) = pair().await.unwrap();
        let limits = QueueLimits::default();
        let outbox = Outbox::new(socket, Wire::Plain, Gauge::default(), limits);
        let writer = tokio::spawn(Arc::clone(&outbox).run());
        let mut expected = Vec::new();
        for round in 0..60_u8 {
            let mut packet = publish(1, 100_000);
            packet[1..].fill(round);
            outbox.send(&packet).unwrap();
            expected.extend_from_slice(&packet);
        }
        outbox.end(CloseCode::Normal);
        assert!(
            outbox.send(&[0xD0, 0]).is_err(),
            "nothing is accepted after the end"
        );
        let mut received = Vec::new();
        client.read_to_end(&mut received).await.unwrap();
        assert!(received == expected);
        drop(client);
        writer.await.unwrap();
    }

    #[test]
    fn only_qos_0_publish_packets_may_be_dropped() {
        assert!(is_qos0_publish(&[0x30]) && is_qos0_publish(&[0x31]));
        for first in [0x32, 0x34, 0x3A, 0x40, 0x20, 0xD0, 0xE0] {
            assert!(!is_qos0_publish(&[first]), "{first:#x}");
        }
        assert!(!is_qos0_publish(&[]));
    }
}
