//! Opens TCP connections, and says in plain words why one did not open.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;

use super::address::Address;
use crate::words;

/// An address that has not answered for so long is joined by the next one (RFC 8305, section 5): of
/// a host's two kinds of addresses, one often leads nowhere.
const STAGGER: Duration = Duration::from_millis(250);

/// Addresses of a host beyond this are not tried.
const MOST_ADDRESSES: usize = 8;

/// Opens a connection to the first address of the host that answers.
///
/// # Errors
/// In words.
pub(super) async fn dial(address: &Address) -> Result<TcpStream, String> {
    let found = tokio::net::lookup_host((address.host.as_str(), address.port)).await;
    let found = found.map_err(|error| unknown(address, &error))?;
    let places = in_turn(found);
    if places.is_empty() {
        return Err(words().reach_host_without_address(&address.host));
    }
    let stream = race(&places)
        .await
        .map_err(|error| refused(address, &error))?;
    // Small packets are not held back: the outbox joins them already. Without it all still works.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// The addresses by turns of their kind, as the first kind may lead nowhere.
fn in_turn(found: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let found: Vec<SocketAddr> = found.collect();
    let starts_with_v6 = found.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|address| address.is_ipv6() == starts_with_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut places = Vec::new();
    while places.len() < MOST_ADDRESSES {
        match (first.next(), second.next()) {
            (None, None) => break,
            (one, other) => places.extend(one.into_iter().chain(other)),
        }
    }
    places
}

async fn race(places: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut places = places.iter();
    let mut attempts = FuturesUnordered::new();
    let mut failure = None;
    loop {
        if let Some(place) = places.next() {
            attempts.push(TcpStream::connect(place));
        } else if attempts.is_empty() {
            return Err(failure.unwrap_or_else(|| io::ErrorKind::NotFound.into()));
        }
        let has_more = places.len() > 0;
        tokio::select! {
            Some(attempt) = attempts.next() => match attempt {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = Some(error),
            },
            () = tokio::time::sleep(STAGGER), if has_more => {}
        }
    }
}

fn unknown(address: &Address, error: &io::Error) -> String {
    words().reach_unknown_host(&address.host, &error.to_string())
}

fn refused(address: &Address, error: &io::Error) -> String {
    let place = address.place();
    match error.kind() {
        io::ErrorKind::ConnectionRefused => words().reach_refused(&place),
        io::ErrorKind::TimedOut => no_answer(address),
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            words().reach_no_way(&place, &error.to_string())
        }
        _ => words().reach_not_opened(&place, &error.to_string()),
    }
}

/// Words for a host that is silent.
pub(super) fn no_answer(address: &Address) -> String {
    words().reach_no_answer(&address.place())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_addresses_have_their_turn() {
        let found = ["[::1]:1", "[::2]:1", "127.0.0.1:1", "[::3]:1"].map(|it| it.parse().unwrap());
        let expected =
            ["[::1]:1", "127.0.0.1:1", "[::2]:1", "[::3]:1"].map(|it| it.parse().unwrap());
        assert_eq!(in_turn(found.into_iter()), expected);
    }

    #[tokio::test]
    async fn an_address_that_refuses_does_not_keep_the_next_one_waiting() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap();
        let closed = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap()
        };
        let stream = race(&[closed, open]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), open);
        let error = race(&[closed]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
