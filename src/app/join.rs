//! The join form.

use leptos::{ev, html, prelude::*, task::spawn_local};

use super::erased::{drawn, given, text, whether};
use super::{
    address,
    extras::{NotLoaded, Outdated},
    form::{Draft, Field},
    icons::{Icon, icon},
    notices::{ErrorLine, KeptNotice, StorageNotice},
    page,
    ready::ReadyNotice,
    session::Session,
    settings,
    words::words,
};

/// Asks for the key and what else it takes to enter a room.
#[component]
pub(super) fn Join(session: Session) -> impl IntoView {
    let draft = session.draft;
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        session.join();
    };
    Effect::watch(
        move || draft.track(),
        move |(), _, _| session.reconsider(),
        false,
    );
    let is_trying = move || session.is_on_the_way() && session.state.status.read().remedy.is_none();
    let advanced = NodeRef::<html::Details>::new();
    Effect::new(move || {
        let Some(field) = session.wrong_field() else {
            return;
        };
        // The fault must be in sight.
        if field.is_advanced()
            && let Some(details) = advanced.get()
        {
            details.set_open(true);
        }
        page::focus(field.id());
    });
    view! {
        <div class="join">
            <div class="join-intro">
                <h2>{words().form_title()}</h2>
                <p>{words().form_intro()}</p>
            </div>
            <ReadyNotice session />
            <form class="card join-form" on:submit=submit>
                <ErrorLine session in_room=false />
                <Agreement session />
                <KeyField session />
                <div class="field">
                    <label for="name">{words().form_name()}</label>
                    <input
                        id="name"
                        data-testid="name-input"
                        autocomplete="nickname"
                        maxlength="64"
                        aria-describedby="name-hint"
                        prop:value=text(move || draft.read().name.clone())
                        on:input:target=move |event| draft.write().name = event.target().value()
                    />
                    <p class="hint" id="name-hint">{words().form_name_hint()}</p>
                </div>
                <Line
                    session
                    field=Field::Broker
                    label=words().form_broker()
                    hint=words().form_broker_hint()
                    placeholder=session.own_broker()
                    get=|draft| &draft.broker
                    set=|draft, value| draft.broker = value
                />
                <details class="advanced" node_ref=advanced>
                    <summary>{words().form_advanced()}</summary>
                    <div class="advanced-fields">
                        <Line
                            session
                            field=Field::Username
                            label=words().form_username()
                            autocomplete="username"
                            get=|draft| &draft.username
                            set=|draft, value| draft.username = value
                        />
                        <div class="field">
                            <label for="password">{words().form_password()}</label>
                            <input
                                id="password"
                                type="password"
                                data-testid="password-input"
                                autocomplete="current-password"
                                aria-describedby=Field::Password.error_id()
                                aria-invalid=given(move || {
                                    (session.wrong_field() == Some(Field::Password)).then_some("true")
                                })
                                prop:value=text(move || draft.read().password.clone())
                                on:input:target=move |event| draft.write().password = event.target().value()
                            />
                            <FieldError session field=Field::Password />
                        </div>
                        <Line
                            session
                            field=Field::Prefix
                            label=words().form_prefix()
                            placeholder="mqdrop/1".to_owned()
                            get=|draft| &draft.prefix
                            set=|draft, value| draft.prefix = value
                        />
                        <div class="field">
                            <label for="protocol">{words().form_protocol()}</label>
                            <select
                                id="protocol"
                                data-testid="protocol-input"
                                prop:value=text(move || settings::protocol_text(draft.read().protocol).to_owned())
                                on:change:target=move |event| {
                                    draft.write().protocol = settings::protocol_from(&event.target().value());
                                }
                            >
                                <option value="auto">{words().form_protocol_auto()}</option>
                                <option value="5">"MQTT 5"</option>
                                <option value="3.1.1">"MQTT 3.1.1"</option>
                            </select>
                        </div>
                    </div>
                </details>
                <button
                    type="submit"
                    class="button button-main button-large"
                    data-testid="join"
                    aria-busy=given(move || is_trying().then_some("true"))
                >
                    {text(move || if is_trying() { words().page_connecting() } else { words().form_join() }.to_owned())}
                </button>
                <Show when=whether(is_trying)>
                    <button
                        type="button"
                        class="button button-large"
                        data-testid="leave"
                        on:click=move |_| session.leave()
                    >
                        {words().form_stop()}
                    </button>
                </Show>
            </form>
            <StorageNotice state=session.state />
            <KeptNotice session />
        </div>
    }
}

