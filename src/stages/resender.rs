//! The resender: reads old messages from the event log in chunks, for clients that resume from an old message.
//!
//! A login's messages may be far apart in the log, so a chunk can take many duty cycles. Each cycle reads a bounded
//! number of records for one job. There is at most one job per login; a new one replaces the old one. Jobs take turns,
//! and a job ends when its connection no longer waits. The reader's place in the log is kept for the next chunk. A read
//! error ends only the request that met it.

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

/// Records read per duty cycle: some tens of microseconds.
const RECORDS_PER_CYCLE: usize = 1024;

/// How many places in the log are kept for later requests, at most one per login.
const PARKED_MAX: usize = 16;

pub struct Resender {
    ends: ResendReader,
    downstream: Vec<Doorbell>,
    log: SegmentIndex,
    /// The number of the first event in the log, for agents that look for a place in it.
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

/// A reader in the log that counts a login's messages.
struct Walk {
    reader: Reader,
    /// Its login, session and recipients: a later request must have the same to continue from here.
    login: LoginId,
    session: u32,
    connection: u64,
    /// Events before this one are not counted.
    first_event: u64,
    /// The number of the next message that will be met.
    next_message: u64,
    /// Set while that number is not known yet.
    counting: Option<Counting>,
}

/// Finds the number of the first message in a log whose beginning was retired: counts the messages up to a place where
/// the number is known, and then restarts the walk.
struct Counting {
    until: Mark,
    /// The next event.
    next_event: u64,
    counted: u64,
}

/// A request in progress.
struct Job {
    job: ResendJob,
    walk: Option<Walk>,
    chunk: ResendChunk,
    /// Nothing more is read for it: the chunk is sent as it is.
    ended: bool,
}

/// Why a job cannot continue now.
enum Stop {
    /// The chunk is full, or the log ends.
    Done,
    /// The requested messages are no longer in the log.
    Gone,
    /// A transient error: retry later.
    Later(String),
    /// The log cannot be read.
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
    /// Reads this log. `downstream` is rung after an answer.
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
        // A request that meets an error reports it then.
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
            // A login has one connection: its requests on earlier connections are obsolete.
            let login = job.request.login;
            let before = self.jobs.len();
            self.jobs.retain(|other| other.job.request.login != login);
            self.counts.dropped.add((before - self.jobs.len()) as u64);
            self.jobs.push_back(Job::new(job));
        }
        self.counts.jobs.set(self.jobs.len() as u64);
        taken
    }

    /// One bounded step of the next job. Returns the work done.
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
    /// Why the job does not continue.
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
            // The next request is told where counting has to start.
            Err(Stop::Gone) if counting.is_none() => {
                self.refresh()?;
                return Err(Stop::Done);
            }
            Err(stop) => return Err(stop),
        };
        Ok(Walk { reader, login, session, connection, first_event, next_message, counting })
    }

    /// Sends the chunk, or keeps the job while the gateway has not taken earlier chunks.
    fn finish(&mut self, mut job: Job, stop: Stop) -> usize {
        let messages = job.chunk.messages.len() as u64;
        if matches!(stop, Stop::Gone | Stop::Failed(_)) {
            job.walk = None;
        }
        match stop {
            Stop::Done | Stop::Later(_) => {}
            // The messages gathered so far are valid; the next request gets the error.
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

    /// Restarts a walk that has counted its messages.
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
        // The log may have more events than when the start was determined, but never fewer.
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

    /// Adds the messages of this event to the chunk.
    fn take(&mut self, record: &EventRecord) -> Result<(), Stop> {
        let Some(walk) = &mut self.walk else { return Ok(()) };
        if let Event::Venue(VenueEvent::SessionStarted { login, session }) = record.event
            && login == walk.login
            && session != walk.session
        {
            // What follows belongs to another stream.
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
