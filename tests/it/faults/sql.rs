//! Trouble with the database alone: trading goes on, and SQL has every event exactly once when the trouble is over.
//! (`tests/it/persister/trouble.rs` has the writer by itself, with a clock that is set by hand.)

use crate::support::commands::Commands;
use crate::support::engines::{send, small_config, start};
use crate::support::mounts::{Mounted, can_mount};
use dojima::config::{Config, Durability};
use dojima::engine::Engine;
use dojima::recovery::DataDir;
use dojima::runtime::ThreadingMode;
use dojima::sql::check::check;
use dojima::sql::reader::SqlReader;
use rusqlite::Connection;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);
/// Commands that are sent while something is wrong.
const MEANWHILE: usize = 5_000;

/// An engine whose database is somewhere else than its other files.
struct Bench {
    /// Dropped before the files go.
    engine: Option<Engine>,
    config: Config,
    commands: Commands,
    sent: u64,
    data: TempDir,
}

impl Bench {
    fn new(database: &Path) -> Self {
        let mut config = small_config(ThreadingMode::Shared, Durability::Async);
        config.sql.path = database.to_owned();
        // So that some of them fit a disk that is nearly full.
        config.sql.batch_events_max = 1_000;
        let data = TempDir::new().expect("a temporary directory");
        let mut bench = Self { engine: None, config, commands: Commands::new(41), sent: 0, data };
        bench.start();
        bench
    }

    fn start(&mut self) {
        let engine = start(&self.config, self.data.path());
        self.sent = engine.watch().sequenced();
        self.engine = Some(engine);
    }

    fn engine(&mut self) -> &mut Engine {
        self.engine.as_mut().expect("it runs")
    }

    /// Trading goes on: these commands are durable, and their events are in the event log.
    fn trade(&mut self, count: usize) {
        let commands: Vec<_> = self.commands.by_ref().take(count).collect();
        send(self.engine().local(), commands);
        self.sent += count as u64;
        let (sent, watch) = (self.sent, self.engine().watch().clone());
        wait_for("trading stands still", || watch.sequenced() == sent && watch.is_drained());
    }

    fn in_sql(&mut self) -> u64 {
        self.engine().watch().in_sql.as_ref().expect("there is a writer").get()
    }

    fn errors(&mut self) -> u64 {
        let readings = self.engine().counters.snapshot();
        readings.iter().find(|reading| reading.name == "sql.errors").expect("a counter").value
    }

    /// What is wrong is noticed, and the database does not get further.
    fn stands_still(&mut self) {
        let before = self.errors();
        let engine = self.engine.as_ref().expect("it runs");
        let errors = || {
            let readings = engine.counters.snapshot();
            readings.iter().find(|reading| reading.name == "sql.errors").expect("a counter").value
        };
        wait_for("the writer tries again", || errors() > before);
        let watch = engine.watch();
        assert!(watch.sql_lag_events() > 0, "{} events are in SQL", self.in_sql());
    }

    fn catches_up(&mut self) {
        let watch = self.engine().watch().clone();
        wait_for("SQL does not catch up", || watch.sql_lag_events() == 0);
    }

    /// An orderly stop, after which the tables are what the event log adds up to.
    fn stop(&mut self) {
        let stopped = self.engine.take().expect("it runs").stop().expect("an orderly end");
        assert!(stopped.sql_complete);
        let sql = SqlReader::open(&self.config.sql.path).expect("the database opens");
        let report = check(&sql, DataDir::new(self.data.path()).event_log()).expect("both can be read");
        assert_eq!(report.first_difference(), None);
        assert!(report.events as usize > MEANWHILE, "only {} events", report.events);
    }
}

fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

const DATABASE: &str = "DOJIMA_TEST_LOCKED_DATABASE";

/// Not a test of its own: the process that locks the database in [`locked_by_another_process`].
#[test]
#[ignore = "run by locked_by_another_process"]
fn holds_a_lock_until_its_input_ends() {
    let Ok(path) = std::env::var(DATABASE) else { return };
    let connection = Connection::open(path).expect("open");
    connection.busy_timeout(PATIENCE).expect("set");
    connection.execute_batch("BEGIN EXCLUSIVE").expect("locked");
    println!("locked");
    let _ = std::io::stdin().read(&mut [0]);
}

