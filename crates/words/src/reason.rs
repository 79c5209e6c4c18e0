//! The reason codes of MQTT in words.

use crate::Words;

impl Words {
    /// A reason code (MQTT 5, section 2.4) for people, as a part of a sentence behind a colon; "it" is
    /// the broker.
    #[must_use]
    pub fn reason(self, code: u8) -> &'static str {
        match code {
            0x00 => self.mqtt_none(),
            0x01 => self.mqtt_granted_1(),
            0x02 => self.mqtt_granted_2(),
            0x04 => self.mqtt_with_will(),
            0x10 => self.mqtt_nobody_subscribed(),
            0x11 => self.mqtt_no_subscription(),
            0x18 => self.mqtt_authentication_goes_on(),
            0x19 => self.mqtt_authenticate_again(),
            0x80 => self.mqtt_unspecified(),
            0x81 => self.mqtt_malformed_packet(),
            0x82 => self.mqtt_protocol_error(),
            0x83 => self.mqtt_cannot_handle(),
            0x84 => self.mqtt_version(),
            0x85 => self.mqtt_client_identifier(),
            0x86 => self.mqtt_wrong_login(),
            0x87 => self.mqtt_not_authorized(),
            0x88 => self.mqtt_not_available(),
            0x89 => self.mqtt_busy(),
            0x8A => self.mqtt_banned(),
            0x8B => self.mqtt_shutting_down(),
            0x8C => self.mqtt_authentication_method(),
            0x8D => self.mqtt_silent(),
            0x8E => self.mqtt_taken_over(),
            0x8F => self.mqtt_topic_filter(),
            0x90 => self.mqtt_topic_name(),
            0x91 => self.mqtt_identifier_in_use(),
            0x92 => self.mqtt_identifier_unknown(),
            0x93 => self.mqtt_receive_maximum(),
            0x94 => self.mqtt_topic_alias(),
            0x95 => self.mqtt_packet_too_large(),
            0x96 => self.mqtt_too_fast(),
            0x97 => self.mqtt_quota(),
            0x98 => self.mqtt_administrator(),
            0x99 => self.mqtt_payload_format(),
            0x9A => self.mqtt_retained(),
            0x9B => self.mqtt_quality_of_service(),
            0x9C => self.mqtt_use_another_server(),
            0x9D => self.mqtt_server_moved(),
            0x9E => self.mqtt_shared_subscriptions(),
            0x9F => self.mqtt_connections_too_fast(),
            0xA0 => self.mqtt_connection_time(),
            0xA1 => self.mqtt_subscription_identifiers(),
            0xA2 => self.mqtt_wildcards(),
            _ => self.mqtt_undefined(),
        }
    }
}
