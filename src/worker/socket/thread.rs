//! The thread that has the WebSocket: does what the engine orders and reports what happens.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use gloo_timers::callback::Timeout;
use js_sys::ArrayBuffer;
use mqdrop_core::SocketClose;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use super::connection::{Connection, Offer};
use super::gather::Gather;
use super::message::{Order, Posted, Report};

/// The browser has room for more while it holds fewer bytes than this.
const ROOM: u32 = 1024 * 1024;

/// How soon to look at a full socket again, in milliseconds, as browsers do not say when it has
/// room. Timers that set timers are not faster than this.
const RETRY: u32 = 4;

/// The engine may be so far behind with what was received, in bytes. More than senders that keep to
/// the protocol can have under way, and less than what a tab may take: browsers do not let a
/// WebSocket wait, so whoever floods it is hung up on.
const BEHIND: u32 = 512 * 1024 * 1024;

/// RFC 6455, section 7.4.1: "a message that violates its policy".
const POLICY_VIOLATION: u16 = 1008;

/// Runs this worker as the thread that has the WebSocket, for as long as the worker that started it.
pub fn run() {
    let holder = Holder::new(|report| {
        let (message, transfer) = report.pack();
        // It fails for what cannot be handed over, and all of this can.
        let _ = scope().post_message_with_transfer(&message, &transfer);
    });
    let orders = Closure::<dyn FnMut(_)>::new(move |event: MessageEvent| {
        if let Some(order) = Order::unpack(&event.data()) {
            holder.handle(order);
        }
    });
    scope().set_onmessage(Some(orders.as_ref().unchecked_ref()));
    orders.forget();
    let (ready, _) = Report::Ready.pack();
    let _ = scope().post_message(&ready);
}

fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// Holds the WebSocket.
struct Holder {
    connection: RefCell<Option<Connection>>,
    number: Cell<u32>,
    /// Bytes that the browser took while it held too much, not yet reported.
    sent: RefCell<VecDeque<(ArrayBuffer, u32)>>,
    /// Set while there is any.
    retry: RefCell<Option<Timeout>>,
    /// Bytes that were reported and not yet taken in.
    behind: Cell<u32>,
    /// Short messages that come close together.
    gather: Gather,
    post: Box<dyn Fn(Report)>,
    this: Weak<Self>,
}

impl Holder {
    fn new(post: impl Fn(Report) + 'static) -> Rc<Self> {
        Rc::new_cyclic(|this| Self {
            connection: RefCell::default(),
            number: Cell::default(),
            sent: RefCell::default(),
            retry: RefCell::default(),
            behind: Cell::default(),
            gather: Gather::new({
                let this: Weak<Self> = Weak::clone(this);
                move || {
                    if let Some(this) = this.upgrade() {
                        this.pass_on();
                    }
                }
            }),
            post: Box::new(post),
            this: Weak::clone(this),
        })
    }

    fn handle(&self, order: Order) {
        match order {
            Order::Open { number, url, offer } => self.open(number, &url, offer),
            Order::Send { buffer, length } => self.send(buffer, length),
            Order::Taken { length } => {
                self.behind.set(self.behind.get().saturating_sub(length));
            }
            Order::Close => self.close(),
        }
    }

    fn open(&self, number: u32, url: &str, offer: Offer) {
        self.close();
        self.number.set(number);
        let this = Weak::clone(&self.this);
        let report: Rc<dyn Fn(Report)> = Rc::new(move |report| {
            if let Some(this) = this.upgrade() {
                this.report(report);
            }
        });
        match Connection::open(number, url, offer, &report) {
            Ok(connection) => *self.connection.borrow_mut() = Some(connection),
            Err(close) => (self.post)(Report::Close { number, close }),
        }
    }

    fn close(&self) {
        *self.connection.borrow_mut() = None;
        self.sent.borrow_mut().clear();
        self.gather.take();
        *self.retry.borrow_mut() = None;
        self.behind.set(0);
    }

