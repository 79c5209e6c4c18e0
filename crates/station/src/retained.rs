//! The books of retained messages: whose they are, and which of them make room for another.

use std::collections::HashMap;
use std::future::ready;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mqtt5::broker::{BrokerEventHandler, RetainedSetEvent};

use super::counted::COST_OF_A_COPY;
use super::gauge::Gauge;
use super::reception::Answer;

/// Messages of all topics together.
pub(crate) const MOST_RETAINED: usize = 1000;
/// Their bytes; the broker keeps them twice.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// Stands for the address of a publisher that is not known, for example of an earlier run.
pub(crate) const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The retained messages as the router has them, and those that it is about to get.
#[derive(Debug)]
pub(crate) struct Retained {
    books: Mutex<Books>,
    gauge: Gauge,
}

#[derive(Debug, Default)]
struct Books {
    messages: HashMap<Arc<str>, Message>,
    sum: usize,
    next: u64,
}

#[derive(Debug)]
struct Message {
    size: usize,
    household: IpAddr,
    /// Later ones have higher numbers.
    number: u64,
    expires: Option<Instant>,
    /// The router has it. One of QoS 2 arrives there only when its client releases it.
    is_stored: bool,
    /// It was not stored at the last look either.
    is_overdue: bool,
}

impl Retained {
    /// None yet; what they take counts in `gauge`.
    pub(crate) fn new(gauge: Gauge) -> Self {
        Self {
            books: Mutex::default(),
            gauge,
        }
    }

    /// Enters a message that is about to be stored. Gives the topics that have to be cleared
    /// first: expired ones, then the oldest ones of the address with most.
    pub(crate) fn enter(
        &self,
        topic: &Arc<str>,
        size: usize,
        household: IpAddr,
        expiry: Option<Duration>,
    ) -> Vec<Arc<str>> {
        let now = Instant::now();
        let mut books = self.lock();
        self.remove(&mut books, topic);
        let expires = expiry.and_then(|expiry| now.checked_add(expiry));
        self.add(&mut books, topic, size, household, expires);
        let mut leaving = Vec::new();
        while books.messages.len() > MOST_RETAINED || books.sum > MOST_BYTES {
            let Some(first) = books.first_to_leave(topic, now) else {
                break;
            };
            self.remove(&mut books, &first);
            leaving.push(first);
        }
        leaving
    }

    /// The topics whose messages have expired. What was entered long ago and never stored is
    /// forgotten.
    pub(crate) fn sweep(&self) -> Vec<Arc<str>> {
        let now = Instant::now();
        let mut books = self.lock();
        let topics = |books: &Books, is_it: fn(&Message, Instant) -> bool| {
            let messages = books.messages.iter();
            let found = messages.filter(|(_, message)| is_it(message, now));
            found
                .map(|(topic, _)| Arc::clone(topic))
                .collect::<Vec<_>>()
        };
        for topic in topics(&books, |message, _| message.is_overdue) {
            self.remove(&mut books, &topic);
        }
        for message in books.messages.values_mut() {
            message.is_overdue = !message.is_stored;
        }
        topics(&books, |message, now| {
            message.is_stored && message.has_expired(now)
        })
    }

    /// Notes that the router has a message. One that is not in the books gets there; the next
    /// one that is entered makes room.
    fn note_stored(&self, topic: &Arc<str>, payload: usize) {
        let mut books = self.lock();
        if !books.messages.contains_key(topic) {
            let size = payload + topic.len() + COST_OF_A_COPY;
            self.add(&mut books, topic, size, UNKNOWN, None);
        }
        if let Some(message) = books.messages.get_mut(topic) {
            message.is_stored = true;
            message.is_overdue = false;
        }
    }

    fn add(
        &self,
        books: &mut Books,
        topic: &Arc<str>,
        size: usize,
        household: IpAddr,
        expires: Option<Instant>,
    ) {
        let message = Message {
            size,
            household,
            number: books.next,
            expires,
            is_stored: false,
            is_overdue: false,
        };
        books.next += 1;
        books.sum += size;
        self.gauge.keep(2 * size);
        books.messages.insert(Arc::clone(topic), message);
    }

    fn remove(&self, books: &mut Books, topic: &Arc<str>) {
        if let Some(message) = books.messages.remove(topic) {
            books.sum -= message.size;
            self.gauge.release(2 * message.size);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    /// The topic whose message makes room for the one of `newest`.
    fn first_to_leave(&self, newest: &Arc<str>, now: Instant) -> Option<Arc<str>> {
        let mut shares: HashMap<IpAddr, usize> = HashMap::new();
        for message in self.messages.values() {
            // A full table of short messages weighs as much as one of few long ones.
            *shares.entry(message.household).or_default() +=
                message.size + MOST_BYTES / MOST_RETAINED;
        }
        let messages = self.messages.iter();
        messages
            .filter(|(topic, _)| *topic != newest)
            .max_by_key(|(_, message)| {
                let share = shares.get(&message.household);
                let age = u64::MAX - message.number;
                (message.has_expired(now), share, age)
            })
            .map(|(topic, _)| Arc::clone(topic))
    }
}

impl Message {
    fn has_expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

impl BrokerEventHandler for Retained {
    fn on_retained_set<'a>(&'a self, event: RetainedSetEvent) -> Answer<'a, ()> {
        if event.cleared {
            self.remove(&mut self.lock(), &event.topic);
        } else {
            self.note_stored(&event.topic, event.payload.len());
        }
        Box::pin(ready(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREEDY: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const MODEST: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

    fn topic(number: usize) -> Arc<str> {
        number.to_string().into()
    }

    #[test]
    fn the_oldest_of_the_address_with_most_makes_room() {
        let gauge = Gauge::default();
        let retained = Retained::new(gauge.clone());
        assert!(
            retained
                .enter(&"modest".into(), 10, MODEST, None)
                .is_empty()
        );
        for number in 0..MOST_RETAINED - 1 {
            assert!(retained.enter(&topic(number), 10, GREEDY, None).is_empty());
        }
        assert_eq!(gauge.all(), 2 * 10 * MOST_RETAINED);
        assert!(
            retained.enter(&topic(5), 20, GREEDY, None).is_empty(),
            "in place of itself"
        );
        let more = topic(MOST_RETAINED);
        assert_eq!(retained.enter(&more, 10, MODEST, None), [topic(0)]);
        let long = retained.enter(&"long".into(), MOST_BYTES - 100, MODEST, None);
        assert_eq!(long.len(), MOST_RETAINED - 9, "bytes are few as well");
        assert!(gauge.all() <= 2 * MOST_BYTES);
    }

    #[test]
    fn expired_ones_go_first_and_what_is_never_stored_is_forgotten() {
        let gauge = Gauge::default();
        let retained = Retained::new(gauge.clone());
        for number in 0..MOST_RETAINED {
            let expiry = (number == 7).then_some(Duration::ZERO);
            retained.enter(&topic(number), 10, GREEDY, expiry);
            retained.note_stored(&topic(number), 1);
        }
        assert_eq!(retained.sweep(), [topic(7)]);
        let leaving = retained.enter(&"pending".into(), 10, MODEST, None);
        assert_eq!(leaving, [topic(7)]);
        let before = gauge.all();
        assert!(retained.sweep().is_empty());
        assert!(retained.sweep().is_empty());
        assert_eq!(gauge.all(), before - 2 * 10, "it was not stored");
        retained.note_stored(&"pending".into(), 1);
        assert!(gauge.all() > before - 2 * 10, "it is stored after all");
    }
}
