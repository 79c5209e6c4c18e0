//! Drives one engine: every input is followed by draining what it wants done.

mod files;

use files::Probed;
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use js_sys::Array;
use litemap::LiteMap;
use mqdrop_core::view::{ConnectionState, StatusView};
use mqdrop_core::{
    Engine, Event, ParcelId, RestoreError, SocketAction, StoreReply, StoreRequest, Time,
};
use wasm_bindgen_futures::spawn_local;
use web_sys::Blob;

use super::clock::{Alarm, Clock, global};
use super::news::News;
use super::socket::{self, Socket, SocketEvent};
use super::sources::{ReadResult, Sources};
use super::store::{Backend, BlockStore, Kept, Outcome, Shelf};
use super::{handles, request};
use crate::bridge::{self, Command, JoinRequest, PickedFile, TransferAction};

/// How long commands wait at most for what storage holds, in milliseconds: a browser whose storage
/// does not answer is to send and receive all the same.
const LOOK_PATIENCE: u32 = 10_000;

/// Something that happened to the worker.
pub struct Message(Input);

enum Input {
    /// The time that the alarm was set to has come.
    Alarm,
    Socket(socket::Signal),
    Read(ReadResult),
    Store(Outcome),
    /// What was read back from storage.
    ReadBack(StoreReply),
    /// What a parcel's files were opened with was looked up.
    Handles(ParcelId, Array),
    /// What these led to, if they still do.
    Reopened(ParcelId, Option<Vec<PickedFile>>),
    /// It is known where to store, and what to tell of it.
    Storage(Rc<Backend>, bridge::Storage),
    /// What the user chose was looked into.
    Probed(Probed),
    /// Found in storage.
    Kept(Kept),
    /// What was in storage at the start was found, or it takes too long. May come twice.
    Looked,
}

/// The engine and everything of the browser that it needs.
pub(super) struct Driver {
    engine: Engine,
    clock: Clock,
    alarm: Alarm,
    socket: Socket,
    sources: Sources,
    /// What the user chose and the app has not handed over whole, by choice.
    chosen: LiteMap<u32, Vec<PickedFile>>,
    /// How many rooms were entered: what is chosen for one is not to be sent to another.
    visit: u32,
    shelf: Shelf,
    /// What was kept and cannot be taken up, as its notes are damaged or those of a later version. It
    /// is the user who discards it.
    damaged: Vec<Box<dyn BlockStore>>,
    /// Commands that came before it is known what storage holds: what goes on with that must not be
    /// begun anew meanwhile. `None` once it is known.
    early: Option<Vec<Command>>,
    news: News,
    mailbox: Rc<dyn Fn(Message)>,
}

