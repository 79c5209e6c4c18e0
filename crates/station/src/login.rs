//! Logins: the broker is for everyone, or for those with one.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, Params};
use mqtt5::broker::AuthResult;
use mqtt5::packet::connect::ConnectPacket;
use mqtt5::protocol::v5::reason_codes::ReasonCode;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::guesses::Guesses;
use super::users::{self, LONGEST_PART, fault_of_name, hash};
use crate::error::{Error, UserFault};
use crate::seldom::Seldom;

/// The shortest time that a wrong login waits for its answer: guessing is slow, and the time tells
/// nothing about what was wrong.
const REFUSAL_TIME: Duration = Duration::from_millis(500);

/// Passwords that are checked at the same time. Each takes a processor for a moment, and 19 MiB
/// with the usual parameters; others wait their turn.
const CHECKED_AT_ONCE: usize = 2;

static REFUSED: Seldom = Seldom::new();

/// The logins the station knows; none means that none is asked for.
#[derive(Debug)]
pub(crate) struct Logins {
    hashes: HashMap<String, Arc<PasswordHash>>,
    /// Checked for names that nobody has: the one that takes longest.
    decoy: Option<Arc<PasswordHash>>,
    turns: Arc<Semaphore>,
    guesses: Guesses,
}

impl Logins {
    /// The values of `--user` and the lines of the file of `--users`.
    ///
    /// # Errors
    /// Says what is wrong without repeating a password.
    pub(crate) fn load(users: &[String], file: Option<&Path>) -> Result<Self, Error> {
        let mut hashes = match file {
            Some(file) => users::read(file)?,
            None => HashMap::new(),
        };
        for user in users {
            let (name, password) = parse_user(user).map_err(Error::User)?;
            if hashes.insert(name.to_owned(), hash(password)?).is_some() {
                return Err(Error::User(UserFault::Twice(name.to_owned())));
            }
        }
        let hashes: HashMap<_, _> = hashes
            .into_iter()
            .map(|(name, hash)| (name, Arc::new(hash)))
            .collect();
        Ok(Self {
            decoy: hashes.values().max_by_key(|hash| cost(hash)).cloned(),
            hashes,
            turns: Arc::new(Semaphore::new(CHECKED_AT_ONCE)),
            guesses: Guesses::default(),
        })
    }

    /// Tells whether clients have to log in.
    pub(crate) fn are_asked_for(&self) -> bool {
        !self.hashes.is_empty()
    }

    /// Checks a login, no sooner than its address and name may try another.
    pub(crate) async fn check(&self, connect: &ConnectPacket, peer: SocketAddr) -> AuthResult {
        let answer_from = Instant::now() + REFUSAL_TIME;
        let name = connect.username.as_deref();
        if !self.are_asked_for() {
            return AuthResult::success();
        }
        let turn = name.and_then(|name| self.guesses.turn(peer.ip(), name));
        if let (Some(name), Some(at)) = (name, turn) {
            tokio::time::sleep_until(at).await;
            if self.accepts(Some(name), connect.password.as_deref()).await {
                self.guesses.forgive(peer.ip(), name);
                return AuthResult::success_with_user(name);
            }
        }
        // Without the name: people type passwords there.
        if let Some(others) = REFUSED.due() {
            tracing::warn!(%peer, others, "login refused");
        }
        tokio::time::sleep_until(answer_from).await;
        AuthResult::fail(ReasonCode::BadUsernameOrPassword)
    }

    async fn accepts(&self, name: Option<&str>, password: Option<&[u8]>) -> bool {
        let Some(decoy) = &self.decoy else {
            return true;
        };
        let (Some(name), Some(password)) = (name, password) else {
            return false;
        };
        let known = self.hashes.get(name);
        let hash = Arc::clone(known.unwrap_or(decoy));
        let password = password.to_vec();
        // The turn goes with the work: a client that leaves meanwhile frees nothing.
        let Ok(turn) = Arc::clone(&self.turns).acquire_owned().await else {
            return false;
        };
        let check = move || {
            let is_right = Argon2::default().verify_password(&password, &*hash).is_ok();
            drop(turn);
            is_right
        };
        let is_right = tokio::task::spawn_blocking(check).await.unwrap_or(false);
        is_right && known.is_some()
    }
}

/// Name and password of one `--user`.
fn parse_user(user: &str) -> Result<(&str, &[u8]), UserFault> {
    let (name, password) = user.split_once(':').ok_or(UserFault::NoColon)?;
    if name.is_empty() || password.is_empty() {
        return Err(UserFault::Incomplete);
    }
    if password.len() > LONGEST_PART {
        return Err(UserFault::LongPassword);
    }
    if let Some(fault) = fault_of_name(name) {
        return Err(UserFault::Name(fault));
    }
    Ok((name, password.as_bytes()))
}

/// How much work a hash is, for comparison.
fn cost(hash: &PasswordHash) -> u64 {
    Params::try_from(hash).map_or(0, |params| {
        u64::from(params.m_cost()) * u64::from(params.t_cost())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logins(users: &[&str]) -> Result<Logins, Error> {
        let users: Vec<String> = users.iter().map(ToString::to_string).collect();
        Logins::load(&users, None)
    }

    #[tokio::test]
    async fn only_the_given_logins_are_accepted() {
        let logins = logins(&["ann:pa:ss", "bob:hunter2"]).unwrap();
        assert!(logins.accepts(Some("ann"), Some(b"pa:ss")).await);
        assert!(logins.accepts(Some("bob"), Some(b"hunter2")).await);
        for (name, password) in [
            (Some("ann"), Some(&b"hunter2"[..])),
            (Some("bob"), None),
            (Some("eve"), Some(b"hunter2")),
            (Some("eve"), Some(b"pa:ss")),
            (None, Some(b"hunter2")),
            (None, None),
        ] {
            assert!(!logins.accepts(name, password).await, "{name:?}");
        }
    }

    #[tokio::test]
    async fn without_logins_everyone_is_accepted() {
        let logins = logins(&[]).unwrap();
        assert!(!logins.are_asked_for());
        assert!(logins.accepts(None, None).await);
        assert!(logins.accepts(Some("anyone"), Some(b"anything")).await);
    }

    #[tokio::test]
    async fn passwords_are_checked_in_turn_and_a_name_nobody_has_waits_as_well() {
        let logins = logins(&["ann:secret"]).unwrap();
        let all = Arc::clone(&logins.turns)
            .acquire_many_owned(u32::try_from(CHECKED_AT_ONCE).unwrap())
            .await
            .unwrap();
        for name in ["ann", "nobody"] {
            let checked = logins.accepts(Some(name), Some(b"secret"));
            let limit = Duration::from_millis(100);
            assert!(
                tokio::time::timeout(limit, checked).await.is_err(),
                "{name}"
            );
        }
        drop(all);
        assert!(logins.accepts(Some("ann"), Some(b"secret")).await);
        assert_eq!(logins.turns.available_permits(), CHECKED_AT_ONCE);
    }

    #[test]
    fn malformed_users_are_refused_without_showing_them() {
        for users in [
            &["secret"][..],
            &["name:"],
            &[":secret"],
            &[" ann:secret"],
            &["ann:secret", "ann:secret"],
        ] {
            let error = logins(users).unwrap_err();
            assert!(matches!(error, Error::User(_)), "{error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
