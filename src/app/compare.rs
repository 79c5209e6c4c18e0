//! Comparing the words of a person's key, which shows that nobody stands in between.

use leptos::{prelude::*, task::spawn_local};
use mqdrop_core::view::PersonView;

use super::erased::text;
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
    let name = move || words().person_name(&person.read());
    let decide = move |_| {
        let person = person.get_untracked();
        session.engine.send(Command::Verify {
            person: person.person,
            verified: !person.verified,
        });
    };
    view! {
        <div class="compare" data-testid="person-details">
            <p>{text(move || words().compare_how(&name()))}</p>
            <dl>
                <dt>{text(move || words().compare_theirs(&name()))}</dt>
                <dd data-testid="person-words">{text(move || fingerprint(&person.read().key))}</dd>
                <dt>{words().compare_own()}</dt>
                <dd data-testid="own-words">{text(move || fingerprint(&session.state.own_key.read()))}</dd>
            </dl>
            <button type="button" class="button" data-testid="verify" on:click=decide>
                {text(move || match person.read().verified {
                    true => words().compare_take_back(),
                    false => words().compare_same(),
                }.to_owned())}
            </button>
        </div>
    }
}