impl Driver {
    /// What happens is put into `mailbox`, and is to be brought back to [`Self::handle_message`].
    ///
    /// # Errors
    /// If the browser has no random numbers; in words.
    pub(super) fn new(mailbox: Rc<dyn Fn(Message)>) -> Result<Self, String> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| {
            format!("this browser gives no random numbers, and nothing is safe without: {error}")
        })?;
        let clock = Clock::new();
        let script = global().location().href();
        Ok(Self {
            engine: Engine::new(seed),
            alarm: Alarm::new({
                let ring = sender(&mailbox, |()| Input::Alarm);
                move || ring(())
            }),
            socket: Socket::new(script, sender(&mailbox, Input::Socket), clock.now()),
            clock,
            sources: Sources::new(sender(&mailbox, Input::Read)),
            chosen: LiteMap::new(),
            visit: 0,
            shelf: Shelf::new(sender(&mailbox, Input::Store)),
            damaged: Vec::new(),
            early: Some(Vec::new()),
            news: News::new(),
            mailbox,
        })
    }

    /// `tell` as for [`Self::handle_command`].
    pub(super) fn handle_message(
        &mut self,
        Message(input): Message,
        tell: &mut dyn FnMut(bridge::Event),
    ) {
        let now = self.clock.now();
        match input {
            Input::Alarm => self.alarm.rang(),
            Input::Socket(signal) => {
                if let Some(event) = self.socket.handle(signal) {
                    self.handle_socket(event, now);
                }
            }
            Input::Read((request, result)) => self.engine.handle_read(request, result, now),
            Input::Store(outcome) => self.handle_outcome(outcome, now),
            Input::ReadBack(reply) => self.engine.handle_store(reply, now),
            Input::Handles(parcel, handles) => {
                if handles.length() > 0 {
                    self.news.add(bridge::Event::Handles {
                        parcel: parcel.to_string(),
                        handles,
                    });
                }
            }
            // Its user may have been quicker, or have left.
            Input::Reopened(parcel, _) if !self.lacks_files(parcel) => {}
            Input::Reopened(parcel, Some(files)) => self.take_again(parcel, files),
            Input::Reopened(_, None) => self
                .news
                .error("The files are not where they were, or may not be read. Choose them again"),
            Input::Storage(backend, description) => {
                self.shelf.set_backend(backend);
                self.news.add(bridge::Event::Ready(description));
            }
            Input::Probed(probed) => self.offer_files(probed),
            Input::Kept(kept) => self.restore(kept, now),
            Input::Looked => {
                for command in self.early.take().unwrap_or_default() {
                    self.handle_command(command, tell);
                }
            }
        }
        self.drain();
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
            }
            Command::Join(request) => self.join(request, tell),
            Command::Leave => {
                self.visit += 1;
                self.engine.leave(self.clock.now());
                self.sweep();
            }
            Command::Chosen { choice, files } => self.gather(choice, files),
            Command::ForgetChoice { choice } => drop(self.chosen.remove(&choice)),
            Command::SendFiles { choice, handles } => self.send_files(choice, handles),
            Command::ChooseAgain { parcel, choice } => self.choose_again(&parcel, choice),
            Command::FindHandles { parcel } => self.find_handles(&parcel),
            Command::Reopen { parcel } => self.reopen(&parcel),
            Command::SendText(text) => {
                if let Err(error) = self.engine.offer_text(&text, self.clock.now()) {
                    self.news.error(&error.to_string());
                }
            }
            Command::Transfer { parcel, action } => self.act(&parcel, action),
            Command::Mute { device, muted } => {
                // An id that is none is nobody's.
                if let Ok(device) = device.parse() {
                    self.engine.mute(device, muted, self.clock.now());
                }
            }
            Command::ForgetReceiver { parcel, receiver } => {
                if let (Ok(parcel), Ok(receiver)) = (parcel.parse(), receiver.parse()) {
                    self.engine
                        .forget_receiver(parcel, receiver, self.clock.now());
                }
            }
            Command::AutoAccept(on) => self.engine.set_auto_accept(on, self.clock.now()),
            Command::DiscardKept => {
                self.engine.discard_kept();
                self.damaged.drain(..).for_each(BlockStore::discard);
                self.tell_kept();
                self.sweep();
            }
            Command::Wake => self.engine.check(self.clock.now()),
            Command::Goodbye => self.engine.say_goodbye(self.clock.now()),
        }
        self.drain();
    }

    /// Tells the app what is new and due, and sets the alarm. To be called after every input.
    pub(super) fn report(&mut self, tell: &mut dyn FnMut(bridge::Event)) {
        let gone = self.news.tell(&self.engine, &self.clock, tell);
        for parcel in gone {
            // With what is kept for when its room is entered again, its files are.
            if !self.engine.keeps(parcel) {
                self.sources.forget(parcel);
                handles::forget(parcel);
            }
        }
        self.set_alarm();
    }

    fn join(&mut self, request: JoinRequest, tell: &mut dyn FnMut(bridge::Event)) {
        self.visit += 1;
        tell(bridge::Event::Status(StatusView {
            state: ConnectionState::Connecting,
            text: "Preparing the key …".to_owned(),
            ..StatusView::default()
        }));
        let joined = request::join(request)
            .map_err(|error| error.to_string())
            .and_then(|join| {
                // The time after the derivation, which takes some.
                self.engine
                    .join(join, self.clock.now())
                    .map_err(|error| error.to_string())
            });
        if let Err(text) = joined {
            self.news.error(&text);
        }
        // Replaces what was said above, also when nothing else changed.
        self.news.status();
        self.sweep();
        for (parcel, blob) in self.shelf.finished() {
            // Received when this device was in the room before.
            if self.engine.transfer(parcel, self.clock.now()).is_some() {
                self.news.add(content(parcel, blob));
                self.news.files(parcel);
            }
        }
    }

    /// Takes up what earlier workers left.
    fn restore(&mut self, Kept { notes, mut store }: Kept, now: Time) {
        match self.engine.restore(&notes, now) {
            Ok(restored) => {
                // Without room for the rest, writing that will say so.
                let _ = store.go_on(restored.notes_len, restored.size);
                self.shelf.take_up(restored.parcel, store);
            }
            Err(RestoreError::Damaged) if !notes.is_empty() => {
                self.damaged.push(store);
                self.tell_kept();
            }
            // Without notes nothing was accepted yet.
            Err(RestoreError::Damaged | RestoreError::Known) => store.discard(),
            Err(RestoreError::Busy) => store.leave(),
        }
    }

    fn tell_kept(&mut self) {
        let mut kept = self.engine.kept();
        kept.damaged = self.damaged.len();
        kept.damaged_bytes = self.damaged.iter().map(|store| store.size()).sum();
        self.news.add(bridge::Event::Kept(kept));
    }

    /// Gives the engine what was read back, but not before sockets and commands had their turn: there
    /// may be gigabytes of it.
    fn hand_back(&self, reply: StoreReply) {
        let mailbox = Rc::clone(&self.mailbox);
        Timeout::new(0, move || mailbox(Message(Input::ReadBack(reply)))).forget();
    }

    fn parse(&mut self, parcel: &str) -> Option<ParcelId> {
        let parsed = parcel.parse().ok();
        if parsed.is_none() {
            self.news.error(&format!("there is no transfer {parcel}"));
        }
        parsed
    }

    fn act(&mut self, parcel: &str, action: TransferAction) {
        let Some(parcel) = self.parse(parcel) else {
            return;
        };
        let now = self.clock.now();
        match action {
            TransferAction::Accept => self.engine.accept(parcel, now),
            TransferAction::Decline => self.engine.decline(parcel, now),
            TransferAction::Pause => self.engine.pause(parcel, now),
            TransferAction::Resume => self.engine.resume(parcel, now),
            TransferAction::Cancel => self.engine.cancel(parcel, now),
            TransferAction::Remove => self.engine.remove(parcel, now),
        }
    }

    fn handle_socket(&mut self, event: SocketEvent, now: Time) {
        match event {
            SocketEvent::Open { compresses } => self.engine.handle_open(compresses, now),
            SocketEvent::Message(bytes) => self.engine.handle_bytes(bytes, now),
            SocketEvent::Close(close) => self.engine.handle_close(close, now),
        }
    }

    fn handle_outcome(&mut self, outcome: Outcome, now: Time) {
        let Some(done) = self.shelf.handle(outcome) else {
            return;
        };
        if let Some((parcel, blob)) = done.content {
            self.news.add(content(parcel, &blob));
        }
        match done.reply {
            reply @ (StoreReply::Read { .. } | StoreReply::Unread { .. }) => self.hand_back(reply),
            reply => self.engine.handle_store(reply, now),
        }
    }

    /// Does what the engine wants until it wants nothing more.
    fn drain(&mut self) {
        let now = self.clock.now();
        // Not only when the alarm rang: in a background tab it may be late by minutes.
        if self
            .engine
            .poll_timeout(now)
            .is_some_and(|(deadline, _)| deadline <= now)
        {
            self.engine.handle_timeout(now);
        }
        while self.drain_once() {}
    }

    /// Whether there was anything to do.
    fn drain_once(&mut self) -> bool {
        let mut busy = false;
        while let Some(action) = self.engine.poll_socket() {
            busy = true;
            self.act_on_socket(action);
        }
        while let Some(request) = self.engine.poll_store() {
            busy = true;
            if let StoreRequest::Discard { parcel } = request {
                handles::forget(parcel);
            }
            if let Some(reply) = self.shelf.request(request) {
                self.engine.handle_store(reply, self.clock.now());
            }
        }
        while let Some(request) = self.engine.poll_read(self.clock.now()) {
            busy = true;
            self.sources.read(request);
        }
        while let Some(event) = self.engine.poll_event() {
            busy = true;
            self.note(event);
        }
        self.transmit() || busy
    }

    fn act_on_socket(&mut self, action: SocketAction) {
        match action {
            SocketAction::Open { url } => {
                let now = self.clock.now();
                if let Err(close) = self.socket.open(url, now) {
                    self.engine.handle_close(close, now);
                }
            }
            SocketAction::Close { last } => {
                if self.socket.is_open() {
                    last.iter().for_each(|packet| self.socket.send(packet));
                    self.socket.flush();
                }
                self.socket.close();
            }
        }
    }

    /// Gives the socket what it has room for; whether that was anything.
    fn transmit(&mut self) -> bool {
        let mut sent = false;
        while self.socket.has_room()
            && let Some(bytes) = self.engine.poll_transmit(self.clock.now())
        {
            self.socket.send(&bytes);
            sent = true;
        }
        self.socket.flush();
        sent
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Status => self.news.status(),
            Event::Peers => self.news.peers(),
            Event::Transfer(parcel) => self.news.transfer(parcel),
            Event::Files(parcel) => self.news.files(parcel),
            Event::Text { parcel, text } => self.news.add(bridge::Event::Text {
                parcel: parcel.to_string(),
                text,
            }),
            Event::Learnt {
                only_v311,
                frame_limit,
                frame_length,
            } => {
                self.news.add(bridge::Event::Learnt(bridge::Learnt {
                    only_v311,
                    frame_limit,
                    frame_length,
                }));
            }
            Event::Kept => self.tell_kept(),
            Event::Unfit { parcel, error } => {
                self.sources.forget(parcel);
                self.news.error(&error.to_string());
            }
            Event::Error(text) => self.news.error(&text),
        }
    }

    /// After another room was entered or this one left, some parcels may be gone.
    fn sweep(&mut self) {
        self.news.check_all();
        for parcel in self.sources.known() {
            self.news.transfer(parcel);
        }
    }

    fn set_alarm(&mut self) {
        let now = self.clock.now();
        let deadlines = [
            self.engine.poll_timeout(now).map(|(deadline, _)| deadline),
            self.news.next(),
        ];
        if let Some(deadline) = deadlines.into_iter().flatten().min() {
            self.alarm.set(deadline, now);
        }
    }
}

fn content(parcel: ParcelId, blob: &Blob) -> bridge::Event {
    bridge::Event::Content {
        parcel: parcel.to_string(),
        blob: blob.clone().into(),
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
