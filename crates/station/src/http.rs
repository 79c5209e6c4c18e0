//! Answers to HTTP requests: the app's files, `/health`, and the way to `/mqtt`.

use std::borrow::Cow;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HOST, HeaderMap, HeaderName, HeaderValue,
    IF_NONE_MATCH, LOCATION, REFERRER_POLICY, UPGRADE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;

use super::assets::{Asset, Assets};
use super::broker::Broker;
use super::compress::{Compressor, Encoding, is_worthwhile};
use super::health::Health;
use super::origins::{Origins, host_of, is_this_computer};
use super::outbox::Wire;
use super::stream::Stream;
use super::upgrade;

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const REVALIDATE: &str = "no-cache";
/// The policy of index.html, and what only works as a header: the worker's script has no other, and
/// nobody may frame the page.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; \
    connect-src 'self' ws: wss:; img-src 'self' blob: data:; frame-src blob:; style-src 'self'; \
    manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const ANOTHER_SITE: &str = "Pages of other sites may not connect here; the station's option --origin \
    names those that may.";
const JSON: &str = "application/json";
const PLAIN_TEXT: &str = "text/plain; charset=utf-8";
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
<title>mqdrop</title><h1>The app is not built</h1>\
<p>Run <code>cargo xtask build</code>, or start the station with <code>--app</code> \
and the folder of the built app.</p>";

/// Everything the station answers by HTTP.
pub(crate) struct Site {
    files: Arc<Files>,
    broker: Broker,
    health: Health,
    origins: Origins,
    speaks_https: bool,
}

struct Files {
    assets: Assets,
    compressor: Compressor,
}

impl Site {
    /// The app from `assets`, `broker` under `/mqtt` for pages of `origins`, and how the station is
    /// under `/health`; by https or by http.
    pub(crate) fn new(
        assets: Assets,
        broker: Broker,
        health: Health,
        origins: Origins,
        speaks_https: bool,
    ) -> Self {
        let compressor = Compressor::default();
        Self {
            files: Arc::new(Files { assets, compressor }),
            broker,
            health,
            origins,
            speaks_https,
        }
    }

    /// Answers one request of `peer`.
    ///
    /// # Errors
    /// Never; whatever goes wrong is an answer as well.
    pub(crate) async fn answer(
        &self,
        mut request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let is_head = request.method() == Method::HEAD;
        let is_trustworthy = self.speaks_https || is_trustworthy(request.headers());
        let mut response = match request.uri().path() {
            "/mqtt" => self.connect(&mut request, peer),
            _ if !is_head && request.method() != Method::GET => not_allowed(),
            "/health" => self.health(),
            _ => self.file(&request).await,
        };
        tracing::debug!(
            %peer,
            method = %request.method(),
            path = request.uri().path(),
            status = response.status().as_u16(),
            "request answered"
        );
        set_security_headers(response.headers_mut());
        if is_trustworthy {
            // A page that opened the app keeps no handle on its window.
            set(&mut response, OPENER_POLICY, "same-origin");
        }
        Ok(response)
    }

    fn connect(&self, request: &mut Request<Incoming>, peer: SocketAddr) -> Response<Full<Bytes>> {
        match upgrade::accept(request) {
            Ok(_) if !self.origins.allow(request.headers(), peer) => {
                text(StatusCode::FORBIDDEN, ANOTHER_SITE)
            }
            Ok(answer) => {
                let broker = self.broker.clone();
                tokio::spawn(hand_over(hyper::upgrade::on(request), peer, broker));
                answer.map(|()| Full::default())
            }
            Err(refusal) => {
                let mut response = text(refusal.status, refusal.text);
                if refusal.status == StatusCode::UPGRADE_REQUIRED {
                    set(&mut response, UPGRADE, "websocket");
                }
                if refusal.status == StatusCode::METHOD_NOT_ALLOWED {
                    set(&mut response, ALLOW, "GET");
                }
                response
            }
        }
    }

    fn health(&self) -> Response<Full<Bytes>> {
        let mut response = text(StatusCode::OK, self.health.report(&self.broker));
        set(&mut response, CONTENT_TYPE, JSON);
        response
    }

    async fn file(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let files = Arc::clone(&self.files);
        let path = request.uri().path().to_owned();
        let accepted = list(request.headers(), &ACCEPT_ENCODING);
        let known = list(request.headers(), &IF_NONE_MATCH);
        // Reads from disk and compresses.
        tokio::task::spawn_blocking(move || files.answer(&path, &accepted, &known))
            .await
            .unwrap_or_else(|error| {
                tracing::error!("cannot answer a request: {error}");
                text(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "The station could not answer; try again.",
                )
            })
    }
}

impl Files {
    fn answer(&self, path: &str, accepted: &str, known: &str) -> Response<Full<Bytes>> {
        match self.assets.find(path) {
            Some(asset) => self.send(asset, accepted, known),
            None if path == "/" && !self.assets.is_built() => {
                let mut page = text(StatusCode::SERVICE_UNAVAILABLE, NOT_BUILT);
                set(&mut page, CONTENT_TYPE, "text/html; charset=utf-8");
                page
            }
            None => text(StatusCode::NOT_FOUND, "There is nothing at this address."),
        }
    }

