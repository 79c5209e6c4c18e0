//! The entries: the page's, which loader.js calls, and those of its Web Workers, which
//! worker-loader.js calls. They are one module: apart, what both need was loaded twice.

use gloo_worker::Registrable;
use mqdrop::app;
use mqdrop::bridge::BridgeCodec;
use mqdrop::worker::{self, EngineWorker};
use wasm_bindgen::prelude::wasm_bindgen;

fn main() {}

/// Draws the app and starts its engine's worker. If the page is to be in another language than English,
/// `language` is its code and `words` what its file holds.
#[wasm_bindgen]
pub fn run_app(language: Option<String>, words: Option<String>) {
    app::mount(language.zip(words));
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
