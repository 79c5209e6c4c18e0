//! The lines that tell where a station is.

use mqdrop_station::Announcement;

use crate::{say, words};

/// The lines, with a QR code for the phone if others can reach the station and `with_code` is set.
pub(crate) fn lines(station: &Announcement, with_code: bool) -> String {
    let words = words();
    let mut lines = vec![words.station_ready(&station.url)];
    lines.extend(
        station
            .on_network
            .iter()
            .map(|url| words.station_on_network(url)),
    );
    if station.lacks_network {
        lines.push(words.station_no_network().into());
    }
    if let Some(certificate) = &station.certificate {
        lines.push(words.station_fingerprint(&certificate.fingerprint));
        if let Some(made) = &certificate.self_made {
            let file = made.file.display().to_string();
            lines.push(if made.is_new {
                words.station_certificate_new(&file)
            } else {
                words.station_certificate_kept(&file)
            });
            lines.push(words.station_certificate_asked().into());
        }
    }
    lines.extend(station.mqtt.as_ref().map(|url| words.station_mqtt(url)));
    let reachable = station.reachable.as_ref().filter(|_| with_code);
    if let Some(code) = reachable.and_then(|url| say::qr::code(url)) {
        let code = code.trim_end().to_owned();
        lines.extend([String::new(), code, words.station_scan().into()]);
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use mqdrop_station::{CertificateView, SelfMadeView};

    use super::*;

    fn station() -> Announcement {
        Announcement {
            url: "http://localhost:8080/".into(),
            ..Announcement::default()
        }
    }

    #[test]
    fn a_station_for_this_computer_alone_has_one_line() {
        assert_eq!(
            lines(&station(), true),
            "mqdrop is ready at http://localhost:8080/\n"
        );
    }

    #[test]
    fn a_station_for_others_has_a_code_on_a_terminal() {
        let url = "http://192.168.1.5:8080/".to_owned();
        let station = Announcement {
            on_network: vec![url.clone()],
            reachable: Some(url),
            mqtt: Some("mqtt://0.0.0.0:1883".into()),
            ..station()
        };
        let plain = lines(&station, false);
        assert_eq!(
            plain,
            "mqdrop is ready at http://localhost:8080/\n\
             on your network at http://192.168.1.5:8080/\n\
             MQTT for scripts at mqtt://0.0.0.0:1883\n"
        );
        let with_code = lines(&station, true);
        let code = with_code.strip_prefix(&plain).unwrap();
        assert!(code.starts_with("\n█"), "{code}");
        assert!(
            code.ends_with("\nScan this with a phone on the same network.\n"),
            "{code}"
        );
    }

    #[test]
    fn a_certificate_is_told_with_what_browsers_ask() {
        let told = |self_made| {
            lines(
                &Announcement {
                    certificate: Some(CertificateView {
                        fingerprint: "AA:BB".into(),
                        self_made,
                    }),
                    ..station()
                },
                false,
            )
        };
        let fingerprint = "certificate fingerprint (SHA-256) AA:BB\n";
        assert!(told(None).ends_with(fingerprint));
        for (is_new, line) in [
            (true, "a new certificate is in c.pem\n"),
            (false, "the certificate is the one kept in c.pem\n"),
        ] {
            let made = SelfMadeView {
                file: "c.pem".into(),
                is_new,
            };
            let text = told(Some(made));
            assert!(
                text.contains(&format!("{fingerprint}{line}Each browser")),
                "{text}"
            );
        }
    }
}
