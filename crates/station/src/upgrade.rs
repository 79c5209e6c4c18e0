//! The WebSocket handshake on `/mqtt` (RFC 6455, section 4.2).

use hyper::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::{Method, Request, Response, StatusCode};
use tungstenite::handshake::derive_accept_key;

/// The subprotocols MQTT clients offer, the standard one first
/// (OASIS MQTT 5.0, section 6).
const SUBPROTOCOLS: [&str; 3] = ["mqtt", "mqttv3.1", "mqttv3.1.1"];

/// Why a request for `/mqtt` is not a WebSocket handshake we take.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) text: &'static str,
}

/// Checks a handshake and gives the answer that accepts it, without a body.
///
/// # Errors
/// [`Refusal`] with the status and the words to answer with.
pub(crate) fn accept<B>(request: &Request<B>) -> Result<Response<()>, Refusal> {
    let headers = request.headers();
    if request.method() != Method::GET {
        return Err(refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            "MQTT clients connect here by WebSocket.",
        ));
    }
    if !lists(headers, &UPGRADE, "websocket") || !lists(headers, &CONNECTION, "upgrade") {
        return Err(refusal(
            StatusCode::UPGRADE_REQUIRED,
            "This is the address for MQTT clients; they connect by WebSocket.",
        ));
    }
    if headers
        .get(SEC_WEBSOCKET_VERSION)
        .map(HeaderValue::as_bytes)
        != Some(b"13")
    {
        return Err(refusal(
            StatusCode::UPGRADE_REQUIRED,
            "Only version 13 of WebSocket is spoken here.",
        ));
    }
    let Some(key) = headers.get(SEC_WEBSOCKET_KEY) else {
        return Err(refusal(
            StatusCode::BAD_REQUEST,
            "The WebSocket handshake lacks its key.",
        ));
    };
    let mut answer = Response::new(());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    if let Some(subprotocol) = choose_subprotocol(headers)? {
        answer.headers_mut().insert(
            SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(subprotocol),
        );
    }
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes())).map_err(|_| {
        refusal(
            StatusCode::BAD_REQUEST,
            "The WebSocket handshake's key is malformed.",
        )
    })?;
    answer.headers_mut().insert(SEC_WEBSOCKET_ACCEPT, accept);
    answer
        .headers_mut()
        .insert(UPGRADE, HeaderValue::from_static("websocket"));
    answer
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("upgrade"));
    Ok(answer)
}

/// The best subprotocol among those offered; `None` when none was offered,
/// which some scripts do and which changes nothing about the bytes.
fn choose_subprotocol(headers: &HeaderMap) -> Result<Option<&'static str>, Refusal> {
    if !headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
        return Ok(None);
    }
    SUBPROTOCOLS
        .into_iter()
        .find(|subprotocol| lists(headers, &SEC_WEBSOCKET_PROTOCOL, subprotocol))
        .map(Some)
        .ok_or_else(|| {
            refusal(
                StatusCode::BAD_REQUEST,
                "Offer the WebSocket subprotocol mqtt.",
            )
        })
}

/// Tells whether a comma-separated header contains `word`, in whatever case.
fn lists(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(word))
}

fn refusal(status: StatusCode, text: &'static str) -> Refusal {
    Refusal { status, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handshake(change: impl FnOnce(&mut HeaderMap)) -> Result<Response<()>, Refusal> {
        let mut request = Request::builder()
            .uri("/mqtt")
            .header("connection", "keep-alive, Upgrade")
            .header("upgrade", "WebSocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("sec-websocket-protocol", "mqtt")
            .body(())
            .unwrap();
        change(request.headers_mut());
        accept(&request)
    }

    fn subprotocol(offers: &[&'static str]) -> Result<Option<String>, Refusal> {
        let answer = handshake(|headers| {
            headers.remove("sec-websocket-protocol");
            for offer in offers {
                headers.append("sec-websocket-protocol", HeaderValue::from_static(offer));
            }
        })?;
        Ok(answer
            .headers()
            .get("sec-websocket-protocol")
            .map(|value| value.to_str().unwrap().to_owned()))
    }

    #[test]
    fn the_sample_of_rfc_6455_gets_its_answer() {
        let answer = handshake(|_| {}).unwrap();
        assert_eq!(answer.status(), 101);
        assert_eq!(
            answer.headers()["sec-websocket-accept"],
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        assert_eq!(answer.headers()["sec-websocket-protocol"], "mqtt");
    }

    #[test]
    fn the_standard_subprotocol_wins_wherever_it_is_offered() {
        assert_eq!(subprotocol(&["mqttv3.1, mqtt"]).unwrap().unwrap(), "mqtt");
        assert_eq!(subprotocol(&["mqttv3.1", "mqtt"]).unwrap().unwrap(), "mqtt");
        assert_eq!(subprotocol(&["mqttv3.1"]).unwrap().unwrap(), "mqttv3.1");
        assert_eq!(subprotocol(&[]).unwrap(), None);
        assert_eq!(subprotocol(&["chat, soap"]).unwrap_err().status, 400);
    }

    #[test]
    fn what_is_no_handshake_is_refused() {
        let status = |result: Result<Response<()>, Refusal>| result.unwrap_err().status.as_u16();
        assert_eq!(
            status(handshake(|headers| drop(headers.remove("upgrade")))),
            426
        );
        assert_eq!(
            status(handshake(|headers| drop(headers.remove("connection")))),
            426
        );
        assert_eq!(
            status(handshake(|headers| drop(
                headers.remove("sec-websocket-version")
            ))),
            426
        );
        assert_eq!(
            status(handshake(|headers| drop(
                headers.remove("sec-websocket-key")
            ))),
            400
        );
        let post = Request::builder().method("POST").body(()).unwrap();
        assert_eq!(accept(&post).unwrap_err().status, 405);
    }
}
