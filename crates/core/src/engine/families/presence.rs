//! The family of presence: hello, alive and gone, which tell who is in the room.

use mqdrop_mqtt::Time;

use crate::api::Event;
use crate::cause::Notice;
use crate::effects::To;
use crate::engine::gate::Said;
use crate::engine::room::Room;
use crate::ids::DeviceId;
use crate::message::{Body, Introduction};
use crate::peers::Introduced;
use crate::person::Card;

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
        if !said.to_me {
            self.note_newcomer(said.sender);
        }
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
        let room = self.voice.room_id();
        let introduced = self.peers.introduce(device, &introduction.card, room);
        let Some(introduced) = introduced else { return };
        self.peers.note_hello(device, introduction.hello);
        self.voice.meet(device);
        if introduced == Introduced::New {
            self.handle_former(device, introduction, now);
        }
        if introduced != Introduced::Known {
            self.meet(device, &introduction.card, now);
            self.tell_peers();
        }
        // A person who is muted may have come with a new device.
        if !(is_news || introduced == Introduced::New) || self.peers.is_muted(device) {
            return;
        }
        let here = self.peers.here(device);
        for (_, outgoing) in &mut self.parcels.outgoing {
            outgoing.handle_here(here.clone(), now, &mut self.parcels.cx);
        }
        for (_, incoming) in &mut self.parcels.incoming {
            if incoming.sender() == device {
                incoming.handle_here(now, &mut self.parcels.cx);
            }
        }
    }

    /// A device of this person is here.
    fn meet(&mut self, device: DeviceId, card: &Card, now: Time) {
        let person = card.id();
        if self.people.is_muted(person) && self.peers.mute(device, true) {
            self.handle_muted(device, true);
        }
        let wall = self.wall(now);
        if let Some(public) = self.peers.public(device) {
            self.people
                .meet(card, &public, wall, || self.peers.persons_here());
        }
        if self.invited_by == Some(person) {
            self.people.verify_by_link(person, wall);
        }
        if let Some(name) = self.people.new_imitator(person) {
            let notice = Notice::Imitator(name);
            self.parcels.cx.event(Event::Notice(notice));
        }
        self.tell_people(now);
    }

    /// A device says that it takes the place of another one of its person, which is gone then. Another
    /// person's word would count for nothing.
    fn handle_former(&mut self, device: DeviceId, introduction: &Introduction, now: Time) {
        let person = introduction.card.id();
        let Some(former) = introduction.former else {
            return;
        };
        if former == self.voice.device() && person == self.voice.card().id() {
            // A tab that was duplicated remembers what this one is.
            self.push(To::Room, Body::Alive(self.voice.introduction(0)));
        } else if former != device
            && self.peers.person(former) == Some(person)
            && self.peers.leave(former)
        {
            self.handle_gone(former, now);
        }
    }

    /// A device says something to the room, and has not shown yet that it is here: it is asked.
    pub(in crate::engine) fn ask(&mut self, said: &Said, now: Time) {
        let device = said.sender;
        let heard = match said.body {
            // Always answered: it is said once.
            Body::Hello(_) => {
                if !said.to_me {
                    self.note_newcomer(device);
                }
                said.counter
            }
            // Before that nobody would hear it.
            _ if !self.is_inside() || !self.peers.may_ask(device, now) => return,
            _ => 0,
        };
        let hello = Body::Hello(self.voice.introduction(heard));
        self.answer(device, hello, now);
    }

    /// A device says something to this one alone, and did not introduce itself yet.
    pub(super) fn ask_who_it_is(&mut self, device: DeviceId, now: Time) {
        if self.peers.may_ask(device, now) {
            let hello = Body::Hello(self.voice.introduction(0));
            self.answer(device, hello, now);
        }
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
        if let Some(person) = self.peers.person(device) {
            let wall = self.wall(now);
            self.people.saw(person, wall);
            self.tell_people(now);
        }
        self.tell_peers();
    }
}
