//! The resender: reads old messages from the event log, a chunk at a time, for clients that resume far back.
//!
//! A login's messages may lie far apart in the log, so a chunk can take many duty cycles to gather. Each cycle reads a
//! bounded number of records for one job. There is one job a login at most, a later one in the place of an earlier one; jobs
//! take turns; one that nobody waits for any more ends. A place in the log is kept for the next chunk. What cannot be read
//! ends the wait of who asked for it, and nothing else.

use crate::domain::streams::Mark;
use crate::domain::{Event, EventRecord, LoginId, VenueEvent, codec};
use crate::ring::{CursorReader, CursorWriter, cursor};
use crate::runtime::handoff::NotNow;
use crate::runtime::{Agent, Counter, Counters, Doorbell, Fatal, Passing};
use crate::stages::resend::{
    CHUNK_MESSAGES, Reading, ResendAnswer, ResendChunk, ResendJob, ResendReader, Start,
};
use dojima_journal::storage::Storage;
use dojima_journal::{JournalError, Reader, SegmentIndex};
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::Arc;

/// Records read in one duty cycle: some tens of microseconds.
const RECORDS_PER_CYCLE: usize = 1024;

/// Places in the log that are kept for requests to come, one a login at most.
const PARKED_MAX: usize = 16;

pub struct Resender {
    ends: ResendReader,
    downstream: Vec<Doorbell>,
    log: SegmentIndex,
    /// The first event in the log, for those who look for a place in it.
    oldest: CursorWriter,
    jobs: VecDeque<Job>,
    parked: VecDeque<Walk>,
    counts: Counts,
    passing: Passing,
}

struct Counts {
    jobs: Counter,
    dropped: Counter,
    records: Counter,
    chunks: Counter,
    messages: Counter,
    failed: Counter,
}

/// A reader on its way through the log, counting a login's messages.
struct Walk {
    reader: Reader,
    /// Whose messages, for whom: what a later request must have in common to go on from here.
    login: LoginId,
    session: u32,
    connection: u64,
    /// Events before this one are not counted.
    first_event: u64,
    /// The number of the next message that will be met.
    next_message: u64,
    /// That number is not known yet.
    counting: Option<Counting>,
}

/// Which message is the first in a log whose beginning was retired: the messages up to a place where the number is known are
/// counted, and then the walk is begun anew.
struct Counting {
    until: Mark,
    /// The event that comes next.
    next_event: u64,
    counted: u64,
}

/// A request that is being worked on.
struct Job {
    job: ResendJob,
    walk: Option<Walk>,
    chunk: ResendChunk,
    /// Nothing more is read for it: the chunk is to be sent as it is.
    ended: bool,
}

/// Why a job cannot go on.
enum Stop {
    /// The chunk is full, or the log ends.
    Done,
    /// What is wanted is not there any more.
    Gone,
    /// Something passes: the same is to be tried again later.
    Later(String),
    /// It cannot be read.
    Failed(String),
}

