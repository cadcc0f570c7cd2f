//! The layers, checked on the source text: who may use whom, who may be unsafe, how long a file may be.

mod imports;

use imports::{Imports, Tests, circles};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module of the engine and what it may use: modules, and `journal`, the crate. What is not listed is an absence to rely
/// on: the exchange knows nothing of bytes, a stage nothing of the configuration file, nobody below the wiring anything of threads.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("ring", &[]),
    ("runtime", &["journal"]),
    ("exchange", &["domain"]),
    ("wire", &["domain"]),
    ("market", &["domain", "wire"]),
    ("config", &["domain", "journal", "runtime"]),
    ("replica", &["domain", "exchange", "journal"]),
    ("recovery", &["domain", "exchange", "journal", "replica", "runtime"]),
    ("net", &["domain", "journal", "runtime", "wire"]),
    ("sql", &["domain", "journal", "runtime"]),
    (
        "stages",
        &["domain", "exchange", "journal", "market", "net", "replica", "ring", "runtime", "sql", "wire"],
    ),
    ("client", &["domain", "market", "wire"]),
    ("flow", &["client", "config", "domain", "runtime", "wire"]),
    ("operator", &["domain", "journal", "ring", "runtime"]),
    (
        "pipeline",
        &[
            "config", "domain", "exchange", "journal", "market", "net", "operator", "recovery", "replica",
            "ring", "runtime", "sql", "stages", "wire",
        ],
    ),
    (
        "engine",
        &[
            "config", "domain", "exchange", "journal", "market", "net", "operator", "pipeline", "recovery",
            "runtime",
        ],
    ),
    (
        "cli",
        &[
            "client", "config", "domain", "engine", "exchange", "flow", "journal", "market", "operator",
            "recovery", "replica", "runtime", "sql", "stages", "wire",
        ],
    ),
];

/// What stages share: values and seams, no agent.
const SEAMS: &[&str] = &["resend", "space", "phases"];

/// Circles of files that import one another and are known, and why each is there.
const CIRCLES: &[(&[&str], &str)] = &[];

/// The files that may contain `unsafe`.
const UNSAFE: &[&str] = &["src/ring/slots.rs", "src/runtime/priority.rs", "journal/src/map.rs"];

/// Folders of the exchange that know what money is: products, and the margin of contracts.
const KNOW_MONEY: &[&str] = &[
    "src/exchange/products/",
    "src/exchange/contract/",
    "src/exchange/contracts/",
    "src/exchange/positions/",
];

/// Files of the exchange that go through all terms of an instrument, whatever they mean.
const WRITES_TERMS: &[&str] = &["src/exchange/digest.rs", "src/exchange/snapshot/domain_records.rs"];

const LINES_MAX: usize = 800;

const FUNCTION_LINES_MAX: usize = 70;

/// Longer functions: tables, an arm for each of many, each of a few lines; and what is still to be split.
const LONG: &[(&str, &str, &str)] = &[
    ("src/cli/client/desk.rs", "told", "a table of messages"),
    ("src/client/event.rs", "read", "a table of messages"),
    ("src/config/compare.rs", "read", "a table of commands"),
    ("src/domain/event.rs", "recipients", "a table of events"),
    ("src/exchange/audit.rs", "audit", "a list of checks"),
    ("src/market/books.rs", "apply", "a table of messages"),
    ("src/market/feed/apply.rs", "apply", "a table of events"),
    ("src/sql/check/tally.rs", "add", "a table of events"),
    ("src/sql/mirror.rs", "take_up", "a table of events"),
    ("src/sql/write.rs", "write_event", "a table of events"),
    ("src/sql/write.rs", "write_priced", "a table of events"),
    ("src/wire/ouch/event.rs", "encode_rarer", "a table of events"),
    ("src/wire/ouch/event.rs", "reject_code", "a table of reasons"),
    ("tools/src/journal/concerns.rs", "of_event", "a table of events"),
    ("tools/src/journal/replay/report.rs", "depends_on_time", "a table of commands"),
];

/// What makes the compiler's lints (clippy, in `.ci/run`) refuse a wildcard arm.
const NO_WILDCARDS: &str = "deny(clippy::wildcard_enum_match_arm)";

