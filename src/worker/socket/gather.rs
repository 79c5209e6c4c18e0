//! Short messages that come close together are handed over together: each has its price in the
//! engine's thread, and some brokers are quick with short ones only.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::MessageChannel;

/// Longer messages are handed over as they are, in bytes. Packets of one block are shorter.
const SHORT: u32 = 32 * 1024;

/// Bytes that are handed over together at most.
const TOGETHER: u32 = 256 * 1024;

/// Collects messages for the length of one turn of the thread's event loop.
pub(super) struct Gather {
    held: RefCell<Option<ArrayBuffer>>,
    length: Cell<u32>,
    /// A turn was asked for and has not come.
    is_waiting: Rc<Cell<bool>>,
    /// Its second port rings when the turn has come.
    turn: Option<MessageChannel>,
    _ring: Closure<dyn FnMut()>,
}

impl Gather {
    /// `pass_on` is called when what is held is to be taken.
    pub(super) fn new(pass_on: impl Fn() + 'static) -> Self {
        let is_waiting = Rc::new(Cell::new(false));
        let waits = Rc::clone(&is_waiting);
        let ring = Closure::<dyn FnMut()>::new(move || {
            waits.set(false);
            pass_on();
        });
        let turn = MessageChannel::new().ok();
        if let Some(turn) = &turn {
            turn.port2()
                .set_onmessage(Some(ring.as_ref().unchecked_ref()));
        }
        Self {
            held: RefCell::default(),
            length: Cell::default(),
            is_waiting,
            turn,
            _ring: ring,
        }
    }

    /// Holds a message back if another came in the same turn and both are short; whether it does. If
    /// not, what was held back has to be taken first.
    pub(super) fn add(&self, message: &ArrayBuffer) -> bool {
        let Some(turn) = &self.turn else { return false };
        let (length, held) = (message.byte_length(), self.length.get());
        if length > SHORT || held + length > TOGETHER {
            return false;
        }
        if !self.is_waiting.replace(true) {
            // The first goes at once, so that nothing that comes alone waits.
            if turn.port1().post_message(&JsValue::NULL).is_err() {
                self.is_waiting.set(false);
            }
            return false;
        }
        let mut buffer = self.held.borrow_mut();
        let buffer = buffer.get_or_insert_with(|| ArrayBuffer::new(TOGETHER));
        Uint8Array::new(buffer).set(&Uint8Array::new(message), held);
        self.length.set(held + length);
        true
    }

    /// Gives away what is held back, one after the other.
    pub(super) fn take(&self) -> Option<ArrayBuffer> {
        let length = self.length.take();
        if length == 0 {
            return None;
        }
        let buffer = self.held.borrow();
        buffer
            .as_ref()
            .map(|buffer| buffer.slice_with_end(0, length))
    }
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use js_sys::Promise;
    use wasm_bindgen_futures::JsFuture;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn message(bytes: &[u8]) -> ArrayBuffer {
        Uint8Array::from(bytes).buffer()
    }

    #[wasm_bindgen_test]
    async fn short_messages_of_one_turn_are_handed_over_together_and_in_order() {
        let gather = RefCell::new(None);
        let come = Promise::new(&mut |resolve, _| {
            let made = Gather::new(move || {
                resolve.call0(&JsValue::UNDEFINED).unwrap();
            });
            assert!(!made.add(&message(&[1])), "the first goes at once");
            assert!(made.add(&message(&[2, 3])) && made.add(&message(&[4])));
            assert!(!made.add(&ArrayBuffer::new(SHORT + 1)), "a long one");
            *gather.borrow_mut() = Some(made);
        });
        JsFuture::from(come).await.unwrap();
        let gather = gather.take().unwrap();
        let held = Uint8Array::new(&gather.take().unwrap()).to_vec();
        assert_eq!(held, [2, 3, 4]);
        assert!(gather.take().is_none());
        assert!(!gather.add(&message(&[5])), "another turn");
    }
}
