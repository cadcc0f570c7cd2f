//! The rings, gates and queues between agents, sorted by the part of the graph that uses each end.

use super::rings::{Line, Present, Progress, Rings, gate};
use crate::config::Config;
use crate::domain::{Command, EventRecord, Sequenced, ShardTransfer};
use crate::exchange::Exchange;
use crate::net::auth::{AuthClient, AuthServer, auth_queues};
use crate::ring::{Consumer, CursorReader, CursorWriter, Producer, cursor};
use crate::runtime::Mute;
use crate::stages::resend::{ResendClient, ResendLocator, ResendReader, resend_queues};
use crate::stages::space::{SpaceLow, SpaceWatch, space_gauge};
use crossbeam_channel::{Receiver, Sender, bounded};

/// What every part may read.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) progress: Progress,
    pub(super) space: Vec<SpaceWatch>,
    /// While the hot thread does the journaler's work, one agent on it rings the disk thread and the archiver for all
    /// agents.
    pub(super) mute: Mute,
    /// The journaler's position in the command ring.
    pub(super) journaled: CursorReader,
    /// Whether a merge, and not the matcher, writes the event ring.
    pub(super) is_merged: bool,
}

impl Shared {
    fn of(rings: &Rings, [durable, synced, applied]: [CursorReader; 3], space: Vec<SpaceWatch>) -> Self {
        let (sequenced, in_ring) = (rings.commands.cursor(), rings.events.cursor());
        Self {
            progress: Progress { sequenced, durable, synced, applied, in_ring },
            space,
            mute: Mute::default(),
            journaled: rings.to_journaler.cursor(),
            is_merged: !rings.of_shards.is_empty(),
        }
    }
}

/// The ends of gateway and authenticator.
pub(super) struct EntryEnds {
    pub(super) inbound: Producer<Command>,
    pub(super) events: Option<Consumer<EventRecord>>,
    pub(super) resend: ResendClient,
    pub(super) auth: AuthClient,
    /// For order entry, market data and market-data snapshots.
    pub(super) auth_servers: [AuthServer; 3],
}

/// The ends of sequencer, matchers and merge.
pub(super) struct OrderEnds {
    pub(super) sources: Vec<Consumer<Command>>,
    pub(super) operator: (Consumer<Command>, CursorWriter),
    pub(super) courier: Option<Consumer<ShardTransfer>>,
    pub(super) commands: Producer<Sequenced>,
    pub(super) to_matchers: Vec<Consumer<Sequenced>>,
    pub(super) of_shards: Vec<Line<EventRecord>>,
    pub(super) events: Producer<EventRecord>,
    pub(super) applied: CursorWriter,
    pub(super) last_state: Sender<Exchange>,
}

/// The ends of journaler, archiver and resender.
pub(super) struct DurableEnds {
    pub(super) commands: Consumer<Sequenced>,
    pub(super) durable: CursorWriter,
    pub(super) synced: CursorWriter,
    pub(super) journal_space: SpaceLow,
    pub(super) events: Consumer<EventRecord>,
    pub(super) event_log_space: SpaceLow,
    pub(super) locator: ResendLocator,
    pub(super) reader: ResendReader,
}

/// The ends of courier, feed and shadow; SQL needs only [`Progress`].
pub(super) struct FollowerEnds {
    pub(super) subscribers: AuthClient,
    pub(super) snapshots: AuthClient,
    pub(super) shadow: Option<Producer<Command>>,
    pub(super) courier: Option<Producer<ShardTransfer>>,
    pub(super) quota_space: SpaceLow,
}

/// The ends of the timer, the operators and the owner.
pub(super) struct OutsideEnds {
    pub(super) timer: Option<Producer<Command>>,
    pub(super) operator: Producer<Command>,
    pub(super) taken: CursorReader,
    pub(super) local: Producer<Command>,
    pub(super) last_state: Receiver<Exchange>,
    /// Every ring: the cursors of its producer and its consumers.
    pub(super) rings: Vec<(CursorReader, Vec<CursorReader>)>,
}

/// All ends, by the part that gets them.
pub(super) struct Ends {
    pub(super) shared: Shared,
    pub(super) entry: EntryEnds,
    pub(super) order: OrderEnds,
    pub(super) durable: DurableEnds,
    pub(super) followers: FollowerEnds,
    pub(super) outside: OutsideEnds,
}

impl Ends {
    /// Creates everything that connects agents. The command cursors start at `last`, the last command before this
    /// start.
    pub(super) fn new(config: &Config, present: &Present, last: u64) -> Self {
        let rings = Rings::new(config, present);
        let ring_ends = rings.ends();
        let [(durable_in, durable), (synced_in, synced), (applied_in, applied)] =
            [(); 3].map(|()| gate(last));
        let (taken_in, taken) = cursor();
        let [journal, event_log, quota] = ["journal", "event log", "data directory"].map(space_gauge);
        let space = vec![journal.1, event_log.1, quota.1];
        let shared = Shared::of(&rings, [durable, synced, applied], space);
        let (gateway_in, from_gateway) = rings.gateway;
        let (local_in, from_local) = rings.local;
        let (operator_in, from_operator) = rings.operator;
        let (timer_in, from_timer) = rings.timer.unzip();
        let (shadow_in, from_shadow) = rings.shadow.unzip();
        let (courier_in, from_courier) = rings.courier.unzip();
        let (resend, locator, reader) = resend_queues();
        let [entry, subscribers, snapshots] = [(); 3].map(|()| auth_queues());
        let (last_state_in, last_state) = bounded(present.shards);
        Self {
            shared,
            entry: EntryEnds {
                inbound: gateway_in,
                events: rings.to_gateway,
                resend,
                auth: entry.0,
                auth_servers: [entry.1, subscribers.1, snapshots.1],
            },
            order: OrderEnds {
                sources: [from_gateway, from_local]
                    .into_iter()
                    .chain(from_timer)
                    .chain(from_shadow)
                    .collect(),
                operator: (from_operator, taken_in),
                courier: from_courier,
                commands: rings.commands,
                to_matchers: rings.to_matchers,
                of_shards: rings.of_shards,
                events: rings.events,
                applied: applied_in,
                last_state: last_state_in,
            },
            durable: DurableEnds {
                commands: rings.to_journaler,
                durable: durable_in,
                synced: synced_in,
                journal_space: journal.0,
                events: rings.to_archiver,
                event_log_space: event_log.0,
                locator,
                reader,
            },
            followers: FollowerEnds {
                subscribers: subscribers.0,
                snapshots: snapshots.0,
                shadow: shadow_in,
                courier: courier_in,
                quota_space: quota.0,
            },
            outside: OutsideEnds {
                timer: timer_in,
                operator: operator_in,
                taken,
                local: local_in,
                last_state,
                rings: ring_ends,
            },
        }
    }
}
