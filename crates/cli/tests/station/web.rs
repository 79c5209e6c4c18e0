//! The answers that a browser gets: files, headers, encodings.

use std::io::Read;

use tempfile::TempDir;

use crate::support::client::{Client, Via, tcp};
use crate::support::http::{Answer, get, request};
use crate::support::packets::Version;
use crate::support::{Station, eventually};

const SCRIPT: &str = "app-0123456789abcdef.js";

struct App {
    folder: TempDir,
    station: Station,
}

/// A station that serves a small app from a folder with a secret beside it.
fn app() -> App {
    let folder = tempfile::tempdir().unwrap();
    let dist = folder.path().join("dist");
    std::fs::create_dir_all(dist.join("deep")).unwrap();
    let script = "export const words = 'the same words again';\n".repeat(100);
    for (name, content) in [
        ("index.html", "<!doctype html><title>app</title>"),
        (SCRIPT, &script),
        ("app-0123456789abcdef_bg.wasm", "\0asm"),
        ("extras.js", &script),
        ("extras_bg.wasm", "\0asm"),
        ("deep/style.css", "body{}"),
        ("icon.png", "png"),
        (".hidden", "hidden"),
        ("../secret.txt", "secret"),
    ] {
        std::fs::write(dist.join(name), content).unwrap();
    }
    let station = Station::start(&["--app", dist.to_str().unwrap()]);
    App { folder, station }
}

fn with(app: &App, path: &str, headers: &[(&str, &str)]) -> Answer {
    request(app.station.web, "GET", path, headers)
}

#[test]
fn files_come_with_their_types_and_lifetimes() {
    let app = app();
    for (path, mime, immutable) in [
        ("/", "text/html; charset=utf-8", false),
        ("/index.html", "text/html; charset=utf-8", false),
        (
            "/app-0123456789abcdef.js",
            "text/javascript; charset=utf-8",
            true,
        ),
        ("/app-0123456789abcdef_bg.wasm", "application/wasm", true),
        ("/extras.js", "text/javascript; charset=utf-8", false),
        ("/extras_bg.wasm", "application/wasm", false),
        ("/deep/style.css", "text/css; charset=utf-8", false),
        ("/icon.png", "image/png", false),
    ] {
        let answer = get(app.station.web, path);
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), Some(mime), "{path}");
        let expected = if immutable {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        assert_eq!(answer.header("cache-control"), Some(expected), "{path}");
        assert_eq!(
            answer.header("content-length"),
            Some(answer.body.len().to_string().as_str())
        );
    }
    let answer = get(app.station.web, "/?x=1");
    assert_eq!(answer.body, b"<!doctype html><title>app</title>");
}

#[test]
fn a_known_tag_is_answered_without_the_file_until_the_file_changes() {
    let app = app();
    let first = get(app.station.web, "/extras.js");
    let tag = first.header("etag").unwrap();

    let again = with(
        &app,
        "/extras.js",
        &[("if-none-match", &format!("\"other\", {tag}"))],
    );
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(again.header("etag"), Some(tag));
    assert_eq!(again.header("cache-control"), Some("no-cache"));
    assert_eq!(again.header("vary"), Some("accept-encoding"));

    std::fs::write(app.folder.path().join("dist/extras.js"), "changed").unwrap();
    let changed = with(&app, "/extras.js", &[("if-none-match", tag)]);
    assert_eq!((changed.status, &changed.body[..]), (200, &b"changed"[..]));
    assert_ne!(changed.header("etag"), Some(tag));
}

