//! Sentences about the connection to the broker.

use mqdrop_core::view::{Approach, BrokerLimit, ConnectionState, RoomTrouble, StatusView};
use mqdrop_core::{Obstacle, Unfit};

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
            T::Transport(obstacle) => self.obstacle(obstacle, broker),
            T::HungUp => self.broker_hung_up(broker),
            T::Silent => self.broker_silent(broker),
            T::NotMqtt(what) => self.broker_not_mqtt(broker, what),
            T::UnfitLogin(unfit) => self.broker_unfit_login(self.unfit(*unfit)),
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

    /// The part of a login that MQTT cannot carry, as a part of a sentence.
    #[must_use]
    pub fn unfit(self, unfit: Unfit) -> &'static str {
        match unfit {
            Unfit::Username => self.broker_unfit_username(),
            Unfit::Password => self.broker_unfit_password(),
            Unfit::PasswordAlone => self.broker_unfit_password_alone(),
            // The user has no hand in the others.
            Unfit::Together | Unfit::ClientId | Unfit::WillTopic | Unfit::WillPayload => {
                self.broker_unfit_together()
            }
        }
    }

    /// An obstacle on the way to the broker at this address.
    #[must_use]
    pub fn obstacle(self, obstacle: &Obstacle, broker: &str) -> String {
        match obstacle {
            Obstacle::NoAddress => self.obstacle_no_address(broker),
            Obstacle::NotEncrypted => self.obstacle_not_encrypted().into(),
            Obstacle::LocalNetwork { is_certain: true } => self.obstacle_local_network(broker),
            Obstacle::LocalNetwork { .. } => self.obstacle_perhaps_local_network(broker),
            Obstacle::NoPart => self.obstacle_no_part().into(),
            Obstacle::NoWorker => self.obstacle_no_worker().into(),
            Obstacle::Told(words) | Obstacle::Lasting(words) => words.clone(),
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

    #[test]
    fn what_keeps_the_page_from_the_broker_is_named_with_the_way_out() {
        let words = |obstacle| {
            Words::page().room_trouble(&RoomTrouble::Transport(obstacle), "ws://10.0.0.5")
        };
        let near = words(Obstacle::LocalNetwork { is_certain: true });
        assert!(near.contains("denied the local network") && near.contains("ws://10.0.0.5"));
        let perhaps = words(Obstacle::LocalNetwork { is_certain: false });
        assert!(perhaps.contains("If it is in your own network"));
        assert_eq!(words(Obstacle::Told("as it is".into())), "as it is");
    }

    #[test]
    fn a_login_that_does_not_fit_is_told_with_its_part() {
        let trouble = RoomTrouble::UnfitLogin(Unfit::Password);
        assert_eq!(
            Words::page().room_trouble(&trouble, ""),
            "The login cannot be sent: the password is too long"
        );
    }
}
