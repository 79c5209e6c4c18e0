//! Arbitrary bytes and damaged streams, in arbitrary pieces.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::client::{Client, connack, options};
use super::generate::{packet, version};
use super::property::check;
use crate::codec::{Framer, decode};
use crate::{Disconnect, Event, QoS, ReasonCode, Subscription, Version, VersionPolicy};

const CASES: u32 = if cfg!(target_arch = "wasm32") {
    300
} else {
    2_000
};

/// The events of `stream` delivered in pieces that end at `cuts`, and all bytes sent in answer.
fn run(
    version: Version,
    stream: &[u8],
    cuts: &[usize],
) -> Result<(Vec<Event>, Vec<u8>), TestCaseError> {
    let mut client = Client::new(options(VersionPolicy::Only(version)));
    client.session.handle_connected(client.now);
    while client.session.poll_transmit().is_some() {}
    let mut sent = Vec::new();
    let mut events = Vec::new();
    let mut ends: Vec<_> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
    ends.push(stream.len());
    ends.sort_unstable();
    let mut start = 0;
    let mut is_over = false;
    let mut asked = false;
    for end in ends {
        let piece = Bytes::copy_from_slice(&stream[start..end]);
        start = end;
        client.session.handle_bytes(piece, client.now);
        if client.session.is_connected() && !asked {
            asked = true;
            ask(&mut client);
        }
        while let Some(bytes) = client.session.poll_transmit() {
            sent.extend_from_slice(&bytes);
        }
        while let Some(event) = client.session.poll_event() {
            prop_assert!(!is_over, "{event:?} after Disconnected");
            is_over = matches!(event, Event::Disconnected(_));
            events.push(event);
        }
        prop_assert_eq!(client.session.poll_timeout().is_none(), is_over);
        prop_assert_eq!(client.session.queued_bytes(), 0);
    }
    if is_over {
        let refused = client
            .session
            .publish("a", b"", QoS::AtMostOnce, false, client.now);
        prop_assert!(refused.is_err());
        prop_assert_eq!(client.session.poll_transmit(), None);
    }
    Ok((events, sent))
}

/// Something for acknowledgements in the stream to belong to.
fn ask(client: &mut Client) {
    for filter in ["a", "b"] {
        let subscription = Subscription {
            filter: filter.to_owned(),
            qos: QoS::AtLeastOnce,
            no_local: false,
        };
        let asked = client.session.subscribe(&[subscription], client.now);
        asked.expect("accepted for sending");
        client.publish("a", b"", QoS::AtLeastOnce);
    }
}

/// Then nothing more may be sent, which is less if less was sent before.
fn ended_by_server(events: &[Event]) -> bool {
    let last = events.last();
    matches!(last, Some(Event::Disconnected(Disconnect::ByServer { .. })))
}

/// CONNACK and packets of the server; of the packets, single bytes are replaced.
fn damaged() -> impl Strategy<Value = (Version, Vec<u8>)> {
    let damage = vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (version(), any::<bool>(), damage).prop_flat_map(|(version, keep_connack, damage)| {
        vec(packet(version), 1..8).prop_map(move |packets| {
            let connack = connack(version);
            let first = if keep_connack { connack.len() } else { 0 };
            let mut stream = connack;
            stream.extend(packets.concat());
            for (index, byte) in &damage {
                let at = first + index.index(stream.len() - first);
                stream[at] = *byte;
            }
            (version, stream)
        })
    })
}

#[test]
fn arbitrary_bytes_do_no_harm() {
    let input = (
        version(),
        vec(any::<u8>(), 0..300),
        vec(any::<usize>(), 0..6),
    );
    check(CASES, input, |(version, bytes, cuts)| {
        run(version, &bytes, &cuts)?;
        let mut stream = connack(version);
        stream.extend(bytes);
        run(version, &stream, &cuts)?;
        Ok(())
    });
}

#[test]
fn arbitrary_packets_decode_or_fail_without_panic() {
    let input = (version(), any::<u8>(), vec(any::<u8>(), 0..60));
    check(20 * CASES, input, |(version, first, body)| {
        let mut packet = vec![first, body.len() as u8];
        packet.extend(&body);
        let frame = Framer::new(1_000).next(&mut Bytes::from(packet));
        match frame {
            Ok(Some(frame)) => {
                prop_assert_eq!(frame.bytes.len(), 2 + body.len());
                // The session ends at a fault, so what matters is that there is an answer at all.
                prop_assert_eq!(decode(&frame, version), decode(&frame, version));
            }
            Ok(None) => return Err(TestCaseError::fail("the packet is whole")),
            Err(fault) => prop_assert_eq!(fault.reason, ReasonCode::MALFORMED_PACKET),
        }
        Ok(())
    });
}

#[test]
fn damaged_streams_do_no_harm_and_every_split_means_the_same() {
    let input = (damaged(), vec(any::<usize>(), 0..10));
    check(CASES, input, |((version, stream), cuts)| {
        // After CONNACK the requests go out, so that is where the first piece ends.
        let connack = connack(version).len();
        let (whole, answer) = run(version, &stream, &[connack])?;
        let cuts: Vec<_> = cuts.into_iter().chain([connack]).collect();
        let (split, split_answer) = run(version, &stream, &cuts)?;
        prop_assert_eq!(&split, &whole);
        if !ended_by_server(&whole) {
            prop_assert_eq!(&split_answer, &answer);
        }
        Ok(())
    });
}

#[test]
fn every_single_cut_means_the_same() {
    check(CASES / 25, damaged(), |(version, stream)| {
        let connack = connack(version).len();
        let (whole, answer) = run(version, &stream, &[connack])?;
        for cut in 0..stream.len() {
            let (split, split_answer) = run(version, &stream, &[connack, cut])?;
            prop_assert_eq!(&split, &whole, "cut at {}", cut);
            if !ended_by_server(&whole) {
                prop_assert_eq!(&split_answer, &answer, "cut at {}", cut);
            }
        }
        Ok(())
    });
}
