//! Log lines about what clients can cause as often as they like.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Keeps what happens often from filling the log: one line a second, which tells how many others
/// there were.
#[derive(Debug)]
pub(crate) struct Seldom {
    /// The second, counted from the program's start and from one, of the last line.
    last: AtomicU64,
    missed: AtomicU64,
}

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Seldom {
    /// Nothing said yet.
    pub(crate) const fn new() -> Self {
        Self {
            last: AtomicU64::new(0),
            missed: AtomicU64::new(0),
        }
    }

    /// How many others were not said since the last line, or `None` when it is too early for
    /// another line.
    pub(crate) fn due(&self) -> Option<u64> {
        self.due_in(START.elapsed().as_secs() + 1)
    }

    fn due_in(&self, second: u64) -> Option<u64> {
        if self.last.swap(second, Ordering::Relaxed) == second {
            self.missed.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(self.missed.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_second_tells_of_the_others() {
        let seldom = Seldom::new();
        assert_eq!(seldom.due_in(1), Some(0));
        assert_eq!((seldom.due_in(1), seldom.due_in(1)), (None, None));
        assert_eq!(seldom.due_in(2), Some(2));
        assert_eq!(seldom.due_in(9), Some(0));
    }
}
