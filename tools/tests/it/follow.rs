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

/// The newest two of several segments: what lies before them is neither waited for nor needed.
#[test]
fn it_begins_at_the_end() {
    let folder = small_journal(1_000);
    let last = sequences(&good(["records", &arg(folder.path())])).pop().expect("records");
    std::fs::remove_file(folder.path().join("0000000001.seg")).expect("removed");
    let mut bytes = std::fs::read(folder.path().join("0000000002.seg")).expect("the segment");
    bytes[200] ^= 1;
    std::fs::write(folder.path().join("0000000002.seg"), bytes).expect("written");
    assert_eq!(tool(["records", &arg(folder.path())]).code, 1);
    let shown = good(["follow", &arg(folder.path()), "--for", "0", "--last", "3"]);
    assert_eq!(sequences(&shown), [last - 2, last - 1, last]);
}

/// Symbols and decimals are those of the first records, which are read for that alone.
#[test]
fn names_are_those_of_the_beginning() {
    for args in [vec![], vec!["--events"]] {
        let all = good(
            [vec!["records".to_owned(), arg(&DATA)], args.iter().map(|a: &&str| (*a).to_owned()).collect()]
                .concat(),
        );
        let followed = good(
            [
                vec!["follow".to_owned(), arg(&DATA)],
                args.iter().map(|a| (*a).to_owned()).collect(),
                vec!["--for".to_owned(), "0".to_owned()],
            ]
            .concat(),
        );
        let symbols = |lines: &str| {
            lines.matches("instrument=BTC-USDT").count() + lines.matches("instrument=ETH-USDT").count()
        };
        assert!(symbols(&followed) > 0, "{followed}");
        assert!(symbols(&all) > symbols(&followed));
    }
}
