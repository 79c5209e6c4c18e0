//! How commands and events travel between app and worker.

use gloo_worker::Codec;
use serde::{Deserialize, Serialize};
use wasm_bindgen::{JsValue, UnwrapThrowExt};

/// Encodes messages as plain JavaScript values, which `postMessage` clones structurally: a `File`
/// or a `Blob` inside crosses as a handle, without its bytes being read.
///
/// Both sides must use it: `spawner().encoding::<BridgeCodec>()` and
/// `registrar().encoding::<BridgeCodec>()`.
#[derive(Debug)]
pub struct BridgeCodec;

impl Codec for BridgeCodec {
    fn encode<I: Serialize>(input: I) -> JsValue {
        serde_wasm_bindgen::to_value(&input)
            .expect_throw("a message between app and worker cannot be encoded")
    }

    // Both sides are of the same build and nobody else can post to a dedicated worker, so a
    // message that does not fit is a defect of this program, not an input.
    fn decode<O: for<'de> Deserialize<'de>>(input: JsValue) -> O {
        serde_wasm_bindgen::from_value(input)
            .expect_throw("a message between app and worker cannot be decoded")
    }
}
