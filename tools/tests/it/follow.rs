//! `follow`.

use crate::recorded::*;
use dojima::domain::codec;
use dojima_journal::Options;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

#[test]
fn records_are_shown_as_they_are_written_over_all_segments_until_it_is_interrupted() {
    let folder = tempfile::tempdir().expect("a directory");
    let recorded = commands_in(&DATA.join("journal"));
    let options = Options::default().with_segment_bytes(8 * 1024);
    let mut writer = dojima_journal::scan(folder.path())
        .and_then(|scanned| scanned.into_writer(options))
        .expect("a writer");
    let mut payload = [0; codec::ENCODED_LEN_MAX];
    let mut write = |sequences: std::ops::Range<usize>| {
        for sequence in sequences {
            let length =
                codec::encode_command(&recorded[sequence - 1].command, &mut payload).expect("encoded");
            while writer.append(sequence as u64, sequence as u64, &payload[..length]).is_err() {
                std::thread::yield_now();
            }
        }
        writer.sync().expect("synced");
    };
    write(1..101);
    let mut follow = command(["follow", &arg(folder.path()), "--last", "3"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(follow.stdout.take().expect("is piped")).lines();
    let mut next = || sequences(&lines.next().expect("a line").expect("UTF-8"))[0];
    assert_eq!([next(), next(), next()], [98, 99, 100]);
    // Several times a segment is full.
    write(101..1_001);
    (101..1_001).for_each(|sequence| assert_eq!(next(), sequence));
    write(1_001..1_002);
    assert_eq!(next(), 1_001);
    let pid = follow.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill runs").success());
    assert!(follow.wait().expect("it ends").success(), "an interrupt is its orderly end");
}

#[test]
fn it_ends_by_itself_when_told_so() {
    let out = good(["follow", &arg(&DATA), "--for", "0", "--last", "2", "--kind", "cancel"]);
    assert_eq!(out.lines().count(), 2);
    assert!(out.lines().all(|line| line.contains("  cancel ")), "{out}");
    let past = good(["follow", &arg(&DATA), "--to", "100", "--last", "1000"]);
    assert_eq!(sequences(&past), (1..=100).collect::<Vec<_>>(), "nothing after it can be meant");
}
