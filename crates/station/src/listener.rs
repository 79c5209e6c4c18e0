//! One client as the audience knows it: what it hears, and what it has not acknowledged.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use mqtt5::broker::storage::QueueHandle;

use super::gauge::Gauge;
use super::rules::has_wildcard;
use super::socket::Socket;

/// The memory of a filter beside its text, which is kept four times, in bytes.
const COST_OF_A_FILTER: usize = 600;
/// The memory of a session, in bytes.
const COST_OF_A_SESSION: usize = 2048;
/// The most that is kept for a client that is away, in bytes: its queue, and the one message
/// beyond it.
pub(crate) const MOST_FOR_LATER: usize = 2 * 1024 * 1024;
/// Filters whose SUBSCRIBE the broker has not looked at yet, in bytes: it reads 4 KiB ahead.
const MOST_ANNOUNCED: usize = 64 * 1024;
/// The option of a subscription that keeps a client's own messages away (MQTT 5, section 3.8.3.1).
pub(crate) const NO_LOCAL: u8 = 0x04;

/// A client, present or away.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) id: u64,
    /// Its address, or its whole IPv6 network.
    pub(crate) household: IpAddr,
    pub(crate) gauge: Gauge,
    client: OnceLock<Arc<str>>,
    /// The login it came with, if one was asked for.
    user: OnceLock<Arc<str>>,
    /// Its connection; none while it is away.
    socket: Option<Arc<Socket>>,
    ended: AtomicBool,
    filters: Mutex<HashMap<Arc<str>, u8>>,
    /// Options of filters that are on their way to the broker.
    announced: Mutex<Announced>,
    /// Filters that were refused since the last SUBACK: true where others would have to go first.
    refused: Mutex<Vec<bool>>,
    /// The crate's buffer for packets to this client has this length at most: it grows to the next
    /// power of two of the longest packet, and never shrinks.
    write_buffer: AtomicUsize,
    /// Bytes of a delayed will.
    will: AtomicUsize,
    /// The broker's queue for this client; known once it is logged in.
    queue: OnceLock<QueueHandle>,
    owed: Mutex<Owed>,
}

/// The things that a client leaves behind when its connection ends and its session does not.
#[derive(Debug)]
pub(crate) struct Stay {
    pub(crate) client: Arc<str>,
    pub(crate) user: Option<Arc<str>>,
    pub(crate) household: IpAddr,
    pub(crate) filters: Vec<(Arc<str>, u8)>,
    /// Bytes of messages that it has to acknowledge.
    pub(crate) held: usize,
    /// Bytes of messages that it has not released.
    pub(crate) unreleased: usize,
    /// Bytes of its delayed will.
    pub(crate) will: usize,
}

/// Messages that a client has to acknowledge.
#[derive(Debug, Default)]
struct Owed {
    /// Not sent yet, in order.
    unsent: VecDeque<Unsent>,
    /// Bytes of those in the broker's queue: of the time before this connection, and what came
    /// while they waited.
    queued: usize,
    /// Sent, by packet identifier.
    unacknowledged: HashMap<u16, usize>,
    unsent_sum: usize,
    unacknowledged_sum: usize,
}

#[derive(Debug, Default)]
struct Announced {
    options: HashMap<String, u8>,
    bytes: usize,
}

#[derive(Debug)]
struct Unsent {
    size: usize,
    /// Gone when no copy of the message exists any more: it was dropped on its way.
    copies: Weak<()>,
}

impl Listener {
    /// A client that is connected.
    pub(crate) fn present(id: u64, household: IpAddr, gauge: Gauge, socket: Arc<Socket>) -> Self {
        Self::new(id, household, gauge, Some(socket))
    }

    /// A client that is away.
    pub(crate) fn away(id: u64, gauge: Gauge, stay: &Stay) -> Self {
        gauge.keep(COST_OF_A_SESSION + stay.unreleased + stay.will);
        let away = Self::new(id, stay.household, gauge, None);
        away.set_client(Arc::clone(&stay.client), stay.user.clone());
        away.will.store(stay.will, Ordering::Relaxed);
        away.inherit(stay.held);
        away
    }

    fn new(id: u64, household: IpAddr, gauge: Gauge, socket: Option<Arc<Socket>>) -> Self {
        Self {
            id,
            household,
            gauge,
            client: OnceLock::new(),
            user: OnceLock::new(),
            socket,
            ended: AtomicBool::new(false),
            filters: Mutex::default(),
            announced: Mutex::default(),
            refused: Mutex::default(),
            write_buffer: AtomicUsize::new(0),
            will: AtomicUsize::new(0),
            queue: OnceLock::new(),
            owed: Mutex::default(),
        }
    }

