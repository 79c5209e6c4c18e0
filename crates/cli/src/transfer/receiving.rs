//! Runs `mqdrop receive`: takes one parcel or all, resumes, and ends.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use mqdrop_core::view::{Direction, Fault, ParcelKind, TransferState, TransferView};
use mqdrop_core::{StoreError, Time};

use super::task::{Happened, Patience, Step, Task};
use crate::failure::Failure;
use crate::say::{self, Event};
use crate::words;

/// The parcels to receive, and when that is over.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wish {
    /// Take everything without asking.
    pub(crate) takes_all: bool,
    /// Go on after the first parcel.
    pub(crate) stays: bool,
    /// How long to wait while nobody sends.
    pub(crate) timeout: Option<Duration>,
}

/// Receives.
pub(super) struct Receiving {
    wish: Wish,
    parcels: BTreeMap<String, Parcel>,
    /// The offer that the person at the terminal is asked about.
    asked: Option<String>,
    patience: Patience,
    has_entered: bool,
}

/// One parcel that was offered.
struct Parcel {
    view: TransferView,
    stand: Stand,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    /// It waits for its turn.
    Offered,
    /// It was accepted, now or before a restart.
    Taken {
        /// This device was told to go on with it. Once: what stops it again is the user's matter.
        resumed: bool,
    },
    /// It is over, and that was told.
    Over,
}

impl Receiving {
    pub(super) fn new(wish: Wish) -> Self {
        Self {
            wish,
            parcels: BTreeMap::new(),
            asked: None,
            patience: Patience::new(wish.timeout),
            has_entered: false,
        }
    }

    fn handle_view(&mut self, view: TransferView, fault: Option<Fault>, steps: &mut Vec<Step>) {
        let id = view.parcel.clone();
        let is_new = !self.parcels.contains_key(&id);
        let parcel = self.parcels.entry(id.clone()).or_insert_with(|| Parcel {
            stand: if view.state == TransferState::Offered && view.kind == ParcelKind::Files {
                Stand::Offered
            } else {
                Stand::Taken { resumed: false }
            },
            view: view.clone(),
        });
        parcel.view = view;
        let view = &parcel.view;
        if is_new {
            steps.push(Step::Say(Event::offer(view)));
        }
        if parcel.stand == Stand::Over {
            if view.state != TransferState::Offered {
                return;
            }
            // Its sender offers it again.
            parcel.stand = Stand::Offered;
        }
        let is_taken = matches!(parcel.stand, Stand::Taken { .. });
        if is_taken && view.kind == ParcelKind::Files {
            steps.push(Step::Say(Event::progress(view)));
        }
        match view.state {
            TransferState::Paused if view.paused_here => {
                if let Some(Fault::Storage(error)) = &fault {
                    let failure = Failure::Storage(stuck(&words().title(&view.title), error));
                    self.end(failure, steps);
                } else if parcel.stand == (Stand::Taken { resumed: false }) {
                    parcel.stand = Stand::Taken { resumed: true };
                    steps.push(Step::Resume(id.clone()));
                }
            }
            TransferState::Done => {
                parcel.stand = Stand::Over;
                if view.kind == ParcelKind::Files {
                    steps.push(Step::Saved(id.clone()));
                }
                if !self.wish.stays {
                    steps.push(Step::End(Ok(())));
                }
            }
            state if state.is_final() => {
                parcel.stand = Stand::Over;
                if view.left_out > 0 {
                    steps.push(Step::Saved(id.clone()));
                }
                if is_taken || state == TransferState::Declined {
                    let failure = failure(view, fault);
                    self.end(failure, steps);
                }
            }
            _ => {}
        }
        if self.asked.as_ref() == Some(&id) && !self.is_offered(&id) {
            // Its sender took it back while the question stood; the answer is to no other.
            steps.push(Step::Say(Event::Warning {
                text: words().receiving_withdrawn().into(),
            }));
        }
    }

    /// The command, or one parcel of several, ends badly.
    fn end(&self, failure: Failure, steps: &mut Vec<Step>) {
        steps.push(
            if self.wish.stays && !matches!(failure, Failure::Storage(_)) {
                Step::Say(Event::Warning {
                    text: failure.to_string(),
                })
            } else {
                Step::End(Err(failure))
            },
        );
    }

    /// Turns to the next offer, if it is its turn.
    fn consider(&mut self, steps: &mut Vec<Step>) {
        while self.asked.is_none() && (self.wish.stays || !self.is_busy()) {
            let next = self.parcels.iter_mut().find(|(_, parcel)| {
                parcel.stand == Stand::Offered && parcel.view.state == TransferState::Offered
            });
            let Some((id, parcel)) = next else { return };
            if self.wish.takes_all {
                parcel.stand = Stand::Taken { resumed: false };
                steps.push(Step::Accept(id.clone()));
                // It is under way from now on, whatever was told of it last.
                parcel.view.state = TransferState::Active;
            } else {
                steps.push(Step::Ask(question(&parcel.view)));
                self.asked = Some(id.clone());
            }
        }
    }

