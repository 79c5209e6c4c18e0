//! Recognises messages that were seen before.

/// How far a message may come behind later ones of the same sender.
const WINDOW: u64 = 1024;

/// The counters of one sender's messages: the newest, and which of the [`WINDOW`] before it were
/// seen (the scheme of RFC 4303, section 3.4.3).
#[derive(Clone, Debug, Default)]
pub(crate) struct ReplayWindow {
    newest: u64,
    seen: [u64; (WINDOW / 64) as usize],
}

impl ReplayWindow {
    /// Whether this counter is new; from now on it is not. Counters begin at 1.
    pub(crate) fn accept(&mut self, counter: u64) -> bool {
        if counter == 0 || counter.saturating_add(WINDOW) <= self.newest {
            return false;
        }
        if counter > self.newest {
            let skipped = (counter - self.newest).min(WINDOW);
            for fresh in counter - skipped + 1..=counter {
                self.seen[Self::word(fresh)] &= !Self::bit(fresh);
            }
            self.newest = counter;
        }
        let (word, bit) = (Self::word(counter), Self::bit(counter));
        let new = self.seen[word] & bit == 0;
        self.seen[word] |= bit;
        new
    }

    /// From now on, whatever is older than this counter counts as seen.
    pub(crate) fn ignore_before(&mut self, counter: u64) {
        if counter >= self.newest {
            self.newest = counter;
            self.seen = [u64::MAX; (WINDOW / 64) as usize];
        } else {
            // Newer messages came before it, and stay told apart.
            let oldest = self.newest.saturating_sub(WINDOW - 1);
            for older in oldest..counter {
                self.seen[Self::word(older)] |= Self::bit(older);
            }
        }
    }

    fn word(counter: u64) -> usize {
        (counter % WINDOW / 64) as usize
    }

    fn bit(counter: u64) -> u64 {
        1 << (counter % 64)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    mqdrop_testing::properties! {
        fn nothing_is_accepted_twice(steps in proptest::collection::vec(-1500i64..1500, 1..200)) {
            let (mut window, mut seen, mut at) = (ReplayWindow::default(), HashSet::new(), 2000i64);
            for step in steps {
                at = (at + step).max(1);
                let fresh = window.accept(at as u64);
                prop_assert!(!(fresh && seen.contains(&at)));
                if fresh {
                    seen.insert(at);
                }
            }
        }
    }

    #[test]
    fn what_is_older_than_it_should_be_is_ignored() {
        let mut window = ReplayWindow::default();
        window.accept(150);
        window.ignore_before(100);
        assert!(!window.accept(99) && window.accept(100) && window.accept(120));
        for newest in [0, 90, 100, 150, 5000] {
            let mut window = ReplayWindow::default();
            window.accept(newest);
            window.ignore_before(100);
            for counter in [1, 50, 90, 99, newest] {
                assert!(!window.accept(counter), "{counter} of {newest}");
            }
            let newer = newest.max(100) + 1;
            assert!(window.accept(newer) && window.accept(newer + 1000));
            // Newer ones that were not seen may still come.
            assert!(window.accept(newer + 1));
        }
    }

    #[test]
    fn late_but_new_is_accepted() {
        let mut window = ReplayWindow::default();
        assert!(window.accept(1000));
        assert!(window.accept(1));
        assert!(!window.accept(1));
        assert!(window.accept(5000));
        assert!(!window.accept(2), "too far behind to tell");
        assert!(window.accept(u64::MAX));
        assert!(!window.accept(u64::MAX));
        assert!(!window.accept(0));
    }
}