    fn send(&self, asset: Asset, accepted: &str, known: &str) -> Response<Full<Bytes>> {
        let hash = blake3::hash(&asset.content);
        let compressible = is_worthwhile(&asset.mime, asset.content.len());
        let encoding = compressible.then(|| Encoding::choose(accepted)).flatten();
        // Each encoding is a representation of its own (RFC 9110, section 8.8.3).
        let suffix = encoding.map_or("", Encoding::name);
        let tag = format!("\"{}{suffix}\"", &hash.to_hex()[..32]);

        let mut response = Response::new(Full::default());
        if matches_tag(known, &tag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            let compressed = encoding.and_then(|encoding| {
                match self.compressor.compress(&asset.content, hash, encoding) {
                    Ok(compressed) => Some((encoding, compressed)),
                    Err(error) => {
                        tracing::warn!("cannot compress a file: {error}");
                        None
                    }
                }
            });
            let body = if let Some((encoding, compressed)) = compressed {
                set(&mut response, CONTENT_ENCODING, encoding.name());
                compressed
            } else {
                match asset.content {
                    Cow::Borrowed(content) => Bytes::from_static(content),
                    Cow::Owned(content) => Bytes::from(content),
                }
            };
            set(&mut response, CONTENT_TYPE, &asset.mime);
            set(&mut response, CONTENT_LENGTH, &body.len().to_string());
            *response.body_mut() = Full::new(body);
        }
        set(&mut response, ETAG, &tag);
        let lifetime = if asset.immutable {
            FOR_EVER
        } else {
            REVALIDATE
        };
        set(&mut response, CACHE_CONTROL, lifetime);
        if compressible {
            set(&mut response, VARY, "accept-encoding");
        }
        response
    }
}

/// Tells whether a page is one that browsers trust although it did not come by https from here: from this
/// computer, or through a proxy that speaks https. On others they complain of an opener policy.
fn is_trustworthy(headers: &HeaderMap) -> bool {
    let is_here = headers
        .get(HOST)
        .and_then(|host| host_of(host.to_str().ok()?))
        .is_some_and(|host| is_this_computer(&host));
    let proxied = HeaderName::from_static("x-forwarded-proto");
    is_here || list(headers, &proxied).eq_ignore_ascii_case("https")
}

/// Sends who speaks http to a port with TLS to the same address with https.
pub(crate) fn redirect_to_https<B>(request: &Request<B>) -> Response<Full<Bytes>> {
    let host = request.headers().get(HOST).map(HeaderValue::to_str);
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let mut response = match host {
        Some(Ok(host)) if path.starts_with('/') => {
            let mut response = text(StatusCode::PERMANENT_REDIRECT, "This station speaks https.");
            set(&mut response, LOCATION, &format!("https://{host}{path}"));
            response
        }
        _ => text(
            StatusCode::BAD_REQUEST,
            "This station speaks https: begin the address with https://.",
        ),
    };
    set_security_headers(response.headers_mut());
    response
}

/// Takes the connection out of HTTP's hands and gives it to the broker.
async fn hand_over(upgraded: OnUpgrade, peer: SocketAddr, broker: Broker) {
    let upgraded = match upgraded.await {
        Ok(upgraded) => upgraded,
        Err(error) => {
            tracing::debug!(%peer, "left during the WebSocket handshake: {error}");
            return;
        }
    };
    match upgraded.downcast::<TokioIo<Stream>>() {
        Ok(parts) => {
            let socket = parts.io.into_inner().into_socket();
            broker.serve(socket, Wire::WebSocket, &parts.read_buf);
        }
        Err(_) => tracing::error!(%peer, "an upgraded connection is not what was served"),
    }
}

/// Tells whether an If-None-Match header lists `tag` (RFC 9110, section 13.1.2).
fn matches_tag(header: &str, tag: &str) -> bool {
    header
        .split(',')
        .map(|item| item.trim().trim_start_matches("W/"))
        .any(|item| item == tag || item == "*")
}

/// A list header that may come in several lines, as one line.
fn list(headers: &HeaderMap, name: &HeaderName) -> String {
    let lines: Vec<&str> = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    lines.join(",")
}

fn not_allowed() -> Response<Full<Bytes>> {
    let mut response = text(
        StatusCode::METHOD_NOT_ALLOWED,
        "Only GET and HEAD work here.",
    );
    set(&mut response, ALLOW, "GET, HEAD");
    response
}

fn text(status: StatusCode, words: impl Into<Cow<'static, str>>) -> Response<Full<Bytes>> {
    let words = match words.into() {
        Cow::Borrowed(words) => Bytes::from_static(words.as_bytes()),
        Cow::Owned(words) => Bytes::from(words),
    };
    let mut response = Response::default();
    *response.status_mut() = status;
    set(&mut response, CONTENT_TYPE, PLAIN_TEXT);
    set(&mut response, CACHE_CONTROL, "no-store");
    set(&mut response, CONTENT_LENGTH, &words.len().to_string());
    *response.body_mut() = Full::new(words);
    response
}

fn set(response: &mut Response<Full<Bytes>>, name: HeaderName, value: &str) {
    match HeaderValue::from_str(value) {
        Ok(value) => drop(response.headers_mut().insert(name, value)),
        Err(error) => tracing::error!("cannot set the header {name}: {error}"),
    }
}

fn set_security_headers(headers: &mut HeaderMap) {
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CONTENT_SECURITY_POLICY, POLICY),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
