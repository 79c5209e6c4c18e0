//! The meaning of a broker's refusals to the user: what to change, and whether trying again can help.

use mqdrop_mqtt::{Disconnect, ReasonCode};

use crate::cause::{RoomTrouble, SubscriptionTrouble};
use crate::view::Remedy;

/// A reason not to be in the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The reason.
    pub(super) trouble: RoomTrouble,
    /// The setting that has to be changed; `None` if it may pass by itself.
    pub(super) remedy: Option<Remedy>,
}

impl Refusal {
    pub(super) fn passing(trouble: RoomTrouble) -> Self {
        Self {
            trouble,
            remedy: None,
        }
    }

    pub(super) fn hopeless(trouble: RoomTrouble, remedy: Remedy) -> Self {
        Self {
            trouble,
            remedy: Some(remedy),
        }
    }
}

/// Facts about a connection that is refused.
pub(super) struct Asked {
    /// A user name was sent.
    pub(super) has_login: bool,
    /// The user insists on one version.
    pub(super) is_one_version: bool,
    /// A filter of all topics that the room needs.
    pub(super) topics: String,
    /// The connection ended while the device entered the room.
    pub(super) was_entering: bool,
}

/// Gives the meaning of the end of a connection.
pub(super) fn meaning(why: &Disconnect, asked: Asked) -> Refusal {
    match why {
        Disconnect::Refused { reason, text } => refused(*reason, said(text.as_deref()), asked),
        Disconnect::ByServer { reason, text } => {
            ended(*reason, said(text.as_deref()), asked.topics)
        }
        Disconnect::ClosedBeforeConnack => Refusal::passing(RoomTrouble::HungUp),
        Disconnect::ConnackTimeout => Refusal::passing(RoomTrouble::Silent),
        Disconnect::Protocol(what) => Refusal::passing(RoomTrouble::NotMqtt(what.to_string())),
        Disconnect::InvalidOptions(what) => {
            Refusal::hopeless(RoomTrouble::UnfitLogin(*what), Remedy::Login)
        }
        Disconnect::TransportClosed if asked.was_entering => {
            Refusal::passing(RoomTrouble::HangsUpOnEntering {
                topics: asked.topics,
            })
        }
        Disconnect::TransportClosed | Disconnect::KeepAliveTimeout | Disconnect::ByClient => {
            Refusal::passing(RoomTrouble::Lost)
        }
    }
}

/// CONNACK said no.
fn refused(reason: ReasonCode, said: String, asked: Asked) -> Refusal {
    match reason {
        ReasonCode::BAD_USER_NAME_OR_PASSWORD
        | ReasonCode::NOT_AUTHORIZED
        | ReasonCode::BAD_AUTHENTICATION_METHOD => {
            let trouble = if asked.has_login {
                RoomTrouble::WrongLogin { said }
            } else {
                RoomTrouble::NoLogin { said }
            };
            Refusal::hopeless(trouble, Remedy::Login)
        }
        ReasonCode::BANNED => Refusal::hopeless(RoomTrouble::Banned { said }, Remedy::Login),
        ReasonCode::TOPIC_NAME_INVALID => {
            let topics = asked.topics;
            Refusal::hopeless(RoomTrouble::TopicsRefused { said, topics }, Remedy::Rights)
        }
        ReasonCode::UNSUPPORTED_PROTOCOL_VERSION if asked.is_one_version => {
            Refusal::hopeless(RoomTrouble::VersionRefused { said }, Remedy::Protocol)
        }
        ReasonCode::UNSUPPORTED_PROTOCOL_VERSION => {
            Refusal::hopeless(RoomTrouble::VersionsRefused { said }, Remedy::Broker)
        }
        _ => {
            let trouble = RoomTrouble::Refused {
                reason: reason.0,
                said,
            };
            match reason {
                ReasonCode::CLIENT_IDENTIFIER_NOT_VALID
                | ReasonCode::QOS_NOT_SUPPORTED
                | ReasonCode::SERVER_MOVED => Refusal::hopeless(trouble, Remedy::Broker),
                _ => Refusal::passing(trouble),
            }
        }
    }
}

/// The broker said goodbye.
fn ended(reason: ReasonCode, said: String, topics: String) -> Refusal {
    let remedy = match reason {
        ReasonCode::NOT_AUTHORIZED
        | ReasonCode::TOPIC_FILTER_INVALID
        | ReasonCode::TOPIC_NAME_INVALID => Some(Remedy::Rights),
        ReasonCode::BANNED => Some(Remedy::Login),
        ReasonCode::QOS_NOT_SUPPORTED | ReasonCode::SERVER_MOVED => Some(Remedy::Broker),
        _ => None,
    };
    let trouble = RoomTrouble::Ended {
        reason: reason.0,
        said,
        topics: (remedy == Some(Remedy::Rights)).then_some(topics),
    };
    Refusal { trouble, remedy }
}

/// SUBACK said no to a topic without which there is no room; `topics` is a filter of all that it needs.
pub(super) fn not_subscribed(reason: ReasonCode, topic: String, topics: String) -> Refusal {
    let is_right = is_denied(reason) || reason == ReasonCode::UNSPECIFIED_ERROR;
    let trouble = RoomTrouble::MayNotSubscribe {
        topic,
        reason: reason.0,
        topics: is_right.then_some(topics),
    };
    Refusal {
        trouble,
        remedy: is_right.then_some(Remedy::Rights),
    }
}

