//! TLS to a station, trusting one certificate and nothing else.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::client::tcp;

pub(crate) type Secure = StreamOwned<ClientConnection, TcpStream>;

/// Opens a connection to `address` as to `name`, which the certificate in the file must cover.
pub(crate) fn connect(
    address: SocketAddr,
    name: &str,
    certificate: &Path,
) -> Result<Secure, std::io::Error> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(certificate).expect("the file is there") {
        roots
            .add(certificate.expect("the certificate is PEM"))
            .expect("the certificate can be trusted");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3 are there")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).expect("the name is one");
    let session = ClientConnection::new(Arc::new(config), name).expect("a session");
    let mut stream = StreamOwned::new(session, tcp(address));
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

/// The answer to a GET, head and body.
pub(crate) fn get(stream: &mut Secure, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: station\r\nconnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .expect("the request is sent");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .expect("the answer ends as TLS wants it");
    answer
}
