//! The parts of a snapshot that only several shards have: transfers between them.

use super::file::Parts;
use super::layout::{NAMES, agrees};
use super::{loaded, saved};
use crate::codec::page::Page;
use crate::transfers::{ALICE, BOB, CASH, ONE, TWO, Venue, out, sent};
use dojima::domain::{AdminCommand, Command};
use dojima::exchange::snapshot::{InFlightRecord, MovedRecord, PairRecord, Part};
use dojima::replica::snapshot::layout::{section, section_of};
use std::collections::BTreeSet;

/// Transfers both ways, of which some have arrived.
fn venue() -> Venue {
    let mut venue = Venue::new();
    venue.send(sent(out(ONE, TWO, ALICE, 100, 3)));
    venue.arrive();
    venue.send(sent(out(TWO, ONE, ALICE, 10, 1)));
    venue.arrive();
    for (from, to, account, reference) in [(ONE, TWO, ALICE, 4), (ONE, TWO, BOB, 3), (TWO, ONE, ALICE, 2)] {
        venue.send(sent(out(from, to, account, 5, reference)));
    }
    venue
}

#[test]
fn the_page_decodes_the_records_of_transfers() {
    let (page, parts) = (Page::read(), Parts::of(&saved(&venue().state)));
    agrees::<PairRecord>(&page, &parts, section(Part::Pairs), "record Pair");
    agrees::<InFlightRecord>(&page, &parts, section(Part::InFlight), "record InFlight");
    agrees::<MovedRecord>(&page, &parts, section(Part::Moved), "record Moved");
}

/// A venue of several shards that has made no transfer has none of these parts.
#[test]
fn what_was_never_used_is_left_out() {
    let parts = Parts::of(&saved(&Venue::new().state));
    for part in [Part::Pairs, Part::InFlight, Part::Moved] {
        for shard in [ONE, TWO] {
            assert!(!parts.chunks.iter().any(|(found, _)| *found == section_of(shard, part)), "{part:?}");
        }
    }
}

/// Every byte of these records is held against the other shard's, the balances and the bounds, or changes the digest.
#[test]
fn no_field_of_a_transfer_could_be_forgotten() {
    let venue = venue();
    let (bytes, position) = (saved(&venue.state), venue.state.last.sequence);
    let (page, parts) = (Page::read(), Parts::of(&bytes));
    let after = |file: &[u8]| loaded(file, position).ok().map(|state| state.shards.digest());
    let original = after(&bytes);
    assert_eq!(original, Some(venue.shards().digest()));
    let (mut all, mut noticed) = (BTreeSet::new(), BTreeSet::new());
    for (part, shard) in [Part::Pairs, Part::InFlight, Part::Moved].map(|part| (part, ONE)) {
        let table = format!("record {}", NAMES[part as usize]);
        let is_it = |(found, _): &(u32, Vec<u8>)| *found == section_of(shard, part);
        let chunk = parts.chunks.iter().position(is_it).expect("a chunk");
        let payload = &parts.chunks[chunk].1;
        let mut at = 0;
        while at < payload.len() {
            let (fields, places) = page.record_with_places(&table, &payload[at..]);
            for ((field, _), place) in fields.iter().zip(&places) {
                all.insert(format!("{table}: {field}"));
                let mut changed = parts.clone();
                changed.chunks[chunk].1[at + place.start] ^= 1;
                if after(&changed.file()) != original {
                    noticed.insert(format!("{table}: {field}"));
                }
            }
            at += places.last().expect("a record has fields").end;
        }
    }
    assert!(all.len() == 7 && all == noticed, "{:?}", all.difference(&noticed).collect::<Vec<_>>());
}

/// Shards that contradict one another are refused, also where each by itself adds up.
#[test]
fn shards_that_disagree_about_transfers_are_refused() {
    let mut venue = venue();
    let before = Parts::of(&saved(&venue.state));
    let transfer = venue.in_flight()[0];
    venue.send(Command::Admin(AdminCommand::TransferIn(transfer)));
    assert_eq!(transfer.asset, CASH);
    let (after, position) = (Parts::of(&saved(&venue.state)), venue.state.last.sequence);
    assert!(loaded(&after.file(), position).is_ok());
    // The one shard as it was before the arrival, the other one as it was after it.
    let mut mixed = after.clone();
    for (chunk, old) in mixed.chunks.iter_mut().zip(&before.chunks) {
        assert_eq!(chunk.0, old.0, "the same sections");
        let is_of_two = (section_of(TWO, Part::Pairs)..=section_of(TWO, Part::Moved)).contains(&chunk.0)
            || [Part::Assets, Part::Balances].iter().any(|part| section_of(TWO, *part) == chunk.0);
        if is_of_two {
            chunk.1 = old.1.clone();
        }
    }
    let refused = loaded(&mixed.file(), position).map(drop).expect_err("refused").to_string();
    assert!(refused.contains("disagree about the transfers"), "{refused}");
}