#[test]
fn files_are_compressed_as_the_client_asks() {
    let app = app();
    let path = format!("/{SCRIPT}");
    let plain = get(app.station.web, &path);
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(plain.header("vary"), Some("accept-encoding"));

    let brotli = with(&app, &path, &[("accept-encoding", "gzip, deflate, br")]);
    assert_eq!(brotli.header("content-encoding"), Some("br"));
    let mut unpacked = Vec::new();
    brotli::Decompressor::new(&brotli.body[..], 4096)
        .read_to_end(&mut unpacked)
        .unwrap();
    assert!(unpacked == plain.body && brotli.body.len() < plain.body.len() / 4);

    let gzip = with(&app, &path, &[("accept-encoding", "br;q=0, gzip")]);
    assert_eq!(gzip.header("content-encoding"), Some("gzip"));
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&gzip.body[..])
        .read_to_end(&mut unpacked)
        .unwrap();
    assert!(unpacked == plain.body && gzip.body.len() < plain.body.len() / 4);

    // Each form has its own tag, and is known by it.
    let tags = [&plain, &brotli, &gzip].map(|answer| answer.header("etag").unwrap());
    assert!(tags[0] != tags[1] && tags[1] != tags[2] && tags[0] != tags[2]);
    let known = [("accept-encoding", "br"), ("if-none-match", tags[1])];
    assert_eq!(with(&app, &path, &known).status, 304);

    let picture = with(&app, "/icon.png", &[("accept-encoding", "br")]);
    assert_eq!(
        (picture.header("content-encoding"), picture.header("vary")),
        (None, None)
    );
}

#[test]
fn every_answer_carries_the_security_headers() {
    let app = app();
    for path in ["/", "/nothing", "/health", "/mqtt", "/%2e%2e/secret.txt"] {
        let answer = get(app.station.web, path);
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
        assert_eq!(
            answer.header("referrer-policy"),
            Some("no-referrer"),
            "{path}"
        );
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(policy.starts_with("default-src 'none'; "), "{path}");
        assert!(policy.ends_with("; frame-ancestors 'none'"), "{path}");
    }
}

#[test]
fn the_header_says_what_the_page_says() {
    let page = include_str!("../../../../index.html");
    let app = app();
    let answer = get(app.station.web, "/");
    let policy = answer.header("content-security-policy").unwrap_or_default();
    let own = policy
        .strip_suffix("; frame-ancestors 'none'")
        .unwrap_or_default();
    assert!(page.contains(&format!("content=\"{own}\"")), "{policy}");
}

#[test]
fn nothing_but_the_app_is_served() {
    let app = app();
    for path in [
        "/../secret.txt",
        "/deep/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/deep/..%2f..%2fsecret.txt",
        "/..%5csecret.txt",
        "//secret.txt",
        "/.hidden",
        "/deep",
        "/deep/",
        "/nothing",
        "/%00",
    ] {
        let answer = get(app.station.web, path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(
            !String::from_utf8_lossy(&answer.body).contains("secret"),
            "{path}"
        );
    }
}

#[test]
fn methods_are_get_and_head() {
    let app = app();
    let head = request(app.station.web, "HEAD", "/", &[]);
    let get = get(app.station.web, "/");
    assert_eq!((head.status, head.body.len()), (200, 0));
    for name in ["content-length", "content-type", "etag"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let answer = request(app.station.web, method, "/", &[]);
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    }
}

#[test]
fn health_counts_and_tells_nothing_else() {
    let station = Station::start(&[]);
    let health = || {
        let answer = get(station.web, "/health");
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap()
    };
    let first = health();
    assert_eq!(first["status"], "ok");
    assert_eq!(first["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        (&first["clients"], &first["connections"]),
        (&0.into(), &1.into())
    );
    assert!(
        first["uptime_seconds"]
            .as_u64()
            .is_some_and(|seconds| seconds < 60)
    );
    assert_eq!(first.as_object().map(serde_json::Map::len), Some(5));

    let mut client = Client::connect(&station, Via::WebSocket, Version::V5, "one");
    // Its answer comes after the broker has counted the client.
    client.subscribe("here");
    let silent = tcp(station.web);
    let second = health();
    assert_eq!(second["clients"], 1);
    assert!(second["connections"].as_u64() >= Some(2), "{second}");
    drop(silent);

    client.send(&[0xE0, 0]);
    assert_eq!(client.receive(), None);
    eventually(|| health()["clients"] == 0);
}

#[test]
fn the_broker_answers_plain_requests() {
    let broker = get(app().station.web, "/mqtt");
    assert_eq!(
        (broker.status, broker.header("upgrade")),
        (426, Some("websocket"))
    );
}
