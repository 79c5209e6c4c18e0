//! The end of a parcel that arrives: storage gives it to the user.

use mqdrop_mqtt::Time;

use super::content::Content;
use super::finishing::Finishing;
use super::{Incoming, Phase};
use crate::api::Event;
use crate::effects::Effects;
use crate::io::StoreError;

impl Incoming {
    /// Has storage give the whole content to the user.
    pub(super) fn begin_finishing(&mut self, content: Content, cx: &mut Effects) {
        let mut finishing = Finishing::new(content);
        finishing.ask(self.parcel(), cx);
        self.phase = Phase::Finishing(Box::new(finishing));
    }

    /// Storage could not do it.
    pub(super) fn fail_to_finish(&mut self, error: &StoreError, now: Time, cx: &mut Effects) {
        if let Phase::Finishing(finishing) = &mut self.phase {
            finishing.fail(error.clone(), now);
            cx.event(Event::Transfer(self.offer.parcel));
        }
    }

    /// Has it tried once more if it failed: the user wants that, or the room is entered again.
    pub(super) fn finish_again(&mut self, cx: &mut Effects) {
        let parcel = self.parcel();
        if let Phase::Finishing(finishing) = &mut self.phase
            && finishing.try_again(parcel, cx)
        {
            cx.event(Event::Transfer(parcel));
        }
    }
}
