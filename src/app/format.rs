//! Numbers in words: sizes, rates and times left.

use super::words::words;

/// A size for people: `0 bytes`, `1.5 MB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    words().size(bytes)
}

/// A rate in bytes a second for people; empty if nothing moves.
#[must_use]
pub fn rate(bytes_per_second: f64) -> String {
    if !bytes_per_second.is_finite() || bytes_per_second < 1.0 {
        return String::new();
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive; the cast saturates"
    )]
    let bytes = bytes_per_second as u64;
    format!("{}/s", size(bytes))
}

/// The time left for people, from seconds; empty if it cannot be told.
#[must_use]
pub fn time_left(seconds: Option<f64>) -> String {
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
        0..=1 => "1 s left".into(),
        2..=59 => format!("{seconds} s left"),
        60..=3599 => format!("{} min {:02} s left", seconds / 60, seconds % 60),
        3600..=359_999 => format!("{} h {:02} min left", seconds / 3600, seconds % 3600 / 60),
        _ => "more than 4 days left".into(),
    }
}

/// Whole per cent, 0 to 100; 100 only when all is there, and for an empty parcel.
#[must_use]
pub fn percent(bytes: u64, total: u64) -> u8 {
    if total == 0 {
        return 100;
    }
    let percent = u128::from(bytes.min(total)) * 100 / u128::from(total);
    u8::try_from(percent).unwrap_or(100)
}

/// `1 file`, `2 files`.
#[must_use]
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        assert_eq!(rate(0.0), "");
        assert_eq!(rate(f64::NAN), "");
        assert_eq!(rate(f64::INFINITY), "");
        assert_eq!(rate(12_345_678.9), "12 MB/s");
    }

    #[test]
    fn times() {
        for (seconds, text) in [
            (None, ""),
            (Some(f64::NAN), ""),
            (Some(f64::INFINITY), ""),
            (Some(-1.0), ""),
            (Some(0.2), "1 s left"),
            (Some(59.0), "59 s left"),
            (Some(61.0), "1 min 01 s left"),
            (Some(7_260.0), "2 h 01 min left"),
            (Some(1e12), "more than 4 days left"),
        ] {
            assert_eq!(time_left(seconds), text);
        }
    }

    #[test]
    fn a_hundred_per_cent_means_all() {
        assert_eq!(percent(0, 10), 0);
        assert_eq!(percent(999_999, 1_000_000), 99);
        assert_eq!(percent(u64::MAX, u64::MAX), 100);
        assert_eq!(percent(11, 10), 100);
        assert_eq!(percent(0, 0), 100);
    }

    #[test]
    fn counts() {
        assert_eq!(count(1, "file", "files"), "1 file");
        assert_eq!(count(0, "file", "files"), "0 files");
    }
}
