//! How many bytes the station holds: for or from each client, and all together.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// A listener that took nothing for so long is not waited for.
const STOPPED_AFTER: Duration = Duration::from_secs(5);

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The sum over all clients.
#[derive(Debug)]
pub(crate) struct Ledger {
    total: AtomicUsize,
    /// The most that may be held for all together.
    limit: usize,
    /// Bytes from which on a listener counts as behind.
    behind_from: usize,
    behind: AtomicUsize,
    /// Tells that somebody has caught up, or that room was made.
    pub(crate) caught_up: Notify,
}

/// The bytes held for or from one client. Clones are the same gauge; dropping the last one gives
/// everything back.
#[derive(Debug, Clone)]
pub(crate) struct Gauge(Arc<Level>);

#[derive(Debug)]
struct Level {
    ledger: Arc<Ledger>,
    behind: Mutex<Behind>,
    /// Everything else: buffers, subscriptions, unfinished packets.
    kept: AtomicUsize,
    /// The client's QoS 0 messages on their way to others' outboxes.
    under_way: AtomicUsize,
    /// When it last became less, in milliseconds after [`START`].
    moved: AtomicU64,
}

/// The bytes that the client has still to read or acknowledge.
#[derive(Debug, Clone, Copy, Default)]
struct Behind {
    /// Bytes to read, in the outbox.
    waiting: usize,
    /// Bytes of messages to acknowledge.
    owed: usize,
}

impl Behind {
    fn sum(self) -> usize {
        self.waiting + self.owed
    }
}

impl Ledger {
    /// Nothing yet.
    pub(crate) fn new(behind_from: usize, limit: usize) -> Arc<Self> {
        Arc::new(Self {
            total: AtomicUsize::new(0),
            limit,
            behind_from,
            behind: AtomicUsize::new(0),
            caught_up: Notify::new(),
        })
    }

    /// A gauge at zero.
    pub(crate) fn gauge(self: &Arc<Self>) -> Gauge {
        Gauge(Arc::new(Level {
            ledger: Arc::clone(self),
            behind: Mutex::default(),
            kept: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            moved: AtomicU64::new(0),
        }))
    }

    /// Bytes held for all together.
    pub(crate) fn total(&self) -> usize {
        self.total.load(Ordering::Relaxed)
    }

    /// How many bytes are too many.
    pub(crate) fn excess(&self) -> usize {
        self.total().saturating_sub(self.limit)
    }

    /// Listeners that are behind.
    pub(crate) fn behind(&self) -> usize {
        self.behind.load(Ordering::Relaxed)
    }

    fn change(&self, before: usize, after: usize) {
        // Wrapping, as all changes of one number add up to zero.
        self.total
            .fetch_add(after.wrapping_sub(before), Ordering::Relaxed);
    }
}

impl Gauge {
    /// Notes how many bytes wait in the outbox now.
    pub(crate) fn set_waiting(&self, waiting: usize) {
        self.set(|behind| behind.waiting = waiting);
    }

    /// Notes how many bytes the client has to acknowledge now.
    pub(crate) fn set_owed(&self, owed: usize) {
        self.set(|behind| behind.owed = owed);
    }

    fn set(&self, change: impl FnOnce(&mut Behind)) {
        let ledger = &self.0.ledger;
        let mut behind = self.0.lock();
        let before = behind.sum();
        change(&mut behind);
        let after = behind.sum();
        if after < before || before == 0 {
            self.0.moved.store(now(), Ordering::Relaxed);
        }
        ledger.change(before, after);
        match (before >= ledger.behind_from, after >= ledger.behind_from) {
            (false, true) => {
                ledger.behind.fetch_add(1, Ordering::Relaxed);
            }
            (true, false) => {
                ledger.behind.fetch_sub(1, Ordering::Relaxed);
                drop(behind);
                ledger.caught_up.notify_waiters();
            }
            _ => {}
        }
    }

    /// Counts bytes that are kept for the client.
    pub(crate) fn keep(&self, bytes: usize) {
        self.0.kept.fetch_add(bytes, Ordering::Relaxed);
        self.0.ledger.change(0, bytes);
    }

