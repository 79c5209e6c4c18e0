//! Addresses of brokers and of the pages beside them.

use crate::words;

/// The path that brokers serve MQTT over WebSockets at, mostly.
const USUAL_PATH: &str = "/mqtt";

/// The longest address that is accepted, in bytes.
const MAX_LEN: usize = 2048;

/// Brings a broker's address into the one form that is opened: `mqtt://`, `mqtts://`, `ws://` or
/// `wss://`, the host, and a path where there are paths.
///
/// # Errors
/// In words, if it is no broker's address.
pub(crate) fn address(typed: &str) -> Result<String, String> {
    let typed = typed.trim();
    if typed.len() > MAX_LEN || typed.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(words().usage_broker_one_word().into());
    }
    let Some((scheme, rest)) = typed.split_once("://") else {
        return Err(words().usage_broker_no_scheme(typed));
    };
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "mqtt" | "tcp" => "mqtt",
        "mqtts" | "ssl" | "tls" => "mqtts",
        "ws" | "http" => "ws",
        "wss" | "https" => "wss",
        _ => return Err(words().usage_broker_other_scheme(scheme)),
    };
    let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
    let (host, path) = rest
        .find(['/', '?'])
        .map_or((rest, ""), |at| rest.split_at(at));
    if host.contains('@') {
        return Err(words().usage_broker_login().into());
    }
    if name_of(host).is_empty() {
        return Err(words().usage_broker_no_host().into());
    }
    if let Some(port) = port_of(host)
        && port.parse::<u16>().map_or(true, |port| port == 0)
    {
        return Err(words().usage_broker_port(port));
    }
    Ok(match scheme {
        "mqtt" | "mqtts" => format!("{scheme}://{host}"),
        _ if path.is_empty() => format!("{scheme}://{host}{USUAL_PATH}"),
        _ => format!("{scheme}://{host}{path}"),
    })
}

/// The broker that a page without another one uses: `mqtt` in its own folder.
pub(super) fn beside(page: &str) -> String {
    let (scheme, rest) = page.split_once("://").unwrap_or(("", page));
    let scheme = if scheme.eq_ignore_ascii_case("https") {
        "wss"
    } else {
        "ws"
    };
    let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
    let (host, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    if host.is_empty() {
        // A page from a disk uses the station of its own computer.
        return "ws://localhost:8080/mqtt".into();
    }
    let folder = path.rfind('/').map_or("/", |end| &path[..=end]);
    format!("{scheme}://{host}{folder}mqtt")
}

/// The page that lies beside a broker, if that is one of a station: `mqtt` in the page's folder.
/// Browsers reach no other broker without being told its address.
pub(super) fn page_of(broker: &str) -> Option<String> {
    let (scheme, rest) = broker.split_once("://")?;
    let scheme = match scheme {
        "ws" => "http",
        "wss" => "https",
        _ => return None,
    };
    let folder = rest
        .strip_suffix("mqtt")
        .filter(|folder| folder.ends_with('/'))?;
    Some(format!("{scheme}://{folder}"))
}

fn port_of(host: &str) -> Option<&str> {
    let after_v6 = host.rfind(']').map_or(0, |at| at + 1);
    host[after_v6..].rsplit_once(':').map(|(_, port)| port)
}

fn name_of(host: &str) -> &str {
    port_of(host).map_or(host, |port| &host[..host.len() - port.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_form() {
        for (typed, address) in [
            ("mqtt://host", "mqtt://host"),
            ("mqtt://host:1883/", "mqtt://host:1883"),
            ("tcp://host:1883", "mqtt://host:1883"),
            ("ssl://[::1]:8883", "mqtts://[::1]:8883"),
            ("WSS://host", "wss://host/mqtt"),
            ("ws://host/", "ws://host/"),
            ("http://host:8080/mqtt#key=a", "ws://host:8080/mqtt"),
            (" ws://host/ws?tenant=1 ", "ws://host/ws?tenant=1"),
        ] {
            assert_eq!(super::address(typed).as_deref(), Ok(address), "{typed}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_what_to_write() {
        for (typed, words) in [
            ("host:1883", "mqtt://host:1883"),
            ("ftp://host", "ftp://"),
            ("mqtt://ann:secret@host", "--user"),
            ("mqtt://", "no host"),
            ("ws://:80/mqtt", "no host"),
            ("mqtt://host:99999", "99999"),
            ("mqtt://host:0", "no port"),
            ("two words", "one word"),
        ] {
            let error = address(typed).unwrap_err();
            assert!(error.contains(words), "{typed}: {error}");
        }
        assert!(address(&format!("ws://{}", "x".repeat(3000))).is_err());
    }

    #[test]
    fn the_page_is_beside_the_stations_broker() {
        for (broker, page) in [
            ("ws://localhost:8080/mqtt", Some("http://localhost:8080/")),
            ("wss://site/drop/mqtt", Some("https://site/drop/")),
            ("wss://site/ws", None),
            ("wss://site/ourmqtt", None),
            ("mqtt://localhost:1883", None),
        ] {
            assert_eq!(page_of(broker).as_deref(), page, "{broker}");
            if let Some(page) = page {
                assert_eq!(beside(page), broker);
            }
        }
    }
}
