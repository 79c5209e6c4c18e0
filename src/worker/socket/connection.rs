//! The WebSocket to the broker.

use std::rc::Rc;

use bytes::Bytes;
use js_sys::{Array, ArrayBuffer, Uint8Array};
use mqdrop_core::SocketClose;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BinaryType, CloseEvent, MessageChannel, MessageEvent, MessagePort, WebSocket};

use super::clock::global;
use crate::js::{error_name, error_text};

/// MQTT's subprotocol (MQTT 5, section 6).
const SUBPROTOCOL: &str = "mqtt";

/// A host that does not answer is given up after so many milliseconds; browsers would wait for minutes.
const CONNECT_TIMEOUT: i32 = 15_000;

/// A longer message is not taken in, as it could fill this worker's memory. Brokers send a packet a
/// message, some a few; packets of more than a few MiB are never asked for. Bytes.
const MAX_MESSAGE: u32 = 64 * 1024 * 1024;

/// RFC 6455, section 7.4.1: "a type of data it cannot accept", here text.
const UNSUPPORTED_DATA: u16 = 1003;

/// RFC 6455, section 7.4.1: "a message that is too big for it to process".
const TOO_BIG: u16 = 1009;

/// What happened on a socket.
pub(super) enum SocketEvent {
    /// It is open.
    Open,
    /// A message, which may hold a part of a packet or several.
    Message(Bytes),
    /// It ended, or never began.
    Close(SocketClose),
}

/// Which subprotocol to offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// MQTT's own, as every broker expects.
    Mqtt,
    /// None: some proxies, `trunk serve`'s among them, do not pass the answer on, and browsers end
    /// a connection whose offer was not answered (RFC 6455, section 4.1).
    Nothing,
}

impl Offer {
    /// What to offer after a connection to `url` did not open. Only the page's own host is tried
    /// without an offer: there a proxy may stand before a station, which does without.
    pub(super) fn after_failure(self, url: &str) -> Self {
        let host = web_sys::Url::new(url).map(|url| url.host()).ok();
        if self == Self::Mqtt && host == Some(global().location().host()) {
            Self::Nothing
        } else {
            Self::Mqtt
        }
    }
}

/// One connection. Dropping it closes it without a word to `report`.
pub(super) struct Socket {
    socket: WebSocket,
    /// The browser calls these; they must outlive its interest.
    _handlers: Handlers,
    timeout: i32,
}

struct Handlers {
    open: Closure<dyn FnMut()>,
    message: Closure<dyn FnMut(MessageEvent)>,
    close: Closure<dyn FnMut(CloseEvent)>,
    timeout: Closure<dyn FnMut()>,
}

impl Socket {
    /// Opens a connection. `report` is told what becomes of it, beginning with `Open` or `Close`,
    /// never from within this call.
    ///
    /// # Errors
    /// If the browser does not even try.
    pub(super) fn open(
        url: &str,
        offer: Offer,
        report: Rc<dyn Fn(SocketEvent)>,
    ) -> Result<Self, SocketClose> {
        let socket = match offer {
            Offer::Mqtt => WebSocket::new_with_str(url, SUBPROTOCOL),
            Offer::Nothing => WebSocket::new(url),
        };
        let socket = socket.map_err(|error| refused(url, &error))?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let handlers = Handlers::new(&report);
        socket.set_onopen(Some(handlers.open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(handlers.message.as_ref().unchecked_ref()));
        // A close event follows every error event and knows more.
        socket.set_onclose(Some(handlers.close.as_ref().unchecked_ref()));
        let timeout = global()
            .set_timeout_with_callback_and_timeout_and_arguments_0(
                handlers.timeout.as_ref().unchecked_ref(),
                CONNECT_TIMEOUT,
            )
            .unwrap_or_default();
        Ok(Self {
            socket,
            _handlers: handlers,
            timeout,
        })
    }

    /// To be called when it opened: it cannot time out any more.
    pub(super) fn opened(&self) {
        global().clear_timeout_with_handle(self.timeout);
    }

    /// Whether it takes bytes.
    pub(super) fn is_open(&self) -> bool {
        self.socket.ready_state() == WebSocket::OPEN
    }

    /// Bytes that were sent and have not left the browser.
    pub(super) fn buffered(&self) -> u32 {
        self.socket.buffered_amount()
    }

    /// Queues bytes. The browser copies them.
    pub(super) fn send(&self, bytes: &[u8]) {
        // It only fails while connecting, and then there is nothing to send. If the connection is
        // on its way down, the close event tells.
        let _ = self.socket.send_with_u8_array(bytes);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        global().clear_timeout_with_handle(self.timeout);
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        // Sends what is queued first. It fails for bad arguments only, and there are none.
        let _ = self.socket.close();
    }
}

impl Handlers {
    fn new(report: &Rc<dyn Fn(SocketEvent)>) -> Self {
        let opened = Rc::clone(report);
        let received = Rc::clone(report);
        let closed = Rc::clone(report);
        let expired = Rc::clone(report);
        let was_open = Rc::new(core::cell::Cell::new(false));
        let drain = Drain::open();
        let is_open = Rc::clone(&was_open);
        Self {
            open: Closure::new(move || {
                was_open.set(true);
                opened(SocketEvent::Open);
            }),
            message: Closure::new(move |event: MessageEvent| {
                let data = event.data();
                received(message(&data));
                drain.swallow(&data);
            }),
            close: Closure::new(move |event: CloseEvent| {
                closed(SocketEvent::Close(if is_open.get() {
                    SocketClose::Closed {
                        code: Some(event.code()),
                    }
                } else {
                    SocketClose::Unreachable
                }));
            }),
            timeout: Closure::new(move || expired(SocketEvent::Close(SocketClose::Unreachable))),
        }
    }
}

/// Frees the memory of messages as soon as they were copied.
///
/// The browser's garbage collector would keep them for some tens of MiB, so that each message takes
/// memory that was not used before: the system has to find and clear its pages, and takes them back
/// later. A message that is transferred to a port whose other end is closed is freed at once, and
/// the next one takes its place.
struct Drain(Option<MessagePort>);

/// Below this, finding memory costs less than the transfer. Bytes.
const WORTH_FREEING: u32 = 64 * 1024;

impl Drain {
    fn open() -> Self {
        if keeps_what_closed_ports_are_sent() {
            return Self(None);
        }
        Self(MessageChannel::new().ok().map(|channel| {
            channel.port2().close();
            channel.port1()
        }))
    }

