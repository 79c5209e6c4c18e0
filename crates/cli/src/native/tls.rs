//! TLS to brokers.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use mqdrop_core::SocketClose;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore,
    SignatureScheme,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::address::Address;
use super::close::{lasting, refused};
use crate::words;

/// How to connect to brokers.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionOptions {
    /// Certificates (PEM) of the authorities to trust instead of the system's.
    pub(crate) ca_file: Option<PathBuf>,
    /// Shown to brokers that ask for a certificate.
    pub(crate) client_certificate: Option<ClientCertificate>,
    /// The broker's certificate is not checked: anybody on the way may pretend to be the broker. The
    /// caller warns of that.
    pub(crate) insecure: bool,
}

/// The certificate by which a broker knows this client.
#[derive(Clone, Debug)]
pub(crate) struct ClientCertificate {
    /// Itself and those that it is signed by, as PEM.
    pub(crate) chain_file: PathBuf,
    /// Its private key, as PEM.
    pub(crate) key_file: PathBuf,
}

/// Makes TLS connections.
pub(super) struct Tls {
    options: ConnectionOptions,
    /// Made when it is first needed: the system's certificates take a while to load.
    config: OnceLock<Result<Arc<ClientConfig>, String>>,
}

impl Tls {
    /// # Errors
    /// In words, if a file of the options cannot be used.
    pub(super) fn new(options: ConnectionOptions) -> Result<Self, String> {
        let tls = Self {
            options,
            config: OnceLock::new(),
        };
        if tls.options.ca_file.is_some() || tls.options.client_certificate.is_some() {
            tls.config()?;
        }
        Ok(tls)
    }

    fn config(&self) -> Result<Arc<ClientConfig>, String> {
        self.config
            .get_or_init(|| config(&self.options).map(Arc::new))
            .clone()
    }

    /// Begins TLS on a connection.
    ///
    /// # Errors
    /// If it did not begin.
    pub(super) async fn wrap(
        self: &Arc<Self>,
        stream: TcpStream,
        address: &Address,
    ) -> Result<TlsStream<TcpStream>, SocketClose> {
        let tls = Arc::clone(self);
        let config = tokio::task::spawn_blocking(move || tls.config())
            .await
            .map_err(|error| refused(error.to_string()))?
            .map_err(lasting)?;
        let name = ServerName::try_from(address.host.clone())
            .map_err(|_| lasting(words().tls_no_name(&address.host)))?;
        TlsConnector::from(config)
            .connect(name, stream)
            .await
            .map_err(|error| trouble(&error, address))
    }
}

fn config(options: &ConnectionOptions) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let verifier: Arc<dyn ServerCertVerifier> = if options.insecure {
        Arc::new(Unverified(provider))
    } else {
        let roots = Arc::new(roots(options.ca_file.as_deref())?);
        WebPkiServerVerifier::builder_with_provider(roots, provider)
            .build()
            .map_err(|error| error.to_string())?
    };
    let builder = builder
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let Some(client) = &options.client_certificate else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = certificates(&client.chain_file)?;
    let key_file = client.key_file.to_string_lossy();
    let key = PrivateKeyDer::from_pem_file(&client.key_file)
        .map_err(|error| words().tls_key_unusable(&key_file, &error.to_string()))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| {
        let chain_file = client.chain_file.to_string_lossy();
        words().tls_not_together(&chain_file, &key_file, &error.to_string())
    })
}

fn roots(file: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = file {
        for certificate in certificates(file)? {
            roots.add(certificate).map_err(|error| {
                words().tls_no_certificate(&file.to_string_lossy(), &error.to_string())
            })?;
        }
        return Ok(roots);
    }
    let found = rustls_native_certs::load_native_certs();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        return Err(match found.errors.first() {
            Some(why) => words().tls_no_authorities_why(&why.to_string()),
            None => words().tls_no_authorities().into(),
        });
    }
    Ok(roots)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let found =
        CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let file = file.to_string_lossy();
    let found =
        found.map_err(|error| words().tls_certificate_unusable(&file, &error.to_string()))?;
    if found.is_empty() {
        return Err(words().tls_empty_file(&file));
    }
    Ok(found)
}

/// The meaning of an end of TLS, or of a failure to begin it.
pub(super) fn trouble(error: &io::Error, address: &Address) -> SocketClose {
    let text = in_words(error, address);
    if outlasts_waiting(error) {
        lasting(text)
    } else {
        refused(text)
    }
}

/// Tells whether the same happens again until something is changed, here or at the broker.
fn outlasts_waiting(error: &io::Error) -> bool {
    match cause(error) {
        Some(rustls::Error::AlertReceived(alert)) => !matches!(
            alert,
            AlertDescription::CloseNotify
                | AlertDescription::InternalError
                | AlertDescription::UserCanceled
        ),
        Some(
            rustls::Error::InvalidCertificate(_)
            | rustls::Error::InvalidMessage(_)
            | rustls::Error::PeerIncompatible(_),
        ) => true,
        _ => false,
    }
}

fn cause(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|error| error.downcast_ref())
}

fn in_words(error: &io::Error, address: &Address) -> String {
    let place = address.place();
    match cause(error) {
        Some(rustls::Error::InvalidCertificate(problem)) => bad_certificate(problem, address),
        Some(rustls::Error::InvalidMessage(_)) if address.is_websocket => {
            words().tls_not_spoken(&place, "ws://")
        }
        Some(rustls::Error::InvalidMessage(_)) => words().tls_not_spoken(&place, "mqtt://"),
        Some(rustls::Error::AlertReceived(alert)) if wants_certificate(*alert) => {
            words().tls_client_certificate(&place)
        }
        Some(rustls::Error::AlertReceived(_)) | Some(rustls::Error::PeerIncompatible(_)) => {
            words().tls_not_agreed(&place, &error.to_string())
        }
        _ if error.kind() == io::ErrorKind::UnexpectedEof
            || error.kind() == io::ErrorKind::ConnectionReset =>
        {
            words().tls_ended(&place)
        }
        _ => words().tls_failed(&place, &error.to_string()),
    }
}

/// Tells whether an error is the broker's refusal of this client's certificate, which TLS 1.3 tells
/// only after the handshake.
pub(super) fn is_refusal(error: &io::Error) -> bool {
    matches!(cause(error), Some(rustls::Error::AlertReceived(alert)) if wants_certificate(*alert))
}

fn wants_certificate(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::AccessDenied
            // Its authority has the name of one that is trusted, and another key.
            | AlertDescription::DecryptError
    )
}

fn bad_certificate(problem: &CertificateError, address: &Address) -> String {
    let place = address.place();
    match problem {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            words().tls_unknown_authority(&place)
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            words().tls_expired(&place)
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            words().tls_not_valid_yet(&place)
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            words().tls_other_name(&place, &address.host)
        }
        CertificateError::Revoked => words().tls_revoked(&place),
        other => words().tls_not_in_order(&place, &other.to_string()),
    }
}

/// Takes any certificate, as long as the other side has its key.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl Unverified {
    fn algorithms(&self) -> &WebPkiSupportedAlgorithms {
        &self.0.signature_verification_algorithms
    }
}

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, self.algorithms())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, self.algorithms())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms().supported_schemes()
    }
}
