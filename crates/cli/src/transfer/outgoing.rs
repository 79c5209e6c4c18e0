//! The parcels of `mqdrop send`: found, offered, and offered again after a restart.

use std::path::PathBuf;

use mqdrop_client::{Client, Platform};
use mqdrop_core::{Audience, Engine, Entry, OfferError, ParcelId, PersonId, RoomId};

use crate::failure::Failure;
use crate::native::{Fingerprint, Kept, Native, SourceFile, WalkOptions, spool, walk};
use crate::words;

/// Everything that is to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    /// Files and folders.
    pub(crate) paths: Vec<PathBuf>,
    /// A name for the bytes from stdin, if these are sent.
    pub(crate) stdin: Option<String>,
    /// A text.
    pub(crate) text: Option<String>,
    /// Patterns of what is left out of folders.
    pub(crate) exclude: Vec<String>,
    /// .gitignore files are heeded.
    pub(crate) gitignore: bool,
}

/// The part of it that was found.
pub(super) struct Found {
    pub(super) files: Vec<SourceFile>,
    text: Option<String>,
    /// Words for what is not sent.
    pub(super) skipped: Vec<String>,
}

impl Outgoing {
    /// Finds the files, and writes stdin to a file. Takes a while.
    ///
    /// # Errors
    /// If there is nothing to send.
    pub(super) fn find(self) -> Result<Found, Failure> {
        let options = WalkOptions {
            exclude: self.exclude,
            gitignore: self.gitignore,
        };
        let walked = walk(&self.paths, &options).map_err(Failure::Other)?;
        let skipped = walked.skipped.iter().map(|skipped| {
            words().sending_not_sent(&skipped.path.to_string_lossy(), &skipped.reason)
        });
        let skipped: Vec<String> = skipped.collect();
        let mut files = walked.files;
        if let Some(name) = self.stdin {
            let spooled = spool(&mut std::io::stdin().lock(), &name);
            files.push(spooled.map_err(Failure::Storage)?);
        }
        if files.is_empty() && self.text.is_none() {
            return Err(Failure::Other(match skipped.into_iter().next() {
                Some(first) => words().sending_nothing_left(&first),
                None => words().sending_no_files().into(),
            }));
        }
        Ok(Found {
            files,
            text: self.text,
            skipped,
        })
    }
}

impl Found {
    /// Goes on with what was being sent before a restart if it is the same, and else offers it.
    /// `kept` is what was left then.
    ///
    /// # Errors
    /// If it is more than can be sent.
    pub(super) fn offer(
        &self,
        client: &mut Client<Native>,
        kept: Vec<Kept>,
        audience: &Audience,
    ) -> Result<Vec<ParcelId>, Failure> {
        let mut parcels = Vec::new();
        if !self.files.is_empty() {
            let fingerprint = self.fingerprint();
            let same = kept
                .into_iter()
                .filter(|kept| kept.fingerprint == Some(fingerprint));
            // Those of other commands are left to them.
            let restored: Vec<ParcelId> = same
                .filter_map(|kept| super::restore(client, kept))
                .collect();
            let again = restored.into_iter().find(|&parcel| {
                is_for(client, parcel, audience) && self.choose_again(client, parcel)
            });
            parcels.push(match again {
                Some(parcel) => parcel,
                None => self.offer_files(client, audience)?,
            });
        }
        if let Some(text) = &self.text {
            let offered = client
                .act(|engine, now| engine.offer_text(here(engine), text, audience.clone(), now));
            parcels.push(offered.map_err(|error| refused(&error))?);
        }
        Ok(parcels)
    }

    fn offer_files(
        &self,
        client: &mut Client<Native>,
        audience: &Audience,
    ) -> Result<ParcelId, Failure> {
        let offered = client.act_with_platform(|engine, native, now| {
            let parcel = engine.offer_files(here(engine), self.entries(), audience.clone(), now)?;
            native.keep_files(parcel, self.files.clone());
            Ok(parcel)
        });
        offered.map_err(|error: OfferError| refused(&error))
    }

    /// Tells whether these are the files of a parcel that was sent in this room, as far as their
    /// names and sizes tell.
    fn choose_again(&self, client: &mut Client<Native>, parcel: ParcelId) -> bool {
        client.act_with_platform(|engine, native, now| {
            let Ok(places) = engine.choose_again(parcel, self.entries(), now) else {
                return false;
            };
            let files = places
                .into_iter()
                .filter_map(|place| self.files.get(place).cloned());
            native.keep_files(parcel, files.collect());
            true
        })
    }

    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.files.iter().map(|file| &file.entry))
    }

    fn entries(&self) -> Vec<Entry> {
        self.files.iter().map(|file| file.entry.clone()).collect()
    }

    /// Offers the files as a new parcel, as they turned out to be others than those of the old one.
    ///
    /// # Errors
    /// If they are more than can be sent.
    pub(super) fn offer_anew(
        &self,
        client: &mut Client<Native>,
        parcel: ParcelId,
    ) -> Result<ParcelId, Failure> {
        let audience = audience_of(client, parcel);
        client.act(|engine, now| engine.remove(parcel, now));
        self.offer_files(client, &audience)
    }
}

/// Whom a parcel is for.
fn audience_of(client: &Client<Native>, parcel: ParcelId) -> Audience {
    let view = client.engine().transfer(parcel, client.platform().now());
    let persons = view.map(|view| view.to).unwrap_or_default();
    let mut persons: Vec<PersonId> = persons
        .iter()
        .filter_map(|person| person.person.parse().ok())
        .collect();
    if persons.is_empty() {
        return Audience::Room;
    }
    persons.sort_unstable();
    Audience::Persons(persons)
}

/// Tells whether a parcel is for these, and nobody else.
fn is_for(client: &Client<Native>, parcel: ParcelId, audience: &Audience) -> bool {
    match (audience_of(client, parcel), audience) {
        (Audience::Persons(of), Audience::Persons(persons)) => {
            let mut persons = persons.clone();
            persons.sort_unstable();
            of == persons
        }
        (of, audience) => of == *audience,
    }
}

fn refused(error: &OfferError) -> Failure {
    Failure::Other(words().offer_error(error))
}
/// The room of this command, which is in one at most.
fn here(engine: &Engine) -> RoomId {
    engine.rooms().last().unwrap_or_default()
}
