//! How fast a client may send MQTT packets. One that sends more is not cut off: its socket is read
//! later, and TCP carries the slowing back to it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// How long a client may have been idle to send at once what it did not send before.
const BURST: Duration = Duration::from_secs(1);

/// Counts the packets in what a client sends and says when to read on.
#[derive(Debug)]
pub(crate) struct Pace {
    packets: PacketCounter,
    /// What one packet takes.
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
            packets: PacketCounter::default(),
            each: BURST / rate.max(1),
            due: Instant::now(),
            pause: None,
            paused_before: false,
        }
    }

    /// Notes bytes of the client's MQTT stream.
    pub(crate) fn note(&mut self, bytes: &[u8]) {
        let packets = self.packets.count(bytes);
        self.note_packets(packets);
    }

    /// Notes what is answered like a packet, such as a WebSocket ping.
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

    /// Whether the client is made to wait for the first time.
    pub(crate) fn first_pause(&mut self) -> bool {
        let first = self.pause.is_some() && !self.paused_before;
        self.paused_before |= first;
        first
    }
}

/// Finds where packets begin (OASIS MQTT 5.0, section 2.1) in a stream cut anywhere.
#[derive(Debug, Default)]
enum PacketCounter {
    /// The next byte is a packet's first.
    #[default]
    Between,
    /// In the Remaining Length: its value so far and the next digit's weight.
    Length { value: u64, shift: u32 },
    /// So many bytes of the packet are left.
    Inside { left: u64 },
}

impl PacketCounter {
    /// How many packets begin in `bytes`.
    fn count(&mut self, bytes: &[u8]) -> u32 {
        let mut packets = 0;
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            match self {
                Self::Between => {
                    packets += 1;
                    *self = Self::Length { value: 0, shift: 0 };
                    rest = after;
                }
                Self::Length { value, shift } => {
                    let value = *value | u64::from(byte & 0x7F) << *shift;
                    // A fifth digit is malformed; the broker ends the connection for it.
                    *self = if byte & 0x80 != 0 && *shift < 28 {
                        Self::Length {
                            value,
                            shift: *shift + 7,
                        }
                    } else if value == 0 {
                        Self::Between
                    } else {
                        Self::Inside { left: value }
                    };
                    rest = after;
                }
                Self::Inside { left } => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    rest = &rest[here..];
                    *left -= u64::try_from(here).unwrap_or(*left);
                    if *left == 0 {
                        *self = Self::Between;
                    }
                }
            }
        }
        packets
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

    #[test]
    fn packets_are_counted_however_the_stream_is_cut() {
        let mut stream = vec![0xC0, 0, 0x30, 3, 1, 2, 3, 0xC0, 0];
        stream.extend([0x30, 0x80, 0x02]);
        stream.extend([0xC0; 256]);
        stream.extend([0xE0, 0]);
        for size in [1, 2, 3, 7, stream.len()] {
            let mut counter = PacketCounter::default();
            let packets: u32 = stream.chunks(size).map(|part| counter.count(part)).sum();
            assert_eq!(packets, 5, "in pieces of {size}");
        }
    }

    #[test]
    fn endless_lengths_do_not_run_over() {
        let mut counter = PacketCounter::default();
        counter.count(&[0xFF; 4096]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_free_and_the_rest_takes_its_time() {
        let mut pace = Pace::new(100);
        pace.note(&[0xC0, 0].repeat(100));
        assert!(!is_paused(&mut pace));
        pace.note(&[0xC0, 0].repeat(50));
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
