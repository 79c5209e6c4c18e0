//! What waits to be written to one client's socket, with a bound in bytes.
//!
//! The broker's own queues count messages, not bytes, and stop while a client
//! does not read. So the broker always gets rid of a packet here at once: it goes
//! straight into the socket while that has room, waits here otherwise, and
//! beyond the bound a QoS 0 PUBLISH is dropped, as MQTT allows. A client that
//! takes nothing for a minute, or lets even its acknowledged messages pile up,
//! is let go of.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

use super::frames::{self, CloseCode, LONGEST_HEADER};
use super::pressure::Gauge;

/// Waiting bytes beyond which QoS 0 PUBLISH packets are dropped.
const DROP_ABOVE: usize = 16 * 1024 * 1024;
/// Waiting bytes beyond which the connection is given up: everything that is
/// not QoS 0 counts on arriving.
const GIVE_UP_ABOVE: usize = 32 * 1024 * 1024;
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
    socket: Arc<TcpStream>,
    wire: Wire,
    state: Mutex<State>,
    work: Notify,
    gauge: Gauge,
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
    pub(crate) fn new(socket: Arc<TcpStream>, wire: Wire, gauge: Gauge) -> Arc<Self> {
        Arc::new(Self {
            socket,
            wire,
            state: Mutex::default(),
            work: Notify::new(),
            gauge,
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
        if may_be_dropped && state.waiting > 0 && state.waiting + total > DROP_ABOVE {
            tracing::trace!("dropped a QoS 0 message for a client that does not keep up");
            return Ok(());
        }
        if state.waiting > GIVE_UP_ABOVE {
            tracing::warn!("closing the connection of a client that does not keep up");
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
            return Ok(());
        }
        state.append(
            &header[written.min(header.len())..],
            &packet[written.saturating_sub(header.len())..],
        );
        self.gauge.set(state.waiting);
        drop(state);
        self.work.notify_one();
        Ok(())
    }

    /// Hands the kernel what it takes without waiting.
    fn write_now(&self, header: &[u8], packet: &[u8]) -> io::Result<usize> {
        match self
            .socket
            .try_write_vectored(&[IoSlice::new(header), IoSlice::new(packet)])
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
                (state.pieces.is_empty(), state.ending)
            };
            match (empty, ending) {
                (true, Some(code)) => return Some(code),
                (true, None) => self.work.notified().await,
                (false, ending) => {
                    let limit = ending.map_or(STALL_LIMIT, |_| GOODBYE_LIMIT);
                    if !matches!(timeout(limit, self.socket.writable()).await, Ok(Ok(()))) {
                        tracing::debug!("a client took no bytes for {limit:?}");
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
        let written = {
            let mut slices = Vec::with_capacity(state.pieces.len().min(PIECES_PER_WRITE));
            for (index, piece) in state.pieces.iter().take(PIECES_PER_WRITE).enumerate() {
                let from = if index == 0 { state.written } else { 0 };
                slices.push(IoSlice::new(&piece[from..]));
            }
            match self.socket.try_write_vectored(&slices) {
                Ok(written) => written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        };
        state.advance(written);
        self.gauge.set(state.waiting);
        Ok(())
    }

    async fn say_goodbye(&self, code: CloseCode) {
        if self.wire == Wire::WebSocket {
            let frame = frames::close(code);
            let mut rest = &frame[..];
            while !rest.is_empty() && self.socket.writable().await.is_ok() {
                match self.socket.try_write(rest) {
                    Ok(count) => rest = &rest[count..],
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(_) => return,
                }
            }
        }
        // Closing with unread input would reset the connection and could take
        // the last packets with it: stop sending, then read until the peer closes.
        if SockRef::from(&*self.socket)
            .shutdown(Shutdown::Write)
            .is_err()
        {
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
            self.gauge.set(0);
        }
        self.work.notify_one();
        // It may be closed already; then there is nothing left to do.
        let _ = SockRef::from(&*self.socket).shutdown(Shutdown::Both);
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

/// Whether the packet is a PUBLISH with QoS 0 (OASIS MQTT 5.0, section 3.3.1).
fn is_qos0_publish(packet: &[u8]) -> bool {
    packet.first().is_some_and(|first| first & 0xF6 == 0x30)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    async fn connected() -> (Arc<TcpStream>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (client, accepted) = tokio::join!(client, listener.accept());
        (Arc::new(accepted.unwrap().0), client.unwrap())
    }

    fn publish(qos: u8, length: usize) -> Vec<u8> {
        let mut packet = vec![0; length];
        packet[0] = 0x30 | qos << 1;
        packet
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_costs_a_bounded_number_of_bytes() {
        let (socket, _client) = connected().await;
        let outbox = Outbox::new(socket, Wire::WebSocket, Gauge::default());
        let packet = publish(0, 256 * 1024);
        for _ in 0..1000 {
            outbox.send(&packet).unwrap();
            assert!(outbox.lock().waiting <= DROP_ABOVE);
        }
        assert!(outbox.lock().waiting > DROP_ABOVE - 2 * packet.len());

        let acknowledged = publish(1, 1024 * 1024);
        let mut accepted = 0;
        while outbox.send(&acknowledged).is_ok() {
            accepted += acknowledged.len();
            assert!(accepted <= GIVE_UP_ABOVE);
        }
        assert!(
            accepted >= DROP_ABOVE / 2,
            "the reserve is for acknowledged messages"
        );
        assert_eq!(outbox.lock().waiting, 0, "giving up frees the memory");
    }

    #[tokio::test]
    async fn everything_arrives_in_order_and_then_the_stream_ends() {
        let (socket, mut client) = connected().await;
        let outbox = Outbox::new(socket, Wire::Plain, Gauge::default());
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
