//! The seam between the gateway, which owns the sockets, and the archiver, which owns the event log: a client that
//! resumes far back is sent its old messages from the log, a chunk at a time, without disturbing anyone else.

use crate::domain::LoginId;
use crossbeam_channel::{Receiver, Sender, bounded};

/// How many requests and how many chunks may wait on either side.
pub const QUEUE_LEN: usize = 256;

/// The bytes of a chunk stay below this, give or take one message.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// Asks for one chunk of a login's old messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResendRequest {
    /// Whose stream.
    pub login: LoginId,
    /// Of which session.
    pub session: u32,
    /// The connection that asks; comes back in the chunk, so that an answer to a dead connection is dropped.
    pub connection: u64,
    /// The first message wanted, from 1.
    pub from: u64,
    /// The first message no longer wanted.
    pub until: u64,
}

/// Messages `first` to `first + messages - 1` of a stream, framed as SoupBinTCP Sequenced Data packets, ready to
/// send. Empty when the archiver has not got that far yet: ask again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResendChunk {
    /// Whose stream.
    pub login: LoginId,
    /// The connection that asked.
    pub connection: u64,
    /// The number of the first message in it.
    pub first: u64,
    /// How many messages are in it.
    pub messages: u64,
    /// Their packets.
    pub bytes: Vec<u8>,
    /// Some of the messages that were asked for are not in the event log any more.
    pub gone: bool,
}

/// The gateway's end.
#[derive(Debug)]
pub struct ResendClient {
    /// Where requests go. Full: try again in a later duty cycle.
    pub requests: Sender<ResendRequest>,
    /// Where chunks come from.
    pub chunks: Receiver<ResendChunk>,
}

/// The archiver's end.
#[derive(Debug)]
pub struct ResendServer {
    /// Where requests come from.
    pub requests: Receiver<ResendRequest>,
    /// Where chunks go. Full: try again in a later duty cycle.
    pub chunks: Sender<ResendChunk>,
}

/// Both ends.
pub fn resend_queues() -> (ResendClient, ResendServer) {
    let (requests_in, requests_out) = bounded(QUEUE_LEN);
    let (chunks_in, chunks_out) = bounded(QUEUE_LEN);
    let client = ResendClient { requests: requests_in, chunks: chunks_out };
    (client, ResendServer { requests: requests_out, chunks: chunks_in })
}
