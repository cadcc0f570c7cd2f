//! Tests of the ring's guarantees, first on one thread, then under load on two.

use std::ops::ControlFlow::{Break, Continue};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;

fn drain(consumer: &mut Consumer<u64>, limit: usize) -> Vec<u64> {
    let mut seen = Vec::new();
    consumer.poll(limit, |&value| {
        seen.push(value);
        Continue(())
    });
    seen
}

fn pushed(producer: &mut Producer<u64>, values: impl IntoIterator<Item = u64>) -> usize {
    values.into_iter().take_while(|&value| producer.try_push(value).is_ok()).count()
}

#[test]
fn values_come_once_and_in_order_through_many_wraps() {
    let (mut producer, mut consumer) = spsc(4);
    let (mut next, mut expected) = (0, 0);
    for step in 0..1000 {
        next += pushed(&mut producer, (next..).take(step % 5)) as u64;
        for value in drain(&mut consumer, step % 4) {
            assert_eq!(value, expected);
            expected += 1;
        }
    }
    assert_eq!(drain(&mut consumer, usize::MAX), (expected..next).collect::<Vec<_>>());
    assert!(expected > 100);
    assert_eq!((producer.published(), consumer.position()), (next, next));
}

#[test]
fn a_full_ring_refuses_and_keeps_what_it_has() {
    let (mut producer, mut consumer) = spsc(4);
    assert_eq!(pushed(&mut producer, 0..10), 4);
    assert_eq!(producer.try_push(99), Err(Full));
    assert!(producer.try_claim(1).is_err());
    assert_eq!((producer.free(), consumer.waiting()), (0, 4));
    assert_eq!(drain(&mut consumer, 1), [0]);
    assert_eq!(producer.free(), 1);
    assert_eq!(pushed(&mut producer, 4..10), 1);
    assert_eq!(drain(&mut consumer, 10), [1, 2, 3, 4]);
}

#[test]
fn a_claim_is_all_or_nothing_and_publishes_what_was_pushed() {
    let (mut producer, mut consumer) = spsc(4);
    pushed(&mut producer, [0, 1]);
    assert!(producer.try_claim(3).is_err());
    let mut claim = producer.try_claim(2).unwrap();
    claim.push(2);
    assert_eq!((claim.len(), claim.remaining(), claim.is_empty()), (1, 1, false));
    assert_eq!(drain(&mut consumer, 10), [0, 1], "not before it is published");
    claim.publish();
    assert_eq!(drain(&mut consumer, 10), [2]);
    let mut claim = producer.claim_up_to(10);
    assert_eq!(claim.remaining(), 4);
    (3..7).for_each(|value| claim.push(value));
    drop(claim);
    assert_eq!(producer.claim_up_to(10).remaining(), 0);
    assert_eq!(drain(&mut consumer, 10), [3, 4, 5, 6]);
    drop(producer.try_claim(4).unwrap());
    assert_eq!((producer.published(), consumer.waiting()), (7, 0), "an unused claim leaves no trace");
}

#[test]
#[should_panic(expected = "more values than were claimed")]
fn pushing_past_a_claim_is_a_bug() {
    let (mut producer, _consumer) = spsc(4);
    let mut claim = producer.try_claim(1).unwrap();
    claim.push(0);
    claim.push(1);
}

#[test]
#[should_panic(expected = "can never fit")]
fn a_claim_that_never_fits_is_a_bug() {
    let (mut producer, _consumer) = spsc::<u64>(4);
    let _ = producer.try_claim(5);
}

#[test]
fn break_leaves_the_value_for_the_next_poll() {
    let (mut producer, mut consumer) = spsc(8);
    pushed(&mut producer, 0..6);
    let consumed = consumer.poll(10, |&value| if value == 3 { Break(()) } else { Continue(()) });
    assert_eq!((consumed, consumer.position(), consumer.waiting()), (3, 3, 3));
    assert_eq!(drain(&mut consumer, 10), [3, 4, 5]);
}

#[test]
fn a_panic_releases_only_what_was_consumed() {
    let (mut producer, mut consumer) = spsc(8);
    pushed(&mut producer, 0..6);
    let poll = || consumer.poll(10, |&value| if value == 2 { panic!("no") } else { Continue(()) });
    assert!(catch_unwind(AssertUnwindSafe(poll)).is_err());
    assert_eq!(consumer.position(), 2);
    assert_eq!(drain(&mut consumer, 10), [2, 3, 4, 5]);
}

