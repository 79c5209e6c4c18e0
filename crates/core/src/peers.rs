//! The other devices in the room.

use core::time::Duration;

use litemap::LiteMap;

use mqdrop_mqtt::Time;

use crate::allowance::Allowance;
use crate::identity::{Identity, PUBLIC, PairKey};
use crate::ids::{DeviceId, PersonId};
use crate::names;
use crate::order::ordered;
use crate::person::Card;
use crate::replay::ReplayWindow;
use crate::view::PeerView;

/// The most devices that are kept in mind; a room member could invent any number.
const MAX_PEERS: usize = 4096;
/// A device that was not heard of for so long is gone: three missed refreshes.
pub(crate) const SILENCE: Duration = Duration::from_secs(95);
/// A device that does not answer is asked again after so long, if it is heard of.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// So many answers a device gets at once …
const ANSWERS: u32 = 256;
/// … and one more each time so long has passed.
const ANSWER_EVERY: Duration = Duration::from_micros(62_500);

/// A device that is here, as parcels know it.
#[derive(Clone)]
pub(crate) struct Here {
    pub(crate) device: DeviceId,
    /// Its person, if it introduced itself.
    pub(crate) person: Option<PersonId>,
    pub(crate) name: String,
}

/// One other device.
struct Peer {
    /// Its person's card, which is right; `None` until it introduced itself.
    card: Option<Card>,
    /// The person's id and name, as the card says.
    person: Option<PersonId>,
    name: Option<String>,
    public: Option<[u8; PUBLIC]>,
    pair_key: Option<PairKey>,
    replay: ReplayWindow,
    /// It answered this device's hello on this connection: it is here now, and what it said before
    /// is not news. Until then what it says to the room may be a repetition by someone else.
    confirmed: bool,
    /// When it was last asked whether it is here.
    asked: Option<Time>,
    /// The counter of its newest hello to the room.
    hello: u64,
    /// The will of that connection came.
    will: bool,
    heard: Time,
    /// The user wants to hear nothing of it.
    muted: bool,
    answers: Allowance,
    /// It said that it leaves. Kept so that its old messages stay recognisable.
    gone: bool,
}

impl Peer {
    /// Whether it was here. It has to answer again before it is.
    fn leave(&mut self) -> bool {
        (self.confirmed, self.asked) = (false, None);
        !std::mem::replace(&mut self.gone, true)
    }
}

#[derive(Default)]
pub(crate) struct Peers {
    peers: LiteMap<DeviceId, Peer>,
}

/// The change that an introduction made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Introduced {
    /// It was not in the room before, as far as is known here.
    New,
    /// It has another card now.
    Renamed,
    /// Nothing new.
    Known,
}

impl Peers {
    /// Whether a message with this counter is new. Makes the device known, but not present.
    /// `to_me` says that it is a message to this device alone.
    pub(crate) fn accept(
        &mut self,
        device: DeviceId,
        counter: u64,
        to_me: bool,
        now: Time,
    ) -> bool {
        if !self.peers.contains_key(&device) && self.peers.len() >= MAX_PEERS {
            self.forget_quietest();
        }
        let peer = self.peers.entry(device).or_insert_with(|| Peer {
            card: None,
            person: None,
            name: None,
            public: None,
            pair_key: None,
            replay: ReplayWindow::default(),
            confirmed: false,
            asked: None,
            hello: 0,
            will: false,
            heard: now,
            muted: false,
            answers: Allowance::new(ANSWERS, ANSWER_EVERY, now),
            gone: true,
        });
        let fresh = peer.replay.accept(counter);
        if fresh && (to_me || peer.confirmed) {
            peer.heard = now;
        }
        fresh
    }

    /// A device answered this one's hello, in a message with this counter.
    pub(crate) fn confirm(&mut self, device: DeviceId, counter: u64) {
        if let Some(peer) = self.peers.get_mut(&device)
            && !std::mem::replace(&mut peer.confirmed, true)
        {
            peer.replay.ignore_before(counter);
        }
    }