    fn swallow(&self, data: &JsValue) {
        let long = data
            .dyn_ref::<ArrayBuffer>()
            .is_some_and(|buffer| buffer.byte_length() >= WORTH_FREEING);
        if let Some(port) = self.0.as_ref().filter(|_| long) {
            // Where it does not work, memory is freed later.
            let _ = port.post_message_with_transferable(&JsValue::NULL, &Array::of1(data));
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

/// MQTT comes in binary messages only (MQTT 5, section 6).
fn message(data: &JsValue) -> SocketEvent {
    let Some(buffer) = data.dyn_ref::<ArrayBuffer>() else {
        return SocketEvent::Close(SocketClose::Closed {
            code: Some(UNSUPPORTED_DATA),
        });
    };
    if buffer.byte_length() > MAX_MESSAGE {
        return SocketEvent::Close(SocketClose::Closed {
            code: Some(TOO_BIG),
        });
    }
    SocketEvent::Message(Uint8Array::new(buffer).to_vec().into())
}

/// Why the browser would not open an address (<https://websockets.spec.whatwg.org/#the-websocket-interface>).
fn refused(url: &str, error: &JsValue) -> SocketClose {
    SocketClose::Refused(match error_name(error).as_str() {
        "SecurityError" => {
            "A page that came over https may only open wss:// addresses: use the broker's wss:// \
             address, or open this page over http"
                .to_owned()
        }
        "SyntaxError" => {
            format!(
                "{url} is not the address of a broker: it should look like wss://broker.example:8084/mqtt"
            )
        }
        _ => format!("The browser did not open {url}: {}", error_text(error)),
    })
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use core::cell::RefCell;

    use js_sys::Promise;
    use wasm_bindgen_futures::JsFuture;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn what_is_no_address_is_refused_in_words() {
        for url in ["mailto:a@b.c", "ws://host:99999/mqtt", "ws://[half/mqtt"] {
            match Socket::open(url, Offer::Mqtt, Rc::new(|_| ())) {
                Err(SocketClose::Refused(text)) => assert!(text.contains("address"), "{text}"),
                Err(other) => panic!("{url}: {other:?}"),
                Ok(_) => panic!("{url} was opened"),
            }
        }
    }

    #[wasm_bindgen_test]
    fn only_the_pages_own_host_is_tried_without_a_subprotocol() {
        let own = format!("ws://{}/mqtt", global().location().host());
        assert_eq!(Offer::Mqtt.after_failure(&own), Offer::Nothing);
        assert_eq!(Offer::Nothing.after_failure(&own), Offer::Mqtt);
        assert_eq!(
            Offer::Mqtt.after_failure("ws://other.example/mqtt"),
            Offer::Mqtt
        );
    }

    #[wasm_bindgen_test]
    async fn where_nothing_listens_is_unreachable() {
        let closed = Rc::new(RefCell::new(None));
        let seen = Rc::clone(&closed);
        let mut socket = None;
        let promise = Promise::new(&mut |resolve, _| {
            let seen = Rc::clone(&seen);
            let report = move |event| {
                *seen.borrow_mut() = Some(event);
                resolve.call0(&JsValue::UNDEFINED).unwrap();
            };
            socket =
                Some(Socket::open("ws://127.0.0.1:4/mqtt", Offer::Mqtt, Rc::new(report)).unwrap());
        });
        JsFuture::from(promise).await.unwrap();
        assert!(matches!(
            *closed.borrow(),
            Some(SocketEvent::Close(SocketClose::Unreachable))
        ));
    }

    #[wasm_bindgen_test]
    fn what_was_copied_is_freed() {
        let drain = Drain::open();
        let long = ArrayBuffer::new(WORTH_FREEING);
        let SocketEvent::Message(bytes) = message(&long) else {
            panic!("binary messages are taken");
        };
        drain.swallow(&long);
        let left = if drain.0.is_some() { 0 } else { 65_536 };
        assert_eq!((bytes.len(), long.byte_length()), (65_536, left));
        // What is not worth it, and what has no memory of its own.
        let short = ArrayBuffer::new(10);
        drain.swallow(&short);
        drain.swallow(&"hello".into());
        assert_eq!(short.byte_length(), 10);
    }

    #[wasm_bindgen_test]
    fn text_is_not_mqtt() {
        assert!(matches!(
            message(&"hello".into()),
            SocketEvent::Close(SocketClose::Closed {
                code: Some(UNSUPPORTED_DATA)
            })
        ));
    }
}
