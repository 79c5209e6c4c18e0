//! One client's connection as the broker sees it: a stream of MQTT bytes, with
//! the WebSocket framing, if any, taken off and put on here.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use mqtt5::broker::transport::WebSocketTransport;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::CancellationToken;

use super::frames::{CloseCode, FrameReader, Step};
use super::inspector::{Inspector, Violation};
use super::nameless::Place;
use super::outbox::{Outbox, Wire};
use super::pace::Pace;
use super::seat::Seat;
use super::socket::Socket;
use super::suback;
use crate::seldom::Seldom;

/// Bytes asked of the kernel in one read, at first and at most: the broker itself reads 4 KiB at a
/// time.
const FIRST_READ: usize = 4 * 1024;
const LONGEST_READ: usize = 128 * 1024;

/// WebSocket frames for each packet that a client may send. Browsers send one.
const FRAMES_PER_PACKET: u32 = 4;

static TOO_FAST: Seldom = Seldom::new();

/// The connection of one client, handed to the broker. Dropping it ends the
/// connection after what waits in the outbox is sent.
#[derive(Debug)]
pub(crate) struct Link {
    socket: Arc<Socket>,
    outbox: Arc<Outbox>,
    seat: Arc<Seat>,
    inspector: Inspector,
    /// Bytes of an unfinished packet that are already counted.
    most_passed: usize,
    /// The pace of packets, and that of WebSocket frames.
    pace: Pace,
    frame_pace: Pace,
    stopping: CancellationToken,
    frames: Option<FrameReader>,
    received: Vec<u8>,
    /// The part of `received` that is not consumed yet.
    from: usize,
    to: usize,
}

impl Link {
    /// A link over `socket`, of a client that sends up to `rate` packets a second. When it ends
    /// after `stopping`, the client hears that the station goes away. `early` are bytes that
    /// arrived behind the WebSocket handshake and were read with it.
    pub(crate) fn new(
        socket: Arc<Socket>,
        wire: Wire,
        early: &[u8],
        outbox: Arc<Outbox>,
        seat: Arc<Seat>,
        rate: u32,
        stopping: CancellationToken,
    ) -> Self {
        let mut received = vec![0; FIRST_READ.max(early.len())];
        received[..early.len()].copy_from_slice(early);
        seat.note_buffers(received.len(), 0);
        Self {
            socket,
            outbox,
            inspector: Inspector::new(seat.rules()),
            seat,
            most_passed: 0,
            pace: Pace::new(rate),
            frame_pace: Pace::new(rate.saturating_mul(FRAMES_PER_PACKET)),
            stopping,
            frames: (wire == Wire::WebSocket).then(FrameReader::default),
            received,
            from: 0,
            to: early.len(),
        }
    }

