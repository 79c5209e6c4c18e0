//! The browser's memory, for all tabs and for this one: `localStorage` and `sessionStorage`,
//! where they may be used.

use js_sys::Date;
use leptos::{prelude::window, task::spawn_local};
use mqdrop_client::lesson::{Learnt, Lesson};

use super::{settings::Settings, tab::Stay};
use crate::js::{call_async, property};

const SETTINGS: &str = "mqdrop.settings";
/// `src/loader.js` reads it as well.
const FOLDER: &str = "mqdrop.folder";
const DEVICE: &str = "mqdrop.device";
const STAY: &str = "mqdrop.room";
const AGREED: &str = "mqdrop.auto";

const SAVED: &str = "mqdrop.saved";

/// Of so many parcels it is known that they were saved.
const MOST_SAVED: usize = 256;

/// To so many links the user can have agreed; the oldest is asked for again.
const MOST_AGREED: usize = 64;

/// The settings of the visit before, or defaults.
pub(super) fn load_settings() -> Settings {
    read(SETTINGS)
        .map(|text| Settings::from_text(&text))
        .unwrap_or_default()
}

pub(super) fn save_settings(settings: &Settings) {
    write(SETTINGS, &settings.to_text());
}

/// The user name that was used with a broker; empty if none was.
pub(super) fn load_user(broker: &str) -> String {
    read(&user_name(broker)).unwrap_or_default()
}

pub(super) fn save_user(broker: &str, user: &str) {
    match user {
        "" => remove(&user_name(broker)),
        _ => write(&user_name(broker), user),
    }
}

fn user_name(broker: &str) -> String {
    format!("mqdrop.user.{broker}")
}

/// Whether the user agreed to what this mark is of.
pub(super) fn has_agreed(mark: &str) -> bool {
    read(AGREED).is_some_and(|all| all.split(' ').any(|agreed| agreed == mark))
}

/// Whether the user agreed to anything.
pub(super) fn has_agreed_ever() -> bool {
    read(AGREED).is_some()
}

pub(super) fn save_agreed(mark: &str) {
    let before = read(AGREED).unwrap_or_default();
    let others = before.split(' ').filter(|agreed| *agreed != mark);
    let newest: Vec<&str> = [mark].into_iter().chain(others).take(MOST_AGREED).collect();
    write(AGREED, newest.join(" ").trim_end());
}

/// Lessons about a broker of not long ago, or none; forgets older ones.
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

/// The room that this tab was in before its page was loaded again, or the form for it.
pub(super) fn load_stay() -> Option<Stay> {
    Some(Stay::from_text(&tab_storage()?.get_item(STAY).ok()??))
}

pub(super) fn save_stay(stay: &Stay) {
    if let Some(storage) = tab_storage() {
        let _ = storage.set_item(STAY, &stay.to_text());
    }
}

pub(super) fn forget_stay() {
    if let Some(storage) = tab_storage() {
        let _ = storage.remove_item(STAY);
        let _ = storage.remove_item(DEVICE);
    }
}

/// The device that this tab was in a room before its page was loaded anew; empty if it was none. Another
/// room is not told.
pub(super) fn load_device(place: &str) -> String {
    let kept = tab_storage().and_then(|storage| storage.get_item(DEVICE).ok()?);
    let kept = kept.unwrap_or_default();
    let device = kept.split_once(' ').filter(|(_, its)| *its == place);
    device
        .map(|(device, _)| device.to_owned())
        .unwrap_or_default()
}

pub(super) fn save_device(device: &str, place: &str) {
    if let Some(storage) = tab_storage() {
        let _ = storage.set_item(DEVICE, &[device, place].join(" "));
    }
}

/// Whether all of a parcel was saved from this tab.
pub(super) fn was_saved(parcel: &str) -> bool {
    load_saved().split(' ').any(|saved| saved == parcel)
}

pub(super) fn save_saved(parcel: &str) {
    let before = load_saved();
    let others = before.split(' ').filter(|saved| *saved != parcel);
    let newest: Vec<&str> = [parcel]
        .into_iter()
        .chain(others)
        .take(MOST_SAVED)
        .collect();
    if let Some(storage) = tab_storage() {
        let _ = storage.set_item(SAVED, newest.join(" ").trim_end());
    }
}

fn load_saved() -> String {
    tab_storage()
        .and_then(|storage| storage.get_item(SAVED).ok()?)
        .unwrap_or_default()
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
