//! Connections to listeners of every kind.

mod secure;
mod sockets;

use core::future::Future;

use mqdrop_core::Obstacle;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::super::tls::ConnectionOptions;
use super::*;

type Heard = mpsc::UnboundedReceiver<Input<()>>;

/// A connection, and what is heard of it.
fn connection(options: ConnectionOptions) -> (Connection<()>, Heard) {
    let (inputs, heard) = mpsc::unbounded_channel();
    let tls = Tls::new(options).unwrap();
    (Connection::new(tls, inputs, Arc::default()), heard)
}

/// A listener that does this with the first connection; its port.
async fn listen<F: Future<Output = ()> + Send>(
    serve: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        serve(stream).await;
    });
    port
}

async fn opened(heard: &mut Heard) {
    match heard.recv().await {
        Some(Input::Opened {
            compresses: false, ..
        }) => {}
        Some(Input::Closed(close)) => panic!("{close:?}"),
        _ => panic!("it did not open"),
    }
}

/// A connection that is open, by plain TCP.
async fn opened_to(port: u16) -> (Connection<()>, Heard) {
    let (mut connection, mut heard) = connection(ConnectionOptions::default());
    connection
        .open(&format!("mqtt://127.0.0.1:{port}"))
        .unwrap();
    opened(&mut heard).await;
    (connection, heard)
}

async fn closed(heard: &mut Heard) -> SocketClose {
    loop {
        match heard.recv().await {
            Some(Input::Closed(close)) => return close,
            Some(_) => {}
            None => panic!("nothing more is heard"),
        }
    }
}

/// An address that does not open.
async fn end(url: &str, options: ConnectionOptions) -> SocketClose {
    let (mut connection, mut heard) = connection(options);
    connection.open(url).unwrap();
    match heard.recv().await {
        Some(Input::Closed(close)) => close,
        _ => panic!("it opened"),
    }
}

/// The words for an address that did not open, and may later.
async fn refusal(url: &str, options: ConnectionOptions) -> String {
    match end(url, options).await {
        SocketClose::Refused(Obstacle::Told(text)) => text,
        close => panic!("{close:?}"),
    }
}

/// The words for an address that does not open before something is changed.
async fn lasting(url: &str, options: ConnectionOptions) -> String {
    match end(url, options).await {
        SocketClose::Refused(Obstacle::Lasting(text)) => text,
        close => panic!("{close:?}"),
    }
}

/// The next `len` bytes.
async fn received(heard: &mut Heard, len: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < len {
        match heard.recv().await {
            Some(Input::Received(bytes)) => all.extend_from_slice(&bytes),
            Some(Input::Woken) => {}
            _ => panic!("it ended after {} bytes", all.len()),
        }
    }
    all
}

#[tokio::test]
async fn bytes_go_both_ways_and_the_last_ones_arrive() {
    let (done, told) = tokio::sync::oneshot::channel();
    let port = listen(|mut stream| async move {
        let mut hello = [0; 5];
        stream.read_exact(&mut hello).await.unwrap();
        stream.write_all(b"world").await.unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        done.send((hello, rest)).unwrap();
    })
    .await;
    let (mut connection, mut heard) = connection(ConnectionOptions::default());
    assert!(!connection.has_room());
    connection
        .open(&format!("mqtt://127.0.0.1:{port}"))
        .unwrap();
    assert!(!connection.has_room());
    opened(&mut heard).await;
    assert!(connection.has_room());
    connection.send(Bytes::from_static(b"he"));
    connection.send(Bytes::from_static(b"llo"));
    connection.flush();
    assert_eq!(received(&mut heard, 5).await, b"world");
    connection.close(vec![
        Bytes::from_static(b"good"),
        Bytes::from_static(b"bye"),
    ]);
    assert!(!connection.has_room());
    connection.ended().await;
    let (hello, rest) = told.await.unwrap();
    assert_eq!((&hello[..], &rest[..]), (&b"hello"[..], &b"goodbye"[..]));
    // The listener's end of it is not heard of.
    assert!(heard.try_recv().is_err());
}

