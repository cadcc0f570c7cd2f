//! Damaged copies: whatever is wrong, every command ends by itself and says what it found.

use crate::recorded::*;
use dojima::runtime::SplitMix64;
use std::fs;
use std::path::{Path, PathBuf};

fn below(random: &mut SplitMix64, end: usize) -> usize {
    random.remainder(end as u64) as usize
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    let mut segments: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|ext| ext == "seg")).collect();
    segments.sort();
    segments
}

/// Does one of many bad things to a journal, and says which.
fn damage(dir: &Path, random: &mut SplitMix64) -> String {
    let segments = segments(dir);
    let path = &segments[below(random, segments.len())];
    let mut bytes = fs::read(path).expect("the segment");
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(1, |last| last + 1);
    let (from, to) = (below(random, used), below(random, used));
    let (from, to) = (from.min(to), from.max(to));
    let what = match below(random, 8) {
        0 => {
            bytes[from] ^= 1 << below(random, 8);
            "a flipped bit"
        }
        1 => {
            bytes[below(random, 64)] = below(random, 256) as u8;
            "another byte in the header"
        }
        2 => {
            bytes.truncate(from);
            "the file cut short"
        }
        3 => {
            bytes[from..to].fill(0);
            "zeros"
        }
        4 => {
            bytes[from..to].iter_mut().for_each(|byte| *byte = below(random, 256) as u8);
            "noise"
        }
        5 => {
            bytes.copy_within(from..to, 64);
            "bytes at a wrong place"
        }
        6 => {
            fs::remove_file(path).expect("removed");
            return format!("{} removed", path.display());
        }
        _ => {
            let other = &segments[below(random, segments.len())];
            bytes = fs::read(other).expect("the segment");
            "another segment in its place"
        }
    };
    fs::write(path, &bytes).expect("written");
    format!("{what} in {}, {from} to {to}", path.display())
}

#[test]
fn every_outcome_is_a_message_and_never_a_panic() {
    let whole = small_journal(400);
    let elsewhere = tempfile::tempdir().expect("a directory");
    let mut random = SplitMix64::new(20_261_124);
    let mut bad = 0;
    for _ in 0..32 {
        let folder = copy(whole.path());
        let what = damage(folder.path(), &mut random);
        let (dir, out) = (arg(folder.path()), arg(&elsewhere.path().join("out.csv")));
        // The scan of the engine's own recovery is what the tool is held against.
        let scanned = dojima_journal::scan(folder.path()).ok();
        let scanned =
            scanned.filter(|scanned| !matches!(scanned.verdict(), dojima_journal::Verdict::TornTail { .. }));
        let is_good = scanned.is_some();
        let is_complete = scanned.is_some_and(|scanned| scanned.first_sequence() == 1);
        let has_segments = !segments(folder.path()).is_empty();
        let runs: [&[&str]; 6] = [
            &["verify", &dir],
            &["summary", &dir],
            &["records", &dir],
            &["export", &dir, "--format", "csv", "-o", &out],
            &["diff", &dir, &arg(whole.path())],
            &["follow", &dir, "--for", "0"],
        ];
        for run in runs {
            let said = tool(run);
            let told = format!("{what}; {run:?}: {said:?}");
            assert!((0..=2).contains(&said.code), "{told}");
            assert!(!said.err.contains("panicked"), "{told}");
            match run[0] {
                "diff" => {}
                "verify" => assert_eq!(said.code == 0, is_complete && has_segments, "{told}"),
                // What lies before the newest segments is not looked at.
                "follow" => assert!(said.code == 0 || !is_good || !has_segments, "{told}"),
                _ => assert_eq!(said.code == 0, is_good && has_segments, "{told}"),
            }
            if said.code != 0 && !(run[0] == "diff" && said.code == 1) {
                assert!(said.err.lines().any(|line| line.starts_with("error: ")), "{told}");
            }
        }
        let _ = fs::remove_file(&out);
        if !is_good {
            bad += 1;
            let replayed = tool(["replay", &dir]);
            assert!(replayed.code != 0 && replayed.err.starts_with("error: "), "{what}: {replayed:?}");
        }
    }
    assert!(bad > 16, "only {bad} copies were damaged");
}
