//! MQTT over WebSockets (MQTT 5, section 6).

use mqdrop_core::{Invalid, SocketClose};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{ProtocolError, SubProtocolError};
use tokio_tungstenite::tungstenite::http::{StatusCode, Uri};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Error};

use super::address::Address;
use super::close::{lasting, refused};
use super::tls;
use crate::words;

/// MQTT's subprotocol.
const SUBPROTOCOL: &str = "mqtt";

/// A longer message is not taken in. Brokers send a packet a message, some a few; packets of more
/// than a few MiB are never asked for. Bytes.
pub(super) const MAX_MESSAGE: usize = 64 * 1024 * 1024;

/// The subprotocol that is offered to a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// MQTT's own subprotocol, as every broker expects.
    Mqtt,
    /// None: some proxies do not pass the answer on.
    Nothing,
}

/// The reason that a WebSocket did not open.
pub(super) enum Failure {
    /// The offer was not answered: it may open without.
    Unanswered,
    /// It does not open.
    Closed(SocketClose),
}

/// Shakes hands.
pub(super) async fn shake_hands<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    address: &Address,
    offer: Offer,
) -> Result<WebSocketStream<S>, Failure> {
    let request = ClientRequestBuilder::new(with_path(&address.uri));
    let request = match offer {
        Offer::Mqtt => request.with_sub_protocol(SUBPROTOCOL),
        Offer::Nothing => request,
    };
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    match tokio_tungstenite::client_async_with_config(request, stream, Some(limits)).await {
        Ok((socket, _)) => Ok(socket),
        Err(error) => Err(failure(&error, address)),
    }
}

/// The path `/` where there is none, as requests have one.
fn with_path(uri: &Uri) -> Uri {
    let mut parts = uri.clone().into_parts();
    let path = parts.path_and_query.take();
    parts.path_and_query = path.or_else(|| "/".parse().ok());
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

fn failure(error: &Error, address: &Address) -> Failure {
    let place = address.place();
    Failure::Closed(refused(match error {
        Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(
            SubProtocolError::NoSubProtocol,
        )) => return Failure::Unanswered,
        Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(_)) => {
            words().websocket_other(&place)
        }
        Error::Http(response) => return Failure::Closed(no_upgrade(response.status(), address)),
        Error::Protocol(ProtocolError::HandshakeIncomplete) if address.is_secure => {
            words().websocket_none(&place)
        }
        Error::Protocol(ProtocolError::HandshakeIncomplete) => {
            words().websocket_none_without_tls(&place)
        }
        // TLS 1.3 tells it only now.
        Error::Io(error) if tls::is_refusal(error) => {
            return Failure::Closed(tls::trouble(error, address));
        }
        Error::Io(error) => words().websocket_ended(&place, &error.to_string()),
        error => words().websocket_not_spoken(&place, &error.to_string()),
    }))
}

fn no_upgrade(status: StatusCode, address: &Address) -> SocketClose {
    let (place, path) = (address.place(), address.uri.path());
    let code = status.as_str();
    refused(match status {
        // A proxy says this also while what is behind it begins.
        StatusCode::NOT_FOUND => words().websocket_no_path(path, &place),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            return lasting(words().websocket_not_let_in(&place, code));
        }
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            words().websocket_gateway(&place, code)
        }
        _ => words().websocket_other_answer(&place, code, path),
    })
}

/// Means of a WebSocket's end.
pub(super) fn end(error: &Error) -> SocketClose {
    match error {
        Error::Capacity(_) => SocketClose::Invalid(Invalid::TooLong),
        Error::Utf8(_) => SocketClose::Invalid(Invalid::Text),
        _ => SocketClose::Closed { code: None },
    }
}
