//! `diff`.

use crate::recorded::*;
use dojima::domain::{Command, OrderCommand, Quantity};

fn commands(count: usize) -> Vec<Command> {
    commands_in(&DATA.join("journal")).into_iter().take(count).map(|recorded| recorded.command).collect()
}

fn journal(commands: Vec<Command>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a directory");
    write_journal(folder.path(), commands);
    folder
}

#[test]
fn a_journal_is_equal_to_its_copy() {
    let folder = copy(&DATA);
    let said = good(["diff", &arg(&DATA), &arg(folder.path())]);
    assert!(said.contains("they are equal"), "{said}");
    good(["diff", &arg(&DATA), &arg(folder.path()), "--events"]);
}

#[test]
fn the_first_difference_is_shown_with_its_fields() {
    let mut changed = commands(300);
    let at = changed
        .iter()
        .rposition(|command| matches!(command, Command::Order(OrderCommand::Cancel(_))))
        .expect("a cancel");
    let Command::Order(OrderCommand::Cancel(cancel)) = &mut changed[at] else { unreachable!() };
    let was = cancel.quantity;
    cancel.quantity = Quantity(was.0 + 1_000);
    let (a, b) = (journal(commands(300)), journal(changed));
    let said = tool(["diff", &arg(a.path()), &arg(b.path())]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains(&format!("they differ in record {}:", at + 1)), "{said:?}");
    assert!(said.out.contains(&format!("the same   {at} commands")), "{said:?}");
    let line = said.out.lines().find(|line| line.starts_with("quantity ")).expect("the field");
    assert!(line.contains(" | "), "{line}");
    assert_eq!(said.out.lines().filter(|line| line.contains(" | ")).count(), 1, "and no other: {said:?}");
}

#[test]
fn a_prefix_is_called_a_prefix() {
    let (short, long) = (journal(commands(200)), journal(commands(300)));
    let said = tool(["diff", &arg(short.path()), &arg(long.path())]);
    assert!(said.code == 1 && said.out.contains("a is a prefix of b; b goes on with"), "{said:?}");
    let said = tool(["diff", &arg(long.path()), &arg(short.path())]);
    assert!(said.code == 1 && said.out.contains("b is a prefix of a; a goes on with"), "{said:?}");
    assert!(said.out.contains("      201  "), "{said:?}");
}

#[test]
fn what_cannot_be_compared_is_an_error() {
    let said = tool(["diff", &arg(&DATA), &arg(&DATA.join("events"))]);
    assert!(said.code == 2 && said.err.contains("cannot be compared"), "{said:?}");
    // A journal that ends early because it is damaged is not a prefix.
    let damaged = journal(commands(300));
    let path = damaged.path().join("0000000001.seg");
    let mut bytes = std::fs::read(&path).expect("the segment");
    bytes[1_000] ^= 1;
    std::fs::write(&path, &bytes).expect("written");
    let said = tool(["diff", &arg(journal(commands(300)).path()), &arg(damaged.path())]);
    assert!(said.code == 2 && said.err.contains("damaged at byte"), "{said:?}");
    assert!(!said.out.contains("prefix"), "{said:?}");
}
