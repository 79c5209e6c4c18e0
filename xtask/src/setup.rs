//! Installs what is missing, and says so before it does.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::process::{cargo, find, output_of, program, run};
use crate::workspace::{self, tool_version, wasm_bindgen_version};

/// The first Node with everything the end-to-end tests use.
const NODE: (u32, u32) = (20, 14);

/// A Debian package and a command that comes with it.
struct Package {
    name: &'static str,
    command: &'static str,
}

/// libFuzzer is written in it.
const CPP: Package = Package {
    name: "g++",
    command: "c++",
};
const CHROMIUM: Package = Package {
    name: "chromium",
    command: "chromium",
};
const CHROMEDRIVER: Package = Package {
    name: "chromium-driver",
    command: "chromedriver",
};
const MOSQUITTO: Package = Package {
    name: "mosquitto",
    command: "mosquitto",
};
/// Makes certificates for it.
const OPENSSL: Package = Package {
    name: "openssl",
    command: "openssl",
};
/// Programs that are not Debian's get folders of their own by it, and it reads zip archives in tests.
const PYTHON: Package = Package {
    name: "python3-venv",
    command: "python3",
};
/// Tests the zip archives that the page makes.
const UNZIP: Package = Package {
    name: "unzip",
    command: "unzip",
};
const RABBITMQ: Package = Package {
    name: "rabbitmq-server",
    command: "rabbitmq-server",
};
const NATS: Package = Package {
    name: "nats-server",
    command: "nats-server",
};
const FIREFOX: Package = Package {
    name: "firefox-esr",
    command: "firefox-esr",
};
/// WebKitGTK's MiniBrowser comes with it.
const WEBKIT: Package = Package {
    name: "webkit2gtk-driver",
    command: "WebKitWebDriver",
};
/// The screen that WebKitGTK draws to; Chromium and Firefox need none.
const XVFB: Package = Package {
    name: "xvfb",
    command: "Xvfb",
};

/// Sets up for building the site: Rust's wasm target, trunk and wasm-bindgen.
pub(crate) fn for_site() -> Result<(), String> {
    wasm_target()?;
    trunk()?;
    wasm_bindgen()
}

/// Trunk as it is used here: it starts cargo and copies files, so it need not be quick. Its own
/// release profile links all of it once more and takes three times as long. What it would fetch over
/// https, it is given.
fn trunk() -> Result<(), String> {
    Tool {
        package: "trunk",
        command: "trunk",
        version: tool_version("trunk")?,
        time: "about 3 minutes on 2 cores",
        options: &["--locked", "--no-default-features"],
        profile: &[("OPT_LEVEL", "0"), ("LTO", "off"), ("CODEGEN_UNITS", "16")],
    }
    .install()
}

/// Makes a module's JavaScript, and runs tests in a browser, for which it needs no https. A module
/// takes it a second; optimised it would be a third of that, and take a minute more to install.
fn wasm_bindgen() -> Result<(), String> {
    Tool {
        package: "wasm-bindgen-cli",
        command: "wasm-bindgen",
        version: wasm_bindgen_version()?,
        time: "about 1 minute on 2 cores",
        options: &["--no-default-features"],
        profile: &[("OPT_LEVEL", "0"), ("CODEGEN_UNITS", "16")],
    }
    .install()
}

/// Sets up for the wasm tests: Rust's wasm target, wasm-bindgen, Node, and a browser with its driver.
pub(crate) fn for_wasm_tests() -> Result<(), String> {
    wasm_target()?;
    wasm_bindgen()?;
    node()?;
    debian_packages(&[CHROMIUM, CHROMEDRIVER])
}

/// Where Chromium's WebDriver is.
pub(crate) fn chromedriver() -> Result<PathBuf, String> {
    find(CHROMEDRIVER.command).ok_or_else(|| format!("{} is missing.", CHROMEDRIVER.command))
}

/// Sets up for linting: rustfmt, clippy, Rust's wasm target, Node packages, and for what fuzzers run C++.
pub(crate) fn for_lint() -> Result<(), String> {
    for component in ["rustfmt", "clippy"] {
        let name = if component == "clippy" {
            "cargo-clippy"
        } else {
            component
        };
        if output_of(program(name).arg("--version")).is_none() {
            announce(component, "rustup");
            run(program("rustup").args(["component", "add", component]))?;
        }
    }
    debian_packages(&[CPP])?;
    node_packages()?;
    wasm_target()
}

