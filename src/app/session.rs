//! Entering and leaving a room.

use leptos::prelude::*;
use mqdrop_client::link::Link;
use mqdrop_core::AutoAccept;
use mqdrop_core::{
    is_same_name, keys,
    view::{ConnectionState, PersonView, Remedy, StatusView},
};

use super::{
    address::Page,
    audience::Chosen,
    engine::Engine,
    extras::Extras,
    form::{Draft, Field, Problem},
    names, page,
    ready::Ready,
    removal,
    settings::Settings,
    state::State,
    storage,
    tab::Stay,
    words::words,
};
use crate::bridge::{Command, JoinRequest};

/// The room this device is in, or on its way to.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) key: String,
    /// The broker's URL.
    pub(super) broker: String,
    pub(super) prefix: String,
    pub(super) name: String,
}

impl Room {
    pub(super) fn place(&self) -> String {
        place_of(&self.key, &self.broker, &self.prefix)
    }
}

/// The join form and the room it led to.
#[derive(Clone, Copy)]
pub(super) struct Session {
    pub(super) draft: RwSignal<Draft>,
    /// The fault of the form, and the form.
    wrong: RwSignal<Option<(Problem, Draft)>>,
    pub(super) room: RwSignal<Option<Room>>,
    /// The room was reached, or has something to show all the same. Until then the form stays.
    entered: RwSignal<bool>,
    pub(super) auto_accept: RwSignal<AutoAccept>,
    /// The link wants to join at once and accept everything, and the user has not agreed to that yet.
    pub(super) asks: RwSignal<bool>,
    pub(super) state: State,
    pub(super) engine: Engine,
    pub(super) extras: Extras,
    pub(super) ready: Ready,
    /// The text that is typed to be sent; a room that is left and entered again does not cost it.
    pub(super) text: RwSignal<String>,
    /// The ids of the persons whom the next things go to; nobody for everyone.
    pub(super) audience: Chosen,
    /// How often files were chosen.
    choices: StoredValue<u32>,
    page: StoredValue<Page>,
    settings: StoredValue<Settings>,
    link: StoredValue<Link>,
    /// The broker that the form names, and the user name that was filled in for it.
    user: StoredValue<(String, String)>,
}

impl Session {
    /// Starts the worker and fills the form; joins at once if this tab was in a room before its page
    /// was loaded again, or if the page's link says so and the user has agreed to that.
    pub(super) fn start() -> Self {
        let state = State::new();
        let room = RwSignal::new(None::<Room>);
        let engine = Engine::start(state, move || room.get_untracked());
        let session = Self {
            draft: RwSignal::default(),
            wrong: RwSignal::default(),
            room,
            entered: RwSignal::default(),
            auto_accept: RwSignal::default(),
            asks: RwSignal::default(),
            state,
            engine,
            extras: Extras::new(),
            ready: Ready::new(),
            text: RwSignal::default(),
            audience: Chosen::default(),
            choices: StoredValue::default(),
            page: StoredValue::new(page::place()),
            settings: StoredValue::new(storage::load_settings()),
            link: StoredValue::default(),
            user: StoredValue::default(),
        };
        let link = Link::parse(&page::fragment());
        session.watch_connection();
        session.watch_people();
        match storage::load_stay() {
            Some(stay) if session.leads_back(&link, &stay) => session.come_back(link, stay),
            _ => session.open(link),
        }
        session
    }

    /// Opens what a link says in a running page. A room other than the present one is left for it
    /// only if the user wants that: whoever opened this page can give it another address.
    pub(super) fn follow(&self, link: Link) {
        if let Some(room) = self.room.get_untracked() {
            if link.key.is_empty() || self.place(&link).is_some_and(|place| place == room.place()) {
                return;
            }
            if !page::confirm(words().page_another_room()) {
                return self.link.with_value(page::set_link);
            }
            self.leave();
        }
        self.open(link);
    }

    /// Fills the form by a link, and joins if that is what the link and the user want.
    fn open(&self, link: Link) {
        let mut draft = self.settings.with_value(|settings| {
            Draft::new(settings, &link, &names::guess_device(&page::user_agent()))
        });
        draft.username = self.known_user(&draft.broker);
        let wants = link.auto && !link.key.is_empty();
        self.link.set_value(link);
        self.asks.set(false);
        self.wrong.set(None);
        let agreed = wants
            && storage::has_agreed_ever()
            && self
                .mark(&draft)
                .is_some_and(|mark| storage::has_agreed(&mark));
        draft.auto_accept = if agreed {
            AutoAccept::All
        } else {
            AutoAccept::Off
        };
        let will_do = self.page.with_value(|page| draft.check(page).is_ok());
        self.draft.set(draft);
        if agreed || (wants && !will_do) {
            // The form's faults are named before anything is asked.
            self.join();
        } else {
            self.asks.set(wants);
        }
    }

