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
use super::outbox::{Outbox, Wire};
use super::pace::Pace;
use super::pressure::Admission;
use super::socket::Socket;
use crate::logs::Seldom;

/// Bytes asked of the kernel in one read: the broker itself reads 4 KiB at a time.
const READ_SIZE: usize = 128 * 1024;

/// Bytes handed on before the broker has accepted the CONNECT: strangers must not
/// fill memory. The longest CONNECT that makes sense is far shorter.
const MOST_BEFORE_ADMISSION: usize = 1024 * 1024;

static TOO_FAST: Seldom = Seldom::new();

/// The connection of one client, handed to the broker. Dropping it ends the
/// connection after what waits in the outbox is sent.
#[derive(Debug)]
pub(crate) struct Link {
    socket: Arc<Socket>,
    outbox: Arc<Outbox>,
    admission: Admission,
    pace: Pace,
    /// Bytes handed on before the client was let in.
    before_admission: usize,
    stopping: CancellationToken,
    frames: Option<FrameReader>,
    received: Vec<u8>,
    /// The part of `received` that is not consumed yet.
    from: usize,
    to: usize,
}

impl Link {
    /// A link over `socket`. When it ends after `stopping`, the client hears that
    /// the station goes away. `early` are bytes that arrived behind the
    /// WebSocket handshake and were read with it.
    pub(crate) fn new(
        socket: Arc<Socket>,
        wire: Wire,
        early: &[u8],
        outbox: Arc<Outbox>,
        admission: Admission,
        pace: Pace,
        stopping: CancellationToken,
    ) -> Self {
        let mut received = vec![0; READ_SIZE.max(early.len())];
        received[..early.len()].copy_from_slice(early);
        Self {
            socket,
            outbox,
            admission,
            pace,
            stopping,
            frames: (wire == Wire::WebSocket).then(FrameReader::default),
            before_admission: 0,
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
        loop {
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
            match step {
                Step::Payload(count) => {
                    output.advance(count);
                    return Ok(Delivery::Done);
                }
                Step::Ping(content) => {
                    self.pace.note_packets(1);
                    self.outbox.send_pong(&content)?;
                }
                Step::Close => return Ok(Delivery::End),
                Step::NeedMore => return Ok(Delivery::Nothing),
            }
        }
    }

    /// Counts what is handed on.
    fn note(&mut self, bytes: &[u8]) {
        if !self.admission.is_open() {
            self.before_admission += bytes.len();
        }
        self.pace.note(bytes);
        if self.pace.first_pause()
            && let Some(others) = TOO_FAST.due()
        {
            tracing::warn!(peer = %self.socket.peer(), others, "limit hit: slowing down a client that sends too many packets, see --max-rate");
        }
    }

    /// Makes room behind what is not consumed yet, at most an incomplete header.
    fn make_room(&mut self) {
        self.received.copy_within(self.from..self.to, 0);
        self.to -= self.from;
        self.from = 0;
    }
}

enum Delivery {
    Done,
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
        if link.before_admission > MOST_BEFORE_ADMISSION && !link.admission.is_open() {
            // No waker is needed: the broker reads anew once it let the client
            // in, and gives up by itself when that takes too long.
            return Poll::Pending;
        }
        loop {
            ready!(link.pace.poll(cx));
            let before = output.filled().len();
            match link.deliver(output)? {
                Delivery::Done => {
                    link.note(&output.filled()[before..]);
                    return Poll::Ready(Ok(()));
                }
                Delivery::End => return Poll::Ready(Ok(())),
                Delivery::Nothing => {}
            }
            link.make_room();
            match ready!(link.socket.poll_read(cx, &mut link.received[link.to..]))? {
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
        Poll::Ready(self.outbox.send(packet).map(|()| packet.len()))
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
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    use super::super::limits::QueueLimits;
    use super::super::pressure::Gauge;
    use super::super::socket::pair;
    use super::*;

    #[tokio::test]
    async fn a_stranger_is_not_read_without_end() {
        let (socket, mut client) = pair().await.unwrap();
        let queues = QueueLimits::default();
        let outbox = Outbox::new(Arc::clone(&socket), Wire::Plain, Gauge::default(), queues);
        let admission = Admission::default();
        let mut link = Link::new(
            socket,
            Wire::Plain,
            b"early",
            outbox,
            admission.clone(),
            Pace::new(1_000_000),
            CancellationToken::new(),
        );
        let total = 3 * MOST_BEFORE_ADMISSION;
        let sending = tokio::spawn(async move {
            client.write_all(&vec![7; total]).await.unwrap();
            client
        });

        let mut received = Vec::new();
        let mut chunk = [0; 4096];
        while let Ok(count) = timeout(Duration::from_millis(300), link.read(&mut chunk)).await {
            received.extend_from_slice(&chunk[..count.unwrap()]);
        }
        assert!(received.starts_with(b"early"));
        assert!(received.len() > MOST_BEFORE_ADMISSION);
        assert!(received.len() <= MOST_BEFORE_ADMISSION + chunk.len());

        admission.open();
        while received.len() < total + b"early".len() {
            let count = link.read(&mut chunk).await.unwrap();
            assert_ne!(count, 0, "the client is still there");
            received.extend_from_slice(&chunk[..count]);
        }
        drop(sending.await.unwrap());
    }
}
