//! The machine that the command line runs on: what an engine needs of it.
//!
//! [`Native`] is to be used on a tokio runtime; one with a single thread is enough. What takes a while
//! is done on the runtime's threads for blocking work, and what comes of it is put into the channel
//! that [`Native::new`] is given: the caller brings that to its client.

mod address;
mod backlog;
mod clock;
mod close;
mod connection;
mod dial;
mod lane;
mod outbox;
mod positioned;
mod pump;
mod sources;
mod store;
#[cfg(test)]
mod tests;
mod tls;
mod websocket;
pub(crate) mod wire;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use mqdrop_client::{Input, Platform};
use mqdrop_core::view::FileView;
use mqdrop_core::{
    Engine, ParcelId, ReadRequest, RestoreError, SocketClose, StoreReply, StoreRequest, Time,
};
use tokio::sync::mpsc;

use clock::{Alarm, Clock};
use connection::Connection;
use sources::Sources;
use store::Stores;
use tls::Tls;

pub(crate) use sources::{SourceFile, WalkOptions, spool, walk};
pub(crate) use store::{Collisions, Fingerprint, Kept, Saved, TakenUp, Target};
pub(crate) use tls::{ClientCertificate, ConnectionOptions};

/// Takes everything that happens on this computer.
type Inputs<C> = mpsc::UnboundedSender<Input<C>>;

/// A reason that the platform cannot be set up.
#[derive(Debug)]
pub(crate) enum NativeError {
    /// A file for TLS cannot be used; in words.
    Certificate(String),
    /// The folder for what is received cannot be used.
    Target(std::io::Error),
}

/// This computer, as far as one client needs it.
pub(crate) struct Native {
    clock: Clock,
    alarm: Alarm,
    connection: Connection<Saved>,
    sources: Sources<Saved>,
    stores: Stores,
}

impl Native {
    /// Puts everything that happens into `inputs`, from where the caller brings it to the client. To be
    /// called on a runtime.
    ///
    /// # Errors
    /// If a file of the options or the target cannot be used.
    pub(crate) fn new(
        options: ConnectionOptions,
        target: &Target,
        inputs: Inputs<Saved>,
    ) -> Result<Self, NativeError> {
        Self::with_state(options, target, inputs, None)
    }

    /// The same, with another folder for state than the user's.
    fn with_state(
        options: ConnectionOptions,
        target: &Target,
        inputs: Inputs<Saved>,
        state: Option<&Path>,
    ) -> Result<Self, NativeError> {
        let tls = Tls::new(options).map_err(NativeError::Certificate)?;
        let backlog = Arc::default();
        let stores = Stores::new(target, state, Arc::clone(&backlog), inputs.clone());
        Ok(Self {
            clock: Clock::new(),
            alarm: Alarm::new(inputs.clone()),
            connection: Connection::new(tls, inputs.clone(), backlog),
            sources: Sources::new(inputs),
            stores: stores.map_err(NativeError::Target)?,
        })
    }

    /// Keeps what a parcel is sent from, in the order of the engine's entries. To be called in the
    /// turn that offers them or chooses them again.
    pub(crate) fn keep_files(&mut self, parcel: ParcelId, files: Vec<SourceFile>) {
        let fingerprint = Fingerprint::of(files.iter().map(|file| &file.entry));
        self.sources.keep(parcel, files);
        self.stores.set_fingerprint(parcel, fingerprint);
    }

    /// Names the hidden files of a parcel that is received, until it is whole. To be called before it
    /// is accepted; without it they are named by the parcel's id.
    pub(crate) fn set_title(&mut self, parcel: ParcelId, title: String) {
        self.stores.set_title(parcel, title);
    }

    /// The files that the content of a parcel that is received consists of, as the engine lists them.
    /// To be called whenever that changes: the parcel is not put in its place before.
    pub(crate) fn set_files(&mut self, parcel: ParcelId, files: Vec<FileView>) {
        self.stores.set_files(parcel, files);
    }

    /// Takes up what earlier processes left and no other one has. To be called once, at the start. May
    /// take a while: a parcel that was whole is put in its place now.
    ///
    /// # Errors
    /// If a folder cannot be read.
    pub(crate) fn take_up(&self) -> std::io::Result<TakenUp> {
        self.stores.take_up()
    }

    /// Has the engine go on with what was kept; to be called in a turn. Returns the parcel, or what
    /// was kept if its notes are damaged: it is the user who discards that. `Ok(None)` means that it
    /// is of no use, or left to a later process.
    ///
    /// # Errors
    /// If the notes are damaged, or those of a later version.
    pub(crate) fn restore(
        &mut self,
        kept: Kept,
        engine: &mut Engine,
        now: Time,
    ) -> Result<Option<ParcelId>, Kept> {
        match engine.restore(&kept.notes, now) {
            Ok(restored) => {
                let parcel = restored.parcel;
                self.stores
                    .go_on(kept, parcel, restored.notes_len, restored.size);
                Ok(Some(parcel))
            }
            Err(RestoreError::Damaged) => Err(kept),
            Err(RestoreError::Known) => {
                kept.discard();
                Ok(None)
            }
            Err(RestoreError::Busy) => Ok(None),
        }
    }

    /// Waits until a connection that was closed has sent its last words: some seconds at most.
    pub(crate) async fn ended(&mut self) {
        self.connection.ended().await;
    }
}

impl Platform for Native {
    type Content = Saved;

    fn now(&self) -> Time {
        self.clock.now()
    }

    fn open(&mut self, url: String) -> Result<(), SocketClose> {
        self.connection.open(&url)
    }

    fn has_room(&self) -> bool {
        self.connection.has_room()
    }

    fn send(&mut self, packet: Bytes) {
        self.connection.send(packet);
    }

    fn flush(&mut self) {
        self.connection.flush();
    }

    fn close(&mut self, last: Vec<Bytes>) {
        self.connection.close(last);
    }

    fn read(&mut self, request: ReadRequest) {
        self.sources.read(request);
    }

    fn forget_files(&mut self, parcel: ParcelId) {
        self.sources.forget(parcel);
        self.stores.forget_fingerprint(parcel);
    }

    fn store(&mut self, request: StoreRequest) -> Option<StoreReply> {
        let (StoreRequest::Create { parcel, .. }
        | StoreRequest::Write { parcel, .. }
        | StoreRequest::Note { parcel, .. }
        | StoreRequest::Read { parcel, .. }
        | StoreRequest::Finish { parcel, .. }
        | StoreRequest::Discard { parcel }) = request;
        let is_sent = self.sources.has(parcel);
        self.stores.request(request, is_sent)
    }

    fn wake(&mut self, at: Time) {
        self.alarm.set(at, self.clock.now());
    }
}
