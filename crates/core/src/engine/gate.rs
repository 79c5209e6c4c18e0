//! The gate: which control messages count. All that another device says comes in by this one door.

use mqdrop_mqtt::Time;

use super::room::Room;
use super::topics::Channel;
use crate::envelope::Opened;
use crate::ids::DeviceId;
use crate::message::{Body, MAX_MESSAGE, Message};
use crate::seal::OpenError;

/// The verdict on a control message.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    /// It counts: its sender wrote it, here and now, and the user does not mind.
    Counts(Said),
    /// Noise, or of somebody without the key, or of a kind that only later versions know: nothing
    /// that the user could do about.
    Noise,
    /// A member of the room speaks a later version of the protocol.
    Newer,
    /// This device said it itself.
    Own,
    /// It was heard before, or so many came after it that nobody knows.
    Repeated,
    /// Its sender has not shown yet that it is here, so anyone may have published it again.
    Unconfirmed(Said),
    /// The user wants to hear nothing of its sender.
    Muted,
}

/// A control message of another device.
#[derive(Debug, PartialEq)]
pub(super) struct Said {
    pub(super) sender: DeviceId,
    /// It is for this device alone.
    pub(super) to_me: bool,
    pub(super) counter: u64,
    pub(super) body: Body,
}

impl Room {
    /// Decides whether a control message counts. What it shows about its sender, and about the
    /// room's topics, is taken note of on the way.
    #[inline(never)]
    pub(super) fn hear(&mut self, channel: Channel, payload: &[u8], now: Time) -> Heard {
        if payload.len() > MAX_MESSAGE {
            return Heard::Noise;
        }
        let to_me = channel == Channel::Me;
        if to_me {
            self.prove_inbox();
        }
        // Authentic: nobody but its sender can have written it.
        let known = |device| self.peers.pair_key(device).cloned();
        let opened = match self.voice.open(channel, payload, known) {
            Ok(opened) => opened,
            Err(OpenError::Newer) => return Heard::Newer,
            Err(OpenError::NotAuthentic) => return Heard::Noise,
        };
        let Opened {
            sender,
            public,
            body,
        } = opened;
        let Some(Message { counter, body }) = Message::decode(&body) else {
            return Heard::Noise;
        };
        if sender == self.voice.device() {
            if counter >= self.voice.hello() {
                self.prove_room();
            }
            return Heard::Own;
        }
        // Fresh: it was not heard before. A will may come late.
        let is_fresh = self.peers.accept(sender, counter, to_me, now);
        let is_will = body == Body::Gone && self.peers.is_will(sender, counter);
        if !(is_fresh || is_will) {
            return Heard::Repeated;
        }
        self.peers
            .learn_public(sender, &public, self.voice.identity());
        if to_me
            && let Body::Hello(introduction) | Body::Alive(introduction) = &body
            && introduction.heard >= self.voice.hello()
        {
            self.peers.confirm(sender, counter);
            self.prove_room();
        }
        if self.peers.is_muted(sender) && body != Body::Gone {
            return Heard::Muted;
        }
        // Confirmed: its sender is here now. A parcel that is over stays so, however late that is
        // said.
        let is_final = matches!(body, Body::Gone | Body::Cancel(_));
        let is_heard = to_me || is_final || self.peers.is_confirmed(sender);
        let said = Said {
            sender,
            to_me,
            counter,
            body,
        };
        if is_heard {
            Heard::Counts(said)
        } else {
            Heard::Unconfirmed(said)
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::api::Join;
    use crate::effects::To;
    use crate::engine::rights::Rights;
    use crate::engine::room::Membership;
    use crate::envelope;
    use crate::identity::Identity;
    use crate::ids::{ParcelId, RoomId};
    use crate::keys::RoomSecret;
    use crate::message::{EndReason, ParcelRef};
    use crate::person::Profile;
    use crate::random::Random;

    const KEY: [u8; 32] = [7; 32];

    /// A device in the room, as far as it can tell.
    fn room(name: &str, random: &mut Random) -> Room {
        let join = Join {
            secret: RoomSecret {
                room: [3; 16],
                key: KEY,
            },
            identity: Identity::from_random(random.bytes()),
            broker: "ws://broker".into(),
            prefix: String::new(),
            profile: Profile {
                secret: random.bytes(),
                name: name.into(),
                named: 0,
            },
            people: Vec::new(),
            invited_by: String::new(),
            former: None,
            wall: 0,
            login: None,
            version: mqdrop_mqtt::VersionPolicy::Auto,
            keep_alive: Join::KEEP_ALIVE,
            auto_accept: crate::api::AutoAccept::Off,
            takes_texts: true,
            frame_limit: None,
            frame_length: None,
        };
        let mut room = Room::new(RoomId::default(), &join, Time::ZERO).unwrap();
        room.last_word(random);
        room.begin();
        room.membership = Membership::Inside;
        room
    }

    /// A device at its gate, and another one.
    struct Two {
        random: Random,
        me: Room,
        other: Room,
    }

    impl Two {
        fn new() -> Self {
            let mut random = Random::new([1; 32]);
            let me = room("Me", &mut random);
            let mut other = room("Other", &mut random);
            other.learn(&me);
            Self { random, me, other }
        }

        /// One where each device has answered the other's hello.
        fn confirmed() -> Self {
            let mut two = Self::new();
            let heard = two.me.voice.hello();
            let Heard::Counts(said) =
                two.hear_alone(Body::Alive(two.other.voice.introduction(heard)))
            else {
                panic!("an answer is heard");
            };
            assert!(said.to_me && said.sender == two.other.voice.device());
            two
        }

        fn seal_by_other(&mut self, to: To, body: Body) -> Vec<u8> {
            self.other.seal(to, body, &mut self.random).unwrap()
        }

        fn hear_in_room(&mut self, body: Body) -> Heard {
            let sealed = self.seal_by_other(To::Room, body);
            self.me.hear(Channel::Room, &sealed, Time::ZERO)
        }

        fn hear_alone(&mut self, body: Body) -> Heard {
            let to = To::Device(self.me.voice.device());
            let sealed = self.seal_by_other(to, body);
            self.me.hear(Channel::Me, &sealed, Time::ZERO)
        }
    }

    impl Room {
        /// Knows another device, and no more of it than its key.
        fn learn(&mut self, other: &Room) {
            let device = other.voice.device();
            self.peers.accept(device, 0, false, Time::ZERO);
            self.peers.learn_public(
                device,
                &other.voice.identity().public,
                self.voice.identity(),
            );
        }
    }

    fn pause() -> Body {
        Body::Pause(ParcelRef {
            parcel: ParcelId([5; 10]),
            token: None,
        })
    }

    fn cancel() -> Body {
        Body::Cancel(EndReason::ByUser.ending(ParcelId([5; 10])))
    }

    #[test]
    fn what_a_confirmed_device_says_counts() {
        let mut two = Two::confirmed();
        let Heard::Counts(said) = two.hear_in_room(pause()) else {
            panic!("it is here");
        };
        assert_eq!(said.sender, two.other.voice.device());
        assert_eq!((said.to_me, said.body), (false, pause()));
        assert!(matches!(two.hear_alone(pause()), Heard::Counts(said) if said.to_me));
    }

    #[test]
    fn noise_does_not_count() {
        let mut two = Two::confirmed();
        let hear = |two: &mut Two, payload: &[u8]| two.me.hear(Channel::Room, payload, Time::ZERO);
        assert_eq!(hear(&mut two, b""), Heard::Noise);
        assert_eq!(hear(&mut two, &[1; 200]), Heard::Noise);
        let sealed = two.seal_by_other(To::Room, pause());
        let mut forged = sealed.clone();
        forged[30] ^= 1;
        assert_eq!(hear(&mut two, &forged), Heard::Noise);
        // A message to the room is not said to one alone.
        assert_eq!(two.me.hear(Channel::Me, &sealed, Time::ZERO), Heard::Noise);
        assert_eq!(hear(&mut two, &vec![1; MAX_MESSAGE + 1]), Heard::Noise);
        // By its sender, but no message that this version knows.
        let unknown =
            envelope::seal_to_room(&KEY, two.other.voice.identity(), "c", b"?", &mut two.random);
        assert_eq!(hear(&mut two, &unknown), Heard::Noise);
        // None of it was taken for the sender's word.
        assert!(matches!(hear(&mut two, &sealed), Heard::Counts(_)));
    }

    #[test]
    fn a_later_version_is_told_from_noise() {
        let mut two = Two::new();
        let identity = two.other.voice.identity();
        let newer = envelope::of_later_version(&KEY, identity, "c", &mut two.random);
        let heard = two.me.hear(Channel::Room, &newer, Time::ZERO);
        assert_eq!(heard, Heard::Newer);
        let newer = envelope::of_later_version(&[8; 32], identity, "c", &mut two.random);
        let heard = two.me.hear(Channel::Room, &newer, Time::ZERO);
        assert_eq!(heard, Heard::Noise, "nobody in this room said so");
    }

    #[test]
    fn what_comes_back_shows_that_the_topics_work() {
        let mut two = Two::new();
        two.me.rights = Rights::begin(Time::ZERO);
        assert_eq!(two.me.hear(Channel::Me, b"", Time::ZERO), Heard::Noise);
        assert!(two.me.rights.has_inbox() && !two.me.rights.are_proven());
        let hello = Body::Hello(two.me.voice.introduction(0));
        let own = two.me.seal(To::Room, hello, &mut two.random).unwrap();
        assert_eq!(two.me.hear(Channel::Room, &own, Time::ZERO), Heard::Own);
        assert!(two.me.rights.are_proven());
    }

    #[test]
    fn what_this_device_said_on_an_earlier_connection_shows_nothing() {
        let mut two = Two::new();
        let early = two.me.seal(To::Room, pause(), &mut two.random).unwrap();
        two.me.begin();
        two.me.rights = Rights::begin(Time::ZERO);
        two.me.hear(Channel::Me, b"", Time::ZERO);
        assert_eq!(two.me.hear(Channel::Room, &early, Time::ZERO), Heard::Own);
        assert!(!two.me.rights.are_proven());
    }

    #[test]
    fn repetitions_do_not_count() {
        let mut two = Two::confirmed();
        let sealed = two.seal_by_other(To::Room, pause());
        let mut hear = || two.me.hear(Channel::Room, &sealed, Time::ZERO);
        assert!(matches!(hear(), Heard::Counts(_)));
        assert_eq!(hear(), Heard::Repeated);
    }

    #[test]
    fn a_will_counts_once_however_late_it_comes() {
        let mut two = Two::confirmed();
        let device = two.other.voice.device();
        let will = two.seal_by_other(To::Room, Body::Gone);
        two.other.voice.begin();
        two.me.peers.note_hello(device, two.other.voice.hello());
        for _ in 0..2000 {
            assert!(matches!(two.hear_in_room(pause()), Heard::Counts(_)));
        }
        let mut hear = || two.me.hear(Channel::Room, &will, Time::ZERO);
        assert!(matches!(hear(), Heard::Counts(said) if said.body == Body::Gone));
        assert_eq!(hear(), Heard::Repeated);
    }

    #[test]
    fn one_that_has_not_answered_is_heard_alone_and_to_the_room_only_when_it_ends_something() {
        let mut two = Two::new();
        let heard = two.hear_in_room(pause());
        let Heard::Unconfirmed(said) = heard else {
            panic!("not yet: {heard:?}");
        };
        assert_eq!(said.body, pause());
        assert!(matches!(two.hear_alone(pause()), Heard::Counts(_)));
        assert!(matches!(two.hear_in_room(cancel()), Heard::Counts(_)));
        assert!(matches!(two.hear_in_room(Body::Gone), Heard::Counts(_)));
        // Nor does the answer to a hello of an earlier connection confirm anyone.
        let heard = two.me.voice.hello() - 1;
        two.hear_alone(Body::Alive(two.other.voice.introduction(heard)));
        assert!(matches!(two.hear_in_room(pause()), Heard::Unconfirmed(_)));
    }

    #[test]
    fn of_one_that_is_muted_only_the_farewell_counts() {
        let mut two = Two::confirmed();
        two.me.peers.mute(two.other.voice.device(), true);
        assert_eq!(two.hear_in_room(pause()), Heard::Muted);
        assert_eq!(two.hear_alone(pause()), Heard::Muted);
        assert_eq!(two.hear_in_room(cancel()), Heard::Muted);
        assert!(matches!(two.hear_in_room(Body::Gone), Heard::Counts(_)));
    }
}
