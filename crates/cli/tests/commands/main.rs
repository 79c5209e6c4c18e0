//! The built `mqdrop send` and `mqdrop receive`, used as people and scripts use them, in a room of a
//! real `mqdrop serve`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers fail as tests do, and the lints only know the test functions themselves"
)]

mod broker;
mod contents;
mod describing;
mod doctor;
mod ending;
mod hostile;
mod people;
mod restarting;
mod support;
#[cfg(unix)]
mod terminal;
mod trust;
mod usage;