/// Files that branch on events, commands or messages and may have a wildcard arm.
const MAY_PASS_OVER: &[(&str, &str)] = &[
    ("src/cli/client/screen.rs", "a terminal's events"),
    ("src/exchange/contracts/tests.rs", "looks for the events that a test is about"),
    ("src/exchange/contracts/tests/ends.rs", "looks for the events that a test is about"),
    ("src/exchange/foresight.rs", "asks for memory, which changes nothing"),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a readable directory") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Path from the root of the repository, and text, of every Rust file below these directories.
fn sources(dirs: &[&str]) -> Vec<(String, String)> {
    let mut files = Vec::new();
    dirs.iter().for_each(|dir| rust_files(&root().join(dir), &mut files));
    files.sort();
    assert!(files.len() > 20, "the sources were not found");
    let relative = |path: &Path| path.strip_prefix(root()).expect("below the root").display().to_string();
    files.iter().map(|path| (relative(path), fs::read_to_string(path).expect("UTF-8"))).collect()
}

/// The code without comments. A `//` inside a string literal cuts the rest of that line as well, which hides nothing
/// here: paths stand in front of text.
fn without_comments(text: &str) -> String {
    let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    text.lines().map(code).collect::<Vec<_>>().join("\n")
}

/// `stages/gateway/login.rs` belongs to module `stages`; `lib.rs` and `main.rs` to none.
fn module_of(path: &str) -> Option<&str> {
    let inner = path.strip_prefix("src/")?;
    let first = inner.split('/').next()?;
    let name = first.strip_suffix(".rs").unwrap_or(first);
    (!["lib", "main"].contains(&name)).then_some(name)
}

#[test]
fn modules_use_only_the_layers_below_them() {
    let sources = sources(&["src"]);
    let mut wrong = Vec::new();
    for (path, paths) in Imports::of("src/", &sources, Tests::Read).paths() {
        let Some(module) = module_of(path) else { continue };
        let Some((_, may)) = MAY_USE.iter().find(|(name, _)| *name == module) else {
            panic!("{path}: say in MAY_USE what module {module} may use");
        };
        let heads = paths.iter().filter_map(|path| path.first());
        let used: BTreeSet<&str> = heads.map(|head| head.strip_prefix("dojima_").unwrap_or(head)).collect();
        // A name that is no module is an item at the root, of which there are none.
        let foreign = used.into_iter().filter(|used| *used != module && !may.contains(used));
        wrong.extend(foreign.map(|used| format!("{path} uses {used}")));
    }
    assert_eq!(wrong, [""; 0], "see MAY_USE");
}

#[test]
fn stages_never_import_one_another() {
    let stage_of = |path: &str| -> Option<String> {
        let inner = path.strip_prefix("src/stages/")?.split('/').next()?;
        Some(inner.strip_suffix(".rs").unwrap_or(inner).to_owned())
    };
    let sources = sources(&["src"]);
    let mut wrong = Vec::new();
    for (path, paths) in Imports::of("src/", &sources, Tests::Read).paths() {
        let Some(stage) = stage_of(path).filter(|stage| stage != "mod") else { continue };
        let used = paths.iter().filter(|path| path[0] == "stages").filter_map(|path| path.get(1));
        let foreign = used.filter(|used| **used != stage && !SEAMS.contains(&used.as_str()));
        wrong.extend(foreign.map(|used| format!("{path} uses crate::stages::{used}")));
    }
    assert_eq!(wrong, [""; 0], "stages meet in rings and in {SEAMS:?}");
}

/// A file can be read when those below it are understood, and what it may touch is what it imports.
/// The session layer and the gateway serve any protocol: of each only the file that implements its trait knows one.
#[test]
fn a_protocol_is_known_in_one_file_of_each_folder() {
    let knows = |text: &str| {
        let code = without_comments(text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default());
        ["wire::ouch", "wire::soup", "wire::{"].iter().any(|name| code.contains(name))
    };
    let files = sources(&["src/net/session", "src/stages/gateway"]);
    let files = files.iter().filter(|(path, text)| !path.ends_with("tests.rs") && knows(text));
    let found: Vec<&str> = files.map(|(path, _)| path.as_str()).collect();
    assert_eq!(found, ["src/net/session/protocol.rs", "src/stages/gateway/protocol.rs"]);
}

#[test]
fn files_do_not_import_one_another_in_circles() {
    let mut wrong = Vec::new();
    let mut known: Vec<&[&str]> = CIRCLES.iter().map(|(files, _)| *files).collect();
    for root in ["src/", "journal/src/", "tools/src/"] {
        let sources = sources(&[root]);
        for circle in circles(&Imports::of(root, &sources, Tests::LeftOut).needs()) {
            let excepted = CIRCLES.iter().find(|(files, _)| *files == circle);
            match excepted {
                Some((files, _)) => known.retain(|known| known != files),
                None => wrong.push(circle.join(" ")),
            }
        }
    }
    assert_eq!(wrong, [""; 0], "see CIRCLES");
    assert!(known.is_empty(), "{known:?}: this circle is broken: take it out of CIRCLES");
}

#[test]
fn unsafe_is_fenced() {
    let mut wrong = Vec::new();
    for (path, text) in sources(&["src", "journal/src", "tools/src"]) {
        let code = without_comments(&text);
        let mut words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
        if words.any(|word| word == "unsafe") && !UNSAFE.contains(&path.as_str()) {
            wrong.push(path);
        }
    }
    assert_eq!(wrong, [""; 0], "only {UNSAFE:?} may be unsafe");
}

/// Clippy bans clocks and hash maps there (.clippy.toml); primitive types cannot be banned, so they are looked for here.
#[test]
fn the_core_computes_with_integers() {
    let mut wrong = Vec::new();
    for (path, text) in sources(&["src"]) {
        if !["domain", "exchange"].contains(&module_of(&path).unwrap_or_default()) {
            continue;
        }
        let code = without_comments(&text);
        for word in code.split(|c: char| !c.is_alphanumeric() && c != '_') {
            let suffix = |float| word == float || word.ends_with(&format!("_{float}"));
            if suffix("f32") || suffix("f64") {
                wrong.push(format!("{path}: {word}"));
            }
        }
    }
    assert_eq!(wrong, [""; 0], "no floating point in the core");
}

/// A check that only a test's build makes lets money be made in production. (The book knows no money.)
#[test]
fn the_core_is_checked_in_every_build() {
    let core = sources(&["src"]).into_iter().filter(|(path, _)| path.starts_with("src/exchange/"));
    let core: Vec<_> = core.filter(|(path, _)| !path.starts_with("src/exchange/book/")).collect();
    assert!(core.len() > 20, "the core was not found");
    let soft = core.iter().filter(|(_, text)| without_comments(text).contains("debug_assert"));
    let soft: Vec<_> = soft.map(|(path, _)| path).collect();
    assert_eq!(soft, [""; 0], "assert! and not debug_assert!");
}

/// The words of money in a line of the exchange that only products may say: what is traded, and what it is worth.
fn words_of_money(line: &str) -> bool {
    let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
    let money = ["base", "quote", "FeeAsset", "fee_asset", "tick_value", "notional", "base_amount"];
    words.any(|word| money.contains(&word)) && !line.trim_start().starts_with("//")
}

#[test]
fn only_products_know_what_money_is() {
    let sources = sources(&["src"]);
    let core = sources.iter().filter(|(path, _)| path.starts_with("src/exchange/"));
    let asking = core.filter(|(path, _)| {
        !KNOW_MONEY.iter().any(|folder| path.starts_with(folder)) && !WRITES_TERMS.contains(&path.as_str())
    });
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (path, text) in asking.filter(|(path, _)| !path.ends_with("/tests.rs")) {
        seen += 1;
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let lines = code.lines().filter(|line| words_of_money(line));
        wrong.extend(lines.map(|line| format!("{path}: {}", line.trim())));
    }
    assert!(seen > 40, "the core was not found");
    assert_eq!(wrong, [""; 0], "ask the instrument's product (src/exchange/products/mod.rs)");
}

#[test]
fn the_reader_of_money_finds_it() {
    for line in ["let a = listing.quote;", "match listing.fee_asset {", "FeeAsset::Received => 1,"] {
        assert!(words_of_money(line), "{line}");
    }
    for line in ["// What the quote is.", "    /// In base.", "let based = database.quotes();"] {
        assert!(!words_of_money(line), "{line}");
    }
}

#[test]
fn files_fit_a_head() {
    let long: Vec<String> = sources(&["src", "journal/src", "tools/src"])
        .into_iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    assert_eq!(long, [""; 0], "at most {LINES_MAX} lines");
}

/// Functions of a formatted file with their lengths, lines.
fn functions(text: &str) -> Vec<(&str, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indent = &line[..line.len() - code.len()];
        let Some((before, after)) = code.split_once("fn ") else { continue };
        let words = ["pub", "const", "unsafe", "async", "extern"];
        if !before.split_whitespace().all(|word| words.iter().any(|known| word.starts_with(known))) {
            continue;
        }
        // A function ends where its indentation comes back, a declaration with a semicolon.
        let end = format!("{indent}}}");
        let ends =
            |line: &str| line == end || (line.ends_with(';') && !line[indent.len()..].starts_with(' '));
        let one_line = line.ends_with('}') || line.ends_with(';');
        let length = lines[at + 1..].iter().position(|line| ends(line)).map_or(0, |last| last + 2);
        let name = after.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        found.push((name, if one_line { 1 } else { length }));
    }
    found
}

