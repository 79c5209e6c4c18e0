//! The listening sockets: taking connections in, without letting a slow or
//! silent one keep others out.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::broker::Broker;
use super::crowd::Crowd;
use super::http::Site;
use super::outbox::Wire;
use crate::failure::Failure;

/// How long a client may take over the head of a request, and how long an idle
/// connection is kept for the next one.
const HEAD_LIMIT: Duration = Duration::from_secs(10);
/// How long one connection may be used for pages and files. A client that reads
/// slowly gets this long for the whole app.
const CONNECTION_LIMIT: Duration = Duration::from_secs(300);
/// The longest request head, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;
/// Connections used for pages and files; the oldest makes room for a new one.
const MOST_VISITORS: usize = 512;
/// The pause after the system refused a connection, for want of memory or files.
const REFUSAL_PAUSE: Duration = Duration::from_millis(50);

/// Opens a listening socket; `option` names where the address came from.
///
/// # Errors
/// Says what is wrong with the address and which option changes it.
pub(crate) async fn bind(address: SocketAddr, option: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::other(match error.kind() {
            io::ErrorKind::AddrInUse => format!(
                "port {} of {} is taken by another program; stop that one or choose another port with {option}",
                address.port(),
                address.ip(),
            ),
            io::ErrorKind::PermissionDenied => format!(
                "not allowed to listen on {address}; choose a port from 1024 on with {option}"
            ),
            io::ErrorKind::AddrNotAvailable => format!(
                "{} is not an address of this computer; choose another with {option}",
                address.ip()
            ),
            _ => format!("cannot listen on {address}: {error}; choose another with {option}"),
        })
    })
}

/// Serves the app, and MQTT over WebSocket, until `stopping`.
pub(crate) async fn serve_web(listener: TcpListener, site: Arc<Site>, stopping: CancellationToken) {
    let visitors = Crowd::new(MOST_VISITORS);
    while let Some((socket, peer)) = accept(&listener, &stopping).await {
        let site = Arc::clone(&site);
        let place = visitors.enter();
        let stopping = stopping.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = serve_requests(socket, peer, site) => {}
                () = place.lost() => tracing::debug!("{peer} made room for others"),
                () = stopping.cancelled() => {}
            }
        });
    }
}

/// Serves plain MQTT until `stopping`.
pub(crate) async fn serve_plain(
    listener: TcpListener,
    broker: Broker,
    stopping: CancellationToken,
) {
    while let Some((socket, peer)) = accept(&listener, &stopping).await {
        broker.serve(socket, peer, Wire::Plain, &[]);
    }
}

/// The next connection, or `None` when the station stops.
async fn accept(
    listener: &TcpListener,
    stopping: &CancellationToken,
) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopping.cancelled() => return None,
        };
        match accepted {
            Ok(connection) => return Some(connection),
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!("cannot take a connection in: {error}");
                tokio::time::sleep(REFUSAL_PAUSE).await;
            }
        }
    }
}

async fn serve_requests(socket: TcpStream, peer: SocketAddr, site: Arc<Site>) {
    let service = service_fn(move |request| {
        let site = Arc::clone(&site);
        async move { site.answer(request, peer).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    match tokio::time::timeout(CONNECTION_LIMIT, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!("the connection of {peer} ended: {error}"),
        Err(_) => tracing::debug!("{peer} used its connection for long enough"),
    }
}
