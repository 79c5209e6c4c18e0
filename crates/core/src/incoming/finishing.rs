//! A parcel that is whole and verified, while storage gives it to the user: that may fail, and what
//! was verified is not given up for it.

use core::time::Duration;

use mqdrop_mqtt::Time;

use super::content::Content;
use crate::effects::Effects;
use crate::ids::ParcelId;
use crate::io::{StoreError, StoreRequest};

/// After a failure storage is asked again when this has passed, then twice as long …
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// … and after so many the user is told, who may have it tried again.
const TRIES: u32 = 4;

pub(super) struct Finishing {
    pub(super) content: Content,
    /// How often it failed.
    failures: u32,
    /// When it is tried again.
    again: Option<Time>,
    /// Why it failed the last time.
    pub(super) error: Option<StoreError>,
}

impl Finishing {
    pub(super) fn new(content: Content) -> Self {
        Self {
            content,
            failures: 0,
            again: None,
            error: None,
        }
    }

    /// Asks storage for the content of `parcel`.
    pub(super) fn ask(&mut self, parcel: ParcelId, cx: &mut Effects) {
        self.again = None;
        let left_out = self.content.left_out_ranges();
        cx.store
            .push_back(StoreRequest::Finish { parcel, left_out });
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.again
    }

    /// Returns whether only the user can have it tried again.
    pub(super) fn has_given_up(&self) -> bool {
        self.failures >= TRIES
    }

    pub(super) fn fail(&mut self, error: StoreError, now: Time) {
        self.failures += 1;
        self.error = Some(error);
        self.again = (!self.has_given_up()).then(|| now + FIRST_WAIT * 2u32.pow(self.failures - 1));
    }

    /// Has it tried once more, if it failed. Whether it did.
    pub(super) fn try_again(&mut self, parcel: ParcelId, cx: &mut Effects) -> bool {
        let has_failed = self.failures > 0 && (self.has_given_up() || self.again.is_some());
        if has_failed {
            self.failures = 0;
            self.ask(parcel, cx);
        }
        has_failed
    }
}
