//! A station from its start to its end.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::addresses::{self, Announcement, local_address};
use super::assets::Assets;
use super::broker::Broker;
use super::door::Door;
use super::exposure;
use super::health::Health;
use super::http::Site;
use super::listen::{self, Entrance};
use super::login::Logins;
use super::options::Options;
use super::origins::Origins;
use super::private;
use super::rules::Rules;
use super::tls::Tls;
use crate::error::Error;

/// Open sockets the station asks the system for; clients, pages and files.
const OPEN_FILES: u64 = 16_384;

/// A station whose ports are bound and whose broker runs. Connections wait until [`Station::run`].
#[must_use]
pub struct Station {
    web: Port,
    plain: Option<Port>,
    entrance: Entrance,
    broker: Broker,
    site: Arc<Site>,
    tls: Option<Tls>,
}

/// A bound port.
struct Port {
    listener: TcpListener,
    /// The address that the system gave it.
    address: SocketAddr,
}

impl Port {
    async fn bind(address: SocketAddr, option: &'static str) -> Result<Self, Error> {
        let listener = listen::bind(address, option).await?;
        let address = local_address(&listener)?;
        Ok(Self { listener, address })
    }
}

impl Station {
    /// Reads what the options name, binds the ports and starts the broker. It reads files and hashes
    /// passwords without giving way, so it belongs to the start of a program. It lets this process
    /// open more files, and with [`Options::data`] on Unix everything that this process writes from
    /// then on is for its owner only.
    ///
    /// # Errors
    /// When an option is wrong or a port or folder cannot be used.
    pub async fn start(mut options: Options) -> Result<Self, Error> {
        options.check()?;
        let logins = Logins::load(&options.users, options.users_file.as_deref())?;
        let listening: Vec<(SocketAddr, &'static str)> = [
            Some((options.listen, "--listen")),
            options
                .mqtt_listen
                .map(|address| (address, "--mqtt-listen")),
        ]
        .into_iter()
        .flatten()
        .collect();
        exposure::check(&listening, options.open, logins.are_asked_for())?;
        let assets = Assets::open(options.app.as_deref())?;
        if let Some(folder) = &options.data {
            private::make_private(folder)?;
        }
        let reachable: Vec<_> = listening
            .iter()
            .flat_map(|(address, _)| addresses::reachable_at(*address))
            .collect();
        let tls = Tls::load(&options.tls, options.data.as_deref(), &reachable)?;
        match rlimit::increase_nofile_limit(OPEN_FILES) {
            Ok(allowed) => options.limits.fit(allowed),
            Err(error) => tracing::debug!("the number of open sockets stays limited: {error}"),
        }
        Self::open(options, logins, assets, tls).await
    }

    async fn open(
        options: Options,
        logins: Logins,
        assets: Assets,
        tls: Option<Tls>,
    ) -> Result<Self, Error> {
        let web = Port::bind(options.listen, "--listen").await?;
        let plain = match options.mqtt_listen {
            Some(address) => Some(Port::bind(address, "--mqtt-listen").await?),
            None => None,
        };
        let limits = options.limits;
        let entrance = Entrance {
            door: Door::new(&limits),
            tls: tls.as_ref().map(|tls| Arc::clone(&tls.config)),
            handshake_time: limits.handshake_time(),
            stopping: CancellationToken::new(),
        };
        let rules = Rules {
            is_open: options.topics,
        };
        let origins = Origins::new(options.origins, options.listen, logins.are_asked_for());
        let data = options.data.as_deref();
        let broker = Broker::start(options.max_packet, rules, limits, logins, data).await?;
        let site = Arc::new(Site::new(
            assets,
            broker.clone(),
            Health::new(entrance.door.clone()),
            origins,
            tls.is_some(),
        ));
        Ok(Self {
            web,
            plain,
            entrance,
            broker,
            site,
            tls,
        })
    }

    /// The addresses and, with TLS, the certificate.
    #[must_use]
    pub fn announcement(&self) -> Announcement {
        let plain = self.plain.as_ref().map(|port| port.address);
        addresses::announce(self.web.address, plain, self.tls.as_ref())
    }

    /// Serves until `shutdown` resolves, then says goodbye to everybody and returns.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let (entrance, broker) = (self.entrance, self.broker);
        let stopping = entrance.stopping.clone();
        let web = tokio::spawn(entrance.clone().serve_web(self.web.listener, self.site));
        let plain = self
            .plain
            .map(|port| tokio::spawn(entrance.serve_mqtt(port.listener, broker.clone())));

        shutdown.await;
        tracing::debug!("stopping");
        stopping.cancel();
        for listener in [Some(web), plain].into_iter().flatten() {
            if let Err(error) = listener.await {
                tracing::warn!("a listener ended badly: {error}");
            }
        }
        broker.stop().await;
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;

    use super::*;
    use crate::error::Problem;

    fn options() -> Options {
        Options {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            mqtt_listen: Some((Ipv4Addr::LOCALHOST, 0).into()),
            ..Options::default()
        }
    }

    #[tokio::test]
    async fn a_station_serves_where_it_says_until_it_is_told_to_stop() {
        let station = Station::start(options()).await.unwrap();
        let web = station.web.address;
        let mqtt = station.plain.as_ref().unwrap().address;
        let told = station.announcement();
        assert_eq!(told.url, format!("http://localhost:{}/", web.port()));
        assert_eq!(told.mqtt, Some(format!("mqtt://{mqtt}")));
        assert_eq!(told.reachable, None, "only this computer reaches it");

        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(station.run(async {
            let _ = stopped.await;
        }));
        let mut client = TcpStream::connect(web).await.unwrap();
        let request = b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        client.write_all(request).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains("\"status\":\"ok\""), "{answer}");

        stop.send(()).unwrap();
        running.await.unwrap();
        assert!(TcpStream::connect(mqtt).await.is_err());
    }

    #[tokio::test]
    async fn errors_tell_the_part_that_is_at_fault() {
        let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let missing = tempfile::tempdir().unwrap().path().join("missing");
        let all = |change: &dyn Fn(&mut Options)| {
            let mut options = options();
            change(&mut options);
            options
        };
        for (options, problem) in [
            (
                all(&|options| options.listen = (Ipv4Addr::UNSPECIFIED, 0).into()),
                Problem::Options,
            ),
            (
                all(&|options| options.tls.tls_cert = Some(missing.clone())),
                Problem::Options,
            ),
            (
                all(&|options| options.users_file = Some(missing.clone())),
                Problem::Logins,
            ),
            (
                all(&|options| {
                    options.tls.tls_cert = Some(missing.clone());
                    options.tls.tls_key = Some(missing.clone());
                }),
                Problem::Certificate,
            ),
            (
                all(&|options| options.listen = taken.local_addr().unwrap()),
                Problem::Address,
            ),
            (
                all(&|options| options.data = Some("/dev/null/data".into())),
                Problem::Data,
            ),
            (
                all(&|options| options.app = Some(missing.clone())),
                Problem::App,
            ),
        ] {
            let Err(error) = Station::start(options).await else {
                panic!("{problem:?} was expected");
            };
            assert_eq!(error.problem(), problem, "{error}");
        }
    }
}
