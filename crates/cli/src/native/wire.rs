//! A connection to a broker without an engine, for those who ask the broker itself.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use mqdrop_client::Input;
use mqdrop_core::SocketClose;
use tokio::sync::mpsc;

use super::connection::Connection;
use super::tls::{ConnectionOptions, Tls};
use crate::words;

/// The way to a broker.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    /// `mqtt://`, `mqtts://`, `ws://` or `wss://`.
    pub(crate) url: String,
    pub(crate) options: ConnectionOptions,
}

/// An open connection.
pub(crate) struct Wire {
    connection: Connection<()>,
    /// The address that it leads to.
    url: String,
    events: mpsc::UnboundedReceiver<Input<()>>,
    /// Received while there was no room to send.
    received: VecDeque<Bytes>,
}

impl Wire {
    /// Opens a connection, which takes 10 s at most.
    ///
    /// # Errors
    /// In words.
    pub(crate) async fn open(route: &Route) -> Result<Self, String> {
        let tls = Tls::new(route.options.clone())?;
        let (sender, events) = mpsc::unbounded_channel();
        let mut wire = Self {
            connection: Connection::new(tls, sender, Arc::default()),
            url: route.url.clone(),
            events,
            received: VecDeque::new(),
        };
        wire.connection
            .open(&route.url)
            .map_err(|close| wire.meaning(close))?;
        loop {
            match wire.events.recv().await {
                Some(Input::Opened { .. }) => return Ok(wire),
                Some(Input::Closed(close)) => return Err(wire.meaning(close)),
                Some(_) => {}
                None => return Err(wire.meaning(SocketClose::Unreachable)),
            }
        }
    }

    /// Sends bytes, once there is room for them.
    ///
    /// # Errors
    /// In words, if the connection has ended.
    pub(crate) async fn send(&mut self, bytes: Bytes) -> Result<(), String> {
        while !self.connection.has_room() {
            if let Some(bytes) = self.next().await? {
                self.received.push_back(bytes);
            }
        }
        self.connection.send(bytes);
        self.connection.flush();
        Ok(())
    }

    /// The next bytes. Nothing is lost if the answer is not waited for.
    ///
    /// # Errors
    /// In words, if the connection has ended.
    pub(crate) async fn receive(&mut self) -> Result<Bytes, String> {
        if let Some(bytes) = self.received.pop_front() {
            return Ok(bytes);
        }
        loop {
            if let Some(bytes) = self.next().await? {
                return Ok(bytes);
            }
        }
    }

    /// Ends the connection when everything is sent; takes some seconds at most.
    pub(crate) async fn close(mut self) {
        self.connection.close(Vec::new());
        self.connection.ended().await;
    }

    async fn next(&mut self) -> Result<Option<Bytes>, String> {
        match self.events.recv().await {
            Some(Input::Received(bytes)) => Ok(Some(bytes)),
            Some(Input::Closed(close)) => Err(self.meaning(close)),
            Some(_) => Ok(None),
            None => Err(self.meaning(SocketClose::Closed { code: None })),
        }
    }

    fn meaning(&self, close: SocketClose) -> String {
        match close {
            SocketClose::Refused(obstacle) => words().obstacle(&obstacle, &self.url),
            SocketClose::Unreachable => words().doctor_no_way().into(),
            SocketClose::Invalid(_) => words().doctor_not_mqtt().into(),
            SocketClose::Closed { code: Some(code) } => {
                words().doctor_ended_code(&code.to_string())
            }
            SocketClose::Closed { code: None } => words().doctor_ended().into(),
        }
    }
}
