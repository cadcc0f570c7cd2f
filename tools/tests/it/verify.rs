//! `verify`: what is good is called good, and of what is damaged the byte is named.

use crate::recorded::*;
use std::fs;
use std::path::Path;

fn verify(dir: &Path) -> Said {
    tool(["verify", &arg(dir)])
}

/// What was said, on one line: long values are broken over several.
fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn what_is_whole_is_good() {
    for args in [vec!["verify"], vec!["verify", "--events"]] {
        let said = good(args.into_iter().map(str::to_owned).chain([arg(&DATA)]));
        assert!(said.contains("result     good") && said.contains("stopped in good order"), "{said}");
    }
}

/// The used bytes of the journal's first segment, all of which were acknowledged.
fn first_segment(dir: &Path) -> (std::path::PathBuf, Vec<u8>, usize) {
    let path = dir.join("0000000001.seg");
    let bytes = fs::read(&path).expect("the segment");
    let used = bytes.iter().rposition(|byte| *byte != 0).expect("it is used") + 1;
    (path, bytes, used)
}

#[test]
fn the_damaged_byte_is_named() {
    let folder = small_journal(200);
    let (path, whole, used) = first_segment(folder.path());
    // Every part of headers and records, at odd steps.
    for at in (0..used).step_by(97) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&path, &bytes).expect("written");
        let said = verify(folder.path());
        assert_eq!(said.code, 1, "byte {at}: {said:?}");
        assert!(
            said.err.contains(&format!("0000000001.seg is damaged at byte {at}\n")),
            "byte {at}: {said:?}"
        );
        assert!(said.out.contains("exit code 14"), "{said:?}");
        // The marked byte of the dump.
        assert!(said.out.contains(&format!("[{:02x}", bytes[at])), "{said:?}");
        assert!(said.out.contains(&format!("with {:#04x} there", whole[at])), "byte {at}: {said:?}");
    }
}

#[test]
fn what_it_found_does_not_depend_on_who_reads_it() {
    let folder = small_journal(200);
    let dir = arg(folder.path());
    let code_without_readers = |args: &[&str]| {
        let gone = || std::io::pipe().expect("a pipe").1;
        let mut child = command(args).stdout(gone()).stderr(gone()).spawn().expect("the tool starts");
        child.wait().expect("it ends").code()
    };
    assert_eq!(code_without_readers(&["verify", &dir]), Some(0));
    assert_eq!(code_without_readers(&["summary", &dir]), Some(0));
    assert_eq!(code_without_readers(&["records", &dir]), Some(0));
    assert_eq!(code_without_readers(&["export", &dir, "--format", "csv"]), Some(0));
    assert_eq!(code_without_readers(&["diff", &dir, &arg(&DATA)]), Some(1));
    let (path, mut bytes, used) = first_segment(folder.path());
    bytes[used / 2] ^= 0x10;
    fs::write(&path, &bytes).expect("written");
    assert_eq!(code_without_readers(&["verify", &dir]), Some(1));
    assert_eq!(code_without_readers(&["records", "/nowhere"]), Some(2));
}

#[test]
fn a_missing_segment_is_named() {
    let folder = small_journal(400);
    fs::remove_file(folder.path().join("0000000002.seg")).expect("removed");
    let said = verify(folder.path());
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("0000000002.seg is missing"), "{said:?}");
    assert!(said.out.contains("the segment is missing") && said.out.contains("refuses to start"), "{said:?}");
}

#[test]
fn a_segment_in_another_s_place_is_called_that() {
    let folder = small_journal(400);
    fs::copy(folder.path().join("0000000001.seg"), folder.path().join("0000000002.seg")).expect("copied");
    let said = verify(folder.path());
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("another place or another") && said.err.contains("0000000002.seg"), "{said:?}");
}

/// The seal goes, and of the last record the end: as when power was lost before it was synced.
fn tear(journal: &Path) -> Recorded {
    let last = commands_in(journal).pop().expect("commands");
    let path = journal.join(format!("{:010}.seg", last.segment));
    let mut bytes = fs::read(&path).expect("the segment");
    bytes[last.offset as usize + 40..].fill(0);
    fs::write(&path, &bytes).expect("written");
    last
}

/// The snapshot of the stop was only made when the journal had its command on the disk.
#[test]
fn a_torn_tail_is_not_cut_where_a_snapshot_says_that_it_was_whole() {
    let folder = copy(&DATA);
    let last = tear(&folder.path().join("journal"));
    let said = verify(folder.path());
    assert_eq!(said.code, 1, "{said:?}");
    for words in ["TORN TAIL", "refuses to start (exit code 22)", "proves that the journal was longer"] {
        assert!(on_one_line(&said.out).contains(words), "{words}: {said:?}");
    }
    assert!(said.out.contains(&format!("{} is due there", last.sequence)), "{said:?}");
}

#[test]
fn a_torn_tail_is_cut_and_said_so() {
    let folder = copy(&DATA.join("journal"));
    let last = tear(folder.path());
    let said = verify(folder.path());
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains(&format!("cuts the journal at byte {}", last.offset)), "{said:?}");
    let records = tool(["records", &arg(folder.path())]);
    assert_eq!(records.code, 1);
    assert_eq!(sequences(&records.out).last(), Some(&(last.sequence - 1)), "what can be read is shown");
    assert!(records.err.contains("the next start of the engine cuts that off"), "{}", records.err);
}

#[test]
fn a_record_that_means_nothing_is_found() {
    let folder = tempfile::tempdir().expect("a directory");
    let mut writer = dojima_journal::scan(folder.path())
        .and_then(|scanned| {
            scanned.into_writer(dojima_journal::Options::default().with_segment_bytes(64 * 1024))
        })
        .expect("a writer");
    let mut payload = [0; dojima::domain::codec::ENCODED_LEN_MAX];
    let command = dojima::domain::Command::Clock(dojima::domain::ClockCommand::Tick);
    let length = dojima::domain::codec::encode_command(&command, &mut payload).expect("encoded");
    writer.append(1, 5, &payload[..length]).expect("appended");
    writer.append(2, 6, b"no command at all").expect("appended");
    writer.seal().expect("sealed");
    let said = verify(folder.path());
    assert_eq!(said.code, 1, "{said:?}");
    // The record begins at 104, its content 32 bytes later.
    assert!(said.err.contains("0000000001.seg is damaged at byte 136"), "{said:?}");
    let out = on_one_line(&said.out);
    assert!(out.contains("is no command of this version of the program"), "{said:?}");
    for command in ["records", "summary"] {
        let said = tool([command, &arg(folder.path())]);
        assert!(said.code == 1 && said.err.contains("is no command"), "{said:?}");
    }
}

#[test]
fn times_that_go_back_are_found() {
    let folder = tempfile::tempdir().expect("a directory");
    let mut writer = dojima_journal::scan(folder.path())
        .and_then(|scanned| {
            scanned.into_writer(dojima_journal::Options::default().with_segment_bytes(64 * 1024))
        })
        .expect("a writer");
    let mut payload = [0; dojima::domain::codec::ENCODED_LEN_MAX];
    let length = dojima::domain::codec::encode_command(
        &dojima::domain::Command::Clock(dojima::domain::ClockCommand::Tick),
        &mut payload,
    )
    .expect("encoded");
    for (sequence, time_ns) in [(1, 5), (2, 7), (3, 6)] {
        writer.append(sequence, time_ns, &payload[..length]).expect("appended");
    }
    writer.seal().expect("sealed");
    let said = verify(folder.path());
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.out.contains("contradicts the one before") && said.out.contains("3 is due there"),
        "{said:?}"
    );
}
