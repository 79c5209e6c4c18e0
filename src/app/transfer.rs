//! One transfer: what it is, how far it is, and what can be done about it.

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};
use mqdrop_core::isolated;
use mqdrop_core::view::{Direction, ParcelKind, TransferState, TransferView};
use mqdrop_words::percent;

use super::{
    actions::{self, Button},
    buttons::Buttons,
    clipboard::CopyButton,
    erased,
    files::Files,
    handles::Permission,
    icons::{Icon, icon},
    picked::{self, Picked},
    picker::Picker,
    receivers::Receivers,
    request::Request,
    saved::Saved,
    session::Session,
    space::SpaceNotice,
    state::{Parts, Transfer},
    text::{self, Piece},
    words::words,
};
use crate::bridge::Command;

/// A transfer's entry in the list.
#[component]
pub(super) fn Card(session: Session, transfer: Transfer) -> impl IntoView {
    let Transfer {
        parcel,
        view,
        parts,
    } = transfer.clone();
    let (direction, kind, sender) = {
        let first = view.read_untracked();
        (first.direction, first.kind, words().sender(&first))
    };
    let now = RwSignal::from(view.clone());
    let state = Memo::new(move |_| now.read().state);
    let title = Memo::new(move |_| words().title(&now.read().title));
    let waits =
        Memo::new(move |_| direction == Direction::In && state.get() == TransferState::Offered);
    let symbol = match (kind, direction) {
        (ParcelKind::Text, _) => Icon::Text,
        (ParcelKind::Files, Direction::Out) => Icon::Send,
        (ParcelKind::Files, Direction::In) => Icon::Receive,
    };
    let buttons = view! { <Buttons session transfer now state direction kind /> };
    view! {
        <li
            class="card transfer"
            // Here the focus goes from a button that has done its work.
            tabindex="-1"
            data-testid="transfer"
            data-direction=direction_name(direction)
            data-kind=kind_name(kind)
            data-from=now.read_untracked().from.person.clone()
            data-to=to_ids(&now.read_untracked())
            data-time=iso(now.read_untracked().time)
            data-parcel=parcel.to_string()
            data-state=erased::text(move || state.get().name().to_owned())
            data-bytes=erased::text(move || now.read().bytes.to_string())
            data-total=erased::text(move || now.read().total.to_string())
            data-pending=erased::text(move || now.read().receivers.iter().filter(|each| actions::is_pending(each)).count().to_string())
        >
            <Request app=session.state parcel=parcel.clone() sender waits>
                <div class="transfer-head">
                    <span class="transfer-symbol" data-kind=direction_name(direction)>{icon(symbol)}</span>
                    <div class="transfer-what">
                        <h3 class="transfer-title" data-testid="transfer-title">
                            <bdi>{move || title.with(|title| short(title))}</bdi>
                        </h3>
                        <p class="transfer-facts">
                            <bdi>
                                {erased::text(move || facts(&now.read()))}
                                <span class="from">{erased::text(move || from(&now.read()).unwrap_or_default())}</span>
                            </bdi>
                        </p>
                    </div>
                    {buttons}
                </div>
            </Request>
            <Progress now state />
            {(direction == Direction::In && kind == ParcelKind::Files)
                .then(|| view! { <SavedMark saved=parts.saved.clone() now /> })}
            {erased::drawn(move || {
                words()
                    .cause(&now.read())
                    .map(|cause| {
                        view! {
                            <p class="transfer-error" data-testid="transfer-error">
                                {cause}
                            </p>
                        }.into_any()
                    })
            })}
            {(direction == Direction::In && kind == ParcelKind::Files)
                .then(|| view! { <SpaceNotice app=session.state now state /> })}
            <ChooseAgain session parcel=parcel.clone() parts=parts.clone() now />
            {(direction == Direction::Out).then(|| view! { <Receivers session parcel=parcel.clone() view=view.clone() /> })}
            {match kind {
                ParcelKind::Text => view! { <Text text=parts.text.clone() /> }.into_any(),
                ParcelKind::Files => view! { <Files state=session.state parcel=parcel.clone() parts=parts.clone() /> }.into_any(),
            }}
        </li>
    }
}

/// Whether what was received was saved, too.
#[component]
fn SavedMark(saved: ArcRwSignal<Saved>, now: RwSignal<TransferView>) -> impl IntoView {
    let saved = RwSignal::from(saved);
    let files = move || actions::files_here(&now.read());
    view! {
        <Show when=erased::whether(move || actions::is_received(&now.read()))>
            <p class="transfer-saved" data-testid="saved" data-state=erased::text(move || saved.read().name(files()).to_owned())>
                {erased::text(move || saved.read().words(files()))}
            </p>
        </Show>
    }
}

