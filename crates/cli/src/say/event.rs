//! The events of `--json`: one object a line.

use mqdrop_core::keys;
use mqdrop_core::view::{Direction, PersonView, Title, TransferView, Verified};
use serde::{Serialize, Serializer};

use super::clean;
use crate::failure::Failure;
use crate::words;

/// The version of the events. Events and fields may be added to it.
const VERSION: u8 = 1;

/// Something that a script may want to know.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(crate) enum Event {
    /// The room that this device is about to enter.
    Room {
        /// The key.
        key: String,
        /// The link that opens the room in a browser.
        link: Option<String>,
    },
    /// This device is in the room; again after an interruption.
    Online {
        /// "MQTT 5" or "MQTT 3.1.1".
        protocol: Option<String>,
        /// A limit of the broker that makes transfers slower.
        limit: Option<String>,
    },
    /// Another device came or went.
    Person {
        device: String,
        name: String,
        state: &'static str,
    },
    /// Somebody who is in the room, or was.
    #[serde(rename = "person")]
    Known {
        person: String,
        name: String,
        state: &'static str,
        /// When the person was heard of last, in ms since 1970.
        seen: u64,
        /// Another person of this name was known first.
        namesake: bool,
        verified: bool,
        muted: bool,
        /// The person is known by the word of others in the room alone.
        told: bool,
        /// The eight words by which the person's key is compared.
        words: String,
    },
    /// What is sent goes to this person.
    To {
        person: String,
        name: String,
        /// The eight words by which the person's key is compared.
        words: String,
        /// Another person of this name was known first.
        namesake: bool,
        verified: bool,
        /// The person is known by the word of others in the room alone.
        told: bool,
    },
    /// A parcel is offered, by this device or to it.
    Offer {
        parcel: String,
        direction: &'static str,
        kind: &'static str,
        /// As offers carry it, in every language.
        #[serde(serialize_with = "as_text")]
        title: Title,
        files: u32,
        bytes: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        sender: Option<String>,
        /// The ids of the persons whom it is for, if it is not for everyone.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        to: Vec<String>,
        /// The sender, or whom it is for, as people are told.
        #[serde(skip)]
        other: String,
    },
    /// A parcel moves, or stands still.
    Progress {
        parcel: String,
        state: &'static str,
        bytes: u64,
        total: u64,
        /// Bytes a second.
        rate: f64,
        /// Seconds left.
        eta: Option<f64>,
    },
    /// A receiver has the parcel, whole and verified.
    Receipt {
        parcel: String,
        device: String,
        name: String,
    },
    /// A file was received and is in its place.
    Saved {
        parcel: String,
        path: String,
        bytes: u64,
        blake3: Option<String>,
    },
    /// A text was received.
    Message { parcel: String, text: String },
    /// Something is the matter and does not end the command.
    Warning { text: String },
    /// The command did what it was asked for. The last line.
    Done {},
    /// The command failed. The last line.
    Error {
        /// The exit code.
        code: u8,
        text: String,
    },
}

fn as_text<S: Serializer>(title: &Title, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(title)
}

impl Event {
    /// The offer that a view is of.
    pub(crate) fn offer(view: &TransferView) -> Self {
        Self::Offer {
            parcel: view.parcel.clone(),
            direction: match view.direction {
                Direction::In => "in",
                Direction::Out => "out",
            },
            kind: match view.kind {
                mqdrop_core::view::ParcelKind::Files => "files",
                mqdrop_core::view::ParcelKind::Text => "text",
            },
            title: view.title.clone(),
            files: view.files,
            bytes: view.total,
            sender: (view.direction == Direction::In).then(|| view.from.name.clone()),
            to: view.to.iter().map(|person| person.person.clone()).collect(),
            other: match view.direction {
                Direction::In => words().sender(view),
                Direction::Out if view.to.is_empty() => words().terminal_everyone().into(),
                Direction::Out => words().names(&view.to),
            },
        }
    }

    /// Somebody who is in the room, or was.
    pub(crate) fn known(person: &PersonView) -> Self {
        Self::Known {
            person: person.person.clone(),
            name: person.name.clone(),
            state: match person.is_here {
                _ if person.is_me => "you",
                true => "here",
                false => "away",
            },
            seen: person.seen,
            namesake: person.is_namesake,
            verified: person.verified != Verified::No,
            muted: person.muted,
            told: person.is_told,
            words: keys::fingerprint(&person.key).unwrap_or_default(),
        }
    }