    /// The user agrees to what the link wants: now, and whenever it is opened in this browser.
    pub(super) fn agree(&self) {
        if let Some(mark) = self.draft.with_untracked(|draft| self.mark(draft)) {
            storage::save_agreed(&mark);
        }
        self.draft
            .update(|draft| draft.auto_accept = AutoAccept::All);
        self.join();
    }

    /// Takes up what this tab had before its page was loaded again.
    fn come_back(&self, link: Link, stay: Stay) {
        self.link.set_value(link);
        // Typed text stays, whatever is remembered.
        let _ = self.known_user(&stay.draft.broker);
        self.draft.set(stay.draft);
        if stay.entered {
            self.join();
        }
    }

    /// Whether a page that is loaded with this link goes on with what its tab had.
    fn leads_back(&self, link: &Link, stay: &Stay) -> bool {
        let at = self
            .page
            .with_value(|page| Some(place(&stay.draft.check(page).ok()?)));
        link.key.is_empty() || link.fragment() == stay.fragment || at == self.place(link)
    }

    /// The room that a link leads to.
    fn place(&self, link: &Link) -> Option<String> {
        let draft = Draft::new(&Settings::default(), link, "");
        self.page
            .with_value(|page| Some(place(&draft.check(page).ok()?)))
    }

    /// Remembers the form for when the page is loaded anew.
    pub(super) fn keep_stay(&self, entered: bool) {
        storage::save_stay(&Stay {
            draft: self.draft.get_untracked(),
            fragment: self.link.with_value(Link::fragment),
            entered,
        });
    }

    /// The user chose another language than the link, and the page is about to be loaded anew.
    pub(super) fn forget_linked_language(&self) {
        let mut link = self.link.get_value();
        if !link.lang.is_empty() {
            link.lang.clear();
            page::set_link(&link);
            self.link.set_value(link);
        }
        self.keep_stay(self.room.with_untracked(Option::is_some));
    }

    /// The name of a form's room where the user's agreement is kept.
    fn mark(&self, draft: &Draft) -> Option<String> {
        let broker = self
            .page
            .with_value(|page| page.broker(&draft.broker))
            .ok()?;
        keys::mark(&draft.key, &format!("{broker} {}", draft.prefix.trim())).ok()
    }

    /// Remembers a broker, and gives the user name that was used with it: no other one gets it.
    fn known_user(&self, typed: &str) -> String {
        let broker = self
            .page
            .with_value(|page| page.broker(typed))
            .unwrap_or_default();
        let user = storage::load_user(&broker);
        self.user.set_value((broker, user.clone()));
        user
    }

    /// Shows the room once it is there, and what is wrong with the form if the broker says so.
    fn watch_connection(self) {
        Effect::new(move || {
            let status = self.state.status.get();
            if self.room.read().is_none() || self.entered.get() {
                return;
            }
            if status.state == ConnectionState::Online || !self.state.transfers.read().is_empty() {
                self.entered.set(true);
            } else if let Some(remedy) = status.remedy {
                self.blame(remedy, &words().status(&status));
            }
        });
    }

    /// Has the next things go to the person whom the link names, once that person is known.
    fn watch_people(self) {
        Effect::new(move || {
            let people = self.state.people.read();
            let name = self.link.with_value(|link| link.to.clone());
            let is_named = |person: &&PersonView| {
                !person.is_me && !person.is_namesake && is_same_name(&person.name, &name)
            };
            if !name.is_empty()
                && let Some(person) = people.iter().find(is_named)
            {
                // Once: the user may choose somebody else.
                self.link.update_value(|link| link.to.clear());
                self.audience.choose(vec![person.person.clone()]);
            }
        });
    }

    /// The room, once it was reached.
    pub(super) fn inside(&self) -> Option<Room> {
        self.room.get().filter(|_| self.entered.get())
    }

    /// The same, for what happens once.
    pub(super) fn inside_now(&self) -> Option<Room> {
        self.room
            .get_untracked()
            .filter(|_| self.entered.get_untracked())
    }

    /// Whether the room is being reached and the form still shown.
    pub(super) fn is_on_the_way(&self) -> bool {
        self.room.read().is_some() && !self.entered.get()
    }

    /// Says below a field what is wrong.
    fn blame(&self, remedy: Remedy, text: &str) {
        let draft = self.draft.get_untracked();
        let field = Field::of(remedy, &draft);
        let words = text.to_owned();
        self.wrong.set(Some((Problem { field, words }, draft)));
    }

    /// Goes back to the form, at what has to change.
    pub(super) fn change_connection(&self) {
        let status = self.state.status.get_untracked();
        self.leave();
        let words = words().status(&status);
        self.blame(status.remedy.unwrap_or(Remedy::Broker), &words);
    }

