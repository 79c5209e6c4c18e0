//! Updates for the user, and the time for each.

use core::time::Duration;

use mqdrop_core::view::{
    FileView, KeptView, PeerView, PersonView, StatusView, TransferState, TransferView,
};
use mqdrop_core::{Engine, Event, Notice, OfferError, ParcelId, RoomId, Time};

use crate::Platform;
use crate::lesson::Learnt;
use crate::throttle::Throttle;

/// A transfer's progress is told so often at most: about as often as an eye follows a number.
const TRANSFER_PAUSE: Duration = Duration::from_millis(250);

/// A parcel's files are told so often at most.
const FILES_PAUSE: Duration = Duration::from_millis(250);

/// So many files are told at a time: a page that takes in more does nothing else for too long.
const PART: usize = 500;

/// Devices in the room are told so often at most.
const PEERS_PAUSE: Duration = Duration::from_millis(100);

/// Each person or device more makes that so much longer: whoever draws them takes longer than telling them.
const EACH_PAUSE: Duration = Duration::from_millis(1);

/// Telling a long list takes long; this many times as long nothing is told of it.
const REST: u32 = 10;

/// Something that a user may see, on a platform whose finished parcels are `C`.
#[derive(Clone, Debug, PartialEq)]
pub enum Update<C> {
    /// This device stands in another way in a room, or has left it.
    Status {
        /// The room.
        room: RoomId,
        /// Its standing there.
        status: StatusView,
    },
    /// Everyone else in a room, whenever that changed.
    Peers {
        /// The room.
        room: RoomId,
        /// They.
        peers: Vec<PeerView>,
    },
    /// Everyone who is in a room or was, whenever that changed.
    People {
        /// The room.
        room: RoomId,
        /// They, in the order in which this profile came to know them.
        people: Vec<PersonView>,
    },
    /// What is known of a room's persons, for the platform to keep; see
    /// [`Event::Place`](mqdrop_core::Event::Place).
    Place {
        /// The room's name in topics.
        room: String,
        /// The record.
        record: Vec<u8>,
    },
    /// A transfer is new or changed. Progress is told a few times a second at most, another
    /// [state](TransferView::state) at once.
    Transfer(TransferView),
    /// A transfer is off the list. If its room was left, it may come back.
    Removed(ParcelId),
    /// Some of a parcel's files, once known, and again when their hashes are.
    Files {
        /// The parcel.
        parcel: ParcelId,
        /// The place of the first of them, 0 for the parcel's first file.
        first: usize,
        /// In the parcel's order.
        files: Vec<FileView>,
    },
    /// A text is whole, sent or received.
    Text {
        /// Its parcel.
        parcel: ParcelId,
        /// It.
        text: String,
    },
    /// A received parcel is whole and verified. Comes before the transfer's state becomes done, and
    /// again when the transfer comes back on the list.
    Content {
        /// The parcel.
        parcel: ParcelId,
        /// It, as the platform gives it to its user.
        content: C,
    },
    /// Something about this broker is worth remembering for the next
    /// [`Join`](mqdrop_core::Join).
    Learnt(Learnt),
    /// Parcels of rooms that this device is not in, which storage keeps. The platform counts those that are damaged.
    Kept(KeptView),
    /// The files that were chosen again turned out not to be the parcel's, which lacks them again.
    Unfit {
        /// The parcel.
        parcel: ParcelId,
        /// The trouble with them.
        error: OfferError,
    },
    /// Something that the user should know.
    Notice(Notice),
}

/// Everything that is new and was not told.
pub(crate) struct Updates<C> {
    /// In the order in which they happened.
    events: Vec<Update<C>>,
    /// Rooms that this device stands in in another way.
    status: Vec<RoomId>,
    /// Rooms with others in them.
    peers: Vec<RoomId>,
    /// Rooms of whose persons something else is known.
    people: Vec<RoomId>,
    /// Until then nothing is told of who is in the room.
    peers_rest: Time,
    kept: bool,
    transfers: Throttle<TransferState>,
    files: Throttle<()>,
    contents: Vec<Content<C>>,
    /// Parcels that are off the list until their room is entered again.
    away: Vec<ParcelId>,
}

struct Content<C> {
    parcel: ParcelId,
    content: C,
    /// Since its transfer is on the list.
    is_told: bool,
}

impl<C: Clone> Updates<C> {
    pub(crate) fn new() -> Self {
        Self {
            events: Vec::new(),
            status: Vec::new(),
            peers: Vec::new(),
            people: Vec::new(),
            peers_rest: Time::ZERO,
            kept: false,
            transfers: Throttle::new(TRANSFER_PAUSE),
            files: Throttle::new(FILES_PAUSE),
            contents: Vec::new(),
            away: Vec::new(),
        }
    }

    /// Takes in what the engine says.
    pub(crate) fn note(&mut self, event: Event) {
        match event {
            Event::Status(room) => mark(&mut self.status, room),
            Event::Peers(room) => mark(&mut self.peers, room),
            Event::People(room) => mark(&mut self.people, room),
            Event::Place { room, record } => self.add(Update::Place { room, record }),
            Event::Kept => self.kept = true,
            Event::Transfer(parcel) => self.transfers.mark(parcel),
            Event::Files(parcel) => self.files.mark(parcel),
            Event::Text { parcel, text } => self.add(Update::Text { parcel, text }),
            Event::Learnt {
                only_v311,
                frame_limit,
                frame_length,
            } => self.add(Update::Learnt(Learnt {
                only_v311,
                frame_limit,
                frame_length,
            })),
            Event::Unfit { parcel, error } => self.add(Update::Unfit { parcel, error }),
            Event::Notice(notice) => self.add(Update::Notice(notice)),
        }
    }

