//! The engine: one device in one room, over one MQTT session. Drivers move bytes, blocks and time.

mod dispatch;
mod ending;
mod families;
mod gate;
#[cfg(test)]
mod hostile;
mod kept;
mod link;
mod outbox;
mod proof;
mod refusal;
mod rights;
mod room;
mod stall;
mod subscriptions;
mod topics;
mod transfers;

use core::time::Duration;
use std::collections::VecDeque;

use litemap::LiteMap;

use bytes::Bytes;
use mqdrop_mqtt::Time;

use crate::api::{Event, Join, JoinError, Timer};
use crate::cause::Cause;
use crate::effects::Effects;
use crate::ids::ParcelId;
use crate::incoming::Incoming;
use crate::io::{Invalid, SocketAction, SocketClose, StoreReply, StoreRequest};
use crate::outgoing::Outgoing;
use crate::random::Random;
use crate::view::{FileView, PeerView, StatusView, TransferState, TransferView};

use kept::Kept;
use link::Stage;
use room::Room;
use stall::Stalls;
pub use topics::topic_prefix;

/// A device that said goodbye and is still there after so long comes back by itself.
const GOODBYE: Duration = Duration::from_secs(60);

/// One device.
///
/// After every `handle_*` call and every command, call each `poll_*` until all answer `None`, then
/// sleep until [`poll_timeout`](Self::poll_timeout) or the next input. The crate `mqdrop-client` does
/// that for any platform, with the rules that go with it.
pub struct Engine {
    random: Random,
    room: Option<Room>,
    outgoing: LiteMap<ParcelId, Outgoing>,
    incoming: LiteMap<ParcelId, Incoming>,
    /// Parcels of other rooms that storage kept.
    kept: LiteMap<ParcelId, Kept>,
    auto_accept: bool,
    cx: Effects,
    socket: VecDeque<SocketAction>,
    /// Which outgoing parcel was served last.
    turn: Option<ParcelId>,
    stalls: Stalls,
    /// How many rooms were left: what was asked for in one is not to be answered in another.
    visit: u32,
}

impl Engine {
    /// `seed` must come from a cryptographic random source: keys and nonces follow from it.
    #[must_use]
    pub fn new(seed: [u8; 32]) -> Self {
        Self {
            random: Random::new(seed),
            room: None,
            outgoing: LiteMap::new(),
            incoming: LiteMap::new(),
            kept: LiteMap::new(),
            auto_accept: false,
            cx: Effects::default(),
            socket: VecDeque::new(),
            turn: None,
            stalls: Stalls::default(),
            visit: 0,
        }
    }

    /// Enters a room; leaves the one before. The engine stays in it, through any interruption,
    /// until [`leave`](Self::leave).
    ///
    /// # Errors
    /// If the prefix cannot be part of a topic.
    pub fn join(&mut self, join: Join, now: Time) -> Result<(), JoinError> {
        self.leave(now);
        self.auto_accept = join.auto_accept;
        let room = Room::new(join, now)?;
        self.socket.push_back(SocketAction::Open {
            url: room.broker.clone(),
        });
        self.room = Some(room);
        self.cx.event(Event::Status);
        self.take_up_kept(now);
        Ok(())
    }

    /// Leaves the room. What somebody receives, here or elsewhere, is kept for when the room is entered
    /// again; what nobody has accepted ends.
    pub fn leave(&mut self, now: Time) {
        if self.room.is_none() {
            return;
        }
        self.end_transfers(now);
        self.visit += 1;
        self.settle(now);
        let Some(mut room) = self.room.take() else {
            return;
        };
        room.push(crate::effects::To::Room, crate::message::Body::Gone);
        room.flush(&mut self.random, now);
        room.session.disconnect(now);
        if !room.link.is_closed() {
            self.socket.push_back(room.close());
        }
        self.cx.topics.clear();
        self.cx.messages.clear();
        self.cx.answers.clear();
        self.cx.event(Event::Peers);
        self.cx.event(Event::Status);
    }

    /// This device may be gone in a moment, without a word, or be back some time: says goodbye and
    /// hangs up. Nothing is ended by that. It is back with [`check`](Self::check), or by itself if it
    /// is still there after a while.
    pub fn say_goodbye(&mut self, now: Time) {
        let Some(room) = self.room.as_mut().filter(|room| room.link.is_online()) else {
            return;
        };
        room.push(crate::effects::To::Room, crate::message::Body::Gone);
        room.flush(&mut self.random, now);
        room.session.disconnect(now);
        self.socket.push_back(room.close());
        room.link.stage = Stage::Waiting(now + GOODBYE);
        for (_, outgoing) in &mut self.outgoing {
            outgoing.handle_link_lost(&mut self.cx);
        }
        self.tell_transfers();
        self.cx.event(Event::Status);
    }

