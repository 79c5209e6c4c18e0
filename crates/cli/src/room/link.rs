//! Links as the page makes them: the page's address, and the room behind its `#`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::broker;

/// The longest link that is read, in bytes.
const MAX_LEN: usize = 16 * 1024;

/// RFC 3986's unreserved characters and `:` `/`, which are allowed behind `#`, stay as they are.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b'/');

/// A link's room. Empty means: not in the link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Link {
    /// The room's key.
    pub(crate) key: String,
    /// The broker's address: the one that is named, or the one beside the page.
    pub(crate) broker: String,
    /// This device's name.
    pub(crate) name: String,
    /// The topic prefix.
    pub(crate) prefix: String,
}

/// Tells whether an argument is meant as a link to a page.
pub(crate) fn is_link(text: &str) -> bool {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| {
        ["http", "https", "file"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known))
    })
}

impl Link {
    /// Reads a link. As on the page, unknown parameters are ignored, of repeated ones the last
    /// counts, and a `+` is a `+`. `auto` asks the page to accept everything, which here is said
    /// with `--yes` alone.
    ///
    /// # Errors
    /// If it has no key, in words.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_LEN {
            return Err("the link is too long to be one".into());
        }
        let (page, fragment) = text.split_once('#').unwrap_or((text, ""));
        let mut link = Self::default();
        for (name, value) in fragment.split('&').filter_map(|pair| pair.split_once('=')) {
            let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
            match name {
                "key" => link.key = value,
                "broker" => link.broker = value,
                "name" => link.name = value,
                "prefix" => link.prefix = value,
                _ => {}
            }
        }
        if link.key.is_empty() {
            return Err(
                "the link has no key: copy all of it, with what is behind the #, and put it into quotes"
                    .into(),
            );
        }
        if link.broker.is_empty() {
            link.broker = broker::beside(page);
        }
        Ok(link)
    }

    /// The link to this room on the page at this address, whose own broker is the room's.
    pub(crate) fn on(&self, page: &str) -> String {
        let pairs = [("key", &self.key), ("prefix", &self.prefix)];
        let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
        let pairs: Vec<String> = pairs
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ESCAPED)))
            .collect();
        format!("{page}#{}", pairs.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_of_the_page_says_everything() {
        let link = Link::parse(
            "https://drop.example/#key=blue-whale%2042&broker=wss%3A%2F%2Fhost%3A8084%2Fmqtt&name=J%C3%BCrgen&prefix=my/team&auto=1",
        );
        let expected = Link {
            key: "blue-whale 42".into(),
            broker: "wss://host:8084/mqtt".into(),
            name: "Jürgen".into(),
            prefix: "my/team".into(),
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
            assert_eq!(Link::parse(link).unwrap().broker, broker, "{link}");
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
            assert!(Link::parse(link).unwrap_err().contains("quotes"), "{link}");
        }
        assert!(Link::parse(&format!("https://site/#key={}", "x".repeat(20_000))).is_err());
    }

    #[test]
    fn what_is_made_is_read() {
        for key in ["correct-horse", "a&b=c#d%e f+g", "钥匙 🔑", "100%"] {
            let link = Link {
                key: key.into(),
                broker: "ws://host:8080/mqtt".into(),
                prefix: "my/team".into(),
                ..Link::default()
            };
            assert_eq!(Link::parse(&link.on("http://host:8080/")), Ok(link));
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
