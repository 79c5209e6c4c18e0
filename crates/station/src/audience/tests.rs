use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Instant;

use mqtt5::broker::storage::{MemoryBackend, StorageBackend};

use super::super::socket::pair;
use super::*;

const BEHIND_FROM: usize = 1000;
const NOBODY: u64 = u64::MAX;

fn audience(is_open: bool, total: usize) -> Arc<Audience> {
    let queues = QueueLimits {
        behind_from: BEHIND_FROM,
        total,
        ..QueueLimits::default()
    };
    Arc::new(Audience::new(Rules { is_open }, queues))
}

async fn listener(audience: &Audience, client: &str, filter: &str) -> Arc<Listener> {
    let (socket, _) = pair().await.unwrap();
    let peer = socket.peer().ip();
    let listener = audience.enter(audience.ledger.gauge(), peer, socket);
    audience.name(&listener, &client.into(), None, true);
    assert!(audience.allow(client, filter), "{filter}");
    listener
}

fn stay(client: &str, last: u8, held: usize) -> Stay {
    Stay {
        client: client.into(),
        user: None,
        household: [192, 0, 2, last].into(),
        filters: vec![("a/b".into(), 1)],
        held,
        unreleased: 0,
        will: 0,
    }
}

#[tokio::test]
async fn a_publisher_waits_only_while_all_its_listeners_are_behind() {
    let audience = audience(true, usize::MAX);
    let gauge = audience.ledger.gauge();
    let waits = |topic: &str, publisher| audience.must_wait(topic, publisher, &gauge);
    assert!(!waits("a/b", NOBODY), "no listener");

    let slow = listener(&audience, "slow", "a/+").await;
    slow.gauge.set_waiting(BEHIND_FROM);
    assert!(waits("a/b", NOBODY));
    assert!(!waits("other", NOBODY), "another topic");
    assert!(!waits("a/b", slow.id), "not for itself");

    let quick = listener(&audience, "quick", "a/b").await;
    assert!(!waits("a/b", NOBODY), "one has room");
    audience.leave(&quick, true);
    assert!(waits("a/b", NOBODY));

    slow.gauge.set_waiting(BEHIND_FROM - 1);
    assert!(!waits("a/b", NOBODY), "caught up");
    let message = gauge.send(BEHIND_FROM);
    assert!(
        waits("nobody", NOBODY),
        "its own messages are not on their way yet"
    );
    drop(message);
    assert!(!waits("nobody", NOBODY));
}

#[tokio::test]
async fn waiting_ends_when_a_listener_catches_up_and_otherwise_soon() {
    let audience = audience(false, usize::MAX);
    let gauge = audience.ledger.gauge();
    let slow = listener(&audience, "slow", "a").await;
    slow.gauge.set_waiting(BEHIND_FROM);
    let started = Instant::now();
    audience.wait_for_room("a", NOBODY, &gauge).await;
    assert!(started.elapsed() >= LONGEST_WAIT);

    let mut waiting = pin!(audience.wait_for_room("a", NOBODY, &gauge));
    let mut context = Context::from_waker(Waker::noop());
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    slow.gauge.set_waiting(0);
    assert!(waiting.poll(&mut context).is_ready(), "caught up");
    assert_eq!(audience.ledger.behind(), 0);
}

#[tokio::test]
async fn messages_are_owed_until_they_are_acknowledged_or_gone() {
    let audience = audience(false, usize::MAX);
    let slow = listener(&audience, "slow", "a").await;
    let (kept, dropped) = (Arc::new(()), Arc::new(()));
    assert_eq!(slow.owe(100, Arc::downgrade(&kept), 1000), 0);
    assert_eq!(slow.owe(300, Arc::downgrade(&dropped), 1000), 100);
    drop(dropped);
    assert_eq!(
        slow.owe(50, Arc::downgrade(&kept), 420),
        100,
        "what is gone does not count"
    );
    slow.note_sent(1, 7);
    slow.note_sent(2, 7);
    slow.note_acknowledged(1);
    slow.note_acknowledged(1);
    assert_eq!(slow.owe(0, Arc::downgrade(&kept), 1000), 50);
    slow.note_acknowledged(2);
    assert_eq!(slow.owe(0, Arc::downgrade(&kept), 1000), 0);
}

