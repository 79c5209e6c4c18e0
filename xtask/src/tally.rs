//! Counts tests from what cargo's and Node's test runners print.

/// How many tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
}

impl Tally {
    /// Takes a line of a test runner's output into account.
    pub(crate) fn read(&mut self, line: &str) {
        if let Some(summary) = line.trim().strip_prefix("test result: ") {
            self.passed += number_before(summary, "passed");
            self.failed += number_before(summary, "failed");
        } else if let Some(summary) = line.strip_prefix("ℹ ") {
            match summary.split_once(' ') {
                Some(("pass", count)) => self.passed += count.trim().parse().unwrap_or(0),
                // A test that ran out of time counts as cancelled.
                Some(("fail" | "cancelled", count)) => {
                    self.failed += count.trim().parse().unwrap_or(0)
                }
                _ => {}
            }
        }
    }

    /// Adds another's counts.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// The number that stands before a word, as in "12 passed; 0 failed;".
fn number_before(summary: &str, word: &str) -> u32 {
    let words: Vec<&str> = summary
        .split([' ', ';', '.'])
        .filter(|word| !word.is_empty())
        .collect();
    words
        .windows(2)
        .find(|pair| pair[1] == word)
        .and_then(|pair| pair[0].parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(lines: &[&str]) -> Tally {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.read(line));
        tally
    }

    #[test]
    fn cargo_results_add_up() {
        let lines = [
            "running 3 tests",
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
        ];
        assert_eq!(
            tally(&lines),
            Tally {
                passed: 15,
                failed: 2
            }
        );
    }

    #[test]
    fn node_results_count_time_outs_as_failures() {
        let lines = [
            "✔ a file arrives (1s)",
            "ℹ tests 9",
            "ℹ pass 6",
            "ℹ fail 2",
            "ℹ cancelled 1",
            "ℹ skipped 0",
        ];
        assert_eq!(
            tally(&lines),
            Tally {
                passed: 6,
                failed: 3
            }
        );
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(
            tally(&["test result", "5 passed", "# pass 4", ""]),
            Tally::default()
        );
    }
}