    /// Looks at the connection at once: the page became visible, the network came back.
    pub fn check(&mut self, now: Time) {
        if let Some(room) = &mut self.room {
            match room.link.stage {
                Stage::Waiting(_) => room.link.stage = Stage::Waiting(now),
                Stage::Stopped => {}
                Stage::Opening(until) if now >= until => {
                    // This device slept meanwhile.
                    self.socket.push_back(room.close());
                    room.link.stage = Stage::Waiting(now);
                }
                _ => room.session.check(now),
            }
        }
        self.handle_timeout(now);
    }

    /// The connection that was asked for is open. `compresses`: the broker compresses messages (a
    /// WebSocket's permessage-deflate, RFC 7692), which takes time and makes nothing of files shorter, as
    /// they are encrypted.
    pub fn handle_open(&mut self, compresses: bool, now: Time) {
        if let Some(room) = &mut self.room
            && matches!(room.link.stage, Stage::Opening(_))
        {
            room.link.compresses = compresses;
            room.connect(&mut self.random, now);
        }
        self.settle(now);
    }

    /// Bytes came, split or merged in any way.
    #[inline(never)]
    pub fn handle_bytes(&mut self, bytes: Bytes, now: Time) {
        if let Some(room) = &mut self.room
            && !(matches!(room.link.stage, Stage::Opening(_)) || room.link.is_closed())
        {
            room.session.handle_bytes(bytes, now);
        }
        self.settle(now);
    }

    /// The connection ended, or could not be opened.
    pub fn handle_close(&mut self, close: SocketClose, now: Time) {
        if let Some(room) = &mut self.room {
            match room.link.stage {
                Stage::Waiting(_) | Stage::Stopped => {}
                Stage::Opening(_) => {
                    room.link.unreachable(&close, &mut self.random, now);
                    self.cx.event(Event::Status);
                }
                Stage::Handshake | Stage::Subscribing(_) | Stage::Online => {
                    match close {
                        SocketClose::Closed { code } => room.close_code = code,
                        SocketClose::Invalid(what) => room.session.handle_invalid(match what {
                            Invalid::Text => "a WebSocket message of text",
                            Invalid::TooLong => "a WebSocket message too long to take in",
                        }),
                        SocketClose::Refused(words) => room.refused = Some(words),
                        SocketClose::Unreachable => {}
                    }
                    room.session.handle_disconnected(now);
                }
            }
        }
        self.settle(now);
    }

    /// Storage answered.
    #[inline(never)]
    pub fn handle_store(&mut self, reply: StoreReply, now: Time) {
        let (StoreReply::Created { parcel }
        | StoreReply::Written { parcel, .. }
        | StoreReply::Unwritten { parcel, .. }
        | StoreReply::Read { parcel, .. }
        | StoreReply::Unread { parcel, .. }
        | StoreReply::Finished { parcel }
        | StoreReply::Failed { parcel, .. }) = reply;
        if let Some(incoming) = self.incoming.get_mut(&parcel) {
            incoming.handle_store(&reply, now, &mut self.cx);
            incoming.read_back(self.auto_accept, now, &mut self.cx);
        } else if self.kept.contains_key(&parcel) {
            self.handle_store_of_kept(parcel, &reply, now);
        } else if let Some(outgoing) = self.outgoing.get_mut(&parcel) {
            outgoing.handle_store(&reply, &mut self.cx);
        } else if matches!(reply, StoreReply::Created { .. }) {
            // Its parcel was removed meanwhile.
            self.cx.store.push_back(StoreRequest::Discard { parcel });
        }
        self.settle(now);
    }

    /// Something may be due. Calling it late is fine; calling it early does nothing.
    #[inline(never)]
    pub fn handle_timeout(&mut self, now: Time) {
        let Some(room) = &mut self.room else { return };
        room.session.handle_timeout(now);
        match room.link.stage {
            Stage::Opening(until) if now >= until => {
                self.socket.push_back(room.close());
                let close = SocketClose::Unreachable;
                room.link.unreachable(&close, &mut self.random, now);
                self.cx.event(Event::Status);
            }
            Stage::Waiting(until) if now >= until => {
                room.link.open(now);
                self.socket.push_back(SocketAction::Open {
                    url: room.broker.clone(),
                });
            }
            _ => {}
        }
        self.settle(now);
        let Some(room) = &mut self.room else { return };
        if !room.link.is_online() {
            return;
        }
        if now >= room.refresh {
            room.show_presence(&mut self.random, now);
        }
        if room.check_rights(&mut self.random, now) {
            self.cx.event(Event::Status);
        }
        room.subscriptions.handle_timeout(now);
        for device in room.peers.expire(now) {
            self.handle_gone(device, now);
        }
        let Some(room) = &mut self.room else { return };
        for (_, outgoing) in &mut self.outgoing {
            outgoing.handle_timeout(now, &mut room.frame_size, &mut self.cx);
        }
        for (_, incoming) in &mut self.incoming {
            incoming.handle_timeout(now, &mut self.cx);
        }
        self.look_for_stalls(now);
        self.settle(now);
    }

