//! The app's knowledge: signals that the worker's events set and the panels draw.

use std::sync::Arc;

use js_sys::Array;
use leptos::prelude::*;
use litemap::LiteMap;
use mqdrop_core::ordered;
use mqdrop_core::view::{
    ConnectionState, Direction, FileView, KeptView, PeerView, PersonView, StatusView,
    TransferState, TransferView,
};
use mqdrop_words::percent;
use send_wrapper::SendWrapper;
use wasm_bindgen::JsCast;
use web_sys::Blob;

use super::{
    actions::{self, Button},
    page,
    removal::Removals,
    saved::Saved,
    storage,
    title::{Ended, Told},
    words::{failure_words, words},
};
use crate::bridge::{Event, Storage};

/// Everything that is shown of the room.
#[derive(Clone, Copy)]
pub(super) struct State {
    pub(super) status: RwSignal<StatusView>,
    pub(super) peers: RwSignal<Vec<PeerView>>,
    /// The public key of the profile's person in this room.
    pub(super) own_key: RwSignal<String>,
    /// Everyone who is here or was.
    pub(super) people: RwSignal<Vec<PersonView>>,
    /// Newest first.
    pub(super) transfers: RwSignal<Vec<Transfer>>,
    /// Received files that the user took off the list a moment ago.
    pub(super) removed: RwSignal<Removals>,
    /// `None` until the worker runs.
    pub(super) storage: RwSignal<Option<Storage>>,
    /// The user has read what follows from that.
    pub(super) storage_known: RwSignal<bool>,
    /// Parcels of other rooms that storage keeps.
    pub(super) kept: RwSignal<KeptView>,
    /// The last thing that did not work.
    pub(super) error: RwSignal<Option<String>>,
    /// How many of the files that were picked were looked at, of how many. Nothing is looked at if
    /// there are none.
    pub(super) looking: RwSignal<(usize, usize)>,
    /// Something moves, and the browser does not keep the screen on for it.
    pub(super) may_darken: RwSignal<bool>,
    /// The log, while it is shown.
    pub(super) report: RwSignal<Option<String>>,
    /// The worker is gone; only a reload helps.
    pub(super) crashed: RwSignal<bool>,
    /// The news for a screen reader.
    pub(super) news: RwSignal<String>,
    /// Transfers that have ended while the page could not be seen.
    pub(super) unseen: RwSignal<Ended>,
    /// Offers that wait for an answer and whose card is not in sight, the first one first.
    pub(super) out_of_sight: RwSignal<Vec<Arc<str>>>,
    parts: StoredValue<LiteMap<String, Parts>>,
}

/// One transfer.
#[derive(Clone)]
pub(super) struct Transfer {
    pub(super) parcel: Arc<str>,
    pub(super) view: ArcRwSignal<TransferView>,
    pub(super) parts: Parts,
}

/// All files of a parcel while they are being saved.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Saving {
    /// The button that was pressed.
    pub(super) by: Button,
    /// How many of them are saved.
    pub(super) files: usize,
    /// How many bytes are written into a folder.
    pub(super) bytes: u64,
    /// The user has it stopped.
    pub(super) is_stopped: bool,
}

impl Saving {
    /// The user has just pressed a button for it.
    pub(super) fn new(by: Button) -> Self {
        Self {
            by,
            files: 0,
            bytes: 0,
            is_stopped: false,
        }
    }
}

