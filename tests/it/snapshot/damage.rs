//! Bytes that are not those that were written: all are found, and the place is told.

use super::file::{Parts, chunks};
use super::golden::everything;
use super::{loaded, name, saved, state_of};
use dojima::exchange::Digest;
use dojima::replica::snapshot::layout::{HEADER_BYTES, POSITION_AT, STREAMS, VERSION, VERSION_AT};
use dojima::replica::{SnapshotError, Snapshots, State};
use dojima_journal::storage::Storage;
use dojima_journal::{Action, Fault, MemoryStorage};
use std::io;
use std::sync::Arc;

/// The file and byte that a refusal names.
fn place(result: Result<State, SnapshotError>) -> (String, u64) {
    match result {
        Err(SnapshotError::Damaged { file, offset, .. }) => (file.display().to_string(), offset),
        Err(SnapshotError::UnknownVersion { file, .. }) => (file.display().to_string(), VERSION_AT as u64),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was loaded"),
    }
}

#[test]
fn every_prefix_is_refused() {
    let state = everything();
    let (bytes, position) = (saved(&state), state.last.sequence);
    for len in 0..bytes.len() {
        let (file, offset) = place(loaded(&bytes[..len], position));
        assert!(file.ends_with(&name(position)), "{file}");
        assert!(offset <= len as u64, "of {len} bytes: {offset}");
    }
    assert!(loaded(&bytes, position).is_ok());
}

/// The offset that is named lies in the header, or is the start of the very chunk that was changed.
#[test]
fn every_changed_byte_is_refused_where_it_is() {
    let state = everything();
    let (bytes, position) = (saved(&state), state.last.sequence);
    let ranges = chunks(&bytes);
    for at in 0..bytes.len() {
        let chunk = ranges.iter().find(|range| range.contains(&at));
        for change in [1, 0x80, 0xFF] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            let (_, offset) = place(loaded(&changed, position));
            match chunk {
                Some(range) => assert_eq!(offset, range.start as u64, "byte {at} ^ {change}"),
                None => assert!(offset < HEADER_BYTES as u64, "byte {at} ^ {change}: {offset}"),
            }
        }
    }
}

#[test]
fn bytes_after_the_end_are_refused() {
    let state = everything();
    let mut bytes = saved(&state);
    let len = bytes.len() as u64;
    bytes.push(0);
    assert_eq!(place(loaded(&bytes, state.last.sequence)).1, len);
}

/// Each chunk left out, told twice, exchanged with the next, or taken from another snapshot of the same length.
#[test]
fn chunks_belong_where_they_are() {
    let state = everything();
    let (bytes, position) = (saved(&state), state.last.sequence);
    let other = saved_as(&state, Digest([7; 32]));
    let ranges = chunks(&bytes);
    assert!(ranges.len() > 10 && other.len() == bytes.len());
    for (at, range) in ranges.iter().enumerate() {
        let (before, chunk, after) = (&bytes[..range.start], &bytes[range.clone()], &bytes[range.end..]);
        let refused = |changed: Vec<u8>| place(loaded(&changed, position));
        refused([before, after].concat());
        refused([before, chunk, chunk, after].concat());
        assert_eq!(refused([before, &other[range.clone()], after].concat()).1, range.start as u64);
        if let Some(next) = ranges.get(at + 1) {
            refused([before, &bytes[next.clone()], chunk, &bytes[next.end..]].concat());
        }
    }
    // The same with checksums and numbers put right: what is left out is missed, what is told twice is too much.
    let parts = Parts::of(&bytes);
    assert_eq!(parts.file(), bytes);
    for at in 0..parts.chunks.len() {
        let mut less = parts.clone();
        let chunk = less.chunks.remove(at);
        assert!(loaded(&less.file(), position).is_err() || chunk.0 > STREAMS, "without section {}", chunk.0);
        let mut more = parts.clone();
        more.chunks.insert(at, chunk);
        // A list of opening commands or of past terms may be any.
        assert!(
            loaded(&more.file(), position).is_err() || parts.chunks[at].0 > STREAMS,
            "twice {}",
            parts.chunks[at].0
        );
    }
}

