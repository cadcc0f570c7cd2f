//! Old messages from the event log, a chunk at a time.
//!
//! A login's messages may lie far apart in the log, so a chunk can take many duty cycles to gather. Each cycle reads a
//! bounded number of records, the requests take turns, and a place in the log is kept for the next chunk.

use super::archiver::Known;
use crate::domain::{Event, EventRecord, LoginId, codec};
use crate::runtime::{Counter, Counters, Doorbell, Fatal, Halt, Passing};
use crate::stages::resend::{CHUNK_BYTES, ResendChunk, ResendRequest, ResendServer};
use crate::wire::ouch::{SEQUENCED_LEN_MAX, encode_sequenced};
use crossbeam_channel::TrySendError;
use dojima_journal::storage::Storage;
use dojima_journal::{JournalError, Reader};
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::Arc;

/// Records read in one duty cycle: some tens of microseconds, so that the journaler on the same thread hardly waits.
const RECORDS_PER_CYCLE: usize = 256;

/// Requests that are worked on in turns.
const ACTIVE_MAX: usize = 16;

/// Places in the log that are kept for requests to come.
const PARKED_MAX: usize = 16;

/// Serves requests for old messages.
pub(super) struct Resender {
    server: ResendServer,
    downstream: Vec<Doorbell>,
    log: Arc<dyn Storage>,
    /// A request that could not be begun for the moment.
    asked: Option<ResendRequest>,
    active: VecDeque<Job>,
    parked: VecDeque<Walk>,
    chunks: Counter,
    messages: Counter,
    passing: Passing,
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

/// Which message is the first in a log whose beginning was retired, together with the mark that would have said so: the
/// messages up to a place where the number is known are counted, and then it is begun anew.
struct Counting {
    until_event: u64,
    /// The event that comes next.
    next_event: u64,
    /// The number of the login's first message from `until_event` on.
    message: u64,
    counted: u64,
}

/// A request that is being worked on.
struct Job {
    request: ResendRequest,
    /// `None`: the stream has no such message yet.
    walk: Option<Walk>,
    chunk: ResendChunk,
}

/// How far a job got in its turn.
enum Turn {
    MoreToRead,
    Done,
}

impl Walk {
    fn stream(&self) -> (LoginId, u32) {
        (self.login, self.session)
    }
}

impl Resender {
    pub(super) fn new(
        server: ResendServer,
        downstream: Vec<Doorbell>,
        log: Arc<dyn Storage>,
        counters: &Counters,
    ) -> Self {
        Self {
            server,
            downstream,
            log,
            asked: None,
            active: VecDeque::with_capacity(ACTIVE_MAX),
            parked: VecDeque::with_capacity(PARKED_MAX),
            chunks: counters.register("archiver.resent_chunks", "chunks"),
            messages: counters.register("archiver.resent_messages", "messages"),
            passing: Passing::new("archiver", counters),
        }
    }

    /// One bounded turn. Returns the work done.
    pub(super) fn work(&mut self, known: &Known) -> Result<usize, Fatal> {
        if self.active.len() < ACTIVE_MAX
            && !self.server.chunks.is_full()
            && let Some(request) = self.asked.take().or_else(|| self.server.requests.try_recv().ok())
        {
            match self.start(request, known) {
                Ok(job) => self.active.push_back(job),
                Err(halt) => {
                    self.asked = Some(request);
                    return self.passing.settle(Err(halt));
                }
            }
        }
        let Some(mut job) = self.active.pop_front() else { return Ok(0) };
        match job.turn(known, &self.log) {
            Ok(Turn::MoreToRead) => self.active.push_back(job),
            Ok(Turn::Done) => return self.finish(job),
            Err(halt) => {
                self.active.push_back(job);
                return self.passing.settle(Err(halt));
            }
        }
        self.passing.settle(Ok(1))
    }

    fn start(&mut self, request: ResendRequest, known: &Known) -> Result<Job, Halt> {
        let ResendRequest { login, session, connection, from, .. } = request;
        let chunk =
            ResendChunk { login, connection, first: from, messages: 0, bytes: Vec::new(), gone: false };
        let goes_on = |walk: &Walk| {
            walk.stream() == (login, session) && walk.connection == connection && walk.next_message == from
        };
        if let Some(at) = self.parked.iter().position(goes_on) {
            return Ok(Job { request, walk: self.parked.remove(at), chunk });
        }
        let Some(mark) = known.streams.mark_before(login, session, from) else {
            return Ok(Job { request, walk: None, chunk });
        };
        let reader = match Reader::open_segment_of(Arc::clone(&self.log), mark.event) {
            Ok(reader) => reader,
            Err(error) if is_retired(&error) => {
                let walk = self.count(&request, known)?;
                let chunk = ResendChunk { gone: walk.is_none(), ..chunk };
                return Ok(Job { request, walk, chunk });
            }
            Err(error) => return Err(Halt::of(Fatal::event_log)(error)),
        };
        let (first_event, next_message) = (mark.event, mark.message);
        let walk = Walk { reader, login, session, connection, first_event, next_message, counting: None };
        Ok(Job { request, walk: Some(walk), chunk })
    }

