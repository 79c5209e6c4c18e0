//! Work that takes a while, done one piece after the other beside the main thread.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Job = Box<dyn FnOnce() + Send>;

/// Jobs that follow each other, on one of the runtime's threads for blocking work while there are
/// any.
#[derive(Default)]
pub(super) struct Lane(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    is_running: bool,
}

impl Lane {
    /// Does this after all that was pushed before. To be called on a runtime.
    pub(super) fn push(self: &Arc<Self>, job: impl FnOnce() + Send + 'static) {
        let mut queue = self.queue();
        queue.jobs.push_back(Box::new(job));
        if !std::mem::replace(&mut queue.is_running, true) {
            let lane = Arc::clone(self);
            tokio::task::spawn_blocking(move || lane.work_off());
        }
    }

    fn work_off(&self) {
        while let Some(job) = self.next() {
            job();
        }
    }

    fn next(&self) -> Option<Job> {
        let mut queue = self.queue();
        let job = queue.jobs.pop_front();
        queue.is_running = job.is_some();
        job
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn jobs_keep_their_order_and_a_lane_that_ran_dry_goes_on() {
        let lane = Arc::new(Lane::default());
        for round in 0..3 {
            let (sender, mut done) = tokio::sync::mpsc::unbounded_channel();
            for number in 0..100 {
                let sender = sender.clone();
                lane.push(move || sender.send(round * 1000 + number).unwrap());
            }
            drop(sender);
            for number in 0..100 {
                assert_eq!(done.recv().await, Some(round * 1000 + number));
            }
            assert_eq!(done.recv().await, None);
        }
    }
}
