//! Orders at a fixed rate, whatever the answers do: an order's latency counts from when it was to be sent.

use crate::line::{Dialogue, Line, PATIENCE};
use crate::report::{histogram, nanos};
use hdrhistogram::Histogram;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use std::fs;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The sender looks at the clock this often: what is due by then leaves together.
const BEAT: Duration = Duration::from_micros(50);
/// The receiver sleeps no longer.
const NAP: Duration = Duration::from_millis(100);

/// How many a second, and how many in all.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub rate: u64,
    pub orders: u64,
}

impl Pace {
    /// When an order is to be sent, after the start.
    fn due(self, order: u64) -> Duration {
        Duration::from_nanos((u128::from(order) * 1_000_000_000 / u128::from(self.rate)) as u64)
    }
}

/// What came of it.
pub struct Outcome {
    /// From when an order was to be sent to its answer, ns.
    pub latency: Histogram<u64>,
    /// From when it was to be sent to when it was, ns: the sender's own part of the latency.
    pub late: Histogram<u64>,
    pub progress: Progress,
}

/// How far it has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    pub elapsed: Duration,
    pub answered: u64,
    pub refused: u64,
}

/// Sends orders to one line after the other, until all are answered, or until `go_on` says no: it is asked every
/// `every`, and what was sent by then is waited for.
pub fn play(
    lines: Vec<Line>,
    pace: Pace,
    every: Duration,
    mut go_on: impl FnMut(Progress) -> bool,
) -> Outcome {
    let mut receiver = Receiver::new(&lines, pace);
    let (stop, sent) = (AtomicBool::new(false), AtomicU64::new(u64::MAX));
    let started = Instant::now() + BEAT;
    let late = thread::scope(|scope| {
        let sending = scope.spawn(|| send(lines, pace, started, &stop, &sent));
        let (mut next, mut last_news) = (every, Duration::ZERO);
        while receiver.answered < sent.load(Ordering::Acquire) {
            let news = receiver.receive(started);
            let elapsed = started.elapsed();
            if elapsed >= next {
                next += every;
                if !go_on(receiver.progress(elapsed)) {
                    stop.store(true, Ordering::Relaxed);
                }
            }
            match news {
                0 => receiver.wait(),
                _ => last_news = elapsed,
            }
            assert!(elapsed - last_news < PATIENCE, "no answers any more");
        }
        sending.join().expect("the sender ends")
    });
    let progress = receiver.progress(started.elapsed());
    Outcome { latency: receiver.latency, late, progress }
}

/// Sends what is due, says how much that was in the end, and gives how late it was.
fn send(
    mut lines: Vec<Line>,
    pace: Pace,
    started: Instant,
    stop: &AtomicBool,
    total: &AtomicU64,
) -> Histogram<u64> {
    wake_on_time();
    let (mut late, mut order, count) = (histogram(), 0, lines.len() as u64);
    loop {
        let elapsed = started.elapsed();
        let stopped = stop.load(Ordering::Relaxed);
        while !stopped && order < pace.orders && pace.due(order) <= elapsed {
            let line = &mut lines[(order % count) as usize];
            line.dialogue.asking.push(&mut line.output);
            late.saturating_record(nanos(elapsed - pace.due(order)));
            order += 1;
        }
        let mut flushed = true;
        for line in &mut lines {
            flushed &= line.flush();
        }
        if flushed && (stopped || order == pace.orders) {
            total.store(order, Ordering::Release);
            return late;
        }
        thread::sleep(BEAT);
    }
}

/// From now on this thread's sleeps end when they should, where the system lets them: not up to 50 µs later.
fn wake_on_time() {
    if let Ok(thread) = fs::read_link("/proc/thread-self")
        && let Some(id) = thread.file_name()
    {
        // Else it is late by that, and the figure of its lateness says so.
        let _ = fs::write(std::path::Path::new("/proc").join(id).join("timerslack_ns"), "1");
    }
}

/// The other side of all lines.
struct Receiver {
    lines: Vec<(Line, u64)>,
    pace: Pace,
    poll: Poll,
    events: Events,
    latency: Histogram<u64>,
    answered: u64,
}

impl Receiver {
    fn new(lines: &[Line], pace: Pace) -> Self {
        let poll = Poll::new().expect("a poll");
        let other_side = |line: &Line| {
            line.never_wait();
            let line = line.other_side();
            let mut source = SourceFd(&line.socket.as_raw_fd());
            poll.registry().register(&mut source, Token(0), Interest::READABLE).expect("watched");
            (line, 0)
        };
        let lines = lines.iter().map(other_side).collect();
        Self { lines, pace, poll, events: Events::with_capacity(64), latency: histogram(), answered: 0 }
    }

    /// Takes what has come to all lines; how many answers.
    fn receive(&mut self, started: Instant) -> u64 {
        let (count, mut news) = (self.lines.len() as u64, 0);
        for (at, (line, answered)) in self.lines.iter_mut().enumerate() {
            // Whoever is woken reads until there is nothing.
            while let Some(answers) = line.receive() {
                let elapsed = started.elapsed();
                for _ in 0..answers {
                    let due = self.pace.due(*answered * count + at as u64);
                    self.latency.saturating_record(nanos(elapsed.saturating_sub(due)));
                    *answered += 1;
                }
                news += answers.max(1);
                self.answered += answers;
            }
        }
        news
    }

    fn wait(&mut self) {
        match self.poll.poll(&mut self.events, Some(NAP)) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            other => other.expect("woken"),
        }
    }

    fn progress(&self, elapsed: Duration) -> Progress {
        let refused = |(line, _): &(Line, u64)| line.dialogue.answering.refused();
        Progress { elapsed, answered: self.answered, refused: self.lines.iter().map(refused).sum() }
    }
}

/// Lines to a server that is spoken to without a protocol.
pub fn plain_lines(address: std::net::SocketAddr, count: usize) -> Vec<Line> {
    (0..count).map(|_| Line::open(address, Dialogue::plain())).collect()
}

/// A line for each session of an engine that has so many.
pub fn ouch_lines(address: std::net::SocketAddr, count: usize) -> Vec<Line> {
    (0..count).map(|session| Line::open(address, Dialogue::ouch(session, count))).collect()
}
