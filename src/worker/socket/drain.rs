//! Frees memory that the browser would keep for a while.

use js_sys::{Array, ArrayBuffer};
use wasm_bindgen::JsValue;
use web_sys::{MessageChannel, MessagePort};

use crate::worker::clock::global;

/// Frees the memory of messages as soon as they were copied.
///
/// The browser's garbage collector would keep them for some tens of MiB, so that each message takes
/// memory that was not used before: the system has to find and clear its pages, and takes them back
/// later. A message that is transferred to a port whose other end is closed is freed at once, and
/// the next one takes its place.
pub(super) struct Drain(Option<MessagePort>);

/// Below this, finding memory costs less than the transfer. Bytes.
const WORTH_FREEING: u32 = 64 * 1024;

impl Drain {
    /// Where this browser can be made to free memory; else it does nothing.
    pub(super) fn open() -> Self {
        if keeps_what_closed_ports_are_sent() {
            return Self(None);
        }
        Self(MessageChannel::new().ok().map(|channel| {
            channel.port2().close();
            channel.port1()
        }))
    }

    /// Frees a buffer.
    pub(super) fn swallow(&self, buffer: &ArrayBuffer) {
        let long = buffer.byte_length() >= WORTH_FREEING;
        if let Some(port) = self.0.as_ref().filter(|_| long) {
            // Where it does not work, memory is freed later.
            let _ = port.post_message_with_transferable(&JsValue::NULL, &Array::of1(buffer));
        }
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        if let Some(port) = &self.0 {
            port.close();
        }
    }
}

/// WebKit is reported to keep in memory what is sent to closed ports, and to have stopped doing so
/// only lately; which version it is it does not say.
fn keeps_what_closed_ports_are_sent() -> bool {
    let agent = global().navigator().user_agent().unwrap_or_default();
    agent.contains("AppleWebKit") && !agent.contains("Chrome/")
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn what_was_copied_is_freed() {
        let drain = Drain::open();
        let long = ArrayBuffer::new(WORTH_FREEING);
        drain.swallow(&long);
        let left = if drain.0.is_some() { 0 } else { 65_536 };
        assert_eq!(long.byte_length(), left);
        // Buffers that are not worth it, or have no memory any more.
        let short = ArrayBuffer::new(10);
        drain.swallow(&short);
        drain.swallow(&long);
        assert_eq!(short.byte_length(), 10);
    }
}
