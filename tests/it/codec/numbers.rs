//! The tables of numbers in docs/FORMATS.md, generated from the definitions. They are written anew by
//!
//! ```text
//! cargo test --test it -- --ignored writes_the_numbers_of_the_page
//! ```
//!
//! Golden bytes are laid out by the page, so the page comes first.

use dojima::domain::{
    Command, DeleverageMode, Event, FeeAsset, FundCause, IgnoreReason, IndexOutcome, MarginMode, Owner,
    Phase, PositionCause, PositionLeg, PositionMode, Product, RejectReason, SelfTrade, Side, Switch,
    TradeKind, TriggerKind, TriggerReference, Visibility,
};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

/// What stands after each table.
const END: &str = "<!-- end -->\n";

/// One generated table: the name of the type, the head of what the definition says beside number and name, and the rows.
struct Table {
    name: &'static str,
    says: Option<&'static str>,
    rows: Vec<(u32, String, &'static str)>,
}

impl Table {
    /// What stands before the table.
    fn start(&self) -> String {
        format!("<!-- from the definition of {} -->\n", self.name)
    }

    /// The table, in the order of the numbers.
    fn text(mut self) -> String {
        self.rows.sort_unstable();
        let mut text = match self.says {
            None => "| value | variant |\n|---:|---|\n".to_owned(),
            Some(says) => format!("| value | variant | {says} |\n|---:|---|---|\n"),
        };
        for (number, variant, words) in self.rows {
            match self.says {
                None => writeln!(text, "| {number} | {variant} |"),
                Some(_) => writeln!(text, "| {number} | {variant} | {words} |"),
            }
            .expect("text can be written");
        }
        text
    }
}

/// A table of an enum with a word or a text for each value.
macro_rules! of_values {
    ($type:ident, $says:literal, $words:ident) => {
        Table {
            name: stringify!($type),
            says: Some($says),
            rows: $type::ALL
                .iter()
                .map(|value| (*value as u32, format!("{value:?}"), value.$words()))
                .collect(),
        }
    };
}

fn of_kinds(name: &'static str, kinds: &[(u32, &'static str)]) -> Table {
    let rows = kinds.iter().map(|&(number, variant)| (number, variant.to_owned(), "")).collect();
    Table { name, says: None, rows }
}

/// All tables of the page that are generated.
fn tables() -> Vec<Table> {
    vec![
        of_kinds("Command", Command::KINDS),
        of_kinds("Event", Event::KINDS),
        of_values!(RejectReason, "in words", text),
        of_values!(IgnoreReason, "in words", text),
        of_values!(Side, "word", word),
        of_values!(TradeKind, "word", word),
        of_values!(Visibility, "word", word),
        of_values!(SelfTrade, "word", word),
        of_values!(Owner, "word", word),
        of_values!(TriggerReference, "word", word),
        of_values!(TriggerKind, "word", word),
        of_values!(Phase, "word", word),
        of_values!(Switch, "word", word),
        of_values!(FeeAsset, "word", word),
        of_values!(Product, "word", word),
        of_values!(DeleverageMode, "word", word),
        of_values!(FundCause, "word", word),
        of_values!(PositionMode, "word", word),
        of_values!(MarginMode, "word", word),
        of_values!(PositionLeg, "word", word),
        of_values!(PositionCause, "word", word),
        of_values!(IndexOutcome, "word", word),
    ]
}

/// Every number that a definition gives, as `enum number variant`, in the order of the page.
pub fn lines() -> Vec<String> {
    let numbered = |table: Table| {
        let mut rows = table.rows;
        rows.sort_unstable();
        rows.into_iter().map(move |(number, variant, _)| format!("{} {number} {variant}", table.name))
    };
    tables().into_iter().flat_map(numbered).collect()
}

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/FORMATS.md")
}

/// The page before a table, the table, and the page after it.
fn parts<'a>(page: &'a str, table: &Table) -> (&'a str, &'a str, &'a str) {
    let start = table.start();
    let at = page.find(&start).unwrap_or_else(|| panic!("docs/FORMATS.md has no table of {}", table.name));
    let (before, rest) = page.split_at(at + start.len());
    let (text, _) = rest.split_once(END).unwrap_or_else(|| panic!("the table of {} has no end", table.name));
    (before, text, &rest[text.len()..])
}

#[test]
fn the_page_has_the_numbers_of_the_definitions() {
    let page = fs::read_to_string(file()).expect("the page is there");
    for table in tables() {
        let (name, (_, found, _), expected) = (table.name, parts(&page, &table), table.text());
        let anew = "`writes_the_numbers_of_the_page` writes the table anew";
        // Line by line, so that a failure shows the line that differs and not all of them.
        found
            .lines()
            .zip(expected.lines())
            .for_each(|(found, expected)| assert_eq!(found, expected, "{name}: {anew}"));
        assert_eq!(found.lines().count(), expected.lines().count(), "{name}: {anew}");
    }
    assert_eq!(page.matches(END).count(), tables().len(), "every marked table is one of these");
}

#[test]
#[ignore = "writes docs/FORMATS.md"]
fn writes_the_numbers_of_the_page() {
    let mut page = fs::read_to_string(file()).expect("the page is there");
    for table in tables() {
        let (before, _, after) = parts(&page, &table);
        let (before, after) = (before.to_owned(), after.to_owned());
        page = before + &table.text() + &after;
    }
    fs::write(file(), page).expect("written");
}