/// The parts of a parcel that come beside its snapshots, and may come before the first one.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) files: ArcRwSignal<Arc<Vec<FileView>>>,
    pub(super) content: ArcRwSignal<Option<SendWrapper<Blob>>>,
    pub(super) text: ArcRwSignal<Option<Arc<str>>>,
    /// How far that is, while all of its files are being saved.
    pub(super) saving: ArcRwSignal<Option<Saving>>,
    /// The part of it that the browser was given.
    pub(super) saved: ArcRwSignal<Saved>,
    /// The handles that its files were opened with before a restart.
    pub(super) handles: ArcRwSignal<Option<SendWrapper<Array>>>,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            status: RwSignal::default(),
            peers: RwSignal::default(),
            own_key: RwSignal::default(),
            people: RwSignal::default(),
            transfers: RwSignal::default(),
            removed: RwSignal::default(),
            storage: RwSignal::default(),
            storage_known: RwSignal::default(),
            kept: RwSignal::default(),
            error: RwSignal::default(),
            looking: RwSignal::default(),
            may_darken: RwSignal::default(),
            report: RwSignal::default(),
            crashed: RwSignal::default(),
            news: RwSignal::default(),
            unseen: RwSignal::default(),
            out_of_sight: RwSignal::default(),
            parts: StoredValue::default(),
        }
    }

    /// Forgets the room; what this browser can do stays known.
    pub(super) fn clear(&self) {
        self.status.set(StatusView::default());
        self.peers.set(Vec::new());
        self.own_key.set(String::new());
        self.people.set(Vec::new());
        self.transfers.set(Vec::new());
        self.removed.update(Removals::clear);
        self.news.set(String::new());
        self.unseen.set(Ended::default());
        self.parts.update_value(LiteMap::clear);
    }

    /// Shows something that did not work.
    pub(super) fn fail(&self, words: impl Into<String>) {
        self.error.set(Some(words.into()));
    }

    /// Takes back what did not work, if that is what is shown.
    pub(super) fn solve(&self, words: &str) {
        if self
            .error
            .with_untracked(|error| error.as_deref() == Some(words))
        {
            self.error.set(None);
        }
    }

    /// The worker is gone.
    pub(super) fn crash(&self) {
        self.crashed.set(true);
        self.status.update(|status| {
            status.state = ConnectionState::Error;
            status.tries_again = false;
        });
    }

    /// The worker runs.
    pub(super) fn start(&self, storage: Storage) {
        // It was late, not gone.
        self.crashed.set(false);
        self.storage.set(Some(storage));
    }

    /// Takes in what the worker reports; what has to be remembered is the caller's.
    pub(super) fn apply(&self, event: Event) {
        match event {
            Event::Status(status) => {
                if status.state == ConnectionState::Online
                    && self.status.with_untracked(|s| s.state != status.state)
                {
                    self.news.set(words().room_connected().to_owned());
                }
                self.status.set(status);
            }
            Event::Peers(peers) => self.peers.set(peers),
            Event::People(people) => {
                let news = self
                    .people
                    .with_untracked(|before| presence(before, &people));
                if let Some(news) = news {
                    self.news.set(news);
                }
                self.people.set(people);
            }
            Event::Transfer(view) => self.show(view),
            Event::Removed { parcel } => {
                self.transfers
                    .update(|all| all.retain(|transfer| *transfer.parcel != *parcel));
                self.removed.update(|removed| removed.forget(&parcel));
                self.parts.update_value(|parts| {
                    parts.remove(&parcel);
                });
            }
            Event::Files {
                parcel,
                first,
                files,
            } => self
                .parts(&parcel)
                .files
                .update(|all| replace(Arc::make_mut(all), first, files)),
            Event::Content { parcel, blob } => {
                if let Ok(blob) = blob.dyn_into::<Blob>() {
                    self.parts(&parcel)
                        .content
                        .set(Some(SendWrapper::new(blob)));
                }
            }
            Event::Text { parcel, text } => self.parts(&parcel).text.set(Some(text.into())),
            Event::Handles { parcel, handles } => {
                self.parts(&parcel)
                    .handles
                    .set(Some(SendWrapper::new(handles)));
            }
            Event::Failed(failure) => self.fail(failure_words(&failure)),
            // An element that is drawn again loses the focus.
            Event::Kept(kept) if kept == self.kept.get_untracked() => {}
            Event::Report(report) => self.report.set(Some(report)),
            Event::Kept(kept) => self.kept.set(kept),
            Event::Ready(_) | Event::Joined { .. } | Event::Learnt(_) => {}
        }
    }

    /// News for a user who does not see the page.
    pub(super) fn told(&self) -> Told {
        let is_request = |view: &TransferView| {
            view.direction == Direction::In && view.state == TransferState::Offered
        };
        let requests = self.transfers.with(|all| {
            let views = all.iter().rev().map(|transfer| transfer.view.read());
            let requests = views.filter(|view| is_request(view));
            requests.filter_map(|view| news(&view)).collect()
        });
        Told {
            requests,
            ended: self.unseen.get(),
            progress: self.progress(),
        }
    }

    /// The transfers on the list: all that the user did not take off it.
    pub(super) fn listed(&self) -> Vec<Transfer> {
        let removed = self.removed.read();
        let mut all = self.transfers.get();
        all.retain(|transfer| !removed.has(&transfer.parcel));
        all
    }

    /// Whether something that was received is lost with the page: it is in memory, and not saved.
    pub(super) fn has_unsaved(&self) -> bool {
        let in_memory = matches!(self.storage.get_untracked(), Some(Storage::Blob { .. }));
        let is_unsaved = |transfer: &Transfer| {
            let view = transfer.view.read_untracked();
            actions::is_received(&view)
                && !transfer
                    .parts
                    .saved
                    .read_untracked()
                    .is_whole(actions::files_here(&view))
        };
        in_memory
            && self
                .transfers
                .with_untracked(|all| all.iter().any(is_unsaved))
    }

    /// Mean progress of what is moving, in per cent; `None` if nothing is.
    fn progress(&self) -> Option<u8> {
        let (bytes, total) = self.transfers.with(|all| {
            all.iter()
                .map(|transfer| transfer.view.read())
                .filter(|view| actions::is_moving(view.state))
                .fold((0u64, 0u64), |(bytes, total), view| {
                    (bytes + view.bytes, total + view.total)
                })
        });
        (total > 0).then(|| percent(bytes, total))
    }

    fn show(&self, view: TransferView) {
        let known = self.transfers.with_untracked(|all| {
            all.iter()
                .find(|transfer| *transfer.parcel == *view.parcel)
                .cloned()
        });
        let before = known
            .as_ref()
            .map(|transfer| transfer.view.read_untracked().state);
        if before != Some(view.state)
            && let Some(news) = news(&view)
        {
            if view.state.is_final() && !page::is_visible() {
                self.unseen.update(|unseen| unseen.add(news.clone()));
            }
            self.news.set(news);
        }
        match known {
            Some(transfer) => transfer.view.set(view),
            None => {
                let transfer = Transfer {
                    parcel: view.parcel.as_str().into(),
                    parts: self.parts(&view.parcel),
                    view: ArcRwSignal::new(view),
                };
                self.transfers.update(|all| all.insert(0, transfer));
            }
        }
    }

    fn parts(&self, parcel: &str) -> Parts {
        if let Some(parts) = self.parts.with_value(|all| all.get(parcel).cloned()) {
            return parts;
        }
        let parts = Parts {
            files: ArcRwSignal::new(Arc::default()),
            content: ArcRwSignal::new(None),
            text: ArcRwSignal::new(None),
            saving: ArcRwSignal::new(None),
            saved: ArcRwSignal::new(Saved::before(storage::was_saved(parcel))),
            handles: ArcRwSignal::new(None),
        };
        self.parts.update_value(|all| {
            all.insert(parcel.to_owned(), parts.clone());
        });
        parts
    }
}