    /// Moves received bytes into `output`.
    fn deliver(&mut self, output: &mut ReadBuf<'_>) -> io::Result<Delivery> {
        let Some(frames) = &mut self.frames else {
            let count = (self.to - self.from).min(output.remaining());
            output.put_slice(&self.received[self.from..self.from + count]);
            self.from += count;
            return Ok(if count == 0 {
                Delivery::Nothing
            } else {
                Delivery::Done
            });
        };
        let input = &self.received[self.from..self.to];
        let (step, used) = match frames.read(input, output.initialize_unfilled()) {
            Ok(step) => step,
            Err(error) => {
                tracing::debug!(peer = %self.socket.peer(), "WebSocket framing broken: {error}");
                self.socket.note_end("it broke the rules of WebSocket");
                self.outbox.end(error.code);
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
        };
        self.from += used;
        self.frame_pace.note_packets(frames.take_begun());
        Ok(match step {
            Step::Payload(count) => {
                output.advance(count);
                Delivery::Done
            }
            Step::Ping(content) => {
                self.pace.note_packets(1);
                self.outbox.send_pong(&content)?;
                Delivery::Skipped
            }
            Step::Skipped => Delivery::Skipped,
            Step::Close => Delivery::End,
            Step::NeedMore => Delivery::Nothing,
        })
    }

    /// Looks at what is about to be handed on.
    fn inspect(&mut self, bytes: &[u8]) -> io::Result<()> {
        let before = self.inspector.passed();
        let packets = match self.inspector.pass(bytes) {
            Ok(packets) => packets,
            Err(violation) => return Err(self.refuse(violation)),
        };
        self.pace.note_packets(packets);
        let found = self.inspector.take_found();
        if !found.is_empty() {
            self.seat.note_found(found);
        }
        // The crate may still hold the packet whose last bytes came now.
        let passed = self.inspector.passed().max(before + bytes.len());
        if passed > self.most_passed {
            // The crate's buffer grows in such steps.
            self.most_passed = passed.next_power_of_two();
            self.seat
                .note_buffers(self.received.len(), self.most_passed);
        }
        if self.pace.first_pause()
            && let Some(others) = TOO_FAST.due()
        {
            tracing::warn!(peer = %self.socket.peer(), others, "limit hit: slowing down a client that sends too many packets, see --max-rate");
        }
        Ok(())
    }

    /// Says why the connection ends, where that can be said.
    fn refuse(&self, violation: Violation) -> io::Error {
        let Violation { code, words } = violation;
        self.socket.note_end(words);
        let answer = if self.seat.is_admitted() {
            &[0xE0, 2, code, 0][..]
        } else {
            &[0x20, 3, 0, code, 0]
        };
        if self.inspector.may_answer_v5() {
            // It fails when the connection is gone already.
            let _ = self.outbox.send(answer);
        }
        self.outbox.end(CloseCode::Normal);
        io::Error::new(io::ErrorKind::InvalidData, words)
    }

    /// Makes room behind what is not consumed yet, at most an incomplete header. Who sends much
    /// gets more room.
    fn make_room(&mut self) {
        if self.to == self.received.len() && self.to < LONGEST_READ {
            let longer = (2 * self.to).min(LONGEST_READ);
            self.received.resize(longer, 0);
            self.seat.note_buffers(longer, 0);
        }
        self.received.copy_within(self.from..self.to, 0);
        self.to -= self.from;
        self.from = 0;
    }

    /// Sends a packet of the broker.
    fn send(&self, packet: &[u8]) -> io::Result<()> {
        if self.seat.listener.is_ended() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.seat.note_sent(packet);
        let Some(&first) = packet.first() else {
            return Ok(());
        };
        if first >> 4 == 9 {
            let refused = self.seat.listener.take_refused();
            if self.inspector.is_v5()
                && let Some(suback) = suback::with_quota(packet, &refused)
            {
                return self.outbox.send(&suback);
            }
        }
        if first >> 4 != 3 {
            return self.outbox.send(packet);
        }
        let Some(place) = Place::of(packet) else {
            return self.outbox.send(packet);
        };
        if let Some(id) = place.packet_id {
            self.seat.note_sent_as(id, packet.len());
        }
        if self.inspector.is_v5()
            && let Some(nameless) = place.without_names(packet)
        {
            return self.outbox.send(&nameless);
        }
        self.outbox.send(packet)
    }
}

enum Delivery {
    Done,
    /// Something without bytes for the broker was consumed.
    Skipped,
    Nothing,
    End,
}

impl AsyncRead for Link {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        output: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let link = self.get_mut();
        if link.inspector.knows_the_client() && !link.seat.is_admitted() {
            // No waker is needed: the broker reads anew once it let the client
            // in, and gives up by itself when that takes too long.
            return Poll::Pending;
        }
        loop {
            // Bytes that are here already could be read after the end.
            if link.seat.listener.is_ended() {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            ready!(link.pace.poll(cx));
            ready!(link.frame_pace.poll(cx));
            ready!(link.seat.poll_room(cx));
            let before = output.filled().len();
            match link.deliver(output)? {
                Delivery::Done => {
                    link.inspect(&output.filled()[before..])?;
                    return Poll::Ready(Ok(()));
                }
                Delivery::End => return Poll::Ready(Ok(())),
                Delivery::Skipped => continue,
                Delivery::Nothing => {}
            }
            // Reading without waiting takes no part in what the runtime lets a task do in one go.
            let turn = ready!(tokio::task::coop::poll_proceed(cx));
            link.make_room();
            let count = ready!(link.socket.poll_read(cx, &mut link.received[link.to..]))?;
            turn.made_progress();
            match count {
                0 => return Poll::Ready(Ok(())),
                count => link.to += count,
            }
        }
    }
}

impl AsyncWrite for Link {
    /// Takes `packet` whole: the broker writes one MQTT packet at a time.
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        packet: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.send(packet).map(|()| packet.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outbox.end(CloseCode::Normal);
        Poll::Ready(Ok(()))
    }
}

impl WebSocketTransport for Link {
    fn peer_addr(&self) -> mqtt5::Result<SocketAddr> {
        Ok(self.socket.peer())
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.outbox.end(if self.stopping.is_cancelled() {
            CloseCode::GoingAway
        } else {
            CloseCode::Normal
        });
    }
}

#[cfg(test)]
mod tests {
    use mqtt5::broker::router::MessageRouter;
    use mqtt5::broker::storage::{DynamicStorage, MemoryBackend};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::super::audience::Audience;
    use super::super::limits::QueueLimits;
    use super::super::rules::Rules;
    use super::super::sessions::Sessions;
    use super::super::socket::pair;
    use super::*;

