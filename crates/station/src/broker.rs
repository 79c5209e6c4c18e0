//! The embedded broker: the `mqtt5` crate, with our own connections plugged in.
//!
//! The crate's listeners are not used. Ours hand it connections that are already
//! open, whose sending side never blocks it and whose memory is bounded; see
//! docs/STATION.md for the whole arrangement.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mqtt5::MqttError;
use mqtt5::broker::BrokerConfig;
use mqtt5::broker::client_handler::ClientHandler;
use mqtt5::broker::resource_monitor::{ResourceLimits, ResourceMonitor};
use mqtt5::broker::router::MessageRouter;
use mqtt5::broker::storage::{
    DynamicStorage, FileBackend, MemoryBackend, QueueLimits, StorageBackend,
};
use mqtt5::broker::sys_topics::BrokerStats;
use mqtt5::broker::transport::BrokerTransport;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::access::Access;
use super::audience::Audience;
use super::crowd::Crowd;
use super::limits::Limits;
use super::link::Link;
use super::login::Logins;
use super::outbox::{Outbox, Wire};
use super::reception::Reception;
use super::retained::MOST_RETAINED;
use super::rules::Rules;
use super::seat::Seat;
use super::sessions::{MOST_SESSIONS, Sessions};
use super::socket::Socket;
use crate::error::Error;

/// The longest a session outlives its connection, in seconds: a day.
const LONGEST_SESSION: u64 = 24 * 60 * 60;
/// The bounds of what a session holds for a client that is away.
const AWAY_LIMITS: QueueLimits = QueueLimits {
    max_messages: 1000,
    max_bytes: 1024 * 1024,
};
/// The module `retained` makes room before there are so many retained messages.
const RETAINED_LIMIT: usize = 2 * MOST_RETAINED;
/// Messages between the router and a client's task, which moves them on into the client's outbox
/// at once. Those that have to be acknowledged wait here while the client's window is full; the
/// module `seat` counts their bytes.
const LANE_CAPACITY: usize = 4096;
/// Messages sent to a client before its next packet is looked at.
const DRAIN_BATCH: usize = 8;
/// Messages from a client whose exchange is unfinished (MQTT's Receive Maximum). Those of QoS 1
/// are answered at once, those of QoS 2 are kept.
const RECEIVE_MAXIMUM: u16 = 1024;
const OPEN_RECEIVE_MAXIMUM: u16 = 64;
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// Connections that have not logged in yet; one of them makes room for a new one.
const MOST_STRANGERS: usize = 512;
/// How long clients may take over the goodbye when the station stops.
const STOP_LIMIT: Duration = Duration::from_millis(2500);

const STATION_STOPS: &str = "the station stops";

/// A running broker.
#[derive(Clone)]
pub(crate) struct Broker {
    config: Arc<BrokerConfig>,
    router: Arc<MessageRouter>,
    reception: Arc<Reception>,
    storage: Arc<DynamicStorage>,
    stats: Arc<BrokerStats>,
    audience: Arc<Audience>,
    sessions: Sessions,
    strangers: Crowd,
    limits: Limits,
    tasks: TaskTracker,
    /// Tells the crate's client tasks to stop, and `stopping` everything else.
    stop: broadcast::Sender<()>,
    stopping: CancellationToken,
}