/// Asks whether a link may do what it wants: whoever made it may be nobody that its reader knows.
#[component]
fn Agreement(session: Session) -> impl IntoView {
    let asked = move || {
        let draft = session.draft.read();
        match draft.broker.as_str() {
            "" => words().form_agreement().to_owned(),
            broker => words().form_agreement_at(address::host(broker)),
        }
    };
    view! {
        <Show when=whether(move || session.asks.get())>
            <div class="notice agreement" role="note">
                {icon(Icon::Warning)}
                <div>
                    <p>{asked}</p>
                    <button
                        type="button"
                        class="button button-main"
                        data-testid="auto-confirm"
                        on:click=move |_| session.agree()
                    >
                        {words().form_agree()}
                    </button>
                </div>
            </div>
        </Show>
    }
}

/// Letters of a key that a phone's field shows.
const NARROW: usize = 20;

/// The key with its strength and the button that makes one.
#[component]
fn KeyField(session: Session) -> impl IntoView {
    let draft = session.draft;
    let key = Memo::new(move |_| draft.read().key.clone());
    let extras = session.extras;
    let level = Memo::new(move |_| {
        let key = key.read();
        let module = extras.get().filter(|_| !key.trim().is_empty())?;
        module.key_level(&key).ok()
    });
    let warning = Memo::new(move |_| {
        let module = extras.get()?;
        look_closely(&module.doubtful_letters(&key.read()).ok()?)
    });
    // Until then nobody can press the button; after a failure it tries again.
    let asks = session.asks.get_untracked();
    let was_tried = RwSignal::new(asks);
    // A user who wants a key hears of a failure; an estimate is shown when there is one.
    let load = move || {
        spawn_local(async move {
            drop(extras.load().await);
            let _ = was_tried.try_set(true);
        });
    };
    // A user who agrees with a link needs nothing of it.
    if !asks {
        load();
    }
    let is_waiting = RwSignal::new(false);
    let generate = move |_| {
        if is_waiting.get_untracked() {
            return;
        }
        is_waiting.set(true);
        let before = key.get_untracked();
        spawn_local(async move {
            let made = match extras.load().await {
                Ok(module) => module
                    .generate_key()
                    .map_err(|Outdated| words().key_outdated()),
                Err(NotLoaded) => Err(words().key_not_loaded()),
            };
            // The form may have been left meanwhile.
            if is_waiting.try_set(false).is_some() {
                return;
            }
            match made {
                Ok(Some(made)) => {
                    session.state.solve(words().key_not_loaded());
                    // The text that was typed meanwhile is wanted.
                    if key.get_untracked() == before {
                        draft.write().key = made;
                        session.keep_stay(false);
                    }
                }
                Ok(None) => session.state.fail(words().key_not_random()),
                Err(text) => session.state.fail(text),
            }
        });
    };
    view! {
        <div class="field">
            <div class="key-label">
                <label for="key">{words().key_label()}</label>
                <button
                    type="button"
                    class="button button-small"
                    data-testid="key-generate"
                    disabled=move || !was_tried.get()
                    aria-busy=given(move || is_waiting.get().then_some("true"))
                    on:click=generate
                >
                    {icon(Icon::Dice)}
                    {text(move || if is_waiting.get() { words().key_moment() } else { words().key_generate() }.to_owned())}
                </button>
            </div>
            <input
                id="key"
                class="key"
                data-testid="key-input"
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                data-1p-ignore="true"
                data-lpignore="true"
                data-bwignore="true"
                enterkeyhint="go"
                placeholder=words().key_placeholder()
                aria-describedby=format!("{} key-strength", Field::Key.error_id())
                aria-invalid=given(move || (session.wrong_field() == Some(Field::Key)).then_some("true"))
                prop:value=text(move || key.get())
                on:focus=move |_| load()
                on:input:target=move |event| draft.write().key = event.target().value()
            />
            <FieldError session field=Field::Key />
            // Where the field is too narrow for it, nobody would see that there is more of it.
            <p class="key-whole" aria-hidden="true">
                {text(move || if key.read().len() > NARROW { key.get() } else { String::new() })}
            </p>
            <p class="hint" data-testid="key-warning" aria-live="polite">
                {text(move || warning.get().unwrap_or_default())}
            </p>
            <div
                class="strength"
                data-testid="key-strength"
                data-level=text(move || level.get().unwrap_or_else(|| "none".to_owned()))
            >
                <span class="strength-bars" aria-hidden="true">
                    <i></i>
                    <i></i>
                    <i></i>
                </span>
                <p class="hint" id="key-strength" aria-live="polite">
                    {text(move || level_words(level.read().as_deref()).to_owned())}
                </p>
            </div>
        </div>
    }
}

