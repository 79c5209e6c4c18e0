//! The connection to the broker: TCP, TLS or a WebSocket on either.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mqdrop_client::Input;
use mqdrop_core::SocketClose;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::Inputs;
use super::address::Address;
use super::backlog::Backlog;
use super::close::refused;
use super::dial::{dial, no_answer};
use super::outbox::Outbox;
use super::pump::{self, Socket};
use super::tls::Tls;
use super::websocket::{self, Failure, Offer};
use crate::{profile, words};
use bytes::Bytes;

/// A connection that did not open after so long is given up.
const OPENING: Duration = Duration::from_secs(10);

/// A connection that is closed has so long for what was sent last.
const CLOSING: Duration = Duration::from_secs(5);

/// At most one connection at a time. Dropping it closes it at once.
pub(super) struct Connection<C> {
    line: Option<Arc<Line<C>>>,
    /// It, until it has ended.
    task: Option<JoinHandle<()>>,
    tls: Arc<Tls>,
    inputs: Inputs<C>,
    /// Bytes that wait to be written to the disk.
    stores: Arc<Backlog>,
}

/// A connection as it is seen from here and from its task.
pub(super) struct Line<C> {
    pub(super) outbox: Outbox,
    /// Bytes that were received and are not worked off.
    pub(super) received: Arc<Backlog>,
    /// Bytes that wait to be written to the disk.
    pub(super) stores: Arc<Backlog>,
    /// Not any more: nothing is to be heard of it.
    inputs: Mutex<Option<Inputs<C>>>,
    closing: Notify,
}

impl<C> Line<C> {
    /// Passes on what happened, if this still is the connection.
    pub(super) fn report(&self, input: Input<C>) {
        let inputs = self.inputs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(inputs) = &*inputs {
            // Nobody listens when the program ends.
            let _ = inputs.send(input);
        }
    }

    fn silence(&self) {
        *self.inputs.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl<C: Send + 'static> Connection<C> {
    pub(super) fn new(tls: Tls, inputs: Inputs<C>, stores: Arc<Backlog>) -> Self {
        Self {
            line: None,
            task: None,
            tls: Arc::new(tls),
            inputs,
            stores,
        }
    }

    /// Opens a connection in place of the one before.
    ///
    /// # Errors
    /// If this is no address.
    pub(super) fn open(&mut self, url: &str) -> Result<(), SocketClose> {
        self.drop_line();
        let address = Address::parse(url)?;
        let line = Arc::new(Line {
            outbox: Outbox::default(),
            received: Arc::default(),
            stores: Arc::clone(&self.stores),
            inputs: Mutex::new(Some(self.inputs.clone())),
            closing: Notify::new(),
        });
        self.line = Some(Arc::clone(&line));
        self.task = Some(tokio::spawn(run(line, address, Arc::clone(&self.tls))));
        Ok(())
    }

    pub(super) fn has_room(&self) -> bool {
        self.line
            .as_ref()
            .is_some_and(|line| line.outbox.has_room())
    }

    pub(super) fn send(&self, packet: Bytes) {
        if let Some(line) = &self.line {
            line.outbox.push(packet);
        }
    }

    pub(super) fn flush(&self) {
        if let Some(line) = &self.line {
            line.outbox.flush();
        }
    }

    /// Closes the connection after what was sent and `last`. Nothing is heard of it any more.
    pub(super) fn close(&mut self, last: Vec<Bytes>) {
        let Some(line) = self.line.take() else { return };
        line.silence();
        if !line.outbox.is_open() {
            return self.drop_line();
        }
        for packet in last {
            line.outbox.push(packet);
        }
        line.outbox.close();
        line.closing.notify_one();
    }

    /// Waits until a connection that was closed has ended: some seconds at most.
    pub(super) async fn ended(&mut self) {
        if self.line.is_none()
            && let Some(task) = self.task.take()
        {
            // It only fails by a panic, which was reported.
            let _ = task.await;
        }
    }

    fn drop_line(&mut self) {
        if let Some(line) = self.line.take() {
            line.silence();
        }
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

impl<C> Drop for Connection<C> {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

async fn run<C>(line: Arc<Line<C>>, address: Address, tls: Arc<Tls>) {
    let opened = match tokio::time::timeout(OPENING, connect(&address, &tls)).await {
        Ok(opened) => opened,
        Err(_) => Err(refused(no_answer(&address))),
    };
    match opened {
        Ok(socket) => {
            line.outbox.open();
            // Compression is not offered: nothing encrypted becomes shorter.
            line.report(Input::Opened {
                compresses: false,
                wall: profile::now(),
            });
            tokio::select! {
                () = pump::run(socket, &line, &address) => {}
                () = too_late(&line.closing) => {}
            }
        }
        Err(close) => line.report(Input::Closed(close)),
    }
}

async fn too_late(closing: &Notify) {
    closing.notified().await;
    tokio::time::sleep(CLOSING).await;
}

async fn connect(address: &Address, tls: &Arc<Tls>) -> Result<Socket, SocketClose> {
    if !address.is_websocket {
        return Ok(Socket::Stream(connect_stream(address, tls).await?));
    }
    let stream = connect_stream(address, tls).await?;
    let opened = match websocket::shake_hands(stream, address, Offer::Mqtt).await {
        Err(Failure::Unanswered) => {
            let stream = connect_stream(address, tls).await?;
            websocket::shake_hands(stream, address, Offer::Nothing).await
        }
        opened => opened,
    };
    match opened {
        Ok(socket) => Ok(Socket::WebSocket(Box::new(socket))),
        Err(Failure::Closed(close)) => Err(close),
        Err(Failure::Unanswered) => Err(refused(words().websocket_other(&address.place()))),
    }
}

async fn connect_stream(address: &Address, tls: &Arc<Tls>) -> Result<pump::Stream, SocketClose> {
    let stream = dial(address).await.map_err(refused)?;
    if address.is_secure {
        Ok(Box::new(tls.wrap(stream, address).await?))
    } else {
        Ok(Box::new(stream))
    }
}

#[cfg(test)]
mod tests;
