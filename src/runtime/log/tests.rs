//! Tests of the log: lost lines and their counts, callers that must not wait, and the content that strangers can cause.

use super::outlet::{Losses, Outlet};
use super::strangers::{Stranger, Tally};
use crate::runtime::{Agent, BusySpin, Fatal, FatalPolicy, Place, Runner, Shutdown};
use crossbeam_channel::{Receiver, Sender, unbounded};
use outlets::code_of;
use std::io::{self, ErrorKind, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[path = "../../../tests/it/support/outlets.rs"]
#[allow(unreachable_pub, reason = "written for another test")]
mod outlets;

/// A timeout that is long enough for any machine; tests never reach it unless they fail.
const PATIENCE: Duration = Duration::from_secs(60);

/// An interval between ticks that no test reaches, so that only a flush causes reports.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// What a sink does with the next write.
enum Step {
    Take,
    TakeBytes(usize),
    Fail(ErrorKind),
}

/// A file that follows a script for each write, and hangs until the next step is given.
struct Sink {
    begun: Sender<()>,
    steps: Receiver<Step>,
    written: Arc<Mutex<Vec<u8>>>,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.begun.send(());
        let count = match self.steps.recv() {
            Ok(Step::Fail(kind)) => return Err(kind.into()),
            Ok(Step::TakeBytes(count)) => count,
            // The script has ended: every write succeeds.
            Ok(Step::Take) | Err(_) => bytes.len(),
        };
        self.written.lock().unwrap().extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Bench {
    outlet: Outlet,
    begun: Receiver<()>,
    steps: Sender<Step>,
    written: Arc<Mutex<Vec<u8>>>,
}

impl Bench {
    fn new(lines_max: usize) -> Self {
        let ((begun, has_begun), (steps, next)) = (unbounded(), unbounded());
        let written = Arc::default();
        let sink = Sink { begun, steps: next, written: Arc::clone(&written) };
        Self {
            outlet: Outlet::start("test", lines_max, Box::new(sink), NEVER, || {}),
            begun: has_begun,
            steps,
            written,
        }
    }

    /// Lets all further writes succeed; returns the text and the losses when everything is written.
    fn finish(self) -> (String, Losses) {
        let Self { outlet, steps, written, .. } = self;
        drop(steps);
        assert!(outlet.flush(PATIENCE));
        let text = String::from_utf8(written.lock().unwrap().clone()).expect("UTF-8");
        (text, outlet.losses())
    }
}

fn losses(lines: u64, failed_writes: u64) -> Losses {
    Losses { lines, failed_writes }
}

#[test]
fn lines_arrive_whole_and_in_order() {
    let bench = Bench::new(8);
    bench.outlet.line("one");
    (&bench.outlet).write_all(b"two\n").expect("never fails");
    for step in [Step::TakeBytes(2), Step::Fail(ErrorKind::Interrupted), Step::Fail(ErrorKind::WouldBlock)] {
        bench.steps.send(step).expect("it waits");
    }
    assert_eq!(bench.finish(), ("one\ntwo\n".to_owned(), losses(0, 0)));
}

#[test]
fn nobody_waits_for_a_sink_that_hangs_and_what_is_lost_is_told_when_it_works_again() {
    let bench = Bench::new(3);
    bench.outlet.line("hangs");
    bench.begun.recv_timeout(PATIENCE).expect("the write has begun");
    for line in 0..10 {
        bench.outlet.line(&line.to_string());
    }
    assert_eq!(bench.outlet.losses(), losses(7, 0));
    assert!(!bench.outlet.flush(Duration::ZERO), "and whoever ends the process goes on");
    let (text, lost) = bench.finish();
    assert_eq!(lost, losses(7, 0));
    let notice = text.strip_prefix("hangs\n0\n1\n2\n").unwrap_or_else(|| panic!("{text}"));
    assert!(notice.contains("lines lost here: 7, since the start: 7; failed writes: 0\n"), "{notice}");
}

#[test]
fn a_write_that_fails_costs_its_line_and_is_told() {
    let bench = Bench::new(8);
    for line in ["gone", "half a line", "whole"] {
        bench.outlet.line(line);
    }
    let full = ErrorKind::StorageFull;
    for step in [Step::Fail(full), Step::TakeBytes(4), Step::Fail(full), Step::Take] {
        bench.steps.send(step).expect("it waits");
    }
    let (text, lost) = bench.finish();
    assert_eq!(lost, losses(2, 2));
    let notice = text.strip_prefix("half\nwhole\n").unwrap_or_else(|| panic!("{text}"));
    assert!(
        notice.contains("lines lost here: 2, since the start: 2; failed writes: 2, the last: "),
        "{notice}"
    );
}

#[test]
fn a_notice_that_cannot_be_written_is_no_lost_line_and_comes_later() {
    let bench = Bench::new(8);
    bench.outlet.line("gone");
    bench.steps.send(Step::Fail(ErrorKind::BrokenPipe)).expect("it waits");
    bench.steps.send(Step::Fail(ErrorKind::BrokenPipe)).expect("it waits");
    assert!(bench.outlet.flush(PATIENCE));
    assert_eq!(bench.outlet.losses(), losses(1, 2));
    let (text, _) = bench.finish();
    assert!(text.contains("lines lost here: 1, since the start: 1; failed writes: 2"), "{text}");
    assert_eq!(text.lines().count(), 1, "told once: {text}");
}

#[test]
fn a_line_without_end_is_cut() {
    let bench = Bench::new(8);
    bench.outlet.line(&"x".repeat(1 << 20));
    bench.outlet.line("next");
    let (text, lost) = bench.finish();
    assert_eq!((text.len(), lost), (16 * 1024 + "next\n".len(), losses(0, 0)));
    assert!(text.ends_with("x\nnext\n"));
}

#[test]
fn of_each_kind_the_first_is_told_and_the_others_are_counted() {
    let tally = Tally::new();
    let told: Vec<bool> = (0..5).map(|_| tally.count(Stranger::Cut)).collect();
    assert_eq!(told, [true, false, false, false, false]);
    assert!(tally.count(Stranger::Closed), "another kind");
    assert_eq!((tally.take_more(Stranger::Cut), tally.take_more(Stranger::Closed)), (4, 0));
    assert!(tally.count(Stranger::Cut), "a new second");
    assert_eq!(tally.take_more(Stranger::Cut), 0);
}

/// An agent that ends with a fatal error or with a panic.
enum Doomed {
    Fails,
    Panics,
}

impl Agent for Doomed {
    fn name(&self) -> &str {
        "doomed"
    }

    fn do_work(&mut self) -> Result<usize, Fatal> {
        match self {
            Self::Fails => Err(Fatal::journal_sync("cable pulled")),
            Self::Panics => panic!("impossible"),
        }
    }
}

fn doom(agent: Doomed) {
    super::start("info");
    let runner = Runner::new(FatalPolicy::ExitProcess);
    let running =
        runner.spawn(Box::new(agent), Box::new(BusySpin), Shutdown::new(), Place::default()).unwrap();
    while runner.fatal().is_none() && !running.is_finished() {
        std::thread::yield_now();
    }
    // Reached only if other threads can still act after the error, which must not be possible.
    std::process::exit(99);
}

/// Not a test itself: [`a_process_that_has_to_end_ends_with_its_code_whatever_its_log_does`] runs it as a child
/// process.
#[test]
#[ignore = "ends the test process"]
fn fails() {
    doom(Doomed::Fails);
}

#[test]
#[ignore = "ends the test process"]
fn panics() {
    doom(Doomed::Panics);
}

fn doomed(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("runtime::log::tests::{test}"), "--ignored", "--nocapture"]);
    command.env_remove("RUST_LOG").stdout(Stdio::null());
    command
}

#[test]
fn a_process_that_has_to_end_ends_with_its_code_whatever_its_log_does() {
    for (test, code, words) in [
        ("fails", 12, "journal sync failed: cable pulled"),
        ("panics", 21, "thread 'doomed' panicked at src/runtime/log/tests.rs:"),
    ] {
        for outlet in outlets::Outlet::ALL {
            let (stderr, _reader) = outlet.open();
            let child = doomed(test).stderr(stderr).spawn().unwrap();
            assert_eq!(code_of(child), Some(code), "{test}, {outlet:?}");
        }
        let told = doomed(test).output().unwrap();
        let stderr = String::from_utf8_lossy(&told.stderr);
        assert!(stderr.contains(words) && stderr.contains(&format!("exit_code={code}")), "{stderr}");
    }
}
