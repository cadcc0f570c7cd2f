//! The merge: puts the events of all shards into one order, by command and then by shard, and numbers them.
//!
//! It exists only if there are several shards; a single matcher numbers its events itself. An event is released once no
//! shard can still produce an event before it. So the order and all numbers depend only on the commands.

use crate::domain::EventRecord;
use crate::ring::{Consumer, CursorReader, CursorWriter, Producer};
use crate::runtime::injected_fault::{InjectedFault, is_injected};
use crate::runtime::{Agent, Counter, Counters, Doorbell, Fatal};

/// The most events per duty cycle.
const EVENTS_MAX: usize = 2048;

/// The input from one shard.
pub struct MergeInput {
    /// Its events, not numbered yet.
    pub events: Consumer<EventRecord>,
    /// The last sequence whose events are all in its ring.
    pub applied: CursorReader,
}

/// Everything that the merge is connected to.
pub struct MergePorts {
    /// Indexed by shard.
    pub inputs: Vec<MergeInput>,
    /// The ring for the merged events.
    pub events: Producer<EventRecord>,
    /// The last sequence whose events are all in that ring.
    pub applied: CursorWriter,
    /// Rung after publishing.
    pub downstream: Vec<Doorbell>,
    /// Rung after making room in a ring that was at least half full: the matchers.
    pub upstream: Vec<Doorbell>,
    /// Half the slots of a shard's ring.
    pub half_full: u64,
}

pub struct Merge {
    ports: MergePorts,
    last_number: u64,
    /// By shard: the last sequence that the shard has finished. Its events up to there are released or wait in its
    /// ring.
    applied: Vec<u64>,
    /// By shard: the sequence of the next waiting event.
    heads: Vec<Option<u64>>,
    merged: Counter,
}

impl Merge {
    /// Continues after the event with this number.
    pub fn new(ports: MergePorts, last_event: u64, counters: &Counters) -> Self {
        let shards = ports.inputs.len();
        Self {
            applied: vec![ports.applied.get(); shards],
            heads: vec![None; shards],
            ports,
            last_number: last_event,
            merged: counters.register("merge.events", "events"),
        }
    }

    /// Reads the progress of the shards. A matcher's cursor is read before its ring, so that all events up to the
    /// cursor are seen.
    fn look(&mut self) {
        for (at, input) in self.ports.inputs.iter_mut().enumerate() {
            self.applied[at] = input.applied.get();
            self.heads[at] = head(input);
        }
    }

    /// Moves the events that may be released and fit; returns how many.
    fn merge(&mut self) -> usize {
        let Self { ports, last_number, applied, heads, .. } = self;
        let mut claim = ports.events.claim_up_to(EVENTS_MAX);
        while claim.remaining() > 0
            && let Some((at, until)) = next(heads, applied)
        {
            let input = &mut ports.inputs[at];
            let batch = input.events.batch(claim.remaining());
            let mut taken = 0;
            for record in batch.iter().take_while(|record| record.sequence <= until) {
                *last_number += 1;
                claim.push(EventRecord { number: *last_number, ..*record });
                taken += 1;
            }
            batch.release(taken);
            heads[at] = head(input);
        }
        let moved = claim.len();
        claim.publish();
        moved
    }
}

/// The sequence of a shard's next event, if one waits.
fn head(input: &mut MergeInput) -> Option<u64> {
    input.events.batch(1).get(0).map(|record| record.sequence)
}

/// The last sequence up to which the shard has no more events.
fn done(head: Option<u64>, applied: u64) -> u64 {
    head.map_or(applied, |head| head - 1)
}

/// The shard with the next event, and the last sequence up to which its events may be released; `None` if none may.
fn next(heads: &[Option<u64>], applied: &[u64]) -> Option<(usize, u64)> {
    let waiting = heads.iter().enumerate().filter_map(|(at, head)| head.map(|head| (head, at)));
    let (first, at) = waiting.min()?;
    let others = (0..heads.len()).filter(|other| *other != at);
    // Within one command, events of a lower shard come first.
    let until = others.map(|other| done(heads[other], applied[other]) + u64::from(other > at));
    let until = until.min().filter(|_| !is_injected(InjectedFault::MergeTooEarly)).unwrap_or(u64::MAX);
    (first <= until).then_some((at, until))
}

impl Agent for Merge {
    fn name(&self) -> &str {
        "merge"
    }

