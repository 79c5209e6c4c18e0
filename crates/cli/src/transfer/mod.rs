//! Sending and receiving: the run of a command in its room.

mod answer;
mod connecting;
mod deciding;
mod incoming;
mod interrupts;
mod listing;
mod outgoing;
mod receiving;
mod sending;
mod session;
mod task;
mod who;

use core::time::Duration;

use mqdrop_client::Client;
use mqdrop_client::lesson::Learnt;
use mqdrop_core::{Audience, ParcelId};
use tokio::sync::mpsc;

use crate::failure::Failure;
use crate::lessons::Lessons;
use crate::native::{Kept, Native, NativeError, Target};
use crate::room::{Room, random};
use crate::say::{Event, Output};
use crate::words;
use deciding::Deciding;
use interrupts::Interrupts;
use listing::Listing;
use receiving::Receiving;
use sending::Sending;
use session::{Inputs, Session};
use task::Task;

pub(crate) use deciding::Decision;
pub(crate) use incoming::Place;
pub(crate) use outgoing::Outgoing;
pub(crate) use receiving::Wish as ReceiveWish;
pub(crate) use sending::Wish as SendWish;

/// Reads a number of seconds, with a point if need be.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.parse().ok();
    let duration = number.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration
        .filter(|duration| *duration <= Duration::from_secs(u32::MAX.into()))
        .ok_or_else(|| words().usage_seconds().into())
}

/// Sends, and ends when the wish says so.
///
/// # Errors
/// The reason that it was not delivered.
pub(crate) fn send(
    room: &Room,
    outgoing: Outgoing,
    wish: SendWish,
    output: &mut Output,
) -> Result<(), Failure> {
    block_on(async {
        let mut interrupts = Interrupts::listen()?;
        // Folders may be long and pipes slow.
        let finding = tokio::task::spawn_blocking(|| outgoing.find());
        let found = tokio::select! {
            found = finding => found.map_err(|error| {
                Failure::other(words().sending_cannot_look(&error.to_string()))
            })??,
            () = interrupts.next() => {
                return Err(Failure::Interrupted(words().terminal_interrupted().into()));
            }
        };
        for text in &found.skipped {
            output.tell(&Event::Warning { text: text.clone() });
        }
        let (mut client, inputs) = client(room, &Target::Nowhere)?;
        // Without it nothing goes on, and all can be sent anew.
        let kept = client.platform().take_up().unwrap_or_default();
        let lessons = Lessons::of(&room.way.broker);
        join(&mut client, room, lessons.known(), false)?;
        let made_key = room.is_made.then(|| room.key.clone());
        let mut task = Sending::new(wish, made_key);
        let kept = if task.is_for_all() {
            let parcels = found.offer(&mut client, kept.sent, &Audience::Room)?;
            task.offered(parcels.iter().map(ToString::to_string).collect());
            Vec::new()
        } else {
            kept.sent
        };
        let session = Session::new(client, inputs, task, lessons, output);
        session.sending(found).with_kept(kept).run(interrupts).await
    })
}

/// Lists who is in a room and who was; those who are named, if somebody is.
///
/// # Errors
/// The reason that the room was not reached, or that nobody is known by the name.
pub(crate) fn people(
    room: &Room,
    who: Option<&str>,
    patience: Duration,
    output: &mut Output,
) -> Result<(), Failure> {
    run(room, Listing::new(room.me(), who, patience), output)
}

/// Decides about the person who is named; if it `asks`, the person at the terminal compares words first.
///
/// # Errors
/// The reason that the room was not reached, that nobody or several are known by the name, that the
/// words are not the same, or that the decision could not be kept.
pub(crate) fn decide(
    room: &Room,
    who: &str,
    decision: Decision,
    asks: bool,
    patience: Duration,
    output: &mut Output,
) -> Result<(), Failure> {
    let task = Deciding::new(room.me(), who, decision, asks, patience);
    run(room, task, output)
}

/// Runs a task that neither sends nor receives.
fn run(room: &Room, task: impl Task, output: &mut Output) -> Result<(), Failure> {
    block_on(async {
        let interrupts = Interrupts::listen()?;
        let (mut client, inputs) = client(room, &Target::Nowhere)?;
        let lessons = Lessons::of(&room.way.broker);
        join(&mut client, room, lessons.known(), false)?;
        let session = Session::new(client, inputs, task, lessons, output);
        session.run(interrupts).await
    })
}

/// Receives, and ends when the wish says so.
///
/// # Errors
/// The reason that nothing was received.
pub(crate) fn receive(
    room: &Room,
    place: &Place,
    wish: ReceiveWish,
    output: &mut Output,
) -> Result<(), Failure> {
    block_on(async {
        let interrupts = Interrupts::listen()?;
        let (mut client, inputs) = client(room, &place.target())?;
        let mut kept = client
            .platform()
            .take_up()
            .map_err(|error| Failure::Storage(words().receiving_cannot_look(&error.to_string())))?;
        for received in kept.received {
            let saved = received.saved().cloned();
            if restore(&mut client, received).is_none() {
                kept.finished.extend(saved);
            }
        }
        if let Some(folder) = place.folder() {
            let finished = kept.finished.iter();
            finished
                .flat_map(|saved| incoming::finished(folder, saved))
                .for_each(|event| output.tell(&event));
        }
        let lessons = Lessons::of(&room.way.broker);
        join(&mut client, room, lessons.known(), true)?;
        let session = Session::new(client, inputs, Receiving::new(wish), lessons, output);
        session.receiving_into(place.folder()).run(interrupts).await
    })
}

fn block_on<T>(run: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::other(words().system_cannot_start(&error.to_string())))?;
    let outcome = runtime.block_on(run);
    // A thread that still reads stdin must not delay the end.
    runtime.shutdown_background();
    outcome
}

fn client(room: &Room, target: &Target) -> Result<(Client<Native>, Inputs), Failure> {
    let (sender, inputs) = mpsc::unbounded_channel();
    let native = Native::new(room.way.connection.clone(), target, sender);
    let native = native.map_err(|error| match error {
        NativeError::Certificate(text) => Failure::usage(text),
        NativeError::Target(error) => {
            Failure::Storage(words().receiving_no_place(&error.to_string()))
        }
    })?;
    Ok((Client::new(random()?, native), inputs))
}

/// Only a command that prints texts `takes_texts`: their authors learn that they arrived.
fn join(
    client: &mut Client<Native>,
    room: &Room,
    learnt: Learnt,
    takes_texts: bool,
) -> Result<(), Failure> {
    let join = room.join(learnt, takes_texts)?;
    let joined = client.act(|engine, now| engine.join(join, now));
    joined.map_err(|error| Failure::usage(words().join_error(&error)))?;
    Ok(())
}

/// Takes up what an earlier command left; `None` if that cannot go on. Damaged notes stay where they
/// are, as a later version may read them, unless the user has the files.
fn restore(client: &mut Client<Native>, kept: Kept) -> Option<ParcelId> {
    let restored =
        client.act_with_platform(|engine, native, now| native.restore(kept, engine, now));
    match restored {
        Ok(parcel) => parcel,
        Err(kept) => {
            if kept.saved().is_some() {
                kept.discard();
            }
            None
        }
    }
}
