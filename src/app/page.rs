//! The page around the app: its address, and what happens to it.

use leptos::{ev, prelude::*, task::spawn_local};
use mqdrop_client::link::Link;
use mqdrop_core::view::{ConnectionState, TransferState};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, HtmlElement, VisibilityState};

use super::{
    actions,
    address::Page,
    session::Session,
    title::{Ended, Told},
};
use crate::bridge::Command;
use crate::js::{call, call_async, property};

/// Where the page came from.
pub(super) fn place() -> Page {
    let location = window().location();
    let broker = meta("mqdrop-broker", "content");
    Page {
        protocol: location.protocol().unwrap_or_default(),
        host: location.host().unwrap_or_default(),
        path: location.pathname().unwrap_or_default(),
        broker: broker.trim().to_owned(),
    }
}

/// The worker's start script, relative to the page, with the app's script and module in its query.
/// Their names have their hash, so no cache can pair this app with another build's worker.
pub(super) fn worker() -> String {
    let [js, wasm] = ["data-js", "data-wasm"]
        .map(|part| js_sys::encode_uri_component(&meta("mqdrop-app", part)));
    format!("./worker-loader.js?js={js}&wasm={wasm}")
}

/// The value of one of the page's `meta` elements.
fn meta(name: &str, attribute: &str) -> String {
    document()
        .query_selector(&format!(r#"meta[name="{name}"]"#))
        .ok()
        .flatten()
        .and_then(|meta| meta.get_attribute(attribute))
        .unwrap_or_default()
}

/// The page's address.
pub(super) fn address() -> String {
    window().location().href().unwrap_or_default()
}

/// The page's fragment, with its `#`.
pub(super) fn fragment() -> String {
    window().location().hash().unwrap_or_default()
}

/// Makes the page's address this link, without following it.
pub(super) fn set_link(link: &Link) {
    let history = property(&window(), "history");
    let url = link.url(&address());
    // Where a browser refuses it, the address stays as it was.
    let _ = call(
        &history,
        "replaceState",
        &[&JsValue::NULL, &"".into(), &url.into()],
    );
}

/// The browser's own name.
pub(super) fn user_agent() -> String {
    window().navigator().user_agent().unwrap_or_default()
}

/// Loads the page anew.
pub(super) fn reload() {
    let _ = window().location().reload();
}

/// Gives the focus to the element of this `id`, which the browser brings into view.
pub(super) fn focus(id: &str) {
    let element = document().get_element_by_id(id);
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        let _ = element.focus();
    }
}

/// Asks before something that cannot be undone.
pub(super) fn confirm(words: &str) -> bool {
    window().confirm_with_message(words).unwrap_or_default()
}

/// How long a page that goes stays for its workers, in milliseconds. They end with the page, and no
/// browser waits for what they are about to send.
const LAST_WORDS: f64 = 100.0;

/// Keeps this thread for as long as that, in milliseconds: nothing can be awaited while a page goes.
fn stay(time: f64) {
    let Some(clock) = window().performance() else {
        return;
    };
    let until = clock.now() + time;
    while clock.now() < until {}
}

/// Keeps app and page in step for as long as the app is mounted.
pub(super) fn watch(session: Session) {
    let state = session.state;

    listen(ev::hashchange, move |_| {
        session.follow(Link::parse(&fragment()))
    });

    // Timers sleep in background tabs and on locked phones: look at the connection at once.
    listen(ev::online, move |_| session.engine.send(Command::Wake));
    // Others see at once that this device is gone. A browser that keeps the page brings it back.
    let hide = move |_| {
        session.engine.send(Command::Goodbye);
        if state.status.read_untracked().state == ConnectionState::Online {
            stay(LAST_WORDS);
        }
    };
    listen_to("pagehide", Box::new(hide));
    let show = move |_| session.engine.send(Command::Wake);
    listen_to("pageshow", Box::new(show));

    let seen = RwSignal::new(is_visible());
    on_visibility(move |visible| {
        seen.set(visible);
        if visible {
            state.unseen.set(Ended::default());
            session.engine.send(Command::Wake);
        }
    });

    listen(ev::beforeunload, move |event| {
        let moving = |state: TransferState| actions::is_moving(state);
        let is_moving = state
            .transfers
            .with_untracked(|all| all.iter().any(|t| moving(t.view.read_untracked().state)));
        if is_moving || state.has_unsaved() {
            event.prevent_default();
        }
    });

    // A page that can be seen shows what goes on better, and browsers do a lot for a new title: it
    // took a twentieth of the machine while a file was sent.
    let told = move || match seen.get() {
        true => Told::default(),
        false => state.told(),
    };
    let title = Memo::new(move |_| told().title());
    Effect::new(move || document().set_title(&title.read()));
    let count = Memo::new(move |_| told().count());
    Effect::watch(
        move || count.get(),
        |count, _, _| spawn_local(set_badge(*count)),
        false,
    );
}

/// Puts a number on the app's icon, where it is installed and the browser does that.
async fn set_badge(count: usize) {
    let navigator = property(&window(), "navigator");
    let count = JsValue::from_f64(count as f64);
    // 0 takes it away.
    let _ = call_async(&navigator, "setAppBadge", &[&count]).await;
}

/// Whether the page can be seen.
pub(super) fn is_visible() -> bool {
    document().visibility_state() == VisibilityState::Visible
}

/// Tells whether the page can be seen whenever that changes.
pub(super) fn on_visibility(handler: impl Fn(bool) + 'static) {
    // Fires at the document and bubbles to the window.
    let handler = move |_| handler(is_visible());
    listen_to("visibilitychange", Box::new(handler));
}

/// Listens at the window until the current owner is cleaned up.
pub(super) fn listen<E: ev::EventDescriptor + 'static>(
    event: E,
    handler: impl Fn(E::EventType) + 'static,
) where
    E::EventType: wasm_bindgen::JsCast,
{
    let handler = move |event: Event| handler(event.unchecked_into());
    listen_to(&event.name(), Box::new(handler));
}

/// The same for an event of this name, whatever it is.
pub(super) fn listen_to(name: &str, handler: Box<dyn Fn(Event)>) {
    let handle = window_event_listener_untyped(name, handler);
    on_cleanup(move || handle.remove());
}
