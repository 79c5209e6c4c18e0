//! Pages of which origins may connect where no login is asked for.
//!
//! A browser lets any page open a WebSocket to any address it can reach, this computer's own ones
//! included, and tells in the header Origin where the page came from (RFC 6454, section 7). Programs
//! other than browsers send none.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use hyper::header::{HOST, HeaderMap, ORIGIN};
use hyper::http::uri::Authority;

use crate::seldom::Seldom;

static REFUSED: Seldom = Seldom::new();

/// Pages of an origin, to be named: `https://drop.example.org`, a host for all its schemes and
/// ports, or `*` for every page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(Pages);

/// Text that is no [`Origin`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an origin")]
pub struct NotAnOrigin;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pages {
    /// Every page.
    Any,
    /// As browsers send it.
    Exact(String),
    /// All schemes and ports of a host.
    Host(String),
}

/// Pages that may connect.
#[derive(Debug)]
pub(crate) struct Origins {
    named: Vec<Origin>,
    /// Only this computer reaches the station, so a name that leads here is no other's.
    is_private: bool,
    /// A login decides.
    asks_for_login: bool,
}

impl Origins {
    /// Those that were named, and the station's own at `listen`.
    pub(crate) fn new(named: Vec<Origin>, listen: SocketAddr, asks_for_login: bool) -> Self {
        Self {
            named,
            is_private: listen.ip().to_canonical().is_loopback(),
            asks_for_login,
        }
    }

    /// Tells whether the page that a WebSocket handshake comes from may connect.
    pub(crate) fn allow(&self, headers: &HeaderMap, peer: SocketAddr) -> bool {
        if self.asks_for_login {
            return true;
        }
        let Some(origin) = headers.get(ORIGIN) else {
            return true;
        };
        let origin = origin.to_str().unwrap_or_default().to_ascii_lowercase();
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        if self.is_named(&origin) || host.is_some_and(|host| self.is_own(&origin, host)) {
            return true;
        }
        if let Some(others) = REFUSED.due() {
            // Text from outside is not written into the log as it is.
            let origin: String = origin.chars().take(200).collect();
            tracing::warn!(%peer, others, ?origin, "a page of another site is refused, see --origin");
        }
        false
    }

    fn is_named(&self, origin: &str) -> bool {
        self.named.iter().any(|Origin(pages)| match pages {
            Pages::Any => true,
            Pages::Exact(exact) => exact == origin,
            Pages::Host(host) => host_of_origin(origin).is_some_and(|found| found == *host),
        })
    }

    /// Tells whether the page came from the host that it connects to; from which port does not matter.
    fn is_own(&self, origin: &str, host: &str) -> bool {
        let (Some(from), Some(to)) = (host_of_origin(origin), host_of(host)) else {
            return false;
        };
        if is_this_computer(&from) && is_this_computer(&to) {
            return true;
        }
        // Anyone can have a name lead to this computer, so there only its own names count.
        from == to && !(self.is_private && to.parse::<IpAddr>().is_err())
    }
}

impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        let text = text.to_ascii_lowercase();
        if text == "*" {
            return Ok(Self(Pages::Any));
        }
        let is_origin = text
            .split_once("://")
            .is_some_and(|(_, rest)| rest.parse::<Authority>().is_ok());
        if is_origin || text == "null" {
            return Ok(Self(Pages::Exact(text)));
        }
        match host_of(&text) {
            Some(host) if host == text => Ok(Self(Pages::Host(host))),
            _ => Err(NotAnOrigin),
        }
    }
}

fn host_of_origin(origin: &str) -> Option<String> {
    host_of(origin.split_once("://")?.1)
}

/// The host of `host:port`, without the brackets of IPv6.
pub(crate) fn host_of(authority: &str) -> Option<String> {
    let authority: Authority = authority.parse().ok()?;
    let host = authority.host();
    let host = host.strip_prefix('[').unwrap_or(host);
    let host = host.strip_suffix(']').unwrap_or(host);
    Some(host.to_ascii_lowercase())
}

/// Tells whether a host is the computer that asks for it.
pub(crate) fn is_this_computer(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(named: &[&str], listen: &str, origin: &str, host: &str) -> bool {
        let named = named.iter().map(|text| text.parse().unwrap());
        let origins = Origins::new(named.collect(), listen.parse().unwrap(), false);
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, origin.parse().unwrap());
        headers.insert(HOST, host.parse().unwrap());
        origins.allow(&headers, ([127, 0, 0, 1], 1).into())
    }

    #[test]
    fn own_pages_and_named_ones_may_connect() {
        let (here, open) = ("127.0.0.1:8080", "0.0.0.0:8080");
        assert!(allowed(
            &[],
            here,
            "http://localhost:8080",
            "127.0.0.1:8080"
        ));
        assert!(allowed(&[], here, "http://[::1]:1", "drop.localhost"));
        assert!(allowed(
            &[],
            open,
            "http://192.0.2.7:8080",
            "192.0.2.7:8080"
        ));
        assert!(allowed(
            &[],
            open,
            "http://box.local:8080",
            "box.local:8080"
        ));
        assert!(!allowed(&[], open, "http://evil.example", "box.local:8080"));
        assert!(!allowed(
            &[],
            open,
            "http://localhost:3000",
            "box.local:8080"
        ));
        assert!(!allowed(&[], here, "http://evil.example", "evil.example"));
        assert!(!allowed(&[], here, "null", "localhost:8080"));
        assert!(!allowed(&[], here, "", "localhost:8080"));

        assert!(allowed(&["*"], here, "null", "localhost"));
        assert!(allowed(&["null"], here, "null", "localhost"));
        let named = ["https://Drop.example"];
        assert!(allowed(&named, here, "https://drop.example", "localhost"));
        assert!(!allowed(&named, here, "http://drop.example", "localhost"));
        assert!(allowed(
            &["mqdrop.test"],
            here,
            "http://mqdrop.test:81",
            "mqdrop.test:81"
        ));
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "",
            "https://",
            "https://a.example/path",
            "a b",
            "a.example:80",
            "http://a b",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }
}
