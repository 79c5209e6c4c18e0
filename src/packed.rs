//! Messages as threads post them to each other: their bytes, and beside them the JavaScript values in
//! it, which bytes cannot carry.

use std::cell::RefCell;

use js_sys::{Array, Uint8Array};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue};

/// A message that cannot be packed, or is none that was packed by this build.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotPacked;

thread_local! {
    /// The values of the message that is being packed or unpacked.
    static BESIDE: RefCell<Vec<JsValue>> = const { RefCell::new(Vec::new()) };
}

/// A message as `postMessage` takes it: its bytes, and after them the values marked with
/// `#[serde(with = "beside")]`. A `File` or a `Blob` among these crosses as a handle, without its
/// bytes being read.
///
/// # Errors
/// If the message has something that postcard cannot encode, such as a map of unknown length.
pub(crate) fn pack(message: &impl Serialize) -> Result<Array, NotPacked> {
    BESIDE.take();
    let bytes = postcard::to_allocvec(message).map_err(|_| NotPacked)?;
    let packed = Array::of1(&Uint8Array::from(bytes.as_slice()));
    for value in BESIDE.take() {
        packed.push(&value);
    }
    Ok(packed)
}

/// The message in what [`pack`] made and `postMessage` cloned.
///
/// # Errors
/// If it is something else.
pub(crate) fn unpack<T: DeserializeOwned>(packed: &JsValue) -> Result<T, NotPacked> {
    let packed: &Array = packed.dyn_ref().ok_or(NotPacked)?;
    let mut values = packed.iter();
    let bytes: Option<Uint8Array> = values.next().and_then(|bytes| bytes.dyn_into().ok());
    let bytes = bytes.ok_or(NotPacked)?;
    BESIDE.set(values.collect());
    let message = postcard::from_bytes(&bytes.to_vec());
    BESIDE.take();
    message.map_err(|_| NotPacked)
}

/// For `#[serde(with = "beside")]`: JavaScript values that go beside a message's bytes, which have
/// their number.
pub(crate) mod beside {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use wasm_bindgen::{JsCast, JsValue};

    use super::BESIDE;

    pub(crate) fn serialize<T: AsRef<JsValue>, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let number = BESIDE.with_borrow_mut(|values| {
            values.push(value.as_ref().clone());
            values.len() - 1
        });
        serializer.serialize_u32(number as u32)
    }

    pub(crate) fn deserialize<'de, T: JsCast, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        let number = u32::deserialize(deserializer)?;
        BESIDE
            .with_borrow(|values| values.get(number as usize).cloned())
            .and_then(|value| value.dyn_into().ok())
            .ok_or_else(|| D::Error::custom("a value beside the message is missing"))
    }
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use js_sys::Object;
    use serde::Deserialize;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Message {
        Nothing,
        Numbers {
            small: u32,
            large: u64,
            fraction: f64,
            missing: Option<u64>,
        },
        Values {
            text: String,
            #[serde(with = "beside")]
            first: JsValue,
            #[serde(with = "beside")]
            second: Array,
        },
    }

    #[wasm_bindgen_test]
    fn messages_come_out_as_they_went_in() {
        for message in [
            Message::Nothing,
            Message::Numbers {
                small: 7,
                large: u64::MAX,
                fraction: 0.1,
                missing: None,
            },
            Message::Values {
                text: "ü\0".to_owned(),
                first: Object::new().into(),
                second: Array::of1(&"x".into()),
            },
        ] {
            let packed = pack(&message).unwrap();
            assert_eq!(unpack(&packed), Ok(message));
        }
    }

    #[wasm_bindgen_test]
    fn what_was_not_packed_is_refused() {
        let value = |second: &JsValue| Message::Values {
            text: "text".to_owned(),
            first: JsValue::NULL,
            second: second.clone().unchecked_into(),
        };
        let whole = pack(&value(&Array::new())).unwrap();
        let without_values = Array::of1(&whole.get(0));
        let of_another_kind = pack(&value(&JsValue::from(7))).unwrap();
        let short = Array::of1(&Uint8Array::from(&[1][..]));
        for other in [
            JsValue::UNDEFINED,
            "text".into(),
            Array::new().into(),
            Array::of1(&"text".into()).into(),
            without_values.into(),
            of_another_kind.into(),
            short.into(),
        ] {
            assert_eq!(unpack::<Message>(&other), Err(NotPacked), "{other:?}");
        }
    }
}
