//! Received texts: where links are in them.

/// As many links of a text can be followed; a peer chooses how many there are.
const MAX_LINKS: usize = 200;

/// The longest address that can be followed, in bytes.
const MAX_LINK: usize = 2048;

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Words.
    Words(&'a str),
    /// An address that begins with `http://` or `https://`.
    Link(&'a str),
}

/// Cuts a text into words and links; joined, the pieces are the text. Nothing but http and https
/// becomes a link: other schemes run programs or scripts.
#[must_use]
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut words, mut at, mut links) = (0, 0, 0);
    while links < MAX_LINKS
        && let Some(found) = text[at..].find("://")
    {
        let colon = at + found;
        at = colon + "://".len();
        let Some(start) = scheme_start(text, words, colon) else {
            continue;
        };
        let rest = &text[at..];
        let whole = &rest[..rest.find(ends_link).unwrap_or(rest.len())];
        let end = at + without_sentence(whole).len();
        if whole.len() > MAX_LINK || !has_plain_host(&text[at..end]) {
            at += whole.len();
            continue;
        }
        if words < start {
            pieces.push(Piece::Words(&text[words..start]));
        }
        pieces.push(Piece::Link(&text[start..end]));
        (words, at) = (end, end);
        links += 1;
    }
    if words < text.len() {
        pieces.push(Piece::Words(&text[words..]));
    }
    pieces
}

/// The place at which `http` or `https` begins before a colon, if it stands alone there.
fn scheme_start(text: &str, from: usize, colon: usize) -> Option<usize> {
    let before = &text[from..colon];
    let ends_with = |scheme: &str| {
        let start = before.len().checked_sub(scheme.len())?;
        let found = before.get(start..)?;
        (found.eq_ignore_ascii_case(scheme)
            && !before[..start].ends_with(|c: char| c.is_alphanumeric() || "+-._".contains(c)))
        .then_some(from + start)
    };
    ends_with("https").or_else(|| ends_with("http"))
}

/// The part behind `://` of an address, without the punctuation of a sentence around it. A bracket
/// belongs to the sentence if the address does not open it.
fn without_sentence(link: &str) -> &str {
    let mut unopened = BRACKETS.map(|(open, close)| {
        let closing = link.matches(close).count();
        closing.saturating_sub(link.matches(open).count())
    });
    link.trim_end_matches(|c| {
        if let Some(kind) = BRACKETS.iter().position(|(_, close)| *close == c) {
            let belongs = unopened[kind] == 0;
            unopened[kind] = unopened[kind].saturating_sub(1);
            return !belongs;
        }
        ".,;:!?'*_…。،".contains(c)
    })
}

const BRACKETS: [(char, char); 3] = [('(', ')'), ('[', ']'), ('{', '}')];

/// Letters that are in no address: spaces, quotes, and those that only change how others are shown.
fn ends_link(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(
            c,
            '<' | '>' | '"' | '`' | '\\' | '^' | '|'
                | '“' | '”' | '„' | '«' | '»' | '‘' | '’' | '「' | '」' | '）'
                | '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

/// Whether an address names a host and no login before it, which would look like another host.
fn has_plain_host(rest: &str) -> bool {
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    host.starts_with(|c: char| c.is_alphanumeric() || c == '[') && !host.contains('@')
}

/// The letters that a long name keeps at its end, for its extension and what comes before it.
const TAIL: usize = 20;

/// Splits a name of more than `limit` letters into its beginning, what is left out, and its end,
/// which keeps the extension; of a shorter one nothing is left out.
#[must_use]
pub fn middle_out(name: &str, limit: usize) -> [&str; 3] {
    let letters = name.chars().count();
    if letters <= limit || limit <= TAIL {
        return [name, "", ""];
    }
    let place = |letter| {
        let mut places = name.char_indices();
        places.nth(letter).map_or(name.len(), |(place, _)| place)
    };
    let (head, tail) = (place(limit - TAIL), place(letters - TAIL));
    [&name[..head], &name[head..tail], &name[tail..]]
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn links(text: &str) -> Vec<&str> {
        let pieces = pieces(text);
        let whole: String = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Words(text) | Piece::Link(text) => *text,
            })
            .collect();
        assert_eq!(whole, text, "nothing is lost");
        let mut links = Vec::new();
        for piece in pieces {
            if let Piece::Link(link) = piece {
                links.push(link);
            }
        }
        links
    }

    #[test]
    fn addresses_are_found_without_the_sentence_around_them() {
        for (text, found) in [
            ("https://a.example", &["https://a.example"][..]),
            (
                "See http://a.example/x?y=1#z.",
                &["http://a.example/x?y=1#z"],
            ),
            (
                "(https://a.example/b_(c)), then",
                &["https://a.example/b_(c)"],
            ),
            ("“https://a.example/”!", &["https://a.example/"]),
            ("HTTPS://A.example…", &["HTTPS://A.example"]),
            ("http://[::1]:8080/x", &["http://[::1]:8080/x"]),
            (
                "http://a http://b,https://c",
                &["http://a", "http://b,https://c"],
            ),
            (
                "صفحة https://مثال.example/ملف، نعم",
                &["https://مثال.example/ملف"],
            ),
            ("https://a.example\u{202e}gpj.exe", &["https://a.example"]),
            ("https://a.example\nnext", &["https://a.example"]),
        ] {
            assert_eq!(links(text), found, "{text}");
        }
    }

    #[test]
    fn nothing_else_becomes_a_link() {
        for text in [
            "",
            "no link",
            "javascript://alert(1)",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://a.example",
            "xhttp://a.example",
            "web+http://a.example",
            "http://",
            "https:///path",
            "http://.",
            "https://bank.example@evil.example/",
            "://a",
            "ähttp://a",
            &format!("http://{}", "a".repeat(MAX_LINK + 1)),
        ] {
            assert_eq!(links(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_text_of_links_alone_has_an_end() {
        let text = "http://a ".repeat(50_000);
        assert_eq!(links(&text).len(), MAX_LINKS);
        let text = "http".repeat(200_000) + "://" + &")".repeat(100_000);
        assert!(links(&text).is_empty());
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        assert_eq!(middle_out("short.txt", 60), ["short.txt", "", ""]);
        let name = "ä".repeat(100) + " and its ending.tar.gz";
        let [head, cut, tail] = middle_out(&name, 60);
        assert_eq!(head, "ä".repeat(40));
        assert_eq!(tail, "and its ending.tar.gz"[1..].to_owned());
        assert_eq!([head, cut, tail].concat(), name);
    }
}
