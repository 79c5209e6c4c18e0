//! WebSockets.

use futures_util::{SinkExt, StreamExt};
use mqdrop_core::Invalid;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::*;

const PROTOCOL: &str = "sec-websocket-protocol";

type Server = tokio_tungstenite::WebSocketStream<TcpStream>;

/// Accepts as brokers do.
async fn accept(stream: TcpStream) -> Server {
    #[expect(clippy::result_large_err, reason = "the callback's type is not ours")]
    let callback = |request: &Request, mut response: Response| {
        assert_eq!(request.headers()[PROTOCOL], "mqtt");
        assert_eq!(request.uri().path(), "/mqtt");
        let protocol = HeaderValue::from_static("mqtt");
        response.headers_mut().insert(PROTOCOL, protocol);
        Ok(response)
    };
    accept_hdr_async(stream, callback).await.unwrap()
}

async fn open(port: u16) -> (Connection<()>, Heard) {
    let (mut connection, mut heard) = connection(ConnectionOptions::default());
    connection
        .open(&format!("ws://127.0.0.1:{port}/mqtt"))
        .unwrap();
    opened(&mut heard).await;
    (connection, heard)
}

#[tokio::test]
async fn packets_go_in_binary_messages_and_the_end_is_said() {
    let (done, told) = tokio::sync::oneshot::channel();
    let port = listen(|stream| async move {
        let mut socket = accept(stream).await;
        socket.send(Message::Ping(Bytes::new())).await.unwrap();
        socket.send(Message::binary(&b"hello"[..])).await.unwrap();
        let mut heard = Vec::new();
        while let Some(Ok(message)) = socket.next().await {
            match message {
                Message::Binary(bytes) => heard.extend_from_slice(&bytes),
                Message::Pong(_) => heard.extend_from_slice(b"pong "),
                Message::Close(_) => heard.extend_from_slice(b" end"),
                other => panic!("{other:?}"),
            }
        }
        done.send(heard).unwrap();
    })
    .await;
    let (mut connection, mut heard) = open(port).await;
    assert_eq!(received(&mut heard, 5).await, b"hello");
    connection.send(Bytes::from_static(b"good"));
    connection.close(vec![Bytes::from_static(b"bye")]);
    connection.ended().await;
    assert_eq!(told.await.unwrap(), b"pong goodbye end");
}

#[tokio::test]
async fn long_messages_come_whole_and_in_pieces() {
    let port = listen(|stream| async move {
        let mut socket = accept(stream).await;
        while let Some(Ok(Message::Binary(bytes))) = socket.next().await {
            socket.send(Message::Binary(bytes)).await.unwrap();
        }
    })
    .await;
    let (connection, mut heard) = open(port).await;
    let packet: Bytes = (0..3_000_000u32).map(|at| (at % 251) as u8).collect();
    connection.send(packet.clone());
    connection.flush();
    let mut all = Vec::new();
    while all.len() < packet.len() {
        if let Some(Input::Received(bytes)) = heard.recv().await {
            assert!(bytes.len() <= 256 * 1024);
            all.extend_from_slice(&bytes);
        }
    }
    assert!(all == packet);
}

#[tokio::test]
async fn a_broker_that_does_not_answer_the_offer_is_asked_without_one() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let offers = tokio::spawn(async move {
        let mut offers = Vec::new();
        for _ in 0..2 {
            let (stream, _) = listener.accept().await.unwrap();
            #[expect(clippy::result_large_err, reason = "the callback's type is not ours")]
            let callback = |request: &Request, response: Response| {
                offers.push(request.headers().get(PROTOCOL).is_some());
                Ok(response)
            };
            let _ = accept_hdr_async(stream, callback).await;
        }
        offers
    });
    open(port).await;
    assert_eq!(offers.await.unwrap(), [true, false]);
}

#[tokio::test]
async fn what_no_broker_sends_ends_the_connection() {
    let port = listen(|stream| async move {
        let mut socket = accept(stream).await;
        socket.send(Message::text("hello")).await.unwrap();
        let _ = socket.next().await;
    })
    .await;
    let (_connection, mut heard) = open(port).await;
    let text = SocketClose::Invalid(Invalid::Text);
    assert_eq!(closed(&mut heard).await, text);

    let port = listen(|stream| async move {
        let mut socket = accept(stream).await;
        // Only the announcement of a message: it is not even waited for.
        let raw = socket.get_mut();
        let length = (websocket::MAX_MESSAGE as u64 + 1).to_be_bytes();
        raw.write_all(&[&[0x82, 127][..], &length].concat())
            .await
            .unwrap();
        let _ = raw.read(&mut [0; 64]).await;
    })
    .await;
    let (_connection, mut heard) = open(port).await;
    let too_long = SocketClose::Invalid(Invalid::TooLong);
    assert_eq!(closed(&mut heard).await, too_long);
}

#[tokio::test]
async fn the_code_of_the_end_is_passed_on() {
    let port = listen(|stream| async move {
        let mut socket = accept(stream).await;
        let frame = CloseFrame {
            code: CloseCode::Size,
            reason: "".into(),
        };
        socket.close(Some(frame)).await.unwrap();
        while socket.next().await.is_some() {}
    })
    .await;
    let (_connection, mut heard) = open(port).await;
    let close = SocketClose::Closed { code: Some(1009) };
    assert_eq!(closed(&mut heard).await, close);
}

#[tokio::test]
async fn what_is_no_websocket_is_told_in_words() {
    for (answer, words) in [
        (
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            "HTTP 404",
        ),
        (
            "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n",
            "HTTP 403",
        ),
        (
            "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n",
            "does not reach it",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "not as a WebSocket (HTTP 200)",
        ),
        ("\x20\x02\x00\x01", "does not speak WebSocket"),
        ("", "instead of opening a WebSocket"),
    ] {
        let port = listen(move |mut stream| async move {
            let _ = stream.read(&mut [0; 1024]).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
        })
        .await;
        let url = format!("ws://127.0.0.1:{port}/mqtt");
        let text = match end(&url, ConnectionOptions::default()).await {
            // Other answers may be a proxy's, while what is behind it begins.
            SocketClose::Refused(Obstacle::Lasting(text)) if answer.contains("Forbidden") => text,
            SocketClose::Refused(Obstacle::Told(text)) if !answer.contains("Forbidden") => text,
            close => panic!("{close:?}"),
        };
        assert!(text.contains(words), "{answer:?}: {text}");
    }
}
