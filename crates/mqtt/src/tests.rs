//! The session and the codec against an independent codec; the same natively and in wasm.

// In a test, a panic is how a failure is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

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
