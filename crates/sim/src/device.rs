//! A device of the simulation: a client on its machine, and its page.

use core::cell::Cell;
use core::ops::{Deref, DerefMut};
use mqdrop_core::{Notice, OfferError};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use mqdrop_client::{Client, Update};
use mqdrop_core::view::{
    Direction, ParcelKind, PeerView, PersonView, StatusView, TransferState, TransferView,
};
use mqdrop_core::{Engine, ParcelId, RoomId, Time};

use crate::machine::Machine;

/// A peer. Tests reach through it to its machine.
pub struct Device {
    pub(crate) client: Client<Machine>,
    /// Texts that its user was shown.
    pub texts: Vec<(ParcelId, String)>,
    /// The notices to its user.
    pub notices: Vec<Notice>,
    /// The reasons why files that were chosen again were none of a parcel's.
    pub unfit: Vec<OfferError>,
    /// The frame limit that it found out.
    pub learnt: Option<u32>,
    /// The view of each transfer that it was told last, as its page shows it.
    pub shown: BTreeMap<ParcelId, TransferView>,
    /// Parcels whose content its page has.
    pub contents: BTreeSet<ParcelId>,
    /// The persons of a room that it was told of last, as its page shows them.
    pub people: Vec<PersonView>,
    /// The records of persons that it keeps, by the rooms' names.
    pub places: BTreeMap<String, Vec<u8>>,
    /// Every parcel it ever was told of.
    pub parcels: BTreeSet<ParcelId>,
    /// Accepts offers as soon as they come.
    pub accepts: bool,
}

impl Device {
    /// A device in no room.
    pub(crate) fn new(seed: [u8; 32], connections: Rc<Cell<u32>>) -> Self {
        let mut client = Client::new(seed, Machine::new(connections));
        client.act(|engine, _| engine.sum_files());
        Self {
            client,
            texts: Vec::new(),
            notices: Vec::new(),
            unfit: Vec::new(),
            learnt: None,
            shown: BTreeMap::new(),
            contents: BTreeSet::new(),
            people: Vec::new(),
            places: BTreeMap::new(),
            parcels: BTreeSet::new(),
            accepts: true,
        }
    }

    /// Its engine.
    pub fn engine(&self) -> &Engine {
        self.client.engine()
    }

    /// The room that it joined last and is in; no room's id if it is in none.
    pub fn room(&self) -> RoomId {
        self.engine().rooms().last().unwrap_or_default()
    }

    /// The standing in that room.
    pub fn status(&self) -> StatusView {
        self.engine().status(self.room())
    }

    /// Everyone else in that room.
    pub fn peers(&self) -> Vec<PeerView> {
        self.engine().peers(self.room())
    }

    /// Takes in what its client tells, as a page does; returns the offers that its user accepts.
    pub(crate) fn look(&mut self) -> Vec<ParcelId> {
        let mut updates = Vec::new();
        self.client.tell(&mut |update| updates.push(update));
        let accepted = updates.into_iter().filter_map(|update| self.see(update));
        accepted.collect()
    }

    fn see(&mut self, update: Update<()>) -> Option<ParcelId> {
        match update {
            Update::Transfer(view) => return self.see_transfer(view),
            Update::Removed(parcel) => {
                self.parcels.insert(parcel);
                self.shown.remove(&parcel);
                self.contents.remove(&parcel);
            }
            Update::Content { parcel, .. } => drop(self.contents.insert(parcel)),
            Update::Text { parcel, text } => self.texts.push((parcel, text)),
            Update::Notice(notice) => self.notices.push(notice),
            Update::Unfit { error, .. } => self.unfit.push(error),
            Update::People { people, .. } => self.people = people,
            Update::Place { room, record } => drop(self.places.insert(room, record)),
            Update::Learnt(learnt) => self.learnt = learnt.frame_limit,
            Update::Status { .. }
            | Update::Peers { .. }
            | Update::Files { .. }
            | Update::Kept(_) => {}
        }
        None
    }

    fn see_transfer(&mut self, view: TransferView) -> Option<ParcelId> {
        let parcel = view.parcel.parse().unwrap();
        let is_received = view.direction == Direction::In;
        let is_done = view.state == TransferState::Done;
        if is_received && is_done && view.kind == ParcelKind::Files {
            assert!(
                self.contents.contains(&parcel),
                "content comes before the state that says it is there"
            );
        }
        let is_accepted = self.accepts && is_received && view.state == TransferState::Offered;
        self.parcels.insert(parcel);
        self.shown.insert(parcel, view);
        is_accepted.then_some(parcel)
    }

    /// The view of a parcel by its engine now.
    pub fn view(&self, parcel: ParcelId, now: Time) -> Option<TransferView> {
        self.engine().transfer(parcel, now)
    }

    /// The state of a parcel by its engine now.
    pub fn state(&self, parcel: ParcelId, now: Time) -> Option<TransferState> {
        self.view(parcel, now).map(|view| view.state)
    }
}

impl Deref for Device {
    type Target = Machine;

    fn deref(&self) -> &Machine {
        self.client.platform()
    }
}

impl DerefMut for Device {
    fn deref_mut(&mut self) -> &mut Machine {
        self.client.platform_mut()
    }
}
