//! Who may use the broker: everyone, or those with a login.

use std::collections::HashMap;
use std::future::{Future, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use mqtt5::broker::{AuthProvider, AuthResult};
use mqtt5::packet::connect::ConnectPacket;
use mqtt5::protocol::v5::reason_codes::ReasonCode;

use crate::failure::Failure;

/// How long a wrong login waits for its answer, so that guessing is slow.
const REFUSAL_DELAY: Duration = Duration::from_millis(500);

/// MQTT's limit for a user name and for a password, in bytes (both are
/// preceded by a two-byte length).
const LONGEST_PART: usize = 65_535;

/// The logins the station knows; none means that none is asked for.
#[derive(Debug, Default)]
pub(crate) struct Logins {
    passwords: HashMap<String, blake3::Hash>,
}

impl Logins {
    /// Reads the values of `--user`.
    ///
    /// # Errors
    /// [`Failure::Usage`] says what is wrong without repeating a password.
    pub(crate) fn parse(users: &[String]) -> Result<Self, Failure> {
        let mut passwords = HashMap::new();
        for user in users {
            let (name, password) = user.split_once(':').ok_or_else(|| {
                Failure::usage(
                    "--user needs a name and a password with a colon between: --user NAME:PASSWORD",
                )
            })?;
            if name.is_empty() || password.is_empty() {
                return Err(Failure::usage(
                    "--user needs both a name and a password: --user NAME:PASSWORD",
                ));
            }
            if name.len() > LONGEST_PART || password.len() > LONGEST_PART {
                return Err(Failure::usage(
                    "--user: MQTT carries names and passwords of up to 65,535 bytes, use shorter ones",
                ));
            }
            let hash = blake3::hash(password.as_bytes());
            if passwords.insert(name.to_owned(), hash).is_some() {
                return Err(Failure::usage(format!(
                    "--user: the name {name:?} is given twice, give each name once"
                )));
            }
        }
        Ok(Self { passwords })
    }

    fn accepts(&self, name: Option<&str>, password: Option<&[u8]>) -> bool {
        if self.passwords.is_empty() {
            return true;
        }
        let (Some(name), Some(password)) = (name, password) else {
            return false;
        };
        // Comparing hashes takes the same time wherever they differ.
        self.passwords
            .get(name)
            .is_some_and(|expected| *expected == blake3::hash(password))
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl AuthProvider for Logins {
    fn authenticate<'a>(
        &'a self,
        connect: &'a ConnectPacket,
        peer: SocketAddr,
    ) -> Answer<'a, mqtt5::Result<AuthResult>> {
        Box::pin(async move {
            if self.accepts(connect.username.as_deref(), connect.password.as_deref()) {
                return Ok(match &connect.username {
                    Some(name) if !self.passwords.is_empty() => AuthResult::success_with_user(name),
                    _ => AuthResult::success(),
                });
            }
            tracing::debug!("refused the login of {peer}");
            tokio::time::sleep(REFUSAL_DELAY).await;
            Ok(AuthResult::fail(ReasonCode::BadUsernameOrPassword))
        })
    }

    fn authorize_publish<'a>(
        &'a self,
        _client_id: &str,
        _user: Option<&'a str>,
        _topic: &'a str,
    ) -> Answer<'a, bool> {
        Box::pin(ready(true))
    }

    fn authorize_subscribe<'a>(
        &'a self,
        _client_id: &str,
        _user: Option<&'a str>,
        _filter: &'a str,
    ) -> Answer<'a, bool> {
        Box::pin(ready(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logins(users: &[&str]) -> Result<Logins, Failure> {
        Logins::parse(
            &users
                .iter()
                .map(|user| (*user).to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn only_the_given_logins_are_accepted() {
        let logins = logins(&["ann:pa:ss", "bob:hunter2"]).unwrap();
        assert!(logins.accepts(Some("ann"), Some(b"pa:ss")));
        assert!(logins.accepts(Some("bob"), Some(b"hunter2")));
        for (name, password) in [
            (Some("ann"), Some(&b"hunter2"[..])),
            (Some("bob"), None),
            (Some("eve"), Some(b"hunter2")),
            (None, Some(b"hunter2")),
            (None, None),
        ] {
            assert!(!logins.accepts(name, password), "{name:?}");
        }
    }

    #[test]
    fn without_logins_everyone_is_accepted() {
        let logins = logins(&[]).unwrap();
        assert!(logins.accepts(None, None));
        assert!(logins.accepts(Some("anyone"), Some(b"anything")));
    }

    #[test]
    fn malformed_users_are_refused_without_showing_them() {
        for users in [
            &["secret"][..],
            &["name:"],
            &[":secret"],
            &["ann:secret", "ann:secret"],
        ] {
            let text = logins(users).unwrap_err().to_string();
            assert!(
                text.starts_with("--user") && !text.contains("secret"),
                "{text}"
            );
        }
    }
}
