//! The format as it is written down: the tables of docs/FORMATS.md, "Snapshots", against the constants, and as a
//! second decoder of the golden snapshot's records.

use super::contracts::{OF_CONTRACTS, OF_TRANSFERS};
use super::file::Parts;
use super::golden::{Golden, golden, what_follows};
use super::loaded;
use crate::codec::page::Page;
use bincode::Decode;
use dojima::domain::codec::decode_record;
use dojima::domain::streams::Mark;
use dojima::exchange::snapshot::{
    AccountRecord, AssetRecord, BalanceRecord, CopyRecord, ExtraRecord, InstrumentRecord, LeadRecord,
    ListingRecord, LoginRecord, LoginSettingsRecord, OrderRecord, Part, UsageRecord, VenueRecord,
    VolumeRecord,
};
use dojima::replica::snapshot::layout::*;
use std::collections::BTreeSet;
use std::fmt::Debug;

const TEXT: &str = include_str!("../../../docs/FORMATS.md");

/// Rows of the table that follows a heading, as cells.
fn table(heading: &str) -> Vec<Vec<&'static str>> {
    let (_, after) = TEXT.split_once(heading).expect("the heading is there");
    let rows = after.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect())
        .collect()
}

/// Offset, bytes and name of each field: it reaches to the next.
fn fields(offsets: &[(usize, &str)], end: usize) -> Vec<[String; 3]> {
    let ends = offsets.iter().skip(1).map(|&(at, _)| at).chain([end]);
    offsets
        .iter()
        .zip(ends)
        .map(|(&(at, name), end)| [at.to_string(), (end - at).to_string(), name.to_owned()])
        .collect()
}

fn first_three(rows: &[Vec<&str>]) -> Vec<[String; 3]> {
    rows.iter().map(|cells| [0, 1, 2].map(|at| cells[at].to_owned())).collect()
}

#[test]
fn the_page_and_the_constants_agree() {
    let header = [
        (MAGIC_AT, "magic"),
        (VERSION_AT, "version"),
        (HEADER_LENGTH_AT, "header length"),
        (POSITION_AT, "position"),
        (TIME_AT, "time"),
        (LAST_EVENT_AT, "last event"),
        (CONFIG_DIGEST_AT, "config digest"),
        (STATE_DIGEST_AT, "state digest"),
        (SHARDS_AT, "shards"),
        (RESERVED_AT, "reserved"),
        (HEADER_CRC_AT, "header crc"),
    ];
    let rows = table("### Snapshot header");
    assert_eq!(first_three(&rows), fields(&header, HEADER_BYTES));
    let magic = String::from_utf8(MAGIC.to_vec()).expect("ASCII");
    assert_eq!(
        [rows[0][3], rows[1][3], rows[2][3]],
        [&magic[..], &VERSION.to_string(), &HEADER_BYTES.to_string()]
    );
    let chunk =
        [(LENGTH_AT, "length"), (SECTION_AT, "section"), (NUMBER_AT, "number"), (CHUNK_CRC_AT, "chunk crc")];
    let rows = table("### Snapshot chunk");
    assert_eq!(first_three(&rows[..4]), fields(&chunk, CHUNK_HEADER_BYTES));
    assert_eq!(rows[4][0], CHUNK_HEADER_BYTES.to_string());
    for text in [
        format!("Version {VERSION} of the format."),
        format!("{PAYLOAD_BYTES_MAX} bytes of payload at most"),
        format!("1 to {PAYLOAD_BYTES_MAX}"),
        format!(
            "{}: it sells, {}: it is hidden, {}: the next `Extra` is its own, {}: it waits for its trigger",
            OrderRecord::SELL,
            OrderRecord::HIDDEN,
            OrderRecord::HAS_EXTRA,
            OrderRecord::WAITS
        ),
    ] {
        assert!(TEXT.contains(&text), "{text}");
    }
    let named: Vec<[&str; 2]> = table("### Sections").iter().map(|cells| [cells[0], cells[1]]).collect();
    let own = [
        (section(Part::Venue), "Venue"),
        (section(Part::Assets), "Asset"),
        (section(Part::Accounts), "Account"),
        (section(Part::Logins), "Login"),
        (section(Part::LoginSettings), "LoginSettings"),
        (section(Part::Copies), "Copy"),
        (section(Part::Instruments), "Instrument"),
        (section(Part::Balances), "Balance"),
        (section(Part::Volumes), "Volume"),
        (section(Part::Usage), "Usage"),
        (section(Part::Extras), "Extra"),
        (section(Part::Orders), "Order"),
        (STREAMS, "Stream"),
        (MARKS, "Mark"),
        (LISTINGS, "Listing"),
        (PAST_TERMS, "PastTerms"),
        (ENDED, "EndedStream"),
        (OPENING, "commands, as in the journal"),
        (END, "bytes of the whole file (u64)"),
        (section(Part::Lead), "Lead"),
        (section(Part::Pairs), "Pair"),
        (section(Part::InFlight), "InFlight"),
        (section(Part::Moved), "Moved"),
        (section(Part::Contracts), "Contracts"),
        (section(Part::Indexes), "Index"),
        (section(Part::Terms), "Contract"),
        (section(Part::Tiers), "Tier"),
        (section(Part::Samples), "Sample"),
        (section(Part::Funds), "Fund"),
        (section(Part::Holdings), "Holding"),
        (section(Part::Hedging), "Hedging"),
    ];
    assert_eq!(
        own.map(|(number, _)| number.to_string()).as_slice(),
        named.iter().map(|row| row[0]).collect::<Vec<_>>()
    );
    assert_eq!(own.map(|(_, name)| name).as_slice(), named.iter().map(|row| row[1]).collect::<Vec<_>>());
}

