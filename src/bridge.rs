//! The typed commands and events between the app and its worker.

use js_sys::Array;
use mqdrop_client::lesson::Learnt;
use mqdrop_core::AutoAccept;
use mqdrop_core::keys::KeyError;
use mqdrop_core::view::{FileView, KeptView, PeerView, PersonView, StatusView, TransferView};
use mqdrop_core::{JoinError, Notice, OfferError};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;

use crate::packed::beside;

mod codec;

/// The most files that are taken at once; more are refused before the page runs out of memory.
pub const MAX_FILES: usize = 100_000;

/// How deep folders may be nested; a link into itself would have no end.
pub const MAX_DEPTH: usize = 64;

pub use codec::BridgeCodec;

/// Whom something is sent to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum To {
    /// Everyone in the room, and everyone who comes later.
    Room,
    /// Those who are in the room now, or everyone if nobody is.
    Present,
    /// The persons with these ids alone.
    Persons(Vec<String>),
}

/// A command of the app to the worker.
#[derive(Serialize, Deserialize)]
pub enum Command {
    /// The first command: find out where to store.
    Start {
        /// The folder that [`Storage::Opfs`] named to this tab before its page was loaded again.
        folder: Option<String>,
    },
    /// Enter a room; leaves the one before.
    Join(JoinRequest),
    /// Leave the room. What is under way is kept for when it is entered again.
    Leave,
    /// Some more of the files that the user chose at a time. Many files are handed over in parts, as
    /// the page does nothing else meanwhile.
    Chosen {
        /// Which choice; another one may be handed over at the same time.
        choice: u32,
        /// In the user's order.
        files: Vec<PickedFile>,
    },
    /// The rest of a choice does not come.
    ForgetChoice {
        /// Which choice.
        choice: u32,
    },
    /// Send the files of a choice, all of which were handed over.
    SendFiles {
        /// Which choice.
        choice: u32,
        /// Where they are: the browser's `FileSystemHandle`s of files and folders, or none.
        #[serde(with = "beside")]
        handles: Array,
        /// Whom they are for.
        to: To,
    },
    /// Go on with a parcel that was being sent before a restart: these are its files again, in any
    /// order.
    ChooseAgain {
        /// The parcel's id.
        parcel: String,
        /// Which choice, all of which was handed over.
        choice: u32,
    },
    /// Find the handles that a parcel's files were opened with. Answered by [`Event::Handles`], if they were kept.
    FindHandles {
        /// The parcel's id.
        parcel: String,
    },
    /// Go on with a parcel that was being sent before a restart: its files may be read again.
    Reopen {
        /// The parcel's id.
        parcel: String,
    },
    /// Send a text.
    SendText {
        /// The text.
        text: String,
        /// Whom it is for.
        to: To,
    },
    /// Something the user wants of one transfer.
    Transfer {
        /// The parcel's id.
        parcel: String,
        /// The act.
        action: TransferAction,
    },
    /// Hear nothing more of a person and give it nothing, or do so again.
    Mute {
        /// The person's id.
        person: String,
        /// Whether it is muted from now on.
        muted: bool,
    },
    /// The user compared a person's words, or takes that back.
    Verify {
        /// The person's id.
        person: String,
        /// Whether they were right.
        verified: bool,
    },
    /// Do not wait any more for a receiver that is away.
    ForgetReceiver {
        /// The parcel's id.
        parcel: String,
        /// The receiver's device id.
        receiver: String,
    },
    /// Accept these offers from now on, and ask for the others each time.
    AutoAccept(AutoAccept),
    /// Free what storage keeps of other rooms.
    DiscardKept,
    /// The page became visible or the network came back: look at the connection now.
    Wake,
    /// The page is being left, and may come back: say goodbye and hang up.
    Goodbye,
    /// Answered by [`Event::Report`].
    Report,
}

/// An act of a user on a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransferAction {
    /// Take an offer.
    Accept,
    /// Do not take an offer.
    Decline,
    /// Stop for now.
    Pause,
    /// Go on.
    Resume,
    /// End it on both sides.
    Cancel,
    /// Take an ended transfer off the list and free its storage.
    Remove,
}

