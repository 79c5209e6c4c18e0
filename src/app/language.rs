//! The page's language. `src/loader.js` knows which one it is, and has the browser's numbers.

use leptos::prelude::*;
use mqdrop_words::{English, Locale, Plural};
use send_wrapper::SendWrapper;
use wasm_bindgen::JsValue;

use super::{
    page,
    session::Session,
    words::{set_words, words},
};
use crate::js::{call, property};

/// Makes this the page's language, unless there is none or its words are those of another version of
/// the page: an object with its `code`, its file in `words`, and the methods of [`Numbers`].
pub(super) fn speak(language: JsValue) {
    let text = |name| property(&language, name).as_string();
    let (Some(code), Some(packed)) = (text("code"), text("words")) else {
        return;
    };
    let numbers = Box::leak(Box::new(Numbers(SendWrapper::new(language))));
    let Some(words) = words().in_language(packed, numbers) else {
        return;
    };
    set_words(words);
    if let Some(html) = document().document_element() {
        // Fails for names that are none.
        let _ = html.set_attribute("lang", &code);
        let _ = html.set_attribute("dir", words.language_direction());
    }
}

/// A language's numbers, as the browser writes them (ECMA-402).
struct Numbers(SendWrapper<JsValue>);

impl Numbers {
    fn ask(&self, method: &str, number: f64) -> Option<String> {
        call(&self.0, method, &[&number.into()]).ok()?.as_string()
    }
}

#[allow(clippy::cast_precision_loss, reason = "people do not read 16 digits")]
impl Locale for Numbers {
    fn plural(&self, count: u64) -> Plural {
        let name = self.ask("plural", count as f64);
        name.map_or(Plural::Other, |name| Plural::named(&name))
    }

    fn number(&self, number: u64) -> String {
        self.ask("whole", number as f64)
            .unwrap_or_else(|| English.number(number))
    }

    fn tenths(&self, tenths: u64) -> String {
        self.ask("tenths", tenths as f64 / 10.0)
            .unwrap_or_else(|| English.tenths(tenths))
    }
}

/// Loads the page anew once the user has chosen another language from the loader's list.
pub(super) fn watch(session: Session) {
    let chosen = move |_| {
        session.forget_linked_language();
        page::reload();
    };
    page::listen_to("mqdrop-language", Box::new(chosen));
}
