//! The station of `mqdrop serve`. One port serves the app and, under `/mqtt`, an MQTT broker; a
//! second port may serve MQTT without WebSocket. It knows no rooms and no keys: `docs/STATION.md`
//! says what it does for its clients and what it refuses.
//!
//! [`Station::start`] takes [`Options`] and binds the ports, [`Station::run`] serves until it is
//! told to stop. What goes wrong before that is an [`Error`], of which the caller makes a sentence;
//! later it is told by `tracing`, in English, below the target `mqdrop_station`, and the broker's own
//! notes below `mqtt5`. Signals, the log and stdout are the caller's.
//!
//! ```no_run
//! # async fn serve() -> Result<(), mqdrop_station::Error> {
//! use mqdrop_station::{Options, Station};
//!
//! let options = Options {
//!     listen: ([127, 0, 0, 1], 8080).into(),
//!     ..Options::default()
//! };
//! let station = Station::start(options).await?;
//! println!("{}", station.announcement().url);
//! // A minute later it says goodbye to everybody.
//! let minute = std::time::Duration::from_secs(60);
//! station.run(tokio::time::sleep(minute)).await;
//! # Ok(())
//! # }
//! ```

mod access;
mod addresses;
mod assets;
mod audience;
mod broker;
mod certificate;
mod compress;
mod counted;
mod crowd;
mod door;
mod error;
mod exposure;
mod frames;
mod gauge;
mod guesses;
mod health;
mod http;
mod inspector;
mod limits;
mod link;
mod listen;
mod listener;
mod login;
mod nameless;
mod options;
mod origins;
mod outbox;
mod pace;
mod private;
mod reception;
mod retained;
mod rules;
mod seat;
mod seldom;
mod sessions;
mod socket;
mod station;
mod stream;
mod suback;
mod tls;
mod upgrade;
pub mod users;

pub use self::addresses::{Announcement, CertificateView, SelfMadeView};
pub use self::error::{Error, LineFault, NameFault, Problem, UserFault};
pub use self::limits::Limits;
pub use self::options::Options;
pub use self::origins::{NotAnOrigin, Origin};
pub use self::station::Station;
pub use self::tls::TlsOptions;
