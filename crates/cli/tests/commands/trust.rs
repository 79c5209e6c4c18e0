//! Brokers with certificates that are not in order: a command does not wait for them, as waiting
//! mends nothing.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_ECDSA_P256_SHA256,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};

use crate::support::{Ended, Room, Station};

/// A broker that may yet let a command in is waited for so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// An authority, and a folder for its files.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
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

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// A certificate and its key as PEM.
    fn sign(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// A station with this certificate.
    fn station(&self, (certificate, key): &(String, String)) -> Station {
        let (certificate, key) = (self.file("a.pem", certificate), self.file("a.key", key));
        let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
        Station::start(&["--tls-cert", certificate, "--tls-key", key])
    }

    /// A listener that asks for a certificate of this authority; its port.
    fn asking(&self) -> u16 {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let roots = Arc::new(roots);
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider));
        let (certificate, key) = self.sign("localhost", |_| ());
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(chain, key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let mut tls = ServerConnection::new(Arc::clone(&config)).unwrap();
                // It ends when the client says nothing more.
                while tls.complete_io(&mut stream).is_ok_and(|(read, _)| read > 0) {}
            }
        });
        port
    }

    /// A command that trusts this authority, and its end, which comes without waiting.
    #[track_caller]
    fn refuses(&self, broker: String, args: &[&str]) -> Ended {
        let authority = self.file("ca.pem", &self.issuer.pem());
        let room = Room::new(broker);
        let trusting = ["--ca-file", authority.to_str().unwrap()];
        let began = Instant::now();
        let inbox = room.inbox("inbox");
        let run = room.receive(&inbox, &[&trusting[..], args].concat());
        let ended = run.wait().expect(6);
        assert!(began.elapsed() < PATIENCE, "{}", ended.stderr);
        ended
    }
}

#[test]
fn a_certificate_that_does_not_fit_is_an_error_at_once() {
    let authority = Authority::new();
    let fitting = authority.sign("localhost", |_| ());
    let other = authority.sign("other.example", |_| ());
    let old = authority.sign("localhost", |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    });
    for (certificate, trusting, words) in [
        (&fitting, &Authority::new(), "not signed by an authority"),
        (&other, &authority, "another name than localhost"),
        (&old, &authority, "has expired"),
    ] {
        let station = authority.station(certificate);
        for broker in [
            format!("mqtts://localhost:{}", station.mqtt),
            format!("wss://localhost:{}/mqtt", station.web),
        ] {
            let ended = trusting.refuses(broker, &[]);
            assert!(ended.stderr.contains(words), "{}", ended.stderr);
        }
    }
}

#[test]
fn a_client_certificate_that_the_broker_does_not_take_is_an_error_at_once() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let (certificate, key) = stranger.sign("client", |_| ());
    let (certificate, key) = (
        stranger.file("client.pem", &certificate),
        stranger.file("client.key", &key),
    );
    let shown = ["--cert", certificate.to_str().unwrap()];
    let shown = [&shown[..], &["--cert-key", key.to_str().unwrap()]].concat();
    for scheme in ["mqtts", "wss"] {
        for args in [&[][..], &shown] {
            let broker = format!("{scheme}://localhost:{}", authority.asking());
            let ended = authority.refuses(broker, args);
            assert!(
                ended.stderr.contains("client certificate"),
                "{scheme}: {}",
                ended.stderr
            );
        }
    }
}

#[test]
fn a_broker_that_is_not_there_yet_is_waited_for() {
    let free = || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port().to_string()
    };
    let (web, mqtt) = (free(), free());
    let room = Room::new(format!("mqtt://127.0.0.1:{mqtt}"));
    room.file("a.txt", "a");
    let sender = room.run(&["send", "-v", "a.txt"]);
    sender.until_said("closed why=refused");
    let _station = Station::start_on(&web, &mqtt, &[]);
    sender.until_said("state=online");
}
