//! The app's wishes, in the engine's terms.

use mqdrop_core::keys::RoomSecret;
use mqdrop_core::{Identity, Join, Login, Version, VersionPolicy};

use super::profile::Remembered;
use crate::bridge::{JoinRequest, Protocol};

/// Enters the room of this secret as this device, and as the person who is remembered, at `wall` (ms since
/// 1970).
pub(super) fn join(
    request: JoinRequest,
    secret: RoomSecret,
    identity: Identity,
    remembered: Remembered,
    wall: u64,
) -> Join {
    let mut join = Join {
        secret,
        identity,
        profile: remembered.profile,
        people: remembered.people,
        // An id that is none is nobody's.
        former: request.former.parse().ok(),
        invited_by: request.invited_by,
        wall,
        version: version(request.protocol),
        login: login(request.username, request.password),
        broker: request.broker,
        prefix: request.prefix,
        keep_alive: Join::KEEP_ALIVE,
        auto_accept: request.auto_accept,
        takes_texts: true,
        frame_limit: None,
        frame_length: None,
    };
    request.learnt.apply(&mut join);
    join
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
    use mqdrop_core::Profile;

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
            auto_accept: mqdrop_core::AutoAccept::Off,
            learnt,
            former: String::new(),
            invited_by: String::new(),
        }
    }

    #[test]
    fn what_was_learnt_counts_unless_the_user_chose() {
        let learnt = Learnt {
            only_v311: true,
            frame_limit: Some(16_384),
            frame_length: Some(4096),
        };
        let version = |protocol, learnt| {
            let request = request("blue whale", protocol, learnt);
            let secret = RoomSecret::derive(&request.key).unwrap();
            let remembered = Remembered {
                profile: Profile {
                    secret: [2; 32],
                    name: request.name.clone(),
                    named: 0,
                },
                people: Vec::new(),
            };
            let join = join(
                request,
                secret,
                Identity::from_random([1; 32]),
                remembered,
                0,
            );
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
}