    /// What is sent goes to this person.
    pub(crate) fn to(person: &PersonView) -> Self {
        Self::To {
            person: person.person.clone(),
            name: person.name.clone(),
            words: keys::fingerprint(&person.key).unwrap_or_default(),
            namesake: person.is_namesake,
            verified: person.verified != Verified::No,
            told: person.is_told,
        }
    }

    /// How far the transfer of a view is.
    pub(crate) fn progress(view: &TransferView) -> Self {
        Self::Progress {
            parcel: view.parcel.clone(),
            state: view.state.name(),
            bytes: view.bytes,
            total: view.total,
            rate: view.rate,
            eta: view.eta,
        }
    }

    /// The end of a command.
    pub(crate) fn end(outcome: &Result<(), Failure>) -> Self {
        match outcome {
            Ok(()) => Self::Done {},
            Err(failure) => Self::Error {
                code: failure.code(),
                text: failure.to_string(),
            },
        }
    }

    /// The event as a line of JSON, without its end.
    pub(crate) fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Line<'a> {
            v: u8,
            #[serde(flatten)]
            event: &'a Event,
        }
        // Fails only for maps whose keys are no texts.
        let json = serde_json::to_string(&Line {
            v: VERSION,
            event: self,
        });
        clean::json(&json.unwrap_or_default())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use mqdrop_core::view::{ParcelKind, PersonName, TransferState};

    use super::*;

    /// The title of a parcel of this file and of more.
    pub(crate) fn named(name: &str, more: u32) -> Title {
        Title {
            name: name.into(),
            more,
        }
    }

    /// A transfer of one file.
    pub(crate) fn view(direction: Direction, state: TransferState) -> TransferView {
        TransferView {
            parcel: "aaaaaaaaaaaaaaaa".into(),
            room: mqdrop_core::RoomId::default(),
            direction,
            kind: ParcelKind::Files,
            title: named("a.txt", 0),
            state,
            bytes: 5,
            total: 10,
            files: 1,
            paused_here: false,
            rate: 0.0,
            eta: None,
            cause: None,
            offline: false,
            left_out: 0,
            from: PersonName {
                person: String::new(),
                name: "Ann".into(),
                is_namesake: false,
                verified: Verified::No,
            },
            to: Vec::new(),
            time: 0,
            lacks_files: false,
            receivers: Vec::new(),
        }
    }

    #[test]
    fn events_are_lines_with_version_and_name() {
        for (event, line) in [
            (
                Event::offer(&view(Direction::In, TransferState::Offered)),
                r#"{"v":1,"event":"offer","parcel":"aaaaaaaaaaaaaaaa","direction":"in","kind":"files","title":"a.txt","files":1,"bytes":10,"sender":"Ann"}"#,
            ),
            (
                Event::progress(&view(Direction::In, TransferState::Active)),
                r#"{"v":1,"event":"progress","parcel":"aaaaaaaaaaaaaaaa","state":"active","bytes":5,"total":10,"rate":0.0,"eta":null}"#,
            ),
            (Event::end(&Ok(())), r#"{"v":1,"event":"done"}"#),
            (
                Event::end(&Err(Failure::Nobody("nobody came".into()))),
                r#"{"v":1,"event":"error","code":3,"text":"nobody came"}"#,
            ),
            (
                Event::Saved {
                    parcel: "p".into(),
                    path: "a\u{1b}[31m\u{202e}".into(),
                    bytes: 7,
                    blake3: Some("00ff".into()),
                },
                r#"{"v":1,"event":"saved","parcel":"p","path":"a\u001b[31m\u202e","bytes":7,"blake3":"00ff"}"#,
            ),
        ] {
            assert_eq!(event.to_json(), line);
        }
    }

    #[test]
    fn no_text_ends_a_line_early() {
        let event = Event::Message {
            parcel: "p".into(),
            text: "a\nb\u{2028}c\u{85}d".into(),
        };
        let line = event.to_json();
        assert!(!line.contains(['\n', '\u{2028}', '\u{85}']), "{line}");
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["text"], "a\nb\u{2028}c\u{85}d");
    }
}
