//! The built `mqdrop serve`, used as people and browsers use it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers fail as tests do, and the lints only know the test functions themselves"
)]

mod attention;
mod crowding;
mod limits;
mod load;
mod logins;
mod logs;
mod memory;
mod mqtt;
mod openness;
mod options;
mod retained;
mod stopping;
mod support;
mod tls;
mod web;
mod wills;
