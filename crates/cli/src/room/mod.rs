//! The room of a command and the way to it: options, environment, a link.

mod broker;
mod key;
mod link;
mod way;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use mqdrop_client::lesson::Learnt;
use mqdrop_client::link::Link;
use mqdrop_core::keys::RoomSecret;
use mqdrop_core::view::{PersonView, Verified};
use mqdrop_core::{AutoAccept, Identity, Join, Profile, Version, VersionPolicy, person_of_text};

pub(crate) use link::is_link;
pub(crate) use way::{BrokerArgs, Way};

use crate::failure::{Failure, warn};
use crate::profile;
use crate::words;

/// The options that say which room, and how its broker is reached.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Room and broker")]
pub(crate) struct RoomArgs {
    /// The room's key. Others on this computer can see it: better are --key-file and MQDROP_KEY
    #[arg(long, value_name = "KEY", conflicts_with = "key_file")]
    key: Option<String>,

    /// Read the room's key from the first line of this file
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,

    #[command(flatten)]
    broker: BrokerArgs,

    /// The version of MQTT
    #[arg(long, value_name = "VERSION", value_enum, default_value_t = MqttVersion::Auto)]
    mqtt_version: MqttVersion,

    /// Ask the broker for a sign of life after so many seconds of silence, 5 to 65535; 30 if missing
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(5..))]
    keep_alive: Option<u16>,

    /// The topic prefix; mqdrop/1 if missing
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,

    /// The name that others see for this device. Without it the computer's
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// The version of MQTT that is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum MqttVersion {
    /// 5, or 3.1.1 at a broker that knows no other
    #[default]
    Auto,
    /// MQTT 5
    #[value(name = "5")]
    V5,
    /// MQTT 3.1.1
    #[value(name = "3.1.1")]
    V311,
}

/// The room as the environment names it.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    key: Option<String>,
    broker: Option<String>,
    password: Option<String>,
}

impl Environment {
    /// This process's.
    pub(crate) fn read() -> Self {
        let read = |name| {
            std::env::var(name)
                .ok()
                .filter(|value: &String| !value.is_empty())
        };
        Self {
            key: read("MQDROP_KEY"),
            broker: read("MQDROP_BROKER"),
            password: read("MQDROP_PASSWORD"),
        }
    }
}

/// A room, and how to get into it.
pub(crate) struct Room {
    /// The key, as it was typed.
    pub(crate) key: String,
    /// The key was made for this command: nobody else knows it.
    pub(crate) is_made: bool,
    /// The way to its broker.
    pub(crate) way: Way,
    /// The topic prefix, or empty for the usual one.
    prefix: String,
    /// The key of the person whose link led here, or empty.
    invited_by: String,
    /// What follows from the key.
    secret: RoomSecret,
    /// The user.
    profile: Profile,
    version: VersionPolicy,
    keep_alive: Duration,
}

impl Room {
    /// The room that was asked for. `may_be_made`: without a key one is made, else it is asked for.
    /// Warns on stderr of what is not safe. Takes tens of milliseconds, as guessing keys is to be slow.
    ///
    /// # Errors
    /// If something is missing or cannot be used, or the system has no random bytes.
    pub(crate) fn new(
        args: &RoomArgs,
        link: Option<&str>,
        environment: Environment,
        may_be_made: bool,
    ) -> Result<Self, Failure> {
        let link = link.map(link::parse).transpose().map_err(Failure::usage)?;
        if link.is_some() && (args.key.is_some() || args.key_file.is_some()) {
            return Err(Failure::usage(words().usage_two_keys()));
        }
        let link = link.unwrap_or_default();
        let way = args.broker.way(link.broker, &environment)?;
        if args.key.is_some() {
            warn(words().usage_key_is_seen());
        }
        let link_key = non_empty(link.key);
        let source = key::Places {
            link: link_key.as_deref(),
            option: args.key.as_deref(),
            file: args.key_file.as_deref(),
            environment: environment.key.as_deref(),
            may_be_made,
            is_terminal: std::io::stdin().is_terminal() && std::io::stderr().is_terminal(),
        }
        .source()?;
        let is_made = source == key::Source::Made;
        let key = source.key()?;
        let name = args.name.clone().or(non_empty(link.name));
        Ok(Self {
            is_made,
            secret: RoomSecret::derive(&key).map_err(key::no_key)?,
            key,
            way,
            invited_by: link.by,
            prefix: args.prefix.clone().unwrap_or(link.prefix),
            profile: profile::load(&name.unwrap_or_else(host_name), random()?),
            version: args.mqtt_version.policy(),
            keep_alive: args.keep_alive(),
        })
    }

    /// The user, as others in the room come to know them.
    pub(crate) fn me(&self) -> PersonView {
        let key = self.profile.person_key(&self.secret);
        let person = person_of_text(&key).map(|person| person.to_string());
        PersonView {
            person: person.unwrap_or_default(),
            key,
            name: self.profile.name.clone(),
            is_me: true,
            is_namesake: false,
            is_here: true,
            seen: profile::now(),
            is_told: false,
            muted: false,
            verified: Verified::No,
        }
    }

    /// The link that opens the room in a browser, if there is a page beside its broker. Whoever opens it
    /// knows that it is this user's.
    pub(crate) fn link(&self) -> Option<String> {
        let page = broker::page_of(&self.way.broker)?;
        let link = Link {
            key: self.key.clone(),
            prefix: self.prefix.clone(),
            by: self.profile.person_key(&self.secret),
            ..Link::default()
        };
        Some(link.url(&page))
    }