impl Broker {
    /// Starts a broker that accepts packets of up to `max_packet` bytes and
    /// keeps to `rules`, and keeps sessions and retained messages in `data`, or in memory.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub(crate) async fn start(
        max_packet: u32,
        rules: Rules,
        limits: Limits,
        logins: Logins,
        data: Option<&Path>,
    ) -> Result<Self, Error> {
        let storage = open_storage(data).await?;
        let config = configuration(max_packet, rules, &limits);
        let audience = Arc::new(Audience::new(rules, limits.queues()));
        let router = MessageRouter::with_storage(Arc::clone(&storage))
            .with_retained_limits(RETAINED_LIMIT, rules.longest_retained())
            .with_event_handler(Arc::clone(&audience.retained) as _);
        let router = Arc::new(router);
        let sessions = Sessions::new(
            Arc::clone(&router),
            Arc::clone(&storage),
            Arc::clone(&audience),
            MOST_SESSIONS,
        );
        let reception = Reception::new(logins, sessions.clone(), Arc::clone(&audience));
        let broker = Self {
            config: Arc::new(config),
            router,
            reception: Arc::new(reception),
            storage,
            stats: Arc::new(BrokerStats::new()),
            audience,
            sessions,
            strangers: Crowd::new(MOST_STRANGERS),
            limits,
            tasks: TaskTracker::new(),
            stop: broadcast::channel(1).0,
            stopping: CancellationToken::new(),
        };
        broker
            .recover()
            .await
            .map_err(|error| unusable_data(data, &error))?;
        broker.tasks.spawn(broker.clone().sweep());
        let evicting = broker.sessions.clone().evict();
        let stopping = broker.stopping.clone();
        broker
            .tasks
            .spawn(async move { stopping.run_until_cancelled_owned(evicting).await });
        Ok(broker)
    }

    /// Clients that are logged in now.
    pub(crate) fn clients(&self) -> usize {
        self.audience.clients()
    }

    /// Serves one client on an open connection until it ends; `early` are bytes
    /// that were received together with the WebSocket handshake.
    pub(crate) fn serve(&self, socket: Arc<Socket>, wire: Wire, early: &[u8]) {
        if socket.set_nodelay().is_err() {
            return;
        }
        let gauge = self.audience.ledger.gauge();
        let queues = self.limits.queues();
        let outbox = Outbox::new(Arc::clone(&socket), wire, gauge.clone(), queues);
        let seat = Seat::new(&self.audience, &self.sessions, gauge, &socket);
        let link = Link::new(
            Arc::clone(&socket),
            wire,
            early,
            Arc::clone(&outbox),
            Arc::clone(&seat),
            self.limits.max_rate,
            self.stopping.clone(),
        );
        let place = self.strangers.enter(socket.peer().ip());
        let mut config = (*self.config).clone();
        config.event_handler = Some(Arc::clone(&seat) as _);

        let resources = Arc::new(ResourceMonitor::new(resource_limits()));
        let access = Access::new(
            &self.reception,
            &self.sessions,
            &self.audience,
            &seat.listener,
            &resources,
        );
        let broker = self.clone();
        let stop = self.stop.subscribe();
        self.tasks.spawn(outbox.run());
        self.tasks.spawn(async move {
            let handler = ClientHandler::new(
                BrokerTransport::WebSocket(Box::new(link)),
                socket.peer(),
                Arc::new(config),
                Arc::clone(&broker.router),
                Arc::clone(&access) as _,
                Some(Arc::clone(&broker.storage)),
                Arc::clone(&broker.stats),
                resources,
                stop,
            );
            let running = handler.run();
            tokio::pin!(running);
            let outcome = tokio::select! {
                outcome = &mut running => outcome,
                () = seat.admitted() => {
                    drop(place);
                    running.await
                }
                () = broker.stopping.cancelled() => return socket.note_end(STATION_STOPS),
                () = place.lost() => {
                    return socket.note_end("it had not logged in and made room for newcomers");
                }
                () = tokio::time::sleep(broker.limits.handshake_time()) => {
                    return socket.note_end("it did not log in in time");
                }
            };
            // The place is free before the session takes it.
            drop(seat);
            access.leave().await;
            if broker.stopping.is_cancelled() {
                socket.note_end(STATION_STOPS);
            } else if let Err(error) = outcome {
                socket.note_end(reason(&error));
                tracing::debug!(peer = %socket.peer(), "the session ended: {error}");
            }
        });
    }

    /// Says goodbye to every client and writes out what is kept in a folder.
    pub(crate) async fn stop(self) {
        self.stopping.cancel();
        // Fails only when no client is connected.
        let _ = self.stop.send(());
        self.tasks.close();
        if tokio::time::timeout(STOP_LIMIT, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::debug!("some clients did not answer the goodbye");
        }
        if let Err(error) = self.storage.shutdown().await {
            tracing::warn!("sessions and retained messages may be incomplete: {error}");
        }
    }

    async fn recover(&self) -> mqtt5::Result<()> {
        let longest = u32::try_from(LONGEST_SESSION).unwrap_or(u32::MAX);
        self.storage.cleanup_expired().await?;
        self.router.recover_sessions(longest).await?;
        self.router.initialize().await?;
        self.sessions.recover().await
    }

    /// Removes what has expired, from time to time.
    async fn sweep(self) {
        let mut ticks = tokio::time::interval(SWEEP_EVERY);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.stopping.cancelled() => return,
            }
            if let Err(error) = self.storage.cleanup_expired().await {
                tracing::warn!("cannot remove expired sessions: {error}");
            }
            self.router.sweep_sessions().await;
            self.sessions.sweep().await;
        }
    }
}

