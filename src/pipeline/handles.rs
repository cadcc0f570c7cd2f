//! The handles that the owner of a pipeline keeps.

use crate::domain::Command;
use crate::exchange::Exchange;
use crate::market::MarketWatch;
use crate::operator::Desk;
use crate::ring::{CursorReader, Producer};
use crate::runtime::Doorbell;
use crate::stages::courier::CourierControl;
use crate::stages::gateway::GatewayControl;
use crate::stages::shadow::ShadowControl;
use crate::stages::timer::TimerControl;
use crossbeam_channel::Receiver;
use dojima_journal::storage::LockGuard;

/// The handles that the owner of a pipeline keeps.
pub struct Handles {
    /// Stops the gateway from reading more messages.
    pub gateway: Option<GatewayControl>,
    /// Stops timed commands.
    pub timer: Option<TimerControl>,
    /// Stops the arrivals of transfers; `None` if there is one shard.
    pub courier: Option<CourierControl>,
    /// Requests snapshots and stops checkpoints.
    pub shadow: Option<ShadowControl>,
    /// Summary of the market; `None` without market data.
    pub market: Option<MarketWatch>,
    /// A source of commands that do not come from a socket.
    pub local: Local,
    /// Operators' commands, for the server that handles them.
    pub operator: Option<Desk>,
    /// The positions of all stages.
    pub watch: Watch,
    /// Receives the exchange of each shard when its matcher is closed.
    pub last_state: Receiver<Exchange>,
    /// Locks the data directory against other engines until everything has ended.
    pub(super) _lock: LockGuard,
}

impl Handles {
    /// The first step of an orderly stop: agents take no more input and create no more commands of their own.
    pub fn take_nothing_more(&self) {
        if let Some(gateway) = &self.gateway {
            gateway.stop_reading();
        }
        if let Some(timer) = &self.timer {
            timer.stop();
        }
        if let Some(courier) = &self.courier {
            courier.stop();
        }
        if let Some(shadow) = &self.shadow {
            shadow.stop_asking();
        }
    }
}

/// The local source of commands. Ring its doorbell after publishing.
pub struct Local {
    /// The ring for the commands.
    pub commands: Producer<Command>,
    pub doorbell: Doorbell,
}

/// The positions of all stages.
#[derive(Clone)]
pub struct Watch {
    /// Every ring: the cursors of its producer and its consumers.
    pub(super) rings: Vec<(CursorReader, Vec<CursorReader>)>,
    pub(super) sequenced: CursorReader,
    /// The last sequence before this start. Command ring positions count from here.
    pub(super) sequence_base: u64,
    /// The last command that is durable.
    pub durable: CursorReader,
    /// The last command whose events are all in the event ring.
    pub applied: CursorReader,
    /// The last event in the event log.
    pub archived: CursorReader,
    /// The last event in SQL; `None` when there is no SQL writer.
    pub in_sql: Option<CursorReader>,
    /// The last event in SQL that survives a power loss.
    pub in_sql_on_disk: Option<CursorReader>,
    /// The last event whose market data is published; `None` without market data.
    pub in_market_data: Option<CursorReader>,
}

impl Watch {
    /// The sequence of the last command.
    pub fn sequenced(&self) -> u64 {
        self.sequence_base + self.sequenced.get()
    }

    /// Whether every command taken in is durable, and all its events are released and logged. If no more input is
    /// taken, this stays true.
    pub fn is_drained(&self) -> bool {
        let sequenced = self.sequenced();
        let settled = self.applied.get() == sequenced && self.durable.get() == sequenced;
        settled
            && self.rings.iter().all(|(end, readers)| readers.iter().all(|reader| reader.get() == end.get()))
    }

    /// The number of events in the event log that are not in SQL yet.
    pub fn sql_lag_events(&self) -> u64 {
        self.in_sql.as_ref().map_or(0, |in_sql| self.archived.get().saturating_sub(in_sql.get()))
    }
}