#[tokio::test]
async fn a_client_that_is_back_owes_what_was_left_and_what_comes_behind_it() {
    let audience = audience(false, usize::MAX);
    let back = listener(&audience, "back", "a").await;
    let queue = MemoryBackend::new().queue_handle("back");
    queue.expect_bind(1);
    back.inherit(500);
    back.take_up(Arc::clone(&queue), &[(9, 100)]);
    assert_eq!(back.owed(), 500, "100 of them were sent");
    let kept = Arc::new(());
    back.owe(50, Arc::downgrade(&kept), 1000);
    assert_eq!(back.owed(), 550);
    back.note_sent(9, 7);
    assert_eq!(back.owed(), 550, "sent again");
    back.note_sent(10, 7);
    back.note_acknowledged(10);
    assert_eq!(back.owed(), 100, "the queue was empty behind it");
    back.inherit(300);
    queue.mark_bound(1);
    back.owe(30, Arc::downgrade(&kept), 1000);
    assert_eq!(back.owed(), 130, "nothing waits before it any more");
    back.note_acknowledged(9);
    back.note_sent(11, 7);
    back.note_acknowledged(11);
    assert_eq!(back.owed(), 0);
}

#[tokio::test]
async fn filters_are_few_and_counted() {
    let audience = audience(true, usize::MAX);
    let one = listener(&audience, "one", "0/+").await;
    let before = audience.ledger.total();
    let granted = (0..200).filter(|number| audience.allow("one", &format!("{number}/+")));
    assert_eq!(granted.count(), 100);
    assert!(audience.allow("one", "0/+"), "one that it has");
    assert!(audience.allow("one", "exact"));
    assert!(!audience.allow("one", "$share/group/exact"));
    assert!(!audience.allow("one", &"x".repeat(2000)));
    assert!(audience.ledger.total() > before + 99 * 600);
    audience.unsubscribe(&one, "0/+");
    assert!(audience.allow("one", "new/+"));
    audience.leave(&one, true);
    drop(one);
    assert_eq!(audience.ledger.total(), 0);
    assert_eq!(audience.wildcards.load(Ordering::Relaxed), 0);
    assert!(audience.listeners_of("exact").is_empty());
}

#[tokio::test]
async fn a_session_keeps_its_filters_until_its_client_is_back() {
    let audience = audience(false, usize::MAX);
    audience.stay(stay("sleeper", 1, 0));
    assert_eq!(
        (audience.away(), audience.listeners_of("a/b").len()),
        (1, 1)
    );
    let back = listener(&audience, "other", "c").await;
    let (socket, _) = pair().await.unwrap();
    let peer = socket.peer().ip();
    let sleeper = audience.enter(audience.ledger.gauge(), peer, socket);
    audience.name(&sleeper, &"sleeper".into(), None, false);
    assert_eq!(audience.away(), 0);
    let heard = audience.listeners_of("a/b");
    assert!(heard.len() == 1 && Arc::ptr_eq(&heard[0].0, &sleeper));
    audience.stay(stay("sleeper", 1, 0));
    assert_eq!(audience.away(), 0, "it is back already");
    drop(back);
}

#[tokio::test]
async fn the_oldest_session_of_the_address_with_most_makes_room() {
    let audience = audience(false, usize::MAX);
    audience.stay(stay("alone", 1, 0));
    for client in ["first", "second", "third"] {
        audience.stay(stay(client, 2, 0));
    }
    assert_eq!(audience.oldest_of_most().as_deref(), Some("first"));
    audience.forget("first");
    assert_eq!(audience.oldest_of_most().as_deref(), Some("second"));
    assert_eq!(audience.absent().len(), 3);
}

#[tokio::test]
async fn who_holds_most_makes_room_for_all() {
    const MIB: usize = 1024 * 1024;
    let audience = audience(false, 10 * MIB);
    let modest = listener(&audience, "modest", "a").await;
    modest.gauge.keep(MIB);
    let greedy = listener(&audience, "greedy", "a").await;
    greedy.gauge.keep(8 * MIB);
    audience.make_room();
    assert!(!greedy.is_ended());
    audience.stay(stay("sleeper", 9, 2 * MIB));
    audience.make_room();
    assert!(greedy.is_ended() && !modest.is_ended());
    // It is on its way out, nobody else has to go for it.
    audience.make_room();
    assert!(!modest.is_ended() && audience.evicted().is_empty());
    audience.leave(&greedy, true);
    drop(greedy);
    assert_eq!(audience.ledger.excess(), 0);

    audience.stay(stay("heavy", 9, 9 * MIB));
    audience.make_room();
    assert_eq!(audience.evicted().len(), 1, "sessions make room as well");
}
