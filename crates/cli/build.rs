//! Makes sure the folder of the built app exists, so that the station also
//! compiles before the app was built for the first time.

use std::path::PathBuf;

fn main() {
    let dist = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../dist");
    println!("cargo:rerun-if-changed={}", dist.display());
    if let Err(error) = std::fs::create_dir_all(&dist) {
        println!("cargo:error=cannot create {}: {error}", dist.display());
    }
}
