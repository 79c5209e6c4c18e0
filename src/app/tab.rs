//! A tab's memory of the room it is in, for when its page is loaded anew: phones do that by
//! themselves. The key and the password are in it, so it is forgotten when the room is left.

use mqdrop_client::link::pairs;

use mqdrop_core::AutoAccept;

use super::{form::Draft, settings};

/// The form that led into a room, or is about to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stay {
    /// The form.
    pub draft: Draft,
    /// The fragment that the page's address had.
    pub fragment: String,
    /// The room was entered.
    pub entered: bool,
}

impl Stay {
    /// As one line of text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let flag = |on: bool| if on { "1" } else { "" };
        let Draft {
            key,
            name,
            broker,
            prefix,
            username,
            password,
            protocol,
            auto_accept,
        } = &self.draft;
        pairs::encode(&[
            ("key", key),
            ("name", name),
            ("broker", broker),
            ("prefix", prefix),
            ("username", username),
            ("password", password),
            ("protocol", settings::protocol_text(*protocol)),
            ("auto", auto_text(*auto_accept)),
            ("fragment", &self.fragment),
            ("entered", flag(self.entered)),
        ])
    }

    /// Reads [`Stay::to_text`]; what is not understood is left at its default.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let mut stay = Self::default();
        let draft = &mut stay.draft;
        for (name, value) in pairs::decode(text) {
            match name.as_str() {
                "key" => draft.key = value,
                "name" => draft.name = value,
                "broker" => draft.broker = value,
                "prefix" => draft.prefix = value,
                "username" => draft.username = value,
                "password" => draft.password = value,
                "protocol" => draft.protocol = settings::protocol_from(&value),
                "auto" => draft.auto_accept = auto_from(&value),
                "fragment" => stay.fragment = value,
                "entered" => stay.entered = value == "1",
                _ => {}
            }
        }
        stay
    }
}

fn auto_text(auto_accept: AutoAccept) -> &'static str {
    match auto_accept {
        AutoAccept::Off => "",
        AutoAccept::Verified => "verified",
        AutoAccept::All => "1",
    }
}

fn auto_from(text: &str) -> AutoAccept {
    let all = [AutoAccept::Verified, AutoAccept::All];
    let named = all.into_iter().find(|which| auto_text(*which) == text);
    named.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::Protocol;

    #[test]
    fn a_stay_is_read_as_it_was_written() {
        let stay = Stay {
            draft: Draft {
                key: "blue & whale = 100%".into(),
                name: "Ann’s".into(),
                broker: "wss://host:8084/mqtt".into(),
                prefix: "team/x".into(),
                username: "ann".into(),
                password: "p&w=#".into(),
                protocol: Protocol::V311,
                auto_accept: AutoAccept::Verified,
            },
            fragment: "key=blue&auto=1".into(),
            entered: true,
        };
        assert_eq!(Stay::from_text(&stay.to_text()), stay);
        let empty = Stay::default();
        assert_eq!(Stay::from_text(&empty.to_text()), empty);
        assert_eq!(Stay::from_text("{\"json\":1}"), empty);
    }
}
