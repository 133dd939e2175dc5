//! Independent training runs side by side.

use crate::{Error, Result};
use av_ops::awake;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Applies `work` to every item and gives the results in the order of the items.
///
/// The networks here are small: one training run a core is faster than all cores on one run. Each worker
/// has a thread pool of its own, so that a run's operators never wait for another run. The operators
/// give the same bits for any number of threads, so the results do not depend on the machine's cores.
/// `work` gets a function that counts finished items.
pub(super) fn map<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&dyn Fn() -> usize, &T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = cores.min(items.len()).max(1);
    let next = AtomicUsize::new(0);
    let done = AtomicUsize::new(0);
    let finished = Mutex::new(Vec::with_capacity(items.len()));
    let worker = || -> Result<()> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads((cores / workers).max(1))
            .build()
            .map_err(|error| Error::Threads { message: error.to_string() })?;
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return Ok(()) };
            let count = || done.fetch_add(1, Ordering::Relaxed) + 1;
            let result = pool.install(|| awake(|| work(&count, item)));
            if result.is_err() {
                // The others stop at their next item.
                next.store(items.len(), Ordering::Relaxed);
            }
            finished.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((index, result?));
        }
    };
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        let mut outcome = Ok(());
        for handle in handles {
            let joined = handle
                .join()
                .unwrap_or_else(|_| Err(Error::Threads { message: "a worker panicked".into() }));
            // A real error says more than the interruption it caused elsewhere.
            if outcome.is_ok() || matches!(outcome, Err(Error::Interrupted)) && joined.is_err() {
                outcome = joined;
            }
        }
        outcome
    })?;
    let mut finished = finished.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    finished.sort_by_key(|(index, _)| *index);
    Ok(finished.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<u64> = (0..40).collect();
        let squares = map(&items, |_, item| Ok(item * item)).unwrap();
        assert_eq!(squares, items.iter().map(|item| item * item).collect::<Vec<_>>());
    }

    #[test]
    fn an_error_stops_the_rest() {
        let items: Vec<u64> = (0..1000).collect();
        let calls = AtomicUsize::new(0);
        let outcome = map(&items, |_, item| {
            calls.fetch_add(1, Ordering::Relaxed);
            if *item == 3 { Err(Error::Interrupted) } else { Ok(()) }
        });
        assert!(matches!(outcome, Err(Error::Interrupted)));
        assert!(calls.into_inner() < 1000);
    }
}
