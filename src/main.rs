//! Mounts the app: nothing else.

fn main() {
    mqdrop::app::mount();
}