    fn do_work(&mut self) -> Result<usize, Fatal> {
        let crowded = self.ports.inputs.iter().any(|input| input.events.waiting() >= self.ports.half_full);
        self.look();
        let moved = self.merge();
        // All remaining events are of commands after this one.
        let shards = self.heads.iter().zip(&self.applied);
        let applied = shards.map(|(head, applied)| done(*head, *applied)).min().unwrap_or_default();
        if applied > self.ports.applied.get() {
            self.ports.applied.set(applied);
        }
        self.merged.add(moved as u64);
        if moved > 0 {
            self.ports.downstream.iter().for_each(Doorbell::ring);
            if crowded {
                self.ports.upstream.iter().for_each(Doorbell::ring);
            }
        }
        Ok(moved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::{cursor, spsc};
    use crate::runtime::SplitMix64;

    /// Behaves like a matcher, with a given number of events per command.
    struct Shard {
        events: Producer<EventRecord>,
        applied: CursorWriter,
        /// By command, from 1.
        counts: Vec<u64>,
        /// The current command, and how many of its events are in the ring.
        at: (usize, u64),
    }

    impl Shard {
        /// Continues while there is room, by one command at most.
        fn step(&mut self) {
            let (command, said) = self.at;
            let Some(count) = self.counts.get(command).copied() else { return };
            let sequence = command as u64 + 1;
            for event in said..count {
                // The event carries its sequence and its index within the command.
                let record = EventRecord { sequence, number: event, ..EventRecord::default() };
                if self.events.try_push(record).is_err() {
                    self.at.1 = event;
                    return;
                }
            }
            self.applied.set(sequence);
            self.at = (command + 1, 0);
        }

        fn is_done(&self) -> bool {
            self.at.0 == self.counts.len()
        }
    }

    /// The order holds however slow each shard is and however small the rings are.
    #[test]
    fn events_come_by_command_and_then_by_shard() {
        for seed in 0..300 {
            let random = &mut SplitMix64::new(seed);
            let shards_count = 2 + random.below(3);
            let commands = 1 + random.below(60);
            let (mut shards, mut inputs) = (Vec::new(), Vec::new());
            for _ in 0..shards_count {
                let (events, merged) = spsc(4);
                let (applied, applied_read) = cursor();
                let counts = (0..commands).map(|_| random.below(9).saturating_sub(3)).collect();
                shards.push(Shard { events, applied, counts, at: (0, 0) });
                inputs.push(MergeInput { events: merged, applied: applied_read });
            }
            let expected: Vec<(u64, u64)> = (0..commands)
                .flat_map(|command| shards.iter().map(move |shard| (command, shard.counts[command as usize])))
                .flat_map(|(command, count)| (0..count).map(move |_| (command + 1, count)))
                .collect();
            let (events, mut out) = spsc(8);
            let (applied, applied_read) = cursor();
            let ports = MergePorts {
                inputs,
                events,
                applied,
                downstream: Vec::new(),
                upstream: Vec::new(),
                half_full: 2,
            };
            let mut merge = Merge::new(ports, 100, &Counters::default());
            let mut got = Vec::new();
            let mut idle = 0;
            while applied_read.get() < commands || got.len() < expected.len() {
                let who = random.below(shards_count + 2);
                let before = got.len();
                match shards.get_mut(who as usize) {
                    Some(shard) => shard.step(),
                    None if who == shards_count => drop(merge.do_work().expect("it works")),
                    None => {
                        let said = applied_read.get();
                        let batch = out.batch(1 + random.below(8) as usize);
                        let len = batch.len();
                        got.extend(batch.iter().map(|record| (record.sequence, record.number)));
                        batch.release(len);
                        // The ring had all events of a command before the command counts as applied.
                        let told = expected.iter().filter(|(sequence, _)| *sequence <= said).count();
                        assert!(got.len() + out.waiting() as usize >= told, "seed {seed}");
                    }
                }
                idle = if got.len() > before { 0 } else { idle + 1 };
                assert!(idle < 100_000, "seed {seed}: nothing moves");
            }
            assert!(shards.iter().all(Shard::is_done), "seed {seed}");
            let sequences: Vec<u64> = got.iter().map(|(sequence, _)| *sequence).collect();
            assert_eq!(sequences, expected.iter().map(|(sequence, _)| *sequence).collect::<Vec<_>>());
            assert!(
                got.iter().map(|(_, number)| *number).eq(101..101 + expected.len() as u64),
                "seed {seed}"
            );
        }
    }
}