#[test]
fn functions_fit_a_screen() {
    let (mut long, mut known) = (Vec::new(), Vec::new());
    for (path, text) in sources(&["src", "journal/src", "tools/src"]) {
        for (name, lines) in functions(&text) {
            let excepted = LONG.iter().find(|(file, function, _)| *file == path && *function == name);
            match excepted {
                _ if lines <= FUNCTION_LINES_MAX => {}
                Some((file, function, _)) => known.push((*file, *function)),
                None => long.push(format!("{path}: {name} has {lines} lines")),
            }
        }
    }
    assert_eq!(long, [""; 0], "at most {FUNCTION_LINES_MAX} lines, or see LONG");
    let listed: Vec<_> = LONG.iter().map(|(file, function, _)| (*file, *function)).collect();
    known.sort_unstable();
    assert_eq!(known, listed, "what is short now leaves LONG, which is in order");
}

#[test]
fn the_reader_of_functions_counts_their_lines() {
    let text = "pub(super) fn one(\n    a: u8,\n) -> u8 {\n    a\n}\ntrait T {\n    fn two(&self);\n    fn three(\n        &self,\n    );\n    fn four() {}\n}\n";
    assert_eq!(functions(text), [("one", 5), ("two", 1), ("three", 3), ("four", 1)]);
}

