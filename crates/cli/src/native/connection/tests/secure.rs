//! TLS.

use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_ECDSA_P256_SHA256,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;

use super::super::super::tls::ClientCertificate;
use super::*;

/// An authority, and a folder for its files.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        Self {
            issuer: CertifiedIssuer::self_signed(params, key).unwrap(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn file(&self) -> PathBuf {
        let path = self.folder.path().join("ca.pem");
        std::fs::write(&path, self.issuer.pem()).unwrap();
        path
    }

    fn trusted(&self) -> ConnectionOptions {
        ConnectionOptions {
            ca_file: Some(self.file()),
            ..ConnectionOptions::default()
        }
    }

    /// A certificate and its key as PEM.
    fn sign(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// A listener with this certificate that sends back what it is sent; asks for a certificate
    /// that this authority signed if it is to.
    async fn echo(&self, (certificate, key): (String, String), asks: bool) -> u16 {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if asks {
            let mut roots = RootCertStore::empty();
            roots.add(self.issuer.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let config = Arc::new(builder.with_single_cert(chain, key).unwrap());
        listen(move |stream| async move {
            if let Ok(stream) = TlsAcceptor::from(config).accept(stream).await {
                let (mut reader, mut writer) = tokio::io::split(stream);
                let _ = tokio::io::copy(&mut reader, &mut writer).await;
            }
        })
        .await
    }

    async fn server(&self) -> u16 {
        self.echo(self.sign("localhost", |_| ()), false).await
    }
}

async fn talks(port: u16, options: ConnectionOptions) {
    let (mut connection, mut heard) = connection(options);
    connection
        .open(&format!("mqtts://localhost:{port}"))
        .unwrap();
    opened(&mut heard).await;
    let packet = Bytes::from(vec![3; 300_000]);
    connection.send(packet.clone());
    connection.flush();
    assert_eq!(received(&mut heard, packet.len()).await, packet);
    connection.close(Vec::new());
    connection.ended().await;
}

#[tokio::test]
async fn a_broker_whose_authority_is_given_is_trusted() {
    let authority = Authority::new();
    talks(authority.server().await, authority.trusted()).await;
}

#[tokio::test]
async fn a_broker_of_an_unknown_authority_is_not_unless_nothing_is_checked() {
    let authority = Authority::new();
    let url = format!("mqtts://localhost:{}", authority.server().await);
    let text = lasting(&url, Authority::new().trusted()).await;
    assert!(text.contains("not signed by an authority"), "{text}");
    let insecure = ConnectionOptions {
        insecure: true,
        ..ConnectionOptions::default()
    };
    talks(authority.server().await, insecure).await;
}

#[tokio::test]
async fn certificates_of_other_names_or_times_are_told_apart() {
    let authority = Authority::new();
    let other = authority.sign("other.example", |_| ());
    let port = authority.echo(other, false).await;
    let text = lasting(&format!("mqtts://localhost:{port}"), authority.trusted()).await;
    assert!(text.contains("for another name than localhost"), "{text}");

    let old = authority.sign("localhost", |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    });
    let port = authority.echo(old, false).await;
    let text = lasting(&format!("mqtts://localhost:{port}"), authority.trusted()).await;
    assert!(text.contains("has expired"), "{text}");
}

#[tokio::test]
async fn a_client_certificate_is_shown_and_its_lack_is_told() {
    let authority = Authority::new();
    let (chain, key) = authority.sign("client", |_| ());
    let (chain_file, key_file) = (
        authority.folder.path().join("client.pem"),
        authority.folder.path().join("client.key"),
    );
    std::fs::write(&chain_file, chain).unwrap();
    std::fs::write(&key_file, key).unwrap();
    let server = authority.sign("localhost", |_| ());
    let options = ConnectionOptions {
        client_certificate: Some(ClientCertificate {
            chain_file,
            key_file,
        }),
        ..authority.trusted()
    };
    talks(authority.echo(server.clone(), true).await, options).await;

    // In the middle of the handshake of a WebSocket it is no less clear.
    let port = authority.echo(server.clone(), true).await;
    let url = format!("wss://localhost:{port}/mqtt");
    let text = lasting(&url, authority.trusted()).await;
    assert!(text.contains("client certificate"), "{text}");

    let port = authority.echo(server, true).await;
    let (mut connection, mut heard) = connection(authority.trusted());
    connection
        .open(&format!("mqtts://localhost:{port}"))
        .unwrap();
    // TLS 1.3 opens first and is refused then.
    let SocketClose::Refused(Obstacle::Lasting(text)) = closed(&mut heard).await else {
        panic!("no words");
    };
    assert!(text.contains("client certificate"), "{text}");
}

#[tokio::test]
async fn a_port_without_tls_is_told_from_one_that_hangs_up() {
    let authority = Authority::new();
    let port = listen(|mut stream| async move {
        let _ = stream.read(&mut [0; 1024]).await;
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
    })
    .await;
    let text = lasting(&format!("mqtts://localhost:{port}"), authority.trusted()).await;
    assert!(text.contains("does not speak TLS"), "{text}");
    let port = listen(|mut stream| async move {
        let _ = stream.read(&mut [0; 1024]).await;
    })
    .await;
    let text = refusal(&format!("mqtts://localhost:{port}"), authority.trusted()).await;
    assert!(text.contains("before TLS began"), "{text}");
}

#[test]
fn files_that_are_no_certificates_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    for file in [empty, folder.path().join("missing.pem")] {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let options = ConnectionOptions {
            ca_file: Some(file),
            ..ConnectionOptions::default()
        };
        let Err(error) = Tls::new(options) else {
            panic!("{name} was taken");
        };
        assert!(error.to_string().contains(&name), "{error}");
    }
}
