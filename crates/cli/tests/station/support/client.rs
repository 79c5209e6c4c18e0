//! A blocking MQTT client over TCP or WebSocket.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;
use tungstenite::{Message, WebSocket};

use super::packets::{Connect, Packet, Version, publish, subscribe};
use super::{PATIENCE, Station};

/// How a client reaches the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Via {
    WebSocket,
    Tcp,
}

pub(crate) const BOTH: [Via; 2] = [Via::WebSocket, Via::Tcp];

pub(crate) struct Client {
    pub(crate) wire: Wire,
    pub(crate) version: Version,
    received: Vec<u8>,
}

pub(crate) enum Wire {
    WebSocket(Box<WebSocket<TcpStream>>),
    Tcp(TcpStream),
}

impl Client {
    /// Opens a connection without a CONNECT.
    pub(crate) fn open(station: &Station, via: Via, version: Version) -> Self {
        let wire = match via {
            Via::WebSocket => Wire::WebSocket(Box::new(websocket(station.web, "mqtt").0)),
            Via::Tcp => Wire::Tcp(tcp(station.mqtt.expect("a plain listener"))),
        };
        Self {
            wire,
            version,
            received: Vec::new(),
        }
    }

    /// A client on an open connection without WebSocket.
    pub(crate) fn over(socket: TcpStream, version: Version) -> Self {
        Self {
            wire: Wire::Tcp(socket),
            version,
            received: Vec::new(),
        }
    }

    /// Connects and expects to be welcome; also gives the CONNACK.
    pub(crate) fn connect_as(station: &Station, via: Via, connect: &Connect<'_>) -> (Self, Packet) {
        let mut client = Self::open(station, via, connect.version);
        client.send(&connect.encode());
        let connack = client.receive().expect("a CONNACK");
        assert_eq!(connack.connack_code(), 0, "welcome");
        (client, connack)
    }

    pub(crate) fn connect(station: &Station, via: Via, version: Version, id: &str) -> Self {
        Self::connect_as(station, via, &Connect::new(version, id)).0
    }

    /// Subscribes with QoS 1 and waits for the SUBACK.
    pub(crate) fn subscribe(&mut self, filter: &str) {
        self.send(&subscribe(self.version, filter, 1));
        let suback = self.receive().expect("a SUBACK");
        assert_eq!((suback.first, suback.body.last()), (0x90, Some(&1)));
    }

    pub(crate) fn publish(&mut self, topic: &str, payload: &[u8]) {
        self.send(&publish(self.version, topic, payload));
    }

    /// Sends bytes, over WebSocket as one message.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).expect("the station takes the bytes");
    }

    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> Result<(), String> {
        match &mut self.wire {
            Wire::WebSocket(socket) => {
                let mut sent = socket.send(Message::binary(bytes.to_vec()));
                while let Err(tungstenite::Error::Io(error)) = &sent
                    && is_interruption(error)
                {
                    // The message is in the socket's own buffer by now.
                    sent = socket.flush();
                }
                sent.map_err(|error| error.to_string())
            }
            Wire::Tcp(socket) => socket.write_all(bytes).map_err(|error| error.to_string()),
        }
    }

    /// The next packet, or `None` when the station has closed the connection.
    pub(crate) fn receive(&mut self) -> Option<Packet> {
        loop {
            if let Some(packet) = Packet::take(&mut self.received) {
                return Some(packet);
            }
            match &mut self.wire {
                Wire::WebSocket(socket) => match socket.read() {
                    Ok(Message::Binary(bytes)) => self.received.extend_from_slice(&bytes),
                    Ok(Message::Close(_)) => return None,
                    Ok(_) => {}
                    Err(tungstenite::Error::Io(error)) if is_interruption(&error) => {}
                    Err(tungstenite::Error::Io(error)) if is_timeout(&error) => {
                        panic!("the station is silent")
                    }
                    Err(_) => return None,
                },
                Wire::Tcp(socket) => {
                    let mut buffer = vec![0; 64 * 1024];
                    match socket.read(&mut buffer) {
                        Ok(0) => return None,
                        Ok(count) => self.received.extend_from_slice(&buffer[..count]),
                        Err(error) if is_interruption(&error) => {}
                        Err(error) if is_timeout(&error) => panic!("the station is silent"),
                        Err(_) => return None,
                    }
                }
            }
        }
    }

    /// The next message: topic and payload.
    pub(crate) fn message(&mut self) -> (String, Vec<u8>) {
        let packet = self.receive().expect("a message");
        let (topic, payload) = packet.published(self.version);
        (topic, payload.to_vec())
    }

    /// Has writes to a connection without WebSocket end after `limit`. Some systems do not tell a
    /// writer that its peer has closed while the peer's window is shut.
    pub(crate) fn give_up_writing_after(&self, limit: std::time::Duration) {
        if let Wire::Tcp(socket) = &self.wire {
            socket
                .set_write_timeout(Some(limit))
                .expect("a limit can be set");
        }
    }

    /// Ends the connection without a word.
    pub(crate) fn cut(self) {
        let socket = match &self.wire {
            Wire::WebSocket(socket) => socket.get_ref(),
            Wire::Tcp(socket) => socket,
        };
        socket
            .shutdown(std::net::Shutdown::Both)
            .expect("the connection is open");
    }
}

/// A WebSocket on `/mqtt` that offers `subprotocols`; also gives the chosen one.
pub(crate) fn websocket(
    address: SocketAddr,
    subprotocols: &str,
) -> (WebSocket<TcpStream>, Option<String>) {
    let mut request = format!("ws://{address}/mqtt")
        .into_client_request()
        .expect("the address is a URL");
    request.headers_mut().insert(
        "sec-websocket-protocol",
        HeaderValue::from_str(subprotocols).expect("names are plain"),
    );
    let (socket, answer) =
        tungstenite::client(request, tcp(address)).expect("the station shakes hands");
    let chosen = answer
        .headers()
        .get("sec-websocket-protocol")
        .map(|value| value.to_str().expect("names are plain").to_owned());
    (socket, chosen)
}

pub(crate) fn tcp(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect_timeout(&address, PATIENCE).expect("the station listens");
    socket
        .set_read_timeout(Some(PATIENCE))
        .expect("a limit can be set");
    socket
        .set_write_timeout(Some(PATIENCE))
        .expect("a limit can be set");
    socket.set_nodelay(true).expect("an option can be set");
    socket
}

/// Connects from another address of this computer, 127.0.0.`last`, and expects to be welcome.
pub(crate) fn from(station: &Station, last: u8, connect: &Connect<'_>) -> (Client, Packet) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let address = SocketAddr::from(([127, 0, 0, last], 0));
    socket
        .bind(&address.into())
        .expect("an address of this computer");
    let station = station.mqtt.expect("a plain listener");
    socket
        .connect(&station.into())
        .expect("the station listens");
    let socket: TcpStream = socket.into();
    socket
        .set_read_timeout(Some(PATIENCE))
        .expect("a limit can be set");
    let mut client = Client::over(socket, connect.version);
    client.send(&connect.encode());
    let connack = client.receive().expect("a CONNACK");
    assert_eq!(connack.connack_code(), 0, "welcome");
    (client, connack)
}

/// A signal arrived; sockets with a time limit do not go on by themselves.
fn is_interruption(error: &std::io::Error) -> bool {
    error.kind() == ErrorKind::Interrupted
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
