//! Files that wait for a second act of the user before they are sent: dropped or pasted where no room
//! is entered yet, or pasted as something else's picture.

use leptos::prelude::*;
use mqdrop_core::isolated;

use super::{
    erased,
    icons::{Icon, icon},
    picked::{self, Picked},
    session::Session,
    words::words,
};

/// So many times files may wait; the oldest make room.
const MOST: usize = 16;

/// The files that wait, one entry for each time that some came.
#[derive(Clone, Copy)]
pub(super) struct Ready(RwSignal<Vec<Picked>, LocalStorage>);

impl Ready {
    pub(super) fn new() -> Self {
        Self(RwSignal::new_local(Vec::new()))
    }

    /// Has files wait.
    pub(super) fn add(self, picked: Picked) {
        if !picked.files.is_empty() {
            self.0.update(|all| {
                let over = (all.len() + 1).saturating_sub(MOST);
                all.drain(..over);
                all.push(picked);
            });
        }
    }

    fn take(self) -> Vec<Picked> {
        let mut all = Vec::new();
        self.0.update(|waiting| all = core::mem::take(waiting));
        all
    }

    /// How many there are, and what the first is called.
    fn first(self) -> Option<(usize, String)> {
        self.0.with(|all| {
            let number = all.iter().map(|picked| picked.files.len()).sum();
            let first = all.first()?.files.first()?;
            Some((number, first.path.clone()))
        })
    }
}

/// The files that wait, and the button that sends them where there is somebody to send them to.
#[component]
pub(super) fn ReadyNotice(session: Session) -> impl IntoView {
    let ready = session.ready;
    let send = move |_| {
        for picked in ready.take() {
            picked::send(session, picked);
        }
    };
    let in_room = move || session.inside().is_some();
    let text = move || {
        let (number, first) = ready.first()?;
        let (words, count, name) = (words(), number as u64, isolated(&first));
        Some(match (number, in_room()) {
            (1, true) => words.ready_file(&name),
            (1, false) => words.ready_file_early(&name),
            (_, true) => words.ready_files(count),
            (_, false) => words.ready_files_early(count),
        })
    };
    view! {
        // Live regions are announced only if they were there before their text.
        <div role="status">
            {erased::drawn(move || {
                text()
                    .map(|text| {
                        view! {
                            <div class="notice">
                                {icon(Icon::Send)}
                                <p data-testid="ready">{text}</p>
                                <Show when=erased::whether(in_room)>
                                    <button
                                        type="button"
                                        class="button button-main"
                                        data-testid="ready-send"
                                        on:click=send
                                    >
                                        {words().ready_send()}
                                    </button>
                                </Show>
                                <button
                                    type="button"
                                    class="button"
                                    data-testid="ready-discard"
                                    on:click=move |_| drop(ready.take())
                                >
                                    {words().ready_discard()}
                                </button>
                            </div>
                        }.into_any()
                    })
            })}
        </div>
    }
}