/// Every record of a section is what the page says of its bytes, and is as long.
pub(super) fn agrees<T: Debug + Decode<()>>(page: &Page, parts: &Parts, section: u32, table: &str) {
    let payload = parts.payload(section);
    let (mut at, mut records) = (0, 0);
    while at < payload.len() {
        let (record, len): (T, usize) = decode_record(&payload[at..]).expect("a record");
        let (fields, told) = page.record(table, &payload[at..]);
        assert_eq!(told, len, "{table}");
        assert_eq!(fields, page.fields_of_struct(&format!("{record:?}")), "{table}");
        at += len;
        records += 1;
    }
    assert!(records > 0, "{table}: there is none");
}

#[test]
fn the_page_decodes_every_record() {
    let (page, parts) = (Page::read(), Parts::of(&golden().bytes));
    agrees::<VenueRecord>(&page, &parts, section(Part::Venue), "record Venue");
    agrees::<LoginSettingsRecord>(&page, &parts, section(Part::LoginSettings), "record LoginSettings");
    agrees::<CopyRecord>(&page, &parts, section(Part::Copies), "record Copy");
    agrees::<AssetRecord>(&page, &parts, section(Part::Assets), "record Asset");
    agrees::<AccountRecord>(&page, &parts, section(Part::Accounts), "record Account");
    agrees::<LoginRecord>(&page, &parts, section(Part::Logins), "record Login");
    agrees::<InstrumentRecord>(&page, &parts, section(Part::Instruments), "record Instrument");
    agrees::<BalanceRecord>(&page, &parts, section(Part::Balances), "record Balance");
    agrees::<VolumeRecord>(&page, &parts, section(Part::Volumes), "record Volume");
    agrees::<LeadRecord>(&page, &parts, section(Part::Lead), "record Lead");
    agrees::<UsageRecord>(&page, &parts, section(Part::Usage), "record Usage");
    agrees::<ExtraRecord>(&page, &parts, section(Part::Extras), "record Extra");
    agrees::<OrderRecord>(&page, &parts, section(Part::Orders), "record Order");
    agrees::<StreamRecord>(&page, &parts, STREAMS, "record Stream");
    agrees::<EndedRecord>(&page, &parts, ENDED, "record EndedStream");
    agrees::<Mark>(&page, &parts, MARKS, "record Mark");
    agrees::<ListingRecord>(&page, &parts, LISTINGS, "struct Listing");
    let orders = parts.payload(section(Part::Orders));
    let (orders, rest) = orders.as_chunks();
    assert!(rest.is_empty());
    for bytes in orders {
        let (record, len) = decode_record(bytes).expect("a record");
        assert_eq!((OrderRecord::read(bytes), OrderRecord::BYTES), (record, len));
    }
    let past = parts.payload(PAST_TERMS);
    let (fields, len) = page.record("record PastTerms", &past);
    let ((event, listing), told): ((u64, ListingRecord), usize) = decode_record(&past).expect("a record");
    assert_eq!((len, &fields[0].1), (told, &event.to_string()));
    assert!(
        fields[1..]
            .iter()
            .map(|(_, value)| value)
            .eq(page.fields_of_struct(&format!("{listing:?}")).iter().map(|(_, v)| v))
    );
}

