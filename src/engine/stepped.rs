//! An engine without threads, in surroundings that its caller makes: the one that simulations run.
//!
//! Nothing here waits, and nothing happens but by [`Stepper::step`]: over files in memory, simulated sockets and a clock that
//! is moved by hand, the same seed gives the same run.

use super::{StartError, Stopped, Warm, check, join, recover, recovery_settings};
use crate::config::Config;
use crate::exchange::Digest;
use crate::exchange::Shards;
use crate::pipeline::{FeedSockets, Handles, Network, Sockets};
use crate::recovery::{DataDir, RecoveryReport};
use crate::runtime::{Clocks, Counters, Fatal, ManualClock, Stepper, SystemClocks};
use std::path::Path;

/// What a stepped engine is surrounded by.
pub struct Environment<'a> {
    pub data: DataDir,
    /// Bytes of a segment of the journal and of the event log, instead of the configured sizes, which are for disks. Their
    /// segments are made when they are needed, by the agent that needs them.
    pub segment_bytes: [u64; 2],
    /// Where clients come from.
    pub sockets: Box<dyn Sockets>,
    /// Where those come from who take market data; `None`: it is served to nobody.
    pub market_sockets: Option<FeedSockets>,
    /// The clocks, which stand still until they are moved.
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
    /// Recovers the data directory, or opens a new one, and makes all agents ready. Nobody can connect.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(config: &Config, data: &Path, seed: u64) -> Result<Self, StartError> {
        Self::start_with(config, &DataDir::new(data), seed, &SystemClocks::new(), Network::default(), None)
    }

    /// The same with a clock that stands still until it is moved.
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

    /// The same in these surroundings, of which all but SQLite are the caller's. Then the run depends on nothing else.
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

    /// Takes nothing more in, runs until nothing is left to do, then closes all agents in flow order.
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
