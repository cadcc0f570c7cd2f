//! What is lost of a data directory or a backup, and what every tool says of it: the table in docs/OPERATIONS.md, row by row.
//!
//! A row names what is lost, and has a cell for `dojima-tools journal verify`, for `dojima verify` and for a start: the exit code, and
//! in backticks words that must be said.

use crate::cli::{Done, Place};
use crate::support::commands::Commands;
use crate::support::engines::{send, start};
use dojima::config::Config;
use dojima_journal::scan;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::SystemTime;

const PAGE: &str = include_str!("../../docs/OPERATIONS.md");
const HEADING: &str = "### What may be missing";

/// Commands after the opening, and from one snapshot to the next: each log has four segments or more, and the two snapshots that
/// are kept lie behind the second one of the journal.
const COMMANDS: usize = 45_000;
const SNAPSHOT_EVERY: usize = 20_000;

/// What is lost, by the name of its row.
struct Loss {
    name: &'static str,
    spoil: fn(&Place),
    /// Old segments are deleted by the configuration, and `journal verify` is told so.
    retired: bool,
}

const fn loss(name: &'static str, spoil: fn(&Place)) -> Loss {
    Loss { name, spoil, retired: false }
}

const LOSSES: [Loss; 20] = [
    loss("nothing", |_| {}),
    loss("journal: the first segment", |place| remove_segment(place, "journal", First)),
    loss("journal: the first segment, and all snapshots", |place| {
        remove_segment(place, "journal", First);
        remove(place, "snapshots");
    }),
    loss("journal: a middle segment", |place| remove_segment(place, "journal", Middle)),
    loss("journal: the last segment", |place| remove_segment(place, "journal", Last)),
    loss("journal: a byte before the snapshots", |place| {
        let file = place.data().join("journal/0000000001.seg");
        let mut bytes = fs::read(&file).expect("readable");
        bytes[3_000] ^= 1;
        fs::write(&file, bytes).expect("written");
    }),
    loss("journal: all of it", |place| remove(place, "journal")),
    loss("event log: the first segment", |place| remove_segment(place, "events", First)),
    loss("event log: a middle segment", |place| remove_segment(place, "events", Middle)),
    loss("event log: the last segment", |place| remove_segment(place, "events", Last)),
    loss("event log: all of it", |place| remove(place, "events")),
    loss("market data: the first segment", |place| remove_segment(place, "market-data", First)),
    loss("market data: a middle segment", |place| remove_segment(place, "market-data", Middle)),
    loss("market data: the last segment", |place| remove_segment(place, "market-data", Last)),
    loss("market data: all of it", |place| remove(place, "market-data")),
    loss("snapshots: all of them", |place| remove(place, "snapshots")),
    loss("database", remove_database),
    loss("database, and the event log's first segment", |place| {
        remove_database(place);
        remove_segment(place, "events", First);
    }),
    loss("all but the journal", |place| {
        ["events", "snapshots", "market-data"].into_iter().for_each(|folder| remove(place, folder));
        remove_database(place);
    }),
    Loss {
        name: "old segments, deleted by `retention.segments`",
        spoil: |place| {
            remove_segment(place, "journal", First);
            remove_segment(place, "events", First);
        },
        retired: true,
    },
];

#[derive(Clone, Copy)]
enum Which {
    First,
    Middle,
    Last,
}
use Which::{First, Last, Middle};

fn remove(place: &Place, folder: &str) {
    fs::remove_dir_all(place.data().join(folder)).expect("removed");
}

fn remove_database(place: &Place) {
    fs::remove_file(place.data().join("dojima.sqlite")).expect("removed");
}

fn remove_segment(place: &Place, log: &str, which: Which) {
    let dir = place.data().join(log);
    let scanned = scan(&dir).expect("scanned");
    let segments = scanned.segments();
    assert!(segments.len() >= 3, "{log} has {} segments", segments.len());
    let at = match which {
        First => 0,
        Middle => 1,
        Last => segments.len() - 1,
    };
    fs::remove_file(&segments[at].file).expect("removed");
}

fn configure(place: &Place, retention: &str) {
    place.configure(|text| {
        text.replace("\nevery_commands = 10000000", &format!("\nevery_commands = {SNAPSHOT_EVERY}"))
            .replace("orders_max = 1000\n", "orders_max = 10000\n")
            .replace("segments = \"keep\"", &format!("segments = \"{retention}\""))
    });
}

/// A directory after a stop in good order. No test changes it.
static WHOLE: LazyLock<Place> = LazyLock::new(|| {
    let place = Place::new();
    configure(&place, "keep");
    let config = Config::load(&place.config()).expect("a configuration");
    let mut engine = start(&config, &place.data());
    send(engine.local(), Commands::new(7).take(COMMANDS));
    engine.stop().expect("it stops");
    place
});

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let target = to.join(entry.file_name().expect("a name"));
        match entry.is_dir() {
            true => copy(&entry, &target),
            // The socket of the engine that ran there.
            false if entry.is_file() => drop(fs::copy(&entry, &target).expect("copied")),
            false => {}
        }
    }
}