    /// The room in the engine's terms, with what was learnt of its broker, for another device each time:
    /// nobody can tell that it was here before.
    ///
    /// # Errors
    /// If the system has no random bytes.
    pub(crate) fn join(&self, learnt: Learnt, takes_texts: bool) -> Result<Join, Failure> {
        let mut join = Join {
            profile: self.profile.clone(),
            people: profile::people(&self.secret.room()),
            invited_by: self.invited_by.clone(),
            former: None,
            wall: profile::now(),
            secret: self.secret.clone(),
            identity: Identity::from_random(random()?),
            broker: self.way.broker.clone(),
            prefix: self.prefix.clone(),
            login: self.way.login.clone(),
            version: self.version,
            keep_alive: self.keep_alive,
            auto_accept: AutoAccept::Off,
            takes_texts,
            frame_limit: None,
            frame_length: None,
        };
        learnt.apply(&mut join);
        Ok(join)
    }
}

impl RoomArgs {
    fn keep_alive(&self) -> Duration {
        self.keep_alive.map_or(Join::KEEP_ALIVE, |seconds| {
            Duration::from_secs(seconds.into())
        })
    }
}

impl MqttVersion {
    fn policy(self) -> VersionPolicy {
        match self {
            Self::Auto => VersionPolicy::Auto,
            Self::V5 => VersionPolicy::Only(Version::V5),
            Self::V311 => VersionPolicy::Only(Version::V311),
        }
    }
}

/// Random bytes from the system, for keys and identities.
///
/// # Errors
/// If it has none.
pub(crate) fn random() -> Result<[u8; 32], Failure> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::other(words().system_no_random(&error.to_string())))?;
    Ok(bytes)
}

fn host_name() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}

fn non_empty(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment {
        Environment {
            key: Some("blue whale".into()),
            broker: Some("mqtt://localhost".into()),
            password: None,
        }
    }

    fn room(args: &RoomArgs, link: Option<&str>) -> Result<Room, Failure> {
        Room::new(args, link, environment(), false)
    }

    #[test]
    fn options_count_before_the_environment() {
        let args = RoomArgs {
            broker: BrokerArgs::at("wss://broker.example"),
            key: Some("red fox".into()),
            name: Some("Kitchen".into()),
            mqtt_version: MqttVersion::V311,
            keep_alive: Some(65_535),
            ..RoomArgs::default()
        };
        let given = room(&args, None).unwrap();
        assert_eq!(
            (given.key.as_str(), given.way.broker.as_str()),
            ("red fox", "wss://broker.example/mqtt")
        );
        let join = given.join(Learnt::default(), true).unwrap();
        assert_eq!(
            (join.profile.name.as_str(), join.version),
            ("Kitchen", VersionPolicy::Only(Version::V311))
        );
        assert_eq!(join.keep_alive, Duration::from_secs(65_535));
        let default = room(&RoomArgs::default(), None).unwrap();
        assert_eq!(
            (default.key.as_str(), default.way.broker.as_str()),
            ("blue whale", "mqtt://localhost")
        );
        assert_eq!(
            default.join(Learnt::default(), true).unwrap().keep_alive,
            Join::KEEP_ALIVE
        );
        assert!(
            !default.is_made && !default.profile.name.is_empty() && default.way.login.is_none()
        );
    }

    #[test]
    fn a_link_takes_the_place_of_all() {
        let link = "http://station:8080/#key=red-fox&name=Screen&prefix=my/team";
        let linked = room(&RoomArgs::default(), Some(link)).unwrap();
        assert_eq!(
            (linked.key.as_str(), linked.way.broker.as_str()),
            ("red-fox", "ws://station:8080/mqtt")
        );
        assert_eq!(
            (linked.profile.name.as_str(), linked.prefix.as_str()),
            ("Screen", "my/team")
        );
        // Plain MQTT is quicker where it can be reached.
        let args = RoomArgs {
            broker: BrokerArgs::at("mqtt://station"),
            ..RoomArgs::default()
        };
        assert_eq!(
            room(&args, Some(link)).unwrap().way.broker,
            "mqtt://station"
        );
        let args = RoomArgs {
            key: Some("blue".into()),
            ..RoomArgs::default()
        };
        assert_eq!(
            room(&args, Some(link)).err().map(|failure| failure.code()),
            Some(2)
        );
    }

    #[test]
    fn a_room_with_a_page_has_a_link() {
        let mut room = room(&RoomArgs::default(), None).unwrap();
        assert_eq!(room.link(), None);
        room.way.broker = "ws://localhost:8080/mqtt".into();
        let me = room.me();
        let link = format!("http://localhost:8080/#key=blue%20whale&by={}", me.key);
        assert_eq!(room.link(), Some(link));
        assert_eq!((me.key.len(), me.person.len()), (52, 16));
        let join = room.join(Learnt::default(), true).unwrap();
        assert_eq!(join.profile.person_key(&join.secret), me.key);
    }

    #[test]
    fn without_a_broker_it_is_said_what_to_give() {
        let environment = Environment {
            broker: None,
            ..environment()
        };
        let failure = Room::new(&RoomArgs::default(), None, environment, false)
            .err()
            .unwrap();
        assert_eq!(failure.code(), 2);
        assert!(failure.to_string().contains("MQDROP_BROKER"));
    }
}