/// How to enter a room.
#[derive(Clone, Serialize, Deserialize)]
pub struct JoinRequest {
    /// The key as it was typed.
    pub key: String,
    /// The name that others see.
    pub name: String,
    /// A `ws://` or `wss://` URL.
    pub broker: String,
    /// Topic prefix, or empty for the usual one.
    pub prefix: String,
    /// User name for the broker, or empty.
    pub username: String,
    /// Password for the broker, or empty.
    pub password: String,
    /// Protocol version.
    pub protocol: Protocol,
    /// The offers that are accepted without asking.
    pub auto_accept: AutoAccept,
    /// The lessons about this broker of earlier.
    pub learnt: Learnt,
    /// The device that this tab was before its page was loaded anew, or empty.
    pub former: String,
    /// The public key of the person whose link led here, or empty.
    pub invited_by: String,
}

/// The protocol version to speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protocol {
    /// Find out.
    #[default]
    Auto,
    /// MQTT 5 only.
    V5,
    /// MQTT 3.1.1 only.
    V311,
}

/// A file the user picked or dropped.
#[derive(Debug, Serialize, Deserialize)]
pub struct PickedFile {
    /// The browser's `File`.
    #[serde(with = "beside")]
    pub file: JsValue,
    /// Relative path with `/` between folders; the file's name if it came alone.
    pub path: String,
}

/// A report of the worker to the app.
#[derive(Debug, Serialize, Deserialize)]
pub enum Event {
    /// The worker runs; what this browser gives it.
    Ready(Storage),
    /// The connection.
    Status(StatusView),
    /// The room is being entered.
    Joined {
        /// The id of this device.
        device: String,
        /// The public key of the profile's person in this room, in lower-case base32.
        key: String,
    },
    /// Everyone else in the room.
    Peers(Vec<PeerView>),
    /// Everyone who is in the room or was, as far as this profile knows.
    People(Vec<PersonView>),
    /// A transfer is new or changed.
    Transfer(TransferView),
    /// A transfer is off the list.
    Removed {
        /// The parcel's id.
        parcel: String,
    },
    /// Some of a parcel's files, once known, and again when their hashes are.
    Files {
        /// The parcel's id.
        parcel: String,
        /// The place of the first of them, 0 for the parcel's first file.
        first: usize,
        /// In the parcel's order.
        files: Vec<FileView>,
    },
    /// A received parcel is whole and verified. Comes before the transfer's state becomes done.
    Content {
        /// The parcel's id.
        parcel: String,
        /// The whole content as one `Blob`: its files one after the other, see `FileView::offset`.
        #[serde(with = "beside")]
        blob: JsValue,
    },
    /// A text was received, or sent, whole.
    Text {
        /// The parcel's id.
        parcel: String,
        /// The text.
        text: String,
    },
    /// The handles that the files of a parcel were opened with before a restart.
    Handles {
        /// The parcel's id.
        parcel: String,
        /// `FileSystemHandle`s, at least one, which the page has to ask permission for.
        #[serde(with = "beside")]
        handles: Array,
    },
    /// Something about this broker to remember for the next time.
    Learnt(Learnt),
    /// Parcels of other rooms that storage keeps.
    Kept(KeptView),
    /// Something did not work, or the user should know of it.
    Failed(Failure),
    /// The log, as it goes into a bug report.
    Report(String),
}

/// Something that did not work, or that the user should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// The key cannot be used.
    Key(KeyError),
    /// The room cannot be entered.
    Join(JoinError),
    /// A parcel cannot be sent.
    Offer(OfferError),
    /// A notice about a room.
    Notice(Notice),
    /// Files that may be read again are not where they were.
    FilesGone,
    /// The room that files were chosen for was left before they were sent.
    RoomLeft,
    /// Files cannot be read where they were chosen.
    Unreadable {
        /// The first of them.
        path: String,
        /// The number of the others.
        others: u32,
    },
    /// The browser gives no random numbers.
    NoRandom,
}

/// Where received files are kept until they are saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Storage {
    /// The origin private file system: large files.
    Opfs {
        /// This tab's folder there.
        folder: String,
        /// Free bytes, if the browser tells.
        available: Option<u64>,
    },
    /// Blobs handed to the browser; gone after a reload.
    Blob {
        /// Whether the page is in a secure context: if not, that is the reason why there is no OPFS.
        secure_context: bool,
    },
}
