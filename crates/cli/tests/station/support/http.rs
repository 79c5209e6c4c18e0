//! A blocking HTTP client that sends exactly what it is told.

use std::io::{Read, Write};
use std::net::SocketAddr;

use super::client::tcp;

/// An answer: status, headers in lower case, body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }
}

pub(crate) fn get(address: SocketAddr, path: &str) -> Answer {
    request(address, "GET", path, &[])
}

/// Sends a request; `method` may have a host behind it, which is `station` otherwise.
pub(crate) fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let mut socket = tcp(address);
    let (method, host) = method.split_once(' ').unwrap_or((method, "station"));
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n");
    if !headers.iter().any(|(name, _)| *name == "connection") {
        head.push_str("connection: close\r\n");
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    socket
        .write_all(head.as_bytes())
        .expect("the request is sent");
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    // A connection that is upgraded stays open behind the head.
    while !answer.starts_with(b"HTTP/1.1 101 ") {
        let count = socket.read(&mut part).expect("the answer arrives whole");
        if count == 0 {
            break;
        }
        answer.extend_from_slice(&part[..count]);
    }
    parse(&answer)
}

fn parse(answer: &[u8]) -> Answer {
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .expect("the head is complete");
    let head = std::str::from_utf8(&answer[..end]).expect("the head is text");
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|code| code.parse().ok())
        .expect("a status");
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    Answer {
        status,
        headers,
        body: answer[end + 4..].to_vec(),
    }
}
