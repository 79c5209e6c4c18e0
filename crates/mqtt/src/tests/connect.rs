//! CONNECT, CONNACK, the choice of the version, and the ends of a connection.

use core::time::Duration;

use bytes::Bytes;
use mqtt_protocol_core::mqtt::packet::{
    AssignedClientIdentifier, MaximumPacketSize, MaximumQos, Property, ReasonString,
    ReceiveMaximum, RetainAvailable, ServerKeepAlive,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::client::{Client, connack, options};
use super::oracle::{self, Connect, Sent};
use crate::{
    Disconnect, Limits, Login, QoS, ReasonCode, RequestError, Session, Time, Timer, Unfit, Version,
    VersionPolicy, Will,
};

fn connect(sent: Sent) -> Connect {
    match sent {
        Sent::Connect(connect) => *connect,
        other => panic!("expected CONNECT, got {other:?}"),
    }
}

#[test]
fn connect_says_what_the_options_say() {
    let mut options = options(VersionPolicy::Auto);
    options.login = Some(Login {
        username: "me".to_owned(),
        password: "secret".to_owned(),
    });
    options.will = Some(Will {
        topic: "rooms/1".to_owned(),
        payload: Bytes::from_static(b"gone"),
        qos: QoS::AtLeastOnce,
        delay: Duration::from_secs(7),
    });
    let sent = connect(Client::new(options.clone()).open());
    assert_eq!(sent.version, Version::V5);
    assert_eq!(sent.client_id, "tester");
    assert!(sent.clean);
    assert_eq!(sent.keep_alive, 30);
    assert_eq!(sent.user_name.as_deref(), Some("me"));
    assert_eq!(sent.password.as_deref(), Some(&b"secret"[..]));
    let will = ("rooms/1".to_owned(), b"gone".to_vec(), 1, false);
    assert_eq!(sent.will, Some(will.clone()));
    let properties = format!("{:?}", sent.properties);
    for property in [
        "SessionExpiryInterval",
        "ReceiveMaximum",
        "MaximumPacketSize",
    ] {
        assert!(properties.contains(property), "{properties}");
    }
    assert!(matches!(
        &sent.will_properties[..],
        [Property::WillDelayInterval(delay)] if delay.val() == 7
    ));

    options.version = VersionPolicy::Only(Version::V311);
    let sent = connect(Client::new(options).open());
    assert_eq!(sent.version, Version::V311);
    assert!(sent.clean);
    assert_eq!(sent.will, Some(will));
    assert_eq!(sent.password.as_deref(), Some(&b"secret"[..]));
}

#[test]
fn a_replaced_will_goes_into_the_next_connect() {
    let mut client = Client::connected(Version::V5);
    client.session.set_will(Some(Will {
        topic: "t".to_owned(),
        payload: Bytes::from_static(b"p"),
        qos: QoS::AtMostOnce,
        delay: Duration::ZERO,
    }));
    client.close();
    let sent = connect(client.open());
    assert_eq!(sent.will, Some(("t".to_owned(), b"p".to_vec(), 0, false)));
    assert!(sent.will_properties.is_empty());
}

#[test]
fn connack_sets_the_limits() {
    let properties = vec![
        Property::ReceiveMaximum(ReceiveMaximum::new(20).unwrap()),
        Property::MaximumPacketSize(MaximumPacketSize::new(20_000).unwrap()),
        Property::MaximumQos(MaximumQos::new(0).unwrap()),
        Property::RetainAvailable(RetainAvailable::new(0).unwrap()),
        Property::ServerKeepAlive(ServerKeepAlive::new(10).unwrap()),
        Property::AssignedClientIdentifier(AssignedClientIdentifier::new("given").unwrap()),
    ];
    let mut client = Client::new(options(VersionPolicy::Auto));
    client.open();
    assert!(!client.session.is_connected());
    assert_eq!(
        client.session.poll_timeout().map(|timer| timer.1),
        Some(Timer::Connack)
    );
    client.receive(&oracle::connack_v5(false, 0, properties));
    let limits = Limits {
        receive_maximum: 20,
        max_packet_size: Some(20_000),
        max_qos: QoS::AtMostOnce,
        keep_alive: Duration::from_secs(10),
        retain_available: false,
    };
    assert_eq!(
        client.connected_event(),
        (false, Version::V5, limits.clone())
    );
    assert_eq!(client.session.limits(), Some(&limits));
    assert!(client.session.is_connected());

    // QoS 1 and retain are more than this server takes.
    let ticket = client
        .session
        .publish("a", b"b", QoS::AtLeastOnce, true, client.now);
    assert_eq!(ticket, Ok(None));
    let sent = client.sent();
    assert!(
        matches!(
            &sent[..],
            [Sent::Publish {
                id: None,
                retain: false,
                ..
            }]
        ),
        "{sent:?}"
    );

    client.close();
    assert_eq!(client.ended(), Disconnect::TransportClosed);
    assert_eq!(connect(client.open()).client_id, "given");
}

#[test]
fn without_properties_the_protocols_limits_stand() {
    for version in [Version::V5, Version::V311] {
        let mut client = Client::new(options(VersionPolicy::Only(version)));
        client.open();
        client.receive(&connack(version));
        let limits = Limits {
            receive_maximum: u16::MAX,
            max_packet_size: None,
            max_qos: QoS::AtLeastOnce,
            keep_alive: Duration::from_secs(30),
            retain_available: true,
        };
        assert_eq!(client.connected_event(), (false, version, limits));
        assert_eq!(client.session.version(), Some(version));
    }
}

#[test]
fn auto_tries_the_other_version_after_an_early_close_and_stays_with_what_worked() {
    let mut client = Client::new(options(VersionPolicy::Auto));
    for version in [Version::V5, Version::V311, Version::V5, Version::V311] {
        assert_eq!(connect(client.open()).version, version);
        if version == Version::V311 && client.now > Time::from_millis(3_000) {
            client.receive(&connack(version));
            client.connected_event();
        }
        client.close();
        client.ended();
        client.advance(Duration::from_secs(1));
    }
    for _ in 0..3 {
        assert_eq!(connect(client.open()).version, Version::V311);
        client.close();
        assert_eq!(client.ended(), Disconnect::ClosedBeforeConnack);
    }
    assert_eq!(client.session.version(), Some(Version::V311));
}

#[test]
fn auto_tries_3_1_1_after_a_refusal_in_either_form() {
    let unsupported = Disconnect::Refused {
        reason: ReasonCode::UNSUPPORTED_PROTOCOL_VERSION,
        text: None,
    };
    for refusal in [
        oracle::connack_v5(false, 0x84, Vec::new()),
        oracle::connack_v311(false, 1),
        vec![0x20, 0x02, 0x00, 0x84],
    ] {
        let mut client = Client::new(options(VersionPolicy::Auto));
        client.open();
        client.receive(&refusal);
        assert_eq!(client.ended(), unsupported);
        client.close();
        assert_eq!(client.events(), []);
        assert_eq!(connect(client.open()).version, Version::V311);
        client.receive(&connack(Version::V311));
        assert_eq!(client.connected_event().1, Version::V311);
    }
}

#[test]
fn a_3_1_1_connack_that_accepts_mqtt_5_leads_to_3_1_1() {
    let mut client = Client::new(options(VersionPolicy::Auto));
    client.open();
    client.receive(&oracle::connack_v311(false, 0));
    assert!(matches!(client.ended(), Disconnect::Protocol(_)));
    assert_eq!(connect(client.open()).version, Version::V311);
}

#[test]
fn silence_and_reasons_that_explain_nothing_lead_to_the_other_version() {
    let mut client = Client::new(options(VersionPolicy::Auto));
    client.open();
    assert_eq!(client.wake(), Timer::Connack);
    assert_eq!(client.ended(), Disconnect::ConnackTimeout);
    client.close();
    assert_eq!(connect(client.open()).version, Version::V311);
    for code in 0x80..=0x83 {
        let mut client = Client::new(options(VersionPolicy::Auto));
        client.open();
        client.receive(&oracle::connack_v5(false, code, Vec::new()));
        client.ended();
        assert_eq!(connect(client.open()).version, Version::V311);
    }
}

#[test]
fn other_failures_and_policies_keep_the_version() {
    // A wrong password says nothing about the version.
    let mut client = Client::new(options(VersionPolicy::Auto));
    client.open();
    client.receive(&oracle::connack_v5(false, 0x86, Vec::new()));
    client.ended();
    assert_eq!(connect(client.open()).version, Version::V5);

    let mut client = Client::new(options(VersionPolicy::Only(Version::V5)));
    client.open();
    client.close();
    client.ended();
    assert_eq!(connect(client.open()).version, Version::V5);

    let mut client = Client::new(options(VersionPolicy::Prefer311));
    assert_eq!(connect(client.open()).version, Version::V311);
    client.receive(&oracle::connack_v311(false, 1));
    client.ended();
    assert_eq!(connect(client.open()).version, Version::V5);
}

#[test]
fn a_refusal_carries_the_servers_reason_and_words() {
    let mut client = Client::new(options(VersionPolicy::Auto));
    client.open();
    let words = "ü".repeat(1_500);
    let text = Property::ReasonString(ReasonString::new(words.as_str()).unwrap());
    client.receive(&oracle::connack_v5(false, 0x87, vec![text]));
    let reason = client.ended();
    let expected = Disconnect::Refused {
        reason: ReasonCode::NOT_AUTHORIZED,
        text: Some("ü".repeat(1_024)),
    };
    assert_eq!(reason, expected);
    assert_eq!(
        reason.to_string(),
        "the broker refused the connection: reason code 0x87"
    );
    assert_eq!(client.sent(), []);
}

#[test]
fn return_codes_of_3_1_1_have_their_mqtt_5_meaning() {
    for (code, reason) in [(1, 0x84), (2, 0x85), (3, 0x88), (4, 0x86), (5, 0x87)] {
        let mut client = Client::new(options(VersionPolicy::Only(Version::V311)));
        client.open();
        client.receive(&oracle::connack_v311(false, code));
        let reason = ReasonCode(reason);
        assert_eq!(client.ended(), Disconnect::Refused { reason, text: None });
    }
}

#[test]
fn a_reason_code_from_another_packets_table_is_understood() {
    let mut client = Client::new(options(VersionPolicy::Auto));
    client.open();
    // "Server shutting down" is not in CONNACK's table, but says something.
    client.receive(&[0x20, 0x03, 0x00, 0x8B, 0x00]);
    let reason = ReasonCode(0x8B);
    assert_eq!(client.ended(), Disconnect::Refused { reason, text: None });
}

#[test]
fn options_that_mqtt_cannot_carry_are_reported() {
    let long = "x".repeat(65_536);
    let login = |username: &str, password: &str| {
        Some(Login {
            username: username.to_owned(),
            password: password.to_owned(),
        })
    };
    let will = |topic: &str, len: usize| {
        Some(Will {
            topic: topic.to_owned(),
            payload: vec![0; len].into(),
            qos: QoS::AtMostOnce,
            delay: Duration::ZERO,
        })
    };
    let valid = options(VersionPolicy::Only(Version::V311));
    let mut wrong = vec![valid.clone(); 7];
    wrong[0].client_id.clone_from(&long);
    wrong[1].login = login(&long, "");
    wrong[2].login = login("me", &long);
    wrong[3].login = login("", "password only");
    wrong[4].will = will("with/+", 1);
    wrong[5].will = will("", 1);
    wrong[6].will = will("a", 65_536);
    let unfit = [
        Unfit::ClientId,
        Unfit::Username,
        Unfit::Password,
        Unfit::PasswordAlone,
        Unfit::WillTopic,
        Unfit::WillTopic,
        Unfit::WillPayload,
    ];
    for (options, unfit) in wrong.into_iter().zip(unfit) {
        let mut session = Session::new(options);
        session.handle_connected(Time::ZERO);
        assert_eq!(session.poll_transmit(), None);
        let mut client = Client::new(valid.clone());
        client.session = session;
        assert_eq!(client.ended(), Disconnect::InvalidOptions(unfit));
    }
}

#[test]
fn debug_output_hides_the_password() {
    let mut options = options(VersionPolicy::Auto);
    options.login = Some(Login {
        username: "me".to_owned(),
        password: "hunter2".to_owned(),
    });
    let mut client = Client::new(options.clone());
    client.session.handle_connected(client.now);
    for text in [format!("{options:?}"), format!("{:?}", client.session)] {
        assert!(!text.contains("hunter2"), "{text}");
        assert!(!text.contains("104, 117, 110"), "{text}");
    }
}

#[test]
fn the_client_disconnects_in_good_order() {
    let mut client = Client::connected(Version::V5);
    client.publish("a", b"last words", QoS::AtMostOnce);
    client.session.disconnect(client.now);
    assert_eq!(client.ended(), Disconnect::ByClient);
    let sent = client.sent();
    assert!(matches!(sent[0], Sent::Publish { .. }));
    let session_expiry = Some(0);
    assert_eq!(
        sent[1..],
        [Sent::Disconnect {
            reason: 0,
            session_expiry
        }]
    );
    client.close();
    assert_eq!(client.events(), []);

    // The session on the server was ended, so the next one is new.
    assert!(connect(client.open()).clean);
    client.receive(&connack(Version::V5));
    client.connected_event();
    client.session.disconnect_with_will(client.now);
    assert_eq!(
        client.sent(),
        [Sent::Disconnect {
            reason: 4,
            session_expiry
        }]
    );

    let mut client = Client::connected(Version::V311);
    client.session.disconnect(client.now);
    assert_eq!(client.ended(), Disconnect::ByClient);
    let session_expiry = None;
    assert_eq!(
        client.sent(),
        [Sent::Disconnect {
            reason: 0,
            session_expiry
        }]
    );

    let mut client = Client::connected(Version::V311);
    client.session.disconnect_with_will(client.now);
    assert_eq!(client.ended(), Disconnect::ByClient);
    assert_eq!(client.sent(), []);
}

#[test]
fn disconnecting_before_connect_went_out_sends_nothing() {
    let mut client = Client::new(options(VersionPolicy::Auto));
    client.session.handle_connected(client.now);
    client.session.disconnect(client.now);
    assert_eq!(client.ended(), Disconnect::ByClient);
    assert_eq!(client.sent(), []);
    client.session.disconnect(client.now);
    assert_eq!(client.events(), []);
}

#[test]
fn the_servers_disconnect_is_reported_in_all_its_forms() {
    let text = Property::ReasonString(ReasonString::new("so long").unwrap());
    for (packet, code, words) in [
        (vec![0xE0, 0x00], 0, None),
        (vec![0xE0, 0x01, 0x8B], 0x8B, None),
        (vec![0xE0, 0x01, 0x8C], 0x8C, None),
        (vec![0xE0, 0x02, 0x8E, 0x00], 0x8E, None),
        (
            oracle::disconnect(Some(0x95), Some(vec![text])),
            0x95,
            Some("so long".to_owned()),
        ),
    ] {
        let mut client = Client::connected(Version::V5);
        client.publish("a", b"queued", QoS::AtMostOnce);
        client.receive(&packet);
        let reason = ReasonCode(code);
        assert_eq!(
            client.ended(),
            Disconnect::ByServer {
                reason,
                text: words
            }
        );
        assert_eq!(client.sent(), [], "nothing after the server's DISCONNECT");
    }
}

#[test]
fn nothing_is_sent_or_asked_without_a_connection() {
    let mut client = Client::new(options(VersionPolicy::Auto));
    let now = client.now;
    for _ in 0..2 {
        let session = &mut client.session;
        let published = session.publish("a", b"b", QoS::AtMostOnce, false, now);
        assert_eq!(published, Err(RequestError::NotConnected));
        assert_eq!(
            session.unsubscribe(&["a"], now),
            Err(RequestError::NotConnected)
        );
        session.check(now);
        client.open();
    }
    client.receive(&connack(Version::V5));
    client.close();
    client.close();
    client.events();
    client.receive(&connack(Version::V5));
    client.session.handle_timeout(client.now);
    assert_eq!(client.events(), []);
    assert_eq!(client.sent(), []);
    assert!(client.session.limits().is_none());
}