/// Fields that are kept, but that nothing asks for after the command that brought them.
const ONCE_ONLY: [&str; 3] = [
    "record Extra: instructions.expire_s",
    "record Extra: instructions.oco",
    "record Instrument: protection.reference",
];

/// A field that could be forgotten unseen would be found here: of every record of the golden snapshot each field is set to
/// zero, and changed by one. For every field one of these is refused, or gives another digest, or other events.
#[test]
fn no_field_could_be_forgotten() {
    let Golden { bytes, position, .. } = golden();
    let (page, parts) = (Page::read(), Parts::of(&bytes));
    let after = |file: &[u8]| {
        let mut state = loaded(file, position).ok()?;
        Some((state.shards.digest(), what_follows(&mut state)))
    };
    let original = after(&bytes);
    assert!(original.is_some());
    let (mut all, mut noticed) = (BTreeSet::new(), BTreeSet::new());
    // One shard of spot has no transfers and no contracts: see transfers.rs and contracts.rs.
    let absent = |part: &Part| OF_CONTRACTS.contains(part) || OF_TRANSFERS.contains(part);
    for part in Part::ALL.into_iter().filter(|part| !absent(part)) {
        let table = format!("record {}", NAMES[part as usize]);
        let chunk = parts.chunks.iter().position(|(found, _)| *found == section(part)).expect("a chunk");
        let payload = &parts.chunks[chunk].1;
        let mut at = 0;
        while at < payload.len() {
            let (fields, places) = page.record_with_places(&table, &payload[at..]);
            for ((field, _), place) in fields.iter().zip(&places) {
                let name = format!("{table}: {field}");
                all.insert(name.clone());
                for one_more in [false, true] {
                    let mut changed = parts.clone();
                    let bytes = &mut changed.chunks[chunk].1[at + place.start..at + place.end];
                    if one_more {
                        bytes[0] ^= 1
                    } else {
                        bytes.fill(0)
                    }
                    let is_changed = changed != parts;
                    if is_changed && !noticed.contains(&name) && after(&changed.file()) != original {
                        noticed.insert(name.clone());
                    }
                }
            }
            at += places.last().expect("a record has fields").end;
        }
    }
    assert!(all.len() > 100, "{all:?}");
    let unnoticed: Vec<&str> = all.difference(&noticed).map(String::as_str).collect();
    assert_eq!(unnoticed, ONCE_ONLY);
}

pub(super) const NAMES: [&str; Part::ALL.len()] = [
    "Venue",
    "Asset",
    "Account",
    "Login",
    "LoginSettings",
    "Copy",
    "Instrument",
    "Pair",
    "InFlight",
    "Moved",
    "Balance",
    "Volume",
    "Usage",
    "Lead",
    "Contracts",
    "Index",
    "Contract",
    "Tier",
    "Sample",
    "Fund",
    "Hedging",
    "Holding",
    "Extra",
    "Order",
];