    fn answer(&mut self, answer: Option<bool>, steps: &mut Vec<Step>) {
        let Some(id) = self.asked.take() else { return };
        let is_offered = self.is_offered(&id);
        let Some(parcel) = self.parcels.get_mut(&id).filter(|_| is_offered) else {
            return;
        };
        match answer {
            Some(true) => {
                parcel.stand = Stand::Taken { resumed: false };
                parcel.view.state = TransferState::Active;
                steps.push(Step::Accept(id));
            }
            Some(false) => {
                parcel.stand = Stand::Taken { resumed: false };
                steps.push(Step::Decline(id));
            }
            None => {
                let failure = Failure::usage(words().receiving_nobody_answers());
                steps.push(Step::End(Err(failure)));
            }
        }
    }

    fn is_offered(&self, id: &str) -> bool {
        self.parcels.get(id).is_some_and(|parcel| {
            parcel.stand == Stand::Offered && parcel.view.state == TransferState::Offered
        })
    }

    /// Something is under way, and does not wait for somebody who is away.
    fn is_busy(&self) -> bool {
        self.parcels.values().any(|parcel| {
            matches!(parcel.stand, Stand::Taken { .. })
                && parcel.view.state != TransferState::Waiting
        })
    }
}

impl Task for Receiving {
    fn handle(&mut self, happened: Happened, now: Time) -> Vec<Step> {
        let mut steps = Vec::new();
        match happened {
            Happened::Entered => self.has_entered = true,
            Happened::Transfer { view, fault } if view.direction == Direction::In => {
                self.handle_view(*view, fault, &mut steps);
            }
            Happened::Removed(id) => drop(self.parcels.remove(&id)),
            Happened::Text { parcel, text } => steps.push(Step::Deliver { parcel, text }),
            Happened::Answer(answer) => self.answer(answer, &mut steps),
            Happened::Woken if self.patience.is_over(now) => {
                let failure = Failure::Nobody(words().receiving_nobody().into());
                steps.push(Step::End(Err(failure)));
            }
            Happened::People(_)
            | Happened::Transfer { .. }
            | Happened::Unfit(_)
            | Happened::Woken => {}
        }
        let is_over = steps.iter().any(|step| matches!(step, Step::End(_)));
        if !is_over {
            self.consider(&mut steps);
        }
        if self.has_entered {
            self.patience
                .note(self.is_busy() || self.asked.is_some(), now);
        }
        steps
    }

    fn deadline(&self) -> Option<Time> {
        self.patience.until()
    }

    fn offered(&mut self, _: Vec<String>) {}

    fn replace(&mut self, _: &str, _: String) {
        // Only what is sent is offered anew.
    }

    fn remedy(&self) -> String {
        let under_way = self.parcels.values().any(|parcel| {
            matches!(parcel.stand, Stand::Taken { .. }) && parcel.view.kind == ParcelKind::Files
        });
        if under_way {
            words().receiving_interrupted()
        } else {
            words().terminal_interrupted()
        }
        .into()
    }
}

fn question(view: &TransferView) -> String {
    words().question_take(
        &words().sender(view),
        &words().title(&view.title),
        &say::content(view.files, view.total),
    )
}

/// Words for a parcel that storage stops.
fn stuck(title: &str, error: &StoreError) -> String {
    let why = words().storage(error);
    match error {
        StoreError::NoSpace { .. } => words().receiving_no_space(title, &why),
        StoreError::Gone | StoreError::Excess | StoreError::Told(_) => {
            words().receiving_stuck(title, &why)
        }
    }
}

/// The failure that a parcel ended with.
fn failure(view: &TransferView, fault: Option<Fault>) -> Failure {
    let title = &words().title(&view.title);
    let why = words().cause(view);
    match view.state {
        TransferState::Declined => Failure::Refused(words().receiving_declined(title)),
        TransferState::Cancelled => Failure::Refused(match why {
            Some(why) => words().receiving_cancelled(title, &why),
            None => words().receiving_cancelled_ask(title, &words().sender(view)),
        }),
        _ => {
            let text = match why {
                Some(why) => words().receiving_failed(title, &why),
                None => words().receiving_failed_ask(title),
            };
            match fault {
                Some(Fault::Storage(_)) => Failure::Storage(text),
                Some(Fault::Integrity) => Failure::Integrity(text),
                Some(Fault::Source) | None => Failure::Other(text),
            }
        }
    }
}
