//! The app's end of the bridge to the worker.

use std::time::Duration;

use gloo_worker::{Spawnable, WorkerBridge};
use leptos::{ev, prelude::*};
use web_sys::ErrorEvent;

use super::{page, session::Room, state::State, storage};
use crate::{
    bridge::{BridgeCodec, Command, Event, Storage, TransferAction},
    worker::EngineWorker,
};

/// How long the worker may take to load and start before the page says that it does not.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends commands to the worker.
#[derive(Clone, Copy)]
pub(super) struct Engine {
    bridge: StoredValue<WorkerBridge<EngineWorker>, LocalStorage>,
}

impl Engine {
    /// Starts the worker, whose events go to `state`. `room` is the present one.
    pub(super) fn start(state: State, room: impl Fn() -> Option<Room> + 'static) -> Self {
        // An error that is thrown in a worker and not caught there ends up at the page's window.
        let crash = window_event_listener(ev::error, move |event| {
            if is_own(&event) {
                state.crash();
            }
        });
        on_cleanup(move || crash.remove());
        set_timeout(
            move || {
                if state.storage.get_untracked().is_none() {
                    state.crash();
                }
            },
            PATIENCE,
        );
        let bridge = EngineWorker::spawner()
            .encoding::<BridgeCodec>()
            .callback(move |event| match (event, room()) {
                (Event::Learnt(learnt), Some(room)) => storage::save_learnt(&room.broker, learnt),
                (Event::Joined { device, key }, Some(room)) => {
                    storage::save_device(&device, &room.place());
                    state.own_key.set(key);
                }
                (Event::Ready(place), _) => {
                    if let Storage::Opfs { folder, .. } = &place {
                        storage::save_folder(folder);
                    }
                    state.start(place);
                }
                (
                    event @ (Event::Kept(_)
                    | Event::Status(_)
                    | Event::Failed(_)
                    | Event::Report(_)),
                    _,
                )
                | (event, Some(_)) => state.apply(event),
                // On its way when the room was left.
                (_, None) => {}
            })
            .with_loader(true)
            .spawn(&page::worker());
        bridge.send(Command::Start {
            folder: storage::load_folder(),
        });
        Self {
            bridge: StoredValue::new_local(bridge),
        }
    }

    pub(super) fn send(&self, command: Command) {
        self.bridge.with_value(|bridge| bridge.send(command));
    }

    pub(super) fn act(&self, parcel: &str, action: TransferAction) {
        self.send(Command::Transfer {
            parcel: parcel.to_owned(),
            action,
        });
    }
}

/// Whether an error comes from this program, not from a browser extension in the page.
fn is_own(event: &ErrorEvent) -> bool {
    let origin = window().location().origin().unwrap_or_default();
    event.filename().is_empty() || event.filename().starts_with(&origin)
}
