//! The thread that has the WebSocket: does what the engine orders and reports what happens.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use js_sys::ArrayBuffer;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use super::connection::{Connection, Offer};
use super::message::{Message, Order, Report};

/// The browser has room for more while it holds fewer bytes than this.
const ROOM: u32 = 1024 * 1024;

/// How soon to look at a full socket again, in milliseconds, as browsers do not say when it has
/// room. Timers that set timers are not faster than this.
const RETRY: u32 = 4;

/// Runs this worker as the thread that has the WebSocket, for as long as the worker that started it.
pub fn run() {
    let thread = Rc::new(RefCell::new(Thread::new(Rc::new(|report| post(&report)))));
    let orders = Closure::<dyn FnMut(_)>::new(move |event: MessageEvent| {
        if let Some(order) = Order::unpack(event.data()) {
            handle(&thread, order);
        }
    });
    global().set_onmessage(Some(orders.as_ref().unchecked_ref()));
    orders.forget();
    post(&Report::Ready);
}

fn global() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

fn post(report: &Report) {
    let (message, transfer) = report.pack();
    // It fails for what cannot be handed over, and all of this can.
    let _ = global().post_message_with_transfer(&message, &transfer);
}

struct Thread {
    number: u32,
    connection: Option<Connection>,
    /// What the browser took while it held too much, not yet reported.
    sent: VecDeque<(ArrayBuffer, u32)>,
    /// Set while there is any.
    retry: Option<Timeout>,
    report: Rc<dyn Fn(Report)>,
}

impl Thread {
    fn new(report: Rc<dyn Fn(Report)>) -> Self {
        Self {
            number: 0,
            connection: None,
            sent: VecDeque::new(),
            retry: None,
            report,
        }
    }

    fn open(&mut self, number: u32, url: &str, offer: Offer) {
        self.close();
        self.number = number;
        match Connection::open(number, url, offer, &self.report) {
            Ok(connection) => self.connection = Some(connection),
            Err(close) => (self.report)(Report::Close { number, close }),
        }
    }

    fn close(&mut self) {
        self.connection = None;
        self.sent.clear();
        self.retry = None;
    }

    fn send(&mut self, buffer: ArrayBuffer, length: u32) {
        // There is none any more if it was lost on the other thread's way to learning that.
        if let Some(connection) = &self.connection {
            connection.send(&buffer, length);
            self.sent.push_back((buffer, length));
        }
    }

    /// Reports as much as the browser has room for again.
    fn release(&mut self) {
        let has_room = |connection: &Connection| connection.buffered() < ROOM;
        while self.connection.as_ref().is_some_and(has_room)
            && let Some((buffer, length)) = self.sent.pop_front()
        {
            (self.report)(Report::Sent {
                number: self.number,
                buffer,
                length,
            });
        }
    }
}

fn handle(thread: &Rc<RefCell<Thread>>, order: Order) {
    match order {
        Order::Open { number, url, offer } => thread.borrow_mut().open(number, &url, offer),
        Order::Send { buffer, length } => {
            thread.borrow_mut().send(buffer, length);
            release(thread);
        }
        Order::Close => thread.borrow_mut().close(),
    }
}

/// Reports what there is room for, and looks again while there is more.
fn release(thread: &Rc<RefCell<Thread>>) {
    let mut this = thread.borrow_mut();
    this.release();
    if this.sent.is_empty() {
        this.retry = None;
    } else if this.retry.is_none() {
        let thread = Rc::clone(thread);
        this.retry = Some(Timeout::new(RETRY, move || {
            thread.borrow_mut().retry = None;
            release(&thread);
        }));
    }
}
