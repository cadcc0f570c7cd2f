//! An engine without threads in an environment that its caller provides. Simulations run it.
//!
//! Nothing here waits, and everything happens inside [`Stepper::step`]. With files in memory, simulated sockets and a
//! manual clock, the same seed gives the same run.

use super::{StartError, Stopped, Warm, check, join, recover, recovery_settings};
use crate::config::Config;
use crate::exchange::Digest;
use crate::exchange::Shards;
use crate::pipeline::{FeedSockets, Handles, Network, Sockets};
use crate::recovery::{DataDir, RecoveryReport};
use crate::runtime::{Clocks, Counters, Fatal, ManualClock, Stepper, SystemClocks};
use std::path::Path;

/// The environment of a stepped engine.
pub struct Environment<'a> {
    pub data: DataDir,
    /// Segment sizes of the journal and of the event log in bytes, instead of the configured sizes, which are meant for
    /// disks. Segments are created when they are needed, by the agent that needs them.
    pub segment_bytes: [u64; 2],
    /// The order-entry sockets.
    pub sockets: Box<dyn Sockets>,
    /// The market-data sockets; `None`: market data is not served.
    pub market_sockets: Option<FeedSockets>,
    /// The clocks, which only move when the caller moves them.
    pub clock: &'a ManualClock,
    /// Decides which agent runs next.
    pub seed: u64,
}

/// An engine without threads: a seed decides which agent runs next.
///
/// Dropping one without [`SteppedEngine::stop`] is a crash of the process.
pub struct SteppedEngine {
    pub stepper: Stepper,
    pub handles: Handles,
    /// What recovery found and did.
    pub report: RecoveryReport,
    /// The exchange as it was recovered.
    pub recovered: Digest,
    /// The counters of all agents.
    pub counters: Counters,
}

impl SteppedEngine {
    /// Recovers the data directory, or opens a new one, and prepares all agents. Clients cannot connect.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(config: &Config, data: &Path, seed: u64) -> Result<Self, StartError> {
        Self::start_with(config, &DataDir::new(data), seed, &SystemClocks::new(), Network::default(), None)
    }

    /// The same with a clock that only moves when the caller moves it.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start_at(
        config: &Config,
        data: &Path,
        seed: u64,
        clock: &ManualClock,
    ) -> Result<Self, StartError> {
        Self::start_with(config, &DataDir::new(data), seed, clock, Network::default(), None)
    }

    /// The same in an environment that is, except for SQLite, the caller's. The run then depends on nothing else.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start_in(config: &Config, surroundings: Environment<'_>) -> Result<Self, StartError> {
        let Environment { data, segment_bytes, sockets, market_sockets, clock, seed } = surroundings;
        let network = Network { order_entry: Some(sockets), market_data: market_sockets };
        Self::start_with(config, &data, seed, clock, network, Some(segment_bytes))
    }

    fn start_with(
        config: &Config,
        data: &DataDir,
        seed: u64,
        clocks: &dyn Clocks,
        network: Network,
        segment_bytes: Option<[u64; 2]>,
    ) -> Result<Self, StartError> {
        check(config, data)?;
        let mut settings = recovery_settings(config, data, clocks.wall().time())?;
        if let Some([journal, event_log]) = segment_bytes {
            settings.journal = settings.journal.with_segment_bytes(journal).with_spare_segments(0);
            settings.event_log = settings.event_log.with_segment_bytes(event_log).with_spare_segments(0);
        }
        let log = segment_bytes.map(|_| settings.event_log);
        let recovered = recover(data, &settings, &mut |_| {})?;
        let digest = recovered.state.shards.digest();
        let Warm { pipeline, report, counters, .. } = join(config, data, network, recovered, log, clocks)?;
        let agents = pipeline.threads.into_iter().map(|thread| thread.agent).collect();
        let stepper = Stepper::new(seed, agents)?;
        Ok(Self { stepper, handles: pipeline.handles, report, recovered: digest, counters })
    }

    /// Takes no more input, runs until there is no work left, then closes all agents in flow order.
    ///
    /// # Errors
    /// The first fatal error of any agent.
    pub fn stop(mut self) -> Result<Stopped, Fatal> {
        self.handles.take_nothing_more();
        self.stepper.run_until_idle(usize::MAX)?;
        self.stepper.close()?;
        let sql_complete = self.handles.watch.sql_lag_events() == 0;
        Ok(Stopped { shards: Shards::of(self.handles.last_state.try_iter().collect()), sql_complete })
    }
}
