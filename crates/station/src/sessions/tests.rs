use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mqtt5::broker::router::DeliveryLanes;
use mqtt5::broker::storage::MemoryBackend;
use tokio::sync::{mpsc, oneshot};

use super::super::limits::QueueLimits;
use super::super::rules::Rules;
use super::*;

fn sessions() -> Sessions {
    let audience = Audience::new(Rules { is_open: true }, QueueLimits::default());
    let audience = Arc::new(audience);
    let storage = Arc::new(DynamicStorage::Memory(MemoryBackend::new()));
    let router = MessageRouter::with_storage(Arc::clone(&storage))
        .with_event_handler(Arc::clone(&audience.retained) as _);
    Sessions::new(Arc::new(router), storage, audience, 10)
}

fn retained(topic: &str, expiry: Option<u32>) -> PublishPacket {
    let mut message = PublishPacket::new(topic, &b"kept"[..], QoS::AtLeastOnce);
    message.retain = true;
    if let Some(seconds) = expiry {
        message.properties.set_message_expiry_interval(seconds);
    }
    message
}

#[tokio::test]
async fn expired_messages_leave_the_router_and_the_books() {
    let sessions = sessions();
    for (topic, expiry) in [("short", Some(1)), ("long", Some(1000)), ("ever", None)] {
        sessions.retain(&topic.into(), 100, UNKNOWN, expiry).await;
        sessions.publish(&retained(topic, expiry)).await;
    }
    let held = sessions.audience.ledger.total();
    while sessions.router.get_retained_messages("short").await.len() == 1 {
        sessions.sweep().await;
        assert_eq!(sessions.router.retained_count().await, 3, "not yet");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    sessions.sweep().await;
    assert_eq!(sessions.router.retained_count().await, 2);
    assert_eq!(sessions.audience.ledger.total(), held - 200);
}

#[tokio::test]
async fn a_session_that_makes_room_takes_its_delayed_will_with_it() {
    let sessions = sessions();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let mut session = ClientSession::new("away", true, Some(600));
    session.mark_disconnected(u64::try_from(now.as_millis()).unwrap());
    sessions.storage.store_session(session).await.unwrap();
    let (qos1_tx, _first) = mpsc::channel(1);
    let (qos0_tx, _second) = mpsc::channel(1);
    let registration = sessions.router.register_client(
        "away".to_owned(),
        DeliveryLanes { qos1_tx, qos0_tx },
        sessions.queue("away"),
        oneshot::channel().0,
    );
    let generation = registration.await.generation;
    let cancelled = sessions.router.arm_will("away", generation).await.unwrap();
    sessions
        .router
        .release_client("away", generation, true)
        .await;

    sessions.note_left(&"away".into(), UNKNOWN).await;
    assert_eq!(sessions.audience.away(), 1);
    sessions.remove(&"away".into()).await;
    assert_eq!(sessions.audience.away(), 0);
    assert_eq!(sessions.audience.ledger.total(), 0);
    cancelled.await.unwrap();
}
