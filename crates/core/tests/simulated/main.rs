//! Engines that meet in a simulated world (`mqdrop_sim`), on its virtual clock. One binary for all
//! of them: each more is linked once more, natively and in wasm.

mod brokers;
mod ending;
mod leaving;
mod left_out;
mod limits;
mod meeting;
mod people;
mod restarts;
mod rights;
mod rooms;
mod seeds;
mod several;
mod storage;
mod truth;
mod waiting;

use mqdrop_core::view::{StatusView, TransferView};
use mqdrop_words::Words;

/// The words of a transfer's cause; empty if it has none.
fn said(view: &TransferView) -> String {
    Words::page().cause(view).unwrap_or_default()
}

/// The words of a connection's state.
fn said_of(status: &StatusView) -> String {
    Words::page().status(status)
}
