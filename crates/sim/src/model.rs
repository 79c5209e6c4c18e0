//! The model that engines are compared with after each operation.

use std::collections::BTreeSet;

use mqdrop_core::ParcelId;

/// The acts of users and the parcels that were seen to arrive.
#[derive(Default)]
pub(crate) struct Model {
    /// Parcels and their senders.
    pub(crate) parcels: Vec<(usize, ParcelId)>,
    /// Which device's user accepted which parcel and has not ended it since.
    pub(crate) accepted: BTreeSet<(usize, ParcelId)>,
    /// Which device's user turned down, ended or removed which parcel.
    pub(crate) refused: BTreeSet<(usize, ParcelId)>,
    /// Which device had which parcel whole, and neither began with it anew since nor is shown
    /// by the parcel's sender as one that has it no more.
    pub(crate) finished: BTreeSet<(usize, ParcelId)>,
    /// Of which receiver, by its id, a parcel's sender was told that before.
    told: BTreeSet<(ParcelId, String)>,
    /// Parcels that their own sender's user ended or removed, or cannot read any more.
    pub(crate) ended: BTreeSet<ParcelId>,
    /// Parcels that their sender cannot read any more.
    pub(crate) unreadable: BTreeSet<ParcelId>,
}

impl Model {
    /// The sender of a parcel shows one of its receivers: a device, which has this id at the time.
    ///
    /// # Panics
    /// If it is done and was not seen to have the parcel whole: ever, or since it was shown as
    /// done the last time and then as not done any more.
    pub(crate) fn shown(&mut self, parcel: ParcelId, device: usize, id: &str, is_done: bool) {
        let line = (parcel, id.to_owned());
        if !is_done {
            if self.told.remove(&line) {
                // A receiver that still has it is seen to have it after the next operation as well.
                self.finished.remove(&(device, parcel));
            }
        } else if self.told.insert(line) {
            assert!(
                self.finished.contains(&(device, parcel)),
                "done without a receipt of device {device}"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parcel() -> ParcelId {
        "aaaaaaaaaaaaaaaa".parse().unwrap()
    }

    /// Device 1 had the parcel whole once, its sender showed that, and then that it has not.
    fn begun_anew() -> Model {
        let mut model = Model::default();
        model.finished.insert((1, parcel()));
        model.shown(parcel(), 1, "one", false);
        model.shown(parcel(), 1, "one", true);
        model.shown(parcel(), 1, "one", true);
        model.shown(parcel(), 1, "one", false);
        model
    }

    #[test]
    #[should_panic(expected = "done without a receipt of device 1")]
    fn a_first_done_needs_a_receipt() {
        Model::default().shown(parcel(), 1, "one", true);
    }

    #[test]
    #[should_panic(expected = "done without a receipt of device 1")]
    fn a_second_done_needs_a_receipt_of_its_own() {
        begun_anew().shown(parcel(), 1, "one", true);
    }

    #[test]
    fn a_second_done_with_a_receipt_of_its_own_is_well() {
        let mut model = begun_anew();
        model.finished.insert((1, parcel()));
        model.shown(parcel(), 1, "one", true);
        assert!(model.told.contains(&(parcel(), "one".to_owned())));
    }
}
