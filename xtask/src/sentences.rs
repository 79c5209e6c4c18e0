//! Finds sentences that stand in code. They belong into the files of `crates/words`.

use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use crate::workspace;

/// The code that tells people something. `crates/mqtt` is left out, as it names faults of a broker's packets in
/// the standard's words, and so is `crates/station`: its log is English, and so are its answers to
/// requests by HTTP, while errors are data there.
const FOLDERS: [&str; 5] = [
    "src",
    "crates/core/src",
    "crates/client/src",
    "crates/cli/src",
    "crates/station/src/error.rs",
];

/// Macros whose texts are for developers and logs.
const FOR_DEVELOPERS: [&str; 12] = [
    "assert",
    "assert_eq",
    "assert_ne",
    "debug",
    "debug_assert",
    "debug_assert_eq",
    "error",
    "info",
    "panic",
    "trace",
    "unreachable",
    "warn",
];

/// Methods whose texts are for developers.
const EXPECTING: [&str; 3] = ["custom", "expect", "expect_throw"];

/// Texts that are no sentences of the program's.
const ALLOWED: [&str; 2] = [
    // Faults of a broker's packets, in the standard's words, as in `crates/mqtt`.
    "a WebSocket message of text",
    "a WebSocket message too long to take in",
];

#[test]
fn no_sentence_stands_outside_of_the_files_of_words() {
    let mut found = Vec::new();
    for folder in FOLDERS {
        look_into(&workspace::root().join(folder), &mut found);
    }
    assert!(
        found.is_empty(),
        "sentences belong into crates/words/languages/en.toml or terminal/en.toml:\n{}",
        found.join("\n")
    );
}

fn look_into(path: &Path, found: &mut Vec<String>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            // Tests have their own folders and files.
            let name = path.file_stem().unwrap_or_default();
            if name != "tests" && name != "hostile" && name != "fuzz" {
                look_into(&path, found);
            }
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        let code = fs::read_to_string(path).unwrap();
        let tokens: TokenStream = code.parse().unwrap();
        let mut sentences = Vec::new();
        gather(tokens, &mut sentences);
        let name = path.strip_prefix(workspace::root()).unwrap_or(path);
        let lines = sentences
            .iter()
            .map(|sentence| format!("{}: {sentence}", name.display()));
        found.extend(lines);
    }
}

/// The sentences among these tokens. Comments for documentation are attributes by then.
fn gather(tokens: TokenStream, sentences: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut is_test = false;
    for (at, token) in tokens.iter().enumerate() {
        let before = |back: usize| at.checked_sub(back).and_then(|at| tokens.get(at));
        match token {
            TokenTree::Group(group) if is_attribute(group, before(1), before(2)) => {
                let text = group.to_string();
                is_test |= text.contains("cfg") && text.contains("test") && !text.contains("not");
            }
            // The item that the attribute stands before, or a part of its head.
            TokenTree::Group(group) if is_test => is_test = group.delimiter() != Delimiter::Brace,
            TokenTree::Group(group) if !is_for_developers(before(1), before(2)) => {
                gather(group.stream(), sentences);
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => is_test = false,
            TokenTree::Literal(literal) if !is_test => {
                let text = literal.to_string();
                let is_text = text.starts_with(['"', 'r']) && !is_class(before(1), before(2));
                if is_text && is_sentence(&text) {
                    sentences.push(text);
                }
            }
            _ => {}
        }
    }
}

fn is_attribute(group: &Group, before: Option<&TokenTree>, further: Option<&TokenTree>) -> bool {
    let is = |token: Option<&TokenTree>, letter| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == letter);
    group.delimiter() == Delimiter::Bracket
        && (is(before, '#') || (is(before, '!') && is(further, '#')))
}

/// Tells whether a group holds what is given to a macro or a method of [`FOR_DEVELOPERS`].
fn is_for_developers(before: Option<&TokenTree>, further: Option<&TokenTree>) -> bool {
    match (further, before) {
        (Some(TokenTree::Ident(name)), Some(TokenTree::Punct(punct))) if punct.as_char() == '!' => {
            FOR_DEVELOPERS.iter().any(|each| name == each)
        }
        (_, Some(TokenTree::Ident(name))) => EXPECTING.iter().any(|each| name == each),
        _ => false,
    }
}

/// Tells whether a text is the list of an element's classes.
fn is_class(before: Option<&TokenTree>, further: Option<&TokenTree>) -> bool {
    matches!(before, Some(TokenTree::Punct(punct)) if punct.as_char() == '=')
        && matches!(further, Some(TokenTree::Ident(name)) if name == "class")
}

/// Three words in a row with a space between them. A placeholder is none.
fn is_sentence(text: &str) -> bool {
    if ALLOWED.contains(&text.trim_matches('"')) {
        return false;
    }
    let is_word = |part: &str| {
        if part.contains('{') {
            return false;
        }
        let part = part.trim_matches(|letter: char| !letter.is_alphanumeric());
        part.chars().any(char::is_alphabetic)
            && part
                .chars()
                .all(|letter| letter.is_alphabetic() || "’'-".contains(letter))
    };
    let parts: Vec<&str> = text.split_whitespace().collect();
    parts
        .windows(3)
        .any(|three| three.iter().all(|part| is_word(part)))
}

#[test]
fn sentences_are_told_from_what_is_none() {
    let found = |code: &str| {
        let mut sentences = Vec::new();
        gather(code.parse().unwrap(), &mut sentences);
        sentences.len()
    };
    for (code, sentences) in [
        (r#"fn a() { b("this is one") }"#, 1),
        (r#"fn a() { format!("{b} is also one") }"#, 1),
        (r#"const A: &str = "{a} and {b} more";"#, 0),
        (r#"view! { <a class="one two three">"this is one"</a> }"#, 1),
        (r#"fn a() { panic!("this is for developers") }"#, 0),
        (r#"fn a() { tracing::warn!(b, "this is a log") }"#, 0),
        (r#"fn a() { b.expect("this cannot be") }"#, 0),
        (r#"/// This is a comment."#, 0),
        (r#"#[error("this is for developers")] struct A;"#, 0),
        (
            r#"#[cfg(test)] mod tests { const A: &str = "this is a test"; }"#,
            0,
        ),
        (
            r#"#[cfg(test)] mod tests; const A: &str = "this is one";"#,
            1,
        ),
        (r#"const A: &str = "GET /health HTTP/1.1";"#, 0),
        (r#"const A: &[u8] = b"this is no text";"#, 0),
    ] {
        assert_eq!(found(code), sentences, "{code}");
    }
}
