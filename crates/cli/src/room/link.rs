//! Links as the page makes them, given to a command.

use mqdrop_client::link::Link;

use super::broker;
use crate::words;

/// The longest link that is read, in bytes.
const MAX_LEN: usize = 16 * 1024;

/// Tells whether an argument is meant as a link to a page.
pub(crate) fn is_link(text: &str) -> bool {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| {
        ["http", "https", "file"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known))
    })
}

/// Reads a link. Without a broker it means the one beside its page. `auto` asks the page to accept
/// everything, which here is said with `--yes` alone.
///
/// # Errors
/// If it has no key, in words.
pub(super) fn parse(text: &str) -> Result<Link, String> {
    if text.len() > MAX_LEN {
        return Err(words().usage_link_too_long().into());
    }
    let (page, fragment) = text.split_once('#').unwrap_or((text, ""));
    let mut link = Link::parse(fragment);
    if link.key.is_empty() {
        return Err(words().usage_link_without_key().into());
    }
    if link.broker.is_empty() {
        link.broker = broker::beside(page);
    }
    Ok(link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_of_the_page_says_everything() {
        let link = parse(
            "https://drop.example/#key=blue-whale%2042&broker=wss%3A%2F%2Fhost%3A8084%2Fmqtt&name=J%C3%BCrgen&prefix=my/team&auto=1",
        );
        let expected = Link {
            key: "blue-whale 42".into(),
            broker: "wss://host:8084/mqtt".into(),
            name: "Jürgen".into(),
            prefix: "my/team".into(),
            auto: true,
            ..Link::default()
        };
        assert_eq!(link, Ok(expected));
    }

    #[test]
    fn without_a_broker_it_is_the_one_beside_the_page() {
        for (link, broker) in [
            (
                "http://192.168.0.5:8080/#key=a",
                "ws://192.168.0.5:8080/mqtt",
            ),
            (
                "https://site.example/drop/#key=a",
                "wss://site.example/drop/mqtt",
            ),
            (
                "https://site.example/drop/index.html#key=a",
                "wss://site.example/drop/mqtt",
            ),
            (
                "https://site.example/drop?x=/y#key=a",
                "wss://site.example/mqtt",
            ),
            ("https://site.example#key=a", "wss://site.example/mqtt"),
            (
                "file:///home/ann/mqdrop.html#key=a",
                "ws://localhost:8080/mqtt",
            ),
        ] {
            assert_eq!(parse(link).unwrap().broker, broker, "{link}");
        }
    }

    #[test]
    fn a_link_without_a_key_says_what_to_do() {
        for link in [
            "https://site/",
            "https://site/#",
            "https://site/#auto=1",
            "https://site/#key=",
        ] {
            assert!(parse(link).unwrap_err().contains("quotes"), "{link}");
        }
        assert!(parse(&format!("https://site/#key={}", "x".repeat(20_000))).is_err());
    }

    #[test]
    fn what_is_made_is_read() {
        for key in ["correct-horse", "a&b=c#d%e f+g", "钥匙 🔑", "100%"] {
            let made = Link {
                key: key.into(),
                prefix: "my/team".into(),
                ..Link::default()
            };
            let read = Link {
                broker: "ws://host:8080/mqtt".into(),
                ..made.clone()
            };
            assert_eq!(parse(&made.url("http://host:8080/")), Ok(read));
        }
    }

    #[test]
    fn links_are_told_from_paths() {
        for link in [
            "http://host/#key=a",
            "HTTPS://host",
            "file:///page.html#key=a",
        ] {
            assert!(is_link(link), "{link}");
        }
        for path in ["a.txt", "/tmp/http", "./http://", "mqtt://host", "-"] {
            assert!(!is_link(path), "{path}");
        }
    }
}
