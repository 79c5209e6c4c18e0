//! One client's connection as the broker sees it: a stream of MQTT bytes, with
//! the WebSocket framing, if any, taken off and put on here.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use mqtt5::broker::transport::WebSocketTransport;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::frames::{CloseCode, FrameReader, Step};
use super::outbox::{Outbox, Wire};

/// Bytes asked of the kernel in one read: the broker itself reads 4 KiB at a time.
const READ_SIZE: usize = 128 * 1024;

/// The connection of one client, handed to the broker. Dropping it ends the
/// connection after what waits in the outbox is sent.
#[derive(Debug)]
pub(crate) struct Link {
    socket: Arc<TcpStream>,
    peer: SocketAddr,
    outbox: Arc<Outbox>,
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
        socket: Arc<TcpStream>,
        peer: SocketAddr,
        wire: Wire,
        outbox: Arc<Outbox>,
        stopping: CancellationToken,
        early: &[u8],
    ) -> Self {
        let mut received = vec![0; READ_SIZE.max(early.len())];
        received[..early.len()].copy_from_slice(early);
        Self {
            socket,
            peer,
            outbox,
            stopping,
            frames: (wire == Wire::WebSocket).then(FrameReader::default),
            received,
            from: 0,
            to: early.len(),
        }
    }

    /// Moves received bytes into `output`; `false` when more must be received first.
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
                    tracing::debug!("{} broke the WebSocket framing: {error}", self.peer);
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
                Step::Ping(content) => self.outbox.send_pong(&content)?,
                Step::Close => return Ok(Delivery::End),
                Step::NeedMore => return Ok(Delivery::Nothing),
            }
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
        loop {
            match link.deliver(output)? {
                Delivery::Done | Delivery::End => return Poll::Ready(Ok(())),
                Delivery::Nothing => {}
            }
            link.make_room();
            ready!(link.socket.poll_read_ready(cx))?;
            match link.socket.try_read(&mut link.received[link.to..]) {
                Ok(0) => return Poll::Ready(Ok(())),
                Ok(count) => link.to += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
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
        Ok(self.peer)
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
