//! The Web Workers' entries. worker-loader.js calls the one that its worker is for.

use gloo_worker::Registrable;
use mqdrop::bridge::BridgeCodec;
use mqdrop::worker::{self, EngineWorker};
use wasm_bindgen::prelude::wasm_bindgen;

fn main() {
    worker::report_panics();
}

/// Runs the engine off the UI thread.
#[wasm_bindgen]
pub fn run_engine() {
    EngineWorker::registrar()
        .encoding::<BridgeCodec>()
        .register();
}

/// Runs the thread that has the engine's WebSocket.
#[wasm_bindgen]
pub fn run_socket() {
    worker::run_socket();
}