    /// Passes on what happened to the connection.
    fn report(&self, report: Report) {
        if let Report::Message { number, buffer } = &report {
            let behind = self.behind.get().saturating_add(buffer.byte_length());
            self.behind.set(behind);
            if behind > BEHIND {
                let close = SocketClose::Closed {
                    code: Some(POLICY_VIOLATION),
                };
                let number = *number;
                self.close();
                return (self.post)(Report::Close { number, close });
            }
            if self.gather.add(buffer) {
                return;
            }
        }
        // Messages that were held back came before this.
        self.pass_on();
        (self.post)(report);
        // Timers may be throttled, but what comes often follows from what went.
        self.release();
    }

    /// Passes on the messages that were held back.
    fn pass_on(&self) {
        if let Some(buffer) = self.gather.take() {
            let number = self.number.get();
            (self.post)(Report::Message { number, buffer });
            self.release();
        }
    }

    fn send(&self, buffer: ArrayBuffer, length: u32) {
        // After the connection was closed by itself there is none until the next order.
        if let Some(connection) = &*self.connection.borrow() {
            connection.send(&buffer, length);
            self.sent.borrow_mut().push_back((buffer, length));
        }
        self.release();
    }

    /// Reports as much as the browser has room for again, and looks again while there is more.
    fn release(&self) {
        let mut sent = self.sent.borrow_mut();
        let has_room = |connection: &Connection| connection.buffered() < ROOM;
        while self.connection.borrow().as_ref().is_some_and(has_room)
            && let Some((buffer, length)) = sent.pop_front()
        {
            (self.post)(Report::Sent {
                number: self.number.get(),
                buffer,
                length,
            });
        }
        let mut retry = self.retry.borrow_mut();
        if sent.is_empty() {
            *retry = None;
        } else if retry.is_none() {
            let this = Weak::clone(&self.this);
            *retry = Some(Timeout::new(RETRY, move || {
                if let Some(this) = this.upgrade() {
                    *this.retry.borrow_mut() = None;
                    this.release();
                }
            }));
        }
    }
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    /// A holder, and what it posted.
    fn holder() -> (Rc<Holder>, Rc<RefCell<Vec<Report>>>) {
        let posted = Rc::new(RefCell::new(Vec::new()));
        let list = Rc::clone(&posted);
        let holder = Holder::new(move |report| list.borrow_mut().push(report));
        holder.handle(Order::Open {
            number: 3,
            url: "ws://127.0.0.1:4/mqtt".into(),
            offer: Offer::Mqtt,
        });
        (holder, posted)
    }

    fn receive(holder: &Holder) {
        let buffer = ArrayBuffer::new(64 * 1024 * 1024);
        holder.report(Report::Message { number: 3, buffer });
    }

    fn was_closed(posted: &RefCell<Vec<Report>>) -> bool {
        let code = Some(POLICY_VIOLATION);
        let close = SocketClose::Closed { code };
        let is_close = |report: &Report| matches!(report, Report::Close { number: 3, close: c } if *c == close);
        posted.borrow().iter().any(is_close)
    }

    #[wasm_bindgen_test]
    fn whoever_floods_is_hung_up_on() {
        let (holder, posted) = holder();
        for _ in 0..8 {
            receive(&holder);
        }
        assert_eq!(posted.borrow().len(), 8);
        receive(&holder);
        assert!(was_closed(&posted));
        assert!(holder.connection.borrow().is_none());
    }

    #[wasm_bindgen_test]
    fn whoever_is_kept_up_with_is_not() {
        let (holder, posted) = holder();
        for _ in 0..20 {
            receive(&holder);
            let length = 64 * 1024 * 1024;
            holder.handle(Order::Taken { length });
        }
        assert!(!was_closed(&posted));
    }

    #[wasm_bindgen_test]
    fn an_address_that_is_none_is_reported() {
        let (holder, posted) = holder();
        holder.handle(Order::Open {
            number: 4,
            url: "mailto:a@b.c".into(),
            offer: Offer::Mqtt,
        });
        assert!(matches!(
            posted.borrow_mut().pop(),
            Some(Report::Close {
                number: 4,
                close: SocketClose::Refused(_)
            })
        ));
    }

    #[wasm_bindgen_test]
    fn what_was_sent_is_given_back() {
        let (holder, posted) = holder();
        let length = 1000;
        let buffer = ArrayBuffer::new(1024);
        holder.handle(Order::Send { buffer, length });
        assert!(matches!(
            posted.borrow_mut().pop(),
            Some(Report::Sent {
                number: 3,
                length: 1000,
                ..
            })
        ));
    }
}
