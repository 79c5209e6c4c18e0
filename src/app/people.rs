//! The persons of the room: those who are here, and those who were.

use js_sys::Date;
use leptos::prelude::*;
use litemap::LiteMap;
use mqdrop_core::ordered;
use mqdrop_core::view::{ConnectionState, PeerView, PersonView, Verified};
use mqdrop_unicode::upper_case;
use mqdrop_words::Words;

use super::erased::{drawn, given, text, whether};
use super::{
    compare::Compare,
    icons::{Icon, icon},
    session::Session,
    words::{around, words},
};
use crate::bridge::Command;

/// As many persons are shown who are here, and as many who are not.
const SHOWN: usize = 500;

/// The persons of the room.
#[component]
pub(super) fn People(session: Session, inviting: RwSignal<bool>) -> impl IntoView {
    let state = session.state;
    let people = state.people;
    let own_name = move || session.room.read().as_ref().map(|room| room.name.clone());
    let alone = move || {
        state.peers.read().is_empty() && state.status.read().state == ConnectionState::Online
    };
    let shows_away = RwSignal::new(false);
    // Rooms may have thousands of devices: each person finds its own at once.
    let known = Memo::new(move |_| {
        // In order, as what is put into the middle moves all that is behind it.
        let people = ordered(people.get(), |one, other| one.person.cmp(&other.person));
        let known = people.into_iter().map(|it| (it.person.clone(), it));
        known.collect::<LiteMap<String, PersonView>>()
    });
    let devices = Memo::new(move |_| {
        let mut devices = LiteMap::<String, Vec<PeerView>>::new();
        let peers = ordered(state.peers.get(), |one, other| {
            one.person.cmp(&other.person)
        });
        for peer in peers {
            devices.entry(peer.person.clone()).or_default().push(peer);
        }
        devices
    });
    let away = Memo::new(move |_| people.read().iter().filter(|it| !it.is_here).count());
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
                    each=move || people.with(|all| here(all, true))
                    key=|person| person.person.clone()
                    let:person
                >
                    <Person session person known devices />
                </For>
                {drawn(move || {
                    let all = people.read().iter().filter(|it| it.is_here).count();
                    let more = all.saturating_sub(SHOWN);
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
            <Show when=whether(move || away.get() > 0)>
                <button
                    type="button"
                    class="link people-away"
                    data-testid="people-away"
                    aria-expanded=text(move || shows_away.get().to_string())
                    on:click=move |_| shows_away.update(|shows| *shows = !*shows)
                >
                    {text(move || words().people_away(away.get() as u64))}
                </button>
                <Show when=whether(move || shows_away.get())>
                    <ul class="people-list">
                        <For
                            each=move || people.with(|all| here(all, false))
                            key=|person| person.person.clone()
                            let:person
                        >
                            <Person session person known devices />
                        </For>
                    </ul>
                </Show>
            </Show>
        </section>
    }
}

/// Those who are here in the order in which they became known, or those who are not, the last one first.
fn here(all: &[PersonView], is_here: bool) -> Vec<PersonView> {
    let chosen = all.iter().filter(|person| person.is_here == is_here);
    let mut chosen: Vec<PersonView> = chosen.cloned().collect();
    if !is_here {
        chosen = ordered(chosen, |one, other| other.seen.cmp(&one.seen));
    }
    chosen.truncate(SHOWN);
    chosen
}

#[component]
fn Person(
    session: Session,
    person: PersonView,
    known: Memo<LiteMap<String, PersonView>>,
    devices: Memo<LiteMap<String, Vec<PeerView>>>,
) -> impl IntoView {
    // Its button stays when it is pressed, and with it the keyboard's place.
    let now = Memo::new({
        let id = person.person.clone();
        move |before: Option<&PersonView>| {
            let known = known.read();
            known.get(&id).or(before).unwrap_or(&person).clone()
        }
    });
    let devices = Memo::new(move |_| {
        let of = devices.read().get(&now.read().person).cloned();
        of.unwrap_or_default()
    });
    let placed = move || -> Vec<(PeerView, usize)> { devices.get().into_iter().zip(0..).collect() };
    let toggle = move |_| {
        let now = now.get_untracked();
        if !now.muted {
            // What is sent to somebody who is muted would wait for ever.
            session.audience.leave_out(&now.person);
        }
        session.engine.send(Command::Mute {
            person: now.person,
            muted: !now.muted,
        });
    };
    let shown = move || {
        let now = now.read();
        words().person_name(&now.name, now.is_namesake)
    };
    let compares = RwSignal::new(false);
    let is_chosen = Memo::new(move |_| session.audience.has(&now.read().person));
    let choose_label = move || match is_chosen.get() {
        true => words().people_send_to_also(&shown()),
        false => words().people_send_to(&shown()),
    };
    let note = move || {
        let now = now.read();
        match () {
            () if now.is_me => Some(words().people_your_other_device().to_owned()),
            () if !now.is_here => Some(words().ago((Date::now() as u64).saturating_sub(now.seen))),
            () => None,
        }
    };
    let label = move || {
        let now = now.read();
        match now.muted {
            true => words().people_unmute(&shown()),
            false => words().people_mute(&shown()),
        }
    };
    let who = move || {
        view! {
            <button
                type="button"
                class="person-name"
                data-testid="compare"
                aria-expanded=text(move || compares.get().to_string())
                title=text(move || words().compare_open(&shown()))
                on:click=move |_| compares.update(|compares| *compares = !*compares)
            >
                <bdi>{text(shown)}</bdi>
            </button>
            {move || {
                let why = match now.read().verified {
                    Verified::No => return None,
                    Verified::Link => words().people_verified_link(),
                    Verified::Words => words().people_verified(),
                };
                Some(view! {
                    <span class="person-verified" role="img" aria-label=why title=why>
                        {icon(Icon::Check)}
                    </span>
                })
            }}
            {drawn(move || note().map(|note| view! { <span class="person-note">{note}</span> }.into_any()))}
        }
        .into_any()
    };
    let mute = move || {
        view! {
            <Show when=whether(move || !now.read().is_me)>
                <button
                    type="button"
                    class="button button-bare person-button"
                    data-testid="mute"
                    aria-pressed=text(move || now.read().muted.to_string())
                    aria-label=text(label)
                    title=text(label)
                    on:click=toggle
                >
                    {move || icon(if now.read().muted { Icon::Unmute } else { Icon::Mute })}
                </button>
            </Show>
        }
        .into_any()
    };
    let colour = colour(&now.read_untracked().person);
    view! {
        <li
            class="person"
            class:person-muted=move || now.read().muted
            class:person-chosen=move || is_chosen.get()
            class:person-away=move || !now.read().is_here
            data-testid="person"
            data-name=text(move || now.read().name.clone())
            data-person=text(move || now.read().person.clone())
            data-drop=given(move || {
                let now = now.read();
                (!(now.is_me || now.muted)).then_some("true")
            })
            data-state=text(move || if now.read().is_here { "here" } else { "away" }.to_owned())
            data-colour=colour
        >
            <For
                each=placed
                key=|(peer, place)| (peer.device.clone(), peer.name.clone(), *place == 0)
                let((peer, place))
            >
                <span
                    class="person-device"
                    data-testid="peer"
                    data-name=peer.name.clone()
                    data-device=peer.device.clone()
                >
                    <span class="avatar" aria-hidden="true">{initial(&peer.name)}</span>
                    {(place == 0).then(who)}
                    {mute()}
                </span>
            </For>
            <Show when=whether(move || devices.read().is_empty())>
                <span class="avatar" aria-hidden="true">{text(move || initial(&now.read().name))}</span>
                {who()}
                {mute()}
            </Show>
            <Show when=whether(move || !(now.read().is_me || now.read().muted))>
                <button
                    type="button"
                    class="button button-bare person-button"
                    data-testid="send-to"
                    aria-pressed=text(move || is_chosen.get().to_string())
                    aria-label=text(choose_label)
                    title=text(choose_label)
                    on:click=move |_| session.audience.toggle(&now.read_untracked().person)
                >
                    {move || icon(if is_chosen.get() { Icon::Check } else { Icon::Send })}
                </button>
            </Show>
            <Show when=whether(move || compares.get())>
                <Compare session person=now />
            </Show>
        </li>
    }
}

/// The first character of a name, for its picture.
fn initial(name: &str) -> String {
    let first: String = name.trim().chars().take(1).collect();
    upper_case(&first)
}

/// One of six colours, always the same one for a person.
fn colour(person: &str) -> String {
    (person.bytes().map(u32::from).sum::<u32>() % 6).to_string()
}