    fn add(&mut self, update: Update<C>) {
        self.events.push(update);
    }

    /// A parcel is there for its user, who is told together with the transfer's next change.
    pub(crate) fn finished(&mut self, parcel: ParcelId, content: C) {
        self.forget_content(parcel);
        self.contents.push(Content {
            parcel,
            content,
            is_told: false,
        });
    }

    /// A parcel's store is emptied.
    pub(crate) fn forget_content(&mut self, parcel: ParcelId) {
        self.contents.retain(|it| it.parcel != parcel);
    }

    /// Returns the time at which there is something to tell again.
    pub(crate) fn next(&self) -> Option<Time> {
        let is_waiting = !(self.peers.is_empty() && self.people.is_empty());
        let peers = is_waiting.then_some(self.peers_rest);
        let deadlines = [peers, self.transfers.next(), self.files.next()];
        deadlines.into_iter().flatten().min()
    }

    /// Tells what is due; returns the parcels that are gone for good since the last time.
    pub(crate) fn tell<P: Platform<Content = C>>(
        &mut self,
        engine: &Engine,
        platform: &P,
        tell: &mut dyn FnMut(Update<C>),
    ) -> Vec<ParcelId> {
        for room in self.status.drain(..) {
            let status = engine.status(room);
            tell(Update::Status { room, status });
        }
        let now = platform.now();
        let is_waiting = !(self.peers.is_empty() && self.people.is_empty());
        if is_waiting && self.peers_rest <= now {
            let mut count = 0;
            for room in self.people.drain(..) {
                let people = engine.people(room);
                count += people.len();
                tell(Update::People { room, people });
            }
            for room in self.peers.drain(..) {
                let peers = engine.peers(room);
                count += peers.len();
                tell(Update::Peers { room, peers });
            }
            let after = platform.now();
            let each = EACH_PAUSE * u32::try_from(count).unwrap_or(u32::MAX);
            self.peers_rest = after + (PEERS_PAUSE + each).max(after.since(now) * REST);
        }
        self.events.drain(..).for_each(&mut *tell);
        let kept = core::mem::take(&mut self.kept);
        if kept {
            tell(Update::Kept(engine.kept()));
        }
        let mut removed = false;
        for parcel in self.transfers.changed() {
            let Some(state) = engine.transfer_state(parcel, now) else {
                tell(Update::Removed(parcel));
                self.remove(parcel);
                removed = true;
                continue;
            };
            // Before the state that says it is there.
            if let Some(content) = self.untold_content(parcel) {
                tell(Update::Content { parcel, content });
            }
            // The whole view takes long to make when there are many receivers.
            if self.transfers.tell(parcel, state, now)
                && let Some(view) = engine.transfer(parcel, now)
            {
                if state.is_final() {
                    self.files.hurry(parcel, now);
                    // A user that waits for the end finds the hashes there, unless there are so many
                    // that the end itself would come late.
                    if view.files as usize <= PART {
                        self.tell_files(parcel, engine, platform, tell);
                    }
                }
                tell(Update::Transfer(view));
            }
        }
        for parcel in self.files.changed() {
            self.tell_files(parcel, engine, platform, tell);
        }
        if kept || removed {
            self.gone(engine, now)
        } else {
            Vec::new()
        }
    }

    /// A parcel is off the list.
    fn remove(&mut self, parcel: ParcelId) {
        self.transfers.forget(parcel);
        self.files.forget(parcel);
        if let Some(content) = self.content(parcel) {
            content.is_told = false;
        }
        if !self.away.contains(&parcel) {
            self.away.push(parcel);
        }
    }

    /// Of the parcels off the list, those that do not come back.
    fn gone(&mut self, engine: &Engine, now: Time) -> Vec<ParcelId> {
        let mut gone = Vec::new();
        self.away.retain(|&parcel| {
            let is_back = engine.transfer_state(parcel, now).is_some();
            let is_kept = engine.keeps(parcel);
            if !(is_back || is_kept) {
                gone.push(parcel);
            }
            is_kept
        });
        gone
    }

    fn untold_content(&mut self, parcel: ParcelId) -> Option<C> {
        let content = self.content(parcel)?;
        let is_told = core::mem::replace(&mut content.is_told, true);
        (!is_told).then(|| content.content.clone())
    }

    fn content(&mut self, parcel: ParcelId) -> Option<&mut Content<C>> {
        self.contents.iter_mut().find(|it| it.parcel == parcel)
    }

    /// Tells a parcel's files, if they are due.
    fn tell_files(
        &mut self,
        parcel: ParcelId,
        engine: &Engine,
        platform: &impl Platform,
        tell: &mut dyn FnMut(Update<C>),
    ) {
        let before = platform.now();
        if !self.files.tell(parcel, (), before) {
            return;
        }
        let mut files = engine.files(parcel).into_iter().flatten().peekable();
        let mut first = 0;
        while files.peek().is_some() {
            let part: Vec<_> = files.by_ref().take(PART).collect();
            let next = first + part.len();
            tell(Update::Files {
                parcel,
                first,
                files: part,
            });
            first = next;
        }
        let after = platform.now();
        self.files.rest(parcel, after.since(before) * REST, after);
    }
}

/// Marks a room, unless it is marked.
fn mark(marked: &mut Vec<RoomId>, room: RoomId) {
    if !marked.contains(&room) {
        marked.push(room);
    }
}
