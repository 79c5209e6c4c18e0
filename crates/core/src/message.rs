//! The control messages, in CBOR (RFC 8949) with integer keys: fields and messages that a later
//! version adds are skipped.

mod ending;
mod left_out;
mod runs;

use minicbor::{Decode, Encode};

use crate::identity::{PUBLIC, SIGNATURE};
use crate::ids::{DeviceId, ParcelId, PersonId, Token};
use crate::people::PassedOn;
use crate::person::Card;
pub use ending::EndReason;
pub(crate) use ending::{CHANGED, Ending};
pub(crate) use left_out::LeftOut;
pub(crate) use runs::Runs;

/// The longest control message that is looked at, in bytes.
pub(crate) const MAX_MESSAGE: usize = 16 * 1024;

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Message {
    /// Counts this sender's messages from 1: with the sender it names the message.
    #[n(0)]
    pub(crate) counter: u64,
    #[n(1)]
    pub(crate) body: Body,
}

impl Message {
    pub(crate) fn encode(&self) -> Vec<u8> {
        // Writing into a Vec cannot fail.
        minicbor::to_vec(self).unwrap_or_default()
    }

    /// `None` for what is damaged, too long, or of a kind that only later versions know.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MAX_MESSAGE {
            None
        } else {
            minicbor::decode(bytes).ok()
        }
    }
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) enum Body {
    /// I am here now, are you? To the room, or to a device that may not be. It is answered.
    #[n(0)]
    Hello(#[n(0)] Introduction),
    /// I am here too: to a device that said hello, and now and then to the room.
    #[n(1)]
    Alive(#[n(0)] Introduction),
    /// To the room: I leave, or my connection broke (the will).
    #[n(2)]
    Gone,
    /// Sender: there is a parcel. To the room, or to a device that came later or did not answer.
    #[n(3)]
    Offer(#[n(0)] Offer),
    /// Receiver: the offer arrived and waits for the user.
    #[n(4)]
    Seen(#[n(0)] ParcelRef),
    /// Receiver: this is what I hold, send the rest. Accepts, acknowledges and resumes.
    #[n(5)]
    Want(#[n(0)] Want),
    /// Receiver: no, thank you.
    #[n(6)]
    Decline(#[n(0)] Ending),
    /// Sender: all is sent, these are the digests to verify with.
    #[n(7)]
    Complete(#[n(0)] Complete),
    /// Receiver: verified and kept, all of it or all that there was.
    #[n(8)]
    Receipt(#[n(0)] Receipt),
    /// Either side: ended, by its user or by a fault.
    #[n(9)]
    Cancel(#[n(0)] Ending),
    /// Sender: stopped for now.
    #[n(10)]
    Pause(#[n(0)] ParcelRef),
    /// Sender: goes on.
    #[n(11)]
    Resume(#[n(0)] ParcelRef),
    /// To a newcomer: these persons are here, or were.
    #[n(12)]
    People(#[n(0)] PeopleList),
}

impl Body {
    /// The parcel that a receiver says this of, if it does not want it, and what its sender knows it
    /// by.
    pub(crate) fn receivers_token(&self) -> Option<(ParcelId, Token)> {
        let (parcel, token) = match self {
            Self::Seen(parcel) => (parcel.parcel, parcel.token),
            Self::Receipt(receipt) => (receipt.parcel, receipt.token),
            Self::Decline(ending) | Self::Cancel(ending) => (ending.parcel, ending.token),
            _ => return None,
        };
        Some((parcel, token?))
    }
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Introduction {
    /// The counter of the device's hello to the room on this connection.
    #[n(1)]
    pub(crate) hello: u64,
    /// The counter of the hello that this answers; 0 for none.
    #[n(2)]
    pub(crate) heard: u64,
    /// The device's person.
    #[n(3)]
    pub(crate) card: Card,
    /// The device of the same person that this one takes the place of: its page was loaded anew.
    #[n(6)]
    pub(crate) former: Option<DeviceId>,
}

/// Cards of persons who are here, or were.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct PeopleList {
    /// Which part of the answer, from 0.
    #[n(0)]
    pub(crate) part: u8,
    #[n(1)]
    pub(crate) persons: Vec<PassedOn>,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Offer {
    #[n(0)]
    pub(crate) parcel: ParcelId,
    #[n(1)]
    pub(crate) title: String,
    /// Bytes of content.
    #[n(2)]
    pub(crate) total: u64,
    /// Number of files.
    #[n(3)]
    pub(crate) files: u32,
    /// Bytes of the manifest.
    #[n(4)]
    pub(crate) manifest_len: u64,
    /// BLAKE3 of the manifest.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub(crate) manifest_hash: [u8; 32],
    /// The cipher of data frames.
    #[cbor(n(6), with = "minicbor::bytes")]
    pub(crate) content_key: [u8; 32],
    /// Bytes in a block; 16,384 in this version.
    #[n(7)]
    pub(crate) block: u32,
    /// Whether it is a text, to be shown rather than saved.
    #[n(8)]
    pub(crate) text: bool,
    /// The sender has paused it.
    #[n(9)]
    pub(crate) paused: bool,
    /// The public half of the parcel's own Ed25519 key.
    #[cbor(n(10), with = "minicbor::bytes")]
    pub(crate) parcel_key: [u8; PUBLIC],
    /// By which the offering device shows that it has the secret half.
    #[cbor(n(11), with = "minicbor::bytes")]
    pub(crate) proof: [u8; SIGNATURE],
    /// The persons whom it is for, if not for everyone.
    #[n(12)]
    pub(crate) persons: Option<Vec<PersonId>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct ParcelRef {
    #[n(0)]
    pub(crate) parcel: ParcelId,
    /// The token that the sender knows the receiver by, if it is a receiver that says this.
    #[n(1)]
    pub(crate) token: Option<Token>,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Want {
    #[n(0)]
    pub(crate) parcel: ParcelId,
    #[n(1)]
    pub(crate) held: Runs,
    /// How many bytes may be under way to this receiver at once.
    #[n(2)]
    pub(crate) credit: u64,
    /// The newest data frame that arrived.
    #[n(3)]
    pub(crate) echo: Option<Echo>,
    /// The receiver's user has stopped it for now.
    #[n(4)]
    pub(crate) paused: bool,
    /// Only frames that are signed are taken: others were forged.
    #[n(6)]
    pub(crate) signed: bool,
    /// The token that the sender knows the receiver by.
    #[n(7)]
    pub(crate) token: Option<Token>,
}

#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Echo {
    /// Its send time, as it stood in it.
    #[n(0)]
    pub(crate) sent: u64,
    /// How long ago it arrived, in microseconds.
    #[n(1)]
    pub(crate) age: u32,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Complete {
    #[n(0)]
    pub(crate) parcel: ParcelId,
    /// BLAKE3 of the digests.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(crate) digests_hash: [u8; 32],
    /// Files that the sender cannot read and this receiver does not hold.
    #[n(2)]
    pub(crate) left_out: Option<LeftOut>,
}

#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Receipt {
    #[n(0)]
    pub(crate) parcel: ParcelId,
    /// The token that the sender knows the receiver by.
    #[n(1)]
    pub(crate) token: Option<Token>,
    /// How many of its files were left out, if any.
    #[n(2)]
    pub(crate) without: Option<u32>,
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ranges::RangeSet;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn message(body: Body) -> Message {
        Message { counter: 5, body }
    }

    /// The want of a receiver that holds this.
    pub(crate) fn wanting(parcel: ParcelId, held: &RangeSet, credit: u64) -> Want {
        Want {
            parcel,
            held: Runs::new(held),
            credit,
            echo: None,
            paused: false,
            signed: false,
            token: None,
        }
    }

    /// Every kind of message.
    pub(crate) fn one_of_each() -> Vec<Body> {
        let parcel = ParcelId([1; 10]);
        let offer = Offer {
            parcel,
            title: "a \u{1f600}".into(),
            total: u64::MAX,
            files: 3,
            manifest_len: 9,
            manifest_hash: [4; 32],
            content_key: [5; 32],
            block: 16_384,
            text: false,
            paused: true,
            parcel_key: [5; 32],
            proof: [6; 64],
            persons: Some(vec![PersonId([2; 10])]),
        };
        let card = Card {
            person: [8; PUBLIC],
            named: 9,
            name: "phone".into(),
            signature: [7; SIGNATURE],
        };
        let people = PeopleList {
            part: 1,
            persons: vec![PassedOn {
                device: [6; PUBLIC],
                age: 5,
                card: card.clone(),
            }],
        };
        let introduction = Introduction {
            hello: 2,
            heard: u64::MAX,
            card,
            former: Some(DeviceId([3; 10])),
        };
        let want = Want {
            echo: Some(Echo { sent: 1, age: 2 }),
            token: Some(Token([8; 16])),
            signed: true,
            ..wanting(parcel, &RangeSet::of(3..9), 1 << 40)
        };
        let answer = ParcelRef {
            parcel,
            token: Some(Token([7; 16])),
        };
        let mut left_out = LeftOut::default();
        left_out.insert(3, 4);
        vec![
            Body::Hello(introduction.clone()),
            Body::Alive(introduction),
            Body::Gone,
            Body::Offer(offer),
            Body::Seen(answer),
            Body::Want(want),
            Body::Decline(
                EndReason::Storage(crate::StoreError::NoSpace { available: Some(7) })
                    .ending(parcel),
            ),
            Body::Complete(Complete {
                parcel,
                digests_hash: [1; 32],
                left_out: Some(left_out),
            }),
            Body::Cancel(EndReason::FileChanged("x".into()).ending(parcel)),
            Body::Receipt(Receipt {
                parcel,
                token: Some(Token([7; 16])),
                without: Some(2),
            }),
            Body::Pause(answer),
            Body::Resume(answer),
            Body::People(people),
        ]
    }

    #[test]
    fn messages_survive_being_written_and_read() {
        for body in one_of_each() {
            let message = message(body);
            assert_eq!(Message::decode(&message.encode()), Some(message));
        }
    }

    #[test]
    fn unknown_fields_are_skipped_and_unknown_messages_ignored() {
        // {0: 5, 1: [8, [{0: h'01…', 77: "new"}]], 99: [1, 2]}
        let mut cbor = vec![0xa3, 0x00, 0x05, 0x01, 0x82, 0x08, 0x81, 0xa2, 0x00, 0x4a];
        cbor.extend_from_slice(&[1; 10]);
        cbor.extend_from_slice(&[0x18, 77, 0x63, b'n', b'e', b'w', 0x18, 99, 0x82, 1, 2]);
        let receipt = Body::Receipt(Receipt {
            parcel: ParcelId([1; 10]),
            token: None,
            without: None,
        });
        assert_eq!(Message::decode(&cbor), Some(message(receipt)));
        // {0: 5, 1: [200, [{}]]}
        assert_eq!(
            Message::decode(&[0xa2, 0, 5, 1, 0x82, 0x18, 200, 0x81, 0xa0]),
            None
        );
    }

    mqdrop_testing::properties! {
        fn noise_is_not_a_message(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Some(message) = Message::decode(&bytes) {
                prop_assert_eq!(Message::decode(&message.encode()), Some(message));
            }
        }
    }
}
