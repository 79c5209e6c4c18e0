//! The connection to the broker, as a command sees it: a broker that cannot be reached at the start
//! is an error, and later interruptions are ridden out.

use core::time::Duration;

use mqdrop_core::Time;
use mqdrop_core::view::{ConnectionState, RoomTrouble, StatusView};

use crate::failure::Failure;
use crate::say::Event;
use crate::words;

/// The broker is to let this device in within so long at the start.
const PATIENCE: Duration = Duration::from_secs(10);

/// Watches the connection.
pub(super) struct Connecting {
    /// When a broker that was never reached is given up.
    until: Time,
    /// The state that was told last.
    stage: Stage,
    /// The reason that this device is not in the room, in words, as it was told last.
    reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// This device was not in the room yet.
    First,
    /// It is.
    Online,
    /// It was, and that it is not was told.
    Lost,
}

/// Something to do about the connection.
#[derive(Debug, PartialEq)]
pub(super) enum Change {
    /// The room was entered for the first time.
    Entered(Event),
    /// Tell the user.
    Say(Event),
    /// The command cannot go on.
    Failed(Failure),
}

impl Connecting {
    /// Begins to connect now.
    pub(super) fn new(now: Time) -> Self {
        Self {
            until: now + PATIENCE,
            stage: Stage::First,
            reason: words().terminal_no_answer().into(),
        }
    }

    /// Takes in how the connection stands.
    pub(super) fn handle_status(&mut self, status: &StatusView) -> Option<Change> {
        if status.state == ConnectionState::Error && status.remedy.is_some() {
            // Trying again does not help.
            return Some(Change::Failed(Failure::Broker(reason(status))));
        }
        if status.state == ConnectionState::Online {
            let online = Event::Online {
                protocol: status.protocol.clone(),
                limit: (status.limit.as_ref()).map(|limit| words().broker_limit(limit)),
            };
            return match std::mem::replace(&mut self.stage, Stage::Online) {
                Stage::First => Some(Change::Entered(online)),
                Stage::Lost => Some(Change::Say(online)),
                Stage::Online => None,
            };
        }
        if status.state == ConnectionState::Error {
            let trouble = status.trouble.as_ref();
            if self.stage == Stage::First && trouble.is_some_and(RoomTrouble::outlasts_waiting) {
                return Some(Change::Failed(Failure::Broker(reason(status))));
            }
            self.reason = reason(status);
        }
        if self.stage == Stage::Online {
            self.stage = Stage::Lost;
            let text = words().terminal_connection_lost().into();
            return Some(Change::Say(Event::Warning { text }));
        }
        None
    }

    /// Looks at the time.
    pub(super) fn handle_time(&self, now: Time) -> Option<Change> {
        self.deadline()
            .filter(|until| *until <= now)
            .map(|_| Change::Failed(Failure::Broker(self.reason.clone())))
    }

    /// When to look at the time.
    pub(super) fn deadline(&self) -> Option<Time> {
        (self.stage == Stage::First).then_some(self.until)
    }
}

/// The reason that the device is not in its room.
fn reason(status: &StatusView) -> String {
    let trouble = status.trouble.as_ref();
    trouble.map_or_else(
        || words().status(status),
        |trouble| words().room_trouble(trouble, &status.broker),
    )
}

#[cfg(test)]
mod tests {
    use mqdrop_core::Obstacle;
    use mqdrop_core::view::Remedy;

    use super::*;

    fn status(state: ConnectionState, trouble: Option<RoomTrouble>) -> StatusView {
        StatusView {
            state,
            broker: "ws://broker".into(),
            trouble,
            ..StatusView::default()
        }
    }

    const LATER: Time = Time::from_micros(10_000_000);

    #[test]
    fn a_broker_that_is_never_reached_is_given_up_with_its_words() {
        let mut connecting = Connecting::new(Time::ZERO);
        let error = status(ConnectionState::Error, Some(RoomTrouble::Silent));
        assert_eq!(connecting.handle_status(&error), None);
        assert_eq!(connecting.handle_time(Time::from_micros(9_999_999)), None);
        let failed = Change::Failed(Failure::Broker(
            "ws://broker does not answer. Is it an MQTT broker?".into(),
        ));
        assert_eq!(connecting.handle_time(LATER), Some(failed));
        assert_eq!(connecting.deadline(), Some(LATER));
    }

    #[test]
    fn later_interruptions_are_told_and_ridden_out() {
        let mut connecting = Connecting::new(Time::ZERO);
        let online = status(ConnectionState::Online, None);
        let lost = status(ConnectionState::Connecting, None);
        let error = status(ConnectionState::Error, Some(RoomTrouble::Unreachable));
        assert!(matches!(
            connecting.handle_status(&online),
            Some(Change::Entered(_))
        ));
        assert_eq!(connecting.handle_status(&online), None);
        for _ in 0..2 {
            let change = connecting.handle_status(&lost);
            assert!(matches!(change, Some(Change::Say(Event::Warning { .. }))));
            assert_eq!(connecting.handle_status(&error), None);
            assert_eq!(connecting.handle_time(LATER), None);
            let change = connecting.handle_status(&online);
            assert!(matches!(change, Some(Change::Say(Event::Online { .. }))));
        }
    }

    #[test]
    fn a_certificate_that_is_not_trusted_is_an_error_at_once_but_no_end_later() {
        let text = "Its certificate has expired".to_owned();
        let trouble = |trouble| status(ConnectionState::Error, Some(trouble));
        let lasting = trouble(RoomTrouble::Transport(Obstacle::Lasting(text.clone())));
        let failed = Change::Failed(Failure::Broker(text.clone()));
        let mut connecting = Connecting::new(Time::ZERO);
        // Time may mend this.
        let passing = trouble(RoomTrouble::Transport(Obstacle::Told(text)));
        assert_eq!(connecting.handle_status(&passing), None);
        assert_eq!(connecting.handle_status(&lasting), Some(failed));

        let mut connecting = Connecting::new(Time::ZERO);
        connecting.handle_status(&status(ConnectionState::Online, None));
        connecting.handle_status(&status(ConnectionState::Connecting, None));
        // Somebody may give the broker another one.
        assert_eq!(connecting.handle_status(&lasting), None);
        assert_eq!(connecting.handle_time(LATER), None);
    }

    #[test]
    fn a_login_that_is_refused_is_an_error_at_once() {
        let mut connecting = Connecting::new(Time::ZERO);
        let wrong = RoomTrouble::WrongLogin {
            said: String::new(),
        };
        let refused = StatusView {
            remedy: Some(Remedy::Login),
            ..status(ConnectionState::Error, Some(wrong))
        };
        let failed = Change::Failed(Failure::Broker(
            "Wrong user name or password for this broker".into(),
        ));
        assert_eq!(connecting.handle_status(&refused), Some(failed));
    }
}
