use core::time::Duration;

use super::deadline::{Deadline, Expiry};
use crate::Time;
use crate::types::Timer;

/// The time a server has to answer PINGREQ is half the keep-alive, within these bounds.
const RESPONSE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(15));

/// The time a server has to answer when it is asked on purpose.
const CHECK: Duration = Duration::from_secs(5);

/// While something is under way a server that was silent for so long is asked on purpose.
const QUIET: Duration = Duration::from_secs(4);

/// A server that was silent for so long is asked, however long the keep-alive is: that is for the
/// server, which is to keep the connection, and says nothing of how long a dead one may be trusted.
const SILENCE: Duration = Duration::from_secs(45);

/// The facts about a connection that decide when to ask for a sign of life and how long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Watch {
    /// Something is under way: silence is suspicious.
    pub(super) is_busy: bool,
    /// How many times as long as usual is waited then: on a slow line an answer may be stuck behind
    /// what was asked for.
    pub(super) patience: u32,
}

impl Watch {
    fn quiet(self, interval: Duration) -> Duration {
        if self.is_busy {
            interval.min(QUIET * self.patience)
        } else {
            interval.min(SILENCE)
        }
    }

    fn check(self) -> Duration {
        CHECK * self.patience
    }
}

/// Keeps a connection alive and notices when it is not (MQTT 5, section 3.1.2.10).
///
/// PINGREQ goes out after a keep-alive without sending, as the server demands,
/// or after as long or 45 s without receiving, because QoS 0 publications vanish unnoticed in a dead
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

/// The act that a deadline calls for.
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
        self.check_within(CHECK, now)
    }

    fn check_within(&mut self, span: Duration, now: Time) -> Action {
        if self.is_checked() {
            return Action::Nothing;
        }
        self.ping = Some(Ping {
            answer: Deadline::new(now, span),
            is_check: true,
        });
        Action::SendPing
    }

    pub(super) fn timeout(&self, watch: Watch) -> (Time, Timer) {
        let idle = (self.idle_at(watch), Timer::KeepAlive);
        match &self.ping {
            Some(ping) if ping.answer.at() <= idle.0 => (ping.answer.at(), Timer::PingResponse),
            _ => idle,
        }
    }

    pub(super) fn handle_timeout(&mut self, watch: Watch, now: Time) -> Action {
        if let Some(ping) = &mut self.ping {
            match ping.answer.handle_timeout(now) {
                Expiry::Expired => return Action::GiveUp,
                Expiry::Renewed => return Action::SendPing,
                Expiry::Pending => {}
            }
        }
        if now < self.idle_at(watch) {
            return Action::Nothing;
        }
        if watch.is_busy && !self.is_checked() {
            return self.check_within(watch.check(), now);
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

    /// Whether the server was asked on purpose and has not answered.
    fn is_checked(&self) -> bool {
        self.ping.as_ref().is_some_and(|ping| ping.is_check)
    }

    fn idle_at(&self, watch: Watch) -> Time {
        let by_sending = self.last_sent + self.interval;
        // An answer that is awaited anyway is worth waiting for, unless that takes too long.
        let is_asked = match watch.is_busy {
            true => self.is_checked(),
            false => self.ping.is_some(),
        };
        if is_asked {
            by_sending
        } else {
            by_sending.min(self.last_received + watch.quiet(self.interval))
        }
    }
}
