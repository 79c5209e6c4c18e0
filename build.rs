//! Names the build after its sources, so that the app can ask for the worker of its own build.

// This runs where it is built: what is banned in wasm works here.
#![allow(clippy::disallowed_methods)]

use std::{
    collections::hash_map::DefaultHasher,
    env, fs,
    hash::{Hash, Hasher},
    io,
    path::Path,
};

/// All that app, worker and extras are made of, and how they are built.
const SOURCES: [&str; 10] = [
    ".cargo/config.toml",
    "Cargo.toml",
    "Cargo.lock",
    "public/worker-loader.js",
    "src",
    "crates/aead",
    "crates/core",
    "crates/extras",
    "crates/mqtt",
    "crates/unicode",
];

fn main() -> io::Result<()> {
    let mut hasher = DefaultHasher::new();
    // A debug build is another program than a release build.
    env::var("PROFILE").unwrap_or_default().hash(&mut hasher);
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
        // One that is named wrongly is not to be left out in silence.
        fs::metadata(source)?;
        hash(Path::new(source), &mut hasher)?;
    }
    println!("cargo::rustc-env=MQDROP_BUILD={:016x}", hasher.finish());
    Ok(())
}

fn hash(path: &Path, hasher: &mut impl Hasher) -> io::Result<()> {
    if path.is_dir() {
        let mut entries = fs::read_dir(path)?
            .map(|entry| Ok(entry?.path()))
            .collect::<io::Result<Vec<_>>>()?;
        entries.sort();
        for entry in entries {
            hash(&entry, hasher)?;
        }
    } else if path.exists() {
        path.hash(hasher);
        fs::read(path)?.hash(hasher);
    }
    Ok(())
}
