//! Moves bytes between a connection and the two sides of its line.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{FutureExt, SinkExt, StreamExt};
use mqdrop_client::Input;
use mqdrop_core::{Invalid, SocketClose};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::address::Address;
use super::close::lasting;
use super::connection::Line;
use super::{tls, websocket};

/// A stream of bytes.
pub(super) type Stream = Box<dyn Bidirectional>;

/// Bytes both ways.
pub(super) trait Bidirectional: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bidirectional for T {}

/// An open connection.
pub(super) enum Socket {
    Stream(Stream),
    WebSocket(Box<WebSocketStream<Stream>>),
}

/// The most that is handed on at once. Bytes.
const CHUNK: usize = 256 * 1024;

/// Memory for reading is taken anew when less is left of it. Bytes.
const LEAST: usize = 16 * 1024;

/// Nothing more is read while so much of what was received is not worked off. Bytes.
const UNHANDLED: usize = 4 * 1024 * 1024;

/// Received bytes may be kept for long, as a part of something that is not whole. So a little more is
/// read all the same, each time that this has passed.
const PATIENCE: Duration = Duration::from_secs(1);

/// However long that takes, nothing more is read while so much is not worked off: whoever reads what
/// this program says may stop, and the program with it. Bytes.
const MOST_UNHANDLED: usize = 64 * 1024 * 1024;

/// Nothing more is read while so much waits to be written to the disk. Bytes.
const UNWRITTEN: usize = 32 * 1024 * 1024;

/// The end is told when what came before it is worked off, or this has passed: what is closed for a
/// reason that the broker gave is not to be taken for the end of the next connection.
const BEFORE_END: Duration = Duration::from_millis(200);

/// After writing failed, what the broker said last is read for so long.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// After this side closed, the other has so long to do so: who hangs up on unread bytes loses what was
/// sent (RFC 1122, section 4.2.2.13).
const FAREWELL: Duration = Duration::from_secs(1);

/// Moves bytes until the connection ends or is closed.
pub(super) async fn run<C>(socket: Socket, line: &Line<C>, address: &Address) {
    match socket {
        Socket::Stream(stream) => {
            let (reader, writer) = tokio::io::split(stream);
            let reader = StreamReader {
                reader,
                buffer: BytesMut::new(),
                address,
                is_known: false,
            };
            pump(reader, StreamWriter(writer), line).await;
        }
        Socket::WebSocket(socket) => {
            let (sink, stream) = (*socket).split();
            pump(MessageReader(stream), MessageWriter(sink), line).await;
        }
    }
}

trait Reader {
    /// The next bytes, however many.
    async fn next(&mut self) -> Result<Bytes, SocketClose>;
}

trait Writer {
    async fn write(&mut self, pieces: Vec<Bytes>) -> io::Result<()>;

    /// Tells the other side that no more comes.
    async fn close(&mut self) -> io::Result<()>;
}

async fn pump<C>(mut reader: impl Reader, mut writer: impl Writer, line: &Line<C>) {
    let close = {
        let reading = read(&mut reader, line);
        tokio::pin!(reading);
        tokio::select! {
            close = &mut reading => Some(close),
            written = write(&mut writer, line) => match written {
                Ok(()) => None,
                Err(_) => {
                    let last = timeout(LAST_WORDS, reading).await;
                    Some(last.unwrap_or(SocketClose::Closed { code: None }))
                }
            },
        }
    };
    if let Some(close) = close {
        let _ = timeout(BEFORE_END, line.received.below(1)).await;
        line.report(Input::Closed(close));
    } else {
        let _ = timeout(FAREWELL, async { while reader.next().await.is_ok() {} }).await;
    }
}

async fn read<C>(reader: &mut impl Reader, line: &Line<C>) -> SocketClose {
    loop {
        let _ = timeout(PATIENCE, line.received.below(UNHANDLED)).await;
        line.received.below(MOST_UNHANDLED).await;
        line.stores.below(UNWRITTEN).await;
        let mut bytes = match reader.next().await {
            Ok(bytes) => bytes,
            Err(close) => return close,
        };
        while !bytes.is_empty() {
            let chunk = bytes.split_to(bytes.len().min(CHUNK));
            line.report(Input::Received(line.received.count(chunk)));
        }
    }
}

async fn write<C>(writer: &mut impl Writer, line: &Line<C>) -> io::Result<()> {
    while let Some(pieces) = line.outbox.take().await {
        let bytes = pieces.iter().map(Bytes::len).sum();
        writer.write(pieces).await?;
        if line.outbox.written(bytes) {
            line.report(Input::Woken);
        }
    }
    writer.close().await
}

struct StreamReader<'a> {
    reader: ReadHalf<Stream>,
    buffer: BytesMut,
    address: &'a Address,
    /// It does not speak HTTP.
    is_known: bool,
}

/// The beginning of a web server's answer, which no packet begins with.
const WEB: &[u8] = b"HTTP/";

impl StreamReader<'_> {
    /// Reads something.
    async fn read(&mut self) -> Result<(), SocketClose> {
        if self.buffer.capacity() < LEAST {
            self.buffer.reserve(CHUNK);
        }
        match self.reader.read_buf(&mut self.buffer).await {
            Ok(1..) => Ok(()),
            Err(error) if tls::is_refusal(&error) => Err(tls::trouble(&error, self.address)),
            Ok(0) | Err(_) => Err(SocketClose::Closed { code: None }),
        }
    }
}

impl Reader for StreamReader<'_> {
    async fn next(&mut self) -> Result<Bytes, SocketClose> {
        self.read().await?;
        while !self.is_known {
            if self.buffer.starts_with(WEB) {
                return Err(lasting(self.address.is_of_the_web()));
            }
            self.is_known = !WEB.starts_with(&self.buffer);
            if !self.is_known {
                self.read().await?;
            }
        }
        // TLS gives a record at a time; what else is there already goes with it. An end comes again.
        while self.buffer.capacity() - self.buffer.len() >= LEAST
            && let Some(Ok(1..)) = self.reader.read_buf(&mut self.buffer).now_or_never()
        {}
        Ok(self.buffer.split().freeze())
    }
}

struct StreamWriter(WriteHalf<Stream>);

impl Writer for StreamWriter {
    async fn write(&mut self, pieces: Vec<Bytes>) -> io::Result<()> {
        for piece in pieces {
            self.0.write_all(&piece).await?;
        }
        self.0.flush().await
    }

    async fn close(&mut self) -> io::Result<()> {
        self.0.shutdown().await
    }
}

struct MessageReader(SplitStream<WebSocketStream<Stream>>);

impl Reader for MessageReader {
    async fn next(&mut self) -> Result<Bytes, SocketClose> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Binary(bytes))) => return Ok(bytes),
                Some(Ok(Message::Text(_))) => return Err(SocketClose::Invalid(Invalid::Text)),
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.map(|frame| frame.code.into());
                    return Err(SocketClose::Closed { code });
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Err(error)) => return Err(websocket::end(&error)),
                None => return Err(SocketClose::Closed { code: None }),
            }
        }
    }
}

struct MessageWriter(SplitSink<WebSocketStream<Stream>, Message>);

impl Writer for MessageWriter {
    async fn write(&mut self, pieces: Vec<Bytes>) -> io::Result<()> {
        for piece in pieces {
            self.0.feed(Message::Binary(piece)).await.map_err(broken)?;
        }
        self.0.flush().await.map_err(broken)
    }

    async fn close(&mut self) -> io::Result<()> {
        self.0.close().await.map_err(broken)
    }
}

/// The reader says why.
fn broken(_: Error) -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}
