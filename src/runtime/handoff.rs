//! A bounded queue for threads that may be preempted for a long time at any point: neither end ever waits for the
//! other. In a lock-free queue, a consumer may have to wait for a producer that was preempted in the middle of a push.
//! Here the consumer sees an empty queue instead, and tries again later.

use super::try_lock::try_lock;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

struct Shared<T> {
    queue: Mutex<VecDeque<T>>,
    /// The length of the queue, so that an empty queue is detected without the lock.
    len: AtomicUsize,
    capacity: usize,
}

/// The sending end. Clones send to the same queue.
pub struct Giver<T>(Arc<Shared<T>>);

/// The receiving end.
pub struct Taker<T>(Arc<Shared<T>>);

/// A queue of at most `capacity` elements, allocated at once.
pub fn handoff<T>(capacity: usize) -> (Giver<T>, Taker<T>) {
    let queue = Mutex::new(VecDeque::with_capacity(capacity));
    let shared = Arc::new(Shared { queue, len: AtomicUsize::new(0), capacity });
    (Giver(Arc::clone(&shared)), Taker(shared))
}

/// The element was not added: there is no room, or another thread holds the queue's lock. Try again later.
#[derive(Debug, PartialEq, Eq)]
pub struct NotNow<T>(pub T);

impl<T> Giver<T> {
    /// Adds an element at the end.
    ///
    /// # Errors
    /// [`NotNow`] returns the element.
    pub fn try_give(&self, element: T) -> Result<(), NotNow<T>> {
        match try_lock(&self.0.queue) {
            Some(queue) => self.put(queue, element),
            None => Err(NotNow(element)),
        }
    }

    /// Like [`Giver::try_give`], but waits for the lock. Only for threads on which no other thread waits.
    ///
    /// # Errors
    /// [`NotNow`] returns the element if there is no room.
    pub fn give(&self, element: T) -> Result<(), NotNow<T>> {
        self.put(self.0.queue.lock().unwrap_or_else(PoisonError::into_inner), element)
    }

    /// Whether all elements were taken.
    pub fn is_empty(&self) -> bool {
        self.0.len.load(Ordering::Acquire) == 0
    }

    fn put(&self, mut queue: MutexGuard<'_, VecDeque<T>>, element: T) -> Result<(), NotNow<T>> {
        if queue.len() == self.0.capacity {
            return Err(NotNow(element));
        }
        queue.push_back(element);
        self.0.len.store(queue.len(), Ordering::Release);
        Ok(())
    }
}

impl<T> Taker<T> {
    /// Takes the oldest element, if there is one and no other thread holds the lock.
    pub fn try_take(&self) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        let mut queue = try_lock(&self.0.queue)?;
        let element = queue.pop_front();
        self.0.len.store(queue.len(), Ordering::Release);
        element
    }

    /// Takes elements until [`Taker::try_take`] returns none.
    pub fn drain(&self) -> impl Iterator<Item = T> {
        std::iter::from_fn(|| self.try_take())
    }

    /// The number of waiting elements.
    pub fn len(&self) -> usize {
        self.0.len.load(Ordering::Acquire)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Clone for Giver<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> std::fmt::Debug for Giver<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Giver").finish_non_exhaustive()
    }
}

impl<T> std::fmt::Debug for Taker<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Taker").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn elements_come_in_order_and_no_more_than_there_is_room_for() {
        let (giver, taker) = handoff(2);
        assert_eq!(taker.try_take(), None);
        assert_eq!((giver.try_give(1), giver.clone().try_give(2)), (Ok(()), Ok(())));
        assert_eq!(giver.try_give(3), Err(NotNow(3)));
        assert_eq!(taker.try_take(), Some(1));
        assert_eq!(giver.try_give(3), Ok(()));
        assert_eq!([taker.try_take(), taker.try_take(), taker.try_take()], [Some(2), Some(3), None]);
    }

    /// A thread that is preempted inside an operation holds the lock.
    #[test]
    fn nobody_waits_for_who_is_interrupted_at_it() {
        let (giver, taker) = handoff(2);
        giver.try_give(1).expect("there is room");
        let shared = Arc::clone(&giver.0);
        let interrupted = shared.queue.lock().expect("nobody panicked");
        assert_eq!((taker.try_take(), giver.try_give(2)), (None, Err(NotNow(2))));
        drop(interrupted);
        assert_eq!((taker.try_take(), giver.try_give(2)), (Some(1), Ok(())));
    }

    #[test]
    fn between_threads_nothing_is_lost_or_doubled() {
        const EACH: u64 = 20_000;
        let (giver, taker) = handoff(8);
        std::thread::scope(|scope| {
            for from in 0..2 {
                let giver = giver.clone();
                let give = if from == 0 { Giver::try_give } else { Giver::give };
                scope.spawn(move || {
                    for number in 0..EACH {
                        while give(&giver, (from, number)).is_err() {
                            std::thread::yield_now();
                        }
                    }
                });
            }
            let mut next = BTreeMap::from([(0, 0), (1, 0)]);
            while next.values().sum::<u64>() < 2 * EACH {
                match taker.try_take() {
                    Some((from, number)) => {
                        let expected = next.get_mut(&from).expect("one of the two");
                        assert_eq!(number, *expected);
                        *expected += 1;
                    }
                    None => std::thread::yield_now(),
                }
            }
        });
        assert_eq!(taker.try_take(), None);
    }
}
