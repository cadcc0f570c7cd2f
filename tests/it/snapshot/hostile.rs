//! Bytes that somebody has made to look right: every checksum fits. They never panic, take no absurd memory, and whatever
//! is loaded passes the audit and can be worked with.

use super::file::Parts;
use super::golden::everything;
use super::{apply, loaded, saved};
use crate::exchange::properties::cases;
use dojima::domain::{AdminCommand, ClockCommand, Command, MassCancel, OrderCommand, Phase, Timestamp};
use dojima::replica::snapshot::layout::{CHUNK_HEADER_BYTES, HEADER_BYTES, PAYLOAD_BYTES_MAX};
use proptest::prelude::*;
use std::sync::LazyLock;

static SNAPSHOT: LazyLock<(Vec<u8>, u64)> = LazyLock::new(|| {
    let state = everything();
    (saved(&state), state.last.sequence)
});

/// Bytes of memory for each order that may be open: slab, chains, levels and names.
const BYTES_PER_ORDER: u64 = 64 + 24 + 8 + 24 + 4;

/// One thing that is done to the bytes of a chunk.
#[derive(Clone, Debug)]
enum Change {
    Byte(usize, u8),
    Number(usize, u32),
    Long(usize, u64),
    Cut(usize),
    Add(Vec<u8>),
    Copy(usize, usize, usize),
    Section(u32),
}

fn change() -> impl Strategy<Value = Change> {
    let edge = prop_oneof![
        0_u64..4,
        Just(u64::MAX),
        Just(i64::MAX as u64),
        Just(1 << 63),
        Just(u64::from(u32::MAX)),
        (0_u32..64).prop_map(|shift| 1 << shift),
        any::<u64>(),
    ];
    prop_oneof![
        6 => (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        4 => (any::<usize>(), 0_u8..5).prop_map(|(at, byte)| Change::Byte(at, byte)),
        3 => (any::<usize>(), prop_oneof![0_u32..9, any::<u32>()]).prop_map(|(at, to)| Change::Number(at, to)),
        3 => (any::<usize>(), edge).prop_map(|(at, to)| Change::Long(at, to)),
        1 => any::<usize>().prop_map(Change::Cut),
        1 => prop::collection::vec(any::<u8>(), 1..100).prop_map(Change::Add),
        2 => (any::<usize>(), any::<usize>(), 1_usize..130).prop_map(|(from, to, len)| Change::Copy(from, to, len)),
        1 => (0_u32..20).prop_map(Change::Section),
    ]
}

fn put(payload: &mut [u8], at: usize, bytes: &[u8]) {
    let at = at % payload.len().max(1);
    let len = bytes.len().min(payload.len() - at);
    payload[at..at + len].copy_from_slice(&bytes[..len]);
}

fn make(change: &Change, chunk: &mut (u32, Vec<u8>)) {
    let (section, payload) = chunk;
    match change {
        Change::Byte(at, byte) => put(payload, *at, &[*byte]),
        Change::Number(at, to) => put(payload, *at, &to.to_le_bytes()),
        Change::Long(at, to) => put(payload, *at, &to.to_le_bytes()),
        Change::Cut(at) => payload.truncate(at % payload.len().max(1)),
        Change::Add(bytes) => payload.extend(bytes),
        Change::Copy(from, to, len) => {
            let from = from % payload.len().max(1);
            let piece = payload[from..payload.len().min(from + len)].to_vec();
            put(payload, *to, &piece);
        }
        Change::Section(to) => *section = *to,
    }
}

/// The limit of open orders that the file names, the one number that memory is taken for by itself: a venue may be set to
/// hold so many.
fn orders_max(file: &[u8]) -> u64 {
    let field = file.get(HEADER_BYTES + CHUNK_HEADER_BYTES..).and_then(|payload| payload.first_chunk());
    u64::from(
        field.map_or(0, |field| u32::from_le_bytes(*field)).min(dojima::domain::VenueLimits::ORDERS_MAX),
    )
}

/// Loads it, counting memory; then everything is done with it that a venue does at its end.
fn try_it(file: &[u8]) -> Result<(), TestCaseError> {
    let mut result = None;
    let counted = allocation_counter::measure(|| result = Some(loaded(file, SNAPSHOT.1)));
    let bound = 16 * file.len() as u64 + orders_max(file) * BYTES_PER_ORDER + (1 << 20);
    prop_assert!(counted.bytes_max < bound, "{} of {bound} bytes", counted.bytes_max);
    let Some(Ok(mut state)) = result else { return Ok(()) };
    prop_assert_eq!(state.shards.audit(), Ok(()));
    let later = Timestamp(state.last.time.0.saturating_add(40 * 86_400 * Timestamp::SECOND));
    apply(&mut state, later, &Command::Clock(ClockCommand::Tick));
    let instruments: Vec<_> = state.shards.listings().map(|listing| listing.instrument).collect();
    for phase in [Phase::Continuous, Phase::Closed] {
        for instrument in &instruments {
            apply(
                &mut state,
                later,
                &Command::Admin(AdminCommand::SetPhase { instrument: *instrument, phase }),
            );
            prop_assert_eq!(state.shards.audit(), Ok(()));
        }
    }
    apply(&mut state, later, &Command::Order(OrderCommand::MassCancel(MassCancel::default())));
    prop_assert_eq!(state.shards.audit(), Ok(()));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(3_000), ..ProptestConfig::default() })]

    #[test]
    fn changed_records_do_no_harm(changes in prop::collection::vec((any::<usize>(), change()), 1..4)) {
        let mut parts = Parts::of(&SNAPSHOT.0);
        for (which, change) in &changes {
            let count = parts.chunks.len();
            make(change, &mut parts.chunks[which % count]);
        }
        try_it(&parts.file())?;
    }

    #[test]
    fn random_records_do_no_harm(
        chunks in prop::collection::vec((1_u32..17, prop::collection::vec(any::<u8>(), 1..300)), 0..6),
        kept in 0_usize..12,
    ) {
        let mut parts = Parts::of(&SNAPSHOT.0);
        parts.chunks.truncate(kept);
        parts.chunks.extend(chunks);
        try_it(&parts.file())?;
    }

    #[test]
    fn random_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..2_000), kept in 0_usize..2_000) {
        let kept = &SNAPSHOT.0[..kept.min(SNAPSHOT.0.len())];
        try_it(&[kept, &bytes[..]].concat())?;
    }
}

/// A venue that promises four billion of everything is not believed, nor are chunks that promise to be long.
#[test]
fn promises_are_held_against_the_length_of_the_file() {
    let parts = Parts::of(&SNAPSHOT.0);
    let (section, payload) = &parts.chunks[0];
    for at in 0..payload.len().saturating_sub(4) {
        for promise in [u32::MAX, 1 << 30, 1 << 20] {
            let mut changed = parts.clone();
            let mut payload = payload.clone();
            payload[at..at + 4].copy_from_slice(&promise.to_le_bytes());
            changed.chunks[0] = (*section, payload);
            try_it(&changed.file()).unwrap_or_else(|error| panic!("{promise} at {at}: {error}"));
        }
    }
    let mut long = parts.clone();
    long.chunks[0].1 = vec![0; PAYLOAD_BYTES_MAX + 1];
    try_it(&long.file()).expect("it is refused");
}
