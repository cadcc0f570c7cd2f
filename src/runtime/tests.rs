//! Runner, idle strategies and doorbells together, on real threads.
//!
//! No test result depends on speed. Where a wake-up is expected, sleeps last an hour, so a lost wake-up makes the test
//! time out after a minute.

use std::io::{Read, Write};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mio::net::UnixStream;
use mio::{Events, Interest, Poll, Token};

use super::agent::scripted::{Journal, Scripted};
use super::*;

const HOUR: Duration = Duration::from_secs(3600);

fn limits(sleep_max: Duration) -> IdleLimits {
    IdleLimits { awake: Duration::from_micros(10), sleep_max }
}

fn in_process() -> Runner {
    Runner::new(FatalPolicy::RequestShutdown(Vec::new()))
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(60), "gave up waiting for {what}");
        std::thread::yield_now();
    }
}

/// Stops the agent with a timeout. A plain join would hang for an hour if the thread missed its wake-up.
fn stop(running: RunningAgent) {
    running.request_stop();
    wait_until("the thread to stop", || running.is_finished());
    running.join().unwrap();
}

/// Answers each number with the same number, and counts its duty cycles.
#[derive(Clone, Default)]
struct Echo {
    asked: Arc<AtomicU64>,
    answered: Arc<AtomicU64>,
    cycles: Arc<AtomicUsize>,
}

impl Agent for Echo {
    fn name(&self) -> &str {
        "echo"
    }

    fn do_work(&mut self) -> Result<usize, Fatal> {
        self.cycles.fetch_add(1, Ordering::Relaxed);
        let asked = self.asked.load(Ordering::Relaxed);
        let work = asked - self.answered.load(Ordering::Relaxed);
        self.answered.store(asked, Ordering::Relaxed);
        Ok(work as usize)
    }
}

fn strategies(limits: IdleLimits) -> [Box<dyn IdleStrategy>; 2] {
    [Box::new(Backoff::new(limits)), Box::new(SocketWait::new(limits).unwrap())]
}

#[test]
fn an_idle_thread_runs_two_duty_cycles_per_sleep() {
    const SLEEP: Duration = Duration::from_millis(50);
    for idle in strategies(IdleLimits { awake: Duration::ZERO, sleep_max: SLEEP }) {
        let echo = Echo::default();
        let start = Instant::now();
        let running =
            in_process().spawn(Box::new(echo.clone()), idle, Shutdown::new(), Place::default()).unwrap();
        std::thread::sleep(6 * SLEEP);
        stop(running);
        let sleeps = (start.elapsed().as_millis() / SLEEP.as_millis()) as usize + 1;
        let cycles = echo.cycles.load(Ordering::Relaxed);
        assert!(cycles <= 2 * sleeps + 2, "{cycles} duty cycles in at most {sleeps} sleeps");
    }
}

#[test]
fn every_ring_wakes_the_sleeper() {
    for idle in strategies(limits(HOUR)) {
        let echo = Echo::default();
        let running =
            in_process().spawn(Box::new(echo.clone()), idle, Shutdown::new(), Place::default()).unwrap();
        let doorbell = running.doorbell();
        for question in 1..=5000 {
            // Half of the rings meet a thread that sleeps or is about to; the others meet it at any other point.
            if question % 2 == 0 {
                wait_until("the thread to arm", || doorbell.is_armed());
            }
            echo.asked.store(question, Ordering::Relaxed);
            doorbell.ring();
            wait_until("an answer", || echo.answered.load(Ordering::Relaxed) == question);
        }
        stop(running);
    }
}

/// Reads a socket through its own poll, without ever waiting.
struct Listener {
    poll: Poll,
    events: Events,
    socket: UnixStream,
    received: Arc<AtomicU64>,
}

impl Agent for Listener {
    fn name(&self) -> &str {
        "listener"
    }

    fn do_work(&mut self) -> Result<usize, Fatal> {
        self.poll.poll(&mut self.events, Some(Duration::ZERO))?;
        let mut work = 0;
        if !self.events.is_empty() {
            let mut buffer = [0; 16];
            while let Ok(read @ 1..) = self.socket.read(&mut buffer) {
                work += read;
            }
        }
        self.received.fetch_add(work as u64, Ordering::Relaxed);
        Ok(work)
    }
}

