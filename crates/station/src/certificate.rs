//! The certificate that the station makes itself and keeps, so that a device that was told to
//! trust it once need not be told again.

use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair,
    KeyUsagePurpose, PublicKeyData, SanType, SerialNumber,
};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::error::Error;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Some browsers refuse certificates that are good for longer.
const GOOD_FOR: Duration = DAY.saturating_mul(825);
/// Clocks of other devices may be behind.
const GOOD_SINCE: Duration = DAY;
/// A certificate that ends sooner is replaced at the next start.
const REPLACED_BEFORE_END: Duration = DAY.saturating_mul(30);
/// Addresses that a certificate remembers from networks the computer was on before.
const MOST_FORMER_ADDRESSES: usize = 32;

/// The files of the certificate.
#[derive(Debug)]
pub(crate) struct SelfMade {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// It was made just now: devices will ask about it.
    pub(crate) is_new: bool,
}

/// Makes sure that `folder` has a key and a certificate for this computer and `addresses`. The
/// certificate is made anew only when it is missing, damaged, about to end, or does not name one
/// of the addresses; the key stays.
///
/// # Errors
/// Names the file or folder that cannot be used and what to do about it.
pub(crate) fn keep(folder: &Path, addresses: &[IpAddr]) -> Result<SelfMade, Error> {
    let unusable = |error: io::Error| Error::CertificateNotKept {
        folder: folder.to_owned(),
        error,
    };
    let mut made = SelfMade {
        certificate: folder.join("certificate.pem"),
        key: folder.join("key.pem"),
        is_new: false,
    };
    create_private_folder(folder).map_err(unusable)?;
    let key = keep_key(&made.key, unusable)?;

    let mut names = vec![
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ];
    names.extend(addresses);
    let former = read_certificate(&made.certificate, &key);
    if let Some(former) = &former {
        if former.is_good(SystemTime::now()) && names.iter().all(|ip| former.names.contains(ip)) {
            return Ok(made);
        }
        let others = former.names.iter().filter(|ip| !names.contains(ip));
        let others: Vec<IpAddr> = others.take(MOST_FORMER_ADDRESSES).copied().collect();
        names.extend(others);
    }
    names.sort();
    names.dedup();
    let pem = make_certificate(&key, &names)
        .map_err(|error| Error::CertificateNotMade(error.to_string()))?;
    write_private(&made.certificate, pem.as_bytes()).map_err(unusable)?;
    made.is_new = true;
    Ok(made)
}

fn keep_key(path: &Path, unusable: impl Fn(io::Error) -> Error) -> Result<KeyPair, Error> {
    match fs::read_to_string(path) {
        Ok(pem) => KeyPair::from_pem(&pem).map_err(|error| Error::KeyDamaged {
            file: path.to_owned(),
            error: error.to_string(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = KeyPair::generate().map_err(|error| Error::KeyNotMade(error.to_string()))?;
            write_private(path, key.serialize_pem().as_bytes()).map_err(unusable)?;
            Ok(key)
        }
        Err(error) => Err(unusable(error)),
    }
}

fn make_certificate(key: &KeyPair, names: &[IpAddr]) -> Result<String, rcgen::Error> {
    let now = SystemTime::now();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()])?;
    params
        .subject_alt_names
        .extend(names.iter().map(|ip| SanType::IpAddress(*ip)));
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "mqdrop station");
    params.not_before = (now - GOOD_SINCE).into();
    params.not_after = (now + GOOD_FOR).into();
    params.serial_number = Some(serial_number(key, now));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params.self_signed(key)?.pem())
}

/// Browsers refuse two certificates of one issuer with the same number.
fn serial_number(key: &KeyPair, now: SystemTime) -> SerialNumber {
    let mut hasher = blake3::Hasher::new();
    hasher.update(key.der_bytes());
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    hasher.update(&since.as_nanos().to_be_bytes());
    let mut number = [0; 16];
    number.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    // Positive, and not shorter than it looks (RFC 5280, section 4.1.2.2).
    number[0] = number[0] & 0x7F | 0x40;
    SerialNumber::from_slice(&number)
}

/// The facts that matter of a certificate that is there already.
struct Former {
    names: Vec<IpAddr>,
    /// Seconds since 1970.
    since: i64,
    until: i64,
}

impl Former {
    fn is_good(&self, now: SystemTime) -> bool {
        let seconds = |time: SystemTime| {
            time.duration_since(UNIX_EPOCH)
                .ok()
                .and_then(|since| i64::try_from(since.as_secs()).ok())
                .unwrap_or(i64::MAX)
        };
        self.since <= seconds(now) && seconds(now + REPLACED_BEFORE_END) < self.until
    }
}