#[tokio::test]
async fn what_the_broker_said_last_is_heard_before_its_end() {
    let port = listen(|mut stream| async move {
        stream.write_all(b"no").await.unwrap();
    })
    .await;
    let (_connection, mut heard) = opened_to(port).await;
    assert_eq!(received(&mut heard, 2).await, b"no");
    assert_eq!(closed(&mut heard).await, SocketClose::Closed { code: None });
}

#[tokio::test]
async fn a_web_server_is_told_from_a_broker_however_its_words_arrive() {
    let at_once = vec!["HTTP/1.1 400 Bad Request"];
    for pieces in [at_once, vec!["HT", "TP/1.1 400"]] {
        let port = listen(|mut stream| async move {
            for piece in pieces {
                stream.write_all(piece.as_bytes()).await.unwrap();
                tokio::task::yield_now().await;
            }
        })
        .await;
        let (_connection, mut heard) = opened_to(port).await;
        match heard.recv().await {
            Some(Input::Closed(SocketClose::Refused(Obstacle::Lasting(text)))) => {
                assert!(text.contains("web server"), "{text}");
                assert!(
                    text.contains(&format!("ws://127.0.0.1:{port}/mqtt")),
                    "{text}"
                );
            }
            _ => panic!("it was taken for a broker"),
        }
    }
    let port = listen(|mut stream| async move {
        stream.write_all(b"HT").await.unwrap();
    })
    .await;
    let (_connection, mut heard) = opened_to(port).await;
    assert_eq!(closed(&mut heard).await, SocketClose::Closed { code: None });
}

#[tokio::test]
async fn there_is_no_room_while_the_broker_does_not_read_and_room_is_told_of() {
    let (go, gone) = tokio::sync::oneshot::channel();
    let port = listen(|mut stream| async move {
        gone.await.unwrap();
        tokio::io::copy(&mut stream, &mut tokio::io::sink())
            .await
            .unwrap();
    })
    .await;
    let (connection, mut heard) = opened_to(port).await;
    let packet = Bytes::from(vec![0; 100_000]);
    // The system takes an unknown number of bytes, but not all.
    let mut sent = 0;
    loop {
        while connection.has_room() {
            connection.send(packet.clone());
            connection.flush();
            sent += packet.len();
        }
        let again = timeout_of(heard.recv()).await;
        assert!(sent < 1_000_000_000, "it takes all");
        if again.is_none() {
            break;
        }
    }
    go.send(()).unwrap();
    assert!(matches!(heard.recv().await, Some(Input::Woken)));
    assert!(connection.has_room());
}

/// The next input while the connection can still write, or nothing.
async fn timeout_of<T>(future: impl Future<Output = Option<T>>) -> Option<T> {
    tokio::time::timeout(Duration::from_millis(300), future)
        .await
        .ok()
        .flatten()
}