/// Another process that has the lock.
fn locker(database: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "faults::sql::holds_a_lock_until_its_input_ends", "--ignored", "--nocapture"])
        .env(DATABASE, database)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let lines = BufReader::new(child.stdout.take().expect("is piped")).lines();
    let locked = lines.map(|line| line.expect("UTF-8")).any(|line| line.ends_with("locked"));
    assert!(locked, "the child has no lock");
    child
}

#[test]
fn locked_by_another_process() {
    let folder = TempDir::new().expect("a temporary directory");
    let database = folder.path().join("dojima.sqlite");
    let mut bench = Bench::new(&database);
    bench.trade(500);
    bench.catches_up();
    let mut child = locker(&database);
    bench.trade(MEANWHILE);
    bench.stands_still();
    bench.stands_still();
    bench.trade(MEANWHILE);
    // However it ends: the lock goes with the process.
    child.kill().expect("killed");
    child.wait().expect("gone");
    bench.catches_up();
    bench.stop();
}

/// The three files of a database.
fn delete(database: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = database.as_os_str().to_owned();
        name.push(suffix);
        let _ = std::fs::remove_file(PathBuf::from(name));
    }
    assert!(!database.exists());
}

#[test]
fn deleted_while_the_engine_runs() {
    let folder = TempDir::new().expect("a temporary directory");
    let database = folder.path().join("dojima.sqlite");
    let mut bench = Bench::new(&database);
    for _ in 0..3 {
        bench.trade(1_000);
        bench.catches_up();
        delete(&database);
        bench.trade(MEANWHILE / 2);
        let archived = bench.engine().watch().archived.get();
        let in_file = || SqlReader::open(&database).and_then(|sql| sql.watermark()).map_or(0, |at| at.event);
        wait_for("the database is not built again", || in_file() == archived);
    }
    bench.stop();
}

#[test]
fn deleted_while_the_engine_is_stopped() {
    let folder = TempDir::new().expect("a temporary directory");
    let database = folder.path().join("dojima.sqlite");
    let mut bench = Bench::new(&database);
    bench.trade(MEANWHILE);
    bench.stop();
    delete(&database);
    bench.start();
    bench.trade(100);
    bench.stop();
}

#[test]
fn its_disk_is_full() {
    if !can_mount("faults::sql::its_disk_is_full") {
        return;
    }
    let folder = TempDir::new().expect("a temporary directory");
    // Too small for the tables even when they are empty.
    let disk = Mounted::tmpfs(&folder.path().join("disk"), 64).expect("mounted");
    let mut bench = Bench::new(&disk.path().join("dojima.sqlite"));
    bench.trade(500);
    bench.stands_still();
    // Enough for some of it.
    disk.resize(2 << 10);
    wait_for("SQL begins", || SqlReader::open(&disk.path().join("dojima.sqlite")).is_ok());
    let before = bench.errors();
    for _ in 0..40 {
        bench.trade(MEANWHILE);
        if bench.errors() > before {
            break;
        }
    }
    bench.stands_still();
    let written = bench.in_sql();
    assert!(written > 0, "nothing was written while there was space");
    bench.trade(MEANWHILE);
    disk.resize(256 << 10);
    bench.catches_up();
    bench.stop();
}

#[test]
fn its_directory_is_read_only() {
    if !can_mount("faults::sql::its_directory_is_read_only") {
        return;
    }
    let folder = TempDir::new().expect("a temporary directory");
    let disk = Mounted::tmpfs(&folder.path().join("disk"), 64 << 10).expect("mounted");
    disk.set_read_only(true);
    let mut bench = Bench::new(&disk.path().join("dojima.sqlite"));
    bench.trade(MEANWHILE);
    bench.stands_still();
    disk.set_read_only(false);
    bench.catches_up();
    bench.stop();
    // Now with a database in it.
    disk.set_read_only(true);
    bench.start();
    bench.trade(MEANWHILE);
    bench.stands_still();
    disk.set_read_only(false);
    bench.catches_up();
    bench.stop();
}
