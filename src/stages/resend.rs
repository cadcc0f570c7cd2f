//! The seam between the gateway, which owns the clients, the archiver, which knows where each message is in the event log,
//! and the resender, which reads it there: a client that resumes far back, or reads a session that has ended, is sent its
//! old messages from the log, a chunk at a time, without disturbing anyone else.

use crate::domain::audience::{Address, Audience};
use crate::domain::streams::Mark;
use crate::domain::{EventRecord, LoginId};
use crate::runtime::handoff::{Giver, Taker, handoff};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::sync::{Arc, Weak};

/// How many may wait in each queue.
pub const QUEUE_LEN: usize = 256;

/// Messages of a chunk, give or take one event's.
pub const CHUNK_MESSAGES: usize = 512;

/// Asks for one chunk of a login's old messages.
#[derive(Clone, Debug)]
pub struct ResendRequest {
    pub login: LoginId,
    pub session: u32,
    /// The connection that asks; comes back in the answer.
    pub connection: u64,
    /// Lives as long as somebody waits for the answer.
    pub wanted: Weak<()>,
    /// The first message wanted, from 1.
    pub from: u64,
    /// The first message no longer wanted.
    pub until: u64,
}

/// What the gateway asks.
#[derive(Clone, Debug)]
pub enum ResendQuery {
    /// For old messages.
    Chunk(ResendRequest),
    /// How many messages a session had that has ended.
    Find {
        login: LoginId,
        session: u32,
        /// The connection that asks; comes back in the answer.
        connection: u64,
    },
}

/// Where the messages are that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The number of the login's next message at this event.
    At(Mark),
    /// What lies before the place is not in the log any more. The login's messages have to be counted from its first event up
    /// to this one, where the number of the next is known.
    Counted(Mark),
}

/// A request with all that is needed for reading the log.
#[derive(Clone, Debug)]
pub struct ResendJob {
    pub request: ResendRequest,
    pub start: Start,
    /// Whom the events were for.
    pub audience: Arc<Audience>,
    /// The last event of which `audience` says that. Those that the log has after it are for a later request: a login may have
    /// been given copies in between.
    pub last_event: u64,
}

/// Why a chunk is as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It has messages, or there are none yet: ask again.
    Good,
    /// Some of the messages that were asked for are not in the event log any more.
    Gone,
    /// They cannot be read, for a reason that is in the log.
    Failed,
}

/// Messages `first` to `first + messages.len() - 1` of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct ResendChunk {
    pub login: LoginId,
    pub connection: u64,
    /// The number of the first message in it.
    pub first: u64,
    /// The events, and which message of each it is.
    pub messages: Vec<(EventRecord, Address)>,
    /// Why there are not more.
    pub reading: Reading,
}

/// What the gateway is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum ResendAnswer {
    Chunk(ResendChunk),
    /// What is known of a session that has ended.
    Found {
        connection: u64,
        login: LoginId,
        session: u32,
        /// How many messages it had; `None`: it cannot be read any more, or never was.
        messages: Option<u64>,
    },
}

#[derive(Debug)]
pub struct ResendClient {
    /// Where queries go. Full: try again in a later duty cycle.
    pub queries: Sender<ResendQuery>,
    pub answers: Taker<ResendAnswer>,
}

#[derive(Debug)]
pub struct ResendLocator {
    /// Where queries come from.
    pub queries: Receiver<ResendQuery>,
    /// Where requests go with what is known of them. Full: try again in a later duty cycle.
    pub jobs: Sender<ResendJob>,
    /// Where answers go. Refused: try again in a later duty cycle.
    pub answers: Giver<ResendAnswer>,
}

#[derive(Debug)]
pub struct ResendReader {
    /// Where jobs come from.
    pub jobs: Receiver<ResendJob>,
    /// Where chunks go. Refused: try again in a later duty cycle.
    pub answers: Giver<ResendAnswer>,
}

pub fn resend_queues() -> (ResendClient, ResendLocator, ResendReader) {
    let (queries_in, queries) = bounded(QUEUE_LEN);
    let (jobs_in, jobs) = bounded(QUEUE_LEN);
    let (answers_in, answers) = handoff(QUEUE_LEN);
    (
        ResendClient { queries: queries_in, answers },
        ResendLocator { queries, jobs: jobs_in, answers: answers_in.clone() },
        ResendReader { jobs, answers: answers_in },
    )
}