/// Whether some arm of a match there is for an event, a command or a message; what a program is asked for on its command line
/// is a `Command` of its own.
fn branches_on_what_happens(code: &str) -> bool {
    let own_commands = code.contains("enum Command {");
    code.lines().map(|line| line.trim_start().trim_start_matches("| ")).any(|line| {
        // The enum of the arm without its family: `OrderEvent` is an `Event`.
        let of = ["Order", "Venue", "Admin", "Clock", "Market"]
            .into_iter()
            .find_map(|family| line.strip_prefix(family));
        let arm_of = |name: &str| {
            let arm = [Some(line), of].into_iter().flatten();
            arm.into_iter().any(|arm| arm.strip_prefix(name).is_some_and(|rest| rest.starts_with("::")))
        };
        let happens = ["Event", "ClientEvent", "Outbound", "Message"].into_iter().any(arm_of);
        line.contains("=>") && (happens || (arm_of("Command") && !own_commands))
    })
}

#[test]
fn no_event_or_command_is_passed_over_in_silence() {
    let mut wrong = Vec::new();
    for (path, text) in sources(&["src", "tools/src"]) {
        let code = without_comments(&text);
        let excepted = MAY_PASS_OVER.iter().any(|(file, _)| *file == path);
        let fits = match (branches_on_what_happens(&code), excepted) {
            (true, false) => code.contains(NO_WILDCARDS),
            (branches, excepted) => branches == excepted,
        };
        wrong.extend((!fits).then_some(path));
    }
    assert_eq!(wrong, [""; 0], "a match lists what it ignores: #![{NO_WILDCARDS}], or see MAY_PASS_OVER");
}

#[test]
fn the_reader_of_arms_finds_arms() {
    for code in [
        "Event::Order(OrderEvent::Armed(_)) => {}",
        "  | Event::Admin(AdminEvent::Killed { .. }) => Ok(()),",
        "    Command::Clock(ClockCommand::Tick) => None,",
        "Outbound::Broken(m, tail) => {",
    ] {
        assert!(branches_on_what_happens(code), "{code}");
    }
    for code in [
        "let e = Event::Order(OrderEvent::Armed(e));",
        "enum Command {\n  Serve,\n}\nCommand::Serve => f(),",
        "Events::A => 1",
    ] {
        assert!(!branches_on_what_happens(code), "{code}");
    }
}

/// The derives of bincode number the variants of an enum by their order, whatever discriminants it has.
#[test]
fn the_numbers_of_enums_are_given_and_not_derived() {
    let mut derived = Vec::new();
    for (path, text) in sources(&["src", "journal/src"]) {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("pub enum ")) {
            let mut before = lines[..at].iter().rev().take_while(|line| line.starts_with(['#', '/']));
            if before.any(|line| line.starts_with("#[derive(") && line.contains("Encode")) {
                derived.push(format!("{path}: {line}"));
            }
        }
    }
    assert!(derived.is_empty(), "{derived:#?}");
}

/// A struct of the domain may gain a field without a new version of the snapshots; one of theirs may not.
#[test]
fn the_records_of_snapshots_hold_no_struct_of_the_domain() {
    let sources = sources(&["src"]);
    let domain = sources.iter().filter(|(path, _)| path.starts_with("src/domain/"));
    let structs: BTreeSet<&str> = domain
        .flat_map(|(_, text)| text.lines())
        .filter_map(|line| line.trim().strip_prefix("pub struct ")?.strip_suffix(" {"))
        .collect();
    let mut held = Vec::new();
    for file in ["records.rs", "domain_records.rs"] {
        let path = format!("src/exchange/snapshot/{file}");
        let (_, text) = sources.iter().find(|(known, _)| *known == path).expect("the file is there");
        for line in text.lines().map(str::trim).filter(|line| line.ends_with(',')) {
            let Some((_, kind)) = line.split_once(": ") else { continue };
            let kind = kind.trim_end_matches(',').trim_start_matches("Option<").trim_end_matches('>');
            held.extend(structs.contains(kind).then(|| format!("{file}: {line}")));
        }
    }
    assert!(held.is_empty(), "{held:#?}");
}
