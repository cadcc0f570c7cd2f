//! The fuzz targets in their short form: the corpus as it is, and what a few seconds of changes make of it. At length, and
//! led by coverage: tests/fuzz.

#[path = "../fuzz/checks.rs"]
mod checks;

use crate::sim::random::Random;
use std::path::PathBuf;

/// Changed inputs of each target. More with `FUZZ_ROUNDS`.
const ROUNDS: u64 = 1_000_000;

/// The corpus of a target: every file in its directory.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let mut files: Vec<_> =
        std::fs::read_dir(&directory).expect("a corpus").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).expect("readable")).collect()
}

/// One of the inputs, changed in a way that decoders are sensitive to.
fn changed(random: &mut Random, corpus: &[Vec<u8>], out: &mut Vec<u8>) {
    let original = &corpus[random.below(corpus.len() as u64) as usize];
    out.clear();
    out.extend_from_slice(original);
    for _ in 0..=random.below(4) {
        let at = random.below(out.len() as u64 + 1) as usize;
        match random.below(7) {
            0 => out.truncate(at),
            1 => out.insert(at, random.next() as u8),
            2 => {
                let other = &corpus[random.below(corpus.len() as u64) as usize];
                let from = random.below(other.len() as u64 + 1) as usize;
                out.truncate(at);
                out.extend_from_slice(&other[from..]);
            }
            _ if at == out.len() => {}
            3 => out[at] ^= 1 << random.below(8),
            4 => out[at] = random.pick(&[0, 1, 2, 0x7F, 0x80, 0xFF, b' ', b'0', b'9', b'S', b'U']),
            5 => out[at] = out[at].wrapping_add(1),
            _ => drop(out.remove(at)),
        }
    }
}

fn fuzz(target: &str, seed: u64, check: fn(&[u8])) {
    let corpus = corpus(target);
    assert!(corpus.len() > 3, "hardly anything to start from");
    corpus.iter().for_each(|input| check(input));
    let rounds = std::env::var("FUZZ_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    let mut random = Random::new(seed);
    let mut input = Vec::new();
    for round in 0..rounds {
        changed(&mut random, &corpus, &mut input);
        let failed = std::panic::catch_unwind(|| check(&input)).is_err();
        assert!(!failed, "{target}, seed {seed}, round {round}: {input:02x?}");
    }
}

#[test]
fn packets() {
    fuzz("soup_frame", 1, checks::soup_frame);
}

#[test]
fn logins() {
    fuzz("login", 2, checks::login);
}

#[test]
fn requests() {
    fuzz("ouch_inbound", 3, checks::ouch_inbound);
}

#[test]
fn answers() {
    fuzz("ouch_outbound", 4, checks::ouch_outbound);
}

#[test]
fn market_data() {
    fuzz("itch", 5, checks::itch);
}

#[test]
fn datagrams() {
    fuzz("datagram", 6, checks::datagram);
}
