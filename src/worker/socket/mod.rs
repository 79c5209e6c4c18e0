//! The engine's side of the WebSocket, which has a thread of its own.
//!
//! Browsers hand a long message on in pieces, through pipes that are shorter than the message, and
//! need the thread that has the WebSocket for each of them. If that thread encrypts or writes
//! meanwhile, the pipes run dry: on two cores a seventh of the time went by like that.

mod connection;
mod drain;
mod gather;
mod local_network;
mod message;
#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests;
mod thread;

use core::time::Duration;
use std::rc::Rc;

use bytes::Bytes;
use js_sys::{ArrayBuffer, Uint8Array};
use mqdrop_core::{Obstacle, SocketClose, Time};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{Event, MessageEvent, Worker, WorkerOptions, WorkerType, console};

use crate::js::property;
use connection::Offer;
use drain::Drain;
use message::{Order, Posted, Report};

pub use thread::run;

/// The name of the worker that is this thread; worker-loader.js looks at it.
const THREAD: &str = "socket";

/// No more is sent while so many bytes are not yet reported as sent. Enough to keep the socket busy
/// until this worker looks again, and little enough that a control message is not stuck behind for
/// long.
const QUEUE: u32 = 4 * 1024 * 1024;

/// Packets up to this go together in one message of up to [`TOGETHER`] bytes (MQTT 5, section 6):
/// each message has its price in two threads and in the browser's network process.
const SHORT: usize = 32 * 1024;
const TOGETHER: usize = 64 * 1024;

/// So many bytes are taken in before the thread hears of it.
const TAKEN: u32 = 1024 * 1024;

/// A thread that is not ready after so long is replaced when a connection is to be opened. Less than
/// a connection is given, so that the next try has another thread.
const STARTING: Duration = Duration::from_secs(10);

/// An event of the connection.
pub(super) enum SocketEvent {
    /// It is open; whether the broker compresses messages.
    Open { compresses: bool },
    /// A message, which may hold a part of a packet or several.
    Message(Bytes),
    /// It ended, or never began.
    Close(SocketClose),
}

/// A report of the thread, or its end.
pub(super) enum Signal {
    Report(Report),
    Crash,
}

/// At most one connection at a time, and the thread that has it.
pub(super) struct Socket {
    thread: Option<Thread>,
    /// The present connection's number: what earlier ones still report is not heard.
    number: u32,
    stage: Stage,
    /// Short packets that go together, once there are enough of them or no more come.
    together: Vec<u8>,
    /// Bytes that were sent and not yet reported back.
    queued: u32,
    /// Buffers of sent messages: new memory for each message would cost more than copying it.
    spare: Vec<ArrayBuffer>,
    /// Where the last connection was opened to, and what it offered.
    target: (String, Offer),
    /// Bytes that were received and the thread does not know to be taken in.
    taken: u32,
    drain: Drain,
    /// The program of the thread.
    script: String,
    report: Rc<dyn Fn(Signal)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Closed,
    Opening,
    Open,
}

impl Socket {
    /// `script` is the address of what starts the thread, as a module in a worker named "socket".
    /// `report` is told what happens, never from within a call; it is to be brought back to
    /// [`Self::handle`].
    pub(super) fn new(script: String, report: Rc<dyn Fn(Signal)>, now: Time) -> Self {
        Self {
            // Begins to load at once. If that fails, opening will say why.
            thread: Thread::start(&script, &report, now).ok(),
            number: 0,
            stage: Stage::Closed,
            together: Vec::new(),
            queued: 0,
            spare: Vec::new(),
            target: (String::new(), Offer::Mqtt),
            taken: 0,
            drain: Drain::open(),
            script,
            report,
        }
    }

    /// Opens a connection in place of the one before. What becomes of it is reported, beginning
    /// with `Open` or `Close`.
    ///
    /// # Errors
    /// If the browser does not even try.
    pub(super) fn open(&mut self, url: String, now: Time) -> Result<(), SocketClose> {
        self.close();
        self.target.0 = url;
        self.thread.take_if(|thread| thread.is_overdue(now));
        if self.thread.is_none() {
            self.thread = Some(Thread::start(&self.script, &self.report, now)?);
        }
        self.stage = Stage::Opening;
        self.order_open();
        Ok(())
    }

    /// Has the connection opened, as soon as there is a thread to do it.
    fn order_open(&self) {
        if !self.thread.as_ref().is_some_and(|thread| thread.is_ready) {
            return;
        }
        let (url, offer) = self.target.clone();
        self.order(Order::Open {
            number: self.number,
            url,
            offer,
        });
    }

    /// Closes the connection after what was sent. Of this one nothing is reported any more.
    pub(super) fn close(&mut self) {
        if self.stage != Stage::Closed {
            self.order(Order::Close);
        }
        self.number = self.number.wrapping_add(1);
        self.stage = Stage::Closed;
        self.together.clear();
        self.queued = 0;
        self.taken = 0;
        self.spare.clear();
    }

    /// Whether it takes bytes.
    pub(super) fn is_open(&self) -> bool {
        self.stage == Stage::Open
    }

    /// Whether it should be given bytes now.
    pub(super) fn has_room(&self) -> bool {
        self.is_open() && self.queued < QUEUE
    }

