//! What the tests look into: an engine's directory with some thousand commands, copies of it, and the tool itself.

use crate::commands::Commands;
use crate::engines::{send, small_config, start};
use dojima::config::Durability;
use dojima::domain::{Command, EventRecord, codec};
use dojima::recovery::DataDir;
use dojima::runtime::ThreadingMode;
use dojima_journal::{Options, Reader};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};
use std::sync::LazyLock;
use tempfile::TempDir;

/// Commands after the opening.
pub const COMMANDS: usize = 20_000;

/// An engine's directory after a stop in good order. Journal and event log have several segments. No test changes it.
pub static DATA: LazyLock<PathBuf> = LazyLock::new(|| {
    let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join("inspected");
    // That of an earlier run.
    let _ = fs::remove_dir_all(&data);
    fs::create_dir_all(&data).expect("made");
    let mut engine = start(&small_config(ThreadingMode::Shared, Durability::Async), &data);
    send(engine.local(), Commands::new(7).take(COMMANDS));
    engine.stop().expect("it stops");
    data
});

/// A record of the journal.
pub struct Recorded {
    pub sequence: u64,
    pub time_ns: u64,
    pub segment: u64,
    pub offset: u64,
    pub command: Command,
}

/// The commands in a journal.
pub fn commands_in(journal: &Path) -> Vec<Recorded> {
    let mut reader = Reader::open(journal, 1).expect("the journal opens");
    let mut commands = Vec::new();
    while let Some(record) = reader.next().expect("it reads") {
        let command = codec::decode_command(record.payload).expect("a command");
        let (sequence, time_ns, position) = (record.sequence, record.time_ns, record.position());
        commands.push(Recorded {
            sequence,
            time_ns,
            segment: position.segment,
            offset: position.offset,
            command,
        });
    }
    commands
}

/// The events in an event log.
pub fn events_in(log: &Path) -> Vec<EventRecord> {
    let mut reader = Reader::open(log, 1).expect("the event log opens");
    let mut events = Vec::new();
    while let Some(record) = reader.next().expect("it reads") {
        events.push(codec::decode_event(record.payload).expect("an event"));
    }
    events
}

/// Writes commands, each a second after the one before, as a journal of small segments; every third one is synced.
pub fn write_journal(dir: &Path, commands: impl IntoIterator<Item = Command>) {
    let options = Options::default().with_segment_bytes(8 * 1024).with_content(DataDir::COMMANDS);
    let mut writer = dojima_journal::scan(dir).expect("scanned").into_writer(options).expect("a writer");
    let mut payload = [0; codec::ENCODED_LEN_MAX];
    for (sequence, command) in (1..).zip(commands) {
        let length = codec::encode_command(&command, &mut payload).expect("encoded");
        let time_ns = 1_700_000_000_000_000_000 + sequence * 1_000_000_000;
        while writer.append(sequence, time_ns, &payload[..length]).is_err() {
            std::thread::yield_now();
        }
        if sequence % 3 == 0 {
            writer.sync().expect("synced");
        }
    }
    writer.seal().expect("sealed");
}

/// The first commands of the recorded journal as a journal of several small segments.
pub fn small_journal(commands: usize) -> TempDir {
    let folder = tempfile::tempdir().expect("a directory");
    let recorded = commands_in(&DATA.join("journal")).into_iter().take(commands);
    write_journal(folder.path(), recorded.map(|recorded| recorded.command));
    folder
}

/// A copy of a directory and of what is in it.
pub fn copy(from: &Path) -> TempDir {
    let folder = tempfile::tempdir().expect("a directory");
    copy_into(from, folder.path());
    folder
}

fn copy_into(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a directory").map(|entry| entry.expect("an entry").path()) {
        let target = to.join(entry.file_name().expect("a name"));
        if entry.is_dir() {
            fs::create_dir(&target).expect("made");
            copy_into(&entry, &target);
        } else {
            fs::copy(&entry, &target).expect("copied");
        }
    }
}

/// How the tool ended and what it said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// `dojima-tools journal ARGS`.
pub fn command<A: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = A>) -> process::Command {
    let mut command = process::Command::new(env!("CARGO_BIN_EXE_dojima-tools"));
    command.arg("journal").args(args).stdin(Stdio::null()).env("RUST_BACKTRACE", "0");
    command
}

/// Runs `dojima-tools journal ARGS` to its end.
pub fn tool<A: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = A>) -> Said {
    said(&mut command(args))
}

/// Runs a command to its end.
pub fn said(command: &mut process::Command) -> Said {
    let output = command.output().expect("the tool starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let code = output.status.code().expect("it is not killed by a signal");
    Said { code, out: text(output.stdout), err: text(output.stderr) }
}

/// As [`tool`], for what must succeed; what it prints.
pub fn good<A: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = A>) -> String {
    let said = tool(args);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    said.out
}

/// The path as an argument.
pub fn arg(path: &Path) -> String {
    path.to_str().expect("UTF-8").to_owned()
}

/// The sequences that the lines of `records` begin with.
pub fn sequences(lines: &str) -> Vec<u64> {
    let first = |line: &str| line.split_whitespace().next().and_then(|word| word.parse().ok());
    lines.lines().map(|line| first(line).expect("a sequence")).collect()
}
