//! Changing parts of the page, each kind of them of one type: for every type of a closure the compiler makes
//! Leptos' code again, which is hundreds of bytes each time.

use leptos::prelude::*;

/// A text that changes.
pub(super) fn text(
    tell: impl FnMut() -> String + Send + 'static,
) -> Box<dyn FnMut() -> String + Send> {
    Box::new(tell)
}

/// An attribute that comes and goes.
pub(super) fn given(
    give: impl FnMut() -> Option<&'static str> + Send + 'static,
) -> Box<dyn FnMut() -> Option<&'static str> + Send> {
    Box::new(give)
}

/// A part of the page that comes and goes.
pub(super) fn drawn(
    mut draw: impl FnMut() -> Option<AnyView> + Send + 'static,
) -> Box<dyn FnMut() -> AnyView + Send> {
    Box::new(move || draw().into_any())
}

/// A condition for `Show`.
pub(super) fn whether(
    is: impl Fn() -> bool + Send + Sync + 'static,
) -> Box<dyn Fn() -> bool + Send + Sync> {
    Box::new(is)
}
