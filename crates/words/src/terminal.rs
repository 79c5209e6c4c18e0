//! Sentences that only terminals show.

use std::time::Duration;

use crate::Words;

impl Words {
    /// The time that a message takes to the broker and back.
    #[must_use]
    pub fn latency(self, latency: Duration) -> String {
        let tenths = (latency.as_micros() + 50) / 100;
        let tenths = u64::try_from(tenths).unwrap_or(u64::MAX);
        self.doctor_milliseconds(&self.0.locale.tenths(tenths))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_rounded_to_tenths_of_milliseconds() {
        for (micros, text) in [
            (49, "0.0 ms there and back"),
            (1_450, "1.5 ms there and back"),
            (1_234_567, "1,234.6 ms there and back"),
        ] {
            let latency = Duration::from_micros(micros);
            assert_eq!(Words::terminal().latency(latency), text);
        }
    }
}
