//! The way to a broker: its address, the login there, and how TLS is done.

use std::path::{Path, PathBuf};

use clap::Args;
use mqdrop_core::Login;
use mqdrop_words::Words;

use super::{Environment, broker, key, non_empty};
use crate::failure::{Failure, warn};
use crate::native::{ClientCertificate, ConnectionOptions};
use crate::words;

/// The longest password of a broker, in bytes (MQTT 5, section 1.5.6).
const LONGEST_PASSWORD: usize = 65_535;

/// The options that say how a broker is reached.
#[derive(Debug, Default, Args)]
pub(crate) struct BrokerArgs {
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
}

/// A broker, and how to reach it.
#[derive(Clone)]
pub(crate) struct Way {
    /// The broker's address.
    pub(crate) broker: String,
    /// The way to connect to it.
    pub(crate) connection: ConnectionOptions,
    /// The login there.
    pub(crate) login: Option<Login>,
}

impl BrokerArgs {
    /// The broker at this address, and nothing else.
    #[cfg(test)]
    pub(super) fn at(broker: &str) -> Self {
        Self {
            broker: Some(broker.into()),
            ..Self::default()
        }
    }

    /// The way that was asked for; `linked` is the broker of a link, or empty. Warns on stderr of what
    /// is not safe.
    ///
    /// # Errors
    /// If no broker is named, or something cannot be used.
    pub(crate) fn way(&self, linked: String, environment: &Environment) -> Result<Way, Failure> {
        let broker = (self.broker.clone())
            .or(non_empty(linked))
            .or(environment.broker.clone())
            .ok_or_else(|| Failure::usage(words().usage_no_broker()))?;
        let broker = broker::address(&broker).map_err(Failure::usage)?;
        let login = login(
            self.user.as_deref(),
            self.password_file.as_deref(),
            environment.password.clone(),
        )?;
        if self.insecure {
            warn(words().usage_broker_unchecked());
        }
        let certificate = self.cert.clone().zip(self.cert_key.clone());
        Ok(Way {
            broker,
            login,
            connection: ConnectionOptions {
                ca_file: self.ca_file.clone(),
                client_certificate: certificate.map(|(chain_file, key_file)| ClientCertificate {
                    chain_file,
                    key_file,
                }),
                insecure: self.insecure,
            },
        })
    }
}

/// The login at the broker. MQTT 3.1.1 takes a password only with a user name.
fn login(
    user: Option<&str>,
    file: Option<&Path>,
    environment: Option<String>,
) -> Result<Option<Login>, Failure> {
    let password = match file {
        Some(path) => {
            let unreadable = Words::usage_password_unreadable;
            Some(key::first_line(path, unreadable, LONGEST_PASSWORD)?)
        }
        None => environment,
    };
    let Some(username) = user else {
        return if file.is_some() {
            Err(Failure::usage(words().usage_no_user()))
        } else {
            Ok(None)
        };
    };
    Ok(Some(Login {
        username: username.to_owned(),
        password: password.unwrap_or_default(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

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