fn saved_as(state: &State, digest: Digest) -> Vec<u8> {
    let files = MemoryStorage::new();
    Snapshots::new(Arc::new(files.clone())).save(state, digest).expect("there is room");
    files.bytes(&name(state.last.sequence)).expect("it was written")
}

#[test]
fn another_version_is_refused_with_both_named() {
    let state = everything();
    for other in [5, VERSION + 1] {
        let mut bytes = saved(&state);
        bytes[VERSION_AT..VERSION_AT + 4].copy_from_slice(&other.to_le_bytes());
        let files = MemoryStorage::new();
        files.put(&name(state.last.sequence), bytes);
        let snapshots = Snapshots::new(Arc::new(files));
        let loaded = snapshots.load(state.last.sequence).map(|_| ()).expect_err("refused");
        let told = snapshots.info(state.last.sequence).map(|_| ()).expect_err("refused");
        for error in [loaded, told] {
            assert!(
                matches!(error, SnapshotError::UnknownVersion { found, supported: VERSION, .. } if found == other),
                "{error}"
            );
            let text = error.to_string();
            for words in [format!("version {other}"), format!("version {VERSION}"), ".snap".to_owned()] {
                assert!(text.contains(&words), "{text}");
            }
        }
    }
}

#[test]
fn a_file_of_another_name_is_refused() {
    let state = everything();
    let (_, offset) = place(loaded(&saved(&state), state.last.sequence + 1));
    assert_eq!(offset, POSITION_AT as u64);
}

#[test]
fn a_snapshot_that_is_not_there_is_an_error_of_the_system() {
    let snapshots = Snapshots::new(Arc::new(MemoryStorage::new()));
    assert_eq!(snapshots.positions().expect("an empty folder"), [0; 0]);
    for error in [
        snapshots.load(3).map(|_| ()).expect_err("not there"),
        snapshots.info(3).map(|_| ()).expect_err("not there"),
        snapshots.remove(3).expect_err("not there"),
    ] {
        let SnapshotError::Io { source, path, .. } = error else { panic!("{error}") };
        assert_eq!(source.kind(), io::ErrorKind::NotFound);
        assert!(path.ends_with(name(3)), "{}", path.display());
    }
}

/// Whatever step of the disk fails: the error is told, and there is the whole old snapshot or the whole new one.
#[test]
fn a_disk_that_fails_leaves_a_whole_snapshot() {
    let state = everything();
    let position = state.last.sequence;
    let whole = saved(&state);
    let mut failures = 0;
    for changes in 0.. {
        let files = MemoryStorage::new();
        let snapshots = Snapshots::new(Arc::new(files.clone()));
        snapshots.save(&state, Digest([0; 32])).expect("there is room");
        let before = files.bytes(&name(position));
        files.fail_after(changes);
        match snapshots.save(&state, state.shards.digest()) {
            Ok(_) => {
                assert_eq!(files.bytes(&name(position)), Some(whole));
                break;
            }
            Err(error) => {
                assert!(matches!(error, SnapshotError::Io { .. }), "{error}");
                let after = files.bytes(&name(position));
                assert!(after == before || after.as_ref() == Some(&whole), "after {changes} changes");
                failures += 1;
            }
        }
    }
    assert!(failures > 0);
}

