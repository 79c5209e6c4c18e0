//! The join form.

use leptos::{ev, html, prelude::*, task::spawn_local};

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
        // What is wrong must be in sight.
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
                <h2>"Send files to any browser"</h2>
                <p>
                    "Everyone who types the same key meets in the same room. What you drop there goes to the others, encrypted from end to end."
                </p>
            </div>
            <ReadyNotice session />
            <form class="card join-form" on:submit=submit>
                <ErrorLine session in_room=false />
                <Agreement session />
                <KeyField session />
                <div class="field">
                    <label for="name">"Your name"</label>
                    <input
                        id="name"
                        data-testid="name-input"
                        autocomplete="nickname"
                        maxlength="64"
                        aria-describedby="name-hint"
                        prop:value=move || draft.read().name.clone()
                        on:input:target=move |event| draft.write().name = event.target().value()
                    />
                    <p class="hint" id="name-hint">"What the others in the room see."</p>
                </div>
                <Line
                    session
                    field=Field::Broker
                    label="Broker"
                    hint="Any MQTT broker’s WebSocket address. Leave it empty for this site’s own."
                    placeholder=session.own_broker()
                    get=|draft| &draft.broker
                    set=|draft, value| draft.broker = value
                />
                <details class="advanced" node_ref=advanced>
                    <summary>"Advanced"</summary>
                    <div class="advanced-fields">
                        <Line
                            session
                            field=Field::Username
                            label="User name at the broker"
                            autocomplete="username"
                            get=|draft| &draft.username
                            set=|draft, value| draft.username = value
                        />
                        <div class="field">
                            <label for="password">"Password at the broker"</label>
                            <input
                                id="password"
                                type="password"
                                data-testid="password-input"
                                autocomplete="current-password"
                                aria-describedby=Field::Password.error_id()
                                aria-invalid=move || {
                                    (session.wrong_field() == Some(Field::Password)).then_some("true")
                                }
                                prop:value=move || draft.read().password.clone()
                                on:input:target=move |event| draft.write().password = event.target().value()
                            />
                            <FieldError session field=Field::Password />
                        </div>
                        <Line
                            session
                            field=Field::Prefix
                            label="Topic prefix"
                            placeholder="mqdrop/1".to_owned()
                            get=|draft| &draft.prefix
                            set=|draft, value| draft.prefix = value
                        />
                        <div class="field">
                            <label for="protocol">"Protocol"</label>
                            <select
                                id="protocol"
                                data-testid="protocol-input"
                                prop:value=move || settings::protocol_text(draft.read().protocol)
                                on:change:target=move |event| {
                                    draft.write().protocol = settings::protocol_from(&event.target().value());
                                }
                            >
                                <option value="auto">"Automatic"</option>
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
                    aria-busy=move || is_trying().then_some("true")
                >
                    {move || if is_trying() { "Connecting…" } else { "Join the room" }}
                </button>
                <Show when=is_trying>
                    <button
                        type="button"
                        class="button button-large"
                        data-testid="leave"
                        on:click=move |_| session.leave()
                    >
                        "Stop"
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
    let host = move || {
        let broker = session.draft.read().broker.clone();
        if broker.is_empty() {
            String::new()
        } else {
            format!(" at {}", address::host(&broker))
        }
    };
    view! {
        <Show when=move || session.asks.get()>
            <div class="notice agreement" role="note">
                {icon(Icon::Warning)}
                <div>
                    <p>
                        "This link wants to enter the room below"{host}
                        " at once, and to store whatever anyone there sends, without asking. Agree only if you expected that. This browser remembers it for this room."
                    </p>
                    <button
                        type="button"
                        class="button button-main"
                        data-testid="auto-confirm"
                        on:click=move |_| session.agree()
                    >
                        "Join and accept everything"
                    </button>
                </div>
            </div>
        </Show>
    }
}

/// What is said when the module with the words for keys did not load.
const NO_KEYS: &str =
    "What makes keys did not load. Try again once the connection is back, or type a key.";