    /// The next bytes for the socket, in order. Call it only while the socket's own buffer has
    /// room: what waits here can still be put to better use.
    #[inline(never)]
    pub fn poll_transmit(&mut self, now: Time) -> Option<Bytes> {
        loop {
            let room = self.room.as_mut()?;
            if let Some(bytes) = room.session.poll_transmit() {
                return Some(bytes);
            }
            if !room.link.is_online() || !self.send_frame(now) {
                return None;
            }
        }
    }

    /// Gives the next thing to do with the connection to the broker.
    pub fn poll_socket(&mut self) -> Option<SocketAction> {
        self.socket.pop_front()
    }

    /// Gives the next thing to do with storage.
    pub fn poll_store(&mut self) -> Option<StoreRequest> {
        self.cx.store.pop_front()
    }

    /// Gives the next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.cx.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), and why.
    #[must_use]
    pub fn poll_timeout(&self, now: Time) -> Option<(Time, Timer)> {
        let room = self.room.as_ref()?;
        let session = room
            .session
            .poll_timeout()
            .map(|(at, timer)| (at, Timer::Session(timer)));
        let mut deadlines = vec![session];
        match room.link.stage {
            Stage::Opening(until) => deadlines.push(Some((until, Timer::Opening))),
            Stage::Waiting(until) => deadlines.push(Some((until, Timer::Reconnect))),
            Stage::Online => {
                deadlines.push(Some((room.refresh, Timer::Refresh)));
                deadlines.push(room.rights.deadline().map(|at| (at, Timer::Rights)));
                let retry = room.subscriptions.deadline();
                deadlines.push(retry.map(|at| (at, Timer::Subscription)));
                deadlines.push(self.stalls.deadline().map(|at| (at, Timer::Stall)));
                deadlines.push(room.peers.deadline().map(|at| (at, Timer::Silence)));
                let outgoing = self
                    .outgoing
                    .values()
                    .filter_map(|outgoing| outgoing.deadline(now))
                    .min();
                deadlines.push(outgoing.map(|at| (at, Timer::Outgoing)));
                let incoming = self.incoming.values().filter_map(Incoming::deadline).min();
                deadlines.push(incoming.map(|at| (at, Timer::Incoming)));
            }
            Stage::Handshake | Stage::Subscribing(_) | Stage::Stopped => {}
        }
        deadlines.into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// How the connection stands.
    #[must_use]
    pub fn status(&self) -> StatusView {
        self.room.as_ref().map(Room::status).unwrap_or_default()
    }

    /// Everyone else in the room.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerView> {
        self.room
            .as_ref()
            .map(|room| room.peers.views())
            .unwrap_or_default()
    }

    /// One transfer; `None` if it is off the list.
    #[must_use]
    pub fn transfer(&self, parcel: ParcelId, now: Time) -> Option<TransferView> {
        let known_name = |device| self.room.as_ref()?.peers.known_name(device);
        let mut view = if let Some(outgoing) = self.outgoing.get(&parcel) {
            outgoing.view(known_name, now)
        } else {
            let incoming = self.incoming.get(&parcel)?;
            let sender =
                known_name(incoming.sender()).unwrap_or_else(|| incoming.sender_name().to_owned());
            incoming.view(sender, now)
        };
        view.state = self.as_shown(view.state);
        if view.state == TransferState::Active && view.cause.is_none() {
            view.cause = self.stall(parcel, view.direction);
        }
        if self.is_cut_off() && view.state == TransferState::Waiting && !view.lacks_files {
            (view.rate, view.eta, view.offline) = (0.0, None, true);
            view.cause = Some(Cause::NoConnection);
        }
        Some(view)
    }

    fn is_cut_off(&self) -> bool {
        let room = self.room.as_ref();
        room.is_some_and(|room| !room.link.is_online())
    }

    /// Nothing flows without a connection.
    fn as_shown(&self, state: TransferState) -> TransferState {
        match state {
            TransferState::Active if self.is_cut_off() => TransferState::Waiting,
            state => state,
        }
    }

    /// How a transfer stands, as its view says, at less cost; `None` if it is off the list.
    #[must_use]
    pub fn transfer_state(&self, parcel: ParcelId, now: Time) -> Option<TransferState> {
        let state = match self.outgoing.get(&parcel) {
            Some(outgoing) => outgoing.state(now),
            None => self.incoming.get(&parcel)?.state(),
        };
        Some(self.as_shown(state))
    }

    /// A parcel's files, once they are known.
    #[must_use]
    pub fn files(&self, parcel: ParcelId) -> Option<Vec<FileView>> {
        match self.outgoing.get(&parcel) {
            Some(outgoing) => Some(outgoing.files_view()),
            None => self.incoming.get(&parcel)?.files_view(),
        }
    }
}
