//! The parcels' shares of reading and of the socket, over all rooms.

use mqdrop_mqtt::{QoS, Time};

use super::Engine;
use crate::ids::{ParcelId, RoomId};
use crate::io::{ReadError, ReadRequest};

/// Bytes of frames that are read ahead of the socket, over all parcels.
const READ_AHEAD: u64 = 2 * 1024 * 1024;

impl Engine {
    /// The next read. Several may be under way; they may be answered in any order.
    #[inline(never)]
    pub fn poll_read(&mut self, now: Time) -> Option<ReadRequest> {
        let connection = self.connection.as_ref()?;
        let outgoing = self
            .rooms
            .values()
            .flat_map(|it| it.parcels.outgoing.values());
        let mut prepared: u64 = outgoing.map(|outgoing| outgoing.prepared_bytes()).sum();
        for (id, parcel) in self.in_turn() {
            let Some(room) = self.rooms.get_mut(&id).filter(|room| room.is_inside()) else {
                continue;
            };
            let fit = connection.fit(&room.topics.data(parcel));
            let (Some(fit), Some(outgoing)) = (fit, room.parcels.outgoing.get_mut(&parcel)) else {
                continue;
            };
            let others = prepared - outgoing.prepared_bytes();
            let request = outgoing.next_read(&fit, READ_AHEAD.saturating_sub(others), now);
            if let Some(request) = request {
                return Some(ReadRequest {
                    room: id,
                    ..request
                });
            }
            prepared = others + outgoing.prepared_bytes();
        }
        None
    }

    /// The driver read what it was asked to, or could not.
    #[inline(never)]
    pub fn handle_read(&mut self, request: ReadRequest, result: Result<(), ReadError>, now: Time) {
        let parcel = request.parcel;
        // A question of one stay is not answered in another.
        if let Some(room) = self.rooms.get_mut(&request.room)
            && let Some(outgoing) = room.parcels.outgoing.get_mut(&parcel)
        {
            let was_checking = outgoing.is_checking();
            outgoing.handle_read(request, result, now, &mut room.parcels.cx);
            if was_checking && !outgoing.is_checking() {
                room.offer_again(parcel, now);
            }
        }
        self.settle(now);
    }

    /// Publishes the next data frame, of the parcel whose turn it is. False if there is none.
    #[inline(never)]
    pub(super) fn send_frame(&mut self, now: Time) -> bool {
        for (id, parcel) in self.in_turn() {
            let (Some(connection), Some(room)) = (&mut self.connection, self.rooms.get_mut(&id))
            else {
                return false;
            };
            let topic = room.topics.data(parcel);
            let Some(fit) = connection.fit(&topic) else {
                return false;
            };
            let Some(outgoing) = room.parcels.outgoing.get_mut(&parcel) else {
                return false;
            };
            let size = &mut connection.frame_size;
            if let Some(payload) = outgoing.next_frame(now, &fit, size, &mut self.random) {
                self.turn = Some((id, parcel));
                // A frame that the session does not take counts as lost and is sent again.
                let session = &mut connection.session;
                let _ = session.publish(&topic, &payload, QoS::AtMostOnce, false, now);
                return true;
            }
        }
        false
    }

    /// The outgoing parcels of the rooms that this device is in, beginning behind the one that was
    /// served last.
    fn in_turn(&self) -> Vec<(RoomId, ParcelId)> {
        let rooms = self.rooms.iter().filter(|(_, room)| room.is_inside());
        let parcels = rooms.flat_map(|(id, room)| {
            let parcels = room.parcels.outgoing.keys();
            parcels.map(|parcel| (*id, *parcel))
        });
        let is_later = |parcel: &(RoomId, ParcelId)| self.turn.is_some_and(|turn| *parcel > turn);
        let (mut later, earlier): (Vec<_>, Vec<_>) = parcels.partition(is_later);
        later.extend(earlier);
        later
    }
}