/// After a restart: goes on with the files that were being sent, where the browser knows where they
/// are, and the picker for them.
#[component]
fn ChooseAgain(
    session: Session,
    parcel: Arc<str>,
    parts: Parts,
    now: RwSignal<TransferView>,
) -> impl IntoView {
    let lacking = Memo::new(move |_| now.read().lacks_files);
    let folder = Memo::new({
        let files = parts.files.clone();
        move |_| files.read().iter().any(|file| file.path.contains('/'))
    });
    // Not in the card's own memory: it may be gone when the user has answered.
    let reopen = {
        let parcel = parcel.clone();
        move || {
            session.engine.send(Command::Reopen {
                parcel: parcel.to_string(),
            });
        }
    };
    Effect::new({
        let parcel = parcel.clone();
        move || {
            if lacking.get() {
                session.engine.send(Command::FindHandles {
                    parcel: parcel.to_string(),
                });
            }
        }
    });
    // Once: if what is there now is not what was sent, or cannot be read, the user has to look.
    let tried = StoredValue::new(false);
    Effect::new({
        let (handles, reopen) = (parts.handles.clone(), reopen.clone());
        move || {
            if let Some(handles) = handles.get()
                && !tried.get_value()
            {
                tried.set_value(true);
                let reopen = reopen.clone();
                spawn_local(async move {
                    if Permission::Query.is_given(&handles).await {
                        reopen();
                    }
                });
            }
        }
    });
    move || {
        lacking.get().then(|| {
            let (handles, reopen) = (parts.handles.clone(), reopen.clone());
            let folder = folder.get();
            let label = if folder {
                words().card_folder_again()
            } else {
                words().card_file_again()
            };
            let parcel = parcel.clone();
            let take = move |picked: Picked| picked::choose_again(session, &parcel, picked);
            view! {
                <div class="choose-again">
                    {erased::drawn(move || {
                        handles
                            .get()
                            .map(|handles| {
                                let reopen = reopen.clone();
                                let ask = move |_| {
                                    let (handles, reopen) = (handles.clone(), reopen.clone());
                                    spawn_local(async move {
                                        if Permission::Request.is_given(&handles).await {
                                            reopen();
                                        } else {
                                            session.state.fail(words().card_not_allowed());
                                        }
                                    });
                                };
                                view! {
                                    <button
                                        type="button"
                                        class="button button-main"
                                        data-testid=Button::Resume.test_id()
                                        aria-label=erased::text(move || words().button_of(words().button_resume(), &words().title(&now.read().title)))
                                        on:click=ask
                                    >
                                        {words().button_resume()}
                                    </button>
                                }.into_any()
                            })
                    })}
                    <Picker id="choose-again" label folder take />
                </div>
            }
        })
    }
}

/// Bar, rate and time left.
#[component]
fn Progress(now: RwSignal<TransferView>, state: Memo<TransferState>) -> impl IntoView {
    let arrived = Memo::new(move |_| {
        let now = now.read();
        usize::from(percent(now.bytes, now.total))
    });
    let shown = move || {
        if state.get() == TransferState::Done {
            100
        } else {
            arrived.get()
        }
    };
    view! {
        <div
            class="progress"
            role="progressbar"
            data-testid="transfer-progress"
            aria-label=erased::text(move || words().card_progress(&words().title(&now.read().title)))
            aria-valuemin="0"
            aria-valuemax="100"
            aria-valuenow=erased::text(move || shown().to_string())
        >
            <div class="progress-bar" style:transform=move || format!("scaleX({}.{:02})", shown() / 100, shown() % 100)></div>
        </div>
        <p class="transfer-pace">
            <span class="transfer-state">{erased::text(move || actions::state_words(&now.read()))}</span>
            <span data-testid="transfer-rate">
                {erased::text(move || if state.get() == TransferState::Active { words().rate(now.read().rate) } else { String::new() })}
            </span>
            <span data-testid="transfer-eta">
                {erased::text(move || {
                    if state.get() == TransferState::Active { words().time_left(now.read().eta) } else { String::new() }
                })}
            </span>
        </p>
    }
}

