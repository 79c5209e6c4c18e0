//! Builds the static site in `dist/`.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

use mqdrop_languages::Language;

use crate::process::{cargo_home, find, output_of, program, run};
use crate::{setup, workspace};

/// The first wasm-opt that knows what today's rustc emits.
const WASM_OPT_MAJOR: u32 = 116;

/// The WebAssembly features rustc uses by default, all in every browser since 2021 or earlier.
const WASM_FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-simd",
    "--enable-multivalue",
];

/// Builds into `dist/`, optimised or quickly.
pub(crate) fn build(optimised: bool) -> Result<(), String> {
    setup::for_site()?;
    let mut trunk = program("trunk");
    trunk.arg("build");
    if optimised {
        trunk.args(["--release", "--cargo-profile", "web"]);
        // Together with those of .cargo/config.toml.
        let given = env::var(RUSTFLAGS).unwrap_or_default();
        trunk.env(RUSTFLAGS, [given, nameless()].join(" "));
    }
    // trunk reads NO_COLOR as true or false and stops at the usual "1".
    run(trunk.env_remove("NO_COLOR"))?;
    if optimised {
        shrink()?;
        shorten()?;
        name_by_content()?;
    }
    deliver_languages()
}

/// Writes each language's file, and their list into the page.
fn deliver_languages() -> Result<(), String> {
    let dist = workspace::root().join("dist");
    let sources = workspace::root().join("crates/words/languages");
    let delivered = dist.join("lang");
    fs::create_dir_all(&delivered)
        .map_err(|error| format!("{} cannot be made: {error}.", delivered.display()))?;
    let english = language(&sources.join("en.toml"))?;
    let mut list = Vec::new();
    for source in files(&sources, "toml")? {
        let code = source.file_stem().unwrap_or_default().to_string_lossy();
        let language = language(&source)?;
        let faulty = |fault| format!("{}: {fault}.", source.display());
        let text = language.delivered(&english).map_err(faulty)?;
        write(&delivered.join(format!("{code}.txt")), &text)?;
        let name = language.text("language_name").unwrap_or_default();
        list.push(format!("{code} {name}"));
    }
    let page = dist.join("index.html");
    let empty = r#"name="mqdrop-languages" content=""#;
    let text = read_text(&page)?;
    if !text.contains(empty) {
        return Err("dist/index.html has no place for the languages.".to_owned());
    }
    write(
        &page,
        &text.replace(empty, &format!("{empty}{}", list.join(", "))),
    )
}

fn language(source: &Path) -> Result<Language, String> {
    Language::parse(&read_text(source)?).map_err(|fault| format!("{}: {fault}.", source.display()))
}

/// Names the app's script and module after what they are now. Trunk named them before they were made
/// smaller, and browsers keep for ever what has a hash in its name.
fn name_by_content() -> Result<(), String> {
    let dist = workspace::root().join("dist");
    let page = dist.join("index.html");
    let text = read_text(&page)?;
    let old = app_name(&text).ok_or("dist/index.html names no script of the app.")?;
    let parts = [".js", "_bg.wasm"];
    let mut hasher = DefaultHasher::new();
    for part in parts {
        hasher.write(&read(&dist.join(format!("{old}{part}")))?);
    }
    let new = format!("app-{:016x}", hasher.finish());
    for part in parts {
        let (from, to) = (format!("{old}{part}"), format!("{new}{part}"));
        fs::rename(dist.join(&from), dist.join(&to))
            .map_err(|error| format!("{from} cannot be renamed: {error}."))?;
    }
    // The script names its module, too.
    for file in [page, dist.join(format!("{new}.js"))] {
        write(&file, &read_text(&file)?.replace(old, &new))?;
    }
    Ok(())
}

/// The page's name for the app's script, without its ending.
fn app_name(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("data-js=\"")?;
    let (path, _) = rest.split_once(".js\"")?;
    path.rsplit('/').next()
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| format!("{} cannot be read: {error}.", file.display()))
}

fn read_text(file: &Path) -> Result<String, String> {
    String::from_utf8(read(file)?).map_err(|_| format!("{} is no text.", file.display()))
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    fs::write(file, text).map_err(|error| format!("{} cannot be written: {error}.", file.display()))
}

/// Options for rustc that cargo adds to the target's others.
const RUSTFLAGS: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS";

/// Options that keep this machine's folders out of the site, where the words of panics name them: it
/// is smaller without, depends less on who builds it, and tells nobody's home.
fn nameless() -> String {
    let sources = cargo_home().map(|home| home.join("registry").join("src"));
    // Where it is installed; else rustc names it by its commit.
    let library = output_of(program("rustc").args(["--print", "sysroot"]))
        .map(|sysroot| Path::new(sysroot.trim()).join("lib/rustlib/src/rust"));
    let commit = output_of(program("rustc").arg("-vV")).and_then(|text| commit_in(&text));
    [
        (sources, String::new()),
        (library, format!("/rustc/{}", commit.unwrap_or_default())),
    ]
    .into_iter()
    .filter_map(|(folder, name)| Some((folder?.into_os_string().into_string().ok()?, name)))
    // Options are told apart by spaces.
    .filter(|(folder, _)| !folder.contains(char::is_whitespace))
    .map(|(folder, name)| format!("--remap-path-prefix={folder}={name} "))
    .collect()
}

