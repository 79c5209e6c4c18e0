//! Everyone the station holds something for: who hears what, how far behind they are, and who
//! makes room when all of it together is too much.
//!
//! A QoS 0 message may be dropped, and for a listener that has stopped it must be. But while every
//! listener of a topic is merely slower than its publisher, reading the publisher's next packet a
//! moment later loses nothing: TCP carries the slowing back to it. So a publisher waits, at most
//! [`LONGEST_WAIT`] for a message, until its *quickest* listener has room; slower ones never hold it
//! up, neither do listeners of other topics, nor those that take nothing at all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use mqtt5::topic_matches_filter;
use tokio::sync::Notify;

use super::door::household;
use super::gauge::{Gauge, Ledger};
use super::limits::QueueLimits;
use super::listener::{Listener, Stay};
use super::retained::Retained;
use super::rules::{Rules, has_wildcard};
use super::socket::Socket;
use crate::seldom::Seldom;

/// The longest time one message waits for its listeners.
const LONGEST_WAIT: Duration = Duration::from_millis(250);
/// A client for which less than this is held, in bytes, is never the one that makes room.
const TOO_LITTLE: usize = 64 * 1024;
/// The weight of a client that is away, beside one that is here: nobody waits for it right now.
const OF_ABSENT: usize = 8;

static MADE_ROOM: Seldom = Seldom::new();

/// All clients, present or away.
#[derive(Debug)]
pub(crate) struct Audience {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) rules: Rules,
    pub(crate) queues: QueueLimits,
    pub(crate) retained: Arc<Retained>,
    index: RwLock<Index>,
    next_id: AtomicU64,
    /// Clients that are logged in.
    clients: AtomicUsize,
    /// Filters with wildcards.
    wildcards: AtomicUsize,
    /// Somebody who is away has to make room.
    pub(crate) crowded: Notify,
}

#[derive(Debug, Default)]
struct Index {
    listeners: HashMap<u64, Arc<Listener>>,
    by_client: HashMap<Arc<str>, Arc<Listener>>,
    exact: HashMap<Arc<str>, Vec<Arc<Listener>>>,
    wild: Vec<(Arc<str>, Arc<Listener>)>,
    away: usize,
}

impl Audience {
    /// Nobody yet.
    pub(crate) fn new(rules: Rules, queues: QueueLimits) -> Self {
        let ledger = Ledger::new(queues.behind_from, queues.total);
        Self {
            rules,
            queues,
            index: RwLock::default(),
            retained: Arc::new(Retained::new(ledger.gauge())),
            ledger,
            next_id: AtomicU64::new(0),
            clients: AtomicUsize::new(0),
            wildcards: AtomicUsize::new(0),
            crowded: Notify::new(),
        }
    }

    /// Clients that are logged in now.
    pub(crate) fn clients(&self) -> usize {
        self.clients.load(Ordering::Relaxed)
    }

    /// Sessions whose client is away.
    pub(crate) fn away(&self) -> usize {
        self.read().away
    }

