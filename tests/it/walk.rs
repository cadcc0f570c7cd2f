//! README, docs/OPERATIONS.md and docs/SQL.md as a new user follows them: without a terminal, in 80 columns, with a reader that goes away.
//!
//! Every line of a `console` block is looked at. A command that can run in a second on a data directory of its own runs, with the exit
//! code and the words of [`RUNS`]; of any other command of ours `--help` must have the subcommand and every option that the page writes.

use crate::cli::{Done, Place};
use crate::lost::TOOLS;
use crate::support::commands::Commands;
use crate::support::engines::{send, start};
use dojima::config::Config;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PAGES: [(&str, &str); 3] = [
    ("README.md", include_str!("../../README.md")),
    ("docs/OPERATIONS.md", include_str!("../../docs/OPERATIONS.md")),
    ("docs/SQL.md", include_str!("../../docs/SQL.md")),
];

/// Commands of the pages that run as they stand in a directory with `data` and `my.toml`, and words that they must say on stdout.
const RUNS: [(&str, &str); 8] = [
    ("dojima serve --print-config", "[engine]"),
    ("echo SECRET1 | dojima hash-password", "$argon2id$"),
    ("dojima-NEW serve --config my.toml --print-config > /dev/null", ""),
    ("dojima-tools journal summary data", "stopped in good order"),
    ("dojima-tools journal records data --login ALICE --kind enter,cancel --since 22:06:36 --count 2", ""),
    ("dojima-tools journal export data --format jsonl -o commands.jsonl", ""),
    ("cp -a data backup", ""),
    ("dojima-tools journal verify backup", "complete: every command from the first one on"),
];

/// The commands of a page's `console` blocks: prompts, comments and directories of programs taken off, continued lines joined.
fn commands(page: &str) -> Vec<String> {
    let blocks = page.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut found = Vec::new();
    for block in blocks {
        let joined = block.replace("\\\n", " ");
        let typed = joined.lines().filter_map(|line| line.trim_start().strip_prefix("$ "));
        found.extend(typed.map(|line| {
            let line = line.split(" # ").next().unwrap_or_default().replace("target/release/", "");
            line.split_whitespace().collect::<Vec<_>>().join(" ")
        }));
    }
    found
}

/// The words of a page in backticks that are commands of ours.
fn named_in_prose(page: &str) -> Vec<String> {
    let prose: String = page.split("```").step_by(2).collect();
    let in_backticks = prose.split('`').skip(1).step_by(2).map(|words| words.replace('\n', " "));
    in_backticks.filter(|words| words.starts_with("dojima ") || words.starts_with("dojima-")).collect()
}

/// Where a program is.
pub fn program(name: &str) -> PathBuf {
    match name {
        "dojima" | "dojima-NEW" => PathBuf::from(env!("CARGO_BIN_EXE_dojima")),
        _ => TOOLS.clone(),
    }
}

/// As a user without a terminal has it: 80 columns, no colours.
pub fn plain(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).env_remove("RUST_LOG");
    command.env("COLUMNS", "80").env("TERM", "dumb").env("NO_COLOR", "1");
    command
}

/// The parts of a line that call a program of ours: its name and its arguments.
fn calls(line: &str) -> Vec<Vec<&str>> {
    let parts =
        line.split("&&").flat_map(|part| part.split('|')).map(|part| part.split_whitespace().collect());
    let ours = |words: &Vec<&str>| {
        let names = ["dojima", "dojima-tools", "dojima-NEW", "dojima-tools-NEW"];
        words.first().is_some_and(|first| names.contains(first))
    };
    parts.filter(ours).collect()
}

fn help_of(program: &Path, names: &[&str]) -> String {
    let done: Done = plain(program, names).arg("--help").output().expect("the program runs").into();
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{names:?} --help: {}", done.stderr);
    assert!(!done.stdout.contains('\x1b'), "{names:?} --help has colours");
    for line in done.stdout.lines() {
        assert!(line.chars().count() <= 80, "{names:?} --help is wider than 80 columns: {line}");
    }
    done.stdout
}

/// What is wrong with a call: a subcommand or an option that `--help` does not have.
fn wrong_with(call: &[&str], helps: &mut BTreeMap<String, String>) -> Option<String> {
    let program = program(call[0]);
    let is_name =
        |word: &&&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
    let depth = if call.get(1) == Some(&"journal") { 2 } else { 1 };
    let names: Vec<&str> = call[1..].iter().take(depth).take_while(is_name).copied().collect();
    if names.len() < depth {
        return None;
    }
    // An operator's request has options of its own, after the directory.
    let request = call.get(4).filter(|_| names == ["operator"]);
    let all: Vec<&str> = names.iter().chain(request).copied().collect();
    let key = format!("{} {}", program.display(), all.join(" "));
    let help = helps.entry(key).or_insert_with(|| {
        let of_request = if request.is_some() { help_of(&program, &all) } else { String::new() };
        help_of(&program, &names) + &of_request
    });
    let options = call.iter().take_while(|word| **word != ">").filter(|word| word.starts_with('-'));
    let known = |option: &str| {
        let option = option.split('=').next().unwrap_or_default().trim_end_matches([',', '.', ';']);
        help.split(|c: char| c.is_whitespace() || c == ',' || c == '[').any(|word| word == option)
    };
    let unknown: Vec<&&str> = options.filter(|option| !known(option)).collect();
    (!unknown.is_empty()).then(|| format!("{}: {unknown:?}", call.join(" ")))
}

