//! TLS: https, wss and mqtts with a given certificate, or with one the station makes itself.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};

use super::certificate::{self, SelfMade};
use crate::error::Error;

/// Options about TLS; by default it is not spoken.
#[derive(Debug, Clone, Default)]
pub struct TlsOptions {
    /// Speak https, wss and mqtts. Without `tls_cert` and `tls_key` the station makes a certificate
    /// and keeps it in the folder of [`Options::data`](crate::Options::data) or with this person's
    /// settings.
    pub tls: bool,
    /// The certificate to show and those that vouch for it, as a PEM file; with it and its key, TLS
    /// is spoken.
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key, as a PEM file.
    pub tls_key: Option<PathBuf>,
}

/// Everything for speaking TLS.
#[derive(Debug)]
pub(crate) struct Tls {
    pub(crate) config: Arc<ServerConfig>,
    /// SHA-256 of the certificate, as browsers show it.
    pub(crate) fingerprint: String,
    /// The certificate's file when the station made it.
    pub(crate) self_made: Option<SelfMade>,
}

impl Tls {
    /// Reads or makes the certificate; `None` without TLS. A self-made one covers `addresses` and is
    /// kept in `data`, or with the person's settings.
    ///
    /// # Errors
    /// Names the file that cannot be used and what to do about it.
    pub(crate) fn load(
        options: &TlsOptions,
        data: Option<&Path>,
        addresses: &[IpAddr],
    ) -> Result<Option<Self>, Error> {
        if let (Some(cert), Some(key)) = (&options.tls_cert, &options.tls_key) {
            return Self::read(cert, key, None).map(Some);
        }
        if options.tls_cert.is_some() || options.tls_key.is_some() {
            return Err(Error::HalfCertificate);
        }
        if !options.tls {
            return Ok(None);
        }
        let folder = match data {
            Some(data) => data.join("tls"),
            None => dirs::config_dir()
                .ok_or(Error::NoCertificateFolder)?
                .join("mqdrop")
                .join("tls"),
        };
        let made = certificate::keep(&folder, addresses)?;
        let (cert, key) = (made.certificate.clone(), made.key.clone());
        Self::read(&cert, &key, Some(made)).map(Some)
    }

    fn read(cert: &Path, key: &Path, self_made: Option<SelfMade>) -> Result<Self, Error> {
        let chain = CertificateDer::pem_file_iter(cert)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| Error::NotCertificate {
                file: cert.to_owned(),
                error: error.to_string(),
            })?;
        let Some(first) = chain.first() else {
            return Err(Error::NoCertificate(cert.to_owned()));
        };
        let fingerprint = fingerprint(first);
        let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| Error::NotKey {
            file: key.to_owned(),
            error: error.to_string(),
        })?;

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::NoTls(error.to_string()))?
            .with_no_client_auth()
            .with_single_cert(chain, secret)
            .map_err(|error| Error::OtherKey {
                certificate: cert.to_owned(),
                key: key.to_owned(),
                error: error.to_string(),
            })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec(), b"mqtt".to_vec()];
        Ok(Self {
            config: Arc::new(config),
            fingerprint,
            self_made,
        })
    }
}

/// SHA-256 in pairs of capital digits, as browsers show it.
fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(certificate) {
        let colon = if text.is_empty() { "" } else { ":" };
        // Writing to a String cannot fail.
        let _ = write!(text, "{colon}{byte:02X}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_look_as_in_browsers() {
        let text = fingerprint(&CertificateDer::from(b"abc".to_vec()));
        assert!(
            text.starts_with("BA:78:16:BF:") && text.ends_with(":15:AD"),
            "{text}"
        );
        assert_eq!(text.len(), 32 * 3 - 1);
    }
}
