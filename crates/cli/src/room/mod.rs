//! The room of a command and the way to it: options, environment, a link.

mod broker;
mod key;
mod link;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use mqdrop_client::lesson::Learnt;
use mqdrop_client::link::Link;
use mqdrop_core::keys::RoomSecret;
use mqdrop_core::{Join, Login, Version, VersionPolicy};

pub(crate) use link::is_link;

use crate::failure::Failure;
use crate::native::{ClientCertificate, ConnectionOptions};

/// The longest password of a broker, in bytes (MQTT 5, section 1.5.6).
const LONGEST_PASSWORD: usize = 65_535;

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

    /// The broker: mqtt://, mqtts://, ws:// or wss://, then host and port. Without it MQDROP_BROKER
    #[arg(long, value_name = "URL")]
    broker: Option<String>,

    /// The user name at the broker
    #[arg(long, value_name = "NAME")]
    user: Option<String>,

    /// Read the password at the broker from the first line of this file. Without it MQDROP_PASSWORD
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,

    /// Trust the certificates in this PEM file, instead of those that the system trusts
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,

    /// The client certificate for the broker, as a PEM file
    #[arg(long, value_name = "FILE", requires = "cert_key")]
    cert: Option<PathBuf>,

    /// The client certificate's private key, as a PEM file
    #[arg(long, value_name = "FILE", requires = "cert")]
    cert_key: Option<PathBuf>,

    /// Do not check the broker's certificate. What is sent stays encrypted with the room's key, but
    /// the login does not
    #[arg(long, conflicts_with = "ca_file")]
    insecure: bool,

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
    /// The broker's address.
    pub(crate) broker: String,
    /// How to connect to it.
    pub(crate) connection: ConnectionOptions,
    /// The topic prefix, or empty for the usual one.
    prefix: String,
    name: String,
    login: Option<Login>,
    version: VersionPolicy,
    keep_alive: Duration,
}

impl Room {
    /// The room that was asked for. `may_be_made`: without a key one is made, else it is asked for.
    /// Warns on stderr of what is not safe.
    ///
    /// # Errors
    /// If something is missing or cannot be used.
    pub(crate) fn new(
        args: &RoomArgs,
        link: Option<&str>,
        environment: Environment,
        may_be_made: bool,
    ) -> Result<Self, Failure> {
        let link = link.map(link::parse).transpose().map_err(Failure::usage)?;
        if link.is_some() && (args.key.is_some() || args.key_file.is_some()) {
            return Err(Failure::usage(
                "the link has a key: leave out --key and --key-file",
            ));
        }
        let link = link.unwrap_or_default();
        let broker = (args.broker.clone())
            .or(non_empty(link.broker))
            .or(environment.broker)
            .ok_or_else(|| Failure::usage("say which broker: set MQDROP_BROKER or give --broker URL, such as --broker mqtts://broker.example"))?;
        let broker = broker::address(&broker).map_err(Failure::usage)?;
        let login = login(
            args.user.as_deref(),
            args.password_file.as_deref(),
            environment.password,
        )?;
        for warning in args.warnings() {
            eprintln!("mqdrop: {warning}");
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
        Ok(Self {
            is_made: source == key::Source::Made,
            key: source.key()?,
            broker,
            connection: args.connection(),
            prefix: args.prefix.clone().unwrap_or(link.prefix),
            name: args
                .name
                .clone()
                .or(non_empty(link.name))
                .unwrap_or_else(host_name),
            login,
            version: args.mqtt_version.policy(),
            keep_alive: args.keep_alive(),
        })
    }

    /// The link that opens the room in a browser, if there is a page beside its broker.
    pub(crate) fn link(&self) -> Option<String> {
        let page = broker::page_of(&self.broker)?;
        let link = Link {
            key: self.key.clone(),
            prefix: self.prefix.clone(),
            ..Link::default()
        };
        Some(link.url(&page))
    }

    /// The room in the engine's terms, with what was learnt of its broker. Takes tens of milliseconds, as guessing keys is to be slow.
    ///
    /// # Errors
    /// If the key is none.
    pub(crate) fn join(&self, learnt: Learnt) -> Result<Join, Failure> {
        let secret = RoomSecret::derive(&self.key);
        let mut join = Join {
            secret: secret.map_err(|error| Failure::usage(error.to_string()))?,
            broker: self.broker.clone(),
            prefix: self.prefix.clone(),
            name: self.name.clone(),
            login: self.login.clone(),
            version: self.version,
            keep_alive: self.keep_alive,
            auto_accept: false,
            frame_limit: None,
            frame_length: None,
        };
        learnt.apply(&mut join);
        Ok(join)
    }
}

impl RoomArgs {
    /// Words for what is not safe.
    fn warnings(&self) -> impl Iterator<Item = &'static str> {
        let key = "others on this computer can see --key; MQDROP_KEY or --key-file hides it";
        let insecure = "the broker's certificate is not checked: anybody on the way may pretend to be the broker, and see the login";
        let warnings = [(self.key.is_some(), key), (self.insecure, insecure)];
        warnings
            .into_iter()
            .filter_map(|(is_so, words)| is_so.then_some(words))
    }