#[test]
fn every_command_that_a_page_names_is_there_with_its_options() {
    let mut helps = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (name, page) in PAGES {
        let lines = commands(page).into_iter().chain(named_in_prose(page));
        for line in lines {
            for call in calls(&line) {
                seen += 1;
                wrong.extend(wrong_with(&call, &mut helps).map(|what| format!("{name}: {what}")));
            }
        }
    }
    assert!(seen > 60, "{seen} calls were found");
    assert_eq!(wrong, [""; 0], "on the pages");
    // The check itself.
    assert!(wrong_with(&["dojima", "verify", "--nothing"], &mut helps).is_some());
}

/// A place as the pages have it: `data` of an engine that stopped in good order, and `my.toml`.
pub fn place() -> Place {
    let place = Place::new();
    fs::copy(place.config(), place.config().with_file_name("my.toml")).expect("copied");
    let config = Config::load(&place.config()).expect("a configuration");
    let mut engine = start(&config, &place.data());
    send(engine.local(), Commands::new(1).take(2_000));
    engine.stop().expect("it stops");
    place
}

/// A shell's line in the place, with our programs in its path.
pub fn shell(place: &Place, line: &str) -> Done {
    let bin = place.data().with_file_name("bin");
    if !bin.exists() {
        fs::create_dir(&bin).expect("made");
        for name in ["dojima", "dojima-NEW", "dojima-tools", "dojima-tools-NEW"] {
            std::os::unix::fs::symlink(program(name), bin.join(name)).expect("linked");
        }
    }
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let mut sh = plain(Path::new("sh"), &["-c", line]);
    sh.env("PATH", path).current_dir(place.data().parent().expect("a directory"));
    sh.output().expect("a shell runs").into()
}

#[test]
fn commands_of_the_pages_run_as_they_stand() {
    let place = place();
    let all: Vec<String> = PAGES.iter().flat_map(|(_, page)| commands(page)).collect();
    for (line, words) in RUNS {
        assert!(all.iter().any(|command| command == line), "no page has: {line}");
        let done = shell(&place, line);
        assert_eq!(done.code, Some(0), "{line}: {}{}", done.stdout, done.stderr);
        assert!(done.stdout.contains(words), "{line}: {}", done.stdout);
        assert!(!done.stdout.contains('\x1b'), "{line} has colours: {}", done.stdout);
    }
    // What reads only: the same of a copy in which nobody may write, and with a reader that goes away.
    let copy = place.data().with_file_name("backup");
    let modes = |mode: u32| {
        let status = Command::new("chmod").args(["-R", &format!("{mode:o}")]).arg(&copy).status();
        assert!(status.expect("chmod runs").success());
    };
    modes(0o555);
    let mode = fs::metadata(&copy).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o555);
    for (line, code) in [
        ("dojima verify --data backup --config my.toml", 0),
        ("dojima replay --data backup", 0),
        ("dojima verify --data backup --config my.toml | head -1", 0),
        ("dojima verify --data nothing --config my.toml", 1),
    ] {
        let done = shell(&place, line);
        assert_eq!(done.code, Some(code), "{line}: {}{}", done.stdout, done.stderr);
        assert!(
            !done.stdout.contains('\x1b') && !done.stderr.contains("panicked"),
            "{line}: {}",
            done.stderr
        );
    }
    modes(0o755);
}

/// A reader that goes away changes neither the end nor the exit code.
#[test]
fn a_closed_pipe_ends_nothing() {
    let place = place();
    let mut verify = place.command("verify", &[]);
    let mut child = verify.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut first = [0];
    let mut stdout = child.stdout.take().expect("is piped");
    stdout.read_exact(&mut first).expect("a byte");
    drop(stdout);
    let Done { code, stderr, .. } = child.wait_with_output().expect("it ends").into();
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
}

/// What the table of log lines in "Monitoring" quotes is in the sources.
#[test]
fn lines_of_the_log_are_those_of_the_program() {
    let (_, page) = PAGES[1];
    let table = page.split("| line | level |").nth(1).and_then(|rest| rest.split("\n\n").next());
    let mut sources = String::new();
    let mut folders = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                sources += &fs::read_to_string(path).expect("UTF-8");
            }
        }
    }
    let rows: Vec<&str> = table.expect("the table").lines().skip(2).collect();
    assert!(rows.len() > 12, "the rows were not found");
    for row in rows {
        let line = row.split('|').nth(1).expect("a cell");
        for quoted in line.split('`').skip(1).step_by(2) {
            for part in quoted.split('…') {
                let part = part.trim_matches([' ', ':', ',']);
                assert!(sources.contains(part), "no program says: {part}");
            }
        }
    }
}

/// The queries of the pages run on what an engine has written; those that must find nothing find nothing.
#[test]
fn the_queries_for_operators_run() {
    let place = place();
    let database = place.data().join("dojima.sqlite");
    let connection = Connection::open(&database).expect("a database");
    let (_, page) = PAGES[1];
    let blocks: String = page.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let queries = blocks.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join(" ");
    let mut ran = 0;
    for query in queries.split(';').filter(|query| !query.trim().is_empty()) {
        let mut statement = connection.prepare(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        let found = statement.query([]).expect("rows").next().expect("rows").is_some();
        if query.contains("<>") {
            assert!(!found, "{query} found something");
        }
        ran += 1;
    }
    assert!(ran >= 6, "{ran} queries");
}
