//! Slowing a publisher down to the pace of those who listen.
//!
//! A QoS 0 PUBLISH may be dropped, and for a listener that has stopped it must
//! be. But while every listener of a topic is merely slower than its publisher,
//! holding the publisher's next packet for a moment loses nothing: TCP carries
//! the slowing back to it. So a publisher waits, at most [`LONGEST_WAIT`] for a
//! message, until its *quickest* listener has room; slower ones never hold it up,
//! neither do listeners of other topics, nor those that take nothing at all.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use mqtt5::broker::{
    BrokerEventHandler, ClientConnectEvent, ClientPublishEvent, ClientSubscribeEvent,
    ClientUnsubscribeEvent, PublishAction, SubAckReasonCode,
};
use mqtt5::{QoS, strip_shared_subscription_prefix, topic_matches_filter};
use tokio::sync::Notify;

/// The longest time one message waits for its listeners.
const LONGEST_WAIT: Duration = Duration::from_millis(250);
/// A listener that took nothing for so long is not waited for.
const STOPPED_AFTER: Duration = Duration::from_secs(5);

/// How much a client publishes, in bytes, before others have their turn.
const TURN: usize = 1024 * 1024;
/// What a message counts for besides its payload, in bytes.
const COST_OF_A_MESSAGE: usize = 4096;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Everyone connected, with what they subscribed to and how far behind they are.
#[derive(Debug)]
pub(crate) struct Audience {
    listeners: RwLock<HashMap<u64, Arc<Listener>>>,
    next_id: AtomicU64,
    /// Waiting bytes from which on a listener counts as behind.
    behind_from: usize,
    behind: AtomicUsize,
    caught_up: Notify,
    /// Bytes that wait for all together.
    waiting: AtomicUsize,
    /// Clients that are logged in.
    clients: AtomicUsize,
}

/// How many bytes wait for one client, and since when they have not moved.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gauge(Arc<Level>);

#[derive(Debug, Default)]
struct Level {
    waiting: AtomicUsize,
    /// Milliseconds after [`START`].
    moved: AtomicU64,
    audience: Option<Arc<Audience>>,
}

#[derive(Debug)]
struct Listener {
    filters: Mutex<HashSet<Arc<str>>>,
    gauge: Gauge,
}

/// One connection's place in the audience, fed by the broker's events.
#[derive(Debug)]
pub(crate) struct Seat {
    id: u64,
    audience: Arc<Audience>,
    listener: Arc<Listener>,
    admission: Admission,
    /// What this client has published since others had their turn.
    published: AtomicUsize,
}

/// Whether the broker has accepted a connection's CONNECT; clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Admission(Arc<Gate>);

#[derive(Debug, Default)]
struct Gate {
    open: AtomicBool,
    opened: Notify,
}

impl Audience {
    /// Nobody yet; from `behind_from` waiting bytes on, a listener counts as behind.
    pub(crate) fn new(behind_from: usize) -> Self {
        Self {
            listeners: RwLock::default(),
            next_id: AtomicU64::new(0),
            behind_from,
            behind: AtomicUsize::new(0),
            caught_up: Notify::new(),
            waiting: AtomicUsize::new(0),
            clients: AtomicUsize::new(0),
        }
    }

    /// Clients that are logged in now.
    pub(crate) fn clients(&self) -> usize {
        self.clients.load(Ordering::Relaxed)
    }

    /// A gauge that belongs to this audience.
    pub(crate) fn gauge(self: &Arc<Self>) -> Gauge {
        Gauge(Arc::new(Level {
            audience: Some(Arc::clone(self)),
            ..Level::default()
        }))
    }

