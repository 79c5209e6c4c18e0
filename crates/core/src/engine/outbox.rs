//! Messages that wait for the session to take them: what this device says by itself, and answers.
//!
//! Others decide how often this device has to answer. So only the newest answer to one device about
//! one thing waits, there is a most of them in all, and they go after everything that this device
//! says by itself. An answer that is not sent is as good as lost on the way, and what is lost is
//! asked for again.

use std::collections::VecDeque;

use litemap::LiteMap;
use mqdrop_mqtt::QoS;

use crate::effects::To;
use crate::ids::{DeviceId, ParcelId};
use crate::message::{Body, Ending, ParcelRef, Receipt};

/// The most answers that wait. A room may have thousands of devices, and each is answered, and
/// offered what this one sends, when this one comes in.
pub(super) const MAX_ANSWERS: usize = 8192;

/// The subject of a message. The newest one about it is the only one that counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Subject {
    /// `None` for the room.
    to: Option<DeviceId>,
    topic: Topic,
    parcel: Option<ParcelId>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Topic {
    Hello,
    Alive,
    Gone,
    Offer,
    /// How a receiver stands: what it holds, or that it does not want it.
    Stand,
    Complete,
    Cancel,
    /// Whether it is paused.
    Pause,
    /// The list of people, of which one part waits at a time.
    People,
}

/// Messages in the order in which their subjects came up.
#[derive(Default)]
struct Queue {
    order: VecDeque<Subject>,
    bodies: LiteMap<Subject, Box<Body>>,
}

#[derive(Default)]
pub(super) struct Outbox {
    /// Acknowledgements and the like: the session takes them at any time.
    prompt: VecDeque<(To, Body)>,
    own: Queue,
    answers: Queue,
}

impl Outbox {
    /// Queues what this device says by itself.
    pub(super) fn push(&mut self, to: To, body: Body) {
        let subject = Subject::of(to, &body);
        self.answers.remove(&subject);
        if to == To::Room {
            self.answers.heed(&body);
        }
        if qos(to, &body) == QoS::AtMostOnce {
            self.own.remove(&subject);
            self.prompt.push_back((to, body));
        } else {
            self.own.put(subject, body);
        }
    }

    /// Queues an answer. One more than waits already needs to be `allowed`.
    pub(super) fn answer(&mut self, device: DeviceId, body: Body, allowed: impl FnOnce() -> bool) {
        let subject = Subject::of(To::Device(device), &body);
        if self.own.bodies.contains_key(&subject) {
            self.own.put(subject, body);
        } else if self.answers.bodies.contains_key(&subject)
            || (self.answers.order.len() < MAX_ANSWERS && allowed())
        {
            self.answers.put(subject, body);
        }
    }

    /// Takes the next message, and tells how it is to be sent. While QoS 1 `waits`, only messages that
    /// go without it.
    pub(super) fn pop(&mut self, waits: bool) -> Option<(To, Body, QoS)> {
        if let Some((to, body)) = self.prompt.pop_front() {
            return Some((to, body, QoS::AtMostOnce));
        }
        if waits {
            // There is no later for it.
            let gone = Subject::of(To::Room, &Body::Gone);
            let body = self.own.remove(&gone)?;
            return Some((To::Room, body, QoS::AtMostOnce));
        }
        let (to, body) = self.own.pop().or_else(|| self.answers.pop())?;
        Some((to, body, QoS::AtLeastOnce))
    }

    /// Tells whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.prompt.is_empty() && self.own.order.is_empty() && self.answers.order.is_empty()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.prompt.len() + self.own.order.len() + self.answers.order.len()
    }
}

impl Queue {
    /// Puts a message in the place of the one about the same, or behind all others.
    fn put(&mut self, subject: Subject, body: Body) {
        if self.bodies.insert(subject, Box::new(body)).is_none() {
            self.order.push_back(subject);
        }
    }

    fn remove(&mut self, subject: &Subject) -> Option<Body> {
        let body = self.bodies.remove(subject)?;
        self.order.retain(|other| other != subject);
        Some(*body)
    }

    fn pop(&mut self) -> Option<(To, Body)> {
        let subject = self.order.pop_front()?;
        let body = self.bodies.remove(&subject)?;
        let to = subject.to.map_or(To::Room, To::Device);
        Some((to, *body))
    }

    /// The room is told something of a parcel, and may hear that before offers that wait.
    fn heed(&mut self, said: &Body) {
        let (said_of, is_paused) = match said {
            Body::Pause(parcel) => (parcel.parcel, Some(true)),
            Body::Resume(parcel) => (parcel.parcel, Some(false)),
            Body::Cancel(ending) => (ending.parcel, None),
            _ => return,
        };
        let bodies = &mut self.bodies;
        self.order.retain(|subject| {
            if (subject.topic, subject.parcel) != (Topic::Offer, Some(said_of)) {
                return true;
            }
            let Some(is_paused) = is_paused else {
                bodies.remove(subject);
                return false;
            };
            if let Some(Body::Offer(offer)) = bodies.get_mut(subject).map(Box::as_mut) {
                offer.paused = is_paused;
            }
            true
        });
    }
}

