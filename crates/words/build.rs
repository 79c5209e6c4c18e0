//! Makes the functions of English's messages, and checks every other language against it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use mqdrop_languages::{Language, functions};

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    let folder = Path::new("languages");
    let of_terminals = Path::new("terminal");
    for folder in [folder, of_terminals] {
        println!("cargo::rerun-if-changed={}", folder.display());
    }
    let mut english = read(&folder.join("en.toml"))?;
    let files = std::fs::read_dir(folder).map_err(|error| error.to_string())?;
    for file in files {
        let path = file.map_err(|error| error.to_string())?.path();
        let language = read(&path)?;
        let packed = language.packed(&english);
        packed.map_err(|fault| format!("{}: {fault}", path.display()))?;
        if !matches!(language.text("language_direction"), Some("ltr" | "rtl")) {
            let path = path.display();
            return Err(format!(
                "{path}: `language_direction` is neither ltr nor rtl"
            ));
        }
    }
    // The target decides, not a feature: cargo resolves the page's features together with those of all
    // default members, and would switch it on for the page as well.
    let is_page = std::env::var_os("CARGO_CFG_TARGET_ARCH").is_some_and(|arch| arch == "wasm32");
    if !is_page {
        let of_terminals = read(&of_terminals.join("en.toml"))?;
        english.messages.extend(of_terminals.messages);
    }
    let out = std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    let out = PathBuf::from(out).join("messages.rs");
    let code = functions(&english).map_err(|fault| format!("en.toml: {fault}"))?;
    std::fs::write(out, code).map_err(|error| error.to_string())
}

fn read(path: &Path) -> Result<Language, String> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let source = std::fs::read_to_string(path).map_err(|error| named(&error))?;
    Language::parse(&source).map_err(|fault| named(&fault))
}
