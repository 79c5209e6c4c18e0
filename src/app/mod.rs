//! The app: draws what the worker reports and sends it commands. No protocol, no cryptography and
//! no file bytes happen here.

#![allow(
    unreachable_pub,
    reason = "Leptos makes the functions of components `pub` inside its own wrapper"
)]

pub mod actions;
pub mod address;
pub mod form;
pub mod names;
pub mod paste;
pub mod saved;
pub mod settings;
pub mod tab;
pub mod text;
pub mod title;

mod audience;
mod awake;
mod buttons;
mod clipboard;
mod compare;
mod drop;
mod engine;
mod erased;
mod extras;
mod files;
mod focus;
mod handles;
mod icons;
mod invite;
mod join;
mod language;
mod notices;
mod page;
mod people;
mod picked;
mod picker;
mod ready;
mod receivers;
mod removal;
mod report;
mod request;
mod room;
mod save;
mod send;
mod session;
mod shell;
mod space;
mod state;
mod storage;
mod together;
mod transfer;
mod transfers;
mod words;

use wasm_bindgen::JsValue;

/// Draws the app into the page's body and starts its worker: in a language that the loader brings, else
/// in English. Returns the word for a list of languages.
pub fn mount(language: JsValue) -> &'static str {
    language::speak(language);
    leptos::mount::mount_to_body(shell::Shell);
    words::words().page_language()
}