/// SUBACK said no to a parcel's data, and whether that is final. MQTT 3.1.1 has one code for
/// everything. A quota is then the likelier cause if the broker let this device subscribe to other
/// parcels' data.
pub(super) fn no_data(
    reason: ReasonCode,
    topic: String,
    has_others: bool,
) -> (SubscriptionTrouble, bool) {
    let is_final = is_denied(reason);
    let is_vague = reason == ReasonCode::UNSPECIFIED_ERROR && !has_others;
    let reason = reason.0;
    let trouble = match (is_final, is_vague) {
        (true, _) => SubscriptionTrouble::Denied { topic, reason },
        (false, true) => SubscriptionTrouble::Refused { topic, reason },
        (false, false) => SubscriptionTrouble::Quota { reason, has_others },
    };
    (trouble, is_final)
}

fn is_denied(reason: ReasonCode) -> bool {
    matches!(
        reason,
        ReasonCode::NOT_AUTHORIZED
            | ReasonCode::TOPIC_FILTER_INVALID
            | ReasonCode::TOPIC_NAME_INVALID
    )
}

/// The broker's own words, on one line.
fn said(text: Option<&str>) -> String {
    crate::names::line(text.unwrap_or_default(), 200)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn asked(has_login: bool, is_one_version: bool) -> Asked {
        Asked {
            has_login,
            is_one_version,
            topics: "x/#".into(),
            was_entering: false,
        }
    }

    #[test]
    fn what_passes_is_tried_again_and_what_does_not_names_what_to_change() {
        let refused = |code| Disconnect::Refused {
            reason: ReasonCode(code),
            text: None,
        };
        for (code, remedy) in [
            (0x84, Some(Remedy::Broker)),
            (0x85, Some(Remedy::Broker)),
            (0x86, Some(Remedy::Login)),
            (0x87, Some(Remedy::Login)),
            (0x8A, Some(Remedy::Login)),
            (0x8C, Some(Remedy::Login)),
            (0x90, Some(Remedy::Rights)),
            (0x9B, Some(Remedy::Broker)),
            (0x9D, Some(Remedy::Broker)),
            (0x80, None),
            (0x88, None),
            (0x89, None),
            (0x97, None),
            (0x9C, None),
            (0x9F, None),
        ] {
            let meaning = meaning(&refused(code), asked(true, false));
            assert_eq!(meaning.remedy, remedy, "{code:#x}: {:?}", meaning.trouble);
        }
        let one = meaning(&refused(0x84), asked(true, true));
        assert_eq!(one.remedy, Some(Remedy::Protocol));
        for (code, remedy) in [
            (0x87, Some(Remedy::Rights)),
            (0x8F, Some(Remedy::Rights)),
            (0x8B, None),
            (0x8E, None),
            (0x97, None),
            (0x98, None),
            (0x9C, None),
        ] {
            let why = Disconnect::ByServer {
                reason: ReasonCode(code),
                text: None,
            };
            let meaning = meaning(&why, asked(true, false));
            assert_eq!(meaning.remedy, remedy, "{code:#x}: {:?}", meaning.trouble);
        }
    }

    #[test]
    fn a_refused_login_says_so_with_the_brokers_words_on_one_line() {
        let why = Disconnect::Refused {
            reason: ReasonCode::BAD_USER_NAME_OR_PASSWORD,
            text: Some("no\nsuch user".into()),
        };
        let said = "no such user".to_owned();
        let trouble = |has_login| meaning(&why, asked(has_login, false)).trouble;
        assert_eq!(
            trouble(true),
            RoomTrouble::WrongLogin { said: said.clone() }
        );
        assert_eq!(trouble(false), RoomTrouble::NoLogin { said });
    }

    #[test]
    fn a_subscription_that_is_refused_is_told_as_what_it_is() {
        let room = |code| not_subscribed(ReasonCode(code), "x/c".into(), "x/#".into());
        for code in [0x80, 0x87, 0x8F] {
            let refusal = room(code);
            assert_eq!(refusal.remedy, Some(Remedy::Rights));
            let trouble = RoomTrouble::MayNotSubscribe {
                topic: "x/c".into(),
                reason: code,
                topics: Some("x/#".into()),
            };
            assert_eq!(refusal.trouble, trouble);
        }
        assert_eq!(room(0x97).remedy, None);
        let topic = "x/d/y".to_owned();
        let data = |code, has_others| no_data(ReasonCode(code), topic.clone(), has_others);
        for has_others in [true, false] {
            let denied = SubscriptionTrouble::Denied {
                topic: topic.clone(),
                reason: 0x87,
            };
            assert_eq!(data(0x87, has_others), (denied, true));
            let quota = |reason| SubscriptionTrouble::Quota { reason, has_others };
            assert_eq!(data(0x97, has_others), (quota(0x97), false));
            // Right and quota may both be the cause, and nobody knows which one.
            let vague = SubscriptionTrouble::Refused {
                topic: topic.clone(),
                reason: 0x80,
            };
            let vague = if has_others { quota(0x80) } else { vague };
            assert_eq!(data(0x80, has_others), (vague, false));
        }
    }
}
