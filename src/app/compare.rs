//! Comparing the words of a person's key, which shows that nobody stands in between.

use leptos::{prelude::*, task::spawn_local};
use mqdrop_core::view::{PersonView, Verified};

use super::erased::{text, whether};
use super::{extras::Outdated, session::Session, words::words};
use crate::bridge::Command;

/// A person's words and one's own, and what follows from them.
#[component]
pub(super) fn Compare(session: Session, person: Memo<PersonView>) -> impl IntoView {
    let is_missing = RwSignal::new(false);
    let extras = session.extras;
    spawn_local(async move {
        if extras.load().await.is_err() {
            // The panel may be closed by now.
            let _ = is_missing.try_set(true);
        }
    });
    let fingerprint = move |key: &str| match extras.get().map(|module| module.fingerprint(key)) {
        Some(Ok(Some(words))) => words,
        Some(Ok(None)) => String::new(),
        Some(Err(Outdated)) => words().compare_outdated().to_owned(),
        None if is_missing.get() => words().compare_not_loaded().to_owned(),
        None => words().compare_loading().to_owned(),
    };
    let name = move || {
        let person = person.read();
        words().person_name(&person.name, person.is_namesake)
    };
    let decide = move |verified| {
        let person = person.read_untracked().person.clone();
        session.engine.send(Command::Verify { person, verified });
    };
    let verified = Memo::new(move |_| person.read().verified);
    view! {
        <div class="compare" data-testid="person-details">
            <p>{text(move || words().compare_how(&name()))}</p>
            <dl>
                <dt>{text(move || words().compare_theirs(&name()))}</dt>
                <dd data-testid="person-words">{text(move || fingerprint(&person.read().key))}</dd>
                <dt>{words().compare_own()}</dt>
                <dd data-testid="own-words">{text(move || fingerprint(&session.state.own_key.read()))}</dd>
            </dl>
            <Show when=whether(move || verified.get() != Verified::Words)>
                <button type="button" class="button" data-testid="verify" on:click=move |_| decide(true)>
                    {words().compare_same()}
                </button>
            </Show>
            <Show when=whether(move || verified.get() != Verified::No)>
                <button type="button" class="button" data-testid="verify-not" on:click=move |_| decide(false)>
                    {words().compare_take_back()}
                </button>
            </Show>
        </div>
    }
}