    fn keep_alive(&self) -> Duration {
        self.keep_alive.map_or(Join::KEEP_ALIVE, |seconds| {
            Duration::from_secs(seconds.into())
        })
    }

    fn connection(&self) -> ConnectionOptions {
        let certificate = self.cert.clone().zip(self.cert_key.clone());
        ConnectionOptions {
            ca_file: self.ca_file.clone(),
            client_certificate: certificate.map(|(chain_file, key_file)| ClientCertificate {
                chain_file,
                key_file,
            }),
            insecure: self.insecure,
        }
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
pub(crate) fn seed() -> Result<[u8; 32], Failure> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| {
        Failure::other(format!(
            "this system gives no random numbers, and nothing is safe without: {error}"
        ))
    })?;
    Ok(seed)
}

/// The login at the broker. MQTT 3.1.1 takes a password only with a user name.
fn login(
    user: Option<&str>,
    file: Option<&Path>,
    environment: Option<String>,
) -> Result<Option<Login>, Failure> {
    let password = match file {
        Some(path) => Some(key::first_line(path, "password", LONGEST_PASSWORD)?),
        None => environment,
    };
    let Some(username) = user else {
        return if file.is_some() {
            Err(Failure::usage(
                "a password needs a user name: give --user NAME",
            ))
        } else {
            Ok(None)
        };
    };
    Ok(Some(Login {
        username: username.to_owned(),
        password: password.unwrap_or_default(),
    }))
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
            broker: Some("wss://broker.example".into()),
            key: Some("red fox".into()),
            name: Some("Kitchen".into()),
            mqtt_version: MqttVersion::V311,
            keep_alive: Some(65_535),
            ..RoomArgs::default()
        };
        let given = room(&args, None).unwrap();
        assert_eq!(
            (given.key.as_str(), given.broker.as_str()),
            ("red fox", "wss://broker.example/mqtt")
        );
        let join = given.join(Learnt::default()).unwrap();
        assert_eq!(
            (join.name.as_str(), join.version),
            ("Kitchen", VersionPolicy::Only(Version::V311))
        );
        assert_eq!(join.keep_alive, Duration::from_secs(65_535));
        let default = room(&RoomArgs::default(), None).unwrap();
        assert_eq!(
            (default.key.as_str(), default.broker.as_str()),
            ("blue whale", "mqtt://localhost")
        );
        assert_eq!(
            default.join(Learnt::default()).unwrap().keep_alive,
            Join::KEEP_ALIVE
        );
        assert!(!default.is_made && !default.name.is_empty() && default.login.is_none());
    }

    #[test]
    fn a_link_takes_the_place_of_all() {
        let link = "http://station:8080/#key=red-fox&name=Screen&prefix=my/team";
        let linked = room(&RoomArgs::default(), Some(link)).unwrap();
        assert_eq!(
            (linked.key.as_str(), linked.broker.as_str()),
            ("red-fox", "ws://station:8080/mqtt")
        );
        assert_eq!(
            (linked.name.as_str(), linked.prefix.as_str()),
            ("Screen", "my/team")
        );
        // Plain MQTT is quicker where it can be reached.
        let args = RoomArgs {
            broker: Some("mqtt://station".into()),
            ..RoomArgs::default()
        };
        assert_eq!(room(&args, Some(link)).unwrap().broker, "mqtt://station");
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
        room.broker = "ws://localhost:8080/mqtt".into();
        assert_eq!(
            room.link().as_deref(),
            Some("http://localhost:8080/#key=blue%20whale")
        );
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

    #[test]
    fn a_password_comes_from_a_file_or_the_environment_and_needs_a_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "se cret\n").unwrap();
        let password = |user, file, environment: Option<&str>| {
            let login = login(user, file, environment.map(str::to_owned))?;
            Ok::<_, Failure>(login.map(|login| login.password))
        };
        assert_eq!(
            password(Some("ann"), Some(file.path()), Some("other")),
            Ok(Some("se cret".into()))
        );
        assert_eq!(
            password(Some("ann"), None, Some("other")),
            Ok(Some("other".into()))
        );
        assert_eq!(password(Some("ann"), None, None), Ok(Some(String::new())));
        assert_eq!(password(None, None, Some("other")), Ok(None));
        assert!(password(None, Some(file.path()), None).is_err());
    }
}
