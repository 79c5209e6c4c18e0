//! The join form's content: where it comes from, whether it will do, what of it is remembered.

use mqdrop_client::{lesson::Learnt, link::Link};
use mqdrop_core::AutoAccept;
use mqdrop_core::{keys, topic_prefix, view::Remedy};

use super::{address::Page, names, settings::Settings, words::words};
use crate::bridge::{JoinRequest, Protocol};

/// The contents of the form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The key as typed.
    pub key: String,
    /// This device's name.
    pub name: String,
    /// The broker as typed; empty for the app's own.
    pub broker: String,
    /// The topic prefix; empty for the usual one.
    pub prefix: String,
    /// The user name for the broker.
    pub username: String,
    /// The password for the broker.
    pub password: String,
    /// The protocol version.
    pub protocol: Protocol,
    /// Accept every offer.
    pub auto_accept: AutoAccept,
}

/// A field of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The key.
    Key,
    /// The broker.
    Broker,
    /// The topic prefix.
    Prefix,
    /// The user name.
    Username,
    /// The password.
    Password,
}

impl Field {
    /// The `id` of its element in the page.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Broker => "broker",
            Self::Prefix => "prefix",
            Self::Username => "username",
            Self::Password => "password",
        }
    }

    /// Where what has to change is typed.
    #[must_use]
    pub fn of(remedy: Remedy, draft: &Draft) -> Self {
        match remedy {
            Remedy::Login if draft.username.is_empty() => Self::Username,
            Remedy::Login => Self::Password,
            Remedy::Rights => Self::Prefix,
            Remedy::Protocol | Remedy::Broker => Self::Broker,
        }
    }

    /// Whether it is folded under *Advanced*.
    #[must_use]
    pub fn is_advanced(self) -> bool {
        matches!(self, Self::Prefix | Self::Username | Self::Password)
    }

    /// The `id` of the element that says what is wrong with it.
    #[must_use]
    pub fn error_id(self) -> String {
        format!("{}-error", self.id())
    }
}

/// Why the form will not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub field: Field,
    /// In words, with what to do.
    pub words: String,
}

impl Draft {
    /// The form as a visit begins. A link that names a room names its broker and prefix as well,
    /// by leaving them out too; anything else comes from what is remembered.
    #[must_use]
    pub fn new(settings: &Settings, link: &Link, guessed_name: &str) -> Self {
        let whole = !link.key.is_empty();
        let from = |link: &str, remembered: &str| {
            if whole || !link.is_empty() {
                link.to_owned()
            } else {
                remembered.to_owned()
            }
        };
        let name = [&link.name, &settings.name]
            .into_iter()
            .find(|name| !name.is_empty());
        Self {
            key: link.key.clone(),
            name: name.map_or(guessed_name, String::as_str).to_owned(),
            broker: from(&link.broker, &settings.broker),
            prefix: from(&link.prefix, &settings.prefix),
            username: String::new(),
            password: String::new(),
            protocol: settings.protocol,
            // Nothing that a link can decide.
            auto_accept: AutoAccept::Off,
        }
    }

    /// The settings to remember of the form: nothing that a link brought, so that a visit to somebody's
    /// room does not change where one usually goes.
    #[must_use]
    pub fn remember(&self, before: &Settings, link: &Link) -> Settings {
        let whole = !link.key.is_empty();
        let keep = |now: &str, link: &str, before: &str| {
            if now == link && (whole || !link.is_empty()) {
                before.to_owned()
            } else {
                now.to_owned()
            }
        };
        Settings {
            name: keep(
                &names::clean_device(&self.name),
                &names::clean_device(&link.name),
                &before.name,
            ),
            broker: keep(self.broker.trim(), link.broker.trim(), &before.broker),
            prefix: keep(self.prefix.trim(), link.prefix.trim(), &before.prefix),
            protocol: self.protocol,
        }
    }

    /// The link that leads where this form does, if the one that filled it leads elsewhere and has a
    /// key: the page's address must not lead into another room.
    #[must_use]
    pub fn corrected(&self, link: &Link) -> Option<Link> {
        let typed = [&self.key, &self.broker, &self.prefix].map(|typed| typed.trim());
        let linked = [&link.key, &link.broker, &link.prefix].map(|linked| linked.trim());
        let [key, broker, prefix] = typed.map(str::to_owned);
        (!link.key.is_empty() && typed != linked).then(|| Link {
            key,
            broker,
            prefix,
            name: link.name.clone(),
            auto: false,
            lang: link.lang.clone(),
            // A person has another key in each room.
            by: String::new(),
            to: link.to.clone(),
        })
    }

