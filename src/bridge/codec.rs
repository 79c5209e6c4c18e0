//! How commands and events travel between app and worker.

use gloo_worker::Codec;
use serde::{Deserialize, Serialize};
use wasm_bindgen::{JsValue, UnwrapThrowExt};

use crate::packed;

/// Encodes messages as bytes, with the `File`s and `Blob`s of a message beside them: [`packed`].
///
/// Both sides must use it: `spawner().encoding::<BridgeCodec>()` and
/// `registrar().encoding::<BridgeCodec>()`.
#[derive(Debug)]
pub struct BridgeCodec;

impl Codec for BridgeCodec {
    fn encode<I: Serialize>(input: I) -> JsValue {
        packed::pack(&input)
            .expect_throw("a message between app and worker cannot be encoded")
            .into()
    }

    // Both sides are of the same build and nobody else can post to a dedicated worker, so a
    // message that does not fit is a defect of this program, not an input.
    fn decode<O: for<'de> Deserialize<'de>>(input: JsValue) -> O {
        packed::unpack(&input).expect_throw("a message between app and worker cannot be decoded")
    }
}
