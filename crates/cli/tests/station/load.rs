//! Many clients for a while: everyone is served, and memory stays where it is.
//!
//! `cargo test` runs it for a few seconds. For ten minutes, with its figures:
//! `MQDROP_LOAD_SECONDS=600 cargo test --package mqdrop-cli --test station load:: -- --nocapture`

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::Station;
use crate::support::client::{BOTH, Client, Via};
use crate::support::packets::{VERSIONS, Version};

const IDLE: usize = 500;
/// Clients that send and receive, in pairs.
const BUSY: usize = 50;
const SECONDS: u64 = 5;
/// Messages of each pair in a second, and the bytes in each.
const RATE: u32 = 20;
const LENGTH: usize = 32 * 1024;
/// How often an idle client says that it is still there; half its keep-alive.
const PING_EVERY: Duration = Duration::from_secs(30);
/// The memory that the station may use, and how much more in the end than in the beginning.
const MOST_MEMORY: usize = 200 * 1024 * 1024;
const MOST_GROWTH: usize = 16 * 1024 * 1024;

#[test]
fn idle_and_busy_clients_are_served_at_stable_memory() {
    // A socket for each client here, and one in the station.
    rlimit::increase_nofile_limit(4096).unwrap();
    let seconds = std::env::var("MQDROP_LOAD_SECONDS")
        .map_or(SECONDS, |text| text.parse().expect("a number of seconds"));
    let station = Station::start(&[]);
    let empty = station.memory();
    let mut idle: Vec<Client> = (0..IDLE)
        .map(|number| idle_client(&station, number))
        .collect();
    let pairs: Vec<Pair> = (0..BUSY / 2)
        .map(|number| Pair::new(&station, number))
        .collect();
    tell_all(&station, &mut idle, b"welcome");

    let is_over = AtomicBool::new(false);
    let started = Instant::now();
    let (messages, memory) = thread::scope(|scope| {
        let busy: Vec<_> = pairs
            .into_iter()
            .map(|pair| scope.spawn(|| pair.run(&is_over)))
            .collect();
        scope.spawn(|| keep_alive(&mut idle, &is_over));
        let memory = watch(&station, Duration::from_secs(seconds));
        is_over.store(true, Ordering::Relaxed);
        let messages: Vec<u32> = busy
            .into_iter()
            .map(|pair| pair.join().expect("a pair is served"))
            .collect();
        (messages, memory)
    });
    let took = started.elapsed();
    tell_all(&station, &mut idle, b"farewell");

    report(&messages, empty, &memory, took);
    let expected = u32::try_from(seconds).unwrap() * RATE;
    let fewest = messages.iter().copied().min().unwrap();
    // A computer that is busy with other things may be slower, but nobody is left out.
    assert!(fewest >= expected / 4, "{fewest} of {expected}");
    if let Some(peak) = memory.iter().max() {
        assert!(*peak < MOST_MEMORY, "{peak} bytes in use");
        let third = memory.len() / 3;
        let early = memory[..=third].iter().max().unwrap();
        let late = memory[memory.len() - 1 - third..].iter().max().unwrap();
        assert!(*late < early + MOST_GROWTH, "{early} bytes became {late}");
    }
}

fn idle_client(station: &Station, number: usize) -> Client {
    let version = VERSIONS[number % 2];
    let mut client = Client::connect(station, Via::WebSocket, version, &format!("idle{number}"));
    client.subscribe("everyone");
    client
}

/// Publishes one message that every idle client has to receive.
fn tell_all(station: &Station, idle: &mut [Client], payload: &[u8]) {
    let mut teller = Client::connect(station, Via::WebSocket, Version::V5, "teller");
    teller.publish("everyone", payload);
    for client in idle {
        assert_eq!(client.message().1, payload);
    }
}

/// Lets every idle client ping from time to time, as clients do.
fn keep_alive(idle: &mut [Client], is_over: &AtomicBool) {
    let mut next = Instant::now() + PING_EVERY;
    while !is_over.load(Ordering::Relaxed) {
        if Instant::now() >= next {
            next += PING_EVERY;
            for client in &mut *idle {
                client.send(&[0xC0, 0]);
                assert_eq!(client.receive().expect("an answer").first, 0xD0);
            }
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// Two clients that send each other messages in turn.
struct Pair {
    topic: String,
    clients: [Client; 2],
}

impl Pair {
    fn new(station: &Station, number: usize) -> Self {
        let topic = format!("pair/{number}");
        let clients = [0, 1].map(|side| {
            let id = format!("busy{number}-{side}");
            let mut client = Client::connect(station, BOTH[side], VERSIONS[number % 2], &id);
            client.subscribe(&format!("{topic}/{side}"));
            client
        });
        Self { topic, clients }
    }

    /// Sends until it is over, and gives the number of messages that arrived: all of them.
    fn run(mut self, is_over: &AtomicBool) -> u32 {
        let mut payload = vec![7; LENGTH];
        let started = Instant::now();
        let mut number = 0_u32;
        while !is_over.load(Ordering::Relaxed) {
            payload[..4].copy_from_slice(&number.to_be_bytes());
            let to = usize::from(number.is_multiple_of(2));
            let topic = format!("{}/{to}", self.topic);
            self.clients[1 - to].publish(&topic, &payload);
            assert!(self.clients[to].message().1 == payload, "message {number}");
            number += 1;
            let due = started + Duration::from_secs(1) * number / RATE;
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        number
    }
}

/// The station's memory, in bytes, from now until `limit` is over.
fn watch(station: &Station, limit: Duration) -> Vec<usize> {
    let every = (limit / 60).max(Duration::from_millis(100));
    let end = Instant::now() + limit;
    let mut memory = Vec::new();
    while Instant::now() < end {
        thread::sleep(every);
        memory.extend(station.memory());
    }
    memory
}

fn report(messages: &[u32], empty: Option<usize>, memory: &[usize], took: Duration) {
    let mib = |bytes: Option<usize>| bytes.map_or(0.0, |bytes| bytes as f64 / 1_048_576.0);
    let total: u32 = messages.iter().sum();
    let at = |part: usize| mib(memory.get(memory.len() * part / 10).copied());
    println!(
        "{IDLE} idle and {BUSY} busy clients for {:.0} s: {total} messages, {:.1} MiB/s, \
         {} to {} for a pair",
        took.as_secs_f64(),
        f64::from(total) * LENGTH as f64 / 1_048_576.0 / took.as_secs_f64(),
        messages.iter().min().unwrap_or(&0),
        messages.iter().max().unwrap_or(&0),
    );
    println!(
        "memory in MiB: {:.1} without clients, {:.1} at first, {:.1} after a tenth, {:.1} after a \
         half, {:.1} in the end, {:.1} at most",
        mib(empty),
        at(0),
        at(1),
        at(5),
        mib(memory.last().copied()),
        mib(memory.iter().max().copied()),
    );
}