/// Sets up for driving browsers: Node packages and a browser.
pub(crate) fn for_browsers() -> Result<(), String> {
    node_packages()?;
    // A user who names a browser need not have Debian's.
    if std::env::var_os("MQDROP_CHROMIUM").is_some() {
        return Ok(());
    }
    debian_packages(&[CHROMIUM])
}

/// Sets up what end-to-end tests need besides: browsers with other engines.
pub(crate) fn for_engines() -> Result<(), String> {
    let mut packages = vec![XVFB];
    // A user who names a browser need not have Debian's.
    for (package, variable) in [
        (FIREFOX, "MQDROP_FIREFOX"),
        (WEBKIT, "MQDROP_WEBKIT_DRIVER"),
    ] {
        if std::env::var_os(variable).is_none() {
            packages.push(package);
        }
    }
    debian_packages(&packages)
}

/// Sets up for reading the zip archives that tests make.
pub(crate) fn for_archives() -> Result<(), String> {
    debian_packages(&[UNZIP, PYTHON])
}

/// Sets up what end-to-end tests need besides: brokers that are not ours. One more comes with npm.
pub(crate) fn for_brokers() -> Result<(), String> {
    debian_packages(&[MOSQUITTO, OPENSSL, RABBITMQ, NATS])?;
    rumqttd("dev").map(drop)
}

/// The same, for measuring them; returns the program of the one that is built here.
pub(crate) fn for_measured_brokers() -> Result<PathBuf, String> {
    debian_packages(&[MOSQUITTO, OPENSSL, RABBITMQ, NATS])?;
    Ok(rumqttd("release")?
        .join("release")
        .join(format!("mqdrop-e2e-rumqttd{}", env::consts::EXE_SUFFIX)))
}

/// Builds the broker rumqttd from its crate, into a folder that e2e/lib/rumqttd.mjs knows.
fn rumqttd(profile: &str) -> Result<PathBuf, String> {
    let root = workspace::root();
    let folder = root.join("target").join("rumqttd");
    if !folder.is_dir() {
        announce("the broker rumqttd (about 1 minute on 2 cores)", "cargo");
    }
    let manifest = root.join("e2e").join("rumqttd").join("Cargo.toml");
    run(cargo()
        .args(["build", "--quiet", "--locked", "--manifest-path"])
        .arg(manifest)
        .args(["--profile", profile, "--target-dir"])
        .arg(&folder))?;
    Ok(folder)
}

/// The version of magic-wormhole, and its servers.
const MAGIC_WORMHOLE: &str = "0.24.0";
const MAGIC_WORMHOLE_SERVERS: [&str; 2] = [
    "magic-wormhole-mailbox-server==0.8.0",
    "magic-wormhole-transit-relay==0.5.0",
];

/// Installs magic-wormhole, which native transfers are measured beside, into an environment of its
/// own; returns the folder of its programs.
pub(crate) fn magic_wormhole() -> Result<PathBuf, String> {
    let folder = workspace::root().join("target").join("magic-wormhole");
    let programs = folder.join("bin");
    if installed_version(programs.join("wormhole")).as_deref() == Some(MAGIC_WORMHOLE) {
        return Ok(programs);
    }
    debian_packages(&[PYTHON])?;
    announce("magic-wormhole", "pip");
    run(program("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&folder))?;
    run(program(programs.join("pip"))
        .args(["install", "--quiet"])
        .arg(format!("magic-wormhole=={MAGIC_WORMHOLE}"))
        .args(MAGIC_WORMHOLE_SERVERS))?;
    Ok(programs)
}

/// The packages in e2e/package-lock.json, when they are not there yet or of another version.
pub(crate) fn node_packages() -> Result<(), String> {
    node()?;
    let folder = workspace::root().join("e2e");
    let modified = |path: PathBuf| fs::metadata(path).and_then(|data| data.modified()).ok();
    let wanted = modified(folder.join("package-lock.json"));
    let installed = modified(folder.join("node_modules").join(".package-lock.json"));
    if installed.is_some() && installed >= wanted {
        return Ok(());
    }
    announce("the Node packages of e2e/package-lock.json", "npm");
    run(program("npm")
        .args(["ci", "--no-audit", "--no-fund"])
        .current_dir(folder))
}

fn node() -> Result<(), String> {
    let (major, minor) = NODE;
    let wanted = format!("install Node {major}.{minor} or newer.");
    match output_of(program("node").arg("--version")).map(|text| node_version(&text)) {
        Some(version) if version >= Some(NODE) => Ok(()),
        Some(_) => Err(format!("Node is too old: {wanted}")),
        None => Err(format!("Node is missing: {wanted}")),
    }
}

/// The output of `node --version`: `v20.14.0`.
fn node_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim().trim_start_matches('v').split('.');
    let mut next = || numbers.next()?.parse().ok();
    Some((next()?, next()?))
}

fn wasm_target() -> Result<(), String> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let library =
        output_of(program("rustc").args(["--print", "target-libdir", "--target", TARGET]));
    if library.is_some_and(|path| PathBuf::from(path.trim()).is_dir()) {
        return Ok(());
    }
    announce(&format!("Rust's target {TARGET}"), "rustup");
    run(program("rustup").args(["target", "add", TARGET]))
}

