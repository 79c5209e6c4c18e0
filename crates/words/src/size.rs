//! Numbers of bytes in words.

use crate::Words;

impl Words {
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
            self.locale.tenths(tenths)
        } else {
            self.locale.number(rounded(bytes, unit))
        };
        UNITS[name](self, &number)
    }
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
            assert_eq!(Words::page().size(bytes), text);
        }
    }
}