    /// Gives back what [`Gauge::keep`] counted.
    pub(crate) fn release(&self, bytes: usize) {
        self.0.kept.fetch_sub(bytes, Ordering::Relaxed);
        self.0.ledger.change(bytes, 0);
    }

    /// Counts a message until what this gives is dropped.
    pub(crate) fn send(&self, bytes: usize) -> UnderWay {
        self.0.under_way.fetch_add(bytes, Ordering::Relaxed);
        self.0.ledger.change(0, bytes);
        UnderWay {
            gauge: self.clone(),
            bytes,
        }
    }

    /// The client's messages that are on their way to others.
    pub(crate) fn under_way(&self) -> usize {
        self.0.under_way.load(Ordering::Relaxed)
    }

    /// Everything that is held for or from this client.
    pub(crate) fn all(&self) -> usize {
        let others = [&self.0.kept, &self.0.under_way];
        let others = others.map(|number| number.load(Ordering::Relaxed));
        self.0.lock().sum() + others.iter().sum::<usize>()
    }

    /// The account of all clients.
    pub(crate) fn ledger(&self) -> &Arc<Ledger> {
        &self.0.ledger
    }

    /// Tells whether the client is behind with reading or acknowledging.
    pub(crate) fn is_behind(&self) -> bool {
        self.0.lock().sum() >= self.0.ledger.behind_from
    }

    /// Tells whether the client is behind and does nothing about it.
    pub(crate) fn has_stopped(&self) -> bool {
        self.has_stopped_at(now())
    }

    /// `now` in milliseconds after [`START`].
    fn has_stopped_at(&self, now: u64) -> bool {
        let still = now.saturating_sub(self.0.moved.load(Ordering::Relaxed));
        self.is_behind() && Duration::from_millis(still) >= STOPPED_AFTER
    }
}

impl Level {
    fn lock(&self) -> MutexGuard<'_, Behind> {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        let behind = self.lock().sum();
        let kept = self.kept.load(Ordering::Relaxed);
        // A message under way holds a gauge, so none is under way here.
        self.ledger.change(behind + kept, 0);
        if behind >= self.ledger.behind_from {
            self.ledger.behind.fetch_sub(1, Ordering::Relaxed);
        }
        self.ledger.caught_up.notify_waiters();
    }
}

/// A message on its way to the outboxes of those who hear it.
#[derive(Debug)]
pub(crate) struct UnderWay {
    gauge: Gauge,
    bytes: usize,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let level = &self.gauge.0;
        let before = level.under_way.fetch_sub(self.bytes, Ordering::Relaxed);
        level.ledger.change(self.bytes, 0);
        let behind_from = level.ledger.behind_from;
        if before >= behind_from && before - self.bytes < behind_from {
            level.ledger.caught_up.notify_waiters();
        }
    }
}

fn now() -> u64 {
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
impl Default for Gauge {
    fn default() -> Self {
        Ledger::new(4 * 1024 * 1024, usize::MAX).gauge()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_for_all_adds_up_and_is_given_back() {
        let ledger = Ledger::new(1000, 5000);
        let (first, second) = (ledger.gauge(), ledger.gauge());
        first.set_waiting(300);
        second.set_waiting(4000);
        first.set_owed(900);
        second.keep(50);
        let message = first.send(25);
        assert_eq!((ledger.total(), ledger.excess()), (5275, 275));
        assert_eq!((first.all(), second.all()), (1225, 4050));
        assert_eq!(ledger.behind(), 2);
        first.set_owed(0);
        assert_eq!(ledger.behind(), 1);
        drop(second);
        assert_eq!((ledger.total(), ledger.behind()), (325, 0));
        drop(first);
        assert_eq!(ledger.total(), 325, "the message is still under way");
        drop(message);
        assert_eq!(ledger.total(), 0);
    }

    #[test]
    fn a_listener_that_stopped_is_told_from_one_that_moves() {
        let gauge = Ledger::new(1000, usize::MAX).gauge();
        gauge.set_waiting(1000);
        assert!(!gauge.has_stopped_at(now()));
        assert!(
            gauge.has_stopped_at(now() + 6000),
            "no byte for six seconds"
        );
        gauge.set_waiting(0);
        assert!(
            !gauge.has_stopped_at(now() + 6000),
            "nothing waits, nothing can move"
        );
    }
}
