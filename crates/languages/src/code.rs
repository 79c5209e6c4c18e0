//! The functions that give English's messages their values.

use std::fmt::Write;

use crate::{Fault, Language, Message};

/// Rust code: one method of `Words` for each message of English, and all their texts, a line for each,
/// as other languages are delivered: so that no method has an address and a length in it.
///
/// # Errors
/// If English contradicts itself.
pub fn functions(english: &Language) -> Result<String, Fault> {
    let mut code = String::from("impl Words {\n");
    for (number, message) in english.messages.iter().enumerate() {
        method(&mut code, number, message);
    }
    code += "}\n";
    let lines = english.packed(english)?.join("\n");
    let version = english.version()?;
    // Writing to a String does not fail.
    let _ = writeln!(code, "static ENGLISH: &str = {lines:?};");
    let _ = writeln!(code, "const VERSION: &str = {version:?};");
    Ok(code)
}

fn method(code: &mut String, number: usize, message: &Message) {
    let name = &message.name;
    let doc = match &message.shape {
        crate::Shape::Text(text) => text.clone(),
        crate::Shape::Plural(forms) => forms.last().map_or(String::new(), |(_, text)| text.clone()),
    };
    let doc = doc.replace(['`', '\n'], " ");
    let _ = writeln!(code, "    /// `{doc}`\n    #[must_use]");
    if message.placeholders.is_empty() {
        let _ = writeln!(
            code,
            "    pub fn {name}(self) -> &'static str {{ self.text({number}) }}"
        );
        return;
    }
    let parameter = |(at, placeholder): (usize, &String)| {
        if at == 0 && message.is_plural() {
            format!(", {placeholder}: u64")
        } else {
            format!(", {placeholder}: &str")
        }
    };
    let parameters: String = message
        .placeholders
        .iter()
        .enumerate()
        .map(parameter)
        .collect();
    let (call, given) = if message.is_plural() {
        ("plural", message.placeholders[1..].join(", "))
    } else {
        ("fill", message.placeholders.join(", "))
    };
    let count = if message.is_plural() { "count, " } else { "" };
    let _ = writeln!(
        code,
        "    pub fn {name}(self{parameters}) -> String {{ self.{call}({number}, {count}&[{given}]) }}"
    );
}
