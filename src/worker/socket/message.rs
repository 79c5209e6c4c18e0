//! Messages between the engine's thread and the socket's. Long buffers are handed over, not copied.

use js_sys::{Array, ArrayBuffer};
use mqdrop_core::SocketClose;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsValue, UnwrapThrowExt};

use super::connection::Offer;
use crate::packed::{self, beside};

/// A command of the engine to the socket.
#[derive(Serialize, Deserialize)]
pub(super) enum Order {
    /// Open a connection in place of the one before.
    Open {
        /// Comes back with all reports about it.
        number: u32,
        url: String,
        offer: Offer,
    },
    /// Send the first `length` bytes of a buffer.
    Send {
        #[serde(with = "beside")]
        buffer: ArrayBuffer,
        length: u32,
    },
    /// So many bytes of what was received are no longer in the engine's way.
    Taken { length: u32 },
    /// Close the connection, if there is one, after what was sent.
    Close,
}

/// A report of the socket's thread.
#[derive(Serialize, Deserialize)]
pub(crate) enum Report {
    /// It takes orders.
    Ready,
    /// A connection is open.
    Open {
        number: u32,
        /// The broker compresses messages.
        compresses: bool,
    },
    /// A message came.
    Message {
        number: u32,
        #[serde(with = "beside")]
        buffer: ArrayBuffer,
    },
    /// The browser took what was sent and has room for more; the buffer comes back.
    Sent {
        number: u32,
        #[serde(with = "beside")]
        buffer: ArrayBuffer,
        length: u32,
    },
    /// A connection ended, or never began.
    Close { number: u32, close: SocketClose },
}

/// A message as it is posted to another thread.
pub(super) trait Posted: Serialize + DeserializeOwned {
    /// The buffer that is handed over with it.
    fn buffer(&self) -> Option<&ArrayBuffer>;

    /// The value to post, and the buffers to hand over with it.
    fn pack(&self) -> (JsValue, Array) {
        let message = packed::pack(self)
            .expect_throw("a message between a worker and its socket's cannot be encoded");
        let buffer = self.buffer().map(|buffer| Array::of1(buffer));
        (message.into(), buffer.unwrap_or_default())
    }

    /// Reads a posted value; `None` if it is no such message.
    fn unpack(message: &JsValue) -> Option<Self> {
        packed::unpack(message).ok()
    }
}

impl Posted for Order {
    fn buffer(&self) -> Option<&ArrayBuffer> {
        match self {
            Self::Send { buffer, .. } => Some(buffer),
            Self::Open { .. } | Self::Taken { .. } | Self::Close => None,
        }
    }
}

impl Posted for Report {
    fn buffer(&self) -> Option<&ArrayBuffer> {
        match self {
            Self::Message { buffer, .. } | Self::Sent { buffer, .. } => Some(buffer),
            Self::Ready | Self::Open { .. } | Self::Close { .. } => None,
        }
    }
}
