//! The built `mqdrop serve`, used as people and browsers use it.

mod crowding;
mod mqtt;
mod options;
mod stopping;
mod support;
mod web;
