//! Messages of other devices, behind the [gate](super::gate). They come in families, each of
//! which has its own file and one `handle_…`; a new family gets the same here.

mod offers;
mod people;
mod presence;
mod transfer;

use mqdrop_mqtt::Time;

use super::Engine;
use super::gate::Said;
use crate::ids::RoomId;
use crate::message::Body;

pub(super) use offers::MAX_INCOMING;

impl Engine {
    /// Gives a message that counts to its family.
    #[inline(never)]
    pub(super) fn handle_said(&mut self, room: RoomId, said: Said, now: Time) {
        match said.body {
            Body::Hello(_) | Body::Alive(_) | Body::Gone => {
                if let Some(room) = self.rooms.get_mut(&room) {
                    room.handle_presence(said, now);
                }
            }
            Body::People(list) => {
                // It is told to one device alone.
                if let Some(room) = self.rooms.get_mut(&room).filter(|_| said.to_me) {
                    room.handle_people(said.sender, &list, now);
                }
            }
            Body::Offer(_)
            | Body::Seen(_)
            | Body::Want(_)
            | Body::Decline(_)
            | Body::Complete(_)
            | Body::Receipt(_)
            | Body::Cancel(_)
            | Body::Pause(_)
            | Body::Resume(_) => self.handle_transfer(room, said, now),
        }
    }
}