#[tokio::test]
async fn a_flood_waits_until_what_came_is_worked_off() {
    const FLOOD: usize = 40 * 1024 * 1024;
    let port = listen(|mut stream| async move {
        let piece = vec![7; 1024 * 1024];
        for _ in 0..FLOOD / piece.len() {
            stream.write_all(&piece).await.unwrap();
        }
        let _ = stream.read(&mut [0]).await;
    })
    .await;
    let (connection, mut heard) = opened_to(port).await;
    let line = Arc::clone(connection.line.as_ref().unwrap());
    let mut kept = Vec::new();
    while line.received.bytes() < 4 * 1024 * 1024 {
        match heard.recv().await {
            Some(Input::Received(bytes)) => kept.push(bytes),
            _ => panic!("it ended"),
        }
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let most = 4 * 1024 * 1024 + 256 * 1024;
    assert!(line.received.bytes() <= most, "{}", line.received.bytes());
    let before: usize = kept.iter().map(Bytes::len).sum();
    kept.clear();
    assert_eq!(
        received(&mut heard, FLOOD - before).await.len(),
        FLOOD - before
    );
    assert_eq!(line.received.bytes(), 0);
}

#[tokio::test]
async fn who_never_works_off_what_came_is_given_no_more_at_last() {
    const MOST: usize = 64 * 1024 * 1024;
    let port = listen(|mut stream| async move {
        let piece = vec![7; 1024 * 1024];
        while stream.write_all(&piece).await.is_ok() {}
    })
    .await;
    let (connection, mut heard) = opened_to(port).await;
    let line = Arc::clone(connection.line.as_ref().unwrap());
    // It waits for a second each time.
    tokio::time::pause();
    let mut kept = Vec::new();
    while line.received.bytes() < MOST {
        match heard.recv().await {
            Some(Input::Received(bytes)) => kept.push(bytes),
            _ => panic!("it ended"),
        }
    }
    while let Some(Input::Received(bytes)) = timeout_of(heard.recv()).await {
        kept.push(bytes);
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(heard.try_recv().is_err());
    let bytes = line.received.bytes();
    assert!(bytes <= MOST + 1024 * 1024, "{bytes}");
}

#[tokio::test]
async fn a_disk_that_is_behind_holds_the_connection_back() {
    let port = listen(|mut stream| async move {
        let piece = vec![7; 100_000];
        stream.write_all(&piece).await.unwrap();
        let _ = stream.read(&mut [0]).await;
    })
    .await;
    let (mut connection, mut heard) = connection(ConnectionOptions::default());
    let behind = connection.stores.hold(64 * 1024 * 1024);
    connection
        .open(&format!("mqtt://127.0.0.1:{port}"))
        .unwrap();
    opened(&mut heard).await;
    assert!(timeout_of(heard.recv()).await.is_none());
    drop(behind);
    assert_eq!(received(&mut heard, 100_000).await.len(), 100_000);
}

#[tokio::test]
async fn nothing_is_heard_of_a_connection_after_another_took_its_place() {
    let (gone, was_gone) = tokio::sync::oneshot::channel();
    let old = listen(|mut stream| async move {
        let end = stream.read(&mut [0]).await;
        gone.send(end.is_err() || end.is_ok_and(|len| len == 0))
            .unwrap();
    })
    .await;
    let new = listen(|mut stream| async move {
        stream.write_all(b"new").await.unwrap();
        let _ = stream.read(&mut [0]).await;
    })
    .await;
    let (mut connection, mut heard) = connection(ConnectionOptions::default());
    connection.open(&format!("mqtt://127.0.0.1:{old}")).unwrap();
    opened(&mut heard).await;
    connection.open(&format!("mqtt://127.0.0.1:{new}")).unwrap();
    opened(&mut heard).await;
    assert!(was_gone.await.unwrap());
    assert_eq!(received(&mut heard, 3).await, b"new");
}

#[tokio::test]
async fn closing_does_not_wait_for_a_broker_that_does_not_read() {
    let (_go, gone) = tokio::sync::oneshot::channel::<()>();
    let port = listen(|stream| async move {
        let _ = gone.await;
        drop(stream);
    })
    .await;
    let (mut connection, _heard) = opened_to(port).await;
    while connection.has_room() {
        connection.send(Bytes::from(vec![0; 100_000_000]));
    }
    connection.flush();
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    connection.close(Vec::new());
    connection.ended().await;
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn words_say_why_nothing_opened() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let text = refusal(
        &format!("mqtt://127.0.0.1:{closed}"),
        ConnectionOptions::default(),
    )
    .await;
    assert!(
        text.contains("refused") && text.contains(&closed.to_string()),
        "{text}"
    );
    let text = refusal("mqtt://nothing.invalid", ConnectionOptions::default()).await;
    assert!(text.contains("No host named nothing.invalid"), "{text}");
    let (mut connection, _) = connection(ConnectionOptions::default());
    assert!(matches!(
        connection.open("nowhere"),
        Err(SocketClose::Refused(Obstacle::Lasting(_)))
    ));
}

#[tokio::test]
async fn a_host_that_is_silent_is_given_up() {
    let (_go, gone) = tokio::sync::oneshot::channel::<()>();
    let (accepted, was_accepted) = tokio::sync::oneshot::channel();
    let port = listen(|stream| async move {
        accepted.send(()).unwrap();
        let _ = gone.await;
        drop(stream);
    })
    .await;
    let (mut connection, mut heard) = connection(ConnectionOptions::default());
    connection.open(&format!("ws://127.0.0.1:{port}")).unwrap();
    was_accepted.await.unwrap();
    tokio::time::pause();
    let SocketClose::Refused(Obstacle::Told(text)) = closed(&mut heard).await else {
        panic!("no words");
    };
    assert!(text.contains("did not answer"), "{text}");
}