#[test]
fn sockets_of_the_agents_own_poll_wake_the_sleeper() {
    let (mut near, mut socket) = UnixStream::pair().unwrap();
    let poll = Poll::new().unwrap();
    poll.registry().register(&mut socket, Token(7), Interest::READABLE).unwrap();
    let mut idle = SocketWait::new(limits(HOUR)).unwrap();
    idle.watch(&poll).unwrap();
    let doorbell = idle.doorbell();
    let received = Arc::new(AtomicU64::new(0));
    let events = Events::with_capacity(4);
    let listener = Listener { poll, events, socket, received: Arc::clone(&received) };
    let running =
        in_process().spawn(Box::new(listener), Box::new(idle), Shutdown::new(), Place::default()).unwrap();
    for sent in 1..=2000 {
        if sent % 2 == 0 {
            wait_until("the thread to arm", || doorbell.is_armed());
        }
        near.write_all(b"x").unwrap();
        wait_until("the byte", || received.load(Ordering::Relaxed) == sent);
    }
    stop(running);
}

#[test]
fn an_orderly_stop_closes_the_agent() {
    let journal = Journal::default();
    let agent = Scripted::new("a", &journal, [Ok(1)]);
    let running = in_process()
        .spawn(Box::new(agent), Box::new(Backoff::new(limits(HOUR))), Shutdown::new(), Place::default())
        .unwrap();
    assert_eq!(running.name(), "a");
    let doorbell = running.doorbell();
    wait_until("the thread to arm", || doorbell.is_armed());
    assert!(!running.is_finished());
    stop(running);
    let lines = journal.lines();
    assert_eq!(
        (lines[0].as_str(), lines[1].as_str(), lines.last().unwrap().as_str()),
        ("start a", "a", "close a")
    );
}

#[test]
fn a_fatal_error_stops_the_others_and_closes_nothing() {
    let (journal, other) = (Journal::default(), Shutdown::new());
    let runner = Runner::new(FatalPolicy::RequestShutdown(vec![other.clone()]));
    let fatal = Fatal::journal_sync("cable pulled");
    let agent = Scripted::new("disk", &journal, [Ok(1), Err(fatal.clone())]);
    let own = Shutdown::new();
    let running = runner.spawn(Box::new(agent), Box::new(BusySpin), own.clone(), Place::default()).unwrap();
    assert_eq!(running.join(), Err(fatal.clone()));
    assert_eq!(journal.lines(), ["start disk", "disk", "disk"]);
    assert!(own.is_requested() && other.is_requested());
    assert_eq!(runner.fatal(), Some(fatal));
}

struct Panicking;

impl Agent for Panicking {
    fn name(&self) -> &str {
        "shaky"
    }

    fn do_work(&mut self) -> Result<usize, Fatal> {
        panic!("slipped at {}", 3)
    }
}

#[test]
fn a_panic_is_fatal_and_says_who() {
    let runner = in_process();
    let running =
        runner.spawn(Box::new(Panicking), Box::new(BusySpin), Shutdown::new(), Place::default()).unwrap();
    let expected = Fatal::ThreadPanic { agent: "shaky".into(), message: "slipped at 3".into() };
    assert_eq!(running.join(), Err(expected.clone()));
    assert_eq!(runner.fatal(), Some(expected));
}

#[test]
fn a_core_that_is_not_there_is_fatal() {
    let agent = Scripted::new("a", &Journal::default(), []);
    let pin = Some(CoreIndex(9999));
    let running = in_process()
        .spawn(Box::new(agent), Box::new(BusySpin), Shutdown::new(), Place { pin, ..Place::default() })
        .unwrap();
    assert!(matches!(running.join(), Err(Fatal::Affinity { .. })));
}

/// Not a test itself: [`in_production_the_process_exits_with_the_reasons_code`] runs it as a child process.
#[test]
#[ignore = "ends the test process"]
fn dies_of_a_failed_sync() {
    let agent = Scripted::new("disk", &Journal::default(), [Err(Fatal::journal_sync("cable pulled"))]);
    let runner = Runner::new(FatalPolicy::ExitProcess);
    let running =
        runner.spawn(Box::new(agent), Box::new(BusySpin), Shutdown::new(), Place::default()).unwrap();
    let _ = running.join();
}

#[test]
fn in_production_the_process_exits_with_the_reasons_code() {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "runtime::tests::dies_of_a_failed_sync", "--ignored"])
        .output()
        .unwrap();
    assert_eq!(child.status.code(), Some(12), "{child:?}");
}

#[test]
fn threading_modes_print_as_they_parse() {
    for mode in [ThreadingMode::Shared, ThreadingMode::Dedicated, ThreadingMode::Stepped] {
        assert_eq!(mode.to_string().parse(), Ok(mode));
        let table = toml::to_string(&std::collections::BTreeMap::from([("mode", mode)])).unwrap();
        assert_eq!(table.trim(), format!("mode = \"{mode}\""));
    }
    assert!("Shared".parse::<ThreadingMode>().unwrap_err().to_string().contains("\"Shared\""));
}
