//! `export`.

use crate::recorded::*;
use dojima::domain::{Command, OrderCommand};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn lines(args: &[&str]) -> Vec<Value> {
    let out = good(["export", "--format", "jsonl"].into_iter().chain(args.iter().copied()));
    out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn json_lines_have_every_record_and_every_field() {
    let commands = commands_in(&DATA.join("journal"));
    let exported = lines(&[&arg(&DATA)]);
    assert_eq!(exported.len(), commands.len());
    for (line, recorded) in exported.iter().zip(&commands) {
        assert_eq!(line["sequence"], recorded.sequence);
        assert_eq!(line["time_ns"], recorded.time_ns);
        let command = serde_json::to_value(recorded.command).expect("JSON");
        assert_eq!((&line["kind"], &line["fields"]), (&command["kind"], &command["fields"]));
    }
    // One of them by hand, so that the names and words of the fields are held too.
    let (at, enter) = commands
        .iter()
        .enumerate()
        .find_map(|(at, recorded)| match recorded.command {
            Command::Order(OrderCommand::Enter(enter)) => Some((at, enter)),
            _ => None,
        })
        .expect("an order");
    let side = if enter.side == dojima::domain::Side::Buy { "buy" } else { "sell" };
    let price = match enter.price {
        dojima::domain::OrderPrice::Market => json!("market"),
        dojima::domain::OrderPrice::Limit(units) => json!(units),
    };
    let fields = json!({
        "login": enter.login.0, "session": 0, "user_ref": enter.user_ref.0, "instrument": enter.instrument.0, "side": side,
        "time_in_force": "good-till-cancel", "price": price, "quantity": enter.quantity.0,
        "echo": {
            "cl_ord_id": "", "of_message": "", "of_order": ""
        },
        "instructions": null,
    });
    assert_eq!(exported[at]["fields"], fields);
    assert_eq!(exported[at]["kind"], "enter");
    assert_eq!(exported[at]["accounts"], json!([enter.login.0 + 1]));
}

#[test]
fn events_are_exported_with_the_commands_that_caused_them() {
    let events = events_in(&DATA.join("events"));
    let exported = lines(&[&arg(&DATA), "--events"]);
    assert_eq!(exported.len(), events.len());
    for (line, record) in exported.iter().zip(&events) {
        assert_eq!((&line["sequence"], &line["command"]), (&json!(record.number), &json!(record.sequence)));
        let event = serde_json::to_value(record.event).expect("JSON");
        assert_eq!((&line["kind"], &line["fields"]), (&event["kind"], &event["fields"]));
    }
    let trades = lines(&[&arg(&DATA), "--events", "--kind", "executed"]);
    assert!(
        trades.len() > 100
            && trades.iter().all(|trade| trade["accounts"].as_array().is_some_and(|a| a.len() == 2))
    );
}

#[test]
fn a_csv_has_the_same_values_under_the_paths_of_the_keys() {
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("commands.csv");
    let said = tool(["export", &arg(&DATA), "--format", "csv", "-o", &arg(&file)]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("records written to"), "{said:?}");
    let mut csv = csv::Reader::from_path(&file).expect("a CSV");
    let header = csv.headers().expect("a header").clone();
    assert_eq!(header.iter().collect::<BTreeSet<_>>().len(), header.len());
    let exported = lines(&[&arg(&DATA)]);
    let mut rows = 0;
    for (row, line) in csv.records().zip(&exported) {
        let row = row.expect("as many values as columns");
        for (column, value) in header.iter().zip(&row) {
            let found = column.split('.').try_fold(line, |value, key| match value {
                Value::Array(items) => items.get(key.parse::<usize>().ok()?),
                value => value.get(key),
            });
            let expected = match (column, found) {
                ("accounts", Some(Value::Array(ids))) => {
                    ids.iter().map(Value::to_string).collect::<Vec<_>>().join(" ")
                }
                (_, None | Some(Value::Null | Value::Object(_))) => String::new(),
                (_, Some(Value::String(text))) => text.clone(),
                (_, Some(other)) => other.to_string(),
            };
            assert_eq!(value, expected, "{column} of {line}");
        }
        rows += 1;
    }
    assert_eq!(rows, exported.len());
    // What is there is not overwritten.
    let again = tool(["export", &arg(&DATA), "--format", "csv", "-o", &arg(&file)]);
    assert_eq!(again.code, 2, "{again:?}");
}

#[test]
fn columns_can_be_chosen() {
    let out = good([
        "export",
        &arg(&DATA),
        "--format",
        "csv",
        "--columns",
        "kind,sequence,fields.quantity",
        "--kind",
        "cancel",
        "--count",
        "2",
    ]);
    let mut lines = out.lines();
    assert_eq!(lines.next(), Some("kind,sequence,fields.quantity"));
    assert!(lines.clone().count() == 2 && lines.all(|line| line.starts_with("cancel,")), "{out}");
    let wrong = tool(["export", &arg(&DATA), "--format", "csv", "--columns", "colour"]);
    assert!(wrong.code == 2 && wrong.err.contains("no column \"colour\""), "{wrong:?}");
    let inside = arg(&DATA.join("journal/export.csv"));
    let refused = tool(["export", &arg(&DATA), "--format", "csv", "-o", &inside]);
    assert!(refused.code == 2 && refused.err.contains("nothing is ever written there"), "{refused:?}");
}
