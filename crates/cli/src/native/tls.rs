//! TLS to brokers.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

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

use super::NativeError;
use super::address::Address;

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
    /// If a file of the options cannot be used.
    pub(super) fn new(options: ConnectionOptions) -> Result<Self, NativeError> {
        let tls = Self {
            options,
            config: OnceLock::new(),
        };
        if tls.options.ca_file.is_some() || tls.options.client_certificate.is_some() {
            tls.config().map_err(NativeError::Certificate)?;
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
    /// In words.
    pub(super) async fn wrap(
        self: &Arc<Self>,
        stream: TcpStream,
        address: &Address,
    ) -> Result<TlsStream<TcpStream>, String> {
        let tls = Arc::clone(self);
        let config = tokio::task::spawn_blocking(move || tls.config())
            .await
            .map_err(|error| error.to_string())??;
        let name = ServerName::try_from(address.host.clone()).map_err(|_| {
            format!(
                "{} is not a name that a certificate can be for",
                address.host
            )
        })?;
        TlsConnector::from(config)
            .connect(name, stream)
            .await
            .map_err(|error| words(&error, address))
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
    let key = PrivateKeyDer::from_pem_file(&client.key_file)
        .map_err(|error| unusable(&client.key_file, "private key", &error))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| {
        format!(
            "{} and {} do not belong together: {error}",
            client.chain_file.display(),
            client.key_file.display()
        )
    })
}

fn roots(file: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = file {
        for certificate in certificates(file)? {
            roots.add(certificate).map_err(|error| {
                format!("{} has a certificate that is none: {error}", file.display())
            })?;
        }
        return Ok(roots);
    }
    let found = rustls_native_certs::load_native_certs();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let why = found.errors.first().map(ToString::to_string);
        return Err(format!(
            "This computer names no authorities that sign certificates{}. Install its package of them (often “ca-certificates”), or give the broker's authority as a file",
            why.map_or_else(String::new, |why| format!(" ({why})"))
        ));
    }
    Ok(roots)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let found =
        CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|error| unusable(file, "certificate", &error))?;
    if found.is_empty() {
        return Err(format!("{} has no certificate (PEM) in it", file.display()));
    }
    Ok(found)
}

fn unusable(file: &Path, what: &str, error: &rustls::pki_types::pem::Error) -> String {
    format!(
        "{} cannot be used as a {what} (PEM): {error}",
        file.display()
    )
}

/// Words for TLS that did not begin, or ended.
pub(super) fn words(error: &io::Error, address: &Address) -> String {
    let place = address.place();
    let cause = error.get_ref().and_then(|error| error.downcast_ref());
    match cause {
        Some(rustls::Error::InvalidCertificate(problem)) => certificate_words(problem, address),
        Some(rustls::Error::InvalidMessage(_)) => format!(
            "{place} does not speak TLS. Is it the port for connections without TLS, which {} addresses are for?",
            if address.is_websocket {
                "ws://"
            } else {
                "mqtt://"
            }
        ),
        Some(rustls::Error::AlertReceived(alert)) if wants_certificate(*alert) => {
            format!("{place} wants to see a client certificate that it knows, and has not seen one")
        }
        Some(rustls::Error::AlertReceived(_)) | Some(rustls::Error::PeerIncompatible(_)) => {
            format!("{place} and this program did not agree on TLS: {error}")
        }
        _ if error.kind() == io::ErrorKind::UnexpectedEof
            || error.kind() == io::ErrorKind::ConnectionReset =>
        {
            format!("{place} ended the connection before TLS began. Is it a port for TLS?")
        }
        _ => format!("TLS with {place} failed: {error}"),
    }
}

/// Tells whether an error is the broker's refusal of this client's certificate, which TLS 1.3 tells
/// only after the handshake.
pub(super) fn is_refusal(error: &io::Error) -> bool {
    let cause = error.get_ref().and_then(|error| error.downcast_ref());
    matches!(cause, Some(rustls::Error::AlertReceived(alert)) if wants_certificate(*alert))
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
            | AlertDescription::AccessDenied
    )
}

fn certificate_words(problem: &CertificateError, address: &Address) -> String {
    let place = address.place();
    match problem {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => format!(
            "The certificate of {place} is not signed by an authority that this computer trusts. If it is yours, give its authority's certificate as a file"
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => format!(
            "The certificate of {place} has expired. Whoever runs the broker has to renew it; or is the clock here wrong?"
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            format!("The certificate of {place} is not valid yet. Is the clock here wrong?")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!(
                "The certificate of {place} is for another name than {}",
                address.host
            )
        }
        CertificateError::Revoked => format!("The certificate of {place} was revoked"),
        other => format!("The certificate of {place} is not in order: {other}"),
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
