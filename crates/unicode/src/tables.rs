//! The mappings of Rust's own tables.

use unicode_normalization::UnicodeNormalization;

pub(crate) fn lower_case(text: &str) -> String {
    text.to_lowercase()
}

pub(crate) fn upper_case(text: &str) -> String {
    text.to_uppercase()
}

pub(crate) fn nfkc(text: &str) -> String {
    text.nfkc().collect()
}

pub(crate) fn nfc(text: &str) -> String {
    text.nfc().collect()
}
