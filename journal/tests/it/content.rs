//! What a journal says its payloads are, and how it goes on when that grows.

use crate::{append, entries, read, scan, segments, small};
use dojima_journal::{Content, JournalError, MemoryStorage, Options, Reader};
use std::sync::Arc;

const ORDERS: Content = Content { kind: 7, version: 2 };

fn options() -> Options {
    small().with_content(ORDERS)
}

/// Three segments of orders.
fn orders() -> MemoryStorage {
    let storage = MemoryStorage::new();
    let mut writer = scan(&storage).expect("scans").into_writer(options()).expect("opens");
    append(&mut writer, 150);
    writer.seal().expect("seal");
    assert_eq!(segments(&storage).len(), 3);
    storage
}

/// The same bytes with another content in the header of one file, made valid again.
fn relabelled(storage: &MemoryStorage, file: &str, content: Content) -> MemoryStorage {
    let copy = storage.after_crash(|_, _| true);
    let mut bytes = copy.bytes(file).expect("the file is there");
    bytes[48..50].copy_from_slice(&content.kind.to_le_bytes());
    bytes[50..52].copy_from_slice(&content.version.to_le_bytes());
    let crc = crc32c::crc32c(&bytes[..60]);
    bytes[60..64].copy_from_slice(&crc.to_le_bytes());
    copy.put(file, bytes);
    copy
}

#[test]
fn every_segment_says_it_and_a_restart_goes_on_with_it() {
    let storage = orders();
    let mut writer = scan(&storage).expect("scans").into_writer(options()).expect("opens");
    append(&mut writer, 100);
    drop(writer);
    for file in segments(&storage) {
        let bytes = storage.bytes(&file).expect("the file is there");
        assert_eq!(bytes[48..52], [7, 0, 2, 0], "{file}");
    }
    assert_eq!(scan(&storage).expect("scans").content(), Some(ORDERS));
    assert_eq!(read(&storage, 1), entries(1..=250));
}

#[test]
fn nobody_says_it_of_a_journal_that_is_not_there() {
    let storage = MemoryStorage::new();
    assert_eq!(scan(&storage).expect("scans").content(), None);
    let reader = Reader::open_storage(Arc::new(storage.clone()), 1).expect("opens");
    assert_eq!(reader.content(), None);
    let reader = Reader::open_storage(Arc::new(orders()), 1).expect("opens");
    assert_eq!(reader.content(), Some(ORDERS));
}

#[test]
fn another_content_than_asked_for_is_refused_and_both_are_named() {
    let others = [Content { kind: 8, version: 2 }, Content { kind: 7, version: 1 }, Content::NOT_SAID];
    for expected in others {
        let storage = orders();
        let before: Vec<_> = segments(&storage).iter().map(|file| storage.bytes(file)).collect();
        let options = small().with_content(expected);
        let error = scan(&storage).expect("scans").into_writer(options).expect_err("refused");
        assert!(
            matches!(&error, JournalError::OtherContent { found: ORDERS, expected: named, .. } if *named == expected),
            "{error:?}"
        );
        let text = error.to_string();
        assert!(text.contains("kind 7, version 2") && text.contains(&expected.to_string()), "{text}");
        let after: Vec<_> = segments(&storage).iter().map(|file| storage.bytes(file)).collect();
        assert!(before == after, "a refusal changes nothing");
        drop(scan(&storage).expect("scans").into_writer(self::options()).expect("opens for the right one"));
    }
}

#[test]
fn a_journal_that_does_not_say_goes_on_not_saying() {
    let storage = MemoryStorage::new();
    for _ in 0..2 {
        let mut writer = scan(&storage).expect("scans").into_writer(small()).expect("opens");
        append(&mut writer, 60);
        drop(writer);
        // Whoever asks for a content gets it too: it was written before there was such a field.
        let mut writer = scan(&storage).expect("scans").into_writer(options()).expect("opens");
        append(&mut writer, 60);
    }
    assert!(segments(&storage).len() > 3);
    assert_eq!(scan(&storage).expect("scans").content(), Some(Content::NOT_SAID));
    assert_eq!(read(&storage, 1), entries(1..=240));
}

