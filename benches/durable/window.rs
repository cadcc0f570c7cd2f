//! As many orders as a window lets them, from some sessions on one thread.

use crate::line::{Line, PATIENCE};
use crate::report::{histogram, nanos};
use hdrhistogram::Histogram;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use std::collections::VecDeque;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

/// Unanswered orders of a session.
pub const WINDOW: u64 = 512;
/// The client sleeps no longer.
const NAP: Duration = Duration::from_millis(10);

/// A session and what of it is on its way.
struct Lane {
    line: Line,
    asked: u64,
    answered: u64,
    /// Orders that left together: how many there were by then, and when.
    left: VecDeque<(u64, Instant)>,
}

impl Lane {
    /// Takes what has come; whether that was anything.
    fn receive(&mut self, latency: &mut Histogram<u64>) -> bool {
        let mut any = false;
        while let Some(answers) = self.line.receive() {
            any = true;
            let now = Instant::now();
            let upto = self.answered + answers;
            while let Some((end, at)) = self.left.front().copied() {
                let these = end.min(upto) - self.answered;
                latency.saturating_record_n(nanos(now - at), these);
                self.answered += these;
                if end > upto {
                    break;
                }
                self.left.pop_front();
            }
        }
        any
    }

    /// Asks for as much as the window lets it.
    fn fill(&mut self, goal: u64) -> bool {
        if !self.line.output.is_empty() {
            return self.line.flush();
        }
        let room = (WINDOW - (self.asked - self.answered)).min(goal - self.asked);
        if room == 0 {
            return false;
        }
        for _ in 0..room {
            self.line.dialogue.asking.push(&mut self.line.output);
        }
        self.asked += room;
        self.left.push_back((self.asked, Instant::now()));
        self.line.flush();
        true
    }
}

/// What came of it.
pub struct Outcome {
    pub answered: u64,
    pub elapsed: Duration,
    /// From when an order was written to when its answer was read, ns; the clock is read once for each read and write.
    pub latency: Histogram<u64>,
}

/// Plays until each line has `goal` answers, or until `go_on` says no, which is asked every `every` with how many
/// answers there are; what is on its way then is waited for.
pub fn play(lines: Vec<Line>, goal: u64, every: Duration, mut go_on: impl FnMut(u64) -> bool) -> Outcome {
    let mut poll = Poll::new().expect("a poll");
    let mut events = Events::with_capacity(64);
    let lane = |line: Line| {
        line.never_wait();
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry()
            .register(&mut SourceFd(&line.socket.as_raw_fd()), Token(0), interest)
            .expect("watched");
        Lane { line, asked: 0, answered: 0, left: VecDeque::new() }
    };
    let mut lanes: Vec<Lane> = lines.into_iter().map(lane).collect();
    let (mut latency, started, mut goal) = (histogram(), Instant::now(), goal);
    let (mut next, mut last_news) = (every, Duration::ZERO);
    loop {
        let mut any = false;
        for lane in &mut lanes {
            any |= lane.receive(&mut latency);
            any |= lane.fill(goal.max(lane.asked));
        }
        let answered: u64 = lanes.iter().map(|lane| lane.answered).sum();
        let elapsed = started.elapsed();
        if lanes.iter().all(|lane| lane.answered == goal.max(lane.asked)) {
            let refused: u64 = lanes.iter().map(|lane| lane.line.dialogue.answering.refused()).sum();
            assert_eq!(refused, 0, "no order is refused");
            return Outcome { answered, elapsed, latency };
        }
        if elapsed >= next {
            next += every;
            if !go_on(answered) {
                goal = 0;
            }
        }
        if any {
            last_news = elapsed;
        } else {
            match poll.poll(&mut events, Some(NAP)) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                other => other.expect("woken"),
            }
        }
        assert!(elapsed - last_news < PATIENCE, "no answers any more");
    }
}
