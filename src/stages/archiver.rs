//! The archiver: appends every released event to the event log.
//!
//! The log has the format of the journal, with one record per event, and is not synced as it is written: events lost in
//! a power cut are reproduced from the journal. The log must never hold an event whose command is not durable, so the
//! archiver reads the event ring only up to the durable cursor. If the disk has no space for the log it stops reading,
//! and the ring fills up.

mod locator;

use crate::domain::streams::StreamIndex;
use crate::domain::{EventRecord, codec};
use crate::ring::{Consumer, CursorReader, CursorWriter, cursor};
use crate::runtime::{Agent, Counter, Counters, Doorbell, Fatal};
use crate::stages::phases::PhaseNotes;
use crate::stages::resend::ResendLocator;
use crate::stages::space::SpaceLow;
use dojima_journal::{AppendError, Writer};
use locator::{Known, Locator};

/// The most events per duty cycle.
const BATCH_MAX: usize = 4096;

/// Everything that the archiver is connected to.
pub struct ArchiverPorts {
    pub events: Consumer<EventRecord>,
    /// The gate: events of commands after this cursor are not released yet.
    pub durable: CursorReader,
    /// Reports whether the event log is short of space.
    pub space: SpaceLow,
    /// Requests for old messages, and the resender that reads them.
    pub resend: ResendLocator,
    /// The number of the first event in the log.
    pub oldest: CursorReader,
    /// Rung after telling where old messages are.
    pub downstream: Vec<Doorbell>,
    /// Rung after making room in an event ring that was at least half full.
    pub upstream: Vec<Doorbell>,
    /// Rung after events were appended to the log.
    pub followers: Vec<Doorbell>,
    /// Half the slots of the event ring.
    pub half_full: u64,
}

pub struct Archiver {
    events: Consumer<EventRecord>,
    durable: CursorReader,
    space: SpaceLow,
    log: Option<Writer>,
    known: Known,
    locator: Locator,
    archived: CursorWriter,
    session: CursorWriter,
    upstream: Vec<Doorbell>,
    followers: Vec<Doorbell>,
    half_full: u64,
    phases: Option<PhaseNotes>,
    counts: Counts,
}

struct Counts {
    archived: Counter,
    bytes: Counter,
    no_space: Counter,
}

impl Archiver {
    /// Continues after `last_event`, the last event in `log`; `streams` is the stream index at that event.
    pub fn new(
        ports: ArchiverPorts,
        log: Writer,
        streams: StreamIndex,
        last_event: u64,
        counters: &Counters,
    ) -> Self {
        let ArchiverPorts {
            events,
            durable,
            space,
            resend,
            oldest,
            downstream,
            upstream,
            followers,
            half_full,
        } = ports;
        let counts = Counts {
            archived: counters.register("archiver.archived", "event"),
            bytes: counters.register("archiver.bytes", "bytes"),
            no_space: counters.register("archiver.no_space", "cycles"),
        };
        counts.archived.set(last_event);
        let (mut archived, _) = cursor();
        archived.set(last_event);
        let (mut session, _) = cursor();
        session.set(u64::from(streams.session()));
        let known = Known { streams, last_event };
        let locator = Locator::new(resend, oldest, downstream, &known);
        Self {
            events,
            durable,
            space,
            log: Some(log),
            known,
            locator,
            archived,
            session,
            upstream,
            followers,
            half_full,
            phases: None,
            counts,
        }
    }

    /// Tells the timer what becomes of the phases that it asks for.
    pub fn tell(&mut self, phases: PhaseNotes) {
        self.phases = Some(phases);
    }

    /// The last event in the log.
    pub fn archived(&self) -> CursorReader {
        self.archived.reader()
    }

    /// The session at the last event in the log.
    pub fn session(&self) -> CursorReader {
        self.session.reader()
    }

    fn append(&mut self) -> Result<usize, Fatal> {
        let log =
            self.log.as_mut().ok_or_else(|| Fatal::invariant("the archiver was run after it was closed"))?;
        let durable = self.durable.get();
        let known = &mut self.known;
        let mut failed = None;
        let crowded = self.events.waiting() >= self.half_full;
        let batch = self.events.batch(BATCH_MAX);
        for record in batch.iter().take_while(|record| record.sequence <= durable) {
            // An event that was appended in an earlier cycle but could not be written out comes again.
            if record.number > log.appended()
                && let Err(error) = append_one(log, record)
            {
                failed = Some(error);
                break;
            }
        }
        match log.write_out() {
            Ok(written) => known.last_event = written,
            Err(error) => failed = failed.or(Some(error)),
        }
        // Readers must find every announced event in the log, and so must those that need events no longer in the ring.
        // The stream index must count exactly the events up to `last_event`; otherwise messages would be counted from a
        // wrong number.
        let mut logged = 0;
        for record in batch.iter().take_while(|record| record.number <= known.last_event) {
            known.streams.note(record);
            if let Some(phases) = &self.phases {
                phases.note(&record.event);
            }
            logged += 1;
        }
        batch.release(logged);
        self.archived.set(known.last_event);
        self.session.set(u64::from(known.streams.session()));
        self.counts.archived.set(known.last_event);
        self.counts.bytes.set(log.bytes_written());
        self.space.set(log.low_space(), || log.low_space_reason());
        if crowded && logged > 0 {
            self.upstream.iter().for_each(Doorbell::ring);
        }
        if logged > 0 {
            self.followers.iter().for_each(Doorbell::ring);
        }
        match failed {
            None => {}
            // The events stay in the ring until there is space again.
            Some(AppendError::NoSpace) => self.counts.no_space.add(1),
            Some(error) => return Err(Fatal::event_log(error)),
        }
        Ok(logged)
    }
}

fn append_one(log: &mut Writer, record: &EventRecord) -> Result<(), AppendError> {
    let fill = |payload: &mut [u8]| {
        codec::encode_event(record, payload).expect("ENCODED_LEN_MAX bytes hold any event")
    };
    log.append_with(record.number, record.time.0, codec::ENCODED_LEN_MAX, fill).map(drop)
}

impl Agent for Archiver {
    fn name(&self) -> &str {
        "archiver"
    }

    fn do_work(&mut self) -> Result<usize, Fatal> {
        let logged = self.append()?;
        Ok(logged + self.locator.work(&self.known))
    }

    fn on_close(&mut self) -> Result<(), Fatal> {
        while self.append()? > 0 {}
        let log = self.log.take().ok_or_else(|| Fatal::invariant("the archiver was closed twice"))?;
        log.seal().map_err(Fatal::event_log)
    }
}
