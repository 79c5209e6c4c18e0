use core::time::Duration;

use bytes::Bytes;

use crate::types::{Event, Options, QoS, RequestError, Subscription, Ticket, Timer};
use crate::Time;

/// An MQTT client session that outlives its connections.
#[derive(Debug)]
pub struct Session {}
