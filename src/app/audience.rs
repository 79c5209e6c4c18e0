//! Whom the composer sends to: everyone, or chosen persons.

use leptos::prelude::*;

use super::erased::{drawn, text};
use super::{session::Session, words::words};

/// As many persons can be chosen here; all of them can beside their names.
const LISTED: usize = 100;

/// The choice that stands for several persons; those are chosen beside their names.
const SEVERAL: &str = "several";

/// The field that says to whom, and changes it.
#[component]
pub(super) fn AudienceField(session: Session) -> impl IntoView {
    let audience = session.audience;
    let people = session.state.people;
    // Another device of one's own is nobody to choose.
    let others = Memo::new(move |_| {
        let people = people.read();
        let others = |here| {
            people
                .iter()
                .filter(move |it| !it.is_me && it.is_here == here)
        };
        let others = others(true).chain(others(false)).take(LISTED);
        let labelled = others.map(|person| {
            let name = words().person_name(person);
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
        match audience.as_slice() {
            [] => String::new(),
            [one] => one.clone(),
            _ => SEVERAL.to_owned(),
        }
    };
    let several = Memo::new(move |_| audience.read().len());
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
                prop:value=text(chosen)
                on:change:target=move |event| {
                    match event.target().value() {
                        several if several == SEVERAL => {}
                        everyone if everyone.is_empty() => audience.set(Vec::new()),
                        person => audience.set(vec![person]),
                    }
                }
            >
                <option value="">{words().composer_everyone()}</option>
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
            {drawn(move || {
                (!audience.read().is_empty())
                    .then(|| {
                        view! {
                            <button
                                type="button"
                                class="link"
                                data-testid="audience-room"
                                on:click=move |_| audience.set(Vec::new())
                            >
                                {words().composer_everyone_short()}
                            </button>
                        }.into_any()
                    })
            })}
        </div>
    }
}

/// Adds a person to the audience, or takes the person off it.
pub(super) fn toggle(session: Session, person: &str) {
    session.audience.update(|audience| {
        if audience.iter().any(|chosen| chosen == person) {
            audience.retain(|chosen| chosen != person);
        } else {
            audience.push(person.to_owned());
        }
    });
}
