//! mqdrop in the browser: the app that people see, and the worker that does the work.
//!
//! One program has both, see src/main.rs.

pub mod app;
pub mod bridge;
pub mod js;
mod packed;
pub mod worker;
