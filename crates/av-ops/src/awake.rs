//! Threads that do not fall asleep between operators.

use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Pauses of a thread that found nothing to do before it looks again.
const PAUSES: usize = 4;

/// Calls `work` while the other threads of the rayon pool look for something to do without a rest.
///
/// Between the large operators of a network lie small ones with work for one thread. A thread without work is asleep
/// after some microseconds, and to wake it takes as long as many operators do. Around a training run or a batch of
/// predictions this gives the time of the waking back. What it costs is processor time: not for threads that others
/// need. In a pool of one thread nothing changes, and the results are the same everywhere.
///
/// ```
/// use av_ops::awake;
/// use rayon::prelude::*;
///
/// let sum = awake(|| (0..1000_u32).into_par_iter().sum::<u32>());
/// assert_eq!(sum, 499_500);
/// ```
pub fn awake<R>(work: impl FnOnce() -> R) -> R {
    if rayon::current_num_threads() == 1 {
        return work();
    }
    let done = Done(Arc::new(AtomicBool::new(false)));
    let (is_done, own) = (Arc::clone(&done.0), rayon::current_thread_index());
    rayon::spawn_broadcast(move |context| {
        while Some(context.index()) != own && !is_done.load(Ordering::Relaxed) {
            if rayon::yield_now() != Some(rayon::Yield::Executed) {
                (0..PAUSES).for_each(|_| spin_loop());
            }
        }
    });
    work()
}

/// Lets the threads rest when it is dropped, after a panic too.
struct Done(Arc<AtomicBool>);

impl Drop for Done {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    #[test]
    fn threads_work_while_they_are_awake_and_rest_afterwards() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        for _ in 0..20 {
            let sum = pool.install(|| awake(|| (0..1000_u64).into_par_iter().sum::<u64>()));
            assert_eq!(sum, 499_500);
        }
        // Every thread has left its wait: it would not answer otherwise.
        assert_eq!(pool.broadcast(|context| context.index()), [0, 1, 2]);
    }

    #[test]
    fn threads_rest_after_a_panic() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let caller = std::thread::scope(|scope| {
            scope.spawn(|| pool.install(|| awake(|| panic!("as a test")))).join()
        });
        assert!(caller.is_err());
        assert_eq!(pool.broadcast(|context| context.index()), [0, 1]);
    }
}
