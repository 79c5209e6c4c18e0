//! Pure: no sockets, clock, randomness, storage, threads or browser. Time, seed and bytes come in; bytes, deadlines and events come out.