    /// Adds a connection until the seat is dropped; opens `admission` once the
    /// broker lets its client in.
    pub(crate) fn seat(self: &Arc<Self>, gauge: Gauge, admission: Admission) -> Seat {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let listener = Arc::new(Listener {
            filters: Mutex::default(),
            gauge,
        });
        self.listeners
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, Arc::clone(&listener));
        Seat {
            id,
            audience: Arc::clone(self),
            listener,
            admission,
            published: AtomicUsize::new(0),
        }
    }

    /// Waits until the quickest listener of `topic` has room, see the module.
    async fn wait_for_room(&self, topic: &str, publisher: u64) {
        if self.behind.load(Ordering::Relaxed) == 0 {
            return;
        }
        let room = async {
            loop {
                let caught_up = self.caught_up.notified();
                tokio::pin!(caught_up);
                // Registered before looking, so that no change is missed.
                caught_up.as_mut().enable();
                if !self.all_behind(topic, publisher) {
                    return;
                }
                caught_up.await;
            }
        };
        // Running out of time is fine: the outbox drops what is too much.
        let _ = tokio::time::timeout(LONGEST_WAIT, room).await;
    }

    /// Whether `topic` has listeners that still move, and all of them are behind.
    fn all_behind(&self, topic: &str, publisher: u64) -> bool {
        let now = now();
        let listeners = self
            .listeners
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let mut moving = listeners
            .iter()
            .filter(|(id, listener)| **id != publisher && listener.hears(topic))
            .filter(|(_, listener)| !listener.gauge.has_stopped(now))
            .peekable();
        moving.peek().is_some() && moving.all(|(_, listener)| listener.gauge.is_behind())
    }
}

impl Gauge {
    /// Notes how many bytes wait now.
    pub(crate) fn set(&self, waiting: usize) {
        let before = self.0.waiting.swap(waiting, Ordering::Relaxed);
        if waiting < before || before == 0 {
            self.0.moved.store(now(), Ordering::Relaxed);
        }
        let Some(audience) = &self.0.audience else {
            return;
        };
        // Wrapping, as all changes of one gauge add up to zero.
        audience
            .waiting
            .fetch_add(waiting.wrapping_sub(before), Ordering::Relaxed);
        let behind_from = audience.behind_from;
        match (before >= behind_from, waiting >= behind_from) {
            (false, true) => {
                audience.behind.fetch_add(1, Ordering::Relaxed);
            }
            (true, false) => {
                audience.behind.fetch_sub(1, Ordering::Relaxed);
                audience.caught_up.notify_waiters();
            }
            _ => {}
        }
    }

    /// Bytes that wait for all clients together.
    pub(crate) fn waiting_for_all(&self) -> usize {
        self.0
            .audience
            .as_ref()
            .map_or(0, |audience| audience.waiting.load(Ordering::Relaxed))
    }

    fn is_behind(&self) -> bool {
        let waiting = self.0.waiting.load(Ordering::Relaxed);
        self.0
            .audience
            .as_ref()
            .is_some_and(|audience| waiting >= audience.behind_from)
    }

    /// `now` in milliseconds after [`START`].
    fn has_stopped(&self, now: u64) -> bool {
        let still = now.saturating_sub(self.0.moved.load(Ordering::Relaxed));
        self.is_behind() && Duration::from_millis(still) >= STOPPED_AFTER
    }
}

impl Listener {
    fn hears(&self, topic: &str) -> bool {
        self.filters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .any(|filter| topic_matches_filter(topic, strip_shared_subscription_prefix(filter)))
    }
}

impl Admission {
    /// Whether the client is in.
    pub(crate) fn is_open(&self) -> bool {
        self.0.open.load(Ordering::Relaxed)
    }

    /// Resolves once when the client is let in.
    pub(crate) async fn opened(&self) {
        self.0.opened.notified().await;
    }

    /// Lets the client in.
    pub(crate) fn open(&self) {
        self.0.open.store(true, Ordering::Relaxed);
        self.0.opened.notify_one();
    }
}

impl Seat {
    /// Lets the tasks of the listeners run between a publisher's messages. While
    /// its socket has data its own task would go on for a thousand of them, and
    /// what the broker holds for a listener's task is bounded.
    async fn take_turns(&self, payload: usize) {
        let published = self
            .published
            .fetch_add(payload + COST_OF_A_MESSAGE, Ordering::Relaxed);
        if published >= TURN {
            self.published.store(0, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    }

    fn with_filters(&self, change: impl FnOnce(&mut HashSet<Arc<str>>)) {
        change(
            &mut self
                .listener
                .filters
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.audience
            .listeners
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.id);
        if self.admission.is_open() {
            self.audience.clients.fetch_sub(1, Ordering::Relaxed);
        }
        // Whoever waits for this listener must not wait on.
        self.audience.caught_up.notify_waiters();
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl BrokerEventHandler for Seat {
    fn on_client_connect<'a>(&'a self, _event: ClientConnectEvent) -> Answer<'a, ()> {
        self.admission.open();
        self.audience.clients.fetch_add(1, Ordering::Relaxed);
        Box::pin(async {})
    }

    fn on_client_subscribe<'a>(&'a self, event: ClientSubscribeEvent) -> Answer<'a, ()> {
        self.with_filters(|filters| {
            filters.extend(
                event
                    .subscriptions
                    .into_iter()
                    .filter(|info| is_granted(info.result))
                    .map(|info| info.topic_filter),
            );
        });
        Box::pin(async {})
    }

