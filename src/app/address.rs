//! The broker's address: from what a person types to a WebSocket URL, or to words about why not.

use super::words::words;

/// The path that brokers serve MQTT over WebSockets at, mostly.
const USUAL_PATH: &str = "/mqtt";

/// The site's own broker, from the page's folder: the station serves both, and a proxy may give the
/// station a folder of a larger site.
const OWN_BROKER: &str = "./mqtt";

/// The longest address that is accepted, in bytes.
const MAX_LEN: usize = 2048;

/// The page's own place, as far as it decides which brokers it can reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// `https:`, `http:` or another scheme with its colon.
    pub protocol: String,
    /// Host with port, such as `192.168.0.5:8080`; empty for a page that comes from no host.
    pub host: String,
    /// The page's path at its host, such as `/drop/index.html`.
    pub path: String,
    /// The broker that the site's operator named in the page, perhaps from the page's folder, as
    /// links are written; empty for `mqtt` in that folder.
    pub broker: String,
}

impl Page {
    /// The broker that is used when none is named: the site's, which is `mqtt` in the page's own folder
    /// unless its operator named another.
    #[must_use]
    pub fn own_broker(&self) -> String {
        let named = if self.broker.is_empty() {
            OWN_BROKER
        } else {
            &self.broker
        };
        let scheme = if self.is_https() { "wss" } else { "ws" };
        if self.host.is_empty() {
            // The page comes from a disk.
            return if named.starts_with(['.', '/']) {
                format!("{scheme}://localhost:8080{USUAL_PATH}")
            } else {
                named.to_owned()
            };
        }
        let path = if let Some(inside) = named.strip_prefix("./") {
            let folder = self.path.rfind('/').map_or("/", |end| &self.path[..=end]);
            format!("{folder}{inside}")
        } else if named.starts_with('/') && !named.starts_with("//") {
            named.to_owned()
        } else {
            return named.to_owned();
        };
        format!("{scheme}://{}{path}", self.host)
    }

    /// The WebSocket URL that `typed` means. Nothing means [`Page::own_broker`]; a host alone gets
    /// the scheme that fits the page, and the usual path.
    ///
    /// # Errors
    /// In words, when it cannot be a broker's address or a browser would not open it from this page.
    pub fn broker(&self, typed: &str) -> Result<String, String> {
        let own = self.own_broker();
        let typed = Some(typed.trim())
            .filter(|typed| !typed.is_empty())
            .unwrap_or(&own);
        if typed.len() > MAX_LEN || typed.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(words().address_not_one().to_owned());
        }
        let (scheme, rest) = match typed.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
            None => (None, typed),
        };
        let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
        let (host, path) = match rest.find(['/', '?']) {
            Some(at) => rest.split_at(at),
            None => (rest, USUAL_PATH),
        };
        check_host(host)?;
        let scheme = match scheme.as_deref() {
            Some("ws" | "http") => "ws",
            Some("wss" | "https") => "wss",
            None if self.is_https() && !is_this_machine(host) => "wss",
            None => "ws",
            Some("mqtt" | "mqtts" | "tcp" | "ssl" | "tls") => {
                let url = ["wss://", name_of(host), USUAL_PATH].concat();
                return Err(words().address_not_websocket(&url));
            }
            Some(other) => {
                return Err(words().address_scheme(&[other, "://"].concat()));
            }
        };
        if scheme == "ws" && self.is_https() && !is_this_machine(host) {
            return Err(words().address_not_encrypted(host));
        }
        Ok(format!("{scheme}://{host}{path}"))
    }

    fn is_https(&self) -> bool {
        self.protocol == "https:"
    }
}

/// The host, with its port if it names one, of a broker's URL.
#[must_use]
pub fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find(['/', '?']).map_or(rest, |at| &rest[..at])
}

/// Where a host is, the nearest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Elsewhere, or its name does not tell.
    Elsewhere,
    /// In a network of its own, as homes and offices have them.
    Nearby,
    /// The computer that the browser runs on.
    ThisMachine,
}

