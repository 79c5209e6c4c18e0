//! A parcel as its sender knows it, good or bad.

use core::time::Duration;

use super::insider::Member;
use super::victim::Victim;
use crate::Entry;
use crate::frame::{FRAME_HEAD, FrameCipher, FrameHead};
use crate::identity::ParcelKey;
use crate::ids::{DeviceId, ParcelId};
use crate::layout::BLOCK;
use crate::manifest::Manifest;
use crate::message::{Body, Complete, Offer};
use crate::random::Random;
use mqdrop_core::view::TransferState;

/// Blocks of content of an honest parcel.
pub(super) const BLOCKS: u32 = 8;

/// A parcel of one file, as its sender knows it.
pub(super) struct Parcel {
    pub(super) offer: Offer,
    pub(super) manifest: Vec<u8>,
    pub(super) key: ParcelKey,
    sender: DeviceId,
    content: Vec<u8>,
}

impl Parcel {
    pub(super) fn new(member: &Member, number: u8) -> Self {
        let content = vec![number; BLOCKS as usize * BLOCK as usize];
        Self::of(member, number, "file.bin", content)
    }

    pub(super) fn of(member: &Member, number: u8, path: &str, content: Vec<u8>) -> Self {
        let entry = Entry {
            path: path.into(),
            size: content.len() as u64,
            modified: None,
            mime: String::new(),
        };
        let (_, manifest) = Manifest::build(vec![entry]).unwrap();
        let total = content.len() as u64;
        Self {
            offer: offer(member, number, &manifest, total, 1),
            manifest,
            key: ParcelKey::new([number; 32]),
            sender: member.device(),
            content,
        }
    }

    /// Its sender was restarted, and is this device now.
    pub(super) fn belongs_to(&mut self, member: &Member) {
        self.sender = member.device();
        self.offer.proof = self.key.proof(self.sender);
    }

    pub(super) fn id(&self) -> ParcelId {
        self.offer.parcel
    }

    /// Sends frames of one block each, from the first to the last, the digests included.
    pub(super) fn send(&self, signed: bool, victim: &mut Victim) {
        let digests = self.digests();
        let parts = [&self.manifest, &self.content, &digests];
        let blocks = parts.iter().flat_map(|part| part.chunks(BLOCK as usize));
        for (at, block) in blocks.enumerate() {
            let head = FrameHead {
                first_block: at as u32,
                count: 1,
                sent: victim.now().as_micros(),
                signed,
                piece: None,
            };
            let frame = seal(&self.offer, head, block, (&self.key, self.sender));
            victim.deliver(&format!("d/{}", self.id()), &frame);
        }
    }

    fn digests(&self) -> Vec<u8> {
        blake3::hash(&self.content).as_bytes().to_vec()
    }

    pub(super) fn complete(&self) -> Body {
        Body::Complete(Complete {
            left_out: None,
            parcel: self.id(),
            digests_hash: *blake3::hash(&self.digests()).as_bytes(),
        })
    }

    /// Offers it, and the victim's user accepts.
    pub(super) fn is_accepted(&self, member: &mut Member, victim: &mut Victim) {
        member.tell_room(victim, Body::Offer(self.offer.clone()));
        victim.accept(self.id());
        victim.answer_subscribe(&[0]);
        let receiving = victim.view(self.id()).unwrap().state;
        assert_eq!(receiving, TransferState::Active);
    }

    /// Sends all of it; the victim has it then. Signs its frames if it is asked to.
    pub(super) fn arrives(&self, member: &mut Member, victim: &mut Victim) {
        self.send(false, victim);
        member.tell(victim, self.complete());
        // As often as that may take when some of it was forged.
        for _ in 0..3 {
            if victim.view(self.id()).unwrap().state == TransferState::Done {
                return;
            }
            victim.wait(Duration::from_millis(10));
            let wants = member.read(&victim.published());
            let is_asked = |body: &Body| matches!(body, Body::Want(want) if want.signed);
            assert!(wants.iter().any(is_asked), "{wants:?}");
            self.send(true, victim);
            member.tell(victim, self.complete());
        }
        let view = victim.view(self.id()).unwrap();
        assert_eq!(view.state, TransferState::Done, "{view:?}");
    }
}

pub(super) fn offer(member: &Member, number: u8, manifest: &[u8], total: u64, files: u32) -> Offer {
    let key = ParcelKey::new([number; 32]);
    let parcel = key.parcel();
    Offer {
        parcel,
        title: "file.bin".into(),
        total,
        files,
        manifest_len: manifest.len() as u64,
        manifest_hash: *blake3::hash(manifest).as_bytes(),
        content_key: [number; 32],
        block: BLOCK as u32,
        text: false,
        paused: false,
        parcel_key: key.public(),
        proof: key.proof(member.device()),
        persons: None,
    }
}

/// A frame as anyone in the room can write it.
pub(super) fn frame(offer: &Offer, first_block: u32, count: u16, content: &[u8]) -> Vec<u8> {
    let head = FrameHead {
        first_block,
        count,
        sent: first_block.into(),
        signed: false,
        piece: None,
    };
    seal(
        offer,
        head,
        content,
        (&ParcelKey::new([0; 32]), DeviceId([0; 10])),
    )
}

pub(super) fn seal(
    offer: &Offer,
    head: FrameHead,
    content: &[u8],
    by: (&ParcelKey, DeviceId),
) -> Vec<u8> {
    let cipher = FrameCipher::new(&offer.content_key, offer.parcel);
    let mut frame = vec![0; FRAME_HEAD];
    frame.extend_from_slice(content);
    let mut random = Random::new([head.first_block as u8; 32]);
    cipher.seal(head, &mut frame, by, &mut random);
    frame
}