/// A labelled line of text.
#[component]
fn Line(
    session: Session,
    field: Field,
    label: &'static str,
    #[prop(optional)] hint: &'static str,
    #[prop(optional)] placeholder: String,
    #[prop(default = "off")] autocomplete: &'static str,
    get: fn(&Draft) -> &String,
    set: fn(&mut Draft, String),
) -> impl IntoView {
    let draft = session.draft;
    let id = field.id();
    let hint_id = format!("{id}-hint");
    let described_by = format!("{} {hint_id}", field.error_id());
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <input
                id=id
                data-testid=format!("{id}-input")
                autocomplete=autocomplete
                autocapitalize="none"
                spellcheck="false"
                placeholder=placeholder
                aria-describedby=described_by
                aria-invalid=given(move || (session.wrong_field() == Some(field)).then_some("true"))
                prop:value=text(move || get(&draft.read()).clone())
                on:input:target=move |event| set(&mut draft.write(), event.target().value())
            />
            <FieldError session field />
            {(!hint.is_empty()).then(|| view! { <p class="hint" id=hint_id>{hint}</p> })}
        </div>
    }
}

/// The fault of a field, directly below it.
#[component]
fn FieldError(session: Session, field: Field) -> impl IntoView {
    view! {
        // Live regions are announced only if they were there before their text.
        <div role="alert" class="field-error" id=field.error_id()>
            {drawn(move || {
                session
                    .wrong_words(field)
                    .map(|text| view! { {icon(Icon::Warning)} <p data-testid="error">{text}</p> }.into_any())
            })}
        </div>
    }
}

fn level_words(level: Option<&str>) -> &'static str {
    match level {
        Some("weak") => words().key_weak(),
        Some("fair") => words().key_fair(),
        Some("strong") => words().key_strong(),
        _ => words().key_unknown(),
    }
}

/// So many letters are named.
const MOST_LETTERS: usize = 5;

/// The form's words about letters of a key that may be taken for others, each with its alphabet's name
/// before it.
fn look_closely(letters: &[String]) -> Option<String> {
    let named = |letter: &String| {
        let (alphabet, letter) = letter.split_once(' ')?;
        let words = words();
        Some(match alphabet {
            "armenian" => words.key_armenian(letter),
            "cherokee" => words.key_cherokee(letter),
            "cyrillic" => words.key_cyrillic(letter),
            "greek" => words.key_greek(letter),
            _ => return None,
        })
    };
    let named: Vec<String> = letters.iter().filter_map(named).collect();
    let shown = &named[..named.len().min(MOST_LETTERS)];
    let list = shown.join(words().phrase_separator());
    match named.len() {
        0 => None,
        1..=MOST_LETTERS => Some(words().key_look(&list)),
        _ => Some(words().key_look_more(&list)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_of_the_letters_to_look_at_are_named() {
        let said = |letters: &[&str]| {
            let letters: Vec<String> = letters.iter().map(ToString::to_string).collect();
            look_closely(&letters)
        };
        assert_eq!(said(&[]), None);
        let two = said(&["cyrillic а", "greek ο"]).unwrap_or_default();
        assert!(two.starts_with("Look closely: “а” is Cyrillic, “ο” is Greek. It must"));
        let many = said(&["cyrillic а"; 6]).unwrap_or_default();
        assert!(
            many.contains("“а” is Cyrillic, and more. It must"),
            "{many}"
        );
        assert_eq!(many.matches("Cyrillic").count(), MOST_LETTERS);
    }
}