/// A command that comes from a crate.
struct Tool {
    package: &'static str,
    command: &'static str,
    version: String,
    /// How long it takes, in words.
    time: &'static str,
    /// Further options for cargo.
    options: &'static [&'static str],
    /// Settings of cargo's release profile in place of the crate's own.
    profile: &'static [(&'static str, &'static str)],
}

impl Tool {
    /// Installs it unless it is there in this version.
    fn install(&self) -> Result<(), String> {
        let Self {
            package,
            command,
            version,
            ..
        } = self;
        if installed_version(command).as_ref() == Some(version) {
            return Ok(());
        }
        announce(&format!("{package} {version} ({})", self.time), "cargo");
        let mut install = cargo();
        install
            .args(["install", package, "--version", version, "--force"])
            .args(self.options);
        for (setting, value) in self.profile {
            install.env(format!("CARGO_PROFILE_RELEASE_{setting}"), value);
        }
        run(&mut install)?;
        match installed_version(command) {
            Some(found) if found == *version => Ok(()),
            found => Err(format!(
                "{command} {version} was installed, but {} is found first: put cargo's bin folder at the front of PATH.",
                found.unwrap_or_else(|| "nothing".into())
            )),
        }
    }
}

/// The version a command reports as its second word.
fn installed_version(command: impl AsRef<OsStr>) -> Option<String> {
    let text = output_of(program(command).arg("--version"))?;
    text.split_whitespace().nth(1).map(str::to_owned)
}

/// Installs Debian packages whose command is missing.
fn debian_packages(packages: &[Package]) -> Result<(), String> {
    let missing: Vec<&str> = packages
        .iter()
        .filter(|package| find(package.command).is_none())
        .map(|package| package.name)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if find("apt-get").is_none() {
        return Err(format!(
            "Install {list} with your system's package manager, then try again."
        ));
    }
    let prefix = privilege()
        .ok_or_else(|| format!("Run `apt-get install {list}` as root, then try again."))?;
    announce(&format!("Debian's {list}"), "apt-get");
    run(apt(prefix).arg("update"))?;
    run(apt(prefix)
        .args(["install", "--yes", "--no-install-recommends"])
        .args(&missing))
}

/// The prefix of a command that needs root: nothing as root, else sudo if it asks for no
/// password.
fn privilege() -> Option<&'static [&'static str]> {
    if output_of(program("id").arg("-u"))?.trim() == "0" {
        return Some(&[]);
    }
    output_of(program("sudo").args(["-n", "true"])).map(|_| &["sudo", "-n"][..])
}

fn apt(prefix: &[&str]) -> Command {
    let mut words = prefix.iter().copied().chain([
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "--quiet",
    ]);
    let mut command = program(words.next().unwrap_or("env"));
    command.args(words);
    command
}

fn announce(what: &str, with: &str) {
    println!("Installing {what} with {with}.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node() {
        assert_eq!(node_version("v20.14.0\n"), Some(NODE));
        assert!(node_version("v20.9.1") < Some(NODE) && node_version("v22.1.0") > Some(NODE));
        assert_eq!(node_version("node"), None);
    }
}