    #[tokio::test]
    async fn a_stranger_is_read_as_far_as_its_connect_and_on_once_it_is_in() {
        let (socket, mut client) = pair().await.unwrap();
        let rules = Rules { is_open: false };
        let audience = Arc::new(Audience::new(rules, QueueLimits::default()));
        let gauge = audience.ledger.gauge();
        let outbox = Outbox::new(
            Arc::clone(&socket),
            Wire::Plain,
            gauge.clone(),
            QueueLimits::default(),
        );
        let storage = Arc::new(DynamicStorage::Memory(MemoryBackend::new()));
        let router = Arc::new(MessageRouter::with_storage(Arc::clone(&storage)));
        let sessions = Sessions::new(router, storage, Arc::clone(&audience), 1);
        let seat = Seat::new(&audience, &sessions, gauge, &socket);
        let connect = [&[0x10, 13, 0, 4][..], b"MQTT", &[4, 2, 0, 60, 0, 1, b'i']].concat();
        let mut link = Link::new(
            socket,
            Wire::Plain,
            &connect[..5],
            outbox,
            Arc::clone(&seat),
            1_000_000,
            CancellationToken::new(),
        );
        let pings = [0xC0, 0].repeat(1024 * 1024);
        let total = connect.len() + pings.len();
        let sent = [&connect[5..], &pings[..]].concat();
        let sending = tokio::spawn(async move {
            client.write_all(&sent).await.unwrap();
            client
        });

        let mut chunk = [0; 4096];
        let mut received = 0;
        while !link.inspector.knows_the_client() {
            received += link.read(&mut chunk).await.unwrap();
        }
        assert!(received <= connect.len() + chunk.len());
        let next = std::future::poll_fn(|cx| {
            let mut buffer = ReadBuf::new(&mut chunk);
            Poll::Ready(Pin::new(&mut link).poll_read(cx, &mut buffer).is_pending())
        });
        assert!(next.await, "not before it is let in");

        seat.admit();
        while received < total {
            let count = link.read(&mut chunk).await.unwrap();
            assert_ne!(count, 0, "the client is still there");
            received += count;
        }
        drop(sending.await.unwrap());
    }
}
