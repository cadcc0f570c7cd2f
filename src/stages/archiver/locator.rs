//! Finds where old messages are in the event log. The resender reads them there.

use crate::domain::LoginId;
use crate::domain::audience::Audience;
use crate::domain::streams::{Mark, StreamIndex};
use crate::ring::CursorReader;
use crate::runtime::Doorbell;
use crate::runtime::handoff::NotNow;
use crate::stages::resend::{
    Reading, ResendAnswer, ResendChunk, ResendJob, ResendLocator, ResendQuery, ResendRequest, Start,
};
use std::collections::VecDeque;
use std::sync::Arc;

/// The most queries per duty cycle.
const QUERIES_MAX: usize = 16;

/// The state of the log at its last event.
pub(super) struct Known {
    /// Counts exactly the events up to `last_event`.
    pub(super) streams: StreamIndex,
    /// The last event that readers of the log see.
    pub(super) last_event: u64,
}

/// Answers where old messages are.
pub(super) struct Locator {
    ends: ResendLocator,
    /// The number of the first event in the log.
    oldest: CursorReader,
    downstream: Vec<Doorbell>,
    /// The recipients of events, shared with the readers, and the size of that table.
    audience: Arc<Audience>,
    size: usize,
    /// Answers that did not fit into the queue.
    held: VecDeque<ResendAnswer>,
    /// Queries about sessions that have ended for the gateway but not yet in the log.
    early: Vec<(LoginId, u32, u64)>,
}

impl Locator {
    pub(super) fn new(
        ends: ResendLocator,
        oldest: CursorReader,
        downstream: Vec<Doorbell>,
        known: &Known,
    ) -> Self {
        let audience = known.streams.audience();
        let (size, audience) = (audience.size(), Arc::new(audience.clone()));
        Self { ends, oldest, downstream, audience, size, held: VecDeque::new(), early: Vec::new() }
    }

    /// Answers or forwards a bounded number of queries; returns how many.
    pub(super) fn work(&mut self, known: &Known) -> usize {
        while let Some(answer) = self.held.pop_front() {
            if let Err(NotNow(answer)) = self.ends.answers.try_give(answer) {
                self.held.push_front(answer);
                return 0;
            }
        }
        for (login, session, connection) in std::mem::take(&mut self.early) {
            self.find(known, login, session, connection);
        }
        for done in 0..QUERIES_MAX {
            if !self.held.is_empty() || self.ends.jobs.is_full() {
                return done;
            }
            let Ok(query) = self.ends.queries.try_recv() else { return done };
            match query {
                ResendQuery::Find { login, session, connection } => {
                    self.find(known, login, session, connection);
                }
                ResendQuery::Chunk(request) => self.locate(known, request),
            }
            self.downstream.iter().for_each(Doorbell::ring);
        }
        QUERIES_MAX
    }

    fn answer(&mut self, answer: ResendAnswer) {
        if let Err(NotNow(answer)) = self.ends.answers.try_give(answer) {
            self.held.push_back(answer);
        }
    }

    /// Answers how many messages an ended session had, if its last message is still in the log.
    fn find(&mut self, known: &Known, login: LoginId, session: u32, connection: u64) {
        if known.streams.session_of(login) <= session {
            return self.early.push((login, session, connection));
        }
        let ended = known.streams.ended(login, session);
        let is_there = ended.filter(|ended| ended.last_event >= self.oldest.get());
        let messages = is_there.map(|ended| ended.messages);
        self.answer(ResendAnswer::Found { connection, login, session, messages });
        self.downstream.iter().for_each(Doorbell::ring);
    }

    fn locate(&mut self, known: &Known, request: ResendRequest) {
        let ResendRequest { login, session, connection, from, .. } = request;
        let Some(mark) = known.streams.mark_before(login, session, from) else {
            let reading = Reading::Good;
            let chunk = ResendChunk { login, connection, first: from, messages: Vec::new(), reading };
            self.answer(ResendAnswer::Chunk(chunk));
            return;
        };
        let oldest = self.oldest.get();
        let start = if mark.event >= oldest {
            Start::At(mark)
        } else {
            let later = known.streams.known_from(login, session, oldest);
            let end = Mark { event: known.last_event + 1, message: known.streams.messages(login) + 1 };
            Start::Counted(later.unwrap_or(end))
        };
        let (audience, last_event) = (self.audience(known), known.last_event);
        // The queue had room just before, and only this agent fills it.
        let _ = self.ends.jobs.try_send(ResendJob { request, start, audience, last_event });
    }

    /// The recipients of events, as known now.
    fn audience(&mut self, known: &Known) -> Arc<Audience> {
        let audience = known.streams.audience();
        if audience.size() != self.size {
            (self.audience, self.size) = (Arc::new(audience.clone()), audience.size());
        }
        Arc::clone(&self.audience)
    }
}