    /// Enters the room that the form describes, or says what is wrong with the form.
    pub(super) fn join(&self) {
        self.wrong.set(None);
        self.asks.set(false);
        self.state.error.set(None);
        let draft = self.draft.get_untracked();
        match self.page.with_value(|page| draft.check(page)) {
            Ok(mut request) => {
                self.settings.update_value(|settings| {
                    *settings = self.link.with_value(|link| draft.remember(settings, link));
                    storage::save_settings(settings);
                });
                storage::save_user(&request.broker, &request.username);
                let link = self.link.with_value(|link| draft.corrected(link));
                if let Some(link) = link {
                    page::set_link(&link);
                    self.link.set_value(link);
                }
                request.learnt = storage::load_learnt(&request.broker);
                request.former = storage::load_device(&place(&request));
                request.invited_by = self.link.with_value(|link| link.by.clone());
                self.remember_auto_accept(request.auto_accept);
                // The value with the settings before.
                self.state.status.set(StatusView::default());
                self.entered.set(false);
                self.room.set(Some(Room {
                    key: request.key.clone(),
                    broker: request.broker.clone(),
                    prefix: request.prefix.clone(),
                    name: request.name.clone(),
                }));
                self.keep_stay(true);
                self.engine.send(Command::Join(request));
            }
            Err(problem) => self.wrong.set(Some((problem, draft))),
        }
    }

    /// A name for what is chosen now.
    pub(super) fn new_choice(&self) -> u32 {
        self.choices
            .update_value(|choices| *choices = choices.wrapping_add(1));
        self.choices.get_value()
    }

    /// The field that would not do.
    pub(super) fn wrong_field(&self) -> Option<Field> {
        self.wrong
            .with(|wrong| wrong.as_ref().map(|(problem, _)| problem.field))
    }

    /// The fault of a field, in words.
    pub(super) fn wrong_words(&self, field: Field) -> Option<String> {
        self.wrong.with(|wrong| {
            let (problem, _) = wrong.as_ref().filter(|(wrong, _)| wrong.field == field)?;
            Some(problem.words.clone())
        })
    }

    /// Once the form is another one: what was wrong may be right now.
    pub(super) fn reconsider(&self) {
        let now = self.draft.get_untracked();
        let is_another = |wrong: &Option<(Problem, Draft)>| {
            wrong.as_ref().is_some_and(|(_, refused)| *refused != now)
        };
        if self.wrong.with_untracked(is_another) {
            self.wrong.set(None);
        }
        let (broker, filled) = self.user.get_value();
        if self
            .page
            .with_value(|page| page.broker(&now.broker))
            .unwrap_or_default()
            != broker
        {
            let user = self.known_user(&now.broker);
            if now.username == filled && filled != user {
                self.draft.update(|draft| draft.username = user);
            }
        }
    }

    /// Goes back to the form, which stays filled.
    pub(super) fn leave(&self) {
        if self.room.with_untracked(Option::is_none) {
            return;
        }
        removal::finish_all(*self);
        self.engine.send(Command::Leave);
        storage::forget_stay();
        self.room.set(None);
        self.entered.set(false);
        self.audience.clear();
        self.draft
            .update(|draft| draft.auto_accept = AutoAccept::Off);
        self.state.error.set(None);
        self.state.clear();
    }

    fn remember_auto_accept(&self, which: AutoAccept) {
        self.auto_accept.set(which);
        if which != AutoAccept::Off {
            // Nobody will click on each offer, where this is asked for otherwise.
            storage::keep();
        }
    }

    /// Accept these offers from now on, and ask for the others each time.
    pub(super) fn set_auto_accept(&self, which: AutoAccept) {
        self.remember_auto_accept(which);
        self.draft.update(|draft| draft.auto_accept = which);
        self.keep_stay(true);
        self.engine.send(Command::AutoAccept(which));
    }

    /// The link that leads others to this room.
    pub(super) fn invite(&self, room: &Room) -> String {
        let own = self.page.with_value(Page::own_broker);
        let link = Link {
            key: room.key.trim().to_owned(),
            broker: if room.broker == own {
                String::new()
            } else {
                room.broker.clone()
            },
            prefix: room.prefix.clone(),
            by: self.state.own_key.get(),
            ..Link::default()
        };
        link.url(&page::address())
    }

    /// The broker that an empty field means.
    pub(super) fn own_broker(&self) -> String {
        self.page.with_value(Page::own_broker)
    }
}

fn place(request: &JoinRequest) -> String {
    place_of(&request.key, &request.broker, &request.prefix)
}

/// One text for each room.
fn place_of(key: &str, broker: &str, prefix: &str) -> String {
    let key = keys::normalise(key).unwrap_or_default();
    format!("{key}\n{broker}\n{prefix}")
}