/// Where `host` is, with or without a port, as far as its name tells.
#[must_use]
pub fn place(host: &str) -> Place {
    let name = name_of(host).to_ascii_lowercase();
    let is_nearby = if let Ok(v4) = name.parse::<std::net::Ipv4Addr>() {
        v4.is_private() || v4.is_link_local()
    } else if let Some(v6) = name.strip_prefix('[') {
        // Unique local and link-local addresses (RFC 4193, RFC 4291).
        let v6 = v6.trim_end_matches(']').parse::<std::net::Ipv6Addr>();
        v6.is_ok_and(|v6| v6.is_unique_local() || v6.is_unicast_link_local())
    } else {
        // A page from a disk has no host.
        !name.is_empty() && !name.contains('.')
            || [".local", ".lan", ".home", ".internal", ".home.arpa"]
                .iter()
                .any(|end| name.ends_with(end))
    };
    if is_this_machine(host) {
        Place::ThisMachine
    } else if is_nearby {
        Place::Nearby
    } else {
        Place::Elsewhere
    }
}

fn check_host(host: &str) -> Result<(), String> {
    if host.contains('@') {
        return Err(words().address_login().to_owned());
    }
    if let Some(port) = port_of(host)
        && port.parse::<u16>().map_or(true, |port| port == 0)
    {
        return Err(words().address_port(port));
    }
    let name = name_of(host);
    let valid = if let Some(v6) = name.strip_prefix('[') {
        v6.strip_suffix(']')
            .is_some_and(|v6| v6.parse::<std::net::Ipv6Addr>().is_ok())
    } else {
        !name.is_empty() && !name.contains(['\\', '<', '>', '"', '[', ']', '|', '^', '%', ':'])
    };
    if valid {
        Ok(())
    } else {
        Err(words().address_no_host().to_owned())
    }
}

fn port_of(host: &str) -> Option<&str> {
    let after_v6 = host.rfind(']').map_or(0, |at| at + 1);
    host[after_v6..].rsplit_once(':').map(|(_, port)| port)
}

fn name_of(host: &str) -> &str {
    port_of(host).map_or(host, |port| &host[..host.len() - port.len() - 1])
}

