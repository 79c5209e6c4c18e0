//! Settings that the browser remembers between visits. Never the key, never a password.

use mqdrop_client::link::pairs;

use crate::bridge::Protocol;

/// The remembered part of the join form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// This device's name.
    pub name: String,
    /// The broker's address as it was typed; empty for the app's own.
    pub broker: String,
    /// The topic prefix; empty for the usual one.
    pub prefix: String,
    /// The protocol version.
    pub protocol: Protocol,
}

impl Settings {
    /// As one line of text.
    #[must_use]
    pub fn to_text(&self) -> String {
        pairs::encode(&[
            ("name", &self.name),
            ("broker", &self.broker),
            ("prefix", &self.prefix),
            ("protocol", protocol_text(self.protocol)),
        ])
    }

    /// Reads [`Settings::to_text`]; what is not understood is left at its default.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let mut settings = Self::default();
        for (name, value) in pairs::decode(text) {
            match name.as_str() {
                "name" => settings.name = value,
                "broker" => settings.broker = value,
                "prefix" => settings.prefix = value,
                "protocol" => settings.protocol = protocol_from(&value),
                _ => {}
            }
        }
        settings
    }
}

/// The protocol version as the form's choice and the settings write it.
#[must_use]
pub fn protocol_text(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Auto => "auto",
        Protocol::V5 => "5",
        Protocol::V311 => "3.1.1",
    }
}

/// Reads [`protocol_text`]; anything else means: find out.
#[must_use]
pub fn protocol_from(text: &str) -> Protocol {
    match text {
        "5" => Protocol::V5,
        "3.1.1" => Protocol::V311,
        _ => Protocol::Auto,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_they_were_written() {
        let settings = Settings {
            name: "Ann & Bob’s = 100%".into(),
            broker: "wss://host:8084/mqtt".into(),
            prefix: "team/x".into(),
            protocol: Protocol::V311,
        };
        assert_eq!(Settings::from_text(&settings.to_text()), settings);
        assert_eq!(
            Settings::from_text(&Settings::default().to_text()),
            Settings::default()
        );
    }

    #[test]
    fn foreign_text_gives_defaults() {
        assert_eq!(Settings::from_text("{\"json\":1}"), Settings::default());
        assert_eq!(
            Settings::from_text("protocol=7&color=red"),
            Settings::default()
        );
    }
}
