//! Drives an engine on any platform: the one drain loop. Sans-IO like the engine: no sockets, files,
//! timers or threads of its own.
//!
//! A [`Client`] owns an [`Engine`](mqdrop_core::Engine) and a [`Platform`]: a trait that names what an
//! engine needs of its machine. A driver implements `Platform`, and then:
//!
//! - passes everything that happens to [`Client::handle`], one [`Input`] after the other;
//! - does what the user wants in [`Client::act`];
//! - calls [`Client::tell`] after each of these. It says what is new for the user, and sets the timer.
//!
//! # The turn
//!
//! Each call of `handle` or `act` is a turn: the engine takes something in, and is then drained. The
//! client does what the engine asks for until it asks for nothing more. It keeps these rules:
//!
//! - **Time-outs that are due come before draining.** A timer may be late by minutes, as those of
//!   hidden tabs are, and the engine must not go on as if no time had passed. Any input serves
//!   instead of the timer.
//! - **Storage may answer at once.** The engine takes such an answer in before it is asked for
//!   anything else, and what it asks of storage then belongs to the same turn.
//! - **Reading back does not starve the connection.** After a restart, gigabytes are read back from
//!   storage, and each piece asks for the next one. The engine is given one piece a turn, whether
//!   storage answered at once or later. The platform's timer begins the next turn if nothing else
//!   does, and it rings after what the connection has brought.
//! - **The connection is given no more than it has room for.** Packets that wait in the engine can
//!   still be put to better use.
//!
//! The driver keeps two more rules:
//!
//! - **Files and stores are there before they are asked for.** The driver makes offers, chooses files
//!   again and restores parcels in [`Client::act_with_platform`], and gives the platform their files
//!   and stores there, before the turn goes on.
//! - **Nothing calls a client in the middle of its turn.** Inputs that come meanwhile wait in a queue.
//!
//! # Updates
//!
//! [`Update`]s are for the eye: progress is told a few times a second, long lists rest in proportion
//! to what they cost, and a change of state is told at once. **Content is told before the state that
//! says it is there**: a user who reads "done" can already open what was received. The content is told
//! again when its room is entered again, since leaving the room took the transfer off the list.
//!
//! # After a restart
//!
//! Give the notes of each store that was kept to [`Engine::restore`](mqdrop_core::Engine::restore),
//! in [`Client::act_with_platform`]. It returns how much of the notes is whole and how large the
//! content is: the platform cuts the notes, makes room, and has the store ready before the turn goes
//! on. [`RestoreError`](mqdrop_core::RestoreError) says what becomes of a store that is not taken up.
//!
//! # Example
//!
//! Two clients and a broker in memory: one sends a file to the other.
//!
//! ```
//! use std::collections::{HashMap, VecDeque};
//!
//! use bytes::Bytes;
//! use mqdrop_client::{Client, Input, Platform, Update};
//! use mqdrop_core::view::TransferState;
//! use mqdrop_core::{
//!     Audience, AutoAccept, Entry, Identity, Join, ParcelId, ReadRequest, SocketClose, StoreReply, StoreRequest, Time,
//! };
//! use mqdrop_sim::broker::{Action, Broker};
//! use mqdrop_sim::{faults::Faults, random::Random};
//!
//! /// A machine that does all in memory and at once.
//! struct Machine {
//!     now: Time,
//!     timer: Option<Time>,
//!     /// Happened, and is yet to be handled.
//!     inputs: VecDeque<Input<Vec<u8>>>,
//!     /// On its way to the broker.
//!     sent: Vec<Bytes>,
//!     /// What is sent: one file a parcel.
//!     files: HashMap<ParcelId, Vec<u8>>,
//!     /// What is received.
//!     stores: HashMap<ParcelId, Vec<u8>>,
//! }
//!
//! impl Platform for Machine {
//!     type Content = Vec<u8>;
//!
//!     fn now(&self) -> Time {
//!         self.now
//!     }
//!
//!     fn open(&mut self, _: String) -> Result<(), SocketClose> {
//!         self.inputs.push_back(Input::Opened { compresses: false, wall: 0 });
//!         Ok(())
//!     }
//!
//!     fn has_room(&self) -> bool {
//!         true
//!     }
//!
//!     fn send(&mut self, packet: Bytes) {
//!         self.sent.push(packet);
//!     }
//!
//!     fn flush(&mut self) {}
//!
//!     fn close(&mut self, last: Vec<Bytes>) {
//!         self.sent.extend(last);
//!     }
//!
//!     fn read(&mut self, mut request: ReadRequest) {
//!         let file = &self.files[&request.parcel];
//!         let segments = request.segments.iter();
//!         let bytes = segments.flat_map(|it| &file[it.offset as usize..][..it.len]);
//!         let bytes: Vec<u8> = bytes.copied().collect();
//!         request.target().copy_from_slice(&bytes);
//!         self.inputs.push_back(Input::Read(request, Ok(())));
//!     }
//!
//!     fn forget_files(&mut self, parcel: ParcelId) {
//!         self.files.remove(&parcel);
//!     }
//!
//!     fn store(&mut self, request: StoreRequest) -> Option<StoreReply> {
//!         match request {
//!             StoreRequest::Create { parcel, size } => {
//!                 self.stores.insert(parcel, vec![0; size as usize]);
//!                 Some(StoreReply::Created { parcel })
//!             }
//!             StoreRequest::Write { parcel, offset, data } => {
//!                 let (store, len) = (self.stores.get_mut(&parcel)?, data.len());
//!                 store[offset as usize..][..len].copy_from_slice(&data);
//!                 Some(StoreReply::Written { parcel, len })
//!             }
//!             StoreRequest::Read { parcel, offset, len } => {
//!                 let data = &self.stores.get(&parcel)?[offset as usize..][..len];
//!                 let data = Bytes::copy_from_slice(data);
//!                 Some(StoreReply::Read { parcel, offset, data })
//!             }
//!             StoreRequest::Finish { parcel, .. } => {
//!                 let content = self.stores.get(&parcel)?.clone();
//!                 self.inputs.push_back(Input::Finished { parcel, content });
//!                 None
//!             }
//!             StoreRequest::Discard { parcel } => {
//!                 self.stores.remove(&parcel);
//!                 None
//!             }
//!             // Nothing here outlives a restart.
//!             StoreRequest::Note { .. } => None,
//!         }
//!     }
//!
//!     fn wake(&mut self, at: Time) {
//!         self.timer = Some(at);
//!     }
//! }
//!
//! let machine = || Machine {
//!     now: Time::ZERO,
//!     timer: None,
//!     inputs: VecDeque::new(),
//!     sent: Vec::new(),
//!     files: HashMap::new(),
//!     stores: HashMap::new(),
//! };
//! // Real ones have seeds that nobody can guess.
//! let mut clients = [[1; 32], [2; 32]].map(|seed| Client::new(seed, machine()));
//! let (mut broker, mut random) = (Broker::new(Faults::default()), Random(1));
//! let mut rooms = Vec::new();
//! for (number, client) in (0..).zip(&mut clients) {
//!     broker.open(number);
//!     let identity = Identity::from_random(random.seed());
//!     let join = Join { identity, auto_accept: AutoAccept::All, ..mqdrop_sim::join() };
//!     rooms.push(client.act(|engine, now| engine.join(join, now)).unwrap());
//! }
//!
//! let file = b"Hello there!".to_vec();
//! let entry = Entry {
//!     path: "hello.txt".into(),
//!     size: file.len() as u64,
//!     modified: None,
//!     mime: "text/plain".into(),
//! };
//! clients[0]
//!     .act_with_platform(|engine, machine, now| {
//!         let parcel = engine.offer_files(rooms[0], vec![entry], Audience::Room, now)?;
//!         machine.files.insert(parcel, file.clone());
//!         Ok::<_, mqdrop_core::OfferError>(parcel)
//!     })
//!     .unwrap();
//!
//! let (mut received, mut is_done) = (None, [false; 2]);
//! while is_done != [true; 2] {
//!     let mut is_idle = true;
//!     for number in 0..2 {
//!         let client = &mut clients[number];
//!         if let Some(input) = client.platform_mut().inputs.pop_front() {
//!             client.handle(input);
//!             is_idle = false;
//!         }
//!         client.tell(&mut |update| match update {
//!             Update::Content { content, .. } => received = Some(content),
//!             Update::Transfer(view) if view.state == TransferState::Done => {
//!                 assert!(number == 0 || received.is_some(), "the content comes first");
//!                 is_done[number] = true;
//!             }
//!             _ => {}
//!         });
//!         for packet in std::mem::take(&mut client.platform_mut().sent) {
//!             for action in broker.receive(number as u32, &packet, &mut random) {
//!                 if let Action::Send(to, bytes) = action {
//!                     let inputs = &mut clients[to as usize].platform_mut().inputs;
//!                     inputs.push_back(Input::Received(bytes.into()));
//!                 }
//!             }
//!         }
//!     }
//!     if is_idle {
//!         // Something waits for time to pass.
//!         let timers = clients.iter().filter_map(|client| client.platform().timer);
//!         let next = timers.min().unwrap();
//!         for client in &mut clients {
//!             client.platform_mut().now = next;
//!             client.handle(Input::Woken);
//!         }
//!     }
//! }
//! assert_eq!(received, Some(file));
//! ```

mod client;
pub mod lesson;
pub mod link;
mod log;
mod platform;
mod throttle;
mod updates;

pub use client::Client;
pub use log::{Counters, Log};
pub use platform::{Input, Platform};
pub use updates::Update;
