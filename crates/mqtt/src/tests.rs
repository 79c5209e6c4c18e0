//! The session and the codec against an independent codec; the same natively and in wasm.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers fail as tests do, and the lints only know the test functions themselves"
)]

mod client;
mod connect;
mod differential;
mod framing;
mod generate;
mod keep_alive;
mod malformed;
mod oracle;
mod property;
mod publish;
mod random;
mod resume;
mod subscribe;
