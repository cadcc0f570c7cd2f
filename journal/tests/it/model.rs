//! Any mixture of appends, syncs, stops, kills and losses of power, against a plain list.

use crate::{Entry, drain, read, scan, small};
use dojima_journal::{MemoryStorage, Reader, Writer};
use proptest::prelude::*;
use std::sync::Arc;

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<u8>),
    Sync,
    Seal,
    Kill,
    LosePower(u64),
    Truncate(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => prop::collection::vec(any::<u8>(), 0..400).prop_map(Step::Append),
        6 => Just(Step::Sync),
        1 => Just(Step::Seal),
        1 => Just(Step::Kill),
        1 => any::<u64>().prop_map(Step::LosePower),
        1 => any::<u64>().prop_map(Step::Truncate),
    ]
}

struct Bench {
    storage: MemoryStorage,
    writer: Option<Writer>,
    model: Vec<Entry>,
    synced: usize,
}

impl Bench {
    fn new() -> Self {
        let mut bench = Self { storage: MemoryStorage::new(), writer: None, model: Vec::new(), synced: 0 };
        bench.reopen();
        bench
    }

    fn reopen(&mut self) {
        let scanned = scan(&self.storage).expect("scans");
        let left = scanned.next_sequence() as usize - 1;
        assert!(left >= self.synced && left <= self.model.len());
        self.model.truncate(left);
        self.synced = left;
        self.writer = Some(scanned.into_writer(small()).expect("opens"));
    }

    fn take(&mut self, step: &Step) {
        let mut writer = self.writer.take().expect("open between steps");
        match step {
            Step::Append(payload) => {
                let sequence = writer.next_sequence();
                writer.append(sequence, sequence ^ 0x5A5A, payload).expect("there is room");
                self.model.push((sequence, sequence ^ 0x5A5A, payload.clone()));
                self.writer = Some(writer);
            }
            Step::Sync => {
                self.synced = writer.sync().expect("sync") as usize;
                assert_eq!(self.synced, self.model.len());
                self.writer = Some(writer);
            }
            Step::Seal => {
                writer.seal().expect("seal");
                self.synced = self.model.len();
                self.reopen();
            }
            Step::Kill => {
                drop(writer);
                self.synced = self.model.len();
                self.reopen();
            }
            Step::LosePower(luck) => {
                drop(writer);
                let mut luck = *luck;
                self.storage = self.storage.after_crash(|_, _| {
                    luck = luck.rotate_left(1);
                    luck & 1 == 1
                });
                self.reopen();
            }
            Step::Truncate(after) => {
                drop(writer);
                let after = after % (self.model.len() as u64 + 1);
                let scanned = scan(&self.storage).expect("scans");
                self.writer = Some(scanned.into_writer_truncated(after, small()).expect("opens"));
                self.model.truncate(after as usize);
                self.synced = after as usize;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_journal_is_a_list(steps in prop::collection::vec(step(), 1..80), from in any::<prop::sample::Index>()) {
        let mut bench = Bench::new();
        for step in &steps {
            bench.take(step);
        }
        prop_assert_eq!(&read(&bench.storage, 1), &bench.model);
        let from = from.index(bench.model.len() + 1);
        prop_assert_eq!(&read(&bench.storage, from as u64 + 1)[..], &bench.model[from..]);
    }

    #[test]
    fn a_reader_that_keeps_up_sees_the_same(payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..600), 1..60)) {
        let storage = MemoryStorage::new();
        let mut reader = Reader::open_storage(Arc::new(storage.clone()), 1).expect("opens");
        let mut writer = scan(&storage).expect("scans").into_writer(small()).expect("opens");
        for (sequence, payload) in (1..).zip(&payloads) {
            writer.append(sequence, 0, payload).expect("there is room");
            prop_assert_eq!(drain(&mut reader), vec![(sequence, 0, payload.clone())]);
        }
    }
}
