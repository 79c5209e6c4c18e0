//! The Web Worker that runs the engine off the UI thread: a client whose platform is the browser, and
//! a driver that brings it what the app wants.

mod browser;
mod clock;
mod database;
mod driver;
mod handles;
mod news;
mod profile;
mod request;
mod socket;
mod sources;
mod store;

use std::rc::Rc;

use gloo_worker::{HandlerId, Worker, WorkerScope};

use crate::bridge::{Command, Event, Failure};
use driver::Driver;

pub use driver::Message;
pub use socket::run as run_socket;

// Synchronous file handles exist in dedicated workers only.
#[cfg(test)]
#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// The worker. Everything that happens to it becomes a [`Message`], so that they are worked off
/// one after the other whatever the browser calls when.
pub struct EngineWorker {
    /// There is none if the browser has no random numbers.
    driver: Option<Driver>,
    /// The app.
    app: Option<HandlerId>,
}

impl Worker for EngineWorker {
    type Message = Message;
    type Input = Command;
    type Output = Event;

    fn create(scope: &WorkerScope<Self>) -> Self {
        let scope = scope.clone();
        let mailbox = Rc::new(move |message: Message| scope.send_message(message));
        Self {
            driver: Driver::new(mailbox),
            app: None,
        }
    }

    fn update(&mut self, scope: &WorkerScope<Self>, message: Message) {
        let app = self.app;
        if let Some(driver) = &mut self.driver {
            driver.handle_message(message, &mut |event| {
                // Without an app there were no commands, and nothing is told in the middle of one.
                if let Some(app) = app {
                    scope.respond(app, event);
                }
            });
        }
        self.report(scope);
    }

    fn connected(&mut self, scope: &WorkerScope<Self>, id: HandlerId) {
        self.app = Some(id);
        self.report(scope);
    }

    fn received(&mut self, scope: &WorkerScope<Self>, command: Command, id: HandlerId) {
        match &mut self.driver {
            Some(driver) => {
                driver.handle_command(command, &mut |event| scope.respond(id, event));
                self.report(scope);
            }
            None => scope.respond(id, Event::Failed(Failure::NoRandom)),
        }
    }
}

impl EngineWorker {
    /// Passes on what there is to tell. Until the app is connected, it waits.
    fn report(&mut self, scope: &WorkerScope<Self>) {
        let (Some(driver), Some(app)) = (&mut self.driver, self.app) else {
            return;
        };
        driver.report(&mut |event| scope.respond(app, event));
    }
}

/// Makes a panic readable in the browser's console. It ends the worker, which the app sees as an
/// error of the worker.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        web_sys::console::error_1(&panic.to_string().into())
    }));
}
