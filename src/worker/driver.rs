//! Drives the engine's client: brings it what the app commands and what the browser reports.

mod files;

use files::Probed;
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use js_sys::Array;
use litemap::LiteMap;
use mqdrop_client::{Client, Update};
use mqdrop_core::keys::RoomSecret;
use mqdrop_core::view::{Approach, ConnectionState, KeptView, StatusView};
use mqdrop_core::{Audience, Identity, ParcelId, RestoreError, RoomId};
use wasm_bindgen_futures::spawn_local;

use super::browser::{Browser, Signal};
use super::profile::{self, Remembered};
use super::store::{Backend, BlockStore, Kept};
use super::{handles, news, request};
use crate::bridge::{self, Command, Failure, JoinRequest, PickedFile, To, TransferAction};

/// How long commands wait at most for what storage holds, in milliseconds: a browser whose storage
/// does not answer is to send and receive all the same.
const LOOK_PATIENCE: u32 = 10_000;

/// How long a room waits to be entered for what is kept for it, in milliseconds.
const MEMORY_PATIENCE: u32 = 2_000;

/// Something that happened to the worker.
pub struct Message(Input);

enum Input {
    /// The client's platform reports something.
    Browser(Signal),
    /// The handles of a parcel's files were looked up.
    Handles(ParcelId, Array),
    /// The files that handles led to, if they still do.
    Reopened(ParcelId, Option<Vec<PickedFile>>),
    /// It is known where to store, and what to tell of it.
    Storage(Rc<Backend>, bridge::Storage),
    /// The user's choice was looked into.
    Probed(Probed),
    /// Found in storage.
    Kept(Kept),
    /// What is kept for the room that this visit is to enter was found; nothing if it takes too long. May
    /// come twice.
    Remembered(u32, Option<Remembered>),
    /// The parcels in storage at the start were found, or it takes too long. May come twice.
    Looked,
}

/// The client, and what is the app's or the browser's alone.
pub(super) struct Driver {
    client: Client<Browser>,
    /// Files that the user chose and the app has not handed over whole, by choice.
    chosen: LiteMap<u32, Vec<PickedFile>>,
    /// The room that the app is in, or was in last: one at a time.
    room: RoomId,
    /// The room that is to be entered, once it is known what is kept for it.
    entering: Option<(JoinRequest, RoomSecret)>,
    /// The secret of the profile, where none can be kept.
    secret: [u8; 32],
    /// How many rooms were entered: what is chosen for one is not to be sent to another.
    visit: u32,
    /// Parcels that were kept and cannot be taken up, as their notes are damaged or those of a later version. It
    /// is the user who discards it.
    damaged: Vec<Box<dyn BlockStore>>,
    /// Commands that came before it is known what storage holds: what goes on with that must not be
    /// begun anew meanwhile. `None` once it is known.
    early: Option<Vec<Command>>,
    /// To be told before what the client has to tell.
    events: Vec<bridge::Event>,
    mailbox: Rc<dyn Fn(Message)>,
}

impl Driver {
    /// Everything that happens is put into `mailbox`, and is to be brought back to [`Self::handle_message`].
    /// `None` if the browser has no random numbers.
    pub(super) fn new(mailbox: Rc<dyn Fn(Message)>) -> Option<Self> {
        let seed = random()?;
        let browser = Browser::new(sender(&mailbox, Input::Browser));
        let mut client = Client::new(seed, browser);
        // The page makes zip archives of what is here.
        client.act(|engine, _| engine.sum_files());
        Some(Self {
            client,
            chosen: LiteMap::new(),
            room: RoomId::default(),
            entering: None,
            secret: random()?,
            visit: 0,
            damaged: Vec::new(),
            early: Some(Vec::new()),
            events: Vec::new(),
            mailbox,
        })
    }

    /// `tell` as for [`Self::handle_command`].
    pub(super) fn handle_message(
        &mut self,
        Message(input): Message,
        tell: &mut dyn FnMut(bridge::Event),
    ) {
        match input {
            Input::Browser(signal) => {
                let input = self.client.platform_mut().handle(signal);
                self.client.handle(input);
            }
            Input::Handles(parcel, handles) => {
                if handles.length() > 0 {
                    self.events.push(bridge::Event::Handles {
                        parcel: parcel.to_string(),
                        handles,
                    });
                }
            }
            // Its user may have been quicker, or have left.
            Input::Reopened(parcel, _) if !self.lacks_files(parcel) => {}
            Input::Reopened(parcel, Some(files)) => self.take_again(parcel, files),
            Input::Reopened(_, None) => {
                self.fail(Failure::FilesGone);
            }
            Input::Remembered(visit, remembered) if visit == self.visit => {
                if let Some((request, secret)) = self.entering.take() {
                    let remembered = remembered
                        .unwrap_or_else(|| Remembered::nothing(&request.name, self.secret));
                    self.enter(request, secret, remembered);
                }
            }
            // The user has left meanwhile.
            Input::Remembered(..) => {}
            Input::Storage(backend, description) => {
                self.client.platform_mut().shelf.set_backend(backend);
                self.events.push(bridge::Event::Ready(description));
            }
            Input::Probed(probed) => self.offer_files(probed),
            Input::Kept(kept) => self.restore(kept),
            Input::Looked => {
                for command in self.early.take().unwrap_or_default() {
                    self.handle_command(command, tell);
                }
            }
        }
    }

