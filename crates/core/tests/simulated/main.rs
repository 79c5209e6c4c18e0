//! Engines that meet in a simulated world (`mqdrop_sim`), on its virtual clock. One binary for all
//! of them: each more is linked once more, natively and in wasm.

mod brokers;
mod ending;
mod leaving;
mod left_out;
mod limits;
mod meeting;
mod restarts;
mod rights;
mod rooms;
mod seeds;
mod storage;
mod truth;
mod waiting;
