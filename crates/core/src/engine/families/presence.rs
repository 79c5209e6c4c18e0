//! The family of presence: hello, alive and gone, which tell who is in the room.

use mqdrop_mqtt::Time;

use crate::engine::gate::Said;
use crate::engine::room::Room;
use crate::ids::DeviceId;
use crate::message::{Body, Introduction};
use crate::peers::Introduced;

impl Room {
    /// A device says that it is here, or that it leaves.
    pub(super) fn handle_presence(&mut self, said: Said, now: Time) {
        let sender = said.sender;
        match &said.body {
            Body::Hello(introduction) => self.handle_hello(&said, introduction, now),
            Body::Alive(introduction) => {
                let is_answer = said.to_me;
                self.handle_here(sender, introduction, is_answer, now);
            }
            Body::Gone if self.peers.leave(sender) => self.handle_gone(sender, now),
            _ => {}
        }
    }

    /// A device just came, or asks whether this one is here. It is answered.
    fn handle_hello(&mut self, said: &Said, introduction: &Introduction, now: Time) {
        let answer = self.voice.introduction(said.counter);
        if self.peers.is_confirmed(said.sender) {
            self.answer(said.sender, Body::Alive(answer), now);
            self.handle_here(said.sender, introduction, true, now);
        } else {
            // It was said before this device came back, or by one that does not know it yet.
            self.answer(said.sender, Body::Hello(answer), now);
        }
    }

    /// A device is here. `is_news` says that it may have come just now, even if it is known.
    #[inline(never)]
    fn handle_here(
        &mut self,
        device: DeviceId,
        introduction: &Introduction,
        is_news: bool,
        now: Time,
    ) {
        if !self.peers.is_confirmed(device) {
            return;
        }
        let introduced = self.peers.introduce(device, &introduction.name);
        self.peers.note_hello(device, introduction.hello);
        if introduced != Introduced::Known {
            self.tell_peers();
        }
        if !(is_news || introduced == Introduced::New) {
            return;
        }
        let name = self.peers.name(device);
        for (_, outgoing) in &mut self.parcels.outgoing {
            outgoing.handle_here(device, name.clone(), now, &mut self.parcels.cx);
        }
        for (_, incoming) in &mut self.parcels.incoming {
            if incoming.sender() == device {
                incoming.handle_here(now, &mut self.parcels.cx);
            }
        }
    }

    /// A device says something to the room, and has not shown yet that it is here: it is asked.
    pub(in crate::engine) fn ask(&mut self, said: &Said, now: Time) {
        let device = said.sender;
        let heard = match said.body {
            // Always answered: it is said once.
            Body::Hello(_) => said.counter,
            // Before that nobody would hear it.
            _ if !self.is_inside() || !self.peers.may_ask(device, now) => return,
            _ => 0,
        };
        let hello = Body::Hello(self.voice.introduction(heard));
        self.answer(device, hello, now);
    }

    /// A device left, or was silent for too long.
    #[inline(never)]
    pub(in crate::engine) fn handle_gone(&mut self, device: DeviceId, now: Time) {
        for (_, outgoing) in &mut self.parcels.outgoing {
            outgoing.handle_gone(device, now, &mut self.parcels.cx);
        }
        for (_, incoming) in &mut self.parcels.incoming {
            if incoming.sender() == device {
                incoming.handle_gone(&mut self.parcels.cx);
            }
        }
        self.tell_peers();
    }
}
