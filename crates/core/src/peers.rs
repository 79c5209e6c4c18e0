//! The other devices in the room.

use core::time::Duration;

use litemap::LiteMap;

use mqdrop_mqtt::Time;

use crate::identity::{Identity, PairKey};
use crate::ids::DeviceId;
use crate::names;
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

/// How many answers a device may have.
struct Allowance {
    left: u32,
    /// Since when none was added.
    since: Time,
}

impl Allowance {
    fn spend(&mut self, now: Time) -> bool {
        let elapsed = now.since(self.since).as_micros() / ANSWER_EVERY.as_micros();
        let earned = u32::try_from(elapsed).unwrap_or(u32::MAX);
        if earned >= ANSWERS - self.left {
            (self.left, self.since) = (ANSWERS, now);
        } else {
            self.left += earned;
            self.since += ANSWER_EVERY * earned;
        }
        let left = self.left.checked_sub(1);
        self.left = left.unwrap_or_default();
        left.is_some()
    }
}

/// One other device.
struct Peer {
    /// The name its user gave it; `None` until it introduced itself.
    name: Option<String>,
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
    /// It has another name now.
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
            name: None,
            pair_key: None,
            replay: ReplayWindow::default(),
            confirmed: false,
            asked: None,
            hello: 0,
            will: false,
            heard: now,
            muted: false,
            answers: Allowance {
                left: ANSWERS,
                since: now,
            },
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

    /// Takes note of a device's name; it is present from now on.
    pub(crate) fn introduce(&mut self, device: DeviceId, name: &str) -> Introduced {
        let Some(peer) = self.peers.get_mut(&device) else {
            return Introduced::Known;
        };
        let name = names::device_name(name);
        let renamed = peer.name.as_ref() != Some(&name);
        peer.name = Some(name);
        match (std::mem::replace(&mut peer.gone, false), renamed) {
            (true, _) => Introduced::New,
            (false, true) => Introduced::Renamed,
            (false, false) => Introduced::Known,
        }
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

    /// Those who are in the room and not muted.
    pub(crate) fn present(&self) -> impl Iterator<Item = DeviceId> {
        self.peers
            .iter()
            .filter(|(_, peer)| !peer.gone && !peer.muted)
            .map(|(device, _)| *device)
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
    pub(crate) fn known_name(&self, device: DeviceId) -> Option<String> {
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
            peer.pair_key = me.pair_key(public);
        }
    }

    pub(crate) fn views(&self) -> Vec<PeerView> {
        let present = self.peers.iter().filter(|(_, peer)| !peer.gone);
        present
            .map(|(device, peer)| PeerView {
                device: device.to_string(),
                name: peer.name.clone().unwrap_or_else(|| names::device_name("")),
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
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn devices_come_are_renamed_leave_and_fall_silent() {
        let mut peers = Peers::default();
        assert!(peers.accept(id(1), 1, true, Time::ZERO));
        assert!(!peers.accept(id(1), 1, true, Time::ZERO), "a repeat");
        assert_eq!(peers.present().count(), 0);
        assert_eq!(peers.introduce(id(1), "phone"), Introduced::New);
        assert_eq!(peers.introduce(id(1), "phone"), Introduced::Known);
        assert_eq!(peers.introduce(id(1), "tablet"), Introduced::Renamed);
        assert_eq!(peers.views()[0].name, "tablet");
        assert!(peers.leave(id(1)) && !peers.leave(id(1)));
        assert_eq!(peers.introduce(id(1), "tablet"), Introduced::New);
        assert_eq!(peers.expire(Time::ZERO + SILENCE / 2), []);
        assert_eq!(peers.expire(peers.deadline().unwrap()), [id(1)]);
        assert_eq!(peers.deadline(), None);
    }

    #[test]
    fn a_device_has_so_many_answers_at_once_and_more_in_time() {
        let mut peers = Peers::default();
        peers.accept(id(1), 1, true, Time::ZERO);
        let mut have = |at: Time| {
            (0..10_000)
                .filter(|_| peers.may_have_answer(id(1), at))
                .count()
        };
        assert_eq!(have(Time::ZERO), 256);
        assert_eq!(have(Time::from_millis(62)), 0);
        assert_eq!(have(Time::from_millis(63)), 1);
        assert_eq!(have(Time::from_millis(1000)), 15);
        assert_eq!(have(Time::from_millis(100_000)), 256);
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
        peers.introduce(id(0), "here");
        for n in 1..=5000 {
            peers.accept(id(n), 1, false, Time::from_millis(u64::from(n)));
        }
        assert_eq!(peers.peers.len(), MAX_PEERS);
        assert_eq!(peers.present().collect::<Vec<_>>(), [id(0)]);
    }
}