/// Hosts that browsers trust without encryption (W3C Secure Contexts, section 3.1).
fn is_this_machine(host: &str) -> bool {
    let name = name_of(host).to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name == "[::1]"
        || name
            .parse::<std::net::Ipv4Addr>()
            .is_ok_and(|v4| v4.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(protocol: &str, host: &str) -> Page {
        Page {
            protocol: protocol.into(),
            host: host.into(),
            path: "/".into(),
            broker: String::new(),
        }
    }

    #[test]
    fn nothing_means_the_own_origin() {
        assert_eq!(
            page("http:", "192.168.0.5:8080").broker("").unwrap(),
            "ws://192.168.0.5:8080/mqtt"
        );
        assert_eq!(
            page("https:", "drop.example").broker("  ").unwrap(),
            "wss://drop.example/mqtt"
        );
        assert_eq!(page("file:", "").own_broker(), "ws://localhost:8080/mqtt");
    }

    #[test]
    fn the_own_broker_is_beside_the_page() {
        for (path, broker) in [
            ("/", "wss://site.example/mqtt"),
            ("/index.html", "wss://site.example/mqtt"),
            ("/drop/", "wss://site.example/drop/mqtt"),
            ("/drop/index.html", "wss://site.example/drop/mqtt"),
            ("/tools/drop/", "wss://site.example/tools/drop/mqtt"),
            ("/drop", "wss://site.example/mqtt"),
            ("", "wss://site.example/mqtt"),
        ] {
            let page = Page {
                path: path.into(),
                ..page("https:", "site.example")
            };
            assert_eq!(page.broker("").unwrap(), broker, "{path}");
        }
    }

    #[test]
    fn a_sites_broker_may_be_named_from_its_own_place() {
        for (named, broker) in [
            ("./broker", "ws://site/drop/broker"),
            ("/ws", "ws://site/ws"),
            ("wss://other/mqtt", "wss://other/mqtt"),
        ] {
            let page = Page {
                path: "/drop/".into(),
                broker: named.into(),
                ..page("http:", "site")
            };
            assert_eq!(page.broker("").unwrap(), broker, "{named}");
        }
        let stored = Page {
            broker: "/ws".into(),
            ..page("file:", "")
        };
        assert_eq!(stored.broker("").unwrap(), "ws://localhost:8080/mqtt");
    }

    #[test]
    fn a_site_can_name_its_broker() {
        let page = Page {
            broker: "wss://broker.example/mqtt".into(),
            ..page("https:", "static.example")
        };
        assert_eq!(page.broker("").unwrap(), "wss://broker.example/mqtt");
        assert_eq!(page.broker("wss://other/ws").unwrap(), "wss://other/ws");
    }

    #[test]
    fn full_addresses_stay_as_they_are() {
        let page = page("http:", "localhost");
        for url in [
            "ws://host/mqtt",
            "wss://host:8084/mqtt",
            "ws://host/ws?tenant=1",
            "ws://[::1]:9001/",
            "wss://bröker.example/mqtt",
        ] {
            assert_eq!(page.broker(url).unwrap(), url);
        }
    }

    #[test]
    fn hosts_are_found_in_addresses() {
        assert_eq!(host("ws://localhost:8080/mqtt"), "localhost:8080");
        assert_eq!(host("wss://[::1]?x=/y"), "[::1]");
        assert_eq!(host("wss://broker.example"), "broker.example");
    }

    #[test]
    fn hosts_nearby_are_told_by_their_names() {
        for host in ["localhost:8080", "127.0.0.9", "[::1]:9001", "a.localhost"] {
            assert_eq!(place(host), Place::ThisMachine, "{host}");
        }
        for host in [
            "192.168.0.5:9001",
            "10.1.2.3",
            "172.16.0.1",
            "169.254.1.1",
            "[fd00::1]:9001",
            "[fe80::1]",
            "nas",
            "broker.local:9001",
            "pi.home.arpa",
        ] {
            assert_eq!(place(host), Place::Nearby, "{host}");
        }
        for host in [
            "broker.example",
            "8.8.8.8:9001",
            "[2001:db8::1]",
            "172.32.0.1",
        ] {
            assert_eq!(place(host), Place::Elsewhere, "{host}");
        }
    }

    #[test]
    fn short_forms_are_completed() {
        let plain = page("http:", "localhost");
        let secure = page("https:", "drop.example");
        assert_eq!(plain.broker("host").unwrap(), "ws://host/mqtt");
        assert_eq!(plain.broker(" host:8083 ").unwrap(), "ws://host:8083/mqtt");
        assert_eq!(plain.broker("WSS://host").unwrap(), "wss://host/mqtt");
        assert_eq!(secure.broker("host:8084/ws").unwrap(), "wss://host:8084/ws");
        assert_eq!(
            secure.broker("localhost:9001").unwrap(),
            "ws://localhost:9001/mqtt"
        );
        assert_eq!(
            plain.broker("https://host/mqtt#x").unwrap(),
            "wss://host/mqtt"
        );
    }

    #[test]
    fn unencrypted_brokers_are_refused_on_encrypted_pages() {
        let secure = page("https:", "drop.example");
        assert!(
            secure
                .broker("ws://host/mqtt")
                .unwrap_err()
                .contains("wss://")
        );
        assert!(secure.broker("ws://localhost:9001/mqtt").is_ok());
        assert!(secure.broker("ws://127.0.0.1:9001/mqtt").is_ok());
        assert!(secure.broker("ws://[::1]:9001/mqtt").is_ok());
        assert!(secure.broker("ws://localhost.example/mqtt").is_err());
    }

    #[test]
    fn what_is_no_address_is_refused_in_words() {
        let page = page("http:", "localhost");
        assert!(
            page.broker("mqtt://host:1883")
                .unwrap_err()
                .contains("wss://host/mqtt")
        );
        assert!(page.broker("ftp://host").unwrap_err().contains("ftp://"));
        assert!(
            page.broker("ws://user:secret@host/mqtt")
                .unwrap_err()
                .contains("Advanced")
        );
        assert!(
            page.broker("ws://host:99999/mqtt")
                .unwrap_err()
                .contains("99999")
        );
        for bad in [
            "ws://",
            "ws:///mqtt",
            "two words",
            "ws://ho<st/",
            "ws://[::1/mqtt",
            "ws://:80/",
            "a\u{0}b",
        ] {
            assert!(page.broker(bad).is_err(), "{bad}");
        }
        assert!(page.broker(&"x".repeat(3000)).is_err());
    }
}
