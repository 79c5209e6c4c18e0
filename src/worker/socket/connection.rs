//! One WebSocket, in the thread that has them.

use core::cell::Cell;
use std::rc::Rc;

use js_sys::{ArrayBuffer, Uint8Array};
use mqdrop_core::{Invalid, Obstacle, SocketClose};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{BinaryType, CloseEvent, Event, MessageEvent, WebSocket};

use super::local_network::why_not;
use super::message::Report;
use crate::js::error_name;
use crate::worker::clock::global;

/// MQTT's subprotocol (MQTT 5, section 6).
const SUBPROTOCOL: &str = "mqtt";

/// A longer message is not taken in, as it could fill this worker's memory. Brokers send a packet a
/// message, some a few; packets of more than a few MiB are never asked for. Bytes.
const MAX_MESSAGE: u32 = 64 * 1024 * 1024;

/// Which subprotocol to offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Offer {
    /// MQTT's own, as every broker expects.
    Mqtt,
    /// None: some proxies, `trunk serve`'s among them, do not pass the answer on, and browsers end
    /// a connection whose offer was not answered (RFC 6455, section 4.1).
    Nothing,
}

impl Offer {
    /// The offer after a connection to `url` did not open. Only the page's own host is tried
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

/// One connection. Dropping it closes it without a word.
pub(super) struct Connection {
    socket: WebSocket,
    /// The browser calls these; they must outlive its interest.
    _handlers: Handlers,
}

struct Handlers {
    open: Closure<dyn FnMut(Event)>,
    message: Closure<dyn FnMut(MessageEvent)>,
    close: Closure<dyn FnMut(CloseEvent)>,
}

impl Connection {
    /// Opens a connection. `report` is told what becomes of it, beginning with `Open` or `Close`,
    /// never from within this call.
    ///
    /// # Errors
    /// If the browser does not even try.
    pub(super) fn open(
        number: u32,
        url: &str,
        offer: Offer,
        report: &Rc<dyn Fn(Report)>,
    ) -> Result<Self, SocketClose> {
        let socket = match offer {
            Offer::Mqtt => WebSocket::new_with_str(url, SUBPROTOCOL),
            Offer::Nothing => WebSocket::new(url),
        };
        let socket = socket.map_err(|error| refused(&error))?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let handlers = Handlers::new(number, url, report);
        socket.set_onopen(Some(handlers.open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(handlers.message.as_ref().unchecked_ref()));
        // A close event follows every error event and knows more.
        socket.set_onclose(Some(handlers.close.as_ref().unchecked_ref()));
        Ok(Self {
            socket,
            _handlers: handlers,
        })
    }

    /// Bytes that were sent and have not left the browser.
    pub(super) fn buffered(&self) -> u32 {
        self.socket.buffered_amount()
    }

    /// Queues the first `length` bytes of a buffer. The browser copies them.
    pub(super) fn send(&self, buffer: &ArrayBuffer, length: u32) {
        // If the connection is on its way down, the close event tells.
        if self.socket.ready_state() == WebSocket::OPEN {
            let bytes = Uint8Array::new_with_byte_offset_and_length(buffer, 0, length);
            // It only fails while connecting, and it is open.
            let _ = self.socket.send_with_array_buffer_view(&bytes);
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        // Sends what is queued first. It fails for bad arguments only, and there are none.
        let _ = self.socket.close();
    }
}

impl Handlers {
    fn new(number: u32, url: &str, report: &Rc<dyn Fn(Report)>) -> Self {
        let url = url.to_owned();
        let [opened, received, closed] = [(); 3].map(|()| Rc::clone(report));
        let was_open = Rc::new(Cell::new(false));
        let is_open = Rc::clone(&was_open);
        Self {
            open: Closure::new(move |event: Event| {
                was_open.set(true);
                let compresses = event
                    .target()
                    .and_then(|target| target.dyn_into::<WebSocket>().ok())
                    .is_some_and(|socket| socket.extensions().contains("permessage-deflate"));
                opened(Report::Open { number, compresses });
            }),
            message: Closure::new(move |event: MessageEvent| {
                received(match message(event.data()) {
                    Ok(buffer) => Report::Message { number, buffer },
                    Err(close) => Report::Close { number, close },
                });
            }),
            close: Closure::new(move |event: CloseEvent| {
                if is_open.get() {
                    let code = Some(event.code());
                    let close = SocketClose::Closed { code };
                    return closed(Report::Close { number, close });
                }
                let (closed, url) = (Rc::clone(&closed), url.clone());
                spawn_local(async move {
                    let close = why_not(&url).await;
                    closed(Report::Close { number, close });
                });
            }),
        }
    }
}

/// MQTT comes in binary messages only (MQTT 5, section 6).
fn message(data: JsValue) -> Result<ArrayBuffer, SocketClose> {
    let buffer = data.dyn_into::<ArrayBuffer>();
    let buffer = buffer.map_err(|_| SocketClose::Invalid(Invalid::Text))?;
    if buffer.byte_length() > MAX_MESSAGE {
        return Err(SocketClose::Invalid(Invalid::TooLong));
    }
    Ok(buffer)
}

/// Why the browser would not open an address (<https://websockets.spec.whatwg.org/#the-websocket-interface>).
fn refused(error: &JsValue) -> SocketClose {
    match error_name(error).as_str() {
        "SecurityError" => SocketClose::Refused(Obstacle::NotEncrypted),
        "SyntaxError" => SocketClose::Refused(Obstacle::NoAddress),
        _ => SocketClose::Unreachable,
    }
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
    fn what_is_no_address_is_refused() {
        let unheard: Rc<dyn Fn(Report)> = Rc::new(|_| ());
        for url in ["mailto:a@b.c", "ws://host:99999/mqtt", "ws://[half/mqtt"] {
            match Connection::open(1, url, Offer::Mqtt, &unheard) {
                Err(SocketClose::Refused(Obstacle::NoAddress)) => {}
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
        let heard = Rc::new(RefCell::new(None));
        let seen = Rc::clone(&heard);
        let mut connection = None;
        let promise = Promise::new(&mut |resolve, _| {
            let seen = Rc::clone(&seen);
            let report: Rc<dyn Fn(Report)> = Rc::new(move |report| {
                *seen.borrow_mut() = Some(report);
                resolve.call0(&JsValue::UNDEFINED).unwrap();
            });
            let url = "ws://127.0.0.1:4/mqtt";
            connection = Some(Connection::open(7, url, Offer::Mqtt, &report).unwrap());
        });
        JsFuture::from(promise).await.unwrap();
        assert!(matches!(
            *heard.borrow(),
            Some(Report::Close {
                number: 7,
                close: SocketClose::Unreachable
            })
        ));
    }

    #[wasm_bindgen_test]
    fn text_is_not_mqtt() {
        let text = SocketClose::Invalid(Invalid::Text);
        assert_eq!(message("hello".into()), Err(text));
        let binary = ArrayBuffer::new(5);
        assert_eq!(message(binary.clone().into()), Ok(binary));
    }
}
