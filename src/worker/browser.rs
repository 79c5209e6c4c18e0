//! The browser as a client's platform.

use std::rc::Rc;

use bytes::Bytes;
use mqdrop_client::{Input, Platform};
use mqdrop_core::{ParcelId, ReadRequest, SocketClose, StoreReply, StoreRequest, Time};
use web_sys::Blob;

use super::clock::{Alarm, Clock, global};
use super::socket::{self, Socket, SocketEvent};
use super::sources::{ReadResult, Sources};
use super::store::{Outcome, Shelf};
use super::{handles, profile};

/// Something that the browser reports, to be brought back to [`Browser::handle`].
pub(super) enum Signal {
    /// The time that the alarm was set to has come.
    Alarm,
    Socket(socket::Signal),
    Read(ReadResult),
    Store(Outcome),
}

/// A socket, files, stores, a clock and an alarm.
pub(super) struct Browser {
    clock: Clock,
    alarm: Alarm,
    socket: Socket,
    pub(super) sources: Sources,
    pub(super) shelf: Shelf,
}

impl Browser {
    /// `report` is told what happens, never from within a call.
    pub(super) fn new(report: Rc<dyn Fn(Signal)>) -> Self {
        let clock = Clock::new();
        let script = global().location().href();
        let rung = sender(&report, |()| Signal::Alarm);
        Self {
            alarm: Alarm::new(move || rung(())),
            socket: Socket::new(script, sender(&report, Signal::Socket), clock.now()),
            clock,
            sources: Sources::new(sender(&report, Signal::Read)),
            shelf: Shelf::new(sender(&report, Signal::Store)),
        }
    }

    /// The input that a signal is for the client.
    pub(super) fn handle(&mut self, signal: Signal) -> Input<Blob> {
        let input = match signal {
            Signal::Alarm => {
                self.alarm.rang();
                None
            }
            Signal::Socket(signal) => self.socket.handle(signal).map(|event| match event {
                SocketEvent::Open { compresses } => Input::Opened {
                    compresses,
                    wall: profile::now(),
                },
                SocketEvent::Message(bytes) => Input::Received(bytes),
                SocketEvent::Close(close) => Input::Closed(close),
            }),
            Signal::Read((request, result)) => Some(Input::Read(request, result)),
            Signal::Store(outcome) => self.shelf.handle(outcome),
        };
        input.unwrap_or(Input::Woken)
    }
}

impl Platform for Browser {
    type Content = Blob;

    fn now(&self) -> Time {
        self.clock.now()
    }

    fn open(&mut self, url: String) -> Result<(), SocketClose> {
        self.socket.open(url, self.clock.now())
    }

    fn has_room(&self) -> bool {
        self.socket.has_room()
    }

    fn send(&mut self, packet: Bytes) {
        self.socket.send(&packet);
    }

    fn flush(&mut self) {
        self.socket.flush();
    }

    fn close(&mut self, last: Vec<Bytes>) {
        if self.socket.is_open() {
            last.iter().for_each(|packet| self.socket.send(packet));
            self.socket.flush();
        }
        self.socket.close();
    }

    fn read(&mut self, request: ReadRequest) {
        self.sources.read(request);
    }

    fn forget_files(&mut self, parcel: ParcelId) {
        self.sources.forget(parcel);
    }

    fn store(&mut self, request: StoreRequest) -> Option<StoreReply> {
        if let StoreRequest::Discard { parcel } = request {
            handles::forget(parcel);
        }
        self.shelf.request(request)
    }

    fn wake(&mut self, at: Time) {
        self.alarm.set(at, self.clock.now());
    }
}

/// A callback that reports what it is given as a signal.
fn sender<T: 'static>(
    report: &Rc<dyn Fn(Signal)>,
    signal: impl Fn(T) -> Signal + 'static,
) -> Rc<dyn Fn(T)> {
    let report = Rc::clone(report);
    Rc::new(move |value| report(signal(value)))
}