/// The first browsers with all that the app needs, as esbuild names them.
const BROWSERS: &str = "chrome91,firefox114,safari16.4";

/// Runs esbuild over the site's scripts, where there is one: half of what wasm-bindgen writes is
/// comments and names.
fn shorten() -> Result<(), String> {
    let esbuild = node_program("esbuild");
    if output_of(program(&esbuild).arg("--version")).is_none() {
        eprintln!(
            "Warning: no esbuild, so the site is larger than it could be; `npm ci` in e2e/ brings one."
        );
        return Ok(());
    }
    let dist = workspace::root().join("dist");
    let mut scripts = files(&dist, "js")?;
    // The page names that one's hash.
    scripts.retain(|file| !starts_with(file, "loader-"));
    let styles = files(&dist, "css")?;
    let mut outdir = OsString::from("--outdir=");
    outdir.push(&dist);
    run(program(&esbuild)
        .args(["--minify", "--allow-overwrite", "--log-level=warning"])
        .arg(format!("--target={BROWSERS}"))
        .arg(outdir)
        .args(scripts)
        .args(styles))
}

/// For the app, which encrypts and hashes. Functions with one caller stay on their own: browsers
/// compile a function that is run often a second time and well, and that takes long if all that is
/// rarely run is part of it.
const FAST: &[&str] = &["-O3", "--one-caller-inline-max-function-size=100"];

/// For what seldom runs. Compressed it is shorter than with `-Oz`.
const SMALL: &[&str] = &["-Os"];

/// Runs wasm-opt over the site's wasm files, where there is one.
fn shrink() -> Result<(), String> {
    let Some(wasm_opt) = wasm_opt() else {
        eprintln!(
            "Warning: no wasm-opt {WASM_OPT_MAJOR} or newer, so the site is larger than it could be; `npm ci` in e2e/ brings one."
        );
        return Ok(());
    };
    for file in files(&workspace::root().join("dist"), "wasm")? {
        let before = size(&file);
        let optimised = file.with_extension("wasm.opt");
        run(program(&wasm_opt)
            .args(if starts_with(&file, "extras") {
                SMALL
            } else {
                FAST
            })
            // Similar entries lie side by side then, which compresses better.
            .arg("--reorder-functions-by-name")
            .args(WASM_FEATURES)
            .arg(&file)
            .arg("-o")
            .arg(&optimised))?;
        fs::rename(&optimised, &file)
            .map_err(|error| format!("{} cannot be replaced: {error}.", file.display()))?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        println!("{name}: {before} KiB, optimised {} KiB", size(&file));
    }
    Ok(())
}

/// The one of the Node packages, or one on the search path that is new enough.
fn wasm_opt() -> Option<PathBuf> {
    [Some(node_program("wasm-opt")), find("wasm-opt")]
        .into_iter()
        .flatten()
        .find(|candidate| {
            output_of(program(candidate).arg("--version"))
                .and_then(|text| version_in(&text))
                .is_some_and(|version| version >= WASM_OPT_MAJOR)
        })
}

/// A program that comes with the Node packages.
fn node_program(name: &str) -> PathBuf {
    let packages = workspace::root().join("e2e").join("node_modules");
    packages.join(".bin").join(name)
}

fn starts_with(file: &Path, beginning: &str) -> bool {
    file.file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with(beginning))
}

/// The number in "wasm-opt version 132 (version_132)".
fn version_in(text: &str) -> Option<u32> {
    text.split_whitespace().nth(2)?.parse().ok()
}

/// The "commit-hash: …" of `rustc -vV`.
fn commit_in(text: &str) -> Option<String> {
    let line = |line: &str| Some(line.strip_prefix("commit-hash:")?.trim().to_owned());
    text.lines().find_map(line)
}

/// The files of a folder whose names end so.
fn files(folder: &Path, end: &str) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder)
        .map_err(|error| format!("{} cannot be read: {error}.", folder.display()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == end))
        .collect();
    files.sort();
    Ok(files)
}

/// In KiB.
fn size(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |data| data.len().div_ceil(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_wasm_opt_is_its_third_word() {
        assert_eq!(
            version_in("wasm-opt version 132 (version_132)\n"),
            Some(132)
        );
        assert_eq!(version_in("wasm-opt"), None);
    }

    #[test]
    fn the_page_names_the_script_of_the_app() {
        let page =
            r#"<meta name="mqdrop-app" data-js="./app-0123.js" data-wasm="./app-0123_bg.wasm" />"#;
        assert_eq!(app_name(page), Some("app-0123"));
        assert_eq!(app_name("<html></html>"), None);
    }

    #[test]
    fn rustc_names_its_commit() {
        let text =
            "rustc 1.95.0 (abc 2026-04-14)\nbinary: rustc\ncommit-hash: 59807616e\nhost: x\n";
        assert_eq!(commit_in(text).as_deref(), Some("59807616e"));
        assert_eq!(commit_in("rustc 1.95.0\n"), None);
    }
}
