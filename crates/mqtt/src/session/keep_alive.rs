use core::time::Duration;

use super::deadline::{Deadline, Expiry};
use crate::Time;
use crate::types::Timer;

/// The time a server has to answer PINGREQ is half the keep-alive, within these bounds.
const RESPONSE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(15));

/// The time a server has to answer when it is asked on purpose.
const CHECK: Duration = Duration::from_secs(5);

/// Keeps a connection alive and notices when it is not (MQTT 5, section 3.1.2.10).
///
/// PINGREQ goes out after a keep-alive without sending, as the server demands,
/// or without receiving, because QoS 0 publications vanish unnoticed in a dead
/// connection. Any byte received is a sign of life, not only PINGRESP.
#[derive(Debug)]
pub(super) struct KeepAlive {
    interval: Duration,
    last_sent: Time,
    last_received: Time,
    ping: Option<Ping>,
}

#[derive(Debug)]
struct Ping {
    answer: Deadline,
    is_check: bool,
}

/// What a deadline calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Nothing,
    SendPing,
    /// The server is gone.
    GiveUp,
}

impl KeepAlive {
    pub(super) fn new(interval: Duration, now: Time) -> Self {
        Self {
            interval,
            last_sent: now,
            last_received: now,
            ping: None,
        }
    }

    pub(super) fn handle_sent(&mut self, now: Time) {
        self.last_sent = now;
    }

    pub(super) fn handle_received(&mut self, now: Time) {
        self.last_received = now;
        self.ping = None;
    }

    /// Asks at once whether the server is there. The answer is then due in 5 s; calling again while it is awaited
    /// does not put that off.
    pub(super) fn check(&mut self, now: Time) -> Action {
        if self.ping.as_ref().is_some_and(|ping| ping.is_check) {
            return Action::Nothing;
        }
        self.ping = Some(Ping {
            answer: Deadline::new(now, CHECK),
            is_check: true,
        });
        Action::SendPing
    }

    pub(super) fn timeout(&self) -> (Time, Timer) {
        let idle = (self.idle_at(), Timer::KeepAlive);
        match &self.ping {
            Some(ping) if ping.answer.at() <= idle.0 => (ping.answer.at(), Timer::PingResponse),
            _ => idle,
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Time) -> Action {
        if let Some(ping) = &mut self.ping {
            match ping.answer.handle_timeout(now) {
                Expiry::Expired => return Action::GiveUp,
                Expiry::Renewed => return Action::SendPing,
                Expiry::Pending => {}
            }
        }
        if now < self.idle_at() {
            return Action::Nothing;
        }
        if self.ping.is_none() {
            let span = (self.interval / 2).clamp(RESPONSE.0, RESPONSE.1);
            self.ping = Some(Ping {
                answer: Deadline::new(now, span),
                is_check: false,
            });
        }
        Action::SendPing
    }

    fn idle_at(&self) -> Time {
        let since = match self.ping {
            Some(_) => self.last_sent,
            None => self.last_sent.min(self.last_received),
        };
        since + self.interval
    }
}
