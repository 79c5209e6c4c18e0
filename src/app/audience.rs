//! Whom the composer sends to: everyone, or chosen persons.

use leptos::{html, prelude::*};
use mqdrop_core::view::PersonView;

use super::erased::{drawn, text, whether};
use super::{session::Session, words::words};
use crate::bridge::To;

/// As many persons can be chosen here; all of them can beside their names.
const LISTED: usize = 100;

/// The choices that stand for several persons, who are chosen beside their names, and for everyone.
const SEVERAL: &str = "several";
const LATER: &str = "later";
const NOW: &str = "now";

/// The audience that the user chose.
#[derive(Clone, Copy, Default)]
pub(super) struct Chosen {
    /// Nobody for everyone.
    persons: RwSignal<Vec<String>>,
    /// Whether everyone who comes later is meant as well, if the user says so.
    later: RwSignal<Option<bool>>,
}

impl Chosen {
    pub(super) fn choose(self, persons: Vec<String>) {
        self.later.set(None);
        self.persons.set(persons);
    }

    pub(super) fn clear(self) {
        self.choose(Vec::new());
    }

    fn choose_everyone(self, later: Option<bool>) {
        self.clear();
        self.later.set(later);
    }

    /// Adds a person, or takes the person off.
    pub(super) fn toggle(self, person: &str) {
        if self
            .persons
            .with_untracked(|all| all.iter().any(|chosen| chosen == person))
        {
            self.leave_out(person);
        } else {
            self.later.set(None);
            self.persons.update(|all| all.push(person.to_owned()));
        }
    }

    pub(super) fn leave_out(self, person: &str) {
        self.persons
            .update(|all| all.retain(|chosen| chosen != person));
    }

    /// The persons; nobody for everyone.
    pub(super) fn persons(self) -> Vec<String> {
        self.persons.get()
    }

    pub(super) fn has(self, person: &String) -> bool {
        self.persons.read().contains(person)
    }

    /// Whom files are for: whoever comes later as well, unless the user says something else.
    pub(super) fn files(self) -> To {
        self.to(true)
    }

    /// Whom a text is for: not those who come later, as it is of a conversation that they were not in.
    pub(super) fn text(self) -> To {
        self.to(false)
    }

    fn to(self, later: bool) -> To {
        let persons = self.persons.get_untracked();
        match self.later.get_untracked().unwrap_or(later) {
            _ if !persons.is_empty() => To::Persons(persons),
            true => To::Room,
            false => To::Present,
        }
    }
}

/// The field that says to whom, and changes it.
#[component]
pub(super) fn AudienceField(session: Session) -> impl IntoView {
    let to = session.audience;
    let audience = to.persons;
    let people = session.state.people;
    // Another device of one's own is nobody to choose, and who is muted gets nothing.
    let others = Memo::new(move |_| {
        let people = people.read();
        let others = |here| {
            people
                .iter()
                .filter(move |it| !(it.is_me || it.muted) && it.is_here == here)
        };
        let audience = audience.read();
        let is_listed = |(place, person): &(usize, &PersonView)| {
            *place < LISTED || audience.contains(&person.person)
        };
        let others = others(true).chain(others(false)).enumerate();
        let labelled = others.filter(is_listed).map(|(_, person)| {
            let name = words().person_name(&person.name, person.is_namesake);
            let label = if person.is_here {
                name
            } else {
                words().composer_person_away(&name)
            };
            (person.person.clone(), label)
        });
        labelled.collect::<Vec<(String, String)>>()
    });
    let chosen = move || {
        let audience = audience.read();
        match (audience.as_slice(), to.later.get()) {
            ([], None) => String::new(),
            ([], Some(true)) => LATER.to_owned(),
            ([], Some(false)) => NOW.to_owned(),
            ([one], _) => one.clone(),
            _ => SEVERAL.to_owned(),
        }
    };
    let is_alone = Memo::new(move |_| !people.read().iter().any(|person| person.is_here));
    let several = Memo::new(move |_| audience.read().len());
    // Options come, go and move: a browser chooses the first one when the chosen one does.
    let choice = NodeRef::<html::Select>::new();
    Effect::new(move |_| {
        others.track();
        several.track();
        if let Some(choice) = choice.get() {
            choice.set_value(&chosen());
        }
    });
    view! {
        <div
            class="audience"
            data-testid="audience"
            data-to=text(move || match audience.read().as_slice() {
                [] => "room".to_owned(),
                persons => persons.join(" "),
            })
        >
            <label for="audience-choice">{words().composer_to()}</label>
            <select
                id="audience-choice"
                data-testid="audience-choice"
                node_ref=choice
                on:change:target=move |event| {
                match event.target().value() {
                        several if several == SEVERAL => {}
                        everyone if everyone.is_empty() => to.clear(),
                        everyone if everyone == LATER => to.choose_everyone(Some(true)),
                        everyone if everyone == NOW => to.choose_everyone(Some(false)),
                        person => to.choose(vec![person]),
                    }
                }
            >
                <option value="">{words().composer_everyone()}</option>
                <option value=LATER>{words().composer_everyone_later()}</option>
                <option value=NOW>{words().composer_everyone_now()}</option>
                <For each=move || others.get() key=|other| other.clone() let((person, label))>
                    <option value=person>{label}</option>
                </For>
                {drawn(move || {
                    let several = several.get();
                    (several > 1)
                        .then(|| {
                            view! { <option value=SEVERAL>{words().composer_persons(several as u64)}</option> }.into_any()
                        })
                })}
            </select>
            <Show when=whether(move || !audience.read().is_empty())>
                <button
                    type="button"
                    class="link"
                    data-testid="audience-room"
                    on:click=move |_| to.clear()
                >
                    {words().composer_everyone_short()}
                </button>
            </Show>
            <p class="audience-note" data-testid="audience-note">
                {text(move || match (audience.read().is_empty(), to.later.get()) {
                    (true, None) if is_alone.get() => words().composer_note_alone(),
                    (true, None) => words().composer_note(),
                    (true, Some(true)) => words().composer_note_later(),
                    (true, Some(false)) => words().composer_note_now(),
                    (false, _) => words().composer_note_persons(),
                }.to_owned())}
            </p>
        </div>
    }
}
