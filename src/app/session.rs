//! Entering and leaving a room.

use leptos::prelude::*;

use super::{
    address::Page,
    engine::Engine,
    extras::Extras,
    form::{Draft, Field, Problem},
    link::Link,
    names, page,
    settings::Settings,
    state::State,
    storage,
};
use crate::bridge::Command;

/// The room this device is in, or on its way to.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) key: String,
    /// The broker's URL.
    pub(super) broker: String,
    pub(super) prefix: String,
    pub(super) name: String,
}

/// The join form and the room it led to.
#[derive(Clone, Copy)]
pub(super) struct Session {
    pub(super) draft: RwSignal<Draft>,
    /// What was wrong with the form, and the form.
    wrong: RwSignal<Option<(Problem, Draft)>>,
    pub(super) room: RwSignal<Option<Room>>,
    pub(super) auto_accept: RwSignal<bool>,
    pub(super) state: State,
    pub(super) engine: Engine,
    pub(super) extras: Extras,
    /// How often files were chosen.
    choices: StoredValue<u32>,
    page: StoredValue<Page>,
    settings: StoredValue<Settings>,
    link: StoredValue<Link>,
}

impl Session {
    /// Starts the worker and fills the form; joins at once if the page's link says so.
    pub(super) fn start() -> Self {
        let state = State::new();
        let room = RwSignal::new(None::<Room>);
        let engine = Engine::start(state, move || {
            room.with_untracked(|room| Some(room.as_ref()?.broker.clone()))
        });
        let session = Self {
            draft: RwSignal::default(),
            wrong: RwSignal::default(),
            room,
            auto_accept: RwSignal::default(),
            state,
            engine,
            extras: Extras::new(),
            choices: StoredValue::default(),
            page: StoredValue::new(page::place()),
            settings: StoredValue::new(storage::load_settings()),
            link: StoredValue::default(),
        };
        session.follow(Link::parse(&page::fragment()));
        session
    }

    /// Opens what a link says: a room other than the present one is left for it.
    pub(super) fn follow(&self, link: Link) {
        let present = self.room.with_untracked(Option::is_some);
        if present && (link.key.is_empty() || self.link.with_value(|now| *now == link)) {
            return;
        }
        self.leave();
        self.draft.set(self.settings.with_value(|settings| {
            Draft::new(settings, &link, &names::guess_device(&page::user_agent()))
        }));
        let auto = link.auto && !link.key.is_empty();
        self.link.set_value(link);
        if auto {
            self.join();
        }
    }

    /// Enters the room that the form describes, or says what is wrong with the form.
    pub(super) fn join(&self) {
        self.wrong.set(None);
        self.state.error.set(None);
        let draft = self.draft.get_untracked();
        match self.page.with_value(|page| draft.check(page)) {
            Ok(mut request) => {
                self.settings.update_value(|settings| {
                    *settings = self.link.with_value(|link| draft.remember(settings, link));
                    storage::save_settings(settings);
                });
                let mut link = self.link.get_value();
                if !link.key.is_empty() && link.key != request.key {
                    // The address would lead into another room.
                    (link.key, link.auto) = (request.key.clone(), false);
                    page::set_link(&link);
                    self.link.set_value(link);
                }
                request.learnt = storage::load_learnt(&request.broker);
                self.remember_auto_accept(request.auto_accept);
                self.room.set(Some(Room {
                    key: request.key.clone(),
                    broker: request.broker.clone(),
                    prefix: request.prefix.clone(),
                    name: request.name.clone(),
                }));
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

    /// What is wrong with a field, in words.
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
    }

    /// Goes back to the form, which stays filled.
    pub(super) fn leave(&self) {
        if self.room.with_untracked(Option::is_none) {
            return;
        }
        self.engine.send(Command::Leave);
        self.room.set(None);
        self.draft.update(|draft| draft.auto_accept = false);
        self.state.error.set(None);
        self.state.clear();
    }

    fn remember_auto_accept(&self, on: bool) {
        self.auto_accept.set(on);
        if on {
            // Nobody will click on each offer, where this is asked for otherwise.
            storage::keep();
        }
    }

    /// Accept every offer from now on, or ask each time.
    pub(super) fn set_auto_accept(&self, on: bool) {
        self.remember_auto_accept(on);
        self.engine.send(Command::AutoAccept(on));
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
            ..Link::default()
        };
        link.url(&page::address())
    }

    /// The broker that an empty field means.
    pub(super) fn own_broker(&self) -> String {
        self.page.with_value(Page::own_broker)
    }
}
