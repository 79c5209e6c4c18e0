//! Reading ahead: small files, while their offer is not accepted yet.

use core::cell::Cell;
use std::rc::Rc;

use js_sys::Array;
use web_sys::Blob;

use crate::js::call_async;

/// So much may be held at a time, of all parcels together. Chromium keeps it outside of the page, and
/// on the disk where memory is short. Bytes.
const MOST: u64 = 48 * 1024 * 1024;

/// How much more may be read ahead.
#[derive(Clone)]
pub(super) struct Budget(Rc<Cell<u64>>);

impl Default for Budget {
    fn default() -> Self {
        Self(Rc::new(Cell::new(MOST)))
    }
}

/// A part of the budget, which is given back when nobody needs it any more.
struct Lease {
    budget: Budget,
    bytes: u64,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let left = &self.budget.0;
        left.set(left.get().saturating_add(self.bytes));
    }
}

/// A Blob's content, apart from the files that it came from.
pub(super) struct Copy {
    pub(super) blob: Blob,
    _lease: Lease,
}

impl Budget {
    /// How many bytes more may be read ahead.
    #[cfg(test)]
    #[cfg(target_arch = "wasm32")]
    pub(super) fn left(&self) -> u64 {
        self.0.get()
    }

    /// Copies a Blob's content; `None` if that is more than is left, or cannot be read: whoever
    /// needs it will hear why.
    pub(super) async fn copy(&self, blob: &Blob) -> Option<Copy> {
        let bytes = blob.size() as u64;
        let left = self.0.get().checked_sub(bytes)?;
        self.0.set(left);
        let lease = Lease {
            budget: self.clone(),
            bytes,
        };
        let content = call_async(blob, "arrayBuffer", &[]).await.ok()?;
        let copy = Blob::new_with_buffer_source_sequence(&Array::of1(&content)).ok()?;
        (copy.size() == blob.size()).then_some(Copy {
            blob: copy,
            _lease: lease,
        })
    }
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use js_sys::{Function, Reflect};
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn blob(text: &str) -> Blob {
        Blob::new_with_str_sequence(&Array::of1(&text.into())).unwrap()
    }

    #[wasm_bindgen_test]
    async fn no_more_is_held_than_the_budget_and_what_is_dropped_makes_room() {
        let budget = Budget(Rc::new(Cell::new(7)));
        let first = budget.copy(&blob("four")).await;
        assert_eq!(first.as_ref().map(|copy| copy.blob.size()), Some(4.0));
        assert!(budget.copy(&blob("five!")).await.is_none());
        let second = budget.copy(&blob("two")).await;
        assert!(second.is_some());
        drop((first, second));
        assert_eq!(budget.left(), 7);
    }

    #[wasm_bindgen_test]
    async fn what_cannot_be_read_is_left_alone() {
        let budget = Budget::default();
        let gone = blob("gone");
        let fail = Function::new_no_args("throw new DOMException('', 'NotFoundError')");
        Reflect::set(&gone, &"arrayBuffer".into(), &fail).unwrap();
        assert!(budget.copy(&gone).await.is_none());
        assert_eq!(budget.left(), MOST);
    }
}
