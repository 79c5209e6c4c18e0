//! `name=value&name=value` with percent-encoded values: the form of links and of stored settings.

use std::fmt::Write as _;

/// The longest text that is parsed, in bytes; what comes after it is ignored.
const MAX_LEN: usize = 16 * 1024;

/// Writes pairs whose value is not empty, in their order.
#[must_use]
pub fn encode(pairs: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(name);
        out.push('=');
        escape(&mut out, value);
    }
    out
}

/// Reads pairs; never fails: what is no pair is left out, what is no valid escape stays as it is.
#[must_use]
pub fn decode(text: &str) -> Vec<(String, String)> {
    let text = &text[..text.floor_char_boundary(MAX_LEN)];
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (unescape(name), unescape(value)))
        .collect()
}

/// Percent-encodes everything but RFC 3986's unreserved characters and `:` `/`, which are allowed
/// in a fragment and keep addresses readable.
fn escape(out: &mut String, value: &str) {
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' | b'/' => {
                out.push(char::from(byte));
            }
            _ => {
                // Writing into a String cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}

/// Undoes percent-encoding. A `+` stays a `+`: keys may contain one, and only forms mean a space.
fn unescape(value: &str) -> String {
    let bytes = value.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| Some(digit(hex[0])? << 4 | digit(hex[1])?));
        match escaped {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn digit(hex: u8) -> Option<u8> {
    char::from(hex)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn any_text_survives() {
        for value in [
            "",
            "plain",
            "a&b=c#d%e f+g",
            "مفتاح 钥匙 🔑",
            "%41",
            "100%",
            "wss://host:8084/mqtt?x=1",
        ] {
            let text = encode(&[("key", value), ("auto", "1")]);
            let pairs = decode(&text);
            let got = pairs
                .iter()
                .find(|(name, _)| name == "key")
                .map_or("", |(_, value)| value);
            assert_eq!(got, value, "{text}");
            assert!(text.is_ascii());
            assert!(!text.contains(['#', ' ', '+']), "{text}");
        }
    }

    #[test]
    fn empty_values_are_left_out() {
        assert_eq!(encode(&[("a", ""), ("b", "x y"), ("c", "")]), "b=x%20y");
        assert_eq!(encode(&[]), "");
    }

    #[test]
    fn broken_text_is_read_as_far_as_it_goes() {
        assert_eq!(decode("a=%"), [("a".into(), "%".into())]);
        assert_eq!(decode("a=%4"), [("a".into(), "%4".into())]);
        assert_eq!(decode("a=%zz&b"), [("a".into(), "%zz".into())]);
        assert_eq!(decode("a=%ff"), [("a".into(), "\u{fffd}".into())]);
        assert_eq!(decode("&&=&"), [(String::new(), String::new())]);
        assert_eq!(decode("a=b=c"), [("a".into(), "b=c".into())]);
    }

    #[test]
    fn endless_text_is_cut() {
        let pairs = decode(&format!("a={}", "x".repeat(1_000_000)));
        assert!(pairs[0].1.len() < MAX_LEN);
    }
}
