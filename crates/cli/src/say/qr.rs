//! QR codes of half blocks: two modules, one above the other, are one letter.

use qrcodegen::{QrCode, QrCodeEcc};

/// Light modules around the code. ISO/IEC 18004 asks for four; two are enough for cameras, and
/// leave more of a small terminal.
const QUIET: i32 = 2;

/// A text as lines of a QR code, light on the terminal's dark ground; `None` if it is too long for
/// one.
pub(crate) fn code(text: &str) -> Option<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
    let (from, to) = (-QUIET, code.size() + QUIET);
    let mut lines = String::new();
    for y in (from..to).step_by(2) {
        for x in from..to {
            // Everything beyond the code is light.
            let is_light = |y| !code.get_module(x, y);
            lines.push(match (is_light(y), is_light(y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        lines.push('\n');
    }
    Some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_is_half_a_letter() {
        let text = "http://localhost:8080/#key=correct-horse-battery-staple";
        let drawn = code(text).unwrap();
        let expected = QrCode::encode_text(text, QrCodeEcc::Low).unwrap();
        let side = expected.size() + 2 * QUIET;
        let lines: Vec<Vec<char>> = drawn.lines().map(|line| line.chars().collect()).collect();
        assert_eq!(lines.len() as i32, (side + 1) / 2);
        for y in 0..expected.size() {
            for x in 0..expected.size() {
                let (row, column) = (y + QUIET, (x + QUIET) as usize);
                let letter = lines[row as usize / 2][column];
                let lit = if row % 2 == 0 { "█▀" } else { "█▄" };
                assert_eq!(lit.contains(letter), !expected.get_module(x, y), "{x}, {y}");
            }
        }
        assert!(lines.iter().all(|line| line.len() as i32 == side));
    }

    #[test]
    fn too_long_a_text_has_no_code() {
        assert_eq!(code(&"x".repeat(5000)), None);
    }
}
