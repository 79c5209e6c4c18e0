use super::*;

const CLOSED: Rules = Rules { is_open: false };

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    let mut left = body.len();
    while left >= 128 {
        packet.push((left % 128) as u8 | 0x80);
        left /= 128;
    }
    packet.push(left as u8);
    packet.extend_from_slice(body);
    packet
}

fn field(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    [&length.to_be_bytes(), content].concat()
}

fn connect(level: u8) -> Vec<u8> {
    let mut body = [field(b"MQTT"), vec![level, 2, 0, 60]].concat();
    if level == 5 {
        body.push(0);
    }
    body.extend(field(b"id"));
    packet(0x10, &body)
}

fn pass(stream: &[u8], size: usize) -> Result<(u32, Vec<Found>), Violation> {
    let mut inspector = Inspector::new(CLOSED);
    let mut packets = 0;
    for part in stream.chunks(size) {
        packets += inspector.pass(part)?;
    }
    assert_eq!(inspector.passed(), 0, "nothing is unfinished");
    Ok((packets, inspector.take_found()))
}

#[test]
fn packets_are_understood_however_the_stream_is_cut() {
    let publish = [field(b"a/b"), vec![0, 9], vec![2, 1, 1], vec![7; 300]].concat();
    let subscribe = [vec![0, 1, 0], field(b"x"), vec![1], field(b"y"), vec![4]].concat();
    let stream = [
        connect(5),
        vec![0xC0, 0],
        packet(0x33, &publish),
        packet(0x82, &subscribe),
        packet(0x40, &[1, 2]),
        packet(0x50, &[1, 5]),
        packet(0x50, &[1, 4, 0x97, 0]),
        packet(0x62, &[1, 3]),
        packet(0x30, &[field(b"t"), vec![0]].concat()),
        vec![0xE0, 0],
    ]
    .concat();
    let published = Published {
        qos: 1,
        is_retained: true,
        packet_id: Some(9),
        payload: 300,
        properties: vec![2, 1, 1],
    };
    let empty = Published {
        qos: 0,
        is_retained: false,
        packet_id: None,
        payload: 0,
        properties: vec![0],
    };
    for size in [1, 2, 3, 7, stream.len()] {
        let (packets, found) = pass(&stream, size).unwrap();
        assert_eq!(
            packets, 11,
            "in pieces of {size}: one more for the second filter"
        );
        assert_eq!(
            found,
            [
                Found::Publish(published.clone()),
                Found::Subscribe(vec![("x".to_owned(), 1), ("y".to_owned(), 4)]),
                Found::Acknowledged(0x0102),
                Found::Acknowledged(0x0104),
                Found::Released(0x0103),
                Found::Publish(empty.clone()),
            ],
            "in pieces of {size}"
        );
    }
}

#[test]
fn what_would_grow_is_refused_by_its_first_bytes() {
    let properties = |count: usize| {
        let content = [0x26, 0, 0, 0, 0].repeat(count);
        packet(0, &content)[1..].to_vec()
    };
    let publish = |first, head: &[u8], length| {
        let whole = packet(first, &[head, &vec![0; length]].concat());
        whole[..whole.len() - length].to_vec()
    };
    let topic = field(b"t");
    for (level, bytes) in [
        (
            5,
            publish(0x30, &[topic.clone(), properties(300)].concat(), 0),
        ),
        (5, publish(0x30, &field(&[b'x'; 300])[..2], 400)),
        (
            4,
            publish(0x32, &[topic.clone(), vec![0, 1]].concat(), 1024 * 1024 + 1),
        ),
        (4, publish(0x34, &topic[..1], 10)),
        (5, packet(0x82, &vec![0; 20_000])[..4].to_vec()),
        (
            5,
            packet(
                0x82,
                &[vec![0, 1], properties(300), field(b"x"), vec![0]].concat(),
            ),
        ),
        (5, packet(0xA2, &[vec![0, 1], properties(300)].concat())),
        (5, packet(0x40, &[vec![0, 1, 0], properties(300)].concat())),
        (5, packet(0x62, &[vec![0, 1, 0], properties(300)].concat())),
        (5, packet(0xE0, &[vec![0], properties(300)].concat())),
        (5, packet(0xF0, &[vec![0], properties(300)].concat())),
    ] {
        let stream = [connect(level), bytes].concat();
        for size in [1, stream.len()] {
            assert!(pass(&stream, size).is_err(), "{:?}", &stream[..20]);
        }
    }
    let long = |id: usize, count: usize| {
        let body = [
            field(b"MQTT"),
            vec![5, 2, 0, 60],
            properties(count),
            field(&vec![b'i'; id]),
        ];
        packet(0x10, &body.concat())
    };
    assert!(pass(&long(256, 200), 1).is_ok());
    assert!(pass(&long(257, 0), 1).is_err());
    assert!(pass(&long(5, 300), 1).is_err());
    assert!(pass(&packet(0x10, &vec![0; 16 * 1024 + 1])[..4], 1).is_err());
    assert!(pass(&[0xC0, 0], 1).is_err(), "nothing comes before CONNECT");
}

#[test]
fn rubbish_is_left_to_the_broker() {
    for rubbish in [&[0x10, 0][..], &[0x10, 2, 0xFF, 0xFF], &[0x10, 1, 0]] {
        let mut inspector = Inspector::new(CLOSED);
        assert!(inspector.pass(rubbish).is_ok());
    }
    let mut inspector = Inspector::new(CLOSED);
    inspector.pass(&connect(5)).unwrap();
    for body in [&[][..], &[0, 1], &[0, 9, 1], &[0xFF, 0xFF, 0xFF]] {
        for first in [0x82, 0x40, 0x50, 0x31, 0xA2, 0xE0, 0xF0, 0x33] {
            // It may be refused, but never runs over.
            let _ = inspector.pass(&packet(first, body));
        }
    }
    let mut inspector = Inspector::new(CLOSED);
    let _ = inspector.pass(&[0xFF; 4096]);
}
