//! One open connection: TCP, with TLS or without, read and written without ever blocking.
//!
//! One task reads while another writes, so both work on a shared reference. TLS is rustls' state
//! machine without IO, fed from the same socket; what it has encrypted and the socket did not take
//! yet is bounded, and [`Socket::flush`] writes it out.

use std::io::{self, BufRead, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use rustls::{ServerConfig, ServerConnection};
use socket2::SockRef;
use tokio::net::TcpStream;

use super::door::Ticket;

/// Encrypted bytes that may wait for the socket.
const MOST_ENCRYPTED: usize = 256 * 1024;

/// An open connection. Its end is logged when the last reference goes.
#[derive(Debug)]
pub(crate) struct Socket {
    tcp: TcpStream,
    tls: Option<Box<Mutex<ServerConnection>>>,
    peer: SocketAddr,
    since: Instant,
    /// Why it ended, said by whoever ended it first.
    reason: OnceLock<&'static str>,
    /// Counts the connection while it is open.
    _ticket: Ticket,
}

impl Socket {
    /// A connection without TLS. `ticket` is given back when it ends.
    pub(crate) fn plain(tcp: TcpStream, peer: SocketAddr, ticket: Ticket) -> Arc<Self> {
        Arc::new(Self::new(tcp, peer, None, ticket))
    }

    /// A connection with TLS, whose handshake happens while it is read.
    ///
    /// # Errors
    /// When rustls cannot work with `config`.
    pub(crate) fn secure(
        tcp: TcpStream,
        peer: SocketAddr,
        config: &Arc<ServerConfig>,
        ticket: Ticket,
    ) -> Result<Arc<Self>, rustls::Error> {
        let mut session = ServerConnection::new(Arc::clone(config))?;
        session.set_buffer_limit(Some(MOST_ENCRYPTED));
        let tls = Box::new(Mutex::new(session));
        Ok(Arc::new(Self::new(tcp, peer, Some(tls), ticket)))
    }

    fn new(
        tcp: TcpStream,
        peer: SocketAddr,
        tls: Option<Box<Mutex<ServerConnection>>>,
        ticket: Ticket,
    ) -> Self {
        tracing::info!(%peer, tls = tls.is_some(), "connection opened");
        Self {
            tcp,
            tls,
            peer,
            since: Instant::now(),
            reason: OnceLock::new(),
            _ticket: ticket,
        }
    }

    /// The address of the other end.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Says why the connection ends. The first reason counts.
    pub(crate) fn note_end(&self, reason: &'static str) {
        // A later reason is a consequence of the first.
        let _ = self.reason.set(reason);
    }

    /// Sends small packets at once.
    ///
    /// # Errors
    /// When the connection is gone already.
    pub(crate) fn set_nodelay(&self) -> io::Result<()> {
        self.tcp.set_nodelay(true)
    }

    /// Reads what has arrived; 0 is the end of the stream.
    ///
    /// # Errors
    /// Those of the connection, and [`io::ErrorKind::InvalidData`] for broken TLS.
    pub(crate) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.try_read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
            // In a TLS handshake reading goes on only after an answer is sent.
            while !self.try_flush()? {
                if self.tcp.poll_write_ready(cx)?.is_pending() {
                    break;
                }
            }
            ready!(self.tcp.poll_read_ready(cx))?;
        }
    }

    /// As [`Socket::poll_read`], without waiting.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when nothing has arrived, and those of the connection.
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(mut session) = self.session() else {
            return self.tcp.try_read(buffer);
        };
        loop {
            match session.reader().read(buffer) {
                // Plain text that is already here does not make the socket readable again.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // Many clients just close; MQTT and HTTP know where their messages end.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                result => return result,
            }
            session.read_tls(&mut NeverBlocking(&self.tcp))?;
            let understood = session.process_new_packets();
            // An answer, or the alert that says what was wrong.
            let flushed = flush(&mut session, &self.tcp);
            if let Err(error) = understood {
                tracing::debug!(peer = %self.peer, "TLS failed: {error}");
                self.note_end("its TLS handshake or a TLS record failed");
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
            flushed?;
        }
    }

    /// Waits until something can be read, or the stream has ended.
    ///
    /// # Errors
    /// Those of the connection.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        let buffered = self
            .session()
            .is_some_and(|mut session| session.reader().fill_buf().is_ok());
        if buffered {
            return Ok(());
        }
        self.tcp.readable().await
    }

    /// Writes as much as the socket takes now.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when it takes nothing, and those of the connection.
    pub(crate) fn try_write_vectored(&self, slices: &mut [IoSlice<'_>]) -> io::Result<usize> {
        let Some(mut session) = self.session() else {
            return self.tcp.try_write_vectored(slices);
        };
        let mut rest = slices;
        let mut total = 0;
        loop {
            if !flush(&mut session, &self.tcp)? || rest.is_empty() {
                break;
            }
            let count = session.writer().write_vectored(rest)?;
            if count == 0 {
                break;
            }
            total += count;
            IoSlice::advance_slices(&mut rest, count);
        }
        if total == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(total)
    }

    /// As [`Socket::try_write_vectored`], waiting until something can be written.
    ///
    /// # Errors
    /// Those of the connection.
    pub(crate) fn poll_write_vectored(
        &self,
        cx: &mut Context<'_>,
        slices: &mut [IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.try_write_vectored(slices) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
            ready!(self.tcp.poll_write_ready(cx))?;
        }
    }

    /// Waits until something can be written.
    ///
    /// # Errors
    /// Those of the connection.
    pub(crate) async fn writable(&self) -> io::Result<()> {
        self.tcp.writable().await
    }

    /// Hands the kernel what TLS still holds; whether that is all.
    ///
    /// # Errors
    /// Those of the connection.
    pub(crate) fn try_flush(&self) -> io::Result<bool> {
        match self.session() {
            Some(mut session) => flush(&mut session, &self.tcp),
            None => Ok(true),
        }
    }

    /// As [`Socket::try_flush`], waiting until all is gone.
    ///
    /// # Errors
    /// Those of the connection.
    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.try_flush()? {
            ready!(self.tcp.poll_write_ready(cx))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Tells whether TLS holds bytes that the kernel has not taken yet.
    pub(crate) fn has_unsent(&self) -> bool {
        self.session().is_some_and(|session| session.wants_write())
    }

    /// Writes out everything, then tells the peer that nothing more comes.
    ///
    /// # Errors
    /// Those of the connection.
    pub(crate) fn poll_finish(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(mut session) = self.session() {
            // rustls sends it once, however often it is asked.
            session.send_close_notify();
        }
        ready!(self.poll_flush(cx))?;
        Poll::Ready(SockRef::from(&self.tcp).shutdown(Shutdown::Write))
    }

    /// Ends the connection now, both ways.
    pub(crate) fn break_off(&self) {
        // It may be closed already; then there is nothing left to do.
        let _ = SockRef::from(&self.tcp).shutdown(Shutdown::Both);
    }

    fn session(&self) -> Option<MutexGuard<'_, ServerConnection>> {
        self.tls
            .as_ref()
            .map(|tls| tls.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        tracing::info!(
            peer = %self.peer,
            reason = self.reason.get().copied().unwrap_or("the client left"),
            seconds = self.since.elapsed().as_secs(),
            "connection closed"
        );
    }
}

/// The two ends of a connection within this computer, the station's one first.
#[cfg(test)]
pub(crate) async fn pair() -> io::Result<(Arc<Socket>, TcpStream)> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let client = TcpStream::connect(listener.local_addr()?).await?;
    let (tcp, peer) = listener.accept().await?;
    let ticket = super::door::Door::wide()
        .admit(peer.ip())
        .map_err(io::Error::other)?;
    Ok((Socket::plain(tcp, peer, ticket), client))
}

fn flush(session: &mut ServerConnection, tcp: &TcpStream) -> io::Result<bool> {
    while session.wants_write() {
        match session.write_tls(&mut NeverBlocking(tcp)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// A socket as rustls wants it: `std::io` that says `WouldBlock`.
struct NeverBlocking<'a>(&'a TcpStream);

impl Read for NeverBlocking<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for NeverBlocking<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
