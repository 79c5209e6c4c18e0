//! The browser's clock and the one timer of the driver.

use core::time::Duration;
use mqdrop_core::Time;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{Performance, WorkerGlobalScope};

/// No timer sleeps longer; the engine's deadlines are far below, and browsers wrap at 2³¹ ms.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);

/// This worker's global object.
pub(super) fn global() -> WorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// The monotonic clock of this worker, counted from its start.
pub(super) struct Clock(Option<Performance>);

impl Clock {
    pub(super) fn new() -> Self {
        Self(global().performance())
    }

    pub(super) fn now(&self) -> Time {
        let millis = self
            .0
            .as_ref()
            .map_or_else(js_sys::Date::now, Performance::now);
        Time::from_micros((millis * 1000.0) as u64)
    }
}

/// A timer that can be set to one deadline at a time.
pub(super) struct Alarm {
    callback: Closure<dyn FnMut()>,
    armed: Option<Armed>,
}

struct Armed {
    handle: i32,
    deadline: Time,
}

impl Alarm {
    /// `ring` is called at or after each deadline; throttled tabs may be late by minutes.
    pub(super) fn new(ring: impl Fn() + 'static) -> Self {
        Self {
            callback: Closure::new(ring),
            armed: None,
        }
    }

    /// Rings at `deadline` at the latest. A timer that is set to ring before is left alone, for
    /// deadlines move back with every packet and waking once too often is cheaper than setting anew.
    pub(super) fn set(&mut self, deadline: Time, now: Time) {
        if self
            .armed
            .as_ref()
            .is_some_and(|armed| armed.deadline <= deadline)
        {
            return;
        }
        self.stop();
        // Rounded up: a timer that rings too early would be set again in vain.
        let millis = deadline
            .since(now)
            .min(LONGEST_SLEEP)
            .as_micros()
            .div_ceil(1000) as i32;
        let armed = global().set_timeout_with_callback_and_timeout_and_arguments_0(
            self.callback.as_ref().unchecked_ref(),
            millis,
        );
        // It only fails where scripts are forbidden, and then nothing here would run.
        self.armed = armed.ok().map(|handle| Armed { handle, deadline });
    }

    /// To be called when it rang.
    pub(super) fn rang(&mut self) {
        self.armed = None;
    }

    fn stop(&mut self) {
        if let Some(armed) = self.armed.take() {
            global().clear_timeout_with_handle(armed.handle);
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.stop();
    }
}
