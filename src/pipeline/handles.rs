//! What the outside keeps of a pipeline.

use crate::domain::Command;
use crate::exchange::Exchange;
use crate::market::MarketWatch;
use crate::operator::Desk;
use crate::ring::{CursorReader, Producer};
use crate::runtime::Doorbell;
use crate::stages::gateway::GatewayControl;
use crate::stages::shadow::ShadowControl;
use crate::stages::timer::TimerControl;
use crossbeam_channel::Receiver;
use dojima_journal::storage::LockGuard;

/// What the outside keeps of a pipeline.
pub struct Handles {
    /// Stops the gateway from reading more.
    pub gateway: Option<GatewayControl>,
    /// Stops what happens by itself.
    pub timer: Option<TimerControl>,
    /// Asks for snapshots, and stops checkpoints.
    pub shadow: Option<ShadowControl>,
    /// The market at a glance; `None` without market data.
    pub market: Option<MarketWatch>,
    /// Commands that do not come over a socket.
    pub local: Local,
    /// Commands of operators, for whoever serves them.
    pub operator: Option<Desk>,
    /// Where everybody is.
    pub watch: Watch,
    /// The exchange by shards, once the matchers are closed.
    pub last_state: Receiver<Exchange>,
    /// Keeps other engines out of the data directory until everything has ended.
    pub(super) _lock: LockGuard,
}

impl Handles {
    /// The first step of an orderly stop: no agent takes anything from outside any more, or asks for anything by itself.
    pub fn take_nothing_more(&self) {
        if let Some(gateway) = &self.gateway {
            gateway.stop_reading();
        }
        if let Some(timer) = &self.timer {
            timer.stop();
        }
        if let Some(shadow) = &self.shadow {
            shadow.stop_asking();
        }
    }
}

/// The local source of commands. After publishing, ring.
pub struct Local {
    /// Where the commands go.
    pub commands: Producer<Command>,
    pub doorbell: Doorbell,
}

/// The positions of all stages.
#[derive(Clone)]
pub struct Watch {
    /// Every ring: its producer and its consumers.
    pub(super) rings: Vec<(CursorReader, Vec<CursorReader>)>,
    pub(super) sequenced: CursorReader,
    /// The last sequence before this start: command ring positions count from here.
    pub(super) sequence_base: u64,
    /// The last command that is durable.
    pub durable: CursorReader,
    /// The last command whose events are all in the event ring.
    pub applied: CursorReader,
    /// The last event in the event log.
    pub archived: CursorReader,
    /// The last event in SQL; `None` when there is no SQL writer.
    pub in_sql: Option<CursorReader>,
    /// The last event that no loss of power can take from SQL.
    pub in_sql_on_disk: Option<CursorReader>,
    /// The last event whose market data is published; `None` without market data.
    pub in_market_data: Option<CursorReader>,
}

impl Watch {
    /// The last command that was sequenced.
    pub fn sequenced(&self) -> u64 {
        self.sequence_base + self.sequenced.get()
    }

    /// Whether every command taken in is durable and all its events are released and logged. Once nothing more is
    /// taken in, this stays true.
    pub fn is_drained(&self) -> bool {
        let sequenced = self.sequenced();
        let settled = self.applied.get() == sequenced && self.durable.get() == sequenced;
        settled
            && self.rings.iter().all(|(end, readers)| readers.iter().all(|reader| reader.get() == end.get()))
    }

    /// Events in the event log that are not in SQL yet.
    pub fn sql_lag_events(&self) -> u64 {
        self.in_sql.as_ref().map_or(0, |in_sql| self.archived.get().saturating_sub(in_sql.get()))
    }
}
