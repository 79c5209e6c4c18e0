//! Commands that bring files to send, and what was kept to find them again.

use std::rc::Rc;

use js_sys::Array;
use mqdrop_client::Platform;
use mqdrop_core::{Audience, ParcelId};
use wasm_bindgen_futures::spawn_local;

use super::super::{handles, sources};
use super::{Driver, Input, Message, known};
use crate::bridge::{Failure, PickedFile};

/// The user's choice, after it was looked into.
pub(super) struct Probed {
    /// The room that it was chosen for.
    visit: u32,
    files: Vec<PickedFile>,
    /// The paths of those that cannot be read.
    unreadable: Vec<String>,
    handles: Array,
    audience: Audience,
}

impl Driver {
    pub(super) fn gather(&mut self, choice: u32, files: Vec<PickedFile>) {
        self.chosen.entry(choice).or_default().extend(files);
    }

    pub(super) fn send_files(&mut self, choice: u32, handles: Array, audience: Audience) {
        let files = self.chosen.remove(&choice).unwrap_or_default();
        let (mailbox, visit) = (Rc::clone(&self.mailbox), self.visit);
        spawn_local(async move {
            let (files, unreadable) = sources::readable(files).await;
            mailbox(Message(Input::Probed(Probed {
                visit,
                files,
                unreadable,
                handles,
                audience,
            })));
        });
    }

    pub(super) fn offer_files(&mut self, probed: Probed) {
        if probed.visit != self.visit {
            return self.fail(Failure::RoomLeft);
        }
        if let Some((first, others)) = probed.unreadable.split_first() {
            self.fail(Failure::Unreadable {
                path: first.clone(),
                others: u32::try_from(others.len()).unwrap_or(u32::MAX),
            });
            if probed.files.is_empty() {
                return;
            }
        }
        let (handles, audience) = (probed.handles, probed.audience);
        let (files, entries) = sources::open(probed.files);
        let room = self.room;
        let offered = self.client.act_with_platform(|engine, browser, now| {
            let parcel = engine.offer_files(room, entries, audience, now)?;
            browser.sources.keep(parcel, files);
            handles::keep(parcel, handles);
            Ok(())
        });
        if let Err(error) = offered {
            self.fail(Failure::Offer(error));
        }
    }

    pub(super) fn choose_again(&mut self, parcel: &str, choice: u32) {
        let files = self.chosen.remove(&choice).unwrap_or_default();
        if let Some(parcel) = known(parcel) {
            self.take_again(parcel, files);
        }
    }

    pub(super) fn lacks_files(&self, parcel: ParcelId) -> bool {
        let now = self.client.platform().now();
        let view = self.client.engine().transfer(parcel, now);
        view.is_some_and(|view| view.lacks_files)
    }

    pub(super) fn find_handles(&mut self, parcel: &str) {
        if let Some(parcel) = known(parcel) {
            let mailbox = Rc::clone(&self.mailbox);
            spawn_local(async move {
                let handles = handles::find(parcel).await;
                mailbox(Message(Input::Handles(parcel, handles)));
            });
        }
    }

    pub(super) fn reopen(&mut self, parcel: &str) {
        if let Some(parcel) = known(parcel) {
            let mailbox = Rc::clone(&self.mailbox);
            spawn_local(async move {
                let files = handles::files(handles::find(parcel).await).await;
                let files = files.ok().filter(|files| !files.is_empty());
                mailbox(Message(Input::Reopened(parcel, files)));
            });
        }
    }

    /// Goes on with a parcel whose files are these, if they are.
    pub(super) fn take_again(&mut self, parcel: ParcelId, picked: Vec<PickedFile>) {
        let (files, entries) = sources::open(picked);
        let chosen = self.client.act_with_platform(|engine, browser, now| {
            let places = engine.choose_again(parcel, entries, now)?.into_iter();
            let files = places.filter_map(|place| files.get(place).cloned());
            browser.sources.keep(parcel, files.collect());
            Ok(())
        });
        if let Err(error) = chosen {
            self.fail(Failure::Offer(error));
        }
    }
}
