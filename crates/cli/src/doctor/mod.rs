//! `mqdrop doctor`: what a broker can do, asked of the broker itself.

mod conversation;
mod findings;
mod probes;

use std::cell::Cell;

use clap::Args;
use mqdrop_mqtt::{Disconnect, RequestError};

use crate::failure::Failure;
use crate::native::wire::Route;
use crate::room::{BrokerArgs, Environment, random};
use crate::say::{clean, print};
use crate::words;
use probes::Patient;

/// The options of `mqdrop doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorOptions {
    #[command(flatten)]
    broker: BrokerArgs,

    /// The topic prefix below which the broker is asked; mqdrop/1 if missing
    #[arg(long, value_name = "PREFIX", default_value = "mqdrop/1")]
    prefix: String,

    /// Print one JSON object on stdout instead of a table
    #[arg(long)]
    json: bool,
}

/// Asks the broker, and prints what it can do.
///
/// # Errors
/// [`Failure::Broker`] if it cannot be reached or lets this login do nothing.
pub(crate) fn run(options: &DoctorOptions) -> Result<(), Failure> {
    let way = options.broker.way(String::new(), &Environment::read())?;
    let prefix = mqdrop_core::topic_prefix(&options.prefix)
        .map_err(|error| Failure::usage(words().join_error(&error)))?;
    let word: String = random()?[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    if !options.json {
        eprintln!("{}", clean::line(&words().doctor_asking(&way.broker)));
    }
    let patient = Patient {
        route: Route {
            url: way.broker,
            options: way.connection,
        },
        login: way.login,
        // As a room's topics are called, so that the same rights count.
        prefix: format!("{prefix}/doctor{word}"),
        name: format!("mqdrop{word}"),
        count: Cell::new(0),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::other(words().system_cannot_start(&error.to_string())))?;
    let findings = runtime
        .block_on(patient.examine())
        .map_err(|fault| Failure::Broker(fault.reason()))?;
    let text = if options.json {
        clean::json(&findings.json().to_string()) + "\n"
    } else {
        let rows = findings.rows();
        let width = rows.iter().map(|(what, _)| what.chars().count()).max();
        let width = width.unwrap_or_default();
        let lines = rows
            .iter()
            .map(|(what, how)| format!("{what:width$}  {}\n", clean::line(how)));
        lines.collect()
    };
    print(text.as_bytes())
}

/// The reason why something could not be found out.
#[derive(Debug)]
enum Fault {
    /// There is no way to it, in words.
    Unreachable(String),
    /// The connection ended.
    Ended(Disconnect),
    /// The connection was lost, in words.
    Lost(String),
    /// It owes an answer.
    Silent,
    /// It was not even sent.
    Request(RequestError),
}

impl Fault {
    /// The fault in words, behind a colon.
    fn reason(&self) -> String {
        match self {
            Self::Unreachable(text) | Self::Lost(text) => text.clone(),
            Self::Ended(why) => ended(why),
            Self::Silent => words().doctor_no_answer().into(),
            Self::Request(RequestError::NotConnected) => words().doctor_lost().into(),
            Self::Request(RequestError::TooLarge { size, limit }) => {
                let bytes = |number: &usize| words().number_bytes(*number as u64);
                words().doctor_too_long(&bytes(size), &bytes(limit))
            }
            Self::Request(RequestError::InvalidTopic) => words().doctor_no_topic().into(),
            Self::Request(RequestError::QueueFull) => words().doctor_too_many().into(),
        }
    }
}

fn ended(why: &Disconnect) -> String {
    match why {
        Disconnect::TransportClosed | Disconnect::ByClient => words().doctor_lost().into(),
        Disconnect::ClosedBeforeConnack => words().doctor_closed_early().into(),
        Disconnect::Refused { reason, .. } => words().doctor_refused_why(words().reason(reason.0)),
        Disconnect::ByServer { reason, .. } => words().doctor_ended_why(words().reason(reason.0)),
        Disconnect::ConnackTimeout => words().doctor_no_answer().into(),
        Disconnect::KeepAliveTimeout => words().doctor_silent().into(),
        Disconnect::Protocol(what) => words().doctor_not_mqtt_why(what),
        Disconnect::InvalidOptions(unfit) => words().doctor_unfit_settings(words().unfit(*unfit)),
    }
}
