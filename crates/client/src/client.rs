//! The drain loop.

use mqdrop_core::{Engine, Event, ParcelId, SocketAction, StoreReply, StoreRequest, Time};

use crate::log::Log;
use crate::updates::Updates;
use crate::{Input, Platform, Update};

/// An engine and the platform that it runs on. The [crate's documentation](crate) says how to drive
/// it.
pub struct Client<P: Platform> {
    engine: Engine,
    platform: P,
    updates: Updates<P::Content>,
    log: Log,
    /// Pieces that were read back. The engine is given one of them in each turn.
    read_back: Vec<StoreReply>,
}

impl<P: Platform> Client<P> {
    /// A device that is in no room. `seed` must come from a cryptographic random source: identities,
    /// keys and nonces follow from it.
    pub fn new(seed: [u8; 32], platform: P) -> Self {
        Self {
            engine: Engine::new(seed),
            platform,
            updates: Updates::new(),
            log: Log::default(),
            read_back: Vec::new(),
        }
    }

    /// Takes in what happened, with one piece that was read back before, and does what the engine
    /// wants then.
    pub fn handle(&mut self, input: Input<P::Content>) {
        let now = self.platform.now();
        if !self.read_back.is_empty() {
            self.engine.handle_store(self.read_back.remove(0), now);
        }
        match input {
            Input::Opened { compresses, wall } => {
                self.log.opened(compresses, now);
                self.engine.handle_open(compresses, wall, now);
            }
            Input::Received(bytes) => {
                self.log.received(bytes.len());
                self.engine.handle_bytes(bytes, now);
            }
            Input::Closed(close) => {
                self.log.closed(&close, now);
                self.engine.handle_close(close, now);
            }
            Input::Read(request, result) => {
                if result.is_err() {
                    self.log.read_failed(request.parcel, now);
                }
                self.engine.handle_read(request, result, now);
            }
            Input::Stored(reply) => self.take_in(reply),
            Input::Finished { parcel, content } => {
                self.updates.finished(parcel, content);
                self.take_in(StoreReply::Finished { parcel });
            }
            Input::Woken => {}
        }
        self.drain();
    }

    /// Does to the engine what its user wants, and then what the engine wants.
    pub fn act<R>(&mut self, act: impl FnOnce(&mut Engine, Time) -> R) -> R {
        self.act_with_platform(|engine, _, now| act(engine, now))
    }

    /// Like [`act`](Self::act), for what engine and platform both have to know before the engine asks
    /// the platform for it: files with [`Engine::offer_files`] and [`Engine::choose_again`], stores
    /// with [`Engine::restore`].
    pub fn act_with_platform<R>(&mut self, act: impl FnOnce(&mut Engine, &mut P, Time) -> R) -> R {
        let now = self.platform.now();
        let result = act(&mut self.engine, &mut self.platform, now);
        self.drain();
        result
    }

    /// The engine, to be looked at.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The platform, to be looked at.
    #[must_use]
    pub fn platform(&self) -> &P {
        &self.platform
    }

    /// The platform. What the engine has to know of its changes comes as an [`Input`].
    #[must_use]
    pub fn platform_mut(&mut self) -> &mut P {
        &mut self.platform
    }

    /// The log of what was done and met.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Tells what is new and due, and sets the platform's timer. To be called after each input and
    /// each act, or after several of them that come together.
    pub fn tell(&mut self, tell: &mut dyn FnMut(Update<P::Content>)) {
        let now = self.platform.now();
        for parcel in self
            .updates
            .tell(&self.engine, &self.platform, &mut |update| {
                note(&mut self.log, &update, now);
                tell(update);
            })
        {
            self.platform.forget_files(parcel);
        }
        let now = self.platform.now();
        let deadlines = [
            self.engine.poll_timeout(now).map(|(deadline, _)| deadline),
            self.updates.next(),
            (!self.read_back.is_empty()).then_some(now),
        ];
        if let Some(deadline) = deadlines.into_iter().flatten().min() {
            self.platform.wake(deadline);
        }
    }

    /// Does what the engine wants until it wants nothing more.
    fn drain(&mut self) {
        let now = self.platform.now();
        // Not only when the timer rang, as it may be late by minutes.
        if self
            .engine
            .poll_timeout(now)
            .is_some_and(|(deadline, _)| deadline <= now)
        {
            self.engine.handle_timeout(now);
        }
        while self.drain_once() {}
        self.platform.flush();
    }

    /// Tells whether there was anything to do.
    fn drain_once(&mut self) -> bool {
        let mut is_busy = false;
        while let Some(action) = self.engine.poll_socket() {
            is_busy = true;
            self.change_connection(action);
        }
        while let Some(request) = self.engine.poll_store() {
            is_busy = true;
            self.store(request);
        }
        while let Some(request) = self.engine.poll_read(self.platform.now()) {
            is_busy = true;
            self.log.read();
            self.platform.read(request);
        }
        while let Some(event) = self.engine.poll_event() {
            is_busy = true;
            if let Event::Unfit { parcel, .. } = event {
                self.platform.forget_files(parcel);
            }
            self.updates.note(event);
        }
        while self.platform.has_room()
            && let Some(packet) = self.engine.poll_transmit(self.platform.now())
        {
            is_busy = true;
            self.log.sent(packet.len());
            self.platform.send(packet);
        }
        is_busy
    }

    fn change_connection(&mut self, action: SocketAction) {
        match action {
            SocketAction::Open { url } => {
                self.log.open(self.platform.now());
                if let Err(close) = self.platform.open(url) {
                    self.log.closed(&close, self.platform.now());
                    self.engine.handle_close(close, self.platform.now());
                }
            }
            SocketAction::Close { last } => {
                self.log.close(self.platform.now());
                self.platform.close(last);
            }
        }
    }

    fn store(&mut self, request: StoreRequest) {
        if let StoreRequest::Create { parcel, .. } | StoreRequest::Discard { parcel } = request {
            self.updates.forget_content(parcel);
            self.read_back.retain(|reply| !is_of(reply, parcel));
        }
        self.log.stored();
        if let Some(reply) = self.platform.store(request) {
            self.take_in(reply);
        }
    }

    fn take_in(&mut self, reply: StoreReply) {
        if let StoreReply::Unwritten { parcel, .. }
        | StoreReply::Unread { parcel, .. }
        | StoreReply::Failed { parcel, .. } = reply
        {
            self.log.store_failed(parcel, self.platform.now());
        }
        match reply {
            StoreReply::Read { .. } | StoreReply::Unread { .. } => self.read_back.push(reply),
            reply => self.engine.handle_store(reply, self.platform.now()),
        }
    }
}

/// Logs what a user is told, as far as it says how things stand.
fn note<C>(log: &mut Log, update: &Update<C>, now: Time) {
    match update {
        Update::Status { status, .. } => log.status(status, now),
        Update::Peers { peers, .. } => log.peers(peers.len(), now),
        Update::Transfer(view) => log.transfer(view, now),
        Update::Learnt(learnt) => log.learnt(*learnt, now),
        Update::People { .. }
        | Update::Place { .. }
        | Update::Removed(_)
        | Update::Files { .. }
        | Update::Text { .. }
        | Update::Content { .. }
        | Update::Kept(_)
        | Update::Unfit { .. }
        | Update::Notice(_) => {}
    }
}

/// Tells whether a parcel's store was read back.
fn is_of(reply: &StoreReply, read: ParcelId) -> bool {
    matches!(*reply, StoreReply::Read { parcel, .. } | StoreReply::Unread { parcel, .. } if parcel == read)
}
