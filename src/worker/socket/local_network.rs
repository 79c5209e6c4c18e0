//! Whether the browser keeps this page from the local network.
//!
//! Browsers ask their user before a public page may reach devices nearby, and an address that is
//! withheld looks to the page like one where nobody listens
//! (<https://wicg.github.io/local-network-access/>).

use mqdrop_core::{Obstacle, SocketClose};

use crate::app::address::{self, Place};
use crate::js::{call_async, property};
use crate::worker::clock::global;

/// The permission for everything nearby, where a browser does not tell the two apart.
const BOTH: &str = "local-network-access";

/// Why a connection to `url` did not open.
pub(super) async fn why_not(url: &str) -> SocketClose {
    why_not_from(&global().location().host(), url).await
}

/// The same for a page that came from `host`.
async fn why_not_from(host: &str, url: &str) -> SocketClose {
    let target = address::place(address::host(url));
    let own = address::place(host);
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
        SocketClose::Refused(Obstacle::LocalNetwork {
            is_certain: target != Place::Elsewhere,
        })
    } else {
        SocketClose::Unreachable
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
#[cfg(target_arch = "wasm32")]
mod tests {
    use super::*;

    /// Has the browser answer so when it is asked for a permission, and note which one that was.
    fn answer(state: &str) {
        let script = format!(
            "globalThis.asked = [];
            Object.defineProperty(navigator, 'permissions', {{ configurable: true, value: {{
                async query({{ name }}) {{
                    asked.push(name);
                    if (name === 'local-network-access') throw new TypeError();
                    return {{ state: '{state}' }};
                }},
            }} }})"
        );
        js_sys::eval(&script).unwrap();
    }

    #[wasm_bindgen_test::wasm_bindgen_test]
    async fn an_address_that_the_browser_withholds_is_told_from_one_where_nobody_listens() {
        const NEAR: &str = "ws://192.168.0.5:9001/mqtt";
        const HERE: &str = "ws://localhost:9001/mqtt";
        const FAR: &str = "wss://broker.example/mqtt";
        for (from, url, permission) in [
            ("mqdrop.example", NEAR, Some("local-network")),
            ("mqdrop.example", HERE, Some("loopback-network")),
            ("192.168.0.7:8080", HERE, Some("loopback-network")),
            ("mqdrop.example", FAR, Some("local-network")),
            ("192.168.0.7:8080", FAR, Some("local-network")),
            // From where the page came from nothing is withheld.
            ("192.168.0.7:8080", NEAR, None),
            ("localhost", NEAR, None),
            ("localhost", HERE, None),
        ] {
            for state in ["denied", "prompt", "granted"] {
                answer(state);
                let close = why_not_from(from, url).await;
                let asked = property(&js_sys::global(), "asked");
                let first = js_sys::Array::from(&asked).get(0).as_string();
                assert_eq!(first.as_deref(), permission, "{url} from {from}");
                let is_withheld = state == "denied" && permission.is_some();
                match close {
                    SocketClose::Refused(Obstacle::LocalNetwork { is_certain }) => {
                        assert!(is_withheld && is_certain == (url != FAR));
                    }
                    other => assert!(!is_withheld && other == SocketClose::Unreachable),
                }
            }
        }
    }
}