#[test]
fn a_mixture_is_refused_where_it_begins() {
    let storage = orders();
    let other = Content { kind: 9, version: 1 };
    for (file, from) in [("0000000002.seg", 0), ("0000000003.seg", 0), ("0000000002.seg", 140)] {
        let mixed = relabelled(&storage, file, other);
        let error = dojima_journal::scan_storage_from(Arc::new(mixed.clone()), from).expect_err("refused");
        match &error {
            JournalError::OtherContent { file: named, found, expected } => {
                assert!(named.ends_with(file), "{}", named.display());
                assert_eq!((*found, *expected), (other, ORDERS));
            }
            error => panic!("{error}"),
        }
        let text = error.to_string();
        assert!(text.contains("kind 9, version 1") && text.contains("kind 7, version 2"), "{text}");
        let mut reader = Reader::open_storage(Arc::new(mixed), 1).expect("opens");
        let refused = loop {
            match reader.next() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the reader passes over the mixture"),
                Err(error) => break error,
            }
        };
        assert!(matches!(refused, JournalError::OtherContent { found, .. } if found == other), "{refused}");
    }
}

const NEWER: Content = Content { kind: 7, version: 3 };

/// Of a program that also reads the version before.
fn newer() -> Options {
    small().with_content(NEWER).with_oldest_version(2)
}

/// What each segment says its version is.
fn versions(storage: &MemoryStorage) -> Vec<u8> {
    segments(storage).iter().map(|file| storage.bytes(file).expect("the file is there")[50]).collect()
}

/// Where the older version ends, nothing newer stands in a segment that says the older one.
#[test]
fn a_newer_version_begins_a_segment_of_its_own_with_its_first_record() {
    for (records, sealed) in [(0, false), (1, true), (30, false), (150, true), (150, false)] {
        let storage = MemoryStorage::new();
        let mut writer = scan(&storage).expect("scans").into_writer(options()).expect("opens");
        append(&mut writer, records);
        match sealed {
            true => writer.seal().expect("seal"),
            false => drop(writer),
        }
        let before = scan(&storage).expect("scans");
        let of_older = before.segments().len();
        assert_eq!(before.content(), Some(ORDERS));
        // Opening it alone changes nothing that an older program could not read.
        let writer = before.into_writer(newer()).expect("opens for the newer one");
        drop(writer);
        drop(scan(&storage).expect("scans").into_writer(options()).expect("opens for the older one"));

        let mut writer = scan(&storage).expect("scans").into_writer(newer()).expect("opens");
        append(&mut writer, 100);
        drop(writer);
        let found = scan(&storage).expect("scans");
        assert_eq!(found.content(), Some(NEWER));
        assert_eq!(read(&storage, 1), entries(1..=records + 100), "{records} {sealed}");
        let newer = found.segments()[of_older].clone();
        assert_eq!(newer.base_sequence, records + 1, "{records} {sealed}");
        let versions = versions(&storage);
        assert!(versions[..of_older].iter().all(|version| *version == 2), "{versions:?}");
        assert!(versions[of_older..].iter().all(|version| *version == 3), "{versions:?}");
        let refused = found.into_writer(options()).expect_err("the older program refuses it");
        assert!(
            matches!(refused, JournalError::OtherContent { found: NEWER, expected: ORDERS, .. }),
            "{refused}"
        );
    }
}

/// An owner that has stopped to read it.
#[test]
fn a_version_that_is_not_read_any_more_is_refused() {
    let before = orders();
    let refused =
        scan(&before).expect("scans").into_writer(small().with_content(NEWER)).expect_err("refused");
    assert!(
        matches!(refused, JournalError::OtherContent { found: ORDERS, expected: NEWER, .. }),
        "{refused}"
    );
    assert_eq!(versions(&before), [2, 2, 2]);
    scan(&before).expect("scans").into_writer(newer()).expect("opens for one that reads it");
}

#[test]
fn a_version_never_goes_back() {
    let storage = orders();
    let mixed = relabelled(&storage, "0000000001.seg", NEWER);
    let error = scan(&mixed).expect_err("refused");
    assert!(
        matches!(&error, JournalError::OtherContent { found: ORDERS, expected: NEWER, file } if file.ends_with("0000000002.seg")),
        "{error}"
    );
    let grown = relabelled(&storage, "0000000003.seg", NEWER);
    assert_eq!(scan(&grown).expect("scans").content(), Some(NEWER));
    assert_eq!(read(&grown, 1), entries(1..=150));
}
