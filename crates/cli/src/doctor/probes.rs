//! Probes of a broker, one after the other. Each is bounded in time and in bytes.

use std::cell::Cell;
use std::time::{Duration, Instant};

use mqdrop_mqtt::{Login, QoS, Version};

use super::Fault;
use super::conversation::Conversation;
use super::findings::{Findings, Length, Passes};
use crate::native::wire::Route;
use crate::words;

/// So many messages go there and back to find the latency.
const PINGS: usize = 20;
/// The longest time that one message may take there and back.
const ECHO: Duration = Duration::from_secs(5);
/// The packet lengths that are tried, in bytes of payload.
const LENGTHS: [usize; 6] = [
    4_000,
    16 * 1024,
    64 * 1024,
    256 * 1024,
    1024 * 1024,
    2 * 1024 * 1024,
];
/// The payloads whose rate is measured: below and above what mosquitto up to 2.0 writes at once.
const RATES: [usize; 2] = [4_000, 128 * 1024];
/// For so long each.
const MEASURED: Duration = Duration::from_secs(2);
/// As much may be under way meanwhile, in bytes, and in messages: brokers drop what is far beyond.
const UNDER_WAY: usize = 512 * 1024;
const MESSAGES_UNDER_WAY: usize = 100;

/// A broker to be asked.
pub(super) struct Patient {
    pub(super) route: Route,
    pub(super) login: Option<Login>,
    /// Topics begin with it; nobody else uses them.
    pub(super) prefix: String,
    /// Client identifiers begin with it.
    pub(super) name: String,
    /// The number of connections that were made.
    pub(super) count: Cell<u32>,
}

impl Patient {
    /// Asks everything.
    ///
    /// # Errors
    /// If it can be reached with no version; what fails later is a finding.
    pub(super) async fn examine(&self) -> Result<Findings, Fault> {
        let mut findings = Findings::default();
        let mut failure = None;
        for version in [Version::V5, Version::V311] {
            match self.begin(version).await {
                Ok(conversation) => {
                    findings.versions.push(version);
                    let limits = || conversation.limits().cloned();
                    findings.limits = findings.limits.or_else(limits);
                    conversation.end().await;
                }
                Err(fault @ Fault::Unreachable(_)) => return Err(fault),
                Err(fault) => failure = Some(fault),
            }
        }
        let Some(&version) = findings.versions.first() else {
            return Err(failure.unwrap_or(Fault::Silent));
        };
        findings.latency = self.latency(version).await.ok().flatten();
        findings.acknowledges = self.acknowledges(version).await;
        findings.wildcards = self.wildcards(version).await;
        findings.retained = self.retained(version, false).await;
        findings.retained_by_wildcard = self.retained(version, true).await;
        findings.longest = self.longest(version).await;
        for payload in RATES {
            if let Ok(rate) = self.rate(version, payload).await {
                findings.rates.push((payload, rate));
            }
        }
        Ok(findings)
    }

    async fn begin(&self, version: Version) -> Result<Conversation, Fault> {
        let number = self.count.replace(self.count.get() + 1);
        let client_id = format!("{}{number}", self.name);
        Conversation::begin(&self.route, self.login.clone(), &client_id, version).await
    }

    fn topic(&self, name: &str) -> String {
        format!("{}/{name}", self.prefix)
    }

    /// A connection that hears what it says under this name. `None` if the broker does not allow it.
    async fn listening(&self, version: Version, name: &str) -> Result<Option<Conversation>, Fault> {
        let mut conversation = self.begin(version).await?;
        let granted = conversation.subscribe(&self.topic(name)).await?;
        Ok(granted.is_ok().then_some(conversation))
    }

    /// The median time that a short message takes there and back.
    async fn latency(&self, version: Version) -> Result<Option<Duration>, Fault> {
        let Some(mut conversation) = self.listening(version, "latency").await? else {
            return Ok(None);
        };
        let topic = self.topic("latency");
        let mut times = Vec::with_capacity(PINGS);
        for _ in 0..PINGS {
            let sent = Instant::now();
            let _ = conversation
                .publish(&topic, b"ping", QoS::AtMostOnce, false)
                .await?;
            if conversation.message(sent + ECHO).await?.is_none() {
                return Ok(None);
            }
            times.push(sent.elapsed());
        }
        conversation.end().await;
        times.sort_unstable();
        Ok(times.get(PINGS / 2).copied())
    }

