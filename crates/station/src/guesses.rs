//! How often passwords may be tried: a few times at once, then ever more slowly, from one address
//! and for one name.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::door::household;

/// Wrong logins that cost nothing: people mistype.
const FREE: u32 = 5;
/// The pause after the first one beyond; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause between two guesses from one address, and for one name. Others can guess for a
/// name, so its owner must not be kept out by that.
const LONGEST_FROM: Duration = Duration::from_secs(8);
const LONGEST_FOR: Duration = Duration::from_millis(500);
/// How long a guess waits for its turn; with more before it it is refused unseen. A login has ten
/// seconds.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT_FOR: Duration = Duration::from_secs(2);
/// Guesses are forgotten after so long without another.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(15 * 60);
/// Addresses and names that are remembered.
const MOST_REMEMBERED: usize = 4096;

/// The guesses of late.
#[derive(Debug, Default)]
pub(crate) struct Guesses {
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    from: HashMap<IpAddr, Record>,
    /// By a hash of the name: a name may be as long as a CONNECT.
    by_name: HashMap<u64, Record>,
    hasher: RandomState,
}

#[derive(Debug, Clone, Copy)]
struct Record {
    count: u32,
    /// When the next one may be looked at.
    next: Instant,
}

impl Guesses {
    /// Takes a turn for a login as `name`: when it may be looked at, or `None` where too many wait.
    /// It counts as wrong until [`Guesses::forgive`].
    pub(crate) fn turn(&self, peer: IpAddr, name: &str) -> Option<Instant> {
        let now = Instant::now();
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        let by_address = record(&mut books.from, household(peer), now);
        let at = by_address.next.max(now);
        if at > now + LONGEST_WAIT {
            return None;
        }
        by_address.take(at, LONGEST_FROM);
        let is_suspect = by_address.count > FREE;
        let name = books.hasher.hash_one(name);
        let by_name = record(&mut books.by_name, name, now);
        // An address that guesses little comes in at once, whatever others try.
        let at = if is_suspect {
            at.max(by_name.next.min(now + LONGEST_WAIT_FOR))
        } else {
            at
        };
        by_name.take(at, LONGEST_FOR);
        Some(at)
    }

    /// The login was right.
    pub(crate) fn forgive(&self, peer: IpAddr, name: &str) {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(record) = books.from.get_mut(&household(peer)) {
            record.count = record.count.saturating_sub(1);
        }
        let name = books.hasher.hash_one(name);
        if let Some(record) = books.by_name.get_mut(&name) {
            record.count = record.count.saturating_sub(1);
        }
    }
}

impl Record {
    /// Counts a guess that is looked at at `at`.
    fn take(&mut self, at: Instant, longest: Duration) {
        self.count = self.count.saturating_add(1);
        let pause = match self.count.checked_sub(FREE + 1) {
            None => Duration::ZERO,
            Some(beyond) => FIRST_PAUSE.saturating_mul(1 << beyond.min(16)).min(longest),
        };
        self.next = at + pause;
    }
}

/// The record of `key`, forgetting others where there are too many.
fn record<K: Eq + Hash + Clone>(
    records: &mut HashMap<K, Record>,
    key: K,
    now: Instant,
) -> &mut Record {
    let is_old = |record: &Record| now > record.next + FORGOTTEN_AFTER;
    if records.get(&key).is_some_and(is_old) {
        records.remove(&key);
    }
    if records.len() >= MOST_REMEMBERED && !records.contains_key(&key) {
        records.retain(|_, record| !is_old(record));
        // Those who guessed least are forgotten first.
        if records.len() >= MOST_REMEMBERED
            && let Some(least) = records
                .iter()
                .min_by_key(|(_, record)| (record.count, record.next))
                .map(|(key, _)| key.clone())
        {
            records.remove(&least);
        }
    }
    records.entry(key).or_insert(Record {
        count: 0,
        next: now,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVIL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const GOOD: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    #[tokio::test(start_paused = true)]
    async fn guesses_become_slower_and_others_do_not_wait() {
        let guesses = Guesses::default();
        let started = Instant::now();
        let mut looked_at = 0;
        // Somebody who always tries again as soon as there is an answer.
        while started.elapsed() < Duration::from_secs(3600) {
            if let Some(at) = guesses.turn(EVIL, "ann") {
                looked_at += 1;
                tokio::time::sleep_until(at).await;
            }
            tokio::time::advance(Duration::from_millis(500)).await;
        }
        assert!(looked_at < 480, "{looked_at} in an hour");
        assert!(
            guesses
                .turn(GOOD, "ann")
                .is_some_and(|at| at <= Instant::now())
        );
        guesses.forgive(GOOD, "ann");
        for _ in 0..1000 {
            let at = guesses.turn(GOOD, "ann");
            assert!(
                at.is_some_and(|at| at <= Instant::now()),
                "right ones are free"
            );
            guesses.forgive(GOOD, "ann");
        }
        tokio::time::advance(FORGOTTEN_AFTER + LONGEST_FROM * 2).await;
        assert!(
            guesses
                .turn(EVIL, "ann")
                .is_some_and(|at| at <= Instant::now())
        );
    }

    #[tokio::test(start_paused = true)]
    async fn many_at_once_do_not_wait_for_ever_and_few_are_remembered() {
        let guesses = Guesses::default();
        let turns: Vec<_> = (0..100).map(|_| guesses.turn(EVIL, "ann")).collect();
        assert!(turns.iter().flatten().count() < 15);
        assert!(turns[99].is_none());
        for number in 0..2 * MOST_REMEMBERED {
            let [_, _, high, low] = u32::try_from(number).unwrap().to_be_bytes();
            guesses.turn([10, 0, high, low].into(), &number.to_string());
        }
        let books = guesses.books.lock().unwrap();
        assert!(books.from.len() <= MOST_REMEMBERED && books.by_name.len() <= MOST_REMEMBERED);
        assert!(
            books.from.contains_key(&EVIL),
            "who guessed most is remembered"
        );
    }
}