    /// Adds a connection that has not logged in yet.
    pub(crate) fn enter(&self, gauge: Gauge, peer: IpAddr, socket: Arc<Socket>) -> Arc<Listener> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let listener = Arc::new(Listener::present(id, household(peer), gauge, socket));
        self.write().listeners.insert(id, Arc::clone(&listener));
        listener
    }

    /// Names a connection's client once it is logged in. What it had subscribed to before it was
    /// away counts again, and so does what waits for it.
    pub(crate) fn name(
        &self,
        listener: &Arc<Listener>,
        client: &Arc<str>,
        user: Option<Arc<str>>,
        is_new: bool,
    ) {
        self.clients.fetch_add(1, Ordering::Relaxed);
        let mut index = self.write();
        listener.set_client(Arc::clone(client), user);
        let before = index
            .by_client
            .insert(Arc::clone(client), Arc::clone(listener));
        let Some(before) = before else {
            return;
        };
        let filters = before.filters();
        if !before.is_present() {
            self.remove(&mut index, &before);
        }
        if !is_new {
            listener.inherit(before.owed());
            for (filter, options) in filters {
                self.add_filter(&mut index, listener, filter, options);
            }
        }
    }

    /// Tells whether a client identifier is in use by another login than `user`.
    pub(crate) fn is_of_another(&self, client: &str, user: &str) -> bool {
        let index = self.read();
        let known = index.by_client.get(client);
        known.is_some_and(|known| known.user().is_none_or(|owner| **owner != *user))
    }

    /// Removes a connection.
    pub(crate) fn leave(&self, listener: &Arc<Listener>, was_logged_in: bool) {
        if was_logged_in {
            self.clients.fetch_sub(1, Ordering::Relaxed);
        }
        self.remove(&mut self.write(), listener);
        // A thread that waits for this listener must not wait on.
        self.ledger.caught_up.notify_waiters();
    }

    /// Notes the session that a client leaves behind, unless it is back already.
    pub(crate) fn stay(&self, stay: Stay) {
        let mut index = self.write();
        if index.by_client.contains_key(&stay.client) {
            return;
        }
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let listener = Arc::new(Listener::away(id, self.ledger.gauge(), &stay));
        index.listeners.insert(id, Arc::clone(&listener));
        index.by_client.insert(stay.client, Arc::clone(&listener));
        index.away += 1;
        for (filter, options) in stay.filters {
            self.add_filter(&mut index, &listener, filter, options);
        }
    }

    /// Notes that the delayed will of a client that is away was published.
    pub(crate) fn note_will_gone(&self, client: &str) {
        if let Some(listener) = self.read().by_client.get(client)
            && !listener.is_present()
        {
            listener.forget_will();
        }
    }

    /// Forgets a session whose client is away.
    pub(crate) fn forget(&self, client: &str) {
        let mut index = self.write();
        if let Some(listener) = index.by_client.get(client).cloned()
            && !listener.is_present()
        {
            self.remove(&mut index, &listener);
        }
    }

    /// The clients that are away.
    pub(crate) fn absent(&self) -> Vec<Arc<str>> {
        let index = self.read();
        let away = index.by_client.iter();
        away.filter(|(_, listener)| !listener.is_present())
            .map(|(client, _)| Arc::clone(client))
            .collect()
    }

    /// The session that makes room for another: the oldest of the address that has most of them.
    pub(crate) fn oldest_of_most(&self) -> Option<Arc<str>> {
        let index = self.read();
        let mut counts: HashMap<IpAddr, usize> = HashMap::new();
        let away = || index.by_client.iter().filter(|(_, who)| !who.is_present());
        for (_, listener) in away() {
            *counts.entry(listener.household).or_default() += 1;
        }
        let most = counts.values().copied().max()?;
        away()
            .filter(|(_, listener)| counts.get(&listener.household) == Some(&most))
            .min_by_key(|(_, listener)| listener.id)
            .map(|(client, _)| Arc::clone(client))
    }

    /// Tells whether `client` may subscribe to `filter`; from then on the filter counts.
    pub(crate) fn allow(&self, client: &str, filter: &str) -> bool {
        let mut index = self.write();
        let listener = index.by_client.get(client).cloned();
        let announced = listener.as_ref().and_then(|who| who.announced(filter));
        if !self.rules.allow_filter(filter) {
            if let Some(listener) = listener {
                listener.refuse(false);
            }
            return false;
        }
        let Some(listener) = listener else {
            // A session of the folder of --data, looked at while the station starts.
            return true;
        };
        // Without a word of it, messages have to be acknowledged.
        let options = announced.unwrap_or(1);
        if listener.renew(filter, options) {
            return true;
        }
        let (most_wild, most_wild_of_all) = self.rules.most_wildcards();
        if listener.filter_count() >= self.rules.most_filters()
            || has_wildcard(filter)
                && (listener.wildcard_count() >= most_wild
                    || self.wildcards.load(Ordering::Relaxed) >= most_wild_of_all)
        {
            listener.refuse(true);
            return false;
        }
        self.add_filter(&mut index, &listener, filter.into(), options);
        true
    }

    /// Notes that a client has given up a filter.
    pub(crate) fn unsubscribe(&self, listener: &Arc<Listener>, filter: &str) {
        let mut index = self.write();
        if listener.remove_filter(filter) {
            self.remove_filter(&mut index, listener, filter);
        }
    }

    /// Those who hear `topic`, each as often as it has filters for it.
    pub(crate) fn listeners_of(&self, topic: &str) -> Vec<(Arc<Listener>, u8)> {
        let index = self.read();
        let exact = index.exact.get(topic).into_iter().flatten();
        let exact = exact.map(|listener| (Arc::clone(listener), listener.options(topic)));
        let wild = index.wild.iter();
        let wild = wild
            .filter(|(filter, _)| topic_matches_filter(topic, filter))
            .map(|(filter, listener)| (Arc::clone(listener), listener.options(filter)));
        exact.chain(wild).collect()
    }

    /// Waits until the quickest listener of `topic` has room, and the publisher's messages are on
    /// their way; see the module.
    pub(crate) async fn wait_for_room(&self, topic: &str, publisher: u64, gauge: &Gauge) {
        let room = async {
            loop {
                let caught_up = self.ledger.caught_up.notified();
                tokio::pin!(caught_up);
                // Registered before looking, so that no change is missed.
                caught_up.as_mut().enable();
                if !self.must_wait(topic, publisher, gauge) {
                    return;
                }
                caught_up.await;
            }
        };
        // Running out of time is fine: the outbox drops what is too much.
        let _ = tokio::time::timeout(LONGEST_WAIT, room).await;
    }

    /// Tells whether a publisher's next packet should be read later.
    pub(crate) fn must_wait(&self, topic: &str, publisher: u64, gauge: &Gauge) -> bool {
        gauge.under_way() >= self.queues.behind_from
            || self.ledger.behind() > 0 && self.all_behind(topic, publisher)
    }

    /// Tells whether `topic` has listeners that still move, and all of them are behind.
    fn all_behind(&self, topic: &str, publisher: u64) -> bool {
        let listeners = self.listeners_of(topic);
        let mut moving = listeners
            .iter()
            .map(|(listener, _)| listener)
            .filter(|listener| listener.id != publisher && listener.is_present())
            .filter(|listener| !listener.gauge.has_stopped())
            .peekable();
        moving.peek().is_some() && moving.all(|listener| listener.gauge.is_behind())
    }

    /// Makes room if too much is held: the address for which most is held loses the connection, or
    /// the session, that most of it is for. Says whether somebody is on the way out.
    pub(crate) fn make_room(&self) -> bool {
        if self.ledger.excess() == 0 {
            return false;
        }
        let index = self.read();
        let mut sums: HashMap<IpAddr, usize> = HashMap::new();
        let mut ending = 0;
        for listener in index.listeners.values() {
            let held = listener.gauge.all();
            if listener.is_ended() {
                ending += held;
            } else {
                *sums.entry(listener.household).or_default() += held;
            }
        }
        while self.ledger.excess() > ending {
            let Some((&most, _)) = sums.iter().max_by_key(|(_, sum)| **sum) else {
                break;
            };
            let weight = |listener: &Listener| {
                let weight = if listener.is_present() { 1 } else { OF_ABSENT };
                weight * listener.gauge.all()
            };
            let heaviest = index
                .listeners
                .values()
                .filter(|listener| listener.household == most && !listener.is_ended())
                .max_by_key(|listener| weight(listener));
            let Some(heaviest) = heaviest.filter(|listener| weight(listener) >= TOO_LITTLE) else {
                sums.remove(&most);
                continue;
            };
            let held = heaviest.gauge.all();
            if let Some(others) = MADE_ROOM.due() {
                tracing::warn!(
                    others,
                    "limit hit: the client that most is held for makes room, see --max-queue-total"
                );
            }
            if !heaviest.end("too much was held for it, see --max-queue-total") {
                self.crowded.notify_one();
            }
            ending += held;
            if let Some(sum) = sums.get_mut(&most) {
                *sum = sum.saturating_sub(held);
            }
        }
        ending > 0
    }

    /// Makes room, and waits for a moment until it is there.
    pub(crate) async fn wait_until_room_is_made(&self) {
        let room = async {
            loop {
                let given_back = self.ledger.caught_up.notified();
                tokio::pin!(given_back);
                given_back.as_mut().enable();
                if !self.make_room() {
                    return;
                }
                given_back.await;
            }
        };
        // Those who go may have something else to do first.
        let _ = tokio::time::timeout(LONGEST_WAIT, room).await;
    }

    /// The sessions of absent clients that have to go.
    pub(crate) fn evicted(&self) -> Vec<Arc<str>> {
        let index = self.read();
        let away = index.by_client.iter();
        away.filter(|(_, listener)| !listener.is_present() && listener.is_ended())
            .map(|(client, _)| Arc::clone(client))
            .collect()
    }

    fn remove(&self, index: &mut Index, listener: &Arc<Listener>) {
        if index.listeners.remove(&listener.id).is_none() {
            return;
        }
        if !listener.is_present() {
            index.away -= 1;
        }
        if let Some(client) = listener.client()
            && let Some(known) = index.by_client.get(client)
            && Arc::ptr_eq(known, listener)
        {
            index.by_client.remove(client);
        }
        for (filter, _) in listener.take_filters() {
            self.remove_filter(index, listener, &filter);
        }
    }

    fn add_filter(&self, index: &mut Index, to: &Arc<Listener>, filter: Arc<str>, options: u8) {
        if !to.add_filter(Arc::clone(&filter), options) {
            return;
        }
        if has_wildcard(&filter) {
            self.wildcards.fetch_add(1, Ordering::Relaxed);
            index.wild.push((filter, Arc::clone(to)));
        } else {
            index.exact.entry(filter).or_default().push(Arc::clone(to));
        }
    }

    fn remove_filter(&self, index: &mut Index, from: &Arc<Listener>, filter: &str) {
        if has_wildcard(filter) {
            self.wildcards.fetch_sub(1, Ordering::Relaxed);
            index
                .wild
                .retain(|(known, who)| &**known != filter || !Arc::ptr_eq(who, from));
        } else if let Some(listeners) = index.exact.get_mut(filter) {
            listeners.retain(|who| !Arc::ptr_eq(who, from));
            if listeners.is_empty() {
                index.exact.remove(filter);
            }
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