    /// `tell` reaches the app at once, before something that takes a while.
    pub(super) fn handle_command(&mut self, command: Command, tell: &mut dyn FnMut(bridge::Event)) {
        if let Some(early) = &mut self.early
            && !matches!(command, Command::Start { .. })
        {
            early.push(command);
            return;
        }
        match command {
            Command::Start { folder } => {
                choose_storage(&self.mailbox, folder);
                handles::sweep();
                profile::sweep();
            }
            Command::Join(request) => self.join(request, tell),
            Command::Leave => {
                self.visit += 1;
                self.entering = None;
                self.client.act(|engine, now| engine.leave_all(now));
            }
            Command::Chosen { choice, files } => self.gather(choice, files),
            Command::ForgetChoice { choice } => drop(self.chosen.remove(&choice)),
            Command::SendFiles {
                choice,
                handles,
                to,
            } => self.send_files(choice, handles, audience(to)),
            Command::ChooseAgain { parcel, choice } => self.choose_again(&parcel, choice),
            Command::FindHandles { parcel } => self.find_handles(&parcel),
            Command::Reopen { parcel } => self.reopen(&parcel),
            Command::SendText { text, to } => {
                let (room, audience) = (self.room, audience(to));
                let offered = self
                    .client
                    .act(|engine, now| engine.offer_text(room, &text, audience, now));
                if let Err(error) = offered {
                    self.fail(Failure::Offer(error));
                }
            }
            Command::Transfer { parcel, action } => self.act(&parcel, action),
            Command::Mute { person, muted } => {
                // An id that is none is nobody's.
                if let Ok(person) = person.parse() {
                    let room = self.room;
                    self.client
                        .act(|engine, now| engine.mute(room, person, muted, now));
                }
            }
            Command::Verify { person, verified } => {
                if let Ok(person) = person.parse() {
                    let room = self.room;
                    self.client
                        .act(|engine, now| engine.verify(room, person, verified, now));
                }
            }
            Command::ForgetReceiver { parcel, receiver } => {
                if let (Ok(parcel), Ok(receiver)) = (parcel.parse(), receiver.parse()) {
                    self.client
                        .act(|engine, now| engine.forget_receiver(parcel, receiver, now));
                }
            }
            Command::AutoAccept(on) => {
                let room = self.room;
                self.client
                    .act(|engine, now| engine.set_auto_accept(room, on, now));
            }
            Command::DiscardKept => {
                self.damaged.drain(..).for_each(BlockStore::discard);
                self.client.act(|engine, _| engine.discard_kept());
            }
            Command::Wake => self.client.act(|engine, now| engine.check(now)),
            Command::Goodbye => self.client.act(|engine, now| engine.say_goodbye(now)),
            Command::Report => {
                let report = self.client.log().report();
                self.events.push(bridge::Event::Report(report));
            }
        }
    }

    /// Tells the app what is new and due, and sets the alarm. To be called after every input.
    pub(super) fn report(&mut self, tell: &mut dyn FnMut(bridge::Event)) {
        self.events.drain(..).for_each(&mut *tell);
        let mut gone = Vec::new();
        let (damaged, here) = (&self.damaged, self.room);
        self.client.tell(&mut |update| {
            // Nothing of the room before, once there is another one.
            if let Update::Status { room, .. }
            | Update::Peers { room, .. }
            | Update::People { room, .. } = update
                && room != here
            {
                return;
            }
            let update = match update {
                Update::Removed(parcel) => {
                    gone.push(parcel);
                    update
                }
                Update::Place { room, record } => {
                    // Without it they are met again.
                    spawn_local(async move {
                        let _ = profile::keep_people(&room, &record).await;
                    });
                    return;
                }
                Update::Kept(kept) => Update::Kept(with_damaged(kept, damaged)),
                update => update,
            };
            news::event(update).into_iter().for_each(&mut *tell);
        });
        for parcel in gone {
            // With what is kept for when its room is entered again, its files are.
            if !self.client.engine().keeps(parcel) {
                handles::forget(parcel);
            }
        }
    }

    /// Something did not work.
    fn fail(&mut self, failure: Failure) {
        self.events.push(bridge::Event::Failed(failure));
    }

    fn join(&mut self, request: JoinRequest, tell: &mut dyn FnMut(bridge::Event)) {
        self.visit += 1;
        tell(bridge::Event::Status(StatusView {
            state: ConnectionState::Connecting,
            approach: Approach::Preparing,
            ..StatusView::default()
        }));
        let secret = match RoomSecret::derive(&request.key) {
            Ok(secret) => secret,
            Err(error) => return self.stay_out(Failure::Key(error)),
        };
        let (visit, mailbox) = (self.visit, Rc::clone(&self.mailbox));
        let (room, made) = (
            secret.room(),
            Remembered::nothing(&request.name, self.secret).profile,
        );
        self.entering = Some((request, secret));
        let late = Rc::clone(&mailbox);
        let end = Timeout::new(MEMORY_PATIENCE, move || {
            late(Message(Input::Remembered(visit, None)));
        });
        spawn_local(async move {
            let found = profile::find(&room, &made).await.ok();
            drop(end);
            mailbox(Message(Input::Remembered(visit, found)));
        });
    }

