//! The encoding of commands and events: held by golden bytes, and by the byte tables of docs/FORMATS.md, which
//! are read here as a second decoder. When a test of this file fails, journals that exist can no longer be read: the
//! answer is a new version of the content (`DataDir::COMMANDS`, `DataDir::EVENTS`), and golden bytes of that version.
//! `tests/it/formats.rs` says how they are written.

pub mod cases;
pub mod numbers;
pub mod page;

use dojima::domain::codec::{ENCODED_LEN_MAX, decode_command, decode_event, encode_command, encode_event};
use dojima::domain::{Command, Event, EventRecord, IgnoreReason, RejectReason};
use page::Page;
use proptest::prelude::*;
use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

static PAGE: LazyLock<Page> = LazyLock::new(Page::read);

const ROOTS: [&str; 2] = ["Command", "Event"];

fn command_bytes(command: &Command) -> Vec<u8> {
    let mut bytes = [0; ENCODED_LEN_MAX];
    let len = encode_command(command, &mut bytes).expect("ENCODED_LEN_MAX bytes suffice");
    bytes[..len].to_vec()
}

fn event_bytes(event: &EventRecord) -> Vec<u8> {
    let mut bytes = [0; ENCODED_LEN_MAX];
    let len = encode_event(event, &mut bytes).expect("ENCODED_LEN_MAX bytes suffice");
    bytes[..len].to_vec()
}

/// What the code reads from the bytes, as the `Debug` form of the value, and the bytes that it writes for that value.
fn read_and_written(root: &str, bytes: &[u8]) -> Option<(String, Vec<u8>)> {
    fn both<T: Debug>(value: T, written: impl Fn(&T) -> Vec<u8>) -> (String, Vec<u8>) {
        (format!("{value:?}"), written(&value))
    }
    match root {
        "Command" => decode_command(bytes).ok().map(|command| both(command, command_bytes)),
        _ => decode_event(bytes).ok().map(|event| both(event, event_bytes)),
    }
}

/// Every case: `Command` or `Event`, its name, its value in `Debug` form, its bytes.
fn encoded_cases() -> Vec<(&'static str, &'static str, String, Vec<u8>)> {
    let commands = cases::commands().into_iter();
    let commands = commands.map(|(name, c)| ("Command", name, format!("{c:?}"), command_bytes(&c)));
    let events = cases::events().into_iter();
    commands.chain(events.map(|(name, e)| ("Event", name, format!("{e:?}"), event_bytes(&e)))).collect()
}

/// A line of the golden file, with a space between two fields.
fn golden_line(root: &str, name: &str, bytes: &[u8]) -> String {
    let mut fields = Vec::new();
    let mut at = 0;
    let decoded = PAGE.decode(root, bytes);
    let variant = name.split(',').next().unwrap_or_default();
    for row in
        PAGE.layout(root, variant).iter().filter(|row| decoded.iter().any(|(field, _)| *field == row.field))
    {
        fields.push(bytes[at..at + row.bytes].iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        at += row.bytes;
    }
    format!("{root} {name}: {}", fields.join(" "))
}

fn golden_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/codec.txt")
}

/// The lines of the golden file: what it is of, and its bytes.
pub fn golden_lines() -> Vec<String> {
    let text = fs::read_to_string(golden_file()).expect("the golden bytes are there");
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned).collect()
}

