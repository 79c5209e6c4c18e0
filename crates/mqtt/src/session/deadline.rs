use core::time::Duration;

use crate::Time;

/// A wake-up later than this after its deadline is a throttled timer or a machine that slept.
const LATE: Duration = Duration::from_secs(2);

/// How often a late wake-up is forgiven. A tab whose timers are throttled for
/// good must still notice a dead connection at some time.
const GRACES: u8 = 3;

/// A time by which the server must have answered.
///
/// On a late wake-up its answer may lie unread in the transport, so lateness
/// alone does not expire a deadline: it is set anew.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    at: Time,
    span: Duration,
    graces: u8,
}

/// The meaning of a deadline at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expiry {
    /// There is time left.
    Pending,
    /// The wake-up came late; the whole time was granted again.
    Renewed,
    /// The time is over.
    Expired,
}

impl Deadline {
    pub(super) fn new(now: Time, span: Duration) -> Self {
        Self {
            at: now + span,
            span,
            graces: GRACES,
        }
    }

    pub(super) fn at(self) -> Time {
        self.at
    }

    pub(super) fn handle_timeout(&mut self, now: Time) -> Expiry {
        if now < self.at {
            return Expiry::Pending;
        }
        if now.since(self.at) > LATE && self.graces > 0 {
            self.graces -= 1;
            self.at = now + self.span;
            return Expiry::Renewed;
        }
        Expiry::Expired
    }
}
