//! Where things are, and the versions that are pinned.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The workspace's root folder.
pub(crate) fn root() -> PathBuf {
    // As cargo says now: the checkout may have moved since this was compiled.
    let xtask = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    xtask.parent().map_or_else(|| xtask.clone(), Path::to_owned)
}

/// Where cargo builds to: this program lies in `<target>/<profile>/`.
pub(crate) fn target_dir() -> PathBuf {
    env::current_exe()
        .ok()
        .and_then(|exe| exe.ancestors().nth(2).map(Path::to_owned))
        .unwrap_or_else(|| root().join("target"))
}

/// The station's binary of a profile: `debug` or `release`.
pub(crate) fn station_binary(profile: &str) -> PathBuf {
    target_dir()
        .join(profile)
        .join(format!("mqdrop{}", env::consts::EXE_SUFFIX))
}

/// The pinned version of a tool: `[workspace.metadata.tools]` in Cargo.toml.
pub(crate) fn tool_version(tool: &str) -> Result<String, String> {
    let manifest = read("Cargo.toml")?;
    pinned_in(&manifest, tool)
        .map(str::to_owned)
        .ok_or_else(|| format!("Cargo.toml pins no {tool}: add it to [workspace.metadata.tools]."))
}

/// The version of wasm-bindgen's command, which must equal the crate in Cargo.lock.
pub(crate) fn wasm_bindgen_version() -> Result<String, String> {
    let pinned = tool_version("wasm-bindgen-cli")?;
    let lock = read("Cargo.lock")?;
    match locked_in(&lock, "wasm-bindgen") {
        Some(locked) if locked != pinned => Err(format!(
            "Cargo.lock has wasm-bindgen {locked}, Cargo.toml pins wasm-bindgen-cli {pinned}: make them equal."
        )),
        _ => Ok(pinned),
    }
}

fn read(name: &str) -> Result<String, String> {
    let path = root().join(name);
    fs::read_to_string(&path)
        .map_err(|error| format!("{} cannot be read: {error}.", path.display()))
}

fn pinned_in<'a>(manifest: &'a str, tool: &str) -> Option<&'a str> {
    manifest
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "[workspace.metadata.tools]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('='))
        .find(|(name, _)| name.trim() == tool)
        .map(|(_, version)| version.trim().trim_matches('"'))
}

fn locked_in<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    lock.lines()
        .skip_while(|line| *line != name)
        .find_map(|line| line.strip_prefix("version = "))
        .map(|version| version.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_read_from_its_table_only() {
        let manifest = "trunk = \"1\"\n[workspace.metadata.tools]\ntrunk = \"0.21.14\"\n\n[profile.dev]\nnode = \"2\"\n";
        assert_eq!(pinned_in(manifest, "trunk"), Some("0.21.14"));
        assert_eq!(pinned_in(manifest, "node"), None);
    }

    #[test]
    fn a_locked_version_is_the_one_after_the_exact_name() {
        let lock = "[[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4\"\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(locked_in(lock, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(locked_in(lock, "trunk"), None);
    }

    #[test]
    fn the_workspace_pins_its_tools_consistently() {
        assert!(tool_version("trunk").is_ok());
        assert_eq!(wasm_bindgen_version(), tool_version("wasm-bindgen-cli"));
    }
}
