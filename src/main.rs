//! The entries: the page's, which loader.js calls, and those of its Web Workers, which
//! worker-loader.js calls. They are one module: apart, what both need was loaded twice.

use gloo_worker::Registrable;
use mqdrop::app;
use mqdrop::bridge::BridgeCodec;
use mqdrop::worker::{self, EngineWorker};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

fn main() {}

/// Draws the app and starts its engine's worker. `language` is what the loader knows of the page's
/// language, if that is another one than English. Returns the word for a list of languages.
#[wasm_bindgen]
pub fn run_app(language: JsValue) -> JsValue {
    app::mount(language).into()
}

/// Runs the engine off the UI thread.
#[wasm_bindgen]
pub fn run_engine() {
    worker::report_panics();
    EngineWorker::registrar()
        .encoding::<BridgeCodec>()
        .register();
}

/// Runs the thread that has the engine's WebSocket.
#[wasm_bindgen]
pub fn run_socket() {
    worker::report_panics();
    worker::run_socket();
}