impl From<JournalError> for Stop {
    fn from(error: JournalError) -> Self {
        match &error {
            passing if passing.is_passing() => Self::Later(error.to_string()),
            JournalError::Gone { .. } => Self::Gone,
            JournalError::Io { source, .. } if source.kind() == ErrorKind::NotFound => Self::Gone,
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl Resender {
    /// Reads in this log. `downstream`: whom to wake after an answer.
    pub fn new(
        ends: ResendReader,
        downstream: Vec<Doorbell>,
        log: Arc<dyn Storage>,
        counters: &Counters,
    ) -> Self {
        let counts = Counts {
            jobs: counters.register("resender.jobs", "requests"),
            dropped: counters.register("resender.dropped", "requests"),
            records: counters.register("resender.records", "records"),
            chunks: counters.register("resender.chunks", "chunks"),
            messages: counters.register("resender.messages", "messages"),
            failed: counters.register("resender.failed", "requests"),
        };
        let mut resender = Self {
            ends,
            downstream,
            log: SegmentIndex::new(log),
            oldest: cursor().0,
            jobs: VecDeque::new(),
            parked: VecDeque::with_capacity(PARKED_MAX),
            counts,
            passing: Passing::new("resender", counters),
        };
        // Whoever asks for what cannot be read is told so when it asks.
        let _ = resender.refresh();
        resender
    }

    /// The first event that there is in the log.
    pub fn oldest(&self) -> CursorReader {
        self.oldest.reader()
    }

    fn refresh(&mut self) -> Result<(), Stop> {
        self.log.refresh()?;
        self.oldest.set(self.log.first());
        Ok(())
    }

    fn listen(&mut self) -> usize {
        let mut taken = 0;
        while let Ok(job) = self.ends.jobs.try_recv() {
            taken += 1;
            // A login has one connection: what it asked for on another one is not wanted any more.
            let login = job.request.login;
            let before = self.jobs.len();
            self.jobs.retain(|other| other.job.request.login != login);
            self.counts.dropped.add((before - self.jobs.len()) as u64);
            self.jobs.push_back(Job::new(job));
        }
        self.counts.jobs.set(self.jobs.len() as u64);
        taken
    }

    /// One bounded turn of the job whose turn it is. Returns the work done.
    fn turn(&mut self) -> usize {
        let Some(mut job) = self.jobs.pop_front() else { return 0 };
        if job.job.request.wanted.strong_count() == 0 {
            self.counts.dropped.add(1);
            return 1;
        }
        match self.work_on(&mut job) {
            Ok(()) => self.jobs.push_back(job),
            Err(Stop::Later(what)) => {
                self.jobs.push_back(job);
                self.passing.note(&what);
                return 0;
            }
            Err(stop) => return self.finish(job, stop),
        }
        self.passing.over();
        1
    }

    /// # Errors
    /// Why it does not go on.
    fn work_on(&mut self, job: &mut Job) -> Result<(), Stop> {
        if job.is_full() {
            return Err(Stop::Done);
        }
        if job.walk.is_none() {
            job.walk = Some(self.start(&job.job)?);
        }
        for _ in 0..RECORDS_PER_CYCLE {
            job.count(&mut self.log)?;
            job.read(&self.counts)?;
        }
        Ok(())
    }

    fn start(&mut self, job: &ResendJob) -> Result<Walk, Stop> {
        let request = &job.request;
        let (login, session, connection) = (request.login, request.session, request.connection);
        let goes_on = |walk: &Walk| {
            (walk.login, walk.session, walk.connection) == (login, session, connection)
                && walk.next_message == request.from
        };
        let kept = self.parked.iter().position(|walk| walk.login == login);
        if let Some(walk) = kept.and_then(|at| self.parked.remove(at)).filter(goes_on) {
            return Ok(walk);
        }
        let (first_event, next_message, counting) = match job.start {
            Start::At(mark) => (mark.event, mark.message, None),
            Start::Counted(until) => {
                self.refresh()?;
                let first = self.log.first();
                (first, 0, Some(Counting { until, next_event: first, counted: 0 }))
            }
        };
        let reader = match self.log.reader_of(first_event).map_err(Stop::from) {
            Ok(reader) => reader,
            // The next to ask is told from where it has to be counted.
            Err(Stop::Gone) if counting.is_none() => {
                self.refresh()?;
                return Err(Stop::Done);
            }
            Err(stop) => return Err(stop),
        };
        Ok(Walk { reader, login, session, connection, first_event, next_message, counting })
    }

    /// Sends the chunk, or keeps the job while the gateway has not taken the earlier ones.
    fn finish(&mut self, mut job: Job, stop: Stop) -> usize {
        let messages = job.chunk.messages.len() as u64;
        if matches!(stop, Stop::Gone | Stop::Failed(_)) {
            job.walk = None;
        }
        match stop {
            Stop::Done | Stop::Later(_) => {}
            // What was gathered is good; whoever asks for more is told.
            Stop::Gone | Stop::Failed(_) if messages > 0 => {}
            Stop::Gone => job.chunk.reading = Reading::Gone,
            Stop::Failed(why) => {
                let (login, from) = (job.chunk.login, job.chunk.first);
                tracing::warn!("message {from} of login {login} cannot be read back: {why}");
                self.counts.failed.add(1);
                job.chunk.reading = Reading::Failed;
            }
        }
        match self.ends.answers.try_give(ResendAnswer::Chunk(job.chunk)) {
            Ok(()) => {}
            Err(NotNow(ResendAnswer::Chunk(chunk))) => {
                (job.chunk, job.ended) = (chunk, true);
                self.jobs.push_back(job);
                return 0;
            }
            Err(NotNow(ResendAnswer::Found { .. })) => return 1,
        }
        self.counts.chunks.add(1);
        self.counts.messages.add(messages);
        self.downstream.iter().for_each(Doorbell::ring);
        if let Some(walk) = job.walk {
            if self.parked.len() == PARKED_MAX {
                self.parked.pop_front();
            }
            self.parked.push_back(walk);
        }
        1
    }
}

impl Job {
    fn new(job: ResendJob) -> Self {
        let (login, connection, first) = (job.request.login, job.request.connection, job.request.from);
        let chunk = ResendChunk { login, connection, first, messages: Vec::new(), reading: Reading::Good };
        Self { job, walk: None, chunk, ended: false }
    }

    fn is_full(&self) -> bool {
        let len = self.chunk.messages.len();
        let is_answered = self.chunk.first + len as u64 >= self.job.request.until;
        self.ended || len >= CHUNK_MESSAGES || is_answered
    }

    /// Begins a walk anew that has counted its messages.
    fn count(&mut self, log: &mut SegmentIndex) -> Result<(), Stop> {
        let Some(walk) = &mut self.walk else { return Ok(()) };
        let is_done = |counting: &&Counting| counting.next_event >= counting.until.event;
        let Some(counting) = walk.counting.as_ref().filter(is_done) else { return Ok(()) };
        let next_message = counting.until.message.saturating_sub(counting.counted);
        if next_message > self.job.request.from {
            return Err(Stop::Gone);
        }
        walk.reader = log.reader_of(walk.first_event)?;
        (walk.next_message, walk.counting) = (next_message, None);
        Ok(())
    }

    fn read(&mut self, counts: &Counts) -> Result<(), Stop> {
        if self.is_full() {
            return Err(Stop::Done);
        }
        let Some(walk) = &mut self.walk else { return Err(Stop::Done) };
        // The log may hold more than those knew who said where to start, but never less.
        if walk.reader.next_in_segment().is_some_and(|next| next > self.job.last_event) {
            return Err(Stop::Done);
        }
        let Some(found) = walk.reader.next()? else { return Err(Stop::Done) };
        counts.records.add(1);
        if found.sequence < walk.first_event {
            return Ok(());
        }
        let record = codec::decode_event(found.payload).map_err(|error| Stop::Failed(error.to_string()))?;
        let login = walk.login;
        if let Some(counting) = &mut walk.counting {
            self.job.audience.each(&record, |to| counting.counted += u64::from(to.login == login));
            counting.next_event = record.number + 1;
            return Ok(());
        }
        self.take(&record)
    }

    /// Adds what this event says to the login.
    fn take(&mut self, record: &EventRecord) -> Result<(), Stop> {
        let Some(walk) = &mut self.walk else { return Ok(()) };
        if let Event::Venue(VenueEvent::SessionStarted { login, session }) = record.event
            && login == walk.login
            && session != walk.session
        {
            // What follows is another stream.
            self.walk = None;
            return Err(Stop::Done);
        }
        let (request, chunk) = (&self.job.request, &mut self.chunk);
        self.job.audience.each(record, |to| {
            if to.login != walk.login {
                return;
            }
            let message = walk.next_message;
            walk.next_message += 1;
            if (request.from..request.until).contains(&message) {
                chunk.messages.push((*record, to));
            }
        });
        Ok(())
    }
}

impl Agent for Resender {
    fn name(&self) -> &str {
        "resender"
    }

    fn do_work(&mut self) -> Result<usize, Fatal> {
        Ok(self.listen() + self.turn())
    }
}
