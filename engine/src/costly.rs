//! Work that takes long: password hashes, pictures. It has threads of its own, few and of low priority, and a short
//! queue; what finds that full is shed at once, so that a storm of logins never starves a claim.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use kaowei_core::time::Span;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::failure::Failure;
use crate::low_priority::step_back;
use crate::metrics;

/// How much waits for one thread: about a second of it.
const WAITING_MAX: usize = 64;

/// When to come again: the queue is done by then.
const RETRY_AFTER: Span = Span::from_secs(2);

type Job = Box<dyn FnOnce() + Send>;

/// The threads, and the way to them. They end with it.
#[derive(Debug)]
pub(crate) struct CostlyWork {
    jobs: SyncSender<Job>,
}

impl CostlyWork {
    /// Starts so many threads.
    pub(crate) fn start(threads: usize) -> std::io::Result<Self> {
        Self::start_with(threads, threads.saturating_mul(WAITING_MAX))
    }

    fn start_with(threads: usize, waiting_max: usize) -> std::io::Result<Self> {
        let (jobs, waiting) = sync_channel(waiting_max);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..threads.max(1) {
            let waiting = Arc::clone(&waiting);
            std::thread::Builder::new()
                .name("costly".into())
                .spawn(move || work(&waiting))?;
        }
        Ok(Self { jobs })
    }

    /// Has something done there; not at all where whoever asked has gone before its turn.
    ///
    /// # Errors
    /// [`Failure::Overloaded`] where too much waits already.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let (done, wait) = oneshot::channel();
        let job = Box::new(move || {
            if !done.is_closed() {
                done.send(work()).ok();
            }
        });
        self.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => {
                metrics::costly_work_shed();
                Failure::Overloaded {
                    retry_after: RETRY_AFTER,
                }
            }
            TrySendError::Disconnected(_) => Failure::Internal,
        })?;
        wait.await.map_err(|_| Failure::Internal)
    }
}

fn work(waiting: &Mutex<Receiver<Job>>) {
    step_back("hashing passwords");
    loop {
        // Waited for under the lock, so that one thread is woken for each job.
        let next = waiting.lock().recv();
        let Ok(job) = next else { return };
        if catch_unwind(AssertUnwindSafe(job)).is_err() {
            tracing::error!("costly work panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn what_finds_the_queue_full_is_shed_at_once_and_what_nobody_waits_for_is_not_done() {
        let costly = CostlyWork::start_with(1, 2).unwrap();
        let (started, has_started) = channel();
        let (go, may_go) = channel::<()>();
        let mut first = Box::pin(costly.run(move || {
            started.send(()).ok();
            may_go.recv().ok();
            1
        }));
        assert!((&mut first).now_or_never().is_none());
        has_started.recv().unwrap();
        let (told, was_done) = channel();
        let mut abandoned = Box::pin(costly.run(move || told.send(()).ok()));
        let mut second = Box::pin(costly.run(|| 2));
        assert!((&mut abandoned).now_or_never().is_none() && (&mut second).now_or_never().is_none());
        assert_eq!(
            costly.run(|| 3).await,
            Err(Failure::Overloaded {
                retry_after: RETRY_AFTER
            })
        );
        drop(abandoned);
        go.send(()).unwrap();
        assert_eq!((first.await, second.await), (Ok(1), Ok(2)));
        assert!(was_done.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_panic_is_its_asker_s_alone() {
        let costly = CostlyWork::start(1).unwrap();
        let panicked = costly.run(|| panic!("on purpose")).await;
        assert_eq!(panicked, Err::<(), _>(Failure::Internal));
        assert_eq!(costly.run(|| 1).await, Ok(1));
    }
}
