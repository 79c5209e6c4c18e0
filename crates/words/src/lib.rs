//! Every sentence of mqdrop's that a person reads, for page and terminal, by language.
//!
//! The core tells what happened as data; [`Words`] makes sentences of it. Each message of
//! `languages/en.toml` is a method, and so is each of `terminal/en.toml`, but for wasm: a page does not
//! load what it never shows.
//!
//! ```
//! use mqdrop_words::Words;
//!
//! let words = Words::terminal();
//! assert_eq!(words.number_bytes(1), "1 byte");
//! assert_eq!(words.number_bytes(1500), "1,500 bytes");
//! ```

mod error;
mod locale;
mod number;
mod people;
mod reason;
mod room;
#[cfg(not(target_arch = "wasm32"))]
mod terminal;
mod transfer;

use std::sync::OnceLock;

pub use locale::{English, Locale, Plural};
pub use number::percent;

/// The place where sentences are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// The page in a browser.
    Page,
    /// A terminal.
    Terminal,
}

/// One language, at one place.
#[derive(Clone, Copy)]
pub struct Words(&'static Setting);

struct Setting {
    /// One for each message.
    texts: Vec<&'static str>,
    locale: &'static dyn Locale,
    surface: Surface,
}

include!(concat!(env!("OUT_DIR"), "/messages.rs"));

impl Words {
    /// English at a terminal.
    #[must_use]
    pub fn terminal() -> Self {
        static WORDS: OnceLock<Setting> = OnceLock::new();
        Self(WORDS.get_or_init(|| Setting::english(Surface::Terminal)))
    }

    /// English on a page.
    #[must_use]
    pub fn page() -> Self {
        static WORDS: OnceLock<Setting> = OnceLock::new();
        Self(WORDS.get_or_init(|| Setting::english(Surface::Page)))
    }

    /// The same place in another language, whose numbers and plurals `locale` knows. `packed` is the
    /// language's file as it is delivered, one line for each message; `None` if that is of another
    /// version of mqdrop. The text stays in memory for good: a page loads one language.
    #[must_use]
    pub fn in_language(self, packed: String, locale: &'static dyn Locale) -> Option<Self> {
        let (version, lines) = packed.split_once('\n')?;
        if version != VERSION {
            return None;
        }
        let lines: &'static str = Box::leak(lines.to_owned().into_boxed_str());
        let texts: Vec<&'static str> = lines.lines().collect();
        (texts.len() == self.0.texts.len()).then(|| {
            Self(Box::leak(Box::new(Setting {
                texts,
                locale,
                surface: self.surface(),
            })))
        })
    }

    /// The place where these words are shown.
    #[must_use]
    pub fn surface(self) -> Surface {
        self.0.surface
    }

    /// The text of the message with this number.
    fn text(self, number: usize) -> &'static str {
        self.place(number)
    }

    /// The place of that text. Its hundreds of callers would be longer with all of this in them, or with
    /// more than one value to get.
    #[inline(never)]
    fn place(self, number: usize) -> &'static &'static str {
        self.0.texts.get(number).unwrap_or(&"")
    }

    /// The text with its placeholders replaced.
    #[inline(never)]
    fn fill(self, number: usize, given: &[&str]) -> String {
        fill(self.text(number), given)
    }

    /// The text's form for this number, with its placeholders replaced.
    #[inline(never)]
    fn plural(self, number: usize, count: u64, given: &[&str]) -> String {
        let category = self.0.locale.plural(count).name();
        let forms = self.text(number).split('\u{1e}').skip(1);
        let mut forms = forms.filter_map(|form| form.split_once('\u{1f}'));
        let of = |category| move |form: &(&str, &str)| form.0 == category;
        let form = forms
            .clone()
            .find(of(category))
            .or_else(|| forms.find(of("other")));
        let count = self.0.locale.number(count);
        let given: Vec<&str> = std::iter::once(count.as_str())
            .chain(given.iter().copied())
            .collect();
        fill(form.map_or("", |(_, text)| text), &given)
    }
}

impl Setting {
    fn english(surface: Surface) -> Self {
        Self {
            texts: ENGLISH.lines().collect(),
            locale: &English,
            surface,
        }
    }
}

/// Replaces `{0}`, `{1}` and so on. What is put in is not looked at again.
fn fill(text: &str, given: &[&str]) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{')
        && let Some((number, after)) = after.split_once('}')
    {
        filled.push_str(before);
        let at: Option<usize> = number.parse().ok();
        filled.push_str(at.and_then(|at| given.get(at)).copied().unwrap_or_default());
        rest = after;
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn placeholders_are_replaced_once() {
        assert_eq!(fill("a {1} b {0} c", &["x", "{0}"]), "a {0} b x c");
        assert_eq!(fill("nothing", &[]), "nothing");
        assert_eq!(fill("{7} { 1", &["x"]), " { 1");
    }

    #[test]
    fn a_page_has_no_message_of_terminals() {
        let messages = include_str!(concat!(env!("OUT_DIR"), "/messages.rs"));
        let has_them = messages.contains("MQDROP_KEY");
        assert_eq!(has_them, cfg!(not(target_arch = "wasm32")));
    }

    /// A language that writes numbers as others do, and has a plural of its own for two.
    struct Pairs;

    impl Locale for Pairs {
        fn plural(&self, count: u64) -> Plural {
            if count == 2 {
                Plural::Two
            } else {
                Plural::Other
            }
        }

        fn number(&self, number: u64) -> String {
            English.number(number).replace(',', ".")
        }

        fn tenths(&self, tenths: u64) -> String {
            format!("{},{}", tenths / 10, tenths % 10)
        }
    }

    #[test]
    fn another_language_takes_the_place_of_english() {
        let mut lines: Vec<String> = ENGLISH.lines().map(|line| line.repeat(2)).collect();
        let of_bytes = |line: &str| line.contains("{0} bytes");
        let at = ENGLISH.lines().position(of_bytes).unwrap();
        lines[at] = "\u{1e}two\u{1f}a pair\u{1e}other\u{1f}{0} octets".into();
        let packed = format!("{VERSION}\n{}\n", lines.join("\n"));
        let words = Words::page().in_language(packed.clone(), &Pairs).unwrap();
        assert_eq!(words.number_bytes(2), "a pair");
        assert_eq!(words.number_bytes(1000), "1.000 octets");
        assert_eq!(words.surface(), Surface::Page);
        // That of another version, or half of it, is not.
        assert!(
            Words::page()
                .in_language(packed.replacen(VERSION, "0", 1), &Pairs)
                .is_none()
        );
        let half = packed
            .rsplit_once(&lines[lines.len() - 1])
            .unwrap()
            .0
            .to_owned();
        assert!(Words::page().in_language(half, &Pairs).is_none());
    }
}