    /// Tells whether the client is connected.
    pub(crate) fn is_present(&self) -> bool {
        self.socket.is_some()
    }

    /// Tells whether the client was told to go, or will be.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Ends its connection; whether it has one.
    pub(crate) fn end(&self, reason: &'static str) -> bool {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(socket) = &self.socket {
            socket.note_end(reason);
            socket.break_off();
        }
        self.socket.is_some()
    }

    /// Its client identifier, once it is logged in.
    pub(crate) fn client(&self) -> Option<&Arc<str>> {
        self.client.get()
    }

    /// The login it came with, if one was asked for.
    pub(crate) fn user(&self) -> Option<&Arc<str>> {
        self.user.get()
    }

    /// Notes who it is, once it is logged in.
    pub(crate) fn set_client(&self, client: Arc<str>, user: Option<Arc<str>>) {
        // A connection logs in once.
        let _ = self.client.set(client);
        if let Some(user) = user {
            let _ = self.user.set(user);
        }
    }

    /// Notes the options of a filter before the broker decides on it.
    pub(crate) fn announce(&self, filter: String, options: u8) {
        let mut announced = lock(&self.announced);
        if announced.bytes > MOST_ANNOUNCED {
            *announced = Announced::default();
        }
        announced.bytes += filter.len() + 1;
        announced.options.insert(filter, options);
    }

    /// Takes the options that a filter was announced with.
    pub(crate) fn announced(&self, filter: &str) -> Option<u8> {
        let mut announced = lock(&self.announced);
        let options = announced.options.remove(filter)?;
        announced.bytes = announced.bytes.saturating_sub(filter.len() + 1);
        Some(options)
    }

    /// Notes that a filter was refused, and that it is only one too many.
    pub(crate) fn refuse(&self, is_too_many: bool) {
        lock(&self.refused).push(is_too_many);
    }

    /// Takes what was refused since the last time.
    pub(crate) fn take_refused(&self) -> Vec<bool> {
        std::mem::take(&mut lock(&self.refused))
    }

    /// Counts the buffer that a packet of this length to the client takes.
    pub(crate) fn expect_packet(&self, length: usize) {
        let needed = length.next_power_of_two();
        let before = self.write_buffer.fetch_max(needed, Ordering::Relaxed);
        if needed > before {
            self.gauge.keep(needed - before);
        }
    }

    pub(crate) fn filters(&self) -> Vec<(Arc<str>, u8)> {
        let filters = lock(&self.filters);
        let pairs = filters.iter();
        pairs
            .map(|(filter, options)| (Arc::clone(filter), *options))
            .collect()
    }

    /// Gives a filter that the client has already other options; whether it has it.
    pub(crate) fn renew(&self, filter: &str, options: u8) -> bool {
        match lock(&self.filters).get_mut(filter) {
            Some(known) => {
                *known = options;
                true
            }
            None => false,
        }
    }

    pub(crate) fn filter_count(&self) -> usize {
        lock(&self.filters).len()
    }

    pub(crate) fn wildcard_count(&self) -> usize {
        let filters = lock(&self.filters);
        filters.keys().filter(|filter| has_wildcard(filter)).count()
    }

    pub(crate) fn options(&self, filter: &str) -> u8 {
        lock(&self.filters).get(filter).copied().unwrap_or(1)
    }

    /// Adds a filter; whether it is new.
    pub(crate) fn add_filter(&self, filter: Arc<str>, options: u8) -> bool {
        let cost = cost_of(&filter);
        let is_new = lock(&self.filters).insert(filter, options).is_none();
        if is_new {
            self.gauge.keep(cost);
        }
        is_new
    }

    /// Removes a filter; whether there was one.
    pub(crate) fn remove_filter(&self, filter: &str) -> bool {
        let removed = lock(&self.filters).remove(filter).is_some();
        if removed {
            self.gauge.release(cost_of(filter));
        }
        removed
    }

    pub(crate) fn take_filters(&self) -> HashMap<Arc<str>, u8> {
        let filters = std::mem::take(&mut *lock(&self.filters));
        for filter in filters.keys() {
            self.gauge.release(cost_of(filter));
        }
        filters
    }

    /// Forgets a delayed will that was published.
    pub(crate) fn forget_will(&self) {
        self.gauge.release(self.will.swap(0, Ordering::Relaxed));
    }

    /// Notes the broker's queue for this client, and what is in the broker's store: messages that
    /// it was sent, by packet identifier.
    pub(crate) fn take_up(&self, queue: QueueHandle, sent: &[(u16, usize)]) {
        // A connection logs in once.
        let _ = self.queue.set(queue);
        let mut owed = lock(&self.owed);
        for &(packet_id, size) in sent {
            owed.queued = owed.queued.saturating_sub(size);
            self.note_unacknowledged(&mut owed, packet_id, size);
        }
        owed.queued = owed.queued.min(MOST_FOR_LATER);
        self.gauge.set_owed(owed.sum());
    }

    /// Bytes of messages that this client has to acknowledge.
    pub(crate) fn owed(&self) -> usize {
        lock(&self.owed).sum()
    }

    /// Takes over what an earlier connection, or the time without one, has left to acknowledge.
    pub(crate) fn inherit(&self, size: usize) {
        let mut owed = lock(&self.owed);
        owed.queued += size;
        self.gauge.set_owed(owed.sum());
    }

    /// Notes a message that this client has to acknowledge, while `copies` of it exist. Gives how
    /// many bytes it owed before.
    pub(crate) fn owe(&self, size: usize, copies: Weak<()>, enough: usize) -> usize {
        let mut owed = lock(&self.owed);
        if owed.sum() + size > enough {
            owed.forget_dropped();
        }
        let before = owed.sum();
        if self.queue.get().is_some_and(|queue| queue.behind()) {
            // The broker puts it behind the others, and makes a copy of its own.
            owed.keep(size);
        } else {
            // Nothing is in the broker's queue any more: what it dropped is not told.
            owed.queued = 0;
            owed.unsent.push_back(Unsent { size, copies });
            owed.unsent_sum += size;
        }
        self.gauge.set_owed(owed.sum());
        before
    }

    /// Notes a message that is kept until this client is back.
    pub(crate) fn keep_for_later(&self, size: usize) {
        let mut owed = lock(&self.owed);
        owed.keep(size);
        self.gauge.set_owed(owed.sum());
    }

    /// Notes that a message which has to be acknowledged was sent, as this packet.
    pub(crate) fn note_sent(&self, packet_id: u16, packet: usize) {
        let mut owed = lock(&self.owed);
        if owed.unacknowledged.contains_key(&packet_id) {
            // It is sent again.
            return;
        }
        let size = if owed.queued > 0 {
            // The broker does not tell how long those in its queue are.
            let others = self.queue.get().map_or(0, |queue| queue.count());
            let share = owed.queued / (others + 1);
            owed.queued -= share;
            share.max(packet)
        } else {
            owed.next_unsent().unwrap_or(packet)
        };
        self.note_unacknowledged(&mut owed, packet_id, size);
        self.gauge.set_owed(owed.sum());
    }

    /// Notes that the client has what it was sent as this packet.
    pub(crate) fn note_acknowledged(&self, packet_id: u16) {
        let mut owed = lock(&self.owed);
        if let Some(size) = owed.unacknowledged.remove(&packet_id) {
            owed.unacknowledged_sum -= size;
            self.gauge.release(size);
            self.gauge.set_owed(owed.sum());
        }
    }

    /// Notes a message that was sent. The broker's store has a copy of its own.
    fn note_unacknowledged(&self, owed: &mut Owed, packet_id: u16, size: usize) {
        let before = owed.unacknowledged.insert(packet_id, size).unwrap_or(0);
        owed.unacknowledged_sum = owed.unacknowledged_sum - before + size;
        self.gauge.keep(size);
        self.gauge.release(before);
    }
}

