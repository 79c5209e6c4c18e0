//! The framer by itself.

use bytes::Bytes;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::codec::Framer;

/// A packet of type PUBLISH with this many bytes after its fixed header.
fn packet(remaining: usize) -> Vec<u8> {
    let mut packet = vec![0x30];
    let mut rest = remaining;
    loop {
        let byte = (rest & 0x7F) as u8;
        rest >>= 7;
        packet.push(if rest > 0 { byte | 0x80 } else { byte });
        if rest == 0 {
            break;
        }
    }
    packet.extend((0..remaining).map(|index| index as u8));
    packet
}

#[test]
fn packets_of_every_header_length_survive_every_delivery() {
    let short = [0, 1, 127, 128, 16_383, 16_384];
    for chunk in [1, 2, 3, 7, 1_000, 65_536] {
        survive(&short, chunk);
    }
    let long = [2_097_151, 0, 2_097_152, 1];
    for chunk in [1_000, 65_536, 3_000_000, 5_000_000] {
        survive(&long, chunk);
    }
}

fn survive(lengths: &[usize], chunk: usize) {
    let stream: Vec<u8> = lengths.iter().copied().flat_map(packet).collect();
    let mut framer = Framer::new(usize::MAX);
    let mut frames = Vec::new();
    for piece in stream.chunks(chunk) {
        let mut input = Bytes::copy_from_slice(piece);
        while let Some(frame) = framer.next(&mut input).unwrap() {
            frames.push(frame);
        }
        assert!(input.is_empty());
    }
    assert_eq!(frames.len(), lengths.len());
    for (frame, length) in frames.iter().zip(lengths) {
        assert_eq!(frame.header.remaining, *length);
        assert_eq!(frame.bytes, packet(*length));
    }
}

#[test]
fn a_fixed_header_alone_reserves_little_and_the_buffer_grows_with_what_arrives() {
    let mut framer = Framer::new(usize::MAX);
    let announced = 200 * 1024 * 1024;
    let mut header = packet(0)[..1].to_vec();
    let mut rest = announced;
    while rest > 0 {
        let more = rest > 0x7F;
        header.push((rest & 0x7F) as u8 | if more { 0x80 } else { 0 });
        rest >>= 7;
    }
    assert_eq!(framer.next(&mut Bytes::from(header)), Ok(None));
    assert!(framer.reserved() <= 1024 * 1024);
    let mut arrived = 0;
    for _ in 0..40 {
        let piece = Bytes::from(vec![0; 100_000]);
        arrived += piece.len();
        assert_eq!(framer.next(&mut piece.clone()), Ok(None));
        let bound = (1024 * 1024).max(2 * arrived + 16);
        assert!(
            framer.reserved() <= bound,
            "{} > {bound}",
            framer.reserved()
        );
    }
}

#[test]
fn the_buffer_of_a_split_packet_is_exactly_its_length() {
    let whole = packet(300_000);
    let mut framer = Framer::new(usize::MAX);
    let (first, second) = whole.split_at(10);
    assert_eq!(framer.next(&mut Bytes::copy_from_slice(first)), Ok(None));
    assert_eq!(framer.reserved(), whole.len());
    let frame = framer.next(&mut Bytes::copy_from_slice(second));
    assert_eq!(frame.unwrap().unwrap().bytes, whole);
    assert_eq!(framer.reserved(), 0);
}