/// The certificate in a file, when it is one for `key`. Whatever is wrong with it, a new one helps.
fn read_certificate(path: &Path, key: &KeyPair) -> Option<Former> {
    let pem = fs::read(path).ok()?;
    let (_, pem) = x509_parser::pem::parse_x509_pem(&pem).ok()?;
    let (_, certificate) = X509Certificate::from_der(&pem.contents).ok()?;
    if *certificate.public_key().subject_public_key.data != *key.der_bytes() {
        return None;
    }
    let names = certificate.subject_alternative_name().ok()??;
    let names = names.value.general_names.iter().filter_map(address);
    Some(Former {
        names: names.collect(),
        since: certificate.validity().not_before.timestamp(),
        until: certificate.validity().not_after.timestamp(),
    })
}

fn address(name: &GeneralName<'_>) -> Option<IpAddr> {
    let GeneralName::IPAddress(bytes) = name else {
        return None;
    };
    if let Ok(v4) = <[u8; 4]>::try_from(*bytes) {
        return Some(v4.into());
    }
    <[u8; 16]>::try_from(*bytes).ok().map(IpAddr::from)
}

fn create_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}

/// Writes a file that only its owner can read, whole or not at all.
fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("pem.new");
    // One of an earlier run that was interrupted. A new file is never one that somebody else has
    // put there or can read.
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(&unfinished)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAN: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

    fn content(made: &SelfMade) -> (Vec<u8>, Vec<u8>) {
        (
            fs::read(&made.certificate).unwrap(),
            fs::read(&made.key).unwrap(),
        )
    }

    #[test]
    fn it_stays_the_same_until_an_address_is_missing_and_then_names_all() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("deep").join("tls");
        let first = keep(&folder, &[LAN]).unwrap();
        assert!(first.is_new);
        let before = content(&first);
        for addresses in [&[LAN][..], &[]] {
            let again = keep(&folder, addresses).unwrap();
            assert!(!again.is_new && content(&again) == before);
        }

        let elsewhere = IpAddr::V6("2001:db8::7".parse().unwrap());
        let moved = keep(&folder, &[elsewhere]).unwrap();
        assert!(moved.is_new);
        let after = content(&moved);
        assert!(after.0 != before.0 && after.1 == before.1, "the key stays");
        let key = KeyPair::from_pem(&String::from_utf8(after.1).unwrap()).unwrap();
        let names = read_certificate(&moved.certificate, &key).unwrap().names;
        for address in [LAN, elsewhere, Ipv4Addr::LOCALHOST.into()] {
            assert!(names.contains(&address), "{address}");
        }
        assert!(!keep(&folder, &[LAN, elsewhere]).unwrap().is_new);
    }

    #[test]
    fn a_damaged_certificate_is_made_anew_and_a_damaged_key_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let made = keep(folder.path(), &[]).unwrap();
        fs::write(&made.certificate, "scratched").unwrap();
        assert!(keep(folder.path(), &[]).unwrap().is_new);

        fs::write(&made.key, "scratched").unwrap();
        let error = keep(folder.path(), &[]).unwrap_err();
        assert!(
            matches!(&error, Error::KeyDamaged { file, .. } if *file == made.key),
            "{error}"
        );
    }

    #[test]
    fn a_certificate_of_another_key_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let made = keep(folder.path(), &[]).unwrap();
        fs::remove_file(&made.key).unwrap();
        assert!(keep(folder.path(), &[]).unwrap().is_new);
    }

    #[test]
    fn one_that_is_about_to_end_is_not_good_any_more() {
        let day = i64::try_from(DAY.as_secs()).unwrap();
        let former = Former {
            names: Vec::new(),
            since: 10 * day,
            until: 100 * day,
        };
        let on = |number: u32| former.is_good(UNIX_EPOCH + DAY * number);
        assert!(!on(9) && on(11) && on(69) && !on(71) && !on(101));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_the_key() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("tls");
        let made = keep(&folder, &[]).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&made.key), mode(&folder)), (0o600, 0o700));

        // Neither a file that others could read nor a link takes the place of a new one.
        let unfinished = made.key.with_extension("pem.new");
        let elsewhere = folder.join("elsewhere");
        fs::write(&elsewhere, "").unwrap();
        std::os::unix::fs::symlink(&elsewhere, &unfinished).unwrap();
        write_private(&made.key, b"secret").unwrap();
        assert_eq!(
            (mode(&made.key), fs::read(&elsewhere).unwrap()),
            (0o600, Vec::new())
        );
        fs::write(&unfinished, "").unwrap();
        fs::set_permissions(&unfinished, fs::Permissions::from_mode(0o644)).unwrap();
        write_private(&made.key, b"secret").unwrap();
        assert_eq!(mode(&made.key), 0o600);
    }
}