/// The newest change of any source of the tools.
fn sources_changed(dir: &Path) -> SystemTime {
    let entries = fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path());
    let changed = entries.map(|path| match path.is_dir() {
        true => sources_changed(&path),
        false => fs::metadata(&path).and_then(|found| found.modified()).expect("a time"),
    });
    changed.max().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// `dojima-tools`, which is of another package: `cargo test` makes it with the rest, and `cargo test -p dojima` does not.
pub static TOOLS: LazyLock<PathBuf> = LazyLock::new(|| {
    let dojima = Path::new(env!("CARGO_BIN_EXE_dojima"));
    let tools = dojima.with_file_name("dojima-tools");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let changed = ["src", "journal/src", "tools/src"].map(|dir| sources_changed(&root.join(dir)));
    let made = fs::metadata(&tools).and_then(|found| found.modified());
    if made.is_ok_and(|made| changed.iter().all(|changed| *changed <= made)) {
        return tools;
    }
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root).args(["build", "--quiet", "--locked", "--bin", "dojima-tools"]);
    if dojima.parent().is_some_and(|profile| profile.ends_with("release")) {
        cargo.arg("--release");
    }
    assert!(cargo.status().expect("cargo runs").success(), "dojima-tools cannot be built");
    tools
});

/// A cell: the exit code, and what must be said.
struct Cell<'a> {
    code: i32,
    words: Vec<&'a str>,
}

impl<'a> Cell<'a> {
    fn parse(text: &'a str) -> Self {
        let code = text.split([':', ' ']).next().and_then(|code| code.parse().ok());
        let code = code.unwrap_or_else(|| panic!("no exit code at the start of {text:?}"));
        Self { code, words: text.split('`').skip(1).step_by(2).collect() }
    }

    /// What does not hold of what was said.
    fn contradicts(&self, tool: &str, done: &Done) -> Option<String> {
        let said = format!("{} {}", done.stdout, done.stderr);
        // Long lines are wrapped.
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let missing: Vec<_> = self.words.iter().filter(|words| !said.contains(**words)).collect();
        (done.code != Some(self.code) || !missing.is_empty()).then(|| {
            format!("{tool}: {:?} instead of {}, without {missing:?}, in\n{said}\n", done.code, self.code)
        })
    }
}

/// The rows of the table in the page: the name, and the three cells.
fn rows() -> Vec<(&'static str, [Cell<'static>; 3])> {
    let section = PAGE.split(HEADING).nth(1).expect("the page has the section");
    let lines = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let rows = lines.take_while(|line| line.starts_with('|')).map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, tool, verify, start] = cells[..] else { panic!("four cells: {line}") };
        (name, [tool, verify, start].map(Cell::parse))
    });
    rows.collect()
}

#[test]
fn every_row_of_the_page_is_a_loss_and_every_loss_a_row() {
    let in_page: Vec<_> = rows().into_iter().map(|(name, _)| name).collect();
    assert_eq!(in_page, LOSSES.map(|loss| loss.name));
}

/// A start that begins is stopped at once.
fn serve(place: &Place) -> Done {
    let mut command = place.command("serve", &["--listen", "127.0.0.1:0"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("the program starts");
    crate::cli::stop_when_it_listens(child)
}

fn check(loss: &Loss, cells: &[Cell<'_>; 3]) -> Vec<String> {
    let place = Place::new();
    copy(&WHOLE.data(), &place.data());
    (loss.spoil)(&place);
    configure(&place, if loss.retired { "delete" } else { "keep" });
    let mut tool = Command::new(&*TOOLS);
    tool.args(["journal", "verify"]).arg(place.data()).arg("--config").arg(place.config());
    if loss.retired {
        tool.arg("--retired");
    }
    let said = [
        ("journal verify", Done::from(tool.stdin(Stdio::null()).output().expect("the tool runs"))),
        ("dojima verify", place.run("verify", &[])),
        ("the start", serve(&place)),
    ];
    let wrong = said.iter().zip(cells).filter_map(|((tool, done), cell)| cell.contradicts(tool, done));
    wrong.map(|wrong| format!("{}: {wrong}", loss.name)).collect()
}

#[test]
fn every_tool_says_of_every_loss_what_the_page_says() {
    let rows = rows();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let wrong = std::sync::Mutex::new(Vec::new());
    LazyLock::force(&WHOLE);
    LazyLock::force(&TOOLS);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some((name, cells)) = rows.get(at) else { break };
                    let Some(loss) = LOSSES.iter().find(|loss| loss.name == *name) else { continue };
                    let found = check(loss, cells);
                    wrong.lock().expect("no other thread panicked").extend(found);
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no thread panicked");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