    /// Enters a room whose persons are as they were `remembered`.
    fn enter(&mut self, request: JoinRequest, secret: RoomSecret, remembered: Remembered) {
        // As another device each time, so that nobody can tell that it was here before.
        let joined = random()
            .ok_or(Failure::NoRandom)
            .map(Identity::from_random)
            .and_then(|identity| {
                let device = identity.device();
                let join = request::join(request, secret, identity, remembered, profile::now());
                let joined = self.client.act(|engine, now| {
                    engine.leave_all(now);
                    engine.join(join, now)
                });
                joined.map(|room| (room, device)).map_err(Failure::Join)
            });
        match joined {
            Ok((room, device)) => {
                self.room = room;
                self.events.push(bridge::Event::Joined {
                    device: device.to_string(),
                    key: self.client.engine().person_key(room),
                });
            }
            Err(failure) => self.stay_out(failure),
        }
    }

    /// The room cannot be entered.
    fn stay_out(&mut self, failure: Failure) {
        // Replaces what was said when the user wanted in.
        let status = self.client.engine().status(self.room);
        self.events.push(bridge::Event::Status(status));
        self.fail(failure);
    }

    /// Takes up what earlier workers left.
    fn restore(&mut self, Kept { notes, mut store }: Kept) {
        let damaged = self.client.act_with_platform(|engine, browser, now| {
            match engine.restore(&notes, now) {
                Ok(restored) => {
                    // Without room for the rest, writing that will say so.
                    let _ = store.go_on(restored.notes_len, restored.size);
                    browser.shelf.take_up(restored.parcel, store);
                }
                Err(RestoreError::Damaged) if !notes.is_empty() => return Some(store),
                // Without notes nothing was accepted yet.
                Err(RestoreError::Damaged | RestoreError::Known) => store.discard(),
                Err(RestoreError::Busy) => store.leave(),
            }
            None
        });
        if let Some(store) = damaged {
            self.damaged.push(store);
            let kept = with_damaged(self.client.engine().kept(), &self.damaged);
            self.events.push(bridge::Event::Kept(kept));
        }
    }

    fn act(&mut self, parcel: &str, action: TransferAction) {
        let Some(parcel) = known(parcel) else {
            return;
        };
        self.client.act(|engine, now| match action {
            TransferAction::Accept => engine.accept(parcel, now),
            TransferAction::Decline => engine.decline(parcel, now),
            TransferAction::Pause => engine.pause(parcel, now),
            TransferAction::Resume => engine.resume(parcel, now),
            TransferAction::Cancel => engine.cancel(parcel, now),
            TransferAction::Remove => engine.remove(parcel, now),
        });
    }
}

/// A parcel that the app names. An id that is none is no parcel's.
fn known(parcel: &str) -> Option<ParcelId> {
    parcel.parse().ok()
}

fn with_damaged(kept: KeptView, damaged: &[Box<dyn BlockStore>]) -> KeptView {
    KeptView {
        damaged: damaged.len(),
        damaged_bytes: damaged.iter().map(|store| store.size()).sum(),
        ..kept
    }
}

/// The audience of these persons. An id that is none is nobody's, and nothing goes to everyone for that.
fn audience(to: To) -> Audience {
    match to {
        To::Room => Audience::Room,
        To::Present => Audience::Present,
        To::Persons(to) => {
            Audience::Persons(to.iter().filter_map(|person| person.parse().ok()).collect())
        }
    }
}

/// Finds out where to store and what is there, in the background.
fn choose_storage(mailbox: &Rc<dyn Fn(Message)>, folder: Option<String>) {
    let mailbox = Rc::clone(mailbox);
    let looked = Rc::clone(&mailbox);
    Timeout::new(LOOK_PATIENCE, move || looked(Message(Input::Looked))).forget();
    spawn_local(async move {
        let backend = Rc::new(Backend::choose(folder).await);
        let description = backend.describe().await;
        mailbox(Message(Input::Storage(Rc::clone(&backend), description)));
        backend.take_up(sender(&mailbox, Input::Kept)).await;
        mailbox(Message(Input::Looked));
    });
}

/// A callback that puts what it is given into the mailbox.
fn sender<T: 'static>(
    mailbox: &Rc<dyn Fn(Message)>,
    input: impl Fn(T) -> Input + 'static,
) -> Rc<dyn Fn(T)> {
    let mailbox = Rc::clone(mailbox);
    Rc::new(move |value| mailbox(Message(input(value))))
}

/// Random bytes, for keys and identities, if the browser has any.
fn random() -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes)
}
