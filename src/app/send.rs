//! Sending: choosing, dropping or pasting files, and typing a text.

use js_sys::Array;
use leptos::{ev, html, prelude::*};
use mqdrop_core::MAX_TEXT;
use wasm_bindgen::JsCast;
use web_sys::{ClipboardEvent, File, HtmlElement};

use super::{
    audience::AudienceField,
    erased,
    icons::{Icon, icon},
    page::listen,
    paste::{self, Pasted},
    picked::{self, Picked},
    picker::Picker,
    session::Session,
    words::words,
};
use crate::bridge::Command;

/// The card that sends.
#[component]
pub(super) fn Send(session: Session) -> impl IntoView {
    let text = session.text;
    let text_field = NodeRef::<html::Textarea>::new();
    listen(ev::paste, move |event| {
        if let Some(pasted) = take_paste(session, &event) {
            // Pasted beside the text field: it goes there, to be looked at before it is sent.
            text.update(|text| text.push_str(&pasted));
            if let Some(field) = text_field.get_untracked() {
                let _ = field.focus();
            }
        }
    });
    let send_text = move || {
        let typed = text.get_untracked();
        // Nobody would take it from an app that has stopped.
        if typed.trim().is_empty() || session.state.crashed.get_untracked() {
            return;
        }
        session.state.error.set(None);
        if typed.len() as u64 <= MAX_TEXT {
            session.engine.send(Command::SendText {
                text: typed,
                to: session.audience.text(),
            });
        } else if let Some(file) = as_file(&typed) {
            picked::send(session, file);
        } else {
            return session.state.fail(words().composer_text_too_long());
        }
        text.set(String::new());
    };
    view! {
        <section class="card send" aria-labelledby="send-title">
            <h2 id="send-title" class="visually-hidden">{words().composer_title()}</h2>
            <AudienceField session />
            <div class="send-files">
                <p class="send-hint">{words().composer_hint()}</p>
                <div class="send-buttons">
                    <Picker
                        id="send-files"
                        label=words().composer_files()
                        folder=false
                        handles=true
                        take=move |picked| picked::send(session, picked)
                    />
                    <Picker
                        id="send-folder"
                        label=words().composer_folder()
                        folder=true
                        take=move |picked| picked::send(session, picked)
                    />
                </div>
                {erased::drawn(move || {
                    let (seen, all) = session.state.looking.get();
                    (all > 0)
                        .then(|| {
                            let [seen, all] = [seen, all].map(|number| words().number(number as u64));
                            view! { <p data-testid="looking">{words().composer_looking(&seen, &all)}</p> }.into_any()
                        })
                })}
            </div>
            <form
                class="send-text"
                on:submit=move |event| {
                    event.prevent_default();
                    send_text();
                }
            >
                <textarea
                    data-testid="send-text"
                    aria-label=words().composer_text()
                    placeholder=words().composer_text_placeholder()
                    rows="1"
                    node_ref=text_field
                    prop:value=erased::text(move || text.get())
                    on:input:target=move |event| text.set(event.target().value())
                    on:keydown=move |event| {
                        if event.key() == "Enter" && (event.ctrl_key() || event.meta_key()) {
                            event.prevent_default();
                            send_text();
                        }
                    }
                ></textarea>
                <button
                    type="submit"
                    class="button"
                    data-testid="send-text-submit"
                    // Not `disabled`, which would take the focus from it as soon as it has sent.
                    aria-disabled=erased::given(move || text.read().trim().is_empty().then_some("true"))
                >
                    {icon(Icon::Send)}
                    {words().composer_send_text()}
                </button>
            </form>
        </section>
    }
}

/// Takes what was pasted. Gives back a text that was pasted where no text can be typed.
pub(super) fn take_paste(session: Session, event: &ClipboardEvent) -> Option<String> {
    let data = event.clipboard_data()?;
    let files = picked::from_list(data.files());
    let text = data.get_data("text/plain").unwrap_or_default();
    let is_formatted = data.types().includes(&"text/html".into(), 0);
    let names: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
    let files = picked::without_handles(files);
    let in_room = session.inside_now().is_some();
    match paste::pasted(&names, &text, is_formatted) {
        Pasted::Files | Pasted::Waiting if !in_room => session.ready.add(files),
        Pasted::Files => picked::send(session, files),
        Pasted::Waiting => session.ready.add(files),
        // The browser puts it where it is typed.
        Pasted::Text if !in_room || is_typed(event) => return None,
        Pasted::Text => {
            event.prevent_default();
            return Some(text);
        }
        Pasted::Nothing => return None,
    }
    event.prevent_default();
    None
}

/// Whether an event is at a field in which text can be typed.
fn is_typed(event: &ClipboardEvent) -> bool {
    let target = event.target();
    let target = target.and_then(|target| target.dyn_into::<HtmlElement>().ok());
    target.is_some_and(|target| matches!(target.tag_name().as_str(), "INPUT" | "TEXTAREA"))
}

/// A text that is too long for one, as a file.
fn as_file(text: &str) -> Option<Picked> {
    let parts = Array::of1(&text.into());
    let file = File::new_with_str_sequence(&parts, words().composer_text_file()).ok()?;
    Some(picked::without_handles(vec![picked::picked(file, None)]))
}
