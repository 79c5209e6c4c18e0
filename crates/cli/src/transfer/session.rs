//! One device in a room, for as long as a command runs: brings what happens to the client, what the
//! client tells to the task, and does what the task says.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mqdrop_client::{Client, Input, Platform, Update};
use mqdrop_core::view::PeerView;
use mqdrop_core::{Audience, ParcelId, Time};
use tokio::sync::mpsc;

use super::answer::answer;
use super::connecting::{Change, Connecting};
use super::incoming;
use super::interrupts::Interrupts;
use super::outgoing::Found;
use super::task::{Happened, Step, Task};
use crate::failure::Failure;
use crate::lessons::Lessons;
use crate::native::{Kept, Native, Saved};
use crate::profile;
use crate::say::{Event, Output};
use crate::words;

/// Everything that happens on the platform.
pub(super) type Inputs = mpsc::UnboundedReceiver<Input<Saved>>;

/// So many inputs are handled before anything else has its turn.
const AT_ONCE: usize = 256;

/// The broker has so long to acknowledge what was said last, such as a receipt.
const HEARING: Duration = Duration::from_secs(5);

/// The connection has so long to end.
const CLOSING: Duration = Duration::from_secs(1);

/// A device in a room.
pub(super) struct Session<'a, T> {
    client: Client<Native>,
    inputs: Inputs,
    task: T,
    /// The files that are sent.
    found: Option<Found>,
    /// Parcels that earlier commands sent, until it is known whom these files are for.
    kept: Vec<Kept>,
    /// The folder for what is received.
    folder: Option<PathBuf>,
    lessons: Lessons,
    /// A decision about a person has to be kept.
    has_decided: bool,
    /// How it went when what is known of persons was kept last.
    keeping: io::Result<()>,
    output: &'a mut Output,
    connecting: Connecting,
    answers: (
        mpsc::UnboundedSender<Option<bool>>,
        mpsc::UnboundedReceiver<Option<bool>>,
    ),
    /// The number of the first line of the log that was not shown.
    logged: u64,
    /// The names of others in the room, by device.
    present: BTreeMap<String, String>,
    /// Finished parcels that nobody was told of yet.
    contents: BTreeMap<ParcelId, Saved>,
}

impl<'a, T: Task> Session<'a, T> {
    /// A client that was just told to join its room.
    pub(super) fn new(
        client: Client<Native>,
        inputs: Inputs,
        task: T,
        lessons: Lessons,
        output: &'a mut Output,
    ) -> Self {
        Self {
            connecting: Connecting::new(client.platform().now()),
            client,
            inputs,
            task,
            found: None,
            kept: Vec::new(),
            folder: None,
            lessons,
            has_decided: false,
            keeping: Ok(()),
            output,
            answers: mpsc::unbounded_channel(),
            logged: 0,
            present: BTreeMap::new(),
            contents: BTreeMap::new(),
        }
    }

    /// It sends these.
    pub(super) fn sending(mut self, found: Found) -> Self {
        self.found = Some(found);
        self
    }

    /// What earlier commands sent, for when it is known whom the files are for.
    pub(super) fn with_kept(mut self, kept: Vec<Kept>) -> Self {
        self.kept = kept;
        self
    }

    /// It receives into this folder.
    pub(super) fn receiving_into(mut self, folder: Option<&Path>) -> Self {
        self.folder = folder.map(Path::to_owned);
        self
    }

    /// Runs until the task is over or interrupted, and leaves the room.
    ///
    /// # Errors
    /// The reason that the task failed.
    pub(super) async fn run(mut self, mut interrupts: Interrupts) -> Result<(), Failure> {
        let outcome = loop {
            if let Some(outcome) = self.turn() {
                break outcome;
            }
            let sleep = self.sleep();
            tokio::select! {
                biased;
                () = interrupts.next() => {
                    break Err(Failure::Interrupted(self.task.remedy()));
                }
                answer = self.answers.1.recv() => {
                    let outcome = self.happen(Happened::Answer(answer.flatten()));
                    if let Some(outcome) = outcome {
                        break outcome;
                    }
                }
                () = sleep => {
                    if let Some(outcome) = self.wake() {
                        break outcome;
                    }
                }
                input = self.inputs.recv() => self.handle(input),
            }
        };
        tokio::select! {
            () = self.close(&outcome) => {}
            () = interrupts.next() => {}
        }
        outcome?;
        match self.keeping {
            Err(error) if self.has_decided => Err(Failure::Storage(
                words().listing_not_kept(&error.to_string()),
            )),
            _ => Ok(()),
        }
    }

