//! The receivers of a parcel: the lines of its ledger, how many there may be, and which of them are
//! the same receiver as before.

use litemap::LiteMap;
use mqdrop_mqtt::Time;

use super::receiver::{Phase, Progress, Receiver};
use crate::ids::{DeviceId, Token};

/// The most receivers of one parcel; a room member could invent any number.
pub(super) const MAX_RECEIVERS: usize = 4096;
/// So many that left without an answer are shown at most, those that left last.
const MAX_LEFT: usize = 50;

/// The receivers of a parcel, by their devices.
#[derive(Default)]
pub(super) struct Receivers {
    lines: LiteMap<DeviceId, Receiver>,
}

/// A receiver that was taken off the list.
pub(super) type Removed = (DeviceId, Receiver);

/// Nobody on the list makes room for another one.
#[derive(Debug)]
pub(super) struct Full;

impl Receivers {
    /// Those that are known from before; what goes beyond the limit is left out.
    pub(super) fn kept(receivers: impl Iterator<Item = (DeviceId, Receiver)>) -> Self {
        Self {
            lines: receivers.take(MAX_RECEIVERS).collect(),
        }
    }

    pub(super) fn get(&self, device: DeviceId) -> Option<&Receiver> {
        self.lines.get(&device)
    }

    pub(super) fn get_mut(&mut self, device: DeviceId) -> Option<&mut Receiver> {
        self.lines.get_mut(&device)
    }