    fn on_client_unsubscribe<'a>(&'a self, event: ClientUnsubscribeEvent) -> Answer<'a, ()> {
        self.with_filters(|filters| {
            for filter in &event.topic_filters {
                filters.remove(filter);
            }
        });
        Box::pin(async {})
    }

    fn on_client_publish<'a>(&'a self, event: ClientPublishEvent) -> Answer<'a, PublishAction> {
        Box::pin(async move {
            self.take_turns(event.payload.len()).await;
            if event.qos == QoS::AtMostOnce {
                self.audience.wait_for_room(&event.topic, self.id).await;
            }
            PublishAction::Continue
        })
    }
}

fn is_granted(result: SubAckReasonCode) -> bool {
    use SubAckReasonCode::{GrantedQoS0, GrantedQoS1, GrantedQoS2};
    matches!(result, GrantedQoS0 | GrantedQoS1 | GrantedQoS2)
}

fn now() -> u64 {
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    const BEHIND_FROM: usize = 1000;

    fn listener(audience: &Arc<Audience>, filter: &str, waiting: usize) -> (Seat, Gauge) {
        let gauge = audience.gauge();
        let seat = audience.seat(gauge.clone(), Admission::default());
        seat.with_filters(|filters| {
            filters.insert(filter.into());
        });
        gauge.set(waiting);
        (seat, gauge)
    }

    #[test]
    fn a_publisher_waits_only_while_all_its_listeners_are_behind() {
        let audience = Arc::new(Audience::new(BEHIND_FROM));
        let nobody = u64::MAX;
        assert!(!audience.all_behind("a/b", nobody), "no listener");

        let (slow_seat, slow) = listener(&audience, "a/+", BEHIND_FROM);
        assert!(audience.all_behind("a/b", nobody));
        assert!(!audience.all_behind("other", nobody), "another topic");
        assert!(!audience.all_behind("a/b", slow_seat.id), "not for itself");

        let (quick_seat, _quick) = listener(&audience, "$share/group/a/b", 0);
        assert!(!audience.all_behind("a/b", nobody), "one has room");
        drop(quick_seat);
        assert!(audience.all_behind("a/b", nobody));

        slow.set(BEHIND_FROM - 1);
        assert!(!audience.all_behind("a/b", nobody), "caught up");
    }

    #[test]
    fn a_listener_that_stopped_is_not_waited_for() {
        let audience = Arc::new(Audience::new(BEHIND_FROM));
        let (_seat, gauge) = listener(&audience, "#", BEHIND_FROM);
        assert!(!gauge.has_stopped(now()));
        assert!(gauge.has_stopped(now() + 6000), "no byte for six seconds");

        gauge.set(0);
        assert!(
            !gauge.has_stopped(now() + 6000),
            "nothing waits, nothing can move"
        );
    }

    #[tokio::test]
    async fn waiting_ends_when_a_listener_catches_up_and_otherwise_soon() {
        let audience = Arc::new(Audience::new(BEHIND_FROM));
        let (_seat, gauge) = listener(&audience, "a", BEHIND_FROM);
        let started = Instant::now();
        audience.wait_for_room("a", u64::MAX).await;
        assert!(started.elapsed() >= LONGEST_WAIT);

        let waiting = audience.wait_for_room("a", u64::MAX);
        tokio::pin!(waiting);
        assert!(poll_once(waiting.as_mut()).is_pending());
        gauge.set(0);
        assert!(poll_once(waiting).is_ready(), "caught up");
        assert_eq!(audience.behind.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn what_waits_for_all_adds_up() {
        let audience = Arc::new(Audience::new(BEHIND_FROM));
        let (_first_seat, first) = listener(&audience, "a", 300);
        let (_second_seat, second) = listener(&audience, "a", 5000);
        assert_eq!(first.waiting_for_all(), 5300);
        second.set(100);
        first.set(0);
        assert_eq!(first.waiting_for_all(), 100);
        second.set(0);
        assert_eq!(first.waiting_for_all(), 0);
    }

    fn poll_once(future: Pin<&mut impl Future<Output = ()>>) -> Poll<()> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }
}