    /// Leaves the room: when all that was said is heard, and with a goodbye.
    async fn close(&mut self, outcome: &Result<(), Failure>) {
        if !matches!(outcome, Err(Failure::Interrupted(_))) {
            // A broker that does not answer must not keep the command.
            let heard = self.be_heard(outcome.is_ok());
            let _ = tokio::time::timeout(HEARING, heard).await;
        }
        self.client.act(|engine, now| engine.leave_all(now));
        self.keep_places();
        let _ = tokio::time::timeout(CLOSING, self.client.platform_mut().ended()).await;
        self.tell_log();
        let counters = self.client.log().counters().line();
        self.output.log(std::iter::once(counters.as_str()));
    }

    /// Waits until all was heard. What was finished after a restart may be done before this device is
    /// in the room, and then has its sender told there; a failure is not worth a new connection.
    async fn be_heard(&mut self, is_done: bool) {
        let is_online = |engine: &mqdrop_core::Engine| {
            let mut states = engine.rooms().map(|room| engine.status(room).state);
            states.any(|state| state == mqdrop_core::view::ConnectionState::Online)
        };
        while !self.client.engine().is_heard() && (is_done || is_online(self.client.engine())) {
            // Sets the timer.
            self.keep_places();
            let input = self.inputs.recv().await;
            self.handle(input);
        }
    }

    /// Keeps what is known of the room's persons; nothing else is told any more.
    fn keep_places(&mut self) {
        let keeping = &mut self.keeping;
        self.client.tell(&mut |update| {
            if let Update::Place { room, record } = update {
                *keeping = profile::keep_people(&room, &record);
            }
        });
    }

    fn handle(&mut self, input: Option<Input<Saved>>) {
        let Some(input) = input else { return };
        self.client.handle(input);
        for _ in 1..AT_ONCE {
            match self.inputs.try_recv() {
                Ok(input) => self.client.handle(input),
                Err(_) => return,
            }
        }
    }

    /// Sleeps until task or connection want to look at the time.
    fn sleep(&self) -> impl Future<Output = ()> + use<T> {
        let deadlines = [self.task.deadline(), self.connecting.deadline()];
        let now = self.now();
        let left = deadlines
            .into_iter()
            .flatten()
            .min()
            .map(|at| at.since(now));
        async move {
            match left {
                Some(left) => tokio::time::sleep(left).await,
                None => core::future::pending().await,
            }
        }
    }

    fn wake(&mut self) -> Option<Result<(), Failure>> {
        match self.connecting.handle_time(self.now()) {
            Some(change) => self.change(change),
            None => self.happen(Happened::Woken),
        }
    }

    /// Shows what was logged since the last time.
    fn tell_log(&mut self) {
        let (lines, next) = self.client.log().since(self.logged);
        self.output.log(lines);
        self.logged = next;
    }

    /// Takes in what the client tells, until it tells nothing more.
    fn turn(&mut self) -> Option<Result<(), Failure>> {
        let outcome = self.hear();
        self.tell_log();
        outcome
    }

    fn hear(&mut self) -> Option<Result<(), Failure>> {
        loop {
            let mut updates = Vec::new();
            self.client.tell(&mut |update| updates.push(update));
            if updates.is_empty() {
                return None;
            }
            for update in updates {
                let outcome = self.take_in(update);
                if outcome.is_some() {
                    return outcome;
                }
            }
        }
    }

    fn take_in(&mut self, update: Update<Saved>) -> Option<Result<(), Failure>> {
        match update {
            Update::Status { status, .. } => {
                let change = self.connecting.handle_status(&status)?;
                self.change(change)
            }
            Update::Peers { peers, .. } => {
                self.meet(&peers);
                None
            }
            Update::Transfer(view) => {
                let parcel: Option<ParcelId> = view.parcel.parse().ok();
                let fault = parcel.and_then(|parcel| self.client.engine().fault(parcel));
                let view = Box::new(view);
                self.happen(Happened::Transfer { view, fault })
            }
            Update::Removed(parcel) => {
                let parcel = parcel.to_string();
                self.output.forget(&parcel);
                self.happen(Happened::Removed(parcel))
            }
            Update::Text { parcel, text } => {
                let parcel = parcel.to_string();
                self.happen(Happened::Text { parcel, text })
            }
            Update::Content { parcel, content } => {
                self.contents.insert(parcel, content);
                None
            }
            Update::Unfit { parcel, error } => {
                let text = words().sending_sent_anew(&words().offer_error(&error));
                self.output.tell(&Event::Warning { text });
                self.happen(Happened::Unfit(parcel.to_string()))
            }
            Update::Notice(notice) => {
                let text = words().notice(&notice);
                self.output.tell(&Event::Warning { text });
                None
            }
            Update::Files {
                parcel, first: 0, ..
            } => {
                // All of them: they are told in parts.
                let files = self.client.engine().files(parcel).unwrap_or_default();
                self.client.platform_mut().set_files(parcel, files);
                None
            }
            Update::Place { room, record } => {
                self.keeping = profile::keep_people(&room, &record);
                None
            }
            Update::Learnt(learnt) => {
                self.lessons.note(learnt);
                None
            }
            Update::People { people, .. } => self.happen(Happened::People(people)),
            Update::Files { .. } | Update::Kept(_) => None,
        }
    }