    pub(super) fn contains(&self, device: DeviceId) -> bool {
        self.lines.contains_key(&device)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (DeviceId, &Receiver)> {
        self.lines.iter().map(|(&device, line)| (device, line))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (DeviceId, &mut Receiver)> {
        self.lines.iter_mut().map(|(&device, line)| (device, line))
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Receiver> {
        self.lines.values()
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Receiver> {
        self.lines.iter_mut().map(|(_, line)| line)
    }

    /// The progress of those that frames are sent to now.
    pub(super) fn active(&self) -> impl Iterator<Item = &Progress> {
        self.values().filter_map(Receiver::active)
    }

    pub(super) fn active_mut(&mut self) -> impl Iterator<Item = &mut Progress> {
        self.values_mut().filter_map(Receiver::active_mut)
    }

    /// Tells whether frames are sent to somebody now.
    pub(super) fn is_any_active(&self) -> bool {
        self.active().next().is_some()
    }

    /// Tells whether somebody accepted it, and has not got it yet.
    pub(super) fn is_any_receiving(&self) -> bool {
        self.values().any(Receiver::is_receiving)
    }

    /// Tells whether somebody may still get it: a receiver that accepted, or one that is here and has
    /// not decided.
    pub(super) fn is_any_open(&self) -> bool {
        let is_open = |receiver: &Receiver| {
            receiver.is_receiving() || (receiver.is_undecided() && receiver.is_present())
        };
        self.values().any(is_open)
    }

    /// Tells whether a device on the list is not in the room.
    pub(super) fn is_away(&self, device: DeviceId) -> bool {
        self.get(device)
            .is_some_and(|receiver| !receiver.is_present())
    }

    /// The send time up to which frames are accounted for at each of those that are sent to; `None`
    /// if nobody is.
    pub(super) fn least_echoed(&self) -> Option<u64> {
        self.active().map(|progress| progress.echoed).min()
    }

    /// The offer goes to a device of this name.
    pub(super) fn offer(&mut self, device: DeviceId, name: String, now: Time) {
        self.lines.insert(device, Receiver::offered(name, now));
    }

    /// The offer goes to these devices; what goes beyond the limit is left out.
    pub(super) fn offer_to_all(
        &mut self,
        devices: impl Iterator<Item = (DeviceId, String)>,
        now: Time,
    ) {
        for (device, name) in devices.take(MAX_RECEIVERS) {
            self.offer(device, name, now);
        }
    }

    /// The line of a device, which is a new one if it has none.
    pub(super) fn line(&mut self, device: DeviceId, now: Time) -> &mut Receiver {
        self.lines
            .entry(device)
            .or_insert_with(|| Receiver::offered(String::new(), now))
    }

    pub(super) fn remove(&mut self, device: DeviceId) -> Option<Removed> {
        Some((device, self.lines.remove(&device)?))
    }

    /// Makes room for one more receiver. If need be, the place comes from one that has not decided or
    /// does not want it, or else from the one that has been away for longest; that one is returned.
    pub(super) fn make_room(&mut self, now: Time) -> Result<Option<Removed>, Full> {
        if self.lines.len() < MAX_RECEIVERS {
            return Ok(None);
        }
        let rank = |receiver: &Receiver| match receiver.phase {
            Phase::Offered { .. } | Phase::Seen => Some(0),
            Phase::Declined(_) | Phase::Cancelled(_) => Some(1),
            Phase::Done { .. } if receiver.is_lost(now) => Some(2),
            _ if receiver.is_lost(now) => Some(3),
            _ => None,
        };
        let ranked = self
            .iter()
            .filter_map(|(device, receiver)| Some((rank(receiver)?, receiver.away_since, device)));
        let (_, _, device) = ranked.min().ok_or(Full)?;
        Ok(self.remove(device))
    }

    /// A device left without an answer. Returns the one that goes off the list for that: this device
    /// if it is back already, or the first that left if there are too many.
    pub(super) fn keep_in_mind(&mut self, device: DeviceId) -> Option<Removed> {
        let name = &self.get(device)?.name;
        let is_back = |(other, receiver): (DeviceId, &Receiver)| {
            other != device && receiver.is_present() && receiver.name == *name
        };
        if self.iter().any(is_back) {
            return self.remove(device);
        }
        let left = self.iter().filter_map(|(device, receiver)| {
            let since = receiver.away_since.filter(|_| receiver.is_undecided())?;
            Some((since, device))
        });
        let left: Vec<_> = left.collect();
        let first = left.iter().min().filter(|_| left.len() > MAX_LEFT);
        first.and_then(|&(_, first)| self.remove(first))
    }

    /// A device of this name comes. Others of the same name that left, and have nothing of this
    /// parcel, make room for it on the list: most likely they are the same one with a new id. If one
    /// is not, all that is lost is the word that it left.
    pub(super) fn replace(&mut self, device: DeviceId, name: &str, is_text: bool) -> Vec<Removed> {
        let former = |(other, receiver): (DeviceId, &Receiver)| {
            let is_former = other != device && receiver.has_left(is_text) && receiver.name == name;
            is_former.then_some(other)
        };
        let former: Vec<DeviceId> = self.iter().filter_map(former).collect();
        let former = former.into_iter();
        former.filter_map(|former| self.remove(former)).collect()
    }

    /// A device with this token spoke. Another one with that token was the same receiver, before its
    /// program was restarted or it left the room; it goes off the list.
    pub(super) fn recognise(&mut self, device: DeviceId, token: Token) -> Option<Removed> {
        if let Some(receiver) = self.get_mut(device)
            && receiver.token.replace(token) == Some(token)
        {
            return None;
        }
        let mut others = self.iter();
        let (former, _) = others.find(|(id, other)| *id != device && other.token == Some(token))?;
        drop(others);
        self.remove(former)
    }

    /// Takes off a receiver that the user does not wait for. One that has the parcel stays.
    pub(super) fn forget(&mut self, device: DeviceId) -> Option<Removed> {
        let has_it = matches!(self.get(device)?.phase, Phase::Done { .. });
        if has_it { None } else { self.remove(device) }
    }

    /// The connection broke: everything under way up to this send time may or may not have arrived.
    pub(super) fn lose_connection(&mut self, last_sent: u64) {
        for progress in self.values_mut().filter_map(Receiver::progress_mut) {
            progress.in_step = false;
            progress.clear_flight(last_sent);
            progress.pacer.on_reconnect();
        }
    }

    /// This device leaves the room: those that are receiving are away from now on, and the others
    /// are forgotten.
    pub(super) fn leave(&mut self, now: Time) -> Self {
        let mut kept = std::mem::take(self);
        kept.lines.retain(|_, receiver| receiver.is_receiving());
        for receiver in kept.values_mut() {
            receiver.away_since.get_or_insert(now);
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::ids::tests::device;

    /// Devices with these numbers that are here and receive.
    fn receiving(numbers: core::ops::Range<u32>) -> Receivers {
        Receivers::kept(numbers.map(|number| {
            let progress = Progress::new(0, Time::ZERO);
            let mut receiver = Receiver::offered(String::new(), Time::ZERO);
            receiver.phase = Phase::Receiving(Box::new(progress));
            (device(number), receiver)
        }))
    }

    #[test]
    fn who_has_the_token_of_another_was_that_one() {
        let mut receivers = receiving(1..4);
        let (former, later, other) = (device(1), device(2), device(3));
        let mut say = |who, token| {
            let removed = receivers.recognise(who, Token([token; 16]));
            let left: Vec<_> = receivers.iter().map(|(device, _)| device).collect();
            (removed.map(|(device, _)| device), left)
        };
        assert_eq!(say(former, 7), (None, vec![former, later, other]));
        assert_eq!(say(other, 8), (None, vec![former, later, other]));
        assert_eq!(say(later, 7), (Some(former), vec![later, other]));
        assert_eq!(say(later, 7), (None, vec![later, other]));
        // It need not have begun itself.
        assert_eq!(say(device(4), 7), (Some(later), vec![other]));
    }

    #[test]
    fn devices_that_do_not_answer_leave_room_for_those_that_do() {
        let mut receivers = Receivers::default();
        for number in 0..MAX_RECEIVERS as u32 {
            assert!(matches!(receivers.make_room(Time::ZERO), Ok(None)));
            receivers.offer(device(number), String::new(), Time::ZERO);
        }
        assert!(matches!(receivers.make_room(Time::ZERO), Ok(Some(_))));
        assert_eq!(receivers.lines.len(), MAX_RECEIVERS - 1);
    }

    #[test]
    fn who_has_been_away_for_long_makes_room() {
        let mut receivers = receiving(0..MAX_RECEIVERS as u32);
        assert!(receivers.make_room(Time::ZERO).is_err());
        for number in [7, 3] {
            let gone = Time::ZERO + Duration::from_secs(u64::from(10 - number));
            receivers.get_mut(device(number)).unwrap().away_since = Some(gone);
        }
        let at = Time::ZERO + Duration::from_secs(200);
        let removed = receivers.make_room(at).unwrap();
        assert_eq!(removed.unwrap().0, device(7));
        assert!(receivers.contains(device(3)));
    }

    #[test]
    fn of_those_that_left_without_an_answer_the_last_are_kept_in_mind() {
        let mut receivers = Receivers::default();
        for number in 0..MAX_LEFT as u32 + 1 {
            let name = format!("Device {number}");
            receivers.offer(device(number), name, Time::ZERO);
        }
        let mut leaves = |number, at| {
            let left = receivers.get_mut(device(number)).unwrap();
            left.away_since = Some(Time::from_millis(at));
            let removed = receivers.keep_in_mind(device(number));
            removed.map(|(device, _)| device)
        };
        let last = MAX_LEFT as u32;
        for number in 0..last {
            assert_eq!(leaves(number, 100 - u64::from(number)), None);
        }
        assert_eq!(leaves(last, 1000), Some(device(last - 1)));
    }

    #[test]
    fn a_device_that_is_back_already_is_not_shown_as_one_that_left() {
        let mut receivers = Receivers::default();
        for number in [1, 2] {
            receivers.offer(device(number), "Laptop".into(), Time::ZERO);
        }
        receivers.get_mut(device(1)).unwrap().away_since = Some(Time::ZERO);
        let removed = receivers.keep_in_mind(device(1));
        assert_eq!(removed.unwrap().0, device(1));
        // And the other way round: the next one of that name takes the place of one that left.
        receivers.get_mut(device(2)).unwrap().away_since = Some(Time::ZERO);
        let removed = receivers.replace(device(3), "Laptop", false);
        assert_eq!(removed.len(), 1);
        assert_eq!(removed[0].0, device(2));
    }
}
