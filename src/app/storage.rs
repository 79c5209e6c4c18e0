//! What the browser remembers, for all tabs and for this one: `localStorage` and `sessionStorage`,
//! where they may be used.

use js_sys::Date;
use leptos::{prelude::window, task::spawn_local};

use super::settings::{Lesson, Settings};
use crate::{
    bridge::Learnt,
    js::{call_async, property},
};

const SETTINGS: &str = "mqdrop.settings";
/// `src/loader.js` reads it as well.
const FOLDER: &str = "mqdrop.folder";

/// The settings of the visit before, or defaults.
pub(super) fn load_settings() -> Settings {
    read(SETTINGS)
        .map(|text| Settings::from_text(&text))
        .unwrap_or_default()
}

pub(super) fn save_settings(settings: &Settings) {
    write(SETTINGS, &settings.to_text());
}

/// What was learnt of a broker not long ago, or nothing; forgets what was long ago.
pub(super) fn load_learnt(broker: &str) -> Learnt {
    match load_lesson(broker) {
        Some(lesson) if lesson.counts(today()) => lesson.learnt,
        Some(_) => {
            remove(&lesson_name(broker));
            Learnt::default()
        }
        None => Learnt::default(),
    }
}

pub(super) fn save_learnt(broker: &str, learnt: Learnt) {
    // It is told at each connection, and the day when it was learnt is the one that counts; only a
    // tab that stays for longer than a week makes it new again, if another one forgot it meanwhile.
    if load_lesson(broker).is_some_and(|lesson| lesson.learnt == learnt) {
        return;
    }
    let lesson = Lesson {
        learnt,
        day: today(),
    };
    write(&lesson_name(broker), &lesson.to_text());
}

fn load_lesson(broker: &str) -> Option<Lesson> {
    read(&lesson_name(broker)).map(|text| Lesson::from_text(&text))
}

/// The days since 1970, by this computer's clock.
fn today() -> u32 {
    (Date::now() / 86_400_000.0) as u32
}

/// Where this tab's worker stores, before its page was loaded again.
pub(super) fn load_folder() -> Option<String> {
    tab_storage()?.get_item(FOLDER).ok()?
}

pub(super) fn save_folder(folder: &str) {
    if let Some(storage) = tab_storage() {
        let _ = storage.set_item(FOLDER, folder);
    }
}

/// Asks that what was received is not removed when space runs short. Browsers decide by
/// themselves, and some ask the user.
pub(super) fn keep() {
    spawn_local(async {
        let storage = property(&window().navigator(), "storage");
        // Without it the browser may remove what it keeps when the disk is full.
        let _ = call_async(&storage, "persist", &[]).await;
    });
}

fn lesson_name(broker: &str) -> String {
    format!("mqdrop.learnt.{broker}")
}

// Browsers may refuse storage altogether (private windows, site settings) or be full; the app
// works without being remembered.

fn read(name: &str) -> Option<String> {
    local_storage()?.get_item(name).ok()?
}

fn write(name: &str, value: &str) {
    if let Some(storage) = local_storage() {
        let _ = storage.set_item(name, value);
    }
}

fn remove(name: &str) {
    if let Some(storage) = local_storage() {
        let _ = storage.remove_item(name);
    }
}

fn local_storage() -> Option<web_sys::Storage> {
    web_sys::window()?.local_storage().ok()?
}

/// Lives as long as the tab.
fn tab_storage() -> Option<web_sys::Storage> {
    web_sys::window()?.session_storage().ok()?
}
