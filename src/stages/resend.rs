//! The interface between the gateway, which has the clients, the archiver, which knows where each message is in the
//! event log, and the resender, which reads it there. A client that resumes from an old message, or reads an ended
//! session, gets its old messages from the log in chunks, without affecting other clients.

use crate::domain::audience::{Address, Audience};
use crate::domain::streams::Mark;
use crate::domain::{EventRecord, LoginId};
use crate::runtime::handoff::{Giver, Taker, handoff};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::sync::{Arc, Weak};

/// The capacity of each queue.
pub const QUEUE_LEN: usize = 256;

/// Messages per chunk; one event may add one more.
pub const CHUNK_MESSAGES: usize = 512;

/// A request for one chunk of a login's old messages.
#[derive(Clone, Debug)]
pub struct ResendRequest {
    pub login: LoginId,
    pub session: u32,
    /// The connection that asks; returned in the answer.
    pub connection: u64,
    /// Can be upgraded as long as the connection waits for the answer.
    pub wanted: Weak<()>,
    /// The first message wanted, from 1.
    pub from: u64,
    /// The end of the range, exclusive.
    pub until: u64,
}

/// A query from the gateway.
#[derive(Clone, Debug)]
pub enum ResendQuery {
    /// For a chunk of old messages.
    Chunk(ResendRequest),
    /// For the number of messages of an ended session.
    Find {
        login: LoginId,
        session: u32,
        /// The connection that asks; returned in the answer.
        connection: u64,
    },
}

/// Where to start reading for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At this event, where the login's next message has this number.
    At(Mark),
    /// The earlier events are no longer in the log. The login's messages must be counted from its first event up to
    /// this one, where the number of the next message is known.
    Counted(Mark),
}

/// A request with everything needed to read the log.
#[derive(Clone, Debug)]
pub struct ResendJob {
    pub request: ResendRequest,
    pub start: Start,
    /// The recipients of the events.
    pub audience: Arc<Audience>,
    /// The last event for which `audience` is valid. Later events in the log are for a later request, because copies
    /// may have been added in between.
    pub last_event: u64,
}

/// Why a chunk ends where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It is as long as possible, or there are no messages yet: ask again.
    Good,
    /// Some of the requested messages are no longer in the event log.
    Gone,
    /// The messages cannot be read; the engine's log has the reason.
    Failed,
}

/// Messages `first` to `first + messages.len() - 1` of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct ResendChunk {
    pub login: LoginId,
    pub connection: u64,
    /// The number of the first message in it.
    pub first: u64,
    /// The events, each with the address of the message.
    pub messages: Vec<(EventRecord, Address)>,
    /// Why there are not more messages.
    pub reading: Reading,
}

/// An answer to the gateway.
#[derive(Clone, Debug, PartialEq)]
pub enum ResendAnswer {
    Chunk(ResendChunk),
    /// The result of a query for an ended session.
    Found {
        connection: u64,
        login: LoginId,
        session: u32,
        /// The number of its messages; `None`: it can no longer be read, or never existed.
        messages: Option<u64>,
    },
}

#[derive(Debug)]
pub struct ResendClient {
    /// Sends queries. If it is full, try again in a later duty cycle.
    pub queries: Sender<ResendQuery>,
    pub answers: Taker<ResendAnswer>,
}

#[derive(Debug)]
pub struct ResendLocator {
    /// Receives queries.
    pub queries: Receiver<ResendQuery>,
    /// Sends jobs. If it is full, try again in a later duty cycle.
    pub jobs: Sender<ResendJob>,
    /// Sends answers. If one is refused, try again in a later duty cycle.
    pub answers: Giver<ResendAnswer>,
}

#[derive(Debug)]
pub struct ResendReader {
    /// Receives jobs.
    pub jobs: Receiver<ResendJob>,
    /// Sends chunks. If one is refused, try again in a later duty cycle.
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
