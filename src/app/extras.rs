//! The module that joining and transferring do without (src/extras), loaded for what needs it.

use js_sys::{Function, Uint8Array};
use leptos::prelude::*;
use mqdrop_core::view::FileView;
use wasm_bindgen::JsValue;
use web_sys::Blob;

use crate::js;

/// The module with these, once it is loaded.
#[derive(Clone, Copy)]
pub(super) struct Extras(RwSignal<Option<Module>, LocalStorage>);

/// The module did not load: the network or the site's host is not there.
#[derive(Debug)]
pub(super) struct NotLoaded;

/// The module is not the one that was asked for: the site's host has another build by now, and so
/// will have this page once it is loaded again.
#[derive(Debug)]
pub(super) struct Outdated;

/// The functions of the module, once it is loaded.
#[derive(Clone)]
pub(super) struct Module(JsValue);

/// A QR code to be drawn.
pub(super) struct QrCode {
    /// Its width and height in modules, with the light ones around it.
    pub(super) side: i32,
    /// The dark modules as an SVG path.
    pub(super) path: String,
}

impl Extras {
    pub(super) fn new() -> Self {
        Self(RwSignal::new_local(None))
    }

    /// The module, if it is there.
    pub(super) fn get(self) -> Option<Module> {
        self.0.get()
    }

    /// Loads the module, unless it is there.
    ///
    /// # Errors
    /// If it cannot be loaded now; the next call tries again.
    pub(super) async fn load(self) -> Result<Module, NotLoaded> {
        if let Some(module) = self.0.get_untracked() {
            return Ok(module);
        }
        // loader.js has it: wasm cannot import modules.
        let module = js::call_async(&window(), "loadExtras", &[]).await;
        let module = Module(module.map_err(|_| NotLoaded)?);
        self.0.set(Some(module.clone()));
        Ok(module)
    }
}

impl Module {
    /// Makes a key; `None` if the browser gives no random numbers.
    pub(super) fn generate_key(&self) -> Result<Option<String>, Outdated> {
        Ok(self.call("generate_key", &[])?.as_string())
    }

    /// How hard a key is to guess: `weak`, `fair` or `strong`.
    pub(super) fn key_level(&self, key: &str) -> Result<String, Outdated> {
        let level = self.call("key_level", &[&key.into()])?;
        level.as_string().ok_or(Outdated)
    }

    /// Letters of a key that may be taken for others, each with the name of its alphabet before it.
    pub(super) fn doubtful_letters(&self, key: &str) -> Result<Vec<String>, Outdated> {
        let letters = self.call("doubtful_letters", &[&key.into()])?;
        let letters = letters.as_string().ok_or(Outdated)?;
        Ok(letters.lines().map(str::to_owned).collect())
    }

    /// A text as a QR code; `None` if it is too long for one.
    pub(super) fn qr_code(&self, text: &str) -> Result<Option<QrCode>, Outdated> {
        let code = self.call("qr_code", &[&text.into()])?;
        if code.is_undefined() {
            return Ok(None);
        }
        let side = js::property(&code, "side").as_f64();
        let path = js::property(&code, "path").as_string();
        let drawn = side.zip(path).map(|(side, path)| QrCode {
            side: side as i32,
            path,
        });
        drawn.map(Some).ok_or(Outdated)
    }

    /// The eight words that stand for a person's key; `None` for what is no key.
    pub(super) fn fingerprint(&self, key: &str) -> Result<Option<String>, Outdated> {
        Ok(self.call("fingerprint", &[&key.into()])?.as_string())
    }

    /// Saves a parcel's files into a folder that is promised, or has them become an archive if there is
    /// none, see src/extras/together.rs.
    pub(super) async fn save_together(
        &self,
        folder: &JsValue,
        content: &Blob,
        files: &[FileView],
        go_on: &Function,
    ) -> Result<JsValue, JsValue> {
        // Into a vector nothing of a known length fails to be packed.
        let files = postcard::to_allocvec(files).unwrap_or_default();
        let files = Uint8Array::from(files.as_slice());
        let arguments = [folder, content, &files, go_on];
        js::call_async(&self.0, "save_together", &arguments).await
    }

    fn call(&self, function: &str, arguments: &[&JsValue]) -> Result<JsValue, Outdated> {
        js::call(&self.0, function, arguments).map_err(|_| Outdated)
    }
}
