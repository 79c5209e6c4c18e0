//! Addresses of brokers.

use mqdrop_core::SocketClose;
use tokio_tungstenite::tungstenite::http::Uri;

use super::close::lasting;
use crate::words;

/// A broker's address, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Address {
    /// As a WebSocket's handshake needs it.
    pub(super) uri: Uri,
    pub(super) host: String,
    pub(super) port: u16,
    /// TLS.
    pub(super) is_secure: bool,
    pub(super) is_websocket: bool,
}

impl Address {
    /// # Errors
    /// In words, if it is none.
    pub(super) fn parse(url: &str) -> Result<Self, SocketClose> {
        let not_one = || lasting(words().reach_no_address(url));
        let uri: Uri = url.trim().parse().map_err(|_| not_one())?;
        let scheme = uri.scheme_str().map(str::to_ascii_lowercase);
        let (is_secure, is_websocket, port) = match scheme.as_deref() {
            Some("mqtt") => (false, false, 1883),
            Some("mqtts") => (true, false, 8883),
            Some("ws") => (false, true, 80),
            Some("wss") => (true, true, 443),
            _ => return Err(not_one()),
        };
        let host = uri.host().unwrap_or_default();
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        if host.is_empty() {
            return Err(not_one());
        }
        let has_bad_port = uri.port_u16().is_none()
            && uri.authority().is_some_and(|authority| {
                !authority.as_str().ends_with(uri.host().unwrap_or_default())
            });
        if has_bad_port {
            return Err(not_one());
        }
        Ok(Self {
            port: uri.port_u16().unwrap_or(port),
            host,
            uri,
            is_secure,
            is_websocket,
        })
    }

    /// Words for a web server that answers there instead of a broker.
    pub(super) fn is_of_the_web(&self) -> String {
        let scheme = if self.is_secure { "wss" } else { "ws" };
        words().reach_web_server(&self.place(), scheme)
    }

    /// Host and port, as people write them.
    pub(super) fn place(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use mqdrop_core::Obstacle;

    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        for (url, host, port, is_secure, is_websocket) in [
            (
                "mqtt://broker.example",
                "broker.example",
                1883,
                false,
                false,
            ),
            (
                "mqtts://broker.example/",
                "broker.example",
                8883,
                true,
                false,
            ),
            ("MQTTS://[::1]", "::1", 8883, true, false),
            ("ws://127.0.0.1:8080/mqtt", "127.0.0.1", 8080, false, true),
            (
                "wss://broker.example/a?b=c",
                "broker.example",
                443,
                true,
                true,
            ),
        ] {
            let address = Address::parse(url).unwrap();
            assert_eq!((&*address.host, address.port), (host, port), "{url}");
            let kind = (address.is_secure, address.is_websocket);
            assert_eq!(kind, (is_secure, is_websocket), "{url}");
        }
        assert_eq!(
            Address::parse("mqtt://[::1]").unwrap().place(),
            "[::1]:1883"
        );
    }

    #[test]
    fn what_is_no_address_is_refused_in_words() {
        for url in [
            "",
            "broker.example",
            "broker.example:1883",
            "http://broker.example",
            "mqtt://",
            "mqtt://host:99999",
            "mqtt://host:",
            "ws://[half/mqtt",
            "ws://a b/",
        ] {
            let Err(SocketClose::Refused(Obstacle::Lasting(text))) = Address::parse(url) else {
                panic!("{url} was taken");
            };
            assert!(text.contains("not the address"), "{text}");
        }
    }
}
