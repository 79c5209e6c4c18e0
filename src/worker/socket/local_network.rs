//! Whether the browser keeps this page from the local network.
//!
//! Browsers ask their user before a public page may reach devices nearby, and an address that is
//! withheld looks to the page like one where nobody listens
//! (<https://wicg.github.io/local-network-access/>).

use mqdrop_core::SocketClose;

use crate::app::address::{self, Place};
use crate::js::{call_async, property};
use crate::worker::clock::global;

/// The permission for everything nearby, where a browser does not tell the two apart.
const BOTH: &str = "local-network-access";

/// Why a connection to `url` did not open.
pub(super) async fn why_not(url: &str) -> SocketClose {
    let target = address::place(address::host(url));
    let own = address::place(&global().location().host());
    // From where this page came from nothing is withheld.
    if own >= target && target != Place::Elsewhere {
        return SocketClose::Unreachable;
    }
    let one = if target == Place::ThisMachine {
        "loopback-network"
    } else {
        "local-network"
    };
    let mut is_denied = false;
    for name in [one, BOTH] {
        is_denied |= state(name).await.as_deref() == Some("denied");
    }
    if is_denied {
        SocketClose::Refused(words(url, target))
    } else {
        SocketClose::Unreachable
    }
}

fn words(url: &str, target: Place) -> String {
    let how = "allow “local network” for this page in the settings beside the address bar, then reload it";
    match target {
        Place::ThisMachine | Place::Nearby => format!(
            "The browser does not let this page reach {url}: it was denied the local network. To change that, {how}"
        ),
        Place::Elsewhere => format!(
            "Cannot reach {url}. If it is in your own network, {how}: this browser denies it that"
        ),
    }
}

/// How a permission stands; `None` if this browser does not know it.
async fn state(name: &str) -> Option<String> {
    let permissions = property(&global().navigator(), "permissions");
    let asked = js_sys::Object::new();
    js_sys::Reflect::set(&asked, &"name".into(), &name.into()).ok()?;
    let status = call_async(&permissions, "query", &[&asked]).await.ok()?;
    property(&status, "state").as_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_denied_permission_is_named_and_what_to_do_about_it() {
        let near = words("ws://192.168.0.5:9001/mqtt", Place::Nearby);
        assert!(near.contains("denied the local network") && near.contains("192.168.0.5"));
        let unknown = words("ws://broker.example/mqtt", Place::Elsewhere);
        assert!(unknown.contains("If it is in your own network"));
    }
}