    /// A walk from the first event that there is; `None` when that goes just now.
    fn count(&self, request: &ResendRequest, known: &Known) -> Result<Option<Walk>, Halt> {
        let ResendRequest { login, session, connection, .. } = *request;
        let first_event = match Reader::open_storage(Arc::clone(&self.log), 1) {
            Err(JournalError::Gone { first, .. }) => first,
            Ok(_) => 1,
            Err(error) if is_retired(&error) => return Ok(None),
            Err(error) => return Err(Halt::of(Fatal::event_log)(error)),
        };
        let reader = match Reader::open_storage(Arc::clone(&self.log), first_event) {
            Ok(reader) => reader,
            Err(error) if is_retired(&error) => return Ok(None),
            Err(error) => return Err(Halt::of(Fatal::event_log)(error)),
        };
        let streams = &known.streams;
        let (until_event, message) =
            match (streams.mark_from(login, session, first_event), streams.end_of(login, session)) {
                (Some(mark), _) => (mark.event, mark.message),
                (None, Some(end)) => (end.event + 1, end.message + 1),
                (None, None) => (known.last_event + 1, streams.messages(login) + 1),
            };
        let counting = Some(Counting { until_event, next_event: first_event, message, counted: 0 });
        Ok(Some(Walk { reader, login, session, connection, first_event, next_message: 0, counting }))
    }

    /// Sends the chunk, or keeps the job while the gateway has not taken the earlier ones.
    fn finish(&mut self, mut job: Job) -> Result<usize, Fatal> {
        let messages = job.chunk.messages;
        match self.server.chunks.try_send(job.chunk) {
            Ok(()) => {}
            Err(TrySendError::Full(chunk)) => {
                job.chunk = chunk;
                self.active.push_back(job);
                return Ok(0);
            }
            // No gateway: nobody to send to.
            Err(TrySendError::Disconnected(_)) => return Ok(1),
        }
        self.chunks.add(1);
        self.messages.add(messages);
        self.downstream.iter().for_each(Doorbell::ring);
        if let Some(walk) = job.walk {
            if self.parked.len() == PARKED_MAX {
                self.parked.pop_front();
            }
            self.parked.push_back(walk);
        }
        Ok(1)
    }
}

/// Whether a segment was to be read that retention has removed: before a walk came to it, or while it was looked for.
fn is_retired(error: &JournalError) -> bool {
    match error {
        JournalError::Gone { .. } => true,
        JournalError::Io { source, .. } => source.kind() == ErrorKind::NotFound,
        _ => false,
    }
}

impl Job {
    fn is_full(&self) -> bool {
        self.chunk.bytes.len() >= CHUNK_BYTES || self.chunk.first + self.chunk.messages >= self.request.until
    }

    /// Reads on until the chunk is full, the log ends, or the turn is over.
    fn turn(&mut self, known: &Known, log: &Arc<dyn Storage>) -> Result<Turn, Halt> {
        for _ in 0..RECORDS_PER_CYCLE {
            if self.is_full() {
                return Ok(Turn::Done);
            }
            if !self.has_counted(log)? {
                return Ok(Turn::Done);
            }
            let Some(walk) = &mut self.walk else { return Ok(Turn::Done) };
            // The log may hold more than the index has seen, but never less.
            let found = match walk.reader.next() {
                Ok(Some(found)) => found,
                Ok(None) => return Ok(Turn::Done),
                Err(error) if is_retired(&error) => {
                    // What was gathered is good; whoever asks for more is told.
                    self.chunk.gone = self.chunk.messages == 0;
                    self.walk = None;
                    return Ok(Turn::Done);
                }
                Err(error) => return Err(Halt::of(Fatal::event_log)(error)),
            };
            if found.sequence < walk.first_event {
                continue;
            }
            let record = codec::decode_event(found.payload).map_err(Fatal::event_log)?;
            if let Some(counting) = &mut walk.counting {
                let login = walk.login;
                known.streams.audience().each(&record, |to| counting.counted += u64::from(to.login == login));
                counting.next_event = record.number + 1;
                continue;
            }
            self.take(&record, known)?;
        }
        Ok(Turn::MoreToRead)
    }

    /// Begins a walk anew that has counted its messages. `false`: the message that is wanted is not there any more.
    fn has_counted(&mut self, log: &Arc<dyn Storage>) -> Result<bool, Halt> {
        let Some(walk) = &mut self.walk else { return Ok(true) };
        let Some(counting) =
            walk.counting.as_ref().filter(|counting| counting.next_event >= counting.until_event)
        else {
            return Ok(true);
        };
        walk.next_message = counting.message - counting.counted;
        let reader = match Reader::open_storage(Arc::clone(log), walk.first_event) {
            Ok(reader) if walk.next_message <= self.request.from => Some(reader),
            Ok(_) => None,
            Err(error) if is_retired(&error) => None,
            Err(error) => return Err(Halt::of(Fatal::event_log)(error)),
        };
        walk.counting = None;
        match reader {
            Some(reader) => walk.reader = reader,
            None => (self.chunk.gone, self.walk) = (true, None),
        }
        Ok(!self.chunk.gone)
    }

    /// Adds what this event says to the login.
    fn take(&mut self, record: &EventRecord, known: &Known) -> Result<(), Fatal> {
        let Some(walk) = &mut self.walk else { return Ok(()) };
        if let Event::SessionStarted { login, session } = record.event
            && login == walk.login
            && session != walk.session
        {
            // What follows is another stream.
            self.walk = None;
            return Ok(());
        }
        let (request, chunk) = (&self.request, &mut self.chunk);
        let mut failed = false;
        known.streams.audience().each(record, |to| {
            if to.login != walk.login {
                return;
            }
            let message = walk.next_message;
            walk.next_message += 1;
            if message < request.from || message >= request.until {
                return;
            }
            let mut packet = [0; SEQUENCED_LEN_MAX];
            match encode_sequenced(record, to, &known.listings, &mut packet) {
                Some(len) => {
                    chunk.bytes.extend_from_slice(&packet[..len]);
                    chunk.messages += 1;
                }
                None => failed = true,
            }
        });
        match failed {
            false => Ok(()),
            true => Err(Fatal::invariant(format!("event {} has no message for a recipient", record.number))),
        }
    }
}
