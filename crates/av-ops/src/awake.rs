//! Threads that do not fall asleep between operators.

use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Pauses of a thread that found nothing to do before it looks again.
const PAUSES: usize = 4;

/// How often a thread looks before it goes back to what it may have been waiting for: it can have come here from the middle
/// of a parallel loop, and must not hold that up.
const LOOKS: usize = 64;

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
        if Some(context.index()) != own {
            look(context.index(), &is_done);
        }
    });
    work()
}

/// Looks for something to do for a while on the thread `home`, and asks it to look again until all is done.
fn look(home: usize, is_done: &Arc<AtomicBool>) {
    for _ in 0..LOOKS {
        if is_done.load(Ordering::Relaxed) {
            return;
        }
        if rayon::yield_now() != Some(rayon::Yield::Executed) {
            (0..PAUSES).for_each(|_| spin_loop());
        }
    }
    let is_done = Arc::clone(is_done);
    rayon::spawn(move || {
        if rayon::current_thread_index() == Some(home) {
            return look(home, &is_done);
        }
        // Another thread was faster: back to where it belongs.
        rayon::spawn_broadcast(move |context| {
            if context.index() == home {
                look(home, &is_done);
            }
        });
    });
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

    /// A thread that waits in the middle of a loop for another one may take up the search for work: the loop must end all
    /// the same.
    #[test]
    fn loops_within_loops_end_wherever_threads_begin_to_look() {
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for _ in 0..3000 {
                let sum = awake(|| {
                    let element = |i: usize| (0..i).fold(i, |sum, j| sum ^ (sum << 1) ^ j) & 1;
                    let row = |_| {
                        let elements = (0..1000_usize).into_par_iter().with_min_len(100);
                        elements.map(element).sum::<usize>()
                    };
                    (0..9_usize).into_par_iter().with_max_len(1).map(row).sum::<usize>()
                });
                assert!(sum <= 9000);
            }
            sender.send(())
        });
        let minute = std::time::Duration::from_secs(60);
        assert!(receiver.recv_timeout(minute).is_ok(), "the loops do not end");
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