impl Owed {
    fn sum(&self) -> usize {
        self.unsent_sum + self.queued + self.unacknowledged_sum
    }

    /// Counts a message in the broker's queue, which keeps so many bytes and one message more, and
    /// drops older ones.
    fn keep(&mut self, size: usize) {
        self.queued += size.min(MOST_FOR_LATER.saturating_sub(self.queued));
    }

    /// The size of the next message that was not sent yet and still exists.
    fn next_unsent(&mut self) -> Option<usize> {
        while let Some(first) = self.unsent.pop_front() {
            self.unsent_sum -= first.size;
            if first.copies.strong_count() > 0 {
                return Some(first.size);
            }
        }
        None
    }

    fn forget_dropped(&mut self) {
        self.unsent.retain(|unsent| {
            let exists = unsent.copies.strong_count() > 0;
            if !exists {
                self.unsent_sum -= unsent.size;
            }
            exists
        });
    }
}

/// Tells whether a subscription with these options gets messages that have to be acknowledged, from
/// itself or from others.
pub(crate) fn has_to_acknowledge(options: u8, is_own: bool) -> bool {
    options & 3 > 0 && !(is_own && options & NO_LOCAL != 0)
}

fn cost_of(filter: &str) -> usize {
    COST_OF_A_FILTER + 4 * filter.len()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
