//! Telling people where the station is: lines, and a QR code for the phone when
//! other devices can reach it.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use tokio::net::TcpListener;

use super::tls::Tls;
use crate::error::{Error, Problem};

/// The lines to print once the listeners run, at these addresses.
pub(crate) fn announce(
    web: SocketAddr,
    plain: Option<SocketAddr>,
    tls: Option<&Tls>,
    with_code: bool,
) -> String {
    let mut text = String::new();
    let others = if web.ip().is_unspecified() {
        network_addresses(web.is_ipv6())
    } else {
        Vec::new()
    };
    let secure = if tls.is_some() { "s" } else { "" };
    // Writing to a String cannot fail.
    let _ = writeln!(text, "mqdrop is ready at http{secure}{}", web_address(web));
    for address in &others {
        let rest = web_address(SocketAddr::new(*address, web.port()));
        let _ = writeln!(text, "on your network at http{secure}{rest}");
    }
    if web.ip().is_unspecified() && others.is_empty() {
        let _ = writeln!(text, "this computer has no address on a network right now");
    }
    if let Some(tls) = tls {
        text.push_str(&about_certificate(tls));
    }
    if let Some(address) = plain {
        let _ = writeln!(text, "MQTT for scripts at mqtt{secure}://{address}");
    }
    let reachable = others
        .first()
        .copied()
        .or_else(|| (!web.ip().is_loopback() && !web.ip().is_unspecified()).then_some(web.ip()));
    if with_code
        && let Some(address) = reachable
        && let rest = web_address(SocketAddr::new(address, web.port()))
        && let Some(code) = qr_code(&format!("http{secure}{rest}"))
    {
        let _ = write!(
            text,
            "\n{code}\nScan this with a phone on the same network.\n"
        );
    }
    text
}

/// The certificate's fingerprint, and what browsers ask about a self-made one.
fn about_certificate(tls: &Tls) -> String {
    let fingerprint = format!("certificate fingerprint (SHA-256) {}\n", tls.fingerprint);
    let Some(made) = &tls.self_made else {
        return fingerprint;
    };
    let news = if made.is_new {
        "a new certificate is"
    } else {
        "the certificate is the one kept"
    };
    format!(
        "{fingerprint}{news} in {}\n\
        Each browser warns about it once, as nobody but this station vouches for it: \
        compare the fingerprint, then choose to go on.\n",
        made.certificate.display()
    )
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
    listener.local_addr().map_err(|error| {
        Error::new(
            Problem::Address,
            format!("cannot tell the own address: {error}"),
        )
    })
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

fn qr_code(url: &str) -> Option<String> {
    let code = QrCode::new(url).ok()?;
    // Light modules are drawn: terminals are mostly dark.
    Some(
        code.render::<Dense1x2>()
            .dark_color(Dense1x2::Light)
            .light_color(Dense1x2::Dark)
            .build(),
    )
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
    fn the_qr_code_is_square_in_half_blocks() {
        let code = qr_code("http://192.168.1.5:8080/").unwrap();
        let lines: Vec<&str> = code.lines().collect();
        let width = lines[0].chars().count();
        assert!(lines.iter().all(|line| line.chars().count() == width));
        assert_eq!(lines.len(), width.div_ceil(2));
    }
}
