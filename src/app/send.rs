//! Sending: choosing, dropping or pasting files, and typing a text.

use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{ClipboardEvent, HtmlElement};

use super::{
    icons::{Icon, icon},
    page::listen,
    picked,
    picker::Picker,
    session::Session,
};
use crate::bridge::Command;

/// The card that sends.
#[component]
pub(super) fn Send(session: Session) -> impl IntoView {
    let text = RwSignal::new(String::new());
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
        if !text.read_untracked().trim().is_empty() {
            session.state.error.set(None);
            session.engine.send(Command::SendText(text.get_untracked()));
            text.set(String::new());
        }
    };
    view! {
        <section class="card send" aria-labelledby="send-title">
            <h2 id="send-title" class="visually-hidden">"Send"</h2>
            <div class="send-files">
                <p class="send-hint">"Drop or paste files anywhere, or"</p>
                <div class="send-buttons">
                    <Picker
                        id="send-files"
                        label="Choose files"
                        folder=false
                        handles=true
                        take=move |picked| picked::send(session, picked)
                    />
                    <Picker
                        id="send-folder"
                        label="Choose folder"
                        folder=true
                        take=move |picked| picked::send(session, picked)
                    />
                </div>
                {move || {
                    let (seen, all) = session.state.looking.get();
                    (all > 0).then(|| view! { <p data-testid="looking">{format!("Looking at the files: {seen} of {all}")}</p> })
                }}
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
                    aria-label="Text to send"
                    placeholder="Write or paste a text or link"
                    rows="1"
                    node_ref=text_field
                    prop:value=move || text.get()
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
                    disabled=move || text.read().trim().is_empty()
                >
                    {icon(Icon::Send)}
                    "Send text"
                </button>
            </form>
        </section>
    }
}

/// Sends pasted files. Gives back a text that was pasted where no text can be typed.
fn take_paste(session: Session, event: &ClipboardEvent) -> Option<String> {
    let data = event.clipboard_data()?;
    let files = picked::from_list(data.files());
    if !files.is_empty() {
        event.prevent_default();
        picked::send(session, picked::without_handles(files));
        return None;
    }
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<HtmlElement>().ok());
    if target.is_some_and(|target| matches!(target.tag_name().as_str(), "INPUT" | "TEXTAREA")) {
        return None;
    }
    let text = data
        .get_data("text/plain")
        .ok()
        .filter(|text| !text.is_empty())?;
    event.prevent_default();
    Some(text)
}
