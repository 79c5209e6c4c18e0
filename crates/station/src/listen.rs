//! The listening sockets: taking connections in, without letting a slow or silent one keep others
//! out.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::broker::Broker;
use super::crowd::Crowd;
use super::door::{Door, Full, Ticket};
use super::http::{self, Site};
use super::outbox::Wire;
use super::socket::Socket;
use super::stream::Stream;
use crate::error::Error;
use crate::seldom::Seldom;

/// How long one connection may be used for pages and files. A client that reads slowly gets this
/// long for the whole app.
const CONNECTION_LIMIT: Duration = Duration::from_secs(300);
/// The longest request head, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;
/// Connections used for pages and files; one of them makes room for a new one.
const MOST_VISITORS: usize = 512;
/// The pause after the system refused a connection, for want of memory or files.
const REFUSAL_PAUSE: Duration = Duration::from_millis(50);
/// Connections that are turned away with a word at the same time; more are just closed.
const MOST_REFUSALS: usize = 32;
/// How long hearing that word may take.
const REFUSAL_TIME: Duration = Duration::from_secs(1);
/// The first byte of every TLS connection: a handshake record (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;
/// The page that a browser shows when there are too many connections.
const TOO_MANY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
content-type: text/plain; charset=utf-8\r\ncache-control: no-store\r\nretry-after: 10\r\n\
content-length: 53\r\nconnection: close\r\n\r\n\
The station has too many connections. Try again soon.";

static NO_ROOM: Seldom = Seldom::new();

/// Opens a listening socket; `option` names where the address came from.
///
/// # Errors
/// The reason, and the option that changes the address.
pub(crate) async fn bind(address: SocketAddr, option: &'static str) -> Result<TcpListener, Error> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| Error::NotListening {
        address,
        option,
        error,
    })
}

/// The parts that both listeners share.
#[derive(Clone)]
pub(crate) struct Entrance {
    pub(crate) door: Door,
    /// With it, every connection is TLS.
    pub(crate) tls: Option<Arc<ServerConfig>>,
    /// For a TLS handshake, the head of a request, or the next request.
    pub(crate) handshake_time: Duration,
    pub(crate) stopping: CancellationToken,
}

impl Entrance {
    /// Serves the app, and MQTT over WebSocket, until the station stops.
    pub(crate) async fn serve_web(self, listener: TcpListener, site: Arc<Site>) {
        let visitors = Crowd::new(MOST_VISITORS);
        let refusals = Arc::new(Semaphore::new(MOST_REFUSALS));
        while let Some((tcp, peer)) = self.accept(&listener).await {
            let ticket = match self.door.admit(peer.ip()) {
                Ok(ticket) => ticket,
                Err(full) => {
                    note_refusal(peer, full);
                    if self.tls.is_none()
                        && let Ok(turn) = Arc::clone(&refusals).try_acquire_owned()
                    {
                        tokio::spawn(async move {
                            refuse(tcp).await;
                            drop(turn);
                        });
                    }
                    continue;
                }
            };
            let place = visitors.enter(peer.ip());
            let entrance = self.clone();
            let site = Arc::clone(&site);
            tokio::spawn(async move {
                let visit = Visit { entrance, site };
                let opened = tokio::select! {
                    opened = visit.open(tcp, peer, ticket) => opened,
                    () = place.lost() => return,
                    () = visit.entrance.stopping.cancelled() => return,
                };
                let Some((socket, is_redirected)) = opened else {
                    return;
                };
                tokio::select! {
                    () = visit.serve(Arc::clone(&socket), is_redirected) => {}
                    () = place.lost() => socket.note_end("it made room for newcomers"),
                    () = visit.entrance.stopping.cancelled() => {
                        socket.note_end("the station stops");
                    }
                }
            });
        }
    }

