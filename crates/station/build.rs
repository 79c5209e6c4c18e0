//! Rebuilds the station when the app it contains was built anew.

fn main() {
    // A debug build reads the app at run time and need not be built again.
    let contains_app = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    println!("cargo:rerun-if-changed=build.rs");
    if contains_app {
        println!("cargo:rerun-if-changed=../../dist");
    }
}
