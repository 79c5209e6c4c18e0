//! The page's language: its words, its numbers, and choosing another one.

use js_sys::{Array, Function, Object, Reflect};
use leptos::prelude::*;
use mqdrop_words::{English, Locale, Plural};
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue};

use super::{
    page,
    session::Session,
    storage,
    words::{set_words, words},
};
use crate::js::{call, property};

/// Makes this the page's language, unless what came as its file is of another version of the page, or
/// the browser has no such language.
pub(super) fn speak(code: &str, packed: String) {
    let Some(numbers) = Numbers::new(code) else {
        return;
    };
    let Some(words) = words().in_language(packed, Box::leak(Box::new(numbers))) else {
        return;
    };
    set_words(words);
    if let Some(html) = document().document_element() {
        // Fails for names that are none.
        let _ = html.set_attribute("lang", code);
        let _ = html.set_attribute("dir", words.language_direction());
    }
}

/// A language's numbers, as the browser writes them (ECMA-402).
struct Numbers {
    plural: SendWrapper<JsValue>,
    whole: SendWrapper<JsValue>,
    tenths: SendWrapper<JsValue>,
}

impl Numbers {
    fn new(code: &str) -> Option<Self> {
        let digits = Object::new();
        for name in ["minimumFractionDigits", "maximumFractionDigits"] {
            Reflect::set(&digits, &name.into(), &1.into()).ok()?;
        }
        let made = |class: &str, options: &JsValue| {
            let class: Function = property(&property(&window(), "Intl"), class)
                .dyn_into()
                .ok()?;
            let made = Reflect::construct(&class, &Array::of2(&code.into(), options)).ok()?;
            Some(SendWrapper::new(made))
        };
        Some(Self {
            plural: made("PluralRules", &JsValue::UNDEFINED)?,
            whole: made("NumberFormat", &JsValue::UNDEFINED)?,
            tenths: made("NumberFormat", &digits)?,
        })
    }
}

fn ask(object: &JsValue, method: &str, number: f64) -> Option<String> {
    call(object, method, &[&number.into()]).ok()?.as_string()
}

#[allow(clippy::cast_precision_loss, reason = "people do not read 16 digits")]
impl Locale for Numbers {
    fn plural(&self, count: u64) -> Plural {
        let name = ask(&self.plural, "select", count as f64);
        name.map_or(Plural::Other, |name| Plural::named(&name))
    }

    fn number(&self, number: u64) -> String {
        ask(&self.whole, "format", number as f64).unwrap_or_else(|| English.number(number))
    }

    fn tenths(&self, tenths: u64) -> String {
        ask(&self.tenths, "format", tenths as f64 / 10.0).unwrap_or_else(|| English.tenths(tenths))
    }
}

/// The list of languages, where the site has more than one.
#[component]
pub(super) fn Languages(session: Session) -> impl IntoView {
    let all = page::languages();
    let now = document()
        .document_element()
        .and_then(|html| html.get_attribute("lang"));
    let choose = move |code: String| {
        storage::save_language(&code);
        session.forget_linked_language();
        page::reload();
    };
    (all.len() > 1).then(|| {
        let option = |(code, name): (String, String)| {
            let selected = Some(&code) == now.as_ref();
            view! {
                <option value=code.clone() lang=code selected=selected>
                    {name}
                </option>
            }
        };
        view! {
            <footer class="bottom">
                <label>
                    {words().page_language()} " "
                    <select data-testid="language" on:change:target=move |event| choose(event.target().value())>
                        {all.into_iter().map(option).collect::<Vec<_>>()}
                    </select>
                </label>
            </footer>
        }
    })
}
