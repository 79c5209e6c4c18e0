//! The pace at which a client may send MQTT packets. One that sends more is not cut off: its socket is read
//! later, and TCP carries the slowing back to it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// How long a client may have been idle to send at once what it did not send before.
const BURST: Duration = Duration::from_secs(1);

/// Counts packets that a client sends and says when to read on.
#[derive(Debug)]
pub(crate) struct Pace {
    /// The time that one packet takes.
    each: Duration,
    /// When all packets so far would have been sent at the agreed pace.
    due: Instant,
    pause: Option<Pin<Box<Sleep>>>,
    paused_before: bool,
}

impl Pace {
    /// A pace of `rate` packets in a second, at least one.
    pub(crate) fn new(rate: u32) -> Self {
        Self {
            each: BURST / rate.max(1),
            due: Instant::now(),
            pause: None,
            paused_before: false,
        }
    }

    /// Notes packets, or what is as much work, such as a WebSocket ping.
    pub(crate) fn note_packets(&mut self, packets: u32) {
        if packets > 0 {
            let now = Instant::now();
            self.due = self.due.max(now) + self.each * packets;
            if self.due > now + BURST {
                self.pause = Some(Box::pin(tokio::time::sleep_until(self.due - BURST)));
            }
        }
    }

    /// Ready when the client may be read.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(pause) = &mut self.pause {
            if pause.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.pause = None;
        }
        Poll::Ready(())
    }

    /// Tells whether the client is made to wait for the first time.
    pub(crate) fn first_pause(&mut self) -> bool {
        let first = self.pause.is_some() && !self.paused_before;
        self.paused_before |= first;
        first
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn is_paused(pace: &mut Pace) -> bool {
        pace.poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_free_and_the_rest_takes_its_time() {
        let mut pace = Pace::new(100);
        pace.note_packets(100);
        assert!(!is_paused(&mut pace));
        pace.note_packets(50);
        assert!(is_paused(&mut pace) && pace.first_pause() && !pace.first_pause());
        tokio::time::advance(Duration::from_millis(499)).await;
        assert!(is_paused(&mut pace));
        tokio::time::advance(Duration::from_millis(2)).await;
        assert!(!is_paused(&mut pace));

        // A second's rest is worth a second's packets, and not more.
        tokio::time::advance(Duration::from_secs(60)).await;
        pace.note_packets(100);
        assert!(!is_paused(&mut pace));
        pace.note_packets(1);
        assert!(is_paused(&mut pace));
    }
}