/// Puts a part of a list in its place, unless what comes before it is not there.
fn replace<T>(all: &mut Vec<T>, first: usize, part: Vec<T>) {
    if first <= all.len() {
        let end = first.saturating_add(part.len()).min(all.len());
        all.splice(first..end, part);
    }
}

/// The announcement of who came and left.
fn presence(before: &[PersonView], now: &[PersonView]) -> Option<String> {
    let here = |of: &[PersonView]| -> Vec<String> {
        let here = of.iter().filter(|person| person.is_here);
        let here = here.map(|person| person.person.clone()).collect();
        ordered(here, String::cmp)
    };
    let names = |of: &[PersonView], without: &[PersonView]| -> Vec<String> {
        let without = here(without);
        let is_new = |it: &&PersonView| it.is_here && without.binary_search(&it.person).is_err();
        let new = of.iter().filter(is_new);
        new.map(|person| person.name.clone()).collect()
    };
    let words = words();
    let came = names(now, before);
    let came = match came.as_slice() {
        [] => None,
        [name] => Some(words.announce_came(name)),
        names => Some(words.announce_came_many(names.len() as u64)),
    };
    let left = names(before, now);
    let left = match left.as_slice() {
        [] => None,
        [name] => Some(words.announce_left(name)),
        names => Some(words.announce_left_many(names.len() as u64)),
    };
    let news: Vec<String> = came.into_iter().chain(left).collect();
    (!news.is_empty()).then(|| news.join(words.phrase_separator()))
}

