//! QR codes as SVG paths.

use qrcodegen::{QrCode, QrCodeEcc};
use wasm_bindgen::prelude::wasm_bindgen;

/// Light modules around the code, as ISO/IEC 18004 demands.
const QUIET: i32 = 4;

/// A QR code to be drawn.
#[wasm_bindgen(getter_with_clone)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// Its width and height in modules, with the light ones around it.
    pub side: i32,
    /// The dark modules as one SVG path: a rectangle for each run in a row.
    pub path: String,
}

/// A text as a QR code; `None` if it is too long for one.
#[wasm_bindgen]
#[must_use]
pub fn qr_code(text: &str) -> Option<Drawing> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    Some(Drawing {
        side: code.size() + 2 * QUIET,
        path: dark_modules(&code),
    })
}

fn dark_modules(code: &QrCode) -> String {
    use std::fmt::Write as _;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let start = x;
            while code.get_module(x, y) {
                x += 1;
            }
            if x > start {
                // Writing into a String cannot fail.
                let _ = write!(
                    path,
                    "M{} {}h{}v1h-{}z",
                    start + QUIET,
                    y + QUIET,
                    x - start,
                    x - start
                );
            }
            x += 1;
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_covers_every_dark_module() {
        let link = "http://localhost:8080/#key=blue-whale";
        let code = QrCode::encode_text(link, QrCodeEcc::Medium).unwrap();
        let dark = (0..code.size())
            .flat_map(|y| (0..code.size()).map(move |x| (x, y)))
            .filter(|&(x, y)| code.get_module(x, y))
            .count();
        let Drawing { side, path } = qr_code(link).unwrap();
        let drawn: usize = path
            .split('M')
            .filter_map(|run| run.split_once('h')?.1.split_once('v'))
            .map(|(length, _)| length.parse::<usize>().unwrap())
            .sum();
        assert_eq!(drawn, dark);
        assert_eq!(side, code.size() + 8);
        assert!(
            path.starts_with("M4 4h7v1h-7z"),
            "the first finder pattern begins inside the quiet zone: {path}"
        );
    }

    #[test]
    fn what_is_too_long_has_no_code() {
        assert_eq!(qr_code(&"x".repeat(3_000)), None);
    }
}