    fn change(&mut self, change: Change) -> Option<Result<(), Failure>> {
        match change {
            Change::Entered(event) => {
                self.output.tell(&event);
                self.happen(Happened::Entered)
            }
            Change::Say(event) => {
                self.output.tell(&event);
                None
            }
            Change::Failed(failure) => Some(Err(failure)),
        }
    }

    /// Tells who came and who left.
    fn meet(&mut self, peers: &[PeerView]) {
        let now: BTreeMap<String, String> = peers
            .iter()
            .map(|peer| (peer.device.clone(), peer.name.clone()))
            .collect();
        let before = std::mem::replace(&mut self.present, now);
        let person = |(device, name): (&String, &String), state| Event::Person {
            device: device.clone(),
            name: name.clone(),
            state,
        };
        let came = self
            .present
            .iter()
            .filter(|(device, _)| !before.contains_key(*device));
        let left = before
            .iter()
            .filter(|(device, _)| !self.present.contains_key(*device));
        for one in came {
            self.output.tell(&person(one, "here"));
        }
        for one in left {
            self.output.tell(&person(one, "away"));
        }
    }

    /// Tells the task, and does what it says.
    fn happen(&mut self, happened: Happened) -> Option<Result<(), Failure>> {
        let now = self.now();
        for step in self.task.handle(happened, now) {
            let outcome = self.act(step);
            if outcome.is_some() {
                return outcome;
            }
        }
        None
    }

    fn act(&mut self, step: Step) -> Option<Result<(), Failure>> {
        match step {
            Step::Say(event) => self.output.tell(&event),
            Step::Offer(persons) => {
                let persons = persons.iter().filter_map(|person| person.parse().ok());
                let audience = Audience::Persons(persons.collect());
                let kept = std::mem::take(&mut self.kept);
                match self
                    .found
                    .as_ref()?
                    .offer(&mut self.client, kept, &audience)
                {
                    Ok(parcels) => {
                        let parcels = parcels.iter().map(ToString::to_string).collect();
                        self.task.offered(parcels);
                    }
                    Err(failure) => return Some(Err(failure)),
                }
            }
            Step::Ask(question) => {
                self.output.ask(&question);
                let answers = self.answers.0.clone();
                // A thread of its own, which nobody waits for: it may stand there until the end.
                std::thread::spawn(move || answers.send(answer(std::io::stdin().lock())));
            }
            Step::Decide(person, decision) => {
                let person = person.parse().ok()?;
                self.has_decided = true;
                self.client
                    .act(|engine, now| decision.keep(engine, person, now));
            }
            Step::Accept(id) => self.accept(id.parse().ok()?),
            Step::Decline(id) => self.act_on(&id, mqdrop_core::Engine::decline),
            Step::Resume(id) => self.act_on(&id, mqdrop_core::Engine::resume),
            Step::OfferAnew(id) => {
                let parcel = id.parse().ok()?;
                match self.found.as_ref()?.offer_anew(&mut self.client, parcel) {
                    Ok(new) => self.task.replace(&id, new.to_string()),
                    Err(failure) => return Some(Err(failure)),
                }
            }
            Step::Saved(id) => {
                let parcel = id.parse().ok()?;
                let files = self.client.engine().files(parcel).unwrap_or_default();
                if let (Some(saved), Some(folder)) = (self.contents.remove(&parcel), &self.folder) {
                    self.output
                        .saved(&incoming::saved(parcel, folder, &saved, &files));
                }
            }
            Step::Deliver { parcel, text } => self.output.deliver(parcel, text),
            Step::End(outcome) => return Some(outcome),
        }
        None
    }

    /// Takes an offer, whose hidden files are named by its title. Titles of offers that nobody takes
    /// are not kept: others send as many as they like.
    fn accept(&mut self, parcel: ParcelId) {
        if let Some(view) = self.client.engine().transfer(parcel, self.now()) {
            self.client
                .platform_mut()
                .set_title(parcel, view.title.to_string());
        }
        self.client.act(|engine, now| engine.accept(parcel, now));
    }

    fn act_on(&mut self, id: &str, act: impl FnOnce(&mut mqdrop_core::Engine, ParcelId, Time)) {
        if let Ok(parcel) = id.parse() {
            self.client.act(|engine, now| act(engine, parcel, now));
        }
    }

    fn now(&self) -> Time {
        self.client.platform().now()
    }
}