    /// Serves MQTT without WebSocket until the station stops.
    pub(crate) async fn serve_mqtt(self, listener: TcpListener, broker: Broker) {
        while let Some((tcp, peer)) = self.accept(&listener).await {
            let ticket = match self.door.admit(peer.ip()) {
                Ok(ticket) => ticket,
                Err(full) => {
                    note_refusal(peer, full);
                    continue;
                }
            };
            let socket = match &self.tls {
                None => Ok(Socket::plain(tcp, peer, ticket)),
                Some(config) => Socket::secure(tcp, peer, config, ticket),
            };
            match socket {
                Ok(socket) => broker.serve(socket, Wire::Plain, &[]),
                Err(error) => tracing::error!(%peer, "TLS cannot begin: {error}"),
            }
        }
    }

    /// The next connection, or `None` when the station stops.
    async fn accept(&self, listener: &TcpListener) -> Option<(TcpStream, SocketAddr)> {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.stopping.cancelled() => return None,
            };
            match accepted {
                Ok(connection) => return Some(connection),
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    if let Some(others) = NO_ROOM.due() {
                        tracing::warn!(others, "cannot take a connection in: {error}");
                    }
                    tokio::time::sleep(REFUSAL_PAUSE).await;
                }
            }
        }
    }
}

/// One connection to the web's port.
struct Visit {
    entrance: Entrance,
    site: Arc<Site>,
}

impl Visit {
    /// The connection, with TLS where that is asked for, and whether its requests are redirected
    /// to https because it speaks http to a port with TLS.
    async fn open(
        &self,
        tcp: TcpStream,
        peer: SocketAddr,
        ticket: Ticket,
    ) -> Option<(Arc<Socket>, bool)> {
        let Some(config) = &self.entrance.tls else {
            return Some((Socket::plain(tcp, peer, ticket), false));
        };
        let mut first = [0];
        let arrived = timeout(self.entrance.handshake_time, tcp.peek(&mut first)).await;
        if !matches!(arrived, Ok(Ok(1))) {
            tracing::debug!(%peer, "nothing arrived, not even the beginning of a TLS handshake");
            return None;
        }
        if first != [TLS_HANDSHAKE] {
            return Some((Socket::plain(tcp, peer, ticket), true));
        }
        match Socket::secure(tcp, peer, config, ticket) {
            Ok(socket) => Some((socket, false)),
            Err(error) => {
                tracing::error!(%peer, "TLS cannot begin: {error}");
                None
            }
        }
    }

    async fn serve(&self, socket: Arc<Socket>, is_redirected: bool) {
        let peer = socket.peer();
        let site = Arc::clone(&self.site);
        let service = service_fn(move |request| {
            let site = Arc::clone(&site);
            async move {
                if is_redirected {
                    Ok(http::redirect_to_https(&request))
                } else {
                    site.answer(request, peer).await
                }
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.entrance.handshake_time)
            .max_buf_size(LONGEST_HEAD)
            .serve_connection(TokioIo::new(Stream::new(Arc::clone(&socket))), service)
            .with_upgrades();
        match timeout(CONNECTION_LIMIT, connection).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                if error.is_timeout() {
                    socket.note_end("no request came in time");
                } else if error.is_parse() {
                    socket.note_end("it did not speak HTTP");
                }
                tracing::debug!(%peer, "HTTP ended: {error}");
            }
            Err(_) => socket.note_end("it had its connection for long enough"),
        }
    }
}

/// Tells the operator that a connection is turned away.
fn note_refusal(peer: SocketAddr, full: Full) {
    if let Some(others) = NO_ROOM.due() {
        let option = match full {
            Full::Altogether => "--max-connections",
            Full::ForThisAddress => "--max-connections-per-address",
        };
        tracing::warn!(%peer, others, "limit hit: {full}, see {option}");
    }
}

/// Turns a connection away with a word.
async fn refuse(tcp: TcpStream) {
    if tcp.try_write(TOO_MANY).is_err() || SockRef::from(&tcp).shutdown(Shutdown::Write).is_err() {
        return;
    }
    // Closing with unread input resets the connection and takes the word with it.
    let until_closed = async {
        let mut ignored = [0; 1024];
        while tcp.readable().await.is_ok() {
            match tcp.try_read(&mut ignored) {
                Ok(0) => return,
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return,
                _ => {}
            }
        }
    };
    // A client that does not hear it sees its connection end all the same.
    let _ = timeout(REFUSAL_TIME, until_closed).await;
}
