//! The other devices in the room.

use leptos::prelude::*;
use mqdrop_core::view::{ConnectionState, PeerView};
use mqdrop_unicode::upper_case;
use mqdrop_words::Words;

use super::erased::{drawn, text, whether};
use super::{
    icons::{Icon, icon},
    session::Session,
    words::{around, words},
};
use crate::bridge::Command;

/// As many devices are shown by name.
const SHOWN: usize = 500;

/// The other devices.
#[component]
pub(super) fn Peers(session: Session, inviting: RwSignal<bool>) -> impl IntoView {
    let state = session.state;
    let peers = state.peers;
    let own_name = move || session.room.read().as_ref().map(|room| room.name.clone());
    let alone =
        move || peers.read().is_empty() && state.status.read().state == ConnectionState::Online;
    view! {
        <section class="people" aria-labelledby="people-title">
            <h2 id="people-title" class="visually-hidden">{words().people_title()}</h2>
            <ul class="people-list">
                <li class="person person-self">
                    <span class="avatar" aria-hidden="true">{text(move || own_name().map(|name| initial(&name)).unwrap_or_default())}</span>
                    <bdi class="person-name">{text(move || own_name().unwrap_or_default())}</bdi>
                    <span class="person-note">{words().people_you()}</span>
                </li>
                <For
                    each=move || peers.with(|all| all.iter().take(SHOWN).cloned().collect::<Vec<_>>())
                    key=|peer| (peer.device.clone(), peer.name.clone())
                    let:peer
                >
                    <Person session peer />
                </For>
                {drawn(move || {
                    let more = peers.read().len().saturating_sub(SHOWN);
                    (more > 0)
                        .then(|| {
                            view! {
                                <li class="person person-more" data-testid="peers-more">
                                    {words().people_more(&words().number(more as u64))}
                                </li>
                            }.into_any()
                        })
                })}
            </ul>
            <Show when=whether(alone)>
                {
                    let [before, behind] = around(Words::people_alone);
                    view! {
                        <p class="people-empty">
                            {before}
                            <button type="button" class="link" on:click=move |_| inviting.set(true)>
                                {words().people_alone_button()}
                            </button>
                            {behind}
                        </p>
                    }
                }
            </Show>
        </section>
    }
}

#[component]
fn Person(session: Session, peer: PeerView) -> impl IntoView {
    // Its button stays when it is pressed, and with it the keyboard's place.
    let muted = Memo::new({
        let device = peer.device.clone();
        move |before: Option<&bool>| {
            let peers = session.state.peers.read();
            let found = peers.iter().find(|other| other.device == device);
            found.map_or(*before.unwrap_or(&peer.muted), |found| found.muted)
        }
    });
    let toggle = {
        let device = peer.device.clone();
        move |_| {
            session.engine.send(Command::Mute {
                device: device.clone(),
                muted: !muted.get_untracked(),
            });
        }
    };
    let label = Memo::new({
        let name = peer.name.clone();
        move |_| match muted.get() {
            true => words().people_unmute(&name),
            false => words().people_mute(&name),
        }
    });
    view! {
        <li
            class="person"
            class:person-muted=move || muted.get()
            data-testid="peer"
            data-name=peer.name.clone()
            data-device=peer.device.clone()
            data-colour=colour(&peer.device)
        >
            <span class="avatar" aria-hidden="true">{initial(&peer.name)}</span>
            <bdi class="person-name">{peer.name.clone()}</bdi>
            <button
                type="button"
                class="button button-bare person-mute"
                data-testid="mute"
                aria-pressed=text(move || muted.get().to_string())
                aria-label=text(move || label.get())
                title=text(move || label.get())
                on:click=toggle
            >
                {move || icon(if muted.get() { Icon::Unmute } else { Icon::Mute })}
            </button>
        </li>
    }
}

/// The first character of a name, for its picture.
fn initial(name: &str) -> String {
    let first: String = name.trim().chars().take(1).collect();
    upper_case(&first)
}

/// One of six colours, always the same one for a device.
fn colour(device: &str) -> String {
    (device.bytes().map(u32::from).sum::<u32>() % 6).to_string()
}
