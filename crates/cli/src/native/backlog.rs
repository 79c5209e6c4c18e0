//! Bytes that were handed on and are not worked off, so that who brings more can wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::Notify;

/// A message of a single byte takes about so much memory until it is worked off. Bytes.
const LEAST: usize = 256;

/// Counts bytes that are under way.
#[derive(Default)]
pub(super) struct Backlog {
    bytes: AtomicUsize,
    changed: Notify,
}

impl Backlog {
    /// Counts these bytes, or [`LEAST`] if they are fewer, until the last slice of them is dropped.
    pub(super) fn count(self: &Arc<Self>, bytes: Bytes) -> Bytes {
        let held = self.hold(bytes.len().max(LEAST));
        Bytes::from_owner(Counted { bytes, _held: held })
    }

    /// Counts so many bytes until the answer is dropped.
    pub(super) fn hold(self: &Arc<Self>, bytes: usize) -> Held {
        self.bytes.fetch_add(bytes, Ordering::AcqRel);
        Held {
            backlog: Arc::clone(self),
            bytes,
        }
    }

    /// Waits until fewer bytes than `limit` are under way.
    pub(super) async fn below(&self, limit: usize) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.bytes.load(Ordering::Acquire) < limit {
                return;
            }
            changed.await;
        }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Acquire)
    }
}

/// Some bytes that are under way.
pub(super) struct Held {
    backlog: Arc<Backlog>,
    bytes: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.backlog.bytes.fetch_sub(self.bytes, Ordering::AcqRel);
        self.backlog.changed.notify_waiters();
    }
}

struct Counted {
    bytes: Bytes,
    _held: Held,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_count_until_their_last_slice_is_dropped() {
        let backlog = Arc::new(Backlog::default());
        let bytes = backlog.count(Bytes::from_static(&[b'c'; 1000]));
        let slice = bytes.slice(2..3);
        drop(bytes);
        assert_eq!((&slice[..], backlog.bytes()), (&b"c"[..], 1000));
        let waiting = Arc::clone(&backlog);
        let waiting = tokio::spawn(async move { waiting.below(1000).await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(slice);
        waiting.await.unwrap();
        assert_eq!(backlog.bytes(), 0);
        let short = backlog.count(Bytes::from_static(b"a"));
        assert_eq!((short.len(), backlog.bytes()), (1, LEAST));
    }
}
