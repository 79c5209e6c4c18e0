//! The tab's title while nobody sees the page.

use super::words::words;

/// The tab's name when there is nothing to tell.
pub const TITLE: &str = "mqdrop";

/// The longest sentence in a tab's name, in letters: peers choose what is in it.
const MAX_WORDS: usize = 80;

/// News of the room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Offers that wait for an answer, as sentences; the first one first.
    pub requests: Vec<String>,
    /// Transfers that have ended since the page was last seen.
    pub ended: Ended,
    /// Progress of what moves, in per cent.
    pub progress: Option<u8>,
}

/// Transfers that have ended since the page was last seen: peers decide how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    count: usize,
    /// The last of it, as a sentence.
    last: Option<String>,
}

impl Ended {
    /// Something has ended, in words.
    pub fn add(&mut self, words: String) {
        self.count += 1;
        self.last = Some(words);
    }
}

impl Told {
    /// The tab's name: what somebody has to do comes before what goes on by itself, and that before
    /// what is over.
    #[must_use]
    pub fn title(&self) -> String {
        let told = match (self.requests.first(), self.progress, &self.ended.last) {
            (Some(request), _, _) => self.counted(request),
            (None, Some(percent), _) => words().per_cent(percent),
            (None, None, Some(ended)) => self.counted(ended),
            (None, None, None) => return TITLE.into(),
        };
        format!("{told} – {TITLE}")
    }

    /// How many things are new.
    #[must_use]
    pub fn count(&self) -> usize {
        self.requests.len() + self.ended.count
    }

    fn counted(&self, told: &str) -> String {
        let mut short: String = told.chars().take(MAX_WORDS).collect();
        if short.len() < told.len() {
            short.push('…');
        }
        format!("({}) {short}", words().number(self.count() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_come_first_then_progress_then_what_is_over() {
        let mut told = Told::default();
        assert_eq!((told.title().as_str(), told.count()), ("mqdrop", 0));
        told.ended.add("Received a".into());
        told.ended.add("Received b".into());
        assert_eq!(told.title(), "(2) Received b – mqdrop");
        told.progress = Some(0);
        assert_eq!(told.title(), "0 % – mqdrop");
        told.requests = vec!["Ann wants to send you c".into()];
        assert_eq!(told.title(), "(3) Ann wants to send you c – mqdrop");
        assert_eq!(told.count(), 3);
    }

    #[test]
    fn however_much_ends_unseen_one_sentence_of_it_is_kept() {
        let mut ended = Ended::default();
        for number in 0..10_000 {
            ended.add(format!("Received {number}"));
        }
        let told = Told {
            ended: ended.clone(),
            ..Told::default()
        };
        assert_eq!(told.title(), "(10,000) Received 9999 – mqdrop");
        let again = Ended {
            count: 10_000,
            last: Some("Received 9999".into()),
        };
        assert_eq!(ended, again, "nothing else is kept");
    }

    #[test]
    fn names_of_peers_do_not_fill_the_title() {
        let told = Told {
            requests: vec!["ü".repeat(10_000)],
            ..Told::default()
        };
        assert_eq!(told.title(), format!("(1) {}… – mqdrop", "ü".repeat(80)));
    }
}
