//! All parcels' stores: takes the engine's requests, answers at once or later.

use std::rc::Rc;

use bytes::Bytes;
use litemap::LiteMap;
use mqdrop_client::Input;
use mqdrop_core::{ParcelId, StoreError, StoreReply, StoreRequest};
use wasm_bindgen_futures::spawn_local;
use web_sys::Blob;

use super::{Backend, BlockStore};

/// A step that took a while and is done.
pub(in super::super) struct Outcome {
    parcel: ParcelId,
    /// Which of the parcel's stores: it may have been discarded meanwhile.
    number: u64,
    result: Result<Step, StoreError>,
}

enum Step {
    Created(Box<dyn BlockStore>),
    Finished(Blob),
    /// Content that was read back from here.
    Read(u64, Result<Bytes, StoreError>),
}

/// The stores by parcel.
pub(in super::super) struct Shelf {
    /// None until it is known what this browser gives.
    backend: Option<Rc<Backend>>,
    slots: LiteMap<ParcelId, Slot>,
    /// Parcels that wait for the backend.
    waiting: Vec<Order>,
    /// The next slot's number.
    number: u64,
    report: Rc<dyn Fn(Outcome)>,
}

struct Slot {
    number: u64,
    /// None until it is created.
    store: Option<Box<dyn BlockStore>>,
}

struct Order {
    parcel: ParcelId,
    number: u64,
    size: u64,
}

impl Shelf {
    /// Outcomes are handed to `report`, and are to be brought back to [`Self::handle`].
    pub(in super::super) fn new(report: Rc<dyn Fn(Outcome)>) -> Self {
        Self {
            backend: None,
            slots: LiteMap::new(),
            waiting: Vec::new(),
            number: 0,
            report,
        }
    }

    /// It is known where to store.
    pub(in super::super) fn set_backend(&mut self, backend: Rc<Backend>) {
        self.backend = Some(backend);
        for order in core::mem::take(&mut self.waiting) {
            self.create(order);
        }
    }

    /// This is the parcel's store, from before a restart.
    pub(in super::super) fn take_up(&mut self, parcel: ParcelId, store: Box<dyn BlockStore>) {
        self.discard(parcel);
        let number = self.number;
        self.number += 1;
        let store = Some(store);
        self.slots.insert(parcel, Slot { number, store });
    }

    /// Does what the engine asks. The answer, if it is there already.
    pub(in super::super) fn request(&mut self, request: StoreRequest) -> Option<StoreReply> {
        match request {
            StoreRequest::Create { parcel, size } => {
                self.discard(parcel);
                let number = self.number;
                self.number += 1;
                let store = None;
                self.slots.insert(parcel, Slot { number, store });
                self.create(Order {
                    parcel,
                    number,
                    size,
                });
                None
            }
            StoreRequest::Write {
                parcel,
                offset,
                data,
            } => {
                let len = data.len();
                let Some(store) = self.store(parcel) else {
                    let error = StoreError::Gone;
                    return Some(StoreReply::Failed { parcel, error });
                };
                Some(match store.write(offset, data.clone()) {
                    Ok(()) => StoreReply::Written { parcel, len },
                    Err(error) => StoreReply::Unwritten {
                        parcel,
                        offset,
                        data,
                        error,
                    },
                })
            }
            StoreRequest::Note { parcel, note } => {
                // The content it tells of is received again after a restart.
                let _ = self.store(parcel)?.note(&note);
                None
            }
            StoreRequest::Read {
                parcel,
                offset,
                len,
            } => {
                let Some(store) = self.store(parcel) else {
                    return Some(StoreReply::Unread {
                        parcel,
                        offset,
                        error: StoreError::Gone,
                    });
                };
                let read = store.read(offset, len);
                self.report(parcel, async move { Ok(Step::Read(offset, read.await)) });
                None
            }
            StoreRequest::Finish { parcel, left_out } => {
                let Some(store) = self.store(parcel) else {
                    let error = StoreError::Gone;
                    return Some(StoreReply::Failed { parcel, error });
                };
                let finished = store.finish(left_out);
                self.report(parcel, async { finished.await.map(Step::Finished) });
                None
            }
            StoreRequest::Discard { parcel } => {
                self.discard(parcel);
                None
            }
        }
    }

    /// The input that an outcome is for the client. None, if its store was discarded meanwhile.
    pub(in super::super) fn handle(&mut self, outcome: Outcome) -> Option<Input<Blob>> {
        let Outcome {
            parcel,
            number,
            result,
        } = outcome;
        let slot = self
            .slots
            .get_mut(&parcel)
            .filter(|slot| slot.number == number);
        let reply = match (result, slot) {
            (Ok(Step::Created(store)), Some(slot)) => {
                slot.store = Some(store);
                StoreReply::Created { parcel }
            }
            (Ok(Step::Created(store)), None) => {
                store.discard();
                return None;
            }
            (Ok(Step::Finished(content)), Some(_)) => {
                return Some(Input::Finished { parcel, content });
            }
            (Ok(Step::Read(offset, Ok(data))), Some(_)) => StoreReply::Read {
                parcel,
                offset,
                data,
            },
            (Ok(Step::Read(offset, Err(error))), Some(_)) => StoreReply::Unread {
                parcel,
                offset,
                error,
            },
            (Err(error), Some(_)) => StoreReply::Failed { parcel, error },
            (_, None) => return None,
        };
        Some(Input::Stored(reply))
    }

    fn create(&mut self, order: Order) {
        let Some(backend) = self.backend.clone() else {
            self.waiting.push(order);
            return;
        };
        let report = Rc::clone(&self.report);
        spawn_local(async move {
            let result = backend.create(order.size).await.map(Step::Created);
            report(Outcome {
                parcel: order.parcel,
                number: order.number,
                result,
            });
        });
    }

    /// Reports what becomes of what is asked of a parcel's store.
    fn report(
        &self,
        parcel: ParcelId,
        asked: impl Future<Output = Result<Step, StoreError>> + 'static,
    ) {
        let Some(number) = self.slots.get(&parcel).map(|slot| slot.number) else {
            return;
        };
        let report = Rc::clone(&self.report);
        spawn_local(async move {
            let result = asked.await;
            report(Outcome {
                parcel,
                number,
                result,
            });
        });
    }

    fn store(&mut self, parcel: ParcelId) -> Option<&mut Box<dyn BlockStore>> {
        self.slots.get_mut(&parcel)?.store.as_mut()
    }

    fn discard(&mut self, parcel: ParcelId) {
        self.waiting.retain(|order| order.parcel != parcel);
        if let Some(store) = self.slots.remove(&parcel).and_then(|slot| slot.store) {
            store.discard();
        }
    }
}
