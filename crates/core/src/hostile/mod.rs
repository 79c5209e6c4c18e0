//! Members of a room who have the key and mean harm, and brokers that do: whatever they write,
//! nothing panics or grows without bounds, others' transfers go on, and the user is told in words.
//!
//! Two copies of this crate meet here. The attackers are made of this one, as they have to know the
//! wire from the inside. The device under attack is the other one, `mqdrop_core`: the crate as its
//! users have it, in the hands of `mqdrop_client` with its one drain loop. Only bytes go between them.

mod broker;
mod flood;
mod forger;
mod insider;
mod ledger;
mod machine;
mod member;
mod parcel;
mod persons;
mod slow;
mod victim;
