//! `mqdrop doctor` asks a real broker.

use serde_json::Value;

use crate::support::{Station, program};

/// Asks the broker at this address; the exit code, stdout and stderr.
fn ask(broker: &str, args: &[&str]) -> (Option<i32>, String, String) {
    let output = program()
        .args(["doctor", "--broker", broker])
        .args(args)
        .output()
        .expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("it says text");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn it_finds_out_what_a_broker_can_do_over_either_transport() {
    let station = Station::start(&[]);
    for broker in [
        format!("mqtt://127.0.0.1:{}", station.mqtt),
        format!("ws://127.0.0.1:{}/mqtt", station.web),
    ] {
        let (code, stdout, _) = ask(&broker, &["--json"]);
        assert_eq!(code, Some(0), "{broker}");
        let found: Value = serde_json::from_str(&stdout).expect("one object");
        assert_eq!(found["versions"], serde_json::json!(["5", "3.1.1"]));
        assert_eq!(found["qos1"], true);
        // The station lets clients do what mqdrop does, and no more.
        assert_eq!(found["wildcards"], false);
        assert_eq!(found["longestMessage"], 2 * 1024 * 1024);
        assert!(
            found["latency"]
                .as_f64()
                .is_some_and(|seconds| seconds > 0.0)
        );
        assert_eq!(found["rates"].as_array().map(Vec::len), Some(2));
    }
}

#[test]
fn it_finds_the_longest_message_that_a_broker_takes() {
    let station = Station::start(&["--max-packet", "100000"]);
    let (code, stdout, _) = ask(&format!("mqtt://127.0.0.1:{}", station.mqtt), &[]);
    assert_eq!(code, Some(0));
    let row = stdout
        .lines()
        .find(|row| row.starts_with("Longest message"));
    let row = row.expect("the table has that row");
    assert!(
        row.contains("65,536 bytes arrive, 262,144 bytes do not"),
        "{row}"
    );
}

#[test]
fn a_broker_that_does_not_let_it_in_is_named_with_the_reason() {
    let (code, stdout, stderr) = ask("mqtt://127.0.0.1:9", &[]);
    assert_eq!((code, stdout.as_str()), (Some(6), ""));
    assert!(stderr.contains("127.0.0.1:9"), "{stderr}");
    let station = Station::start(&["--user", "house:guest"]);
    let (code, _, stderr) = ask(&format!("mqtt://127.0.0.1:{}", station.mqtt), &[]);
    assert_eq!(code, Some(6));
    assert!(stderr.contains("refused the connection"), "{stderr}");
}
