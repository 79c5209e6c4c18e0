//! Sentences about the connection to the broker.

use mqdrop_core::view::{Approach, BrokerLimit, ConnectionState, RoomTrouble, StatusView};

use crate::Words;

/// The shortest packets that mqdrop can do with, in bytes.
const SHORTEST: u64 = 4096;
/// The length of packets with which all of mqdrop works, in bytes.
const NEEDED: u64 = 17_000;

impl Words {
    /// The state of the connection, and what the device does about it.
    #[must_use]
    pub fn status(self, status: &StatusView) -> String {
        match &status.trouble {
            Some(trouble) => {
                let text = self.room_trouble(trouble, &status.broker);
                match status.tries_again {
                    true if text.ends_with('?') => self.room_trying_again_after_question(&text),
                    true => self.room_trying_again(&text),
                    false => text,
                }
            }
            None => match (status.state, status.approach) {
                (ConnectionState::Online, _) => self.room_connected().into(),
                (ConnectionState::Connecting, Approach::Preparing) => self.room_preparing().into(),
                (ConnectionState::Connecting, Approach::Connecting) => {
                    self.room_connecting(&status.broker)
                }
                (ConnectionState::Connecting, Approach::Returning) => self.room_returning().into(),
                (ConnectionState::Connecting, Approach::Entering) => self.room_entering().into(),
                (ConnectionState::Offline | ConnectionState::Error, _) => {
                    self.room_offline().into()
                }
            },
        }
    }

    /// The reason why a device is not in its room, and what to do about it.
    #[must_use]
    pub fn room_trouble(self, trouble: &RoomTrouble, broker: &str) -> String {
        use RoomTrouble as T;
        match trouble {
            T::Unreachable => self.broker_unreachable(broker),
            T::Transport(words) | T::UnfitTransport(words) => words.clone(),
            T::HungUp => self.broker_hung_up(broker),
            T::Silent => self.broker_silent(broker),
            T::NotMqtt(what) => self.broker_not_mqtt(broker, what),
            T::UnfitLogin(why) => self.broker_unfit_login(why),
            T::HangsUpOnEntering { topics } => {
                self.broker_rights(&self.broker_hangs_up_on_entering(broker), topics)
            }
            T::Lost => self.broker_lost().into(),
            T::WrongLogin { said } => self.with_said(self.broker_wrong_login(), said),
            T::NoLogin { said } => self.with_said(self.broker_no_login(), said),
            T::Banned { said } => self.with_said(self.broker_banned(), said),
            T::TopicsRefused { said, topics } => {
                self.broker_rights(&self.with_said(self.broker_topics_refused(), said), topics)
            }
            T::VersionRefused { said } => {
                let sentence = self.with_said(self.broker_version_refused(), said);
                self.broker_version_refused_remedy(&sentence)
            }
            T::VersionsRefused { said } => self.with_said(self.broker_versions_refused(), said),
            T::Refused { reason, said } => {
                self.with_said(&self.broker_refused(self.reason(*reason)), said)
            }
            T::Ended {
                reason,
                said,
                topics,
            } => self.with_rights(
                self.with_said(&self.broker_ended(self.reason(*reason)), said),
                topics.as_deref(),
            ),
            T::MayNotSubscribe {
                topic,
                reason,
                topics,
            } => self.with_rights(
                self.broker_may_not_subscribe(topic, self.reason(*reason)),
                topics.as_deref(),
            ),
            T::MayNotPublish {
                topic,
                reason,
                topics,
            } => self.broker_rights(
                &self.broker_may_not_publish(topic, self.reason(*reason)),
                topics,
            ),
            T::Unheard { topic, topics } => self.broker_rights(&self.broker_unheard(topic), topics),
            T::ShortPackets(limit) => {
                let limit = self.number(u64::from(*limit));
                self.broker_short_packets(&limit, &self.number(NEEDED))
            }
            T::HangsUpOnShortPackets => {
                self.broker_hangs_up_on_short_packets(&self.number(SHORTEST), &self.number(NEEDED))
            }
        }
    }

    /// A limit of the broker that makes transfers smaller or slower.
    #[must_use]
    pub fn broker_limit(self, limit: &BrokerLimit) -> String {
        match limit {
            BrokerLimit::PacketsOf(limit) => self.limit_packets_of(&self.number((*limit).into())),
            BrokerLimit::HungUpAbove(limit) => self.limit_hung_up_above(&self.number(*limit)),
            BrokerLimit::NotTaken(reason) => self.limit_not_taken(self.reason(*reason)),
            BrokerLimit::Compresses => self.limit_compresses().into(),
        }
    }

    fn with_said(self, sentence: &str, said: &str) -> String {
        if said.is_empty() {
            sentence.into()
        } else {
            self.broker_said(sentence, said)
        }
    }

    fn with_rights(self, sentence: String, topics: Option<&str>) -> String {
        match topics {
            Some(topics) => self.broker_rights(&sentence, topics),
            None => sentence,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn an_error_says_if_the_device_tries_again() {
        let words = |trouble, tries_again| {
            Words::page().status(&StatusView {
                state: ConnectionState::Error,
                broker: "ws://broker".into(),
                trouble: Some(trouble),
                tries_again,
                ..StatusView::default()
            })
        };
        assert_eq!(
            words(RoomTrouble::Lost, true),
            "The connection to the broker was lost. Trying again …"
        );
        assert_eq!(
            words(RoomTrouble::Silent, true),
            "ws://broker does not answer. Is it an MQTT broker? Trying again …"
        );
        let said = "no such user".to_owned();
        assert_eq!(
            words(RoomTrouble::WrongLogin { said }, false),
            "Wrong user name or password for this broker (“no such user”)"
        );
    }

    #[test]
    fn missing_rights_come_with_what_to_allow() {
        let trouble = |topics: Option<&str>| RoomTrouble::MayNotSubscribe {
            topic: "x/c".into(),
            reason: 0x87,
            topics: topics.map(Into::into),
        };
        let words = |topics| Words::page().room_trouble(&trouble(topics), "ws://broker");
        let sentence = "The broker does not let this login subscribe to x/c: this login is not allowed to do that";
        assert_eq!(words(None), sentence);
        assert_eq!(
            words(Some("x/#")),
            format!("{sentence}. Allow x/#, or change the login or the topic prefix")
        );
    }

    #[test]
    fn limits_name_their_bytes() {
        let words = |limit| Words::page().broker_limit(&limit);
        assert!(words(BrokerLimit::PacketsOf(20_480)).contains("at most 20,480 bytes"));
        assert!(words(BrokerLimit::HungUpAbove(16_384)).contains("above 16,384 bytes"));
    }
}