/// What a killed process leaves behind is cleared away by the next save, and is never taken for a snapshot.
#[test]
fn an_unfinished_file_is_no_snapshot() {
    let files = MemoryStorage::new();
    let snapshots = Snapshots::new(Arc::new(files.clone()));
    files.put(&format!("{}.tmp", name(4)), vec![1; 10]);
    files.put("notes.txt", vec![1]);
    files.put("12.snap", vec![1]);
    assert_eq!(snapshots.positions().expect("listed"), [0; 0]);
    let mut positions = Vec::new();
    for commands in [5, 2, 30] {
        let list = vec![dojima::domain::Command::Clock(dojima::domain::ClockCommand::Tick); commands];
        let state = state_of(1, &list);
        snapshots.save(&state, state.shards.digest()).expect("there is room");
        positions.push(state.last.sequence);
    }
    positions.sort_unstable_by(|one, other| other.cmp(one));
    assert_eq!(snapshots.positions().expect("listed"), positions);
    assert!(files.files().expect("listed").iter().all(|(name, _)| !name.ends_with(".tmp")));
    snapshots.remove(positions[1]).expect("it is there");
    assert_eq!(snapshots.positions().expect("listed"), [positions[0], positions[2]]);
}

/// The header alone says what the whole file would.
#[test]
fn info_is_what_was_saved() {
    let state = everything();
    let files = MemoryStorage::new();
    let snapshots = Snapshots::new(Arc::new(files));
    let info = snapshots.save(&state, state.shards.digest()).expect("there is room");
    assert_eq!((info.position, info.time), (state.last.sequence, state.last.time));
    assert_eq!((info.last_event, info.digest), (state.last_event, state.shards.digest()));
    assert_eq!(Some(info.config_digest), state.shards.config_digest());
    assert_eq!(snapshots.info(info.position).expect("it is there"), info);
    assert_eq!(snapshots.load(info.position).expect("it is there").1, info);
}

/// What a check finds is what a load would find, for every changed byte and every cut.
#[test]
fn a_check_finds_whatever_a_load_finds() {
    let state = everything();
    let (bytes, position) = (saved(&state), state.last.sequence);
    let checked = |bytes: &[u8]| {
        let files = MemoryStorage::new();
        files.put(&name(position), bytes.to_vec());
        Snapshots::new(Arc::new(files)).check(position).map_err(|error| error.to_string())
    };
    let loaded = |bytes: &[u8]| loaded(bytes, position).map(drop).map_err(|error| error.to_string());
    let info = checked(&bytes).expect("sound");
    assert_eq!((info.position, info.bytes), (position, bytes.len() as u64));
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert_eq!(checked(&changed).map(drop), loaded(&changed), "byte {at}");
        assert!(checked(&bytes[..at]).is_err() && loaded(&bytes[..at]).is_err(), "cut at {at}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(checked(&longer).map(drop), loaded(&longer));
}

/// A disk that says it wrote and did not, or that cannot read a byte behind the header: such a snapshot counts as none, and
/// leaves nothing behind.
#[test]
fn a_snapshot_that_the_disk_does_not_give_back_is_refused() {
    let state = everything();
    let files = MemoryStorage::new();
    let snapshots = Snapshots::new(Arc::new(files.clone()));
    let save = || snapshots.save(&state, Digest([7; 32])).map(drop);
    files.set_faults(|step| (step.action == Action::Write).then_some(Fault::Ignore));
    let unwritten = save().expect_err("nothing was written");
    assert!(matches!(unwritten, SnapshotError::Damaged { .. }), "{unwritten}");
    assert_eq!(snapshots.positions().expect("listed"), [0; 0]);
    files.set_faults(|step| {
        let is_behind = step.action == Action::Read && step.range.end > HEADER_BYTES as u64;
        is_behind.then_some(Fault::Refuse(io::ErrorKind::Other))
    });
    let unread = save().expect_err("what is behind the header is read too");
    assert!(matches!(unread, SnapshotError::Io { action: "read", .. }), "{unread}");
    assert_eq!(snapshots.positions().expect("listed"), [0; 0]);
    files.clear_faults();
    snapshots.save(&state, Digest([7; 32])).expect("written");
    assert_eq!(snapshots.positions().expect("listed"), [state.last.sequence]);
}
