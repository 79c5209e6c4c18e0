//! Topic names and filters (MQTT 5, section 4.7), checked here because the
//! codec takes the empty string and NUL for valid.

/// The longest UTF-8 string or binary datum MQTT can carry, in bytes.
pub(crate) const MAX_STRING: usize = 65_535;

/// Whether `text` may be an MQTT string at all: not too long, without U+0000 (section 1.5.4).
pub(crate) fn is_string(text: &str) -> bool {
    text.len() <= MAX_STRING && !text.contains('\0')
}

/// Whether something may be published to `name`.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && is_string(name) && !name.contains(['+', '#'])
}

/// Whether one may subscribe to `filter`: wildcards fill a whole level, and `#` is the last.
pub(crate) fn is_filter(filter: &str) -> bool {
    if filter.is_empty() || !is_string(filter) {
        return false;
    }
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        let whole = match level {
            "#" => levels.peek().is_none(),
            "+" => true,
            _ => !level.contains(['+', '#']),
        };
        if !whole {
            return false;
        }
    }
    true
}