/// What is said when that module is of another build.
const OUTDATED: &str = "This page is out of date. Reload it to make a key, or type one.";

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
        module.key_warning(&key.read()).ok().flatten()
    });
    // Until then nobody can press the button; after a failure it tries again.
    let asks = session.asks.get_untracked();
    let was_tried = RwSignal::new(asks);
    // Whoever wants a key hears of a failure; an estimate is shown when there is one.
    let load = move || {
        spawn_local(async move {
            drop(extras.load().await);
            let _ = was_tried.try_set(true);
        });
    };
    // Whoever agrees with a link needs nothing of it.
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
                Ok(module) => module.generate_key().map_err(|Outdated| OUTDATED),
                Err(NotLoaded) => Err(NO_KEYS),
            };
            // The form may have been left meanwhile.
            if is_waiting.try_set(false).is_some() {
                return;
            }
            match made {
                Ok(Some(made)) => {
                    session.state.solve(NO_KEYS);
                    // What was typed meanwhile is wanted.
                    if key.get_untracked() == before {
                        draft.write().key = made;
                        session.keep_stay(false);
                    }
                }
                Ok(None) => session
                    .state
                    .fail("This browser gives no random numbers, so no key can be made. Type one."),
                Err(words) => session.state.fail(words),
            }
        });
    };
    view! {
        <div class="field">
            <div class="key-label">
                <label for="key">"Key"</label>
                <button
                    type="button"
                    class="button button-small"
                    data-testid="key-generate"
                    disabled=move || !was_tried.get()
                    aria-busy=move || is_waiting.get().then_some("true")
                    on:click=generate
                >
                    {icon(Icon::Dice)}
                    {move || if is_waiting.get() { "One moment…" } else { "Generate" }}
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
                placeholder="same words on every device"
                aria-describedby=format!("{} key-strength", Field::Key.error_id())
                aria-invalid=move || (session.wrong_field() == Some(Field::Key)).then_some("true")
                prop:value=move || key.get()
                on:focus=move |_| load()
                on:input:target=move |event| draft.write().key = event.target().value()
            />
            <FieldError session field=Field::Key />
            // Where the field is too narrow for it, nobody would see that there is more of it.
            <p class="key-whole" aria-hidden="true">
                {move || if key.read().len() > NARROW { key.get() } else { String::new() }}
            </p>
            <p class="hint" data-testid="key-warning" aria-live="polite">
                {move || warning.get()}
            </p>
            <div
                class="strength"
                data-testid="key-strength"
                data-level=move || level.get().unwrap_or_else(|| "none".to_owned())
            >
                <span class="strength-bars" aria-hidden="true">
                    <i></i>
                    <i></i>
                    <i></i>
                </span>
                <p class="hint" id="key-strength" aria-live="polite">
                    {move || {
                        level_words(level.read().as_deref())
                    }}
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
                aria-invalid=move || (session.wrong_field() == Some(field)).then_some("true")
                prop:value=move || get(&draft.read()).clone()
                on:input:target=move |event| set(&mut draft.write(), event.target().value())
            />
            <FieldError session field />
            {(!hint.is_empty()).then(|| view! { <p class="hint" id=hint_id>{hint}</p> })}
        </div>
    }
}

/// What is wrong with a field, directly below it.
#[component]
fn FieldError(session: Session, field: Field) -> impl IntoView {
    view! {
        // Live regions are announced only if they were there before their text.
        <div role="alert" class="field-error" id=field.error_id()>
            {move || {
                session
                    .wrong_words(field)
                    .map(|words| view! { {icon(Icon::Warning)} <p data-testid="error">{words}</p> })
            }}
        </div>
    }
}

fn level_words(level: Option<&str>) -> &'static str {
    match level {
        Some("weak") => "Weak: can be guessed. Use more words, or generate a key.",
        Some("fair") => "Fair: good for a while among people you trust.",
        Some("strong") => "Strong: out of reach of guessing.",
        _ => "Whoever knows or guesses the key can join: make it a long one.",
    }
}