    pub(crate) fn is_confirmed(&self, device: DeviceId) -> bool {
        self.peers.get(&device).is_some_and(|peer| peer.confirmed)
    }

    /// Whether to ask a device whether it is here; not if that was just done.
    pub(crate) fn may_ask(&mut self, device: DeviceId, now: Time) -> bool {
        let Some(peer) = self.peers.get_mut(&device) else {
            return false;
        };
        let due = peer.asked.is_none_or(|asked| now.since(asked) >= ASK_AGAIN);
        if due {
            peer.asked = Some(now);
        }
        due
    }

    /// Whether a device may have one more answer; counts it.
    pub(crate) fn may_have_answer(&mut self, device: DeviceId, now: Time) -> bool {
        let peer = self.peers.get_mut(&device);
        peer.is_none_or(|peer| peer.answers.spend(now))
    }

    /// Takes note of the counter of a device's newest hello to the room.
    pub(crate) fn note_hello(&mut self, device: DeviceId, hello: u64) {
        if let Some(peer) = self.peers.get_mut(&device)
            && hello > peer.hello
        {
            (peer.hello, peer.will) = (hello, false);
        }
    }

    /// Whether a message with this counter can be the will of the device's present connection: it
    /// was sealed just before the hello, however late it comes. Says so once.
    pub(crate) fn is_will(&mut self, device: DeviceId, counter: u64) -> bool {
        let peer = self.peers.get_mut(&device);
        let will = peer.filter(|peer| peer.hello > 0 && peer.hello == counter.saturating_add(1));
        will.is_some_and(|peer| !std::mem::replace(&mut peer.will, true))
    }

    /// Takes note of a device's card; it is present from now on. `None` if the card is not right for
    /// it in this room: a device never changes its person.
    pub(crate) fn introduce(
        &mut self,
        device: DeviceId,
        card: &Card,
        room: &[u8; 16],
    ) -> Option<Introduced> {
        let peer = self.peers.get_mut(&device)?;
        let renamed = peer.card.as_ref() != Some(card);
        if renamed {
            let mut known = peer.card.iter();
            let is_same = known.all(|known| known.person == card.person);
            if !(is_same && card.is_right(room, peer.public.as_ref()?)) {
                return None;
            }
            peer.person = Some(card.id());
            peer.name = Some(names::device_name(&card.name));
            peer.card = Some(card.clone());
        }
        Some(match (std::mem::replace(&mut peer.gone, false), renamed) {
            (true, _) => Introduced::New,
            (false, true) => Introduced::Renamed,
            (false, false) => Introduced::Known,
        })
    }

    /// A device's person, once it introduced itself.
    pub(crate) fn person(&self, device: DeviceId) -> Option<PersonId> {
        self.peers.get(&device)?.person
    }

    /// A device's public key, once it said something.
    pub(crate) fn public(&self, device: DeviceId) -> Option<[u8; PUBLIC]> {
        self.peers.get(&device)?.public
    }

    /// All devices of a person that are kept in mind.
    pub(crate) fn of_person(&self, person: PersonId) -> impl Iterator<Item = DeviceId> {
        let peers = self.peers.iter();
        let of = peers.filter(move |(_, peer)| peer.person == Some(person));
        of.map(|(device, _)| *device)
    }

    /// The persons that have a device in the room.
    pub(crate) fn persons_here(&self) -> Vec<PersonId> {
        let here = self.peers.values().filter(|peer| !peer.gone);
        let persons: Vec<PersonId> = here.filter_map(|peer| peer.person).collect();
        let mut persons = ordered(persons, PersonId::cmp);
        persons.dedup();
        persons
    }

    /// The device said that it leaves. Whether it was present.
    pub(crate) fn leave(&mut self, device: DeviceId) -> bool {
        self.peers.get_mut(&device).is_some_and(Peer::leave)
    }

