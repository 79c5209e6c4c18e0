//! The keyboard's place on the page: kept when the element that has it goes away.
//!
//! A button that has done its work is taken off the page, and browsers let the focus fall to the
//! page's beginning then. Here it goes to what is left of the button's surroundings: elements with a
//! `tabindex`, from the inside to the outside, or the one beside them.

use js_sys::{Object, Reflect};
use leptos::{ev, prelude::*};
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Element, MutationObserver, MutationObserverInit};

use super::page::listen;
use crate::js::call;

/// The element that has the focus, and where it goes from there: the nearest first.
struct Place {
    element: Element,
    refuges: Vec<Element>,
}

/// Keeps the focus for as long as the app is mounted. `main` is the last refuge.
pub(super) fn keep() {
    let place = StoredValue::new_local(None::<Place>);
    listen(ev::focusin, move |event| {
        let target = event.target().and_then(|target| target.dyn_into().ok());
        place.set_value(target.map(|element: Element| Place {
            refuges: refuges(&element),
            element,
        }));
    });
    // Somebody clicked beside everything: the focus is to be nowhere.
    listen(ev::focusout, move |event| {
        if event.related_target().is_none() {
            set_timeout(
                move || {
                    place.update_value(|place| {
                        let is_left = |place: &Place| {
                            place.element.is_connected()
                                && document().active_element().as_ref() != Some(&place.element)
                        };
                        if place.as_ref().is_some_and(is_left) {
                            *place = None;
                        }
                    });
                },
                std::time::Duration::ZERO,
            );
        }
    });
    let moved = Closure::<dyn FnMut()>::new(move || {
        let lost = place.with_value(|place| place.as_ref().is_some_and(Place::is_lost));
        if !lost {
            return;
        }
        let refuge = place.with_value(|place| place.as_ref().and_then(Place::refuge));
        if let Some(refuge) = refuge {
            focus(&refuge);
        }
    });
    let Ok(observer) = MutationObserver::new(moved.as_ref().unchecked_ref()) else {
        return;
    };
    let what = MutationObserverInit::new();
    what.set_child_list(true);
    what.set_subtree(true);
    if let Some(body) = document().body() {
        let _ = observer.observe_with_options(&body, &what);
    }
    let kept = SendWrapper::new((observer, moved));
    on_cleanup(move || kept.0.disconnect());
}

impl Place {
    /// The element is gone, and nothing else has taken the focus.
    fn is_lost(&self) -> bool {
        let nowhere = || {
            let active = document().active_element();
            active.is_none_or(|active| active.tag_name() == "BODY")
        };
        !self.element.is_connected() && nowhere()
    }

    fn refuge(&self) -> Option<Element> {
        // A button that became its opposite.
        let opposite = match self.element.get_attribute("data-testid").as_deref() {
            Some("pause") => Some("resume"),
            Some("resume") => Some("pause"),
            _ => None,
        };
        let refuge = self.refuges.iter().find(|refuge| refuge.is_connected())?;
        let opposite = opposite
            .and_then(|id| refuge.query_selector(&format!("[data-testid={id}]")).ok())
            .flatten();
        Some(opposite.unwrap_or_else(|| refuge.clone()))
    }
}

/// Elements around one that can have the focus, and those beside them.
fn refuges(element: &Element) -> Vec<Element> {
    let mut refuges = Vec::new();
    let mut around = element.parent_element();
    while let Some(here) = around {
        if here.has_attribute("tabindex") {
            let beside = [here.next_element_sibling(), here.previous_element_sibling()];
            refuges.push(here.clone());
            refuges.extend(
                beside
                    .into_iter()
                    .flatten()
                    .filter(|beside| beside.has_attribute("tabindex")),
            );
        }
        around = here.parent_element();
    }
    refuges.extend(document().query_selector("main").ok().flatten());
    refuges
}

/// Gives an element the focus without moving the page under a finger.
pub(super) fn focus(element: &Element) {
    let options = Object::new();
    let _ = Reflect::set(&options, &"preventScroll".into(), &JsValue::TRUE);
    let _ = call(element, "focus", &[&options]);
}