fn configuration(max_packet: u32, rules: Rules, limits: &Limits) -> BrokerConfig {
    BrokerConfig {
        bind_addresses: Vec::new(),
        max_clients: usize::try_from(limits.max_connections).unwrap_or(usize::MAX),
        session_expiry_interval: Duration::from_secs(LONGEST_SESSION),
        max_packet_size: usize::try_from(max_packet).unwrap_or(usize::MAX),
        // The crate keeps every alias's topic for each connection.
        topic_alias_maximum: 64,
        // Counted by the audience: the crate looks through all subscriptions for each new one.
        max_subscriptions_per_client: 0,
        maximum_qos: rules.highest_qos(),
        wildcard_subscription_available: rules.is_open,
        shared_subscription_available: false,
        max_retained_messages: RETAINED_LIMIT,
        max_retained_message_size: rules.longest_retained(),
        client_channel_capacity: LANE_CAPACITY,
        drain_batch: DRAIN_BATCH,
        server_receive_maximum: Some(if rules.is_open {
            OPEN_RECEIVE_MAXIMUM
        } else {
            RECEIVE_MAXIMUM
        }),
        sys_topics_enabled: false,
        ..BrokerConfig::default()
    }
}

/// Without bounds: connections are counted at the door, and the pace is TCP's, see the modules
/// `door`, `pace` and `audience`.
fn resource_limits() -> ResourceLimits {
    ResourceLimits {
        max_connections: usize::MAX,
        max_connections_per_ip: usize::MAX,
        max_message_rate_per_client: 0,
        max_bandwidth_per_client: 0,
        max_connection_rate: u32::MAX,
        rate_limit_window: Duration::from_secs(1),
    }
}

/// Why a session ended, in words without its topics.
fn reason(error: &MqttError) -> &'static str {
    match error {
        MqttError::AuthenticationFailed | MqttError::NotAuthorized => "its login was refused",
        MqttError::Timeout | MqttError::KeepAliveTimeout => "it was silent for too long",
        MqttError::PacketTooLarge { .. } => "it sent a packet beyond --max-packet",
        MqttError::Io(_)
        | MqttError::ConnectionError(_)
        | MqttError::ConnectionClosedByPeer
        | MqttError::ClientClosed
        | MqttError::NotConnected => "the connection broke",
        _ => "it broke the rules of MQTT",
    }
}

async fn open_storage(data: Option<&Path>) -> Result<Arc<DynamicStorage>, Error> {
    Ok(Arc::new(match data {
        None => DynamicStorage::Memory(MemoryBackend::with_queue_limits(AWAY_LIMITS)),
        Some(folder) => DynamicStorage::File(
            FileBackend::with_queue_limits(folder, AWAY_LIMITS)
                .await
                .map_err(|error| unusable_data(data, &error))?,
        ),
    }))
}

fn unusable_data(data: Option<&Path>, error: &MqttError) -> Error {
    match data {
        None => Error::Broker(error.to_string()),
        Some(folder) => Error::Data {
            folder: folder.to_owned(),
            error: error.to_string(),
        },
    }
}