    /// Tells whether QoS 1 is acknowledged.
    async fn acknowledges(&self, version: Version) -> Passes {
        let asked = async {
            let mut conversation = self.begin(version).await?;
            let limits = conversation.limits();
            if limits.is_some_and(|limits| limits.max_qos < QoS::AtLeastOnce) {
                return Ok(false);
            }
            let topic = self.topic("acknowledged");
            let result = conversation
                .publish(&topic, b"1", QoS::AtLeastOnce, false)
                .await?;
            conversation.end().await;
            Ok(result.is_ok())
        };
        asked.await.into()
    }

    /// Tells whether a filter with a wildcard is granted and brings what it stands for.
    async fn wildcards(&self, version: Version) -> Passes {
        let asked = async {
            let Some(mut conversation) = self.listening(version, "wild/#").await? else {
                return Ok(false);
            };
            let topic = self.topic("wild/card");
            let _ = conversation
                .publish(&topic, b"1", QoS::AtMostOnce, false)
                .await?;
            let came = conversation.message(Instant::now() + ECHO).await?.is_some();
            conversation.end().await;
            Ok(came)
        };
        asked.await.into()
    }

    /// Tells whether a retained message is there for a client that comes later and subscribes to its
    /// topic, or to a wildcard. The message is removed again.
    async fn retained(&self, version: Version, by_wildcard: bool) -> Passes {
        let asked = async {
            let topic = self.topic("retained/one");
            let mut writer = self.begin(version).await?;
            if writer
                .limits()
                .is_some_and(|limits| !limits.retain_available)
            {
                return Ok(false);
            }
            let taken = writer
                .publish(&topic, b"kept", QoS::AtLeastOnce, true)
                .await?;
            let name = if by_wildcard {
                "retained/#"
            } else {
                "retained/one"
            };
            let came = match self.listening(version, name).await? {
                Some(mut reader) => {
                    let came = reader.message(Instant::now() + ECHO / 2).await?.is_some();
                    reader.end().await;
                    came
                }
                None => false,
            };
            let _ = writer.publish(&topic, b"", QoS::AtLeastOnce, true).await?;
            writer.end().await;
            Ok(taken.is_ok() && came)
        };
        asked.await.into()
    }

    /// The longest message that came back. A length that ends the connection, or does not come back,
    /// ends the search.
    async fn longest(&self, version: Version) -> Length {
        let mut length = Length::default();
        for payload in LENGTHS {
            match self.comes_back(version, payload).await {
                Ok(true) => length.carried = Some(payload),
                Ok(false) => {
                    length.failed = Some((payload, words().doctor_no_arrival().into()));
                    break;
                }
                Err(fault) => {
                    length.failed = Some((payload, fault.reason()));
                    break;
                }
            }
        }
        length
    }

    async fn comes_back(&self, version: Version, payload: usize) -> Result<bool, Fault> {
        let Some(mut conversation) = self.listening(version, "long").await? else {
            return Ok(false);
        };
        let topic = self.topic("long");
        let sent = vec![0xa5; payload];
        let _ = conversation
            .publish(&topic, &sent, QoS::AtMostOnce, false)
            .await?;
        // A slow line takes a while for the longest.
        let came = conversation.message(Instant::now() + 2 * ECHO).await?;
        conversation.end().await;
        Ok(came.is_some_and(|message| message.payload.len() == payload))
    }

    /// Bytes a second of messages of this length, there and back.
    async fn rate(&self, version: Version, payload: usize) -> Result<f64, Fault> {
        let Some(mut conversation) = self.listening(version, "rate").await? else {
            return Err(Fault::Silent);
        };
        let topic = self.topic("rate");
        // Not to be compressed, as what mqdrop sends is not.
        let content = noise(payload);
        let most = (UNDER_WAY / payload).clamp(1, MESSAGES_UNDER_WAY);
        let (start, mut sent, mut came) = (Instant::now(), 0_usize, 0_usize);
        while start.elapsed() < MEASURED {
            while sent - came < most {
                let _ = conversation
                    .publish(&topic, &content, QoS::AtMostOnce, false)
                    .await?;
                sent += 1;
            }
            match conversation.message(Instant::now() + ECHO).await? {
                Some(_) => came += 1,
                // Lost ones are not waited for any longer.
                None => break,
            }
        }
        let rate = (came * payload) as f64 / start.elapsed().as_secs_f64();
        conversation.end().await;
        Ok(rate)
    }
}

/// Bytes without any pattern that compression finds (xorshift, Marsaglia 2003).
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.take(len.div_ceil(8)).flatten().take(len).collect()
}