fn golden() -> Vec<(String, Vec<u8>)> {
    let read = |line: &str| {
        let (name, hex) = line.split_once(": ").expect("name: bytes");
        let digits: Vec<u8> = hex.bytes().filter(|byte| *byte != b' ').collect();
        let pairs = digits.chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
        (name.to_owned(), pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal")).collect())
    };
    golden_lines().iter().map(|line| read(line)).collect()
}

/// What the golden file has before its lines.
const HEAD: &str = "# The encoding of one value of every command and event (tests/it/codec/cases.rs), a space between two fields, as the
# byte tables of docs/FORMATS.md lay them out. Within one version of the content no line changes.
";

/// The lines that the cases give now.
pub fn encoded_lines() -> Vec<String> {
    encoded_cases().iter().map(|(root, name, _, bytes)| golden_line(root, name, bytes)).collect()
}

#[test]
#[ignore = "writes the golden bytes"]
fn writes_the_golden_bytes() {
    let lines = encoded_lines();
    fs::write(golden_file(), format!("{HEAD}\n{}\n", lines.join("\n"))).expect("written");
}

#[test]
fn values_are_encoded_as_the_golden_bytes() {
    let encoded = encoded_cases();
    let lines = encoded.iter().map(|(root, name, _, bytes)| golden_line(root, name, bytes));
    let (lines, expected) = (lines.collect::<Vec<_>>(), golden_lines());
    // One by one, so that a failure shows the line that differs and not all of them.
    lines.iter().zip(&expected).for_each(|(line, expected)| assert_eq!(line, expected));
    assert_eq!(lines.len(), expected.len(), "as many lines as cases:\n{}", lines.join("\n"));
}

#[test]
fn the_golden_bytes_are_decoded_as_the_values() {
    let cases = encoded_cases();
    let golden = golden();
    assert_eq!(golden.len(), cases.len());
    for ((root, name, value, _), (golden_name, bytes)) in cases.iter().zip(golden) {
        assert_eq!(format!("{root} {name}"), golden_name);
        let (read, written) = read_and_written(root, &bytes).expect("golden bytes can be read");
        assert_eq!((&read, &written), (value, &bytes), "{golden_name}");
    }
}

#[test]
fn every_variant_has_a_golden_line() {
    for root in ROOTS {
        let mut named: Vec<&str> = encoded_cases()
            .iter()
            .filter(|(of, ..)| *of == root)
            .map(|(_, name, ..)| name.split(',').next().unwrap_or_default())
            .collect();
        named.dedup();
        assert_eq!(named, PAGE.named(root), "in the order of the discriminants");
    }
}

/// The page is read as a decoder of its own and must find the same fields, in the same order, with the same values.
#[test]
fn the_page_reads_the_golden_bytes() {
    for (root, name, value, bytes) in encoded_cases() {
        assert_eq!(PAGE.decode(root, &bytes), PAGE.fields_of(root, &value), "{root} {name}");
    }
}

#[test]
fn the_tables_have_no_gaps() {
    for root in ROOTS {
        for variant in PAGE.named(root) {
            let mut end = 0;
            for row in PAGE.layout(root, variant) {
                assert_eq!(row.offset, end, "{root} {variant}: {}", row.field);
                end += row.bytes;
            }
            assert!(end <= ENCODED_LEN_MAX, "{root} {variant} takes {end} bytes");
        }
    }
}

/// Every value of every enum field, as the page lists them, is read as that variant; the value after the last is not
/// read at all. So the page lists all variants and no more.
#[test]
fn the_page_lists_every_variant() {
    for root in ROOTS {
        for variant in PAGE.named(root) {
            for row in PAGE.layout(root, variant) {
                if row.kind == *root || !PAGE.is_enum(&row.kind) {
                    continue;
                }
                // This field as chosen, those that it depends on so that it is there, the others as their first variant.
                let with = |chosen: usize| {
                    PAGE.compose_with(root, variant, &[0], |field, variants| {
                        let needed = row.only_if.iter().find(|(other, _)| *other == field.field);
                        match needed {
                            _ if field.field == row.field => chosen,
                            Some((_, needed)) => {
                                variants.iter().position(|v| v == needed).expect("is listed")
                            }
                            None => 0,
                        }
                    })
                };
                let count = PAGE.variants(&row.kind).len();
                let unknown = read_and_written(root, &with(count));
                assert!(unknown.is_none(), "{root} {variant}: {} {count}", row.field);
                for chosen in 0..count {
                    let bytes = with(chosen);
                    if PAGE.variants(&row.kind)[chosen].is_empty() {
                        assert!(
                            read_and_written(root, &bytes).is_none(),
                            "{root} {variant}: {chosen} is free"
                        );
                        continue;
                    }
                    let (read, _) = read_and_written(root, &bytes).expect("what the page lists can be read");
                    let fields = PAGE.decode(root, &bytes);
                    let has = PAGE.variants(&row.kind)[chosen].clone();
                    assert!(fields.contains(&(row.field.clone(), has)), "{root} {variant}: {}", row.field);
                    assert_eq!(fields, PAGE.fields_of(root, &read), "{root} {variant}");
                }
            }
        }
    }
    let rejects = RejectReason::ALL.iter().map(|reason| (u32::from(reason.number()), reason.name()));
    let ignores = IgnoreReason::ALL.iter().map(|reason| (u32::from(reason.number()), reason.name()));
    let kinds = [
        ("Command", Command::KINDS.to_vec()),
        ("Event", Event::KINDS.to_vec()),
        ("RejectReason", rejects.collect()),
        ("IgnoreReason", ignores.collect()),
    ];
    for (name, mut kinds) in kinds {
        kinds.sort_unstable();
        let page = (0..).zip(PAGE.variants(name).iter().map(String::as_str));
        let page = page.filter(|(_, variant)| !variant.is_empty());
        assert!(kinds.into_iter().eq(page), "{name}: the numbers of the page");
    }
}

#[test]
fn cut_and_lengthened_records_are_refused() {
    for (root, name, _, mut bytes) in encoded_cases() {
        for len in 0..bytes.len() {
            assert!(read_and_written(root, &bytes[..len]).is_none(), "{name} cut to {len} bytes");
        }
        bytes.push(0);
        assert!(read_and_written(root, &bytes).is_none(), "{name} with a byte more");
    }
}

#[test]
fn a_buffer_that_is_too_short_is_an_error() {
    for (_, command) in cases::commands() {
        let len = command_bytes(&command).len();
        assert!(encode_command(&command, &mut vec![0; len - 1]).is_err());
        assert_eq!(encode_command(&command, &mut vec![0; len]).ok(), Some(len));
    }
    for (_, event) in cases::events() {
        let len = event_bytes(&event).len();
        assert!(encode_event(&event, &mut vec![0; len - 1]).is_err());
        assert_eq!(encode_event(&event, &mut vec![0; len]).ok(), Some(len));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    /// Whatever the bytes are, decoding gives a value or an error; a value is written back as the same bytes.
    #[test]
    fn any_bytes_are_read_or_refused(
        start in 0_u8..64, rest in prop::collection::vec(any::<u8>(), 0..2 * ENCODED_LEN_MAX), event in any::<bool>(),
    ) {
        let root = ROOTS[usize::from(event)];
        // A likely discriminant in its place, so that not nearly everything fails at the first field.
        let at = if event { 24 } else { 0 };
        let mut bytes = rest;
        if bytes.len() >= at + 4 {
            bytes[at..at + 4].copy_from_slice(&[start, 0, 0, 0]);
        }
        if let Some((_, written)) = read_and_written(root, &bytes) {
            prop_assert_eq!(written, bytes);
        }
    }

    /// The golden records with some bytes changed.
    #[test]
    fn damaged_records_are_read_or_refused(
        case in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let cases = encoded_cases();
        let (root, _, _, mut bytes) = case.get(&cases).clone();
        for (at, byte) in damage {
            *at.get_mut(&mut bytes) = byte;
        }
        if let Some((_, written)) = read_and_written(root, &bytes) {
            prop_assert_eq!(written, bytes);
        }
    }

    /// Every record that the page describes is read as the page reads it, and what was read is written, and read again,
    /// as the same.
    #[test]
    fn all_that_the_page_describes_comes_back(
        event in any::<bool>(), variant in any::<prop::sample::Index>(),
        random in prop::collection::vec(any::<u8>(), 192),
    ) {
        let root = ROOTS[usize::from(event)];
        let named = PAGE.named(root);
        let variant: &str = named[variant.index(named.len())];
        let bytes = PAGE.compose(root, variant, &random);
        prop_assert!(bytes.len() <= ENCODED_LEN_MAX);
        let (read, written) = read_and_written(root, &bytes).expect("what the page describes can be read");
        prop_assert_eq!(PAGE.decode(root, &bytes), PAGE.fields_of(root, &read));
        prop_assert_eq!(&written, &bytes);
        let again = read_and_written(root, &written).expect("what was written can be read");
        prop_assert_eq!(again, (read, written));
    }
}