/// The announcement of a transfer's new state; progress is not announced.
fn news(view: &TransferView) -> Option<String> {
    let words = words();
    let title = &words.title(&view.title);
    let because = |text: String| match words.cause(view) {
        Some(cause) => words.phrase_because(&text, &cause),
        None => text,
    };
    Some(match (view.direction, view.state) {
        (Direction::In, TransferState::Offered) => {
            words.announce_offered(&words.sender(view), title)
        }
        (Direction::In, TransferState::Done) => words.announce_received(title),
        (Direction::Out, TransferState::Done) => {
            words.announce_delivered(title, &actions::state_words(view))
        }
        (_, TransferState::Failed) => because(words.announce_failed(title)),
        (_, TransferState::Cancelled) => because(words.announce_cancelled(title)),
        (Direction::Out, TransferState::Declined) => because(words.announce_declined(title)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn parts_of_a_list_come_one_after_the_other_and_again() {
        let mut all = Vec::new();
        replace(&mut all, 0, vec!["a", "b"]);
        replace(&mut all, 2, vec!["c"]);
        assert_eq!(all, ["a", "b", "c"]);
        replace(&mut all, 0, vec!["A", "B"]);
        assert_eq!(all, ["A", "B", "c"]);
        replace(&mut all, 2, vec!["C"]);
        assert_eq!(all, ["A", "B", "C"]);
    }

    #[test]
    fn who_comes_and_who_leaves_is_told() {
        let person = |name: &str| PersonView {
            person: format!("person {name}"),
            key: String::new(),
            name: name.into(),
            is_me: false,
            is_namesake: false,
            is_here: true,
            seen: 0,
            is_told: false,
            muted: false,
            verified: mqdrop_core::view::Verified::No,
        };
        let (ann, ben, cleo) = (person("Ann"), person("Ben"), person("Cleo"));
        let muted = PersonView {
            muted: true,
            ..ann.clone()
        };
        let away = PersonView {
            is_here: false,
            ..ann.clone()
        };
        let told = |before: &[&PersonView], now: &[&PersonView]| {
            let list = |people: &[&PersonView]| people.iter().copied().cloned().collect::<Vec<_>>();
            presence(&list(before), &list(now))
        };
        assert_eq!(told(&[], &[&ann]).as_deref(), Some("Ann is here"));
        assert_eq!(told(&[&ann], &[&muted]), None);
        assert_eq!(told(&[], &[&away]), None);
        assert_eq!(told(&[&ann], &[&away]).as_deref(), Some("Ann left"));
        assert_eq!(told(&[&ann, &ben], &[&ben]).as_deref(), Some("Ann left"));
        let all = told(&[], &[&ann, &ben, &cleo]);
        assert_eq!(all.as_deref(), Some("3 people are here"));
        let changed = told(&[&ann], &[&ben]);
        assert_eq!(changed.as_deref(), Some("Ben is here, Ann left"));
    }

    #[test]
    fn a_part_whose_place_is_not_there_is_left_out() {
        let mut all = vec!["a"];
        replace(&mut all, 3, vec!["b"]);
        assert_eq!(all, ["a"]);
    }
}
