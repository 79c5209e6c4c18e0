//! Numbers in words: sizes, rates and times left.

use crate::Words;

impl Words {
    /// A number with the language's separators.
    #[must_use]
    pub fn number(self, number: u64) -> String {
        self.0.locale.number(number)
    }

    /// A size for people, in decimal units as operating systems show them: `0 bytes`, `1.5 MB`.
    #[must_use]
    pub fn size(self, bytes: u64) -> String {
        const UNITS: [fn(Words, &str) -> String; 5] = [
            Words::number_kilobytes,
            Words::number_megabytes,
            Words::number_gigabytes,
            Words::number_terabytes,
            Words::number_petabytes,
        ];
        if bytes < 1000 {
            return self.number_bytes(bytes);
        }
        // Whole numbers, as the code that writes fractions is long.
        let (mut unit, mut name) = (1000, 0);
        // 999.5 would be shown as 1000.
        while rounded(bytes, unit) >= 1000 && name + 1 < UNITS.len() {
            unit *= 1000;
            name += 1;
        }
        let tenths = rounded(bytes, unit / 10);
        let number = if tenths < 100 {
            self.0.locale.tenths(tenths)
        } else {
            self.number(rounded(bytes, unit))
        };
        UNITS[name](self, &number)
    }

    /// A rate in bytes a second for people; empty if nothing moves.
    #[must_use]
    pub fn rate(self, bytes_per_second: f64) -> String {
        if !bytes_per_second.is_finite() || bytes_per_second < 1.0 {
            return String::new();
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive; the cast saturates"
        )]
        let bytes = bytes_per_second as u64;
        self.number_rate(&self.size(bytes))
    }

    /// The time left for people, from seconds; empty if it cannot be told.
    #[must_use]
    pub fn time_left(self, seconds: Option<f64>) -> String {
        let Some(seconds) = seconds.filter(|seconds| seconds.is_finite() && *seconds >= 0.0) else {
            return String::new();
        };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive; the cast saturates"
        )]
        let seconds = seconds.ceil() as u64;
        match seconds {
            0..=59 => self.number_seconds_left(&self.number(seconds.max(1))),
            60..=3599 => {
                self.number_minutes_left(&self.number(seconds / 60), &self.two_digits(seconds % 60))
            }
            3600..=359_999 => {
                let (hours, minutes) = (seconds / 3600, seconds % 3600 / 60);
                self.number_hours_left(&self.number(hours), &self.two_digits(minutes))
            }
            _ => self.number_days_left().to_owned(),
        }
    }

    /// How long ago somebody was here.
    #[must_use]
    pub fn ago(self, milliseconds: u64) -> String {
        let minutes = milliseconds / 60_000;
        match minutes {
            0 => self.number_just_now().to_owned(),
            1..60 => self.number_minutes_ago(&self.number(minutes)),
            60..1440 => self.number_hours_ago(&self.number(minutes / 60)),
            _ => self.number_days_ago(minutes / 1440),
        }
    }

    /// Whole per cent with their sign.
    #[must_use]
    pub fn per_cent(self, percent: u8) -> String {
        self.number_per_cent(&self.number(percent.into()))
    }

    /// A number below 100 with two digits.
    fn two_digits(self, number: u64) -> String {
        self.number(number / 10) + &self.number(number % 10)
    }
}

/// Whole per cent, 0 to 100; 100 only when all is there, and for an empty parcel.
#[must_use]
pub fn percent(bytes: u64, total: u64) -> u8 {
    if total == 0 {
        return 100;
    }
    // In 64 bits: code that divides longer numbers is long.
    let percent = match bytes.checked_mul(100) {
        Some(hundredfold) => hundredfold / total,
        None => bytes / (total / 100).max(1),
    };
    let most = if bytes < total { 99 } else { 100 };
    u8::try_from(percent).unwrap_or(most).min(most)
}

/// How many times `unit` goes into `number`, to the nearest whole number.
fn rounded(number: u64, unit: u64) -> u64 {
    number / unit + u64::from(number % unit >= unit / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn words() -> Words {
        Words::page()
    }

    #[test]
    fn sizes() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1000, "1.0 kB"),
            (1_250, "1.3 kB"),
            (9_949, "9.9 kB"),
            (9_950, "10 kB"),
            (16_384, "16 kB"),
            (999_499, "999 kB"),
            (999_500, "1.0 MB"),
            (104_857_600, "105 MB"),
            (1_500_000_000, "1.5 GB"),
            (u64::MAX, "18,447 PB"),
        ] {
            assert_eq!(words().size(bytes), text);
        }
    }

    #[test]
    fn rates() {
        assert_eq!(words().rate(0.0), "");
        assert_eq!(words().rate(f64::NAN), "");
        assert_eq!(words().rate(f64::INFINITY), "");
        assert_eq!(words().rate(12_345_678.9), "12 MB/s");
    }

    #[test]
    fn times() {
        for (seconds, text) in [
            (None, ""),
            (Some(f64::NAN), ""),
            (Some(f64::INFINITY), ""),
            (Some(-1.0), ""),
            (Some(0.0), "1 s left"),
            (Some(0.2), "1 s left"),
            (Some(59.0), "59 s left"),
            (Some(61.0), "1 min 01 s left"),
            (Some(7_260.0), "2 h 01 min left"),
            (Some(1e12), "more than 4 days left"),
        ] {
            assert_eq!(words().time_left(seconds), text);
        }
    }

    #[test]
    fn ages() {
        let minute = 60_000;
        for (age, shown) in [
            (59_999, "just now"),
            (minute, "1 min ago"),
            (59 * minute, "59 min ago"),
            (60 * minute, "1 h ago"),
            (24 * 60 * minute, "1 day ago"),
            (50 * 60 * minute, "2 days ago"),
        ] {
            assert_eq!(words().ago(age), shown, "{age}");
        }
    }

    #[test]
    fn a_hundred_per_cent_means_all() {
        assert_eq!(percent(0, 10), 0);
        assert_eq!(percent(999_999, 1_000_000), 99);
        assert_eq!(percent(u64::MAX, u64::MAX), 100);
        assert_eq!(percent(u64::MAX - 1, u64::MAX), 99);
        assert_eq!(percent(u64::MAX / 2, u64::MAX), 50);
        assert_eq!(percent(u64::MAX, 1), 100);
        assert_eq!(percent(11, 10), 100);
        assert_eq!(percent(0, 0), 100);
        assert_eq!(words().per_cent(7), "7 %");
    }

    #[test]
    fn counts() {
        assert_eq!(words().number_files(1), "1 file");
        assert_eq!(words().number_files(0), "0 files");
    }
}
