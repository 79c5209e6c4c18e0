//! An offer that waits for an answer: at the top of the screen for as long as its place in the list
//! is out of sight.

use std::sync::Arc;

use leptos::{html, prelude::*};
use mqdrop_words::Words;
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Element, IntersectionObserver, IntersectionObserverEntry, IntersectionObserverInit};

use super::erased::{drawn, given, whether};
use super::{
    state::State,
    words::{around, words},
};

/// As much of it must be seen where it stands in the list, of 1.
const SEEN: f64 = 0.9;

/// The head of a card, which stays in sight while it `waits` for an answer. Its buttons are there
/// once, wherever it stands.
#[component]
pub(super) fn Request(
    app: State,
    parcel: Arc<str>,
    sender: String,
    waits: Memo<bool>,
    children: Children,
) -> impl IntoView {
    let place = NodeRef::<html::Div>::new();
    // Its height in the list, which stays free for it.
    let height = RwSignal::new(0usize);
    let pinned = Memo::new({
        let parcel = parcel.clone();
        move |_| waits.get() && app.out_of_sight.read().first() == Some(&parcel)
    });
    let forget = {
        let parcel = parcel.clone();
        move || {
            app.out_of_sight
                .try_update(|all| all.retain(|one| *one != parcel));
        }
    };
    on_cleanup(forget.clone());
    Effect::new(move |_| {
        let (Some(place), true) = (place.get(), waits.get()) else {
            return forget();
        };
        let (parcel, forget) = (parcel.clone(), forget.clone());
        watch(&place, move |entry| {
            if entry.intersection_ratio() >= SEEN {
                return forget();
            }
            if !pinned.get_untracked() {
                height.set(entry.bounding_client_rect().height() as usize);
            }
            app.out_of_sight.update(|all| {
                if !all.contains(&parcel) {
                    all.push(parcel.clone());
                }
            });
        });
    });
    let others = move || app.out_of_sight.read().len().saturating_sub(1);
    view! {
        <div
            node_ref=place
            style:min-height=move || pinned.get().then(|| format!("{}px", height.get()))
        >
            <div
                class="request"
                data-testid=given(move || waits.get().then_some("request"))
                data-pinned=given(move || pinned.get().then_some("true"))
            >
                <Show when=whether(move || pinned.get())>
                    {
                        let [before, behind] = around(Words::list_request);
                        let sender = sender.clone();
                        view! {
                            <p class="request-from">
                                {before} <bdi>{sender}</bdi> {behind}
                                {drawn(move || {
                                    let others = others();
                                    (others > 0)
                                        .then(|| {
                                            let more = words().list_requests_more(others as u64);
                                            view! { <span class="request-more">" · " {more}</span> }.into_any()
                                        })
                                })}
                            </p>
                        }
                    }
                </Show>
                {children()}
            </div>
        </div>
    }
}

/// Tells how much of an element is in sight, whenever that changes, until the current owner is
/// cleaned up.
fn watch(element: &Element, changed: impl Fn(&IntersectionObserverEntry) + 'static) {
    let callback = Closure::<dyn Fn(js_sys::Array)>::new(move |entries: js_sys::Array| {
        if let Some(entry) = entries.iter().last() {
            changed(entry.unchecked_ref());
        }
    });
    let options = IntersectionObserverInit::new();
    options.set_threshold(&js_sys::Array::of2(&0.into(), &SEEN.into()));
    let made = IntersectionObserver::new_with_options(callback.as_ref().unchecked_ref(), &options);
    let Ok(observer) = made else {
        return;
    };
    observer.observe(element);
    let kept = SendWrapper::new((observer, callback));
    on_cleanup(move || kept.0.disconnect());
}
