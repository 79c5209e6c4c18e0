//! mqdrop in the browser: the app that people see, and the worker that does the work.
//!
//! Both are compiled from this one library; each of the two binaries links only its half.

pub mod app;
pub mod bridge;
mod js;
pub mod worker;