    /// The devices that were not heard of for too long; they are gone from now on.
    pub(crate) fn expire(&mut self, now: Time) -> Vec<DeviceId> {
        let silent = self
            .peers
            .iter_mut()
            .filter(|(_, peer)| !peer.gone && now.since(peer.heard) >= SILENCE);
        silent
            .map(|(device, peer)| {
                peer.leave();
                *device
            })
            .collect()
    }

    /// This device is being connected again: everyone has to answer its hello before what they say
    /// to the room is heard.
    pub(crate) fn doubt(&mut self) {
        for (_, peer) in &mut self.peers {
            (peer.confirmed, peer.asked) = (false, None);
        }
    }

    /// Everyone gets their full silence again: it was this device that was away.
    pub(crate) fn forgive(&mut self, now: Time) {
        for (_, peer) in &mut self.peers {
            peer.heard = now;
        }
    }

    /// When the next device may have been silent for too long.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.peers
            .values()
            .filter(|peer| !peer.gone)
            .map(|peer| peer.heard + SILENCE)
            .min()
    }

    /// Tells whether a device is in the room, as far as is known here.
    pub(crate) fn is_present(&self, device: DeviceId) -> bool {
        self.peers.get(&device).is_some_and(|peer| !peer.gone)
    }

    /// Those who are in the room and not muted.
    pub(crate) fn present(&self) -> impl Iterator<Item = DeviceId> {
        self.peers
            .iter()
            .filter(|(_, peer)| !peer.gone && !peer.muted)
            .map(|(device, _)| *device)
    }

    /// A device, as parcels know it.
    pub(crate) fn here(&self, device: DeviceId) -> Here {
        self.known(device).unwrap_or_else(|| Here {
            device,
            person: None,
            name: names::device_name(""),
        })
    }

    /// The same, if it introduced itself.
    pub(crate) fn known(&self, device: DeviceId) -> Option<Here> {
        Some(Here {
            device,
            person: self.person(device),
            name: self.known_name(device)?,
        })
    }

    pub(crate) fn name(&self, device: DeviceId) -> String {
        self.known_name(device)
            .unwrap_or_else(|| names::device_name(""))
    }

    /// The user wants to hear nothing of a device, or to hear it again. Whether that changed
    /// anything.
    pub(crate) fn mute(&mut self, device: DeviceId, muted: bool) -> bool {
        self.peers
            .get_mut(&device)
            .is_some_and(|peer| std::mem::replace(&mut peer.muted, muted) != muted)
    }

    pub(crate) fn is_muted(&self, device: DeviceId) -> bool {
        self.peers.get(&device).is_some_and(|peer| peer.muted)
    }

    /// A device's name, if it said one.
    fn known_name(&self, device: DeviceId) -> Option<String> {
        self.peers.get(&device)?.name.clone()
    }

    /// The key shared with a device, if it is known already.
    pub(crate) fn pair_key(&self, device: DeviceId) -> Option<&PairKey> {
        self.peers.get(&device)?.pair_key.as_ref()
    }

    /// Computes the key shared with a device, unless it is known already.
    pub(crate) fn learn_public(&mut self, device: DeviceId, public: &[u8; 32], me: &Identity) {
        if let Some(peer) = self.peers.get_mut(&device)
            && peer.pair_key.is_none()
        {
            peer.public = Some(*public);
            peer.pair_key = me.pair_key(public);
        }
    }

    pub(crate) fn views(&self) -> Vec<PeerView> {
        let present = self.peers.iter().filter(|(_, peer)| !peer.gone);
        present
            .map(|(device, peer)| PeerView {
                device: device.to_string(),
                person: self
                    .person(*device)
                    .map(|id| id.to_string())
                    .unwrap_or_default(),
                name: self.name(*device),
                muted: peer.muted,
            })
            .collect()
    }

    fn forget_quietest(&mut self) {
        let quietest = self
            .peers
            .iter()
            .min_by_key(|(_, peer)| (!peer.gone, peer.heard));
        if let Some(device) = quietest.map(|(device, _)| *device) {
            self.peers.remove(&device);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::tests::device as id;
    use crate::person::PersonKey;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const ROOM: [u8; 16] = [3; 16];

    #[test]
    fn devices_come_are_renamed_leave_and_fall_silent() {
        let (mut peers, key) = (Peers::default(), PersonKey::new(&[1; 32], &ROOM));
        let me = Identity::from_random([9; 32]);
        let public = Identity::from_random([2; 32]).public;
        let card = |name: &str| key.card(&ROOM, &public, name.into(), 0);
        let introduce = |peers: &mut Peers, name| peers.introduce(id(1), &card(name), &ROOM);
        assert!(peers.accept(id(1), 1, true, Time::ZERO));
        assert!(!peers.accept(id(1), 1, true, Time::ZERO), "a repeat");
        peers.learn_public(id(1), &public, &me);
        assert_eq!(peers.present().count(), 0);
        assert_eq!(introduce(&mut peers, "phone"), Some(Introduced::New));
        assert_eq!(introduce(&mut peers, "phone"), Some(Introduced::Known));
        assert_eq!(introduce(&mut peers, "tablet"), Some(Introduced::Renamed));
        assert_eq!(peers.views()[0].name, "tablet");
        assert!(peers.leave(id(1)) && !peers.leave(id(1)));
        assert_eq!(introduce(&mut peers, "tablet"), Some(Introduced::New));
        assert_eq!(peers.expire(Time::ZERO + SILENCE / 2), []);
        assert_eq!(peers.expire(peers.deadline().unwrap()), [id(1)]);
        assert_eq!(peers.deadline(), None);
    }

    #[test]
    fn a_card_that_is_not_right_introduces_nobody_and_no_device_becomes_another_person() {
        let mut peers = Peers::default();
        let me = Identity::from_random([9; 32]);
        let (public, other) = [2, 3]
            .map(|seed| Identity::from_random([seed; 32]).public)
            .into();
        let card = |person: u8, device| {
            PersonKey::new(&[person; 32], &ROOM).card(&ROOM, device, "Ann".into(), 0)
        };
        peers.accept(id(1), 1, true, Time::ZERO);
        peers.learn_public(id(1), &public, &me);
        assert_eq!(peers.introduce(id(1), &card(1, &other), &ROOM), None);
        assert_eq!(peers.present().count(), 0);
        assert!(peers.introduce(id(1), &card(1, &public), &ROOM).is_some());
        assert_eq!(peers.introduce(id(1), &card(2, &public), &ROOM), None);
        assert_eq!(peers.person(id(1)), Some(card(1, &public).id()));
    }

    #[test]
    fn only_the_will_of_the_present_connection_counts_and_only_once() {
        let mut peers = Peers::default();
        peers.accept(id(1), 5000, false, Time::ZERO);
        peers.note_hello(id(1), 5000);
        assert!(!peers.is_will(id(1), 17), "of an earlier connection");
        assert!(!peers.is_will(id(2), 4999), "of someone else");
        assert!(peers.is_will(id(1), 4999));
        assert!(!peers.is_will(id(1), 4999), "replayed");
        peers.note_hello(id(1), 5000);
        assert!(
            !peers.is_will(id(1), 4999),
            "replayed, and told of the hello again"
        );
    }

    #[test]
    fn invented_devices_do_not_fill_the_memory_or_push_out_those_present() {
        let mut peers = Peers::default();
        peers.accept(id(0), 1, true, Time::ZERO);
        let (me, here) = (
            Identity::from_random([9; 32]),
            Identity::from_random([2; 32]),
        );
        let card = PersonKey::new(&[1; 32], &ROOM).card(&ROOM, &here.public, "here".into(), 0);
        peers.learn_public(id(0), &here.public, &me);
        peers.introduce(id(0), &card, &ROOM);
        for n in 1..=5000 {
            peers.accept(id(n), 1, false, Time::from_millis(u64::from(n)));
        }
        assert_eq!(peers.peers.len(), MAX_PEERS);
        assert_eq!(peers.present().collect::<Vec<_>>(), [id(0)]);
    }
}
