//! Whom the station lets in: without a login only this computer, unless the operator says that
//! everyone may.

use std::net::SocketAddr;

use crate::error::Error;

/// Refuses addresses that others can reach when they would need no login; `listening` has each
/// address with its option.
///
/// # Errors
/// Names the address and the choices.
pub(crate) fn check(
    listening: &[(SocketAddr, &'static str)],
    is_open: bool,
    asks_for_login: bool,
) -> Result<(), Error> {
    if is_open && asks_for_login {
        return Err(Error::OpenWithLogins);
    }
    if is_open || asks_for_login {
        return Ok(());
    }
    match listening.iter().find(|(address, _)| !is_private(address)) {
        None => Ok(()),
        Some(&(address, option)) => Err(Error::Exposed { option, address }),
    }
}

/// Tells whether only this computer can reach the address.
fn is_private(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(web: &str, mqtt: &str, is_open: bool, asks_for_login: bool) -> bool {
        let listening = [
            (web.parse().unwrap(), "--listen"),
            (mqtt.parse().unwrap(), "--mqtt-listen"),
        ];
        check(&listening, is_open, asks_for_login).is_ok()
    }

    #[test]
    fn others_need_a_login_or_an_explicit_word() {
        let here = "127.0.0.1:1883";
        for address in ["0.0.0.0:80", "[::]:80", "192.0.2.7:80", "[2001:db8::7]:80"] {
            assert!(!allowed(address, here, false, false), "{address}");
            assert!(!allowed(here, address, false, false), "{address}");
            assert!(allowed(address, here, true, false), "{address}");
            assert!(allowed(here, address, false, true), "{address}");
        }
        for address in ["127.0.0.2:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            assert!(allowed(address, here, false, false), "{address}");
        }
        assert!(!allowed(here, here, true, true), "open and closed at once");
    }
}