impl Subject {
    fn of(to: To, body: &Body) -> Self {
        let (topic, parcel) = match body {
            Body::Hello(_) => (Topic::Hello, None),
            Body::Alive(_) => (Topic::Alive, None),
            Body::Gone => (Topic::Gone, None),
            Body::Offer(offer) => (Topic::Offer, Some(offer.parcel)),
            Body::Want(want) => (Topic::Stand, Some(want.parcel)),
            Body::Seen(ParcelRef { parcel, .. })
            | Body::Receipt(Receipt { parcel, .. })
            | Body::Decline(Ending { parcel, .. })
            | Body::Cancel(Ending {
                parcel,
                token: Some(_),
                ..
            }) => (Topic::Stand, Some(*parcel)),
            Body::Complete(complete) => (Topic::Complete, Some(complete.parcel)),
            Body::Cancel(ending) => (Topic::Cancel, Some(ending.parcel)),
            Body::People(_) => (Topic::People, None),
            Body::Pause(parcel) | Body::Resume(parcel) => (Topic::Pause, Some(parcel.parcel)),
        };
        let to = match to {
            To::Room => None,
            To::Device(device) => Some(device),
        };
        Self { to, topic, parcel }
    }
}

/// Acknowledgements and refreshes follow one another closely: a lost one is made up for by the next.
fn qos(to: To, body: &Body) -> QoS {
    match (to, body) {
        (_, Body::Want(want)) if want.echo.is_some() => QoS::AtMostOnce,
        (To::Room, Body::Alive(_)) => QoS::AtMostOnce,
        _ => QoS::AtLeastOnce,
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::ids::Token;
    use crate::ids::tests::device;
    use crate::message::tests::wanting;
    use crate::message::{Echo, EndReason, Want};
    use crate::ranges::RangeSet;

    fn parcel(number: u8) -> ParcelRef {
        ParcelRef {
            parcel: ParcelId([number; 10]),
            token: Some(Token([0; 16])),
        }
    }

    fn want(number: u8, echo: bool) -> Body {
        Body::Want(Want {
            echo: echo.then_some(Echo { sent: 1, age: 0 }),
            ..wanting(parcel(number).parcel, &RangeSet::default(), 1)
        })
    }

    fn receipt(number: u8) -> Body {
        Body::Receipt(Receipt {
            parcel: parcel(number).parcel,
            token: None,
            without: None,
        })
    }

    fn all(mut outbox: Outbox) -> Vec<(To, Body)> {
        std::iter::from_fn(|| outbox.pop(false).map(|(to, body, _)| (to, body))).collect()
    }

    #[test]
    fn of_answers_to_one_device_about_one_parcel_only_the_newest_waits() {
        let mut outbox = Outbox::default();
        let (one, other) = (device(1), device(2));
        let ending = EndReason::ByUser.ending(parcel(1).parcel);
        for _ in 0..1000 {
            outbox.answer(one, Body::Seen(parcel(1)), || true);
            outbox.answer(other, Body::Seen(parcel(1)), || true);
            outbox.answer(one, receipt(2), || true);
            outbox.answer(one, Body::Decline(ending.clone()), || true);
        }
        let ones = To::Device(one);
        let wanted = [
            (ones, Body::Decline(ending)),
            (To::Device(other), Body::Seen(parcel(1))),
            (ones, receipt(2)),
        ];
        assert_eq!(all(outbox), wanted);
    }

    #[test]
    fn answers_go_last_and_there_is_a_most_of_them() {
        let mut outbox = Outbox::default();
        for number in 0..=u32::from(u16::MAX) {
            outbox.answer(device(number), Body::Seen(parcel(1)), || true);
        }
        outbox.answer(device(1), receipt(1), || false);
        outbox.push(To::Room, Body::Pause(parcel(2)));
        let said = all(outbox);
        assert_eq!(said.len(), MAX_ANSWERS + 1);
        assert_eq!(said[0].1, Body::Pause(parcel(2)));
        let renewed = said.iter().find(|(to, _)| *to == To::Device(device(1)));
        assert_eq!(renewed.unwrap().1, receipt(1));
    }

    #[test]
    fn what_is_said_later_is_not_undone_by_what_waited() {
        let mut outbox = Outbox::default();
        let sender = device(1);
        outbox.answer(sender, Body::Seen(parcel(1)), || true);
        outbox.push(To::Device(sender), want(1, false));
        outbox.answer(sender, Body::Seen(parcel(2)), || true);
        outbox.push(To::Device(sender), want(2, true));
        outbox.push(To::Device(sender), want(3, false));
        outbox.push(To::Device(sender), want(3, true));
        outbox.push(To::Room, Body::Pause(parcel(4)));
        outbox.push(To::Room, Body::Resume(parcel(4)));
        outbox.push(To::Device(sender), want(5, false));
        let ending = EndReason::ByUser.ending(parcel(5).parcel);
        outbox.answer(sender, Body::Decline(ending.clone()), || false);
        let said: Vec<Body> = all(outbox).into_iter().map(|(_, body)| body).collect();
        let resumed = Body::Resume(parcel(4));
        let wanted = [
            want(2, true),
            want(3, true),
            want(1, false),
            resumed,
            Body::Decline(ending),
        ];
        assert_eq!(said, wanted);
    }

    #[test]
    fn acknowledgements_and_the_farewell_go_past_what_waits() {
        let mut outbox = Outbox::default();
        outbox.answer(device(1), Body::Seen(parcel(1)), || true);
        outbox.push(To::Room, Body::Pause(parcel(2)));
        outbox.push(To::Device(device(1)), want(3, true));
        outbox.push(To::Room, Body::Gone);
        let prompt = (To::Device(device(1)), want(3, true), QoS::AtMostOnce);
        assert_eq!(outbox.pop(true), Some(prompt));
        let farewell = (To::Room, Body::Gone, QoS::AtMostOnce);
        assert_eq!(outbox.pop(true), Some(farewell));
        assert_eq!(outbox.pop(true), None);
        assert_eq!(outbox.len(), 2);
    }
}