/// A text parcel's text.
#[component]
fn Text(text: ArcRwSignal<Option<Arc<str>>>) -> impl IntoView {
    erased::drawn(move || {
        text.get().map(|text| {
            view! {
                <div class="text">
                    <pre dir="auto" data-testid="transfer-text">{linked(&text)}</pre>
                    <CopyButton text=text.to_string() />
                </div>
            }
            .into_any()
        })
    })
}

/// A text with links that can be followed. What they lead to hears nothing of this page.
fn linked(text: &str) -> Vec<AnyView> {
    let draw = |piece| {
        match piece {
        Piece::Words(text) => text.to_owned().into_any(),
        Piece::Link(link) => view! {
            <a data-testid="text-link" href=link.to_owned() target="_blank" rel="noopener noreferrer">
                {link.to_owned()}
            </a>
        }
        .into_any(),
    }
    };
    text::pieces(text).into_iter().map(draw).collect()
}

/// A title that fits a card, with the end that has the extension. All of it is in the page, for
/// those who look for it there.
fn short(title: &str) -> impl IntoView + use<> {
    let [head, cut, tail] = text::middle_out(title, MAX_TITLE).map(str::to_owned);
    let cut = (!cut.is_empty()).then(|| view! { <span class="cut">{cut}</span> });
    view! { {head} {cut} {tail} }
}

/// As many letters of a title are shown.
const MAX_TITLE: usize = 60;

/// Size and number of files, in one line.
fn facts(view: &TransferView) -> String {
    let all = words().size(view.total);
    let size = if view.total > 0 && view.bytes < view.total && view.bytes > 0 {
        words().card_size_of(&words().size(view.bytes), &all)
    } else {
        all
    };
    let mut facts = vec![size];
    if view.kind == ParcelKind::Files && view.files > 1 {
        facts.push(words().number_files(view.files.into()));
    }
    facts.join(" · ")
}

/// Words for its sender, or for the persons whom it is for, behind the facts.
fn from(view: &TransferView) -> Option<String> {
    let is_for_all = view.to.is_empty();
    let words = words();
    let sender = isolated(&words.sender(view));
    let whose = match view.direction {
        Direction::In if is_for_all => words.card_from(&sender),
        Direction::In if view.to.len() == 1 => words.card_from_to_you(&sender),
        Direction::In => words.card_from_to(&sender, &words.names(&view.to)),
        Direction::Out if is_for_all => return None,
        Direction::Out => words.card_to(&words.names(&view.to)),
    };
    Some([" · ", &whose].concat())
}

fn kind_name(kind: ParcelKind) -> &'static str {
    match kind {
        ParcelKind::Files => "files",
        ParcelKind::Text => "text",
    }
}

/// The ids of the persons whom it is for, or "room".
fn to_ids(view: &TransferView) -> String {
    if view.to.is_empty() {
        return "room".to_owned();
    }
    let ids: Vec<&str> = view.to.iter().map(|it| it.person.as_str()).collect();
    ids.join(" ")
}

/// A time in ms since 1970 by ISO 8601; empty if it can be none.
fn iso(time: u64) -> String {
    let date = js_sys::Date::new(&(time as f64).into());
    if date.get_time().is_nan() {
        return String::new();
    }
    date.to_iso_string().into()
}

fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "in",
        Direction::Out => "out",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_fit_the_transfer() {
        let mut view = TransferView {
            parcel: "p".into(),
            room: mqdrop_core::RoomId::default(),
            direction: Direction::In,
            kind: ParcelKind::Files,
            title: mqdrop_core::view::Title {
                name: "a".into(),
                more: 0,
            },
            state: TransferState::Offered,
            bytes: 0,
            total: 3_000_000,
            files: 2,
            paused_here: false,
            rate: 0.0,
            eta: None,
            cause: None,
            from: mqdrop_core::view::PersonName {
                person: String::new(),
                name: "Ann".into(),
                is_namesake: false,
                verified: mqdrop_core::view::Verified::Link,
            },
            to: Vec::new(),
            time: 0,
            lacks_files: false,
            offline: false,
            left_out: 0,
            receivers: Vec::new(),
        };
        assert_eq!(facts(&view), "3.0 MB · 2 files");
        assert_eq!(
            from(&view).as_deref(),
            Some(" · from \u{2068}Ann ✓\u{2069}")
        );
        view.bytes = 1_000_000;
        view.files = 1;
        view.direction = Direction::Out;
        assert_eq!(facts(&view), "1.0 MB of 3.0 MB");
        assert_eq!(from(&view), None);
        view.kind = ParcelKind::Text;
        view.bytes = view.total;
        assert_eq!(facts(&view), "3.0 MB");
    }
}
