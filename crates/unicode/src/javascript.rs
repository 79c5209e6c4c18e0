//! The mappings of the JavaScript engine.

use js_sys::JsString;

pub(crate) fn lower_case(text: &str) -> String {
    JsString::from(text).to_lower_case().into()
}

pub(crate) fn upper_case(text: &str) -> String {
    JsString::from(text).to_upper_case().into()
}

pub(crate) fn nfkc(text: &str) -> String {
    JsString::from(text).normalize("NFKC").into()
}

pub(crate) fn nfc(text: &str) -> String {
    JsString::from(text).normalize("NFC").into()
}
