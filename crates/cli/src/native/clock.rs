//! The clock, and the one timer.

use std::time::{Duration, Instant};

use mqdrop_client::Input;
use mqdrop_core::Time;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Inputs;

/// The timer sleeps no longer: the engine's deadlines are far below.
const LONGEST_SLEEP: Duration = Duration::from_secs(24 * 3600);

/// Counts from when it was made, and never goes back.
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn new() -> Self {
        Self(Instant::now())
    }

    pub(super) fn now(&self) -> Time {
        let micros = self.0.elapsed().as_micros();
        Time::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

/// Rings once for each setting, unless it is set anew before.
pub(super) struct Alarm {
    deadline: watch::Sender<Option<Instant>>,
    task: JoinHandle<()>,
}

impl Alarm {
    /// To be called on a runtime.
    pub(super) fn new<C: Send + 'static>(inputs: Inputs<C>) -> Self {
        let (deadline, changes) = watch::channel(None);
        let task = tokio::spawn(ring(changes, inputs));
        Self { deadline, task }
    }

    pub(super) fn set(&self, at: Time, now: Time) {
        let sleep = at.since(now).min(LONGEST_SLEEP);
        self.deadline.send_replace(Some(Instant::now() + sleep));
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn ring<C>(mut changes: watch::Receiver<Option<Instant>>, inputs: Inputs<C>) {
    let mut deadline = None;
    loop {
        let sleep = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(Instant::into(deadline)).await,
                None => core::future::pending().await,
            }
        };
        tokio::select! {
            changed = changes.changed() => match changed {
                Ok(()) => deadline = *changes.borrow_and_update(),
                Err(_) => return,
            },
            () = sleep => {
                deadline = None;
                if inputs.send(Input::Woken).is_err() {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn only_the_last_setting_rings_and_not_before_its_time() {
        let (sender, mut inputs) = mpsc::unbounded_channel::<Input<()>>();
        let clock = Clock::new();
        let alarm = Alarm::new(sender);
        let now = clock.now();
        alarm.set(now + Duration::from_millis(5), now);
        alarm.set(now + Duration::from_secs(3600), now);
        let late = now + Duration::from_millis(60);
        alarm.set(late, now);
        assert!(matches!(inputs.recv().await, Some(Input::Woken)));
        assert!(clock.now() >= late);
        assert!(inputs.try_recv().is_err());
        alarm.set(clock.now(), clock.now());
        assert!(matches!(inputs.recv().await, Some(Input::Woken)));
    }
}
