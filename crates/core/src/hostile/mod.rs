//! Members of a room who have the key and mean harm, and brokers that do: whatever they write,
//! nothing panics or grows without bounds, others' transfers go on, and the user is told in words.

mod broker;
mod flood;
mod forger;
mod insider;
mod ledger;
mod member;
mod parcel;
mod slow;
mod victim;
