//! The Web Worker's entry: runs the engine off the UI thread.

use gloo_worker::Registrable;
use mqdrop::bridge::BridgeCodec;
use mqdrop::worker::{EngineWorker, report_panics};

fn main() {
    report_panics();
    EngineWorker::registrar()
        .encoding::<BridgeCodec>()
        .register();
}