    /// Sends a packet, after which there may be no room. A short one goes with [`Self::flush`] at the
    /// latest.
    pub(super) fn send(&mut self, packet: &[u8]) {
        if packet.len() > SHORT || self.together.len() + packet.len() > TOGETHER {
            self.flush();
        }
        if packet.len() > SHORT {
            self.post(packet);
        } else {
            self.together.extend_from_slice(packet);
        }
    }

    /// Sends the short packets that were held back.
    pub(super) fn flush(&mut self) {
        let mut together = std::mem::take(&mut self.together);
        if !together.is_empty() {
            self.post(&together);
            together.clear();
        }
        // Its memory is used again.
        self.together = together;
    }

    fn post(&mut self, bytes: &[u8]) {
        let length = bytes.len() as u32;
        let buffer = self
            .spare
            .pop()
            .filter(|spare| spare.byte_length() >= length)
            .unwrap_or_else(|| ArrayBuffer::new(length.next_power_of_two()));
        Uint8Array::new_with_byte_offset_and_length(&buffer, 0, length).copy_from(bytes);
        self.queued += length;
        self.order(Order::Send { buffer, length });
    }

    fn order(&self, order: Order) {
        if let Some(thread) = &self.thread {
            let (message, transfer) = order.pack();
            // It fails for what cannot be handed over, and all of this can.
            let _ = thread
                .worker
                .post_message_with_transfer(&message, &transfer);
        }
    }

    /// Takes in what was reported; what it means for the connection, if anything. There may be room
    /// again afterwards.
    pub(super) fn handle(&mut self, news: Signal) -> Option<SocketEvent> {
        match news {
            Signal::Report(report) => self.handle_report(report),
            Signal::Crash => {
                self.thread = None;
                self.lose(match self.stage {
                    Stage::Opening => SocketClose::Refused(Obstacle::NoPart),
                    Stage::Open | Stage::Closed => SocketClose::Closed { code: None },
                })
            }
        }
    }

    fn handle_report(&mut self, report: Report) -> Option<SocketEvent> {
        match report {
            Report::Ready => {
                if let Some(thread) = &mut self.thread {
                    thread.is_ready = true;
                }
                if self.stage == Stage::Opening {
                    self.order_open();
                }
                None
            }
            Report::Open { number, compresses } => (number == self.number).then(|| {
                self.stage = Stage::Open;
                SocketEvent::Open { compresses }
            }),
            Report::Message { number, buffer } => {
                let event = (number == self.number).then(|| self.take(&buffer));
                self.drain.swallow(&buffer);
                event
            }
            Report::Sent {
                number,
                buffer,
                length,
            } => {
                if number == self.number {
                    self.queued = self.queued.saturating_sub(length);
                    self.spare.push(buffer);
                }
                None
            }
            Report::Close { number, close } if number == self.number => self.lose(close),
            Report::Close { .. } => None,
        }
    }

    fn take(&mut self, buffer: &ArrayBuffer) -> SocketEvent {
        self.taken += buffer.byte_length();
        if self.taken >= TAKEN {
            let length = std::mem::take(&mut self.taken);
            self.order(Order::Taken { length });
        }
        SocketEvent::Message(Uint8Array::new(buffer).to_vec().into())
    }

    /// The connection is no more, if there was one.
    fn lose(&mut self, close: SocketClose) -> Option<SocketEvent> {
        if self.stage == Stage::Closed {
            return None;
        }
        self.close();
        if close == SocketClose::Unreachable {
            let (url, offer) = &mut self.target;
            *offer = offer.after_failure(url);
        }
        Some(SocketEvent::Close(close))
    }
}

/// The end of a connection for which there can be no thread.
const NO_WORKER: SocketClose = SocketClose::Refused(Obstacle::NoWorker);

/// The worker that has the WebSocket. Dropping it ends it.
struct Thread {
    worker: Worker,
    /// Whether it takes orders.
    is_ready: bool,
    /// When it began to load.
    started: Time,
    /// The browser calls these; they must outlive its interest.
    _message: Closure<dyn FnMut(MessageEvent)>,
    _error: Closure<dyn FnMut(Event)>,
}

impl Thread {
    /// The script is given the compiled engine: it need not be loaded and compiled again.
    fn start(script: &str, report: &Rc<dyn Fn(Signal)>, now: Time) -> Result<Self, SocketClose> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        options.set_name(THREAD);
        let worker = Worker::new_with_options(script, &options).map_err(|_| NO_WORKER)?;
        let reported = Rc::clone(report);
        let message = Closure::<dyn FnMut(_)>::new(move |event: MessageEvent| {
            if let Some(report) = Report::unpack(&event.data()) {
                reported(Signal::Report(report));
            }
        });
        let crashed = Rc::clone(report);
        let error = Closure::<dyn FnMut(_)>::new(move |event: Event| {
            // Else it would end the engine too, and the app with it.
            event.prevent_default();
            // A script that was not loaded has no message.
            console::error_2(&THREAD.into(), &property(&event, "message"));
            crashed(Signal::Crash);
        });
        worker.set_onmessage(Some(message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(error.as_ref().unchecked_ref()));
        let thread = Self {
            worker,
            is_ready: false,
            started: now,
            _message: message,
            _error: error,
        };
        let given = thread.worker.post_message(&wasm_bindgen::module());
        given.map_err(|_| NO_WORKER)?;
        Ok(thread)
    }

    /// Whether it should take orders by now and does not.
    fn is_overdue(&self, now: Time) -> bool {
        !self.is_ready && now.since(self.started) >= STARTING
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}
