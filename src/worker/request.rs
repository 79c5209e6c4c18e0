//! The app's wishes, in the engine's terms.

use mqdrop_core::keys::{KeyError, RoomSecret};
use mqdrop_core::{Identity, Join, Login, Version, VersionPolicy};

use crate::bridge::{JoinRequest, Protocol};

/// Derives the room's secret, which blocks for tens of milliseconds. `identity` is that of the device
/// that is to join.
///
/// # Errors
/// If the key is empty or too long.
pub(super) fn join(request: JoinRequest, identity: Identity) -> Result<Join, KeyError> {
    let mut join = Join {
        secret: RoomSecret::derive(&request.key)?,
        identity,
        version: version(request.protocol),
        login: login(request.username, request.password),
        broker: request.broker,
        prefix: request.prefix,
        name: request.name,
        keep_alive: Join::KEEP_ALIVE,
        auto_accept: request.auto_accept,
        frame_limit: None,
        frame_length: None,
    };
    request.learnt.apply(&mut join);
    Ok(join)
}

fn login(username: String, password: String) -> Option<Login> {
    // A password alone is legal in MQTT 5 only; an empty user name goes with it everywhere.
    (!username.is_empty() || !password.is_empty()).then_some(Login { username, password })
}

fn version(wish: Protocol) -> VersionPolicy {
    match wish {
        Protocol::V5 => VersionPolicy::Only(Version::V5),
        Protocol::V311 => VersionPolicy::Only(Version::V311),
        Protocol::Auto => VersionPolicy::Auto,
    }
}

#[cfg(test)]
mod tests {
    use mqdrop_client::lesson::Learnt;

    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn request(key: &str, protocol: Protocol, learnt: Learnt) -> JoinRequest {
        JoinRequest {
            key: key.to_owned(),
            name: "Laptop".to_owned(),
            broker: "wss://broker.example/mqtt".to_owned(),
            prefix: String::new(),
            username: String::new(),
            password: String::new(),
            protocol,
            auto_accept: false,
            learnt,
        }
    }

    fn identity() -> Identity {
        Identity::from_random([1; 32])
    }

    #[test]
    fn what_was_learnt_counts_unless_the_user_chose() {
        let learnt = Learnt {
            only_v311: true,
            frame_limit: Some(16_384),
            frame_length: Some(4096),
        };
        let version = |protocol, learnt| {
            let join = join(request("blue whale", protocol, learnt), identity()).unwrap();
            assert_eq!(
                (join.frame_limit, join.frame_length),
                (learnt.frame_limit, learnt.frame_length)
            );
            join.version
        };
        assert_eq!(
            version(Protocol::Auto, Learnt::default()),
            VersionPolicy::Auto
        );
        assert_eq!(version(Protocol::Auto, learnt), VersionPolicy::Prefer311);
        assert_eq!(
            version(Protocol::V5, learnt),
            VersionPolicy::Only(Version::V5)
        );
        assert_eq!(
            version(Protocol::V311, Learnt::default()),
            VersionPolicy::Only(Version::V311)
        );
    }

    #[test]
    fn a_login_needs_a_name_or_a_password() {
        assert!(login(String::new(), String::new()).is_none());
        assert!(login("me".to_owned(), String::new()).is_some());
        assert!(login(String::new(), "secret".to_owned()).is_some());
    }

    #[test]
    fn an_empty_key_is_refused() {
        let request = request(" - ", Protocol::Auto, Learnt::default());
        assert_eq!(join(request, identity()).err(), Some(KeyError::Empty));
    }
}