#[test]
fn a_batch_spans_the_wrap_and_consumes_only_what_is_released() {
    let (mut producer, mut consumer) = spsc(4);
    pushed(&mut producer, 0..3);
    drain(&mut consumer, 3);
    pushed(&mut producer, 3..7);
    let batch = consumer.batch(10);
    assert_eq!(batch.as_slices(), (&[3][..], &[4, 5, 6][..]));
    assert_eq!(batch.iter().copied().collect::<Vec<_>>(), [3, 4, 5, 6]);
    assert_eq!((batch.get(0), batch.get(3), batch.get(4)), (Some(&3), Some(&6), None));
    drop(batch);
    assert_eq!(consumer.position(), 3, "dropping a batch releases nothing");
    let batch = consumer.batch(10);
    assert_eq!((batch.len(), batch.is_empty()), (4, false));
    batch.release(2);
    assert_eq!((producer.free(), consumer.position()), (2, 5));
    assert_eq!(drain(&mut consumer, 10), [5, 6]);
    assert!(consumer.batch(10).is_empty());
}

#[test]
#[should_panic(expected = "released 2 values of a batch of 1")]
fn releasing_more_than_a_batch_is_a_bug() {
    let (mut producer, mut consumer) = spsc(4);
    pushed(&mut producer, 0..2);
    consumer.batch(1).release(2);
}

#[test]
fn a_follower_stays_behind_and_the_producer_behind_all() {
    let mut ring = RingBuilder::<u64>::new(4);
    let first = ring.consumer();
    let second = ring.consumer();
    ring.consumer_after(&[first, second]);
    let (mut producer, mut consumers) = ring.build();
    assert_eq!(pushed(&mut producer, 0..10), 4);
    assert_eq!(drain(&mut consumers[2], 10), [0; 0]);
    assert_eq!(drain(&mut consumers[0], 3), [0, 1, 2]);
    assert_eq!(drain(&mut consumers[2], 10), [0; 0], "the slower of its gates decides");
    assert_eq!(drain(&mut consumers[1], 2), [0, 1]);
    assert_eq!(producer.free(), 0, "the follower still needs all");
    assert_eq!(drain(&mut consumers[2], 10), [0, 1]);
    assert_eq!((producer.free(), consumers[2].waiting()), (2, 2));
}

#[test]
fn independent_consumers_each_see_everything() {
    let mut ring = RingBuilder::<u64>::new(4);
    ring.consumer();
    ring.consumer();
    let (mut producer, mut consumers) = ring.build();
    pushed(&mut producer, 0..4);
    assert_eq!(drain(&mut consumers[0], 10), [0, 1, 2, 3]);
    assert_eq!(producer.free(), 0, "the slowest holds the producer");
    assert_eq!(drain(&mut consumers[1], 10), [0, 1, 2, 3]);
    assert_eq!(producer.free(), 4);
}

#[test]
fn gauges_read_positions_from_outside() {
    let (mut producer, mut consumer) = spsc(4);
    let (published, consumed) = (producer.cursor(), consumer.cursor());
    pushed(&mut producer, 0..3);
    drain(&mut consumer, 1);
    assert_eq!((published.get(), consumed.get(), producer.capacity()), (3, 1, 4));
}

#[test]
#[should_panic(expected = "power of two, not 6")]
fn the_capacity_is_a_power_of_two() {
    RingBuilder::<u64>::new(6);
}

#[test]
#[should_panic(expected = "at least one consumer")]
fn a_ring_nobody_reads_is_a_bug() {
    RingBuilder::<u64>::new(4).build();
}

#[test]
#[should_panic(expected = "belongs to another ring")]
fn keys_do_not_cross_rings() {
    let foreign = RingBuilder::<u64>::new(4).consumer();
    let mut ring = RingBuilder::<u64>::new(4);
    ring.consumer();
    ring.consumer_after(&[foreign]);
}

#[test]
fn two_threads_pass_whole_values_in_order() {
    const VALUES: u64 = 200_000;
    let (mut producer, mut consumer) = spsc::<[u64; 8]>(64);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut next = 0;
            while next < VALUES {
                let mut claim = producer.claim_up_to(17.min((VALUES - next) as usize));
                while claim.remaining() > 0 {
                    claim.push([next; 8]);
                    next += 1;
                }
                if claim.is_empty() {
                    std::thread::yield_now();
                }
            }
        });
        let mut expected = 0;
        while expected < VALUES {
            let polled = consumer.poll(23, |value| {
                assert_eq!(*value, [expected; 8]);
                expected += 1;
                Continue(())
            });
            if polled == 0 {
                std::thread::yield_now();
            }
        }
    });
}
