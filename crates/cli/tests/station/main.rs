//! The built `mqdrop serve`, used as people and browsers use it.

// Helpers fail as tests do; the lints only know the test functions themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

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
