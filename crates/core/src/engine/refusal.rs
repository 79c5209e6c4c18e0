//! The meaning of a broker's refusals to the user: what to change, and whether trying again can help.

use mqdrop_mqtt::{Disconnect, ReasonCode};

use crate::view::Remedy;

/// A reason not to be in the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The reason in words.
    pub(super) words: String,
    /// The setting that has to be changed; `None` if it may pass by itself.
    pub(super) remedy: Option<Remedy>,
}

impl Refusal {
    pub(super) fn passing(words: impl Into<String>) -> Self {
        Self {
            words: words.into(),
            remedy: None,
        }
    }

    pub(super) fn hopeless(words: impl Into<String>, remedy: Remedy) -> Self {
        Self {
            words: words.into(),
            remedy: Some(remedy),
        }
    }
}

/// Facts about a connection that is refused.
pub(super) struct Asked<'a> {
    /// The broker's address.
    pub(super) broker: &'a str,
    /// A user name was sent.
    pub(super) has_login: bool,
    /// The user insists on one version.
    pub(super) is_one_version: bool,
    /// Advice on missing rights, in words.
    pub(super) rights: String,
    /// The connection ended while the device entered the room.
    pub(super) was_entering: bool,
}

/// Gives the meaning of the end of a connection.
pub(super) fn meaning(why: &Disconnect, asked: &Asked<'_>) -> Refusal {
    let broker = asked.broker;
    match why {
        Disconnect::Refused { reason, text } => refused(*reason, text.as_deref(), asked),
        Disconnect::ByServer { reason, text } => ended(*reason, text.as_deref(), asked),
        Disconnect::ClosedBeforeConnack => Refusal::passing(format!(
            "{broker} hung up before it answered. Is it an MQTT broker, does it want a login, or another protocol version?"
        )),
        Disconnect::ConnackTimeout => {
            Refusal::passing(format!("{broker} does not answer. Is it an MQTT broker?"))
        }
        Disconnect::Protocol(what) => Refusal::passing(format!(
            "{broker} sent something that is not valid MQTT ({what})"
        )),
        Disconnect::InvalidOptions(what) => {
            Refusal::hopeless(format!("The login cannot be sent: {what}"), Remedy::Login)
        }
        Disconnect::TransportClosed if asked.was_entering => Refusal::passing(format!(
            "{broker} hangs up when this device enters the room. It may not allow this login the room's topics. {}",
            asked.rights
        )),
        Disconnect::TransportClosed | Disconnect::KeepAliveTimeout | Disconnect::ByClient => {
            Refusal::passing("The connection to the broker was lost")
        }
    }
}

/// CONNACK said no.
fn refused(reason: ReasonCode, text: Option<&str>, asked: &Asked<'_>) -> Refusal {
    let said = said(text);
    match reason {
        ReasonCode::BAD_USER_NAME_OR_PASSWORD
        | ReasonCode::NOT_AUTHORIZED
        | ReasonCode::BAD_AUTHENTICATION_METHOD => Refusal::hopeless(
            if asked.has_login {
                format!("Wrong user name or password for this broker{said}")
            } else {
                format!("This broker asks for a user name and a password{said}")
            },
            Remedy::Login,
        ),
        ReasonCode::BANNED => Refusal::hopeless(
            format!("The broker has banned this login or this device{said}"),
            Remedy::Login,
        ),
        ReasonCode::TOPIC_NAME_INVALID => Refusal::hopeless(
            format!(
                "The broker does not allow the room's topics{said}. {}",
                asked.rights
            ),
            Remedy::Rights,
        ),
        ReasonCode::UNSUPPORTED_PROTOCOL_VERSION if asked.is_one_version => Refusal::hopeless(
            format!(
                "The broker does not speak the chosen version of MQTT{said}. Choose “Automatic”"
            ),
            Remedy::Protocol,
        ),
        ReasonCode::UNSUPPORTED_PROTOCOL_VERSION => Refusal::hopeless(
            format!("The broker speaks neither MQTT 5 nor 3.1.1{said}"),
            Remedy::Broker,
        ),
        ReasonCode::CLIENT_IDENTIFIER_NOT_VALID
        | ReasonCode::QOS_NOT_SUPPORTED
        | ReasonCode::SERVER_MOVED => Refusal::hopeless(
            format!(
                "The broker refused the connection: {}{said}",
                reason.describe()
            ),
            Remedy::Broker,
        ),
        _ => Refusal::passing(format!(
            "The broker refused the connection: {}{said}",
            reason.describe()
        )),
    }
}

/// The broker said goodbye.
fn ended(reason: ReasonCode, text: Option<&str>, asked: &Asked<'_>) -> Refusal {
    let said = said(text);
    let words = format!(
        "The broker ended the connection: {}{said}",
        reason.describe()
    );
    match reason {
        ReasonCode::NOT_AUTHORIZED
        | ReasonCode::TOPIC_FILTER_INVALID
        | ReasonCode::TOPIC_NAME_INVALID => {
            Refusal::hopeless(format!("{words}. {}", asked.rights), Remedy::Rights)
        }
        ReasonCode::BANNED => Refusal::hopeless(words, Remedy::Login),
        ReasonCode::QOS_NOT_SUPPORTED | ReasonCode::SERVER_MOVED => {
            Refusal::hopeless(words, Remedy::Broker)
        }
        _ => Refusal::passing(words),
    }
}

