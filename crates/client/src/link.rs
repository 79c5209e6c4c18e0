//! The link that opens the app in a room: everything in the fragment, which browsers never send.

pub mod pairs;

/// The wishes of a link. Empty means: not in the link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// The room's key.
    pub key: String,
    /// The broker's `ws://` or `wss://` address; without it `/mqtt` at the app's own origin.
    pub broker: String,
    /// The name that this device shall have.
    pub name: String,
    /// The topic prefix.
    pub prefix: String,
    /// Join at once and accept every offer, once the user has agreed to that.
    pub auto: bool,
    /// The language of the page, as a BCP 47 tag.
    pub lang: String,
    /// The public key of the person who made the link, in lower-case base32: that person counts as
    /// verified.
    pub by: String,
    /// The name of the person whom the next things go to.
    pub to: String,
}

impl Link {
    /// Reads a fragment, with or without its `#`. Unknown parameters are ignored; of repeated
    /// ones the last counts.
    #[must_use]
    pub fn parse(fragment: &str) -> Self {
        let mut link = Self::default();
        for (name, value) in pairs::decode(fragment.strip_prefix('#').unwrap_or(fragment)) {
            match name.as_str() {
                "key" => link.key = value,
                "broker" => link.broker = value,
                "name" => link.name = value,
                "prefix" => link.prefix = value,
                "auto" => link.auto = value == "1",
                "lang" => link.lang = value,
                "by" => link.by = value,
                "to" => link.to = value,
                _ => {}
            }
        }
        link
    }

    /// The fragment without its `#`.
    #[must_use]
    pub fn fragment(&self) -> String {
        pairs::encode(&[
            ("key", &self.key),
            ("broker", &self.broker),
            ("name", &self.name),
            ("prefix", &self.prefix),
            ("auto", if self.auto { "1" } else { "" }),
            ("lang", &self.lang),
            ("by", &self.by),
            ("to", &self.to),
        ])
    }

    /// The whole link to the app whose address is `page` (whatever fragment that has).
    #[must_use]
    pub fn url(&self, page: &str) -> String {
        let page = page.split_once('#').map_or(page, |(page, _)| page);
        match self.fragment() {
            empty if empty.is_empty() => page.to_owned(),
            fragment => format!("{page}#{fragment}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_link_says_everything() {
        let link = Link::parse(
            "#key=blue-whale%2042&broker=wss%3A%2F%2Fhost%3A8084%2Fmqtt&name=J%C3%BCrgen&prefix=my/team&auto=1&lang=pt-BR&by=abc&to=Ann",
        );
        let expected = Link {
            key: "blue-whale 42".into(),
            broker: "wss://host:8084/mqtt".into(),
            name: "Jürgen".into(),
            prefix: "my/team".into(),
            auto: true,
            lang: "pt-BR".into(),
            by: "abc".into(),
            to: "Ann".into(),
        };
        assert_eq!(link, expected);
        assert_eq!(Link::parse(&link.fragment()), expected);
    }

    #[test]
    fn what_is_missing_is_empty() {
        assert_eq!(Link::parse(""), Link::default());
        assert_eq!(Link::parse("#section-2"), Link::default());
        assert_eq!(Link::parse("#auto=yes&new=thing"), Link::default());
    }

    #[test]
    fn a_link_replaces_the_fragment_of_the_page() {
        let link = Link {
            key: "a b".into(),
            ..Link::default()
        };
        assert_eq!(
            link.url("https://host/drop/#key=old"),
            "https://host/drop/#key=a%20b"
        );
        assert_eq!(
            link.url("https://host/drop/"),
            "https://host/drop/#key=a%20b"
        );
        assert_eq!(
            Link::default().url("https://host/#key=old"),
            "https://host/"
        );
    }
}
