//! The addresses of a station, and those at which other devices reach it.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use tokio::net::TcpListener;

use super::tls::Tls;
use crate::error::Error;

/// The addresses of a station, for the people who use it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announcement {
    /// The page's address on this computer, or the one that the station was given.
    pub url: String,
    /// The page's addresses on this computer's networks, if the station serves all of them.
    pub on_network: Vec<String>,
    /// The station serves all networks, and this computer has no address on any.
    pub lacks_network: bool,
    /// The certificate, if TLS is spoken.
    pub certificate: Option<CertificateView>,
    /// The address for MQTT without WebSocket, if there is one.
    pub mqtt: Option<String>,
    /// The page's address for other devices, if they can reach the station.
    pub reachable: Option<String>,
}

/// A station's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateView {
    /// SHA-256 in pairs of capital digits, as browsers show it.
    pub fingerprint: String,
    /// The certificate's making, if the station made it: browsers ask about it.
    pub self_made: Option<SelfMadeView>,
}

/// A certificate that a station made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfMadeView {
    /// Its file.
    pub file: PathBuf,
    /// It was made just now.
    pub is_new: bool,
}

/// The addresses of listeners, as people use them.
pub(crate) fn announce(
    web: SocketAddr,
    plain: Option<SocketAddr>,
    tls: Option<&Tls>,
) -> Announcement {
    let is_everywhere = web.ip().is_unspecified();
    let others = match is_everywhere {
        true => network_addresses(web.is_ipv6()),
        false => Vec::new(),
    };
    let secure = if tls.is_some() { "s" } else { "" };
    let url = |address| format!("http{secure}{}", web_address(address));
    let on_network: Vec<String> = others
        .iter()
        .map(|address| url(SocketAddr::new(*address, web.port())))
        .collect();
    let is_shared = !web.ip().is_loopback() && !is_everywhere;
    Announcement {
        url: url(web),
        lacks_network: is_everywhere && others.is_empty(),
        certificate: tls.map(|tls| CertificateView {
            fingerprint: tls.fingerprint.clone(),
            self_made: tls.self_made.as_ref().map(|made| SelfMadeView {
                file: made.certificate.clone(),
                is_new: made.is_new,
            }),
        }),
        mqtt: plain.map(|address| format!("mqtt{secure}://{address}")),
        reachable: on_network
            .first()
            .cloned()
            .or_else(|| is_shared.then(|| url(web))),
        on_network,
    }
}

/// The addresses at which other devices can reach a listener.
pub(crate) fn reachable_at(listening: SocketAddr) -> Vec<IpAddr> {
    let ip = listening.ip();
    if ip.is_unspecified() {
        network_addresses(ip.is_ipv6())
    } else if ip.is_loopback() {
        Vec::new()
    } else {
        vec![ip]
    }
}

/// The address that a listener got.
///
/// # Errors
/// When the system does not tell which port was taken.
pub(crate) fn local_address(listener: &TcpListener) -> Result<SocketAddr, Error> {
    listener.local_addr().map_err(Error::NoOwnAddress)
}

/// The part of the URL to open that follows http or https; this computer by its name, which browsers treat
/// as secure.
fn web_address(address: SocketAddr) -> String {
    if address.ip().is_loopback() || address.ip().is_unspecified() {
        format!("://localhost:{}/", address.port())
    } else {
        format!("://{address}/")
    }
}

/// This computer's addresses that devices on its networks can use: private ones
/// first, IPv6 only where it is listened on.
fn network_addresses(with_ipv6: bool) -> Vec<IpAddr> {
    let interfaces = match if_addrs::get_if_addrs() {
        Ok(interfaces) => interfaces,
        Err(error) => {
            tracing::debug!("cannot list the network's addresses: {error}");
            return Vec::new();
        }
    };
    let mut addresses: Vec<IpAddr> = interfaces
        .into_iter()
        .map(|interface| interface.ip())
        .filter(|address| is_reachable(address, with_ipv6))
        .collect();
    addresses.sort_by_key(|address| match address {
        IpAddr::V4(v4) if v4.is_private() => (0, *address),
        IpAddr::V4(_) => (1, *address),
        IpAddr::V6(_) => (2, *address),
    });
    addresses.dedup();
    addresses
}

/// Link-local addresses are left out: they need a zone, which URLs cannot carry.
fn is_reachable(address: &IpAddr, with_ipv6: bool) -> bool {
    match address {
        IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local(),
        IpAddr::V6(v6) => with_ipv6 && !v6.is_loopback() && !v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_computer_is_named_and_others_are_numbered() {
        for (address, url) in [
            ("127.0.0.1:8080", "://localhost:8080/"),
            ("0.0.0.0:80", "://localhost:80/"),
            ("[::1]:1", "://localhost:1/"),
            ("192.0.2.7:8080", "://192.0.2.7:8080/"),
            ("[2001:db8::7]:8080", "://[2001:db8::7]:8080/"),
        ] {
            assert_eq!(web_address(address.parse().unwrap()), url);
        }
    }

    #[test]
    fn addresses_that_a_phone_cannot_use_are_left_out() {
        let reachable = |text: &str, with_ipv6| is_reachable(&text.parse().unwrap(), with_ipv6);
        assert!(reachable("192.168.1.5", false) && reachable("2001:db8::7", true));
        assert!(!reachable("2001:db8::7", false));
        for text in ["127.0.0.1", "169.254.3.4", "::1", "fe80::1"] {
            assert!(!reachable(text, true), "{text}");
        }
    }

    #[test]
    fn others_are_told_where_they_reach_the_station() {
        let told = |web: &str| announce(web.parse().unwrap(), None, None);
        let here = told("127.0.0.1:8080");
        assert_eq!(here.url, "http://localhost:8080/");
        assert_eq!((here.reachable, here.lacks_network), (None, false));
        let shared = told("192.0.2.7:80");
        assert_eq!(shared.url, "http://192.0.2.7:80/");
        assert_eq!(shared.reachable, Some(shared.url));
        let everywhere = told("0.0.0.0:80");
        assert_eq!(everywhere.reachable.as_ref(), everywhere.on_network.first());
        assert_eq!(everywhere.lacks_network, everywhere.on_network.is_empty());
    }
}