/// SUBACK said no to a topic without which there is no room; `rights` is what to do about that.
pub(super) fn not_subscribed(reason: ReasonCode, topic: &str, rights: &str) -> Refusal {
    let words = format!(
        "The broker does not let this login subscribe to {topic}: {}",
        reason.describe()
    );
    if is_denied(reason) || reason == ReasonCode::UNSPECIFIED_ERROR {
        Refusal::hopeless(format!("{words}. {rights}"), Remedy::Rights)
    } else {
        Refusal::passing(words)
    }
}

/// SUBACK said no to a parcel's data: the words, and what to change unless it may pass by itself.
/// MQTT 3.1.1 has one code for everything. A quota is then the likelier cause if the broker let this
/// device subscribe to other parcels' data.
pub(super) fn no_data(reason: ReasonCode, topic: &str, has_others: bool) -> Refusal {
    let why = reason.describe();
    if is_denied(reason) {
        return Refusal::hopeless(
            format!(
                "The broker does not let this login subscribe to {topic}: {why}. Allow it, then resume"
            ),
            Remedy::Rights,
        );
    }
    Refusal::passing(if has_others {
        format!(
            "Waiting: the broker gives this device no further subscription now ({why}). It goes on by itself when another transfer is done"
        )
    } else if reason == ReasonCode::UNSPECIFIED_ERROR {
        format!(
            "Waiting: the broker refuses the subscription to {topic} ({why}). Allow it to this login, or raise the broker's limit of subscriptions; it is asked again by itself"
        )
    } else {
        format!(
            "Waiting: the broker gives this device no further subscription now ({why}). It is asked again by itself"
        )
    })
}

fn is_denied(reason: ReasonCode) -> bool {
    matches!(
        reason,
        ReasonCode::NOT_AUTHORIZED
            | ReasonCode::TOPIC_FILTER_INVALID
            | ReasonCode::TOPIC_NAME_INVALID
    )
}

/// The broker's own words, in brackets.
pub(super) fn said(text: Option<&str>) -> String {
    let text = crate::names::line(text.unwrap_or_default(), 200);
    if text.is_empty() {
        text
    } else {
        format!(" (\u{201c}{text}\u{201d})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn asked(has_login: bool, is_one_version: bool) -> Asked<'static> {
        Asked {
            broker: "ws://broker",
            has_login,
            is_one_version,
            rights: "Allow x/#".into(),
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
            let meaning = meaning(&refused(code), &asked(true, false));
            assert_eq!(meaning.remedy, remedy, "{code:#x}: {}", meaning.words);
        }
        let one = meaning(&refused(0x84), &asked(true, true));
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
            let meaning = meaning(&why, &asked(true, false));
            assert_eq!(meaning.remedy, remedy, "{code:#x}: {}", meaning.words);
        }
    }

    #[test]
    fn a_refused_login_says_so_in_one_line_with_the_brokers_words() {
        let why = Disconnect::Refused {
            reason: ReasonCode::BAD_USER_NAME_OR_PASSWORD,
            text: Some("no\nsuch user".into()),
        };
        let words = |has_login| meaning(&why, &asked(has_login, false)).words;
        assert_eq!(
            words(true),
            "Wrong user name or password for this broker (\u{201c}no such user\u{201d})"
        );
        assert!(words(false).starts_with("This broker asks for a user name"));
    }

    #[test]
    fn a_subscription_that_is_refused_is_told_as_what_it_is() {
        let room = |code| not_subscribed(ReasonCode(code), "x/c", "Allow x/#");
        for code in [0x80, 0x87, 0x8F] {
            let refusal = room(code);
            assert_eq!(refusal.remedy, Some(Remedy::Rights));
            assert!(refusal.words.contains("x/c") && refusal.words.contains("x/#"));
        }
        assert_eq!(room(0x97).remedy, None);
        for (code, remedy) in [(0x97, None), (0x80, None), (0x87, Some(Remedy::Rights))] {
            for has_others in [true, false] {
                let refusal = no_data(ReasonCode(code), "x/d/y", has_others);
                assert_eq!(refusal.remedy, remedy);
                let reason = ReasonCode(code).describe();
                assert!(refusal.words.contains(reason), "{}", refusal.words);
                let promises = refusal.words.contains("another transfer");
                assert_eq!(promises, has_others && remedy.is_none());
                // One of these two may be the cause, and nobody knows which one.
                if code == 0x80 && !has_others {
                    assert!(refusal.words.contains("x/d/y") && refusal.words.contains("limit"));
                }
            }
        }
    }
}
