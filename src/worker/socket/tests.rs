//! Sockets without a thread behind them, and threads that do not run.

use core::cell::RefCell;

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

use super::*;

/// A script that does nothing.
const EMPTY: &str = "data:text/javascript,";

/// Scripts that do not run: one is no script, the other one is not there.
const BROKEN: [&str; 2] = ["data:text/javascript,broken(", "./no-such-script.js"];

fn is_open(socket: &mut Socket, number: u32) -> bool {
    let report = Signal::Report(Report::Open {
        number,
        compresses: false,
    });
    matches!(socket.handle(report), Some(SocketEvent::Open { .. }))
}

fn received(socket: &mut Socket, number: u32) -> Option<usize> {
    let buffer = ArrayBuffer::new(100_000);
    match socket.handle(Signal::Report(Report::Message { number, buffer })) {
        Some(SocketEvent::Message(bytes)) => Some(bytes.len()),
        _ => None,
    }
}

fn sent(socket: &mut Socket, number: u32, length: u32) {
    let buffer = ArrayBuffer::new(length);
    let report = Report::Sent {
        number,
        buffer,
        length,
    };
    assert!(socket.handle(Signal::Report(report)).is_none());
}

#[wasm_bindgen_test]
fn takes_as_much_as_is_reported_back() {
    let mut socket = Socket::new(EMPTY.into(), Rc::new(|_| ()), Time::ZERO);
    socket
        .open("ws://one.example/mqtt".into(), Time::ZERO)
        .unwrap();
    let number = socket.number;
    assert!(!socket.has_room());
    assert!(is_open(&mut socket, number));
    while socket.has_room() {
        socket.send(&[1; 1_000_000]);
    }
    assert_eq!(socket.queued, 5_000_000);
    sent(&mut socket, number, 1_000_000);
    assert!(socket.has_room());
    // Its buffer is used again, and handed over with the bytes.
    let spare = socket.spare[0].clone();
    socket.send(&[2; 900_000]);
    assert_eq!((spare.byte_length(), socket.spare.len()), (0, 0));
}

#[wasm_bindgen_test]
fn of_earlier_connections_nothing_is_heard() {
    let mut socket = Socket::new(EMPTY.into(), Rc::new(|_| ()), Time::ZERO);
    socket
        .open("ws://one.example/mqtt".into(), Time::ZERO)
        .unwrap();
    let first = socket.number;
    assert!(is_open(&mut socket, first));
    assert_eq!(received(&mut socket, first), Some(100_000));
    socket.send(&[1; 1_000_000]);
    socket
        .open("ws://two.example/mqtt".into(), Time::ZERO)
        .unwrap();
    let second = socket.number;
    assert!(!is_open(&mut socket, first));
    assert_eq!(received(&mut socket, first), None);
    assert!(is_open(&mut socket, second));
    socket.send(&[1; 1000]);
    socket.flush();
    sent(&mut socket, first, 1_000_000);
    assert_eq!(socket.queued, 1000);
    let close = SocketClose::Closed { code: None };
    let lost = Report::Close {
        number: first,
        close,
    };
    assert!(socket.handle(Signal::Report(lost)).is_none());
    assert!(socket.has_room());
}

#[wasm_bindgen_test]
async fn a_thread_that_does_not_run_is_said() {
    for script in BROKEN {
        let heard = Rc::new(RefCell::new(None));
        let seen = Rc::clone(&heard);
        let mut socket = None;
        let promise = Promise::new(&mut |resolve, _| {
            let seen = Rc::clone(&seen);
            let report = move |signal| {
                *seen.borrow_mut() = Some(signal);
                resolve.call0(&JsValue::UNDEFINED).unwrap();
            };
            let here = crate::worker::clock::global().location().href();
            let address = web_sys::Url::new_with_base(script, &here).map(|url| url.href());
            // The tests' own server may have no place beside it.
            let address = address.unwrap_or_else(|_| script.to_owned());
            socket = Some(Socket::new(address, Rc::new(report), Time::ZERO));
        });
        let mut socket = socket.unwrap();
        socket
            .open("ws://one.example/mqtt".into(), Time::ZERO)
            .unwrap();
        JsFuture::from(promise).await.unwrap();
        let event = socket.handle(heard.take().unwrap());
        assert!(
            matches!(
                event,
                Some(SocketEvent::Close(SocketClose::Refused(Obstacle::NoPart)))
            ),
            "{script}"
        );
        // The next one gets another thread.
        assert!(socket.thread.is_none());
        socket
            .open("ws://one.example/mqtt".into(), Time::ZERO)
            .unwrap();
        assert!(socket.thread.is_some());
    }
}

#[wasm_bindgen_test]
fn a_thread_that_never_gets_ready_is_given_up() {
    let mut socket = Socket::new(EMPTY.into(), Rc::new(|_| ()), Time::ZERO);
    let mut is_the_same = |now: Time, is_ready: bool| {
        let worker = |socket: &Socket| {
            let thread = socket.thread.as_ref();
            thread.map(|thread| JsValue::from(thread.worker.clone()))
        };
        let before = worker(&socket);
        if let Some(thread) = &mut socket.thread {
            thread.is_ready = is_ready;
        }
        socket.open("ws://one.example/mqtt".into(), now).unwrap();
        before == worker(&socket)
    };
    let overdue = Time::ZERO + STARTING;
    assert!(is_the_same(Time::ZERO, false));
    assert!(!is_the_same(overdue, false));
    assert!(is_the_same(overdue + STARTING, true));
}
