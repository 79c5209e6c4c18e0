//! How much memory something takes, where there is a way to tell.

#[cfg(not(target_arch = "wasm32"))]
#[global_allocator]
static MEMORY: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

/// The most bytes that are allocated while `body` runs, beyond what is allocated before. Others
/// that run beside it are counted as well.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn peak(body: impl FnOnce()) -> u64 {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    body();
    MEMORY.peak_usage().saturating_sub(before) as u64
}

/// In wasm nothing is counted.
#[cfg(target_arch = "wasm32")]
pub(crate) fn peak(body: impl FnOnce()) -> u64 {
    body();
    0
}