    /// Turns the form into a request, for a page at `page`.
    ///
    /// # Errors
    /// The first thing that will not do.
    pub fn check(&self, page: &Page) -> Result<JoinRequest, Problem> {
        if let Err(error) = keys::normalise(&self.key) {
            let words = match error {
                keys::KeyError::Empty => words().key_missing().to_owned(),
                error => words().key_error(error),
            };
            return Err(Problem {
                field: Field::Key,
                words,
            });
        }
        let broker = page.broker(&self.broker).map_err(|words| Problem {
            field: Field::Broker,
            words,
        })?;
        let prefix = topic_prefix(&self.prefix).map_err(|_| Problem {
            field: Field::Prefix,
            words: words().form_prefix_wrong().to_owned(),
        })?;
        if self.username.is_empty() && !self.password.is_empty() {
            return Err(Problem {
                field: Field::Username,
                words: words().form_username_missing().to_owned(),
            });
        }
        let name = names::clean_device(&self.name);
        Ok(JoinRequest {
            key: self.key.clone(),
            name: if name.is_empty() {
                words().device_someone().to_owned()
            } else {
                name
            },
            broker,
            prefix: prefix.to_owned(),
            username: self.username.clone(),
            password: self.password.clone(),
            protocol: self.protocol,
            auto_accept: self.auto_accept,
            learnt: Learnt::default(),
            former: String::new(),
            invited_by: String::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        Page {
            protocol: "http:".into(),
            host: "localhost:8080".into(),
            path: "/".into(),
            broker: String::new(),
        }
    }

    fn draft() -> Draft {
        Draft {
            key: "blue whale".into(),
            name: "Ann".into(),
            ..Draft::default()
        }
    }

    #[test]
    fn a_filled_form_becomes_a_request() {
        let request = Draft {
            prefix: "/team/x/".into(),
            broker: "host".into(),
            ..draft()
        }
        .check(&page())
        .unwrap();
        assert_eq!(request.key, "blue whale");
        assert_eq!(request.broker, "ws://host/mqtt");
        assert_eq!(request.prefix, "team/x");
        let longest = Draft {
            prefix: "a".repeat(100),
            ..draft()
        };
        assert!(longest.check(&page()).is_ok());
        assert_eq!(
            Draft {
                name: " ".into(),
                ..draft()
            }
            .check(&page())
            .unwrap()
            .name,
            "Someone"
        );
    }

    #[test]
    fn problems_name_their_field() {
        let field = |draft: Draft| draft.check(&page()).map(|_| ()).unwrap_err().field;
        assert_eq!(
            field(Draft {
                key: " - ".into(),
                ..draft()
            }),
            Field::Key
        );
        assert_eq!(
            field(Draft {
                key: "x".repeat(5_000),
                ..draft()
            }),
            Field::Key
        );
        assert_eq!(
            field(Draft {
                broker: "mqtt://host".into(),
                ..draft()
            }),
            Field::Broker
        );
        assert_eq!(
            field(Draft {
                password: "p".into(),
                ..draft()
            }),
            Field::Username
        );
        for prefix in [
            "a/#",
            "+",
            "$SYS",
            "a//b",
            "Team",
            "a/b/c/d/e",
            &"a".repeat(101),
        ] {
            assert_eq!(
                field(Draft {
                    prefix: prefix.into(),
                    ..draft()
                }),
                Field::Prefix,
                "{prefix}"
            );
        }
    }

    #[test]
    fn what_has_to_change_is_found_in_the_form() {
        let named = Draft {
            username: "ann".into(),
            ..draft()
        };
        assert_eq!(Field::of(Remedy::Login, &draft()), Field::Username);
        assert_eq!(Field::of(Remedy::Login, &named), Field::Password);
        assert_eq!(Field::of(Remedy::Rights, &named), Field::Prefix);
        assert_eq!(Field::of(Remedy::Broker, &named), Field::Broker);
        assert!(Field::Password.is_advanced() && !Field::Broker.is_advanced());
    }

    #[test]
    fn a_link_with_a_key_says_where_the_room_is() {
        let settings = Settings {
            name: "Ann".into(),
            broker: "wss://usual/mqtt".into(),
            prefix: "usual".into(),
            ..Settings::default()
        };
        let plain = Draft::new(&settings, &Link::default(), "Phone");
        assert_eq!(
            (plain.name.as_str(), plain.broker.as_str()),
            ("Ann", "wss://usual/mqtt")
        );
        let linked = Draft::new(&settings, &Link::parse("key=k&auto=1"), "Phone");
        assert_eq!(
            (
                linked.key.as_str(),
                linked.broker.as_str(),
                linked.prefix.as_str()
            ),
            ("k", "", "")
        );
        assert_eq!(
            linked.auto_accept,
            AutoAccept::Off,
            "the user has not agreed"
        );
        let named = Draft::new(&Settings::default(), &Link::parse("name=Bob"), "Phone");
        assert_eq!((named.name.as_str(), named.broker.as_str()), ("Bob", ""));
        assert_eq!(
            Draft::new(&Settings::default(), &Link::default(), "Phone").name,
            "Phone"
        );
    }

    #[test]
    fn a_link_leads_where_its_form_does() {
        let link = Link::parse("key=k&broker=wss://theirs/mqtt&name=Guest&auto=1");
        let draft = Draft::new(&Settings::default(), &link, "Phone");
        assert_eq!(draft.corrected(&link), None);
        let other = Draft {
            broker: "wss://mine/mqtt".into(),
            ..draft
        };
        let corrected = other.corrected(&link).unwrap();
        assert_eq!(
            corrected.fragment(),
            "key=k&broker=wss://mine/mqtt&name=Guest"
        );
        assert_eq!(
            other.corrected(&Link::default()),
            None,
            "a typed key stays out"
        );
    }

    #[test]
    fn a_visit_by_link_is_not_remembered() {
        let settings = Settings {
            name: "Ann".into(),
            broker: "wss://usual/mqtt".into(),
            ..Settings::default()
        };
        let link = Link::parse("key=k&broker=wss://theirs/mqtt&name=Guest");
        let draft = Draft::new(&settings, &link, "Phone");
        assert_eq!(draft.remember(&settings, &link), settings);
        let changed = Draft {
            broker: "wss://mine/mqtt".into(),
            ..draft
        };
        assert_eq!(changed.remember(&settings, &link).broker, "wss://mine/mqtt");
        let plain = Draft {
            broker: String::new(),
            ..Draft::new(&settings, &Link::default(), "Phone")
        };
        assert_eq!(plain.remember(&settings, &Link::default()).broker, "");
    }
}
