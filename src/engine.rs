//! A running engine: recovery, wiring, threads, and the orderly stop.

mod rehearsal;
mod stepped;

pub use crate::recovery::ImplausibleClock;
pub use rehearsal::rehearse;
pub use stepped::{Environment, SteppedEngine};

use crate::config::{Config, ConfigError, Difference, TlsSection};
use crate::domain::{Command, Timestamp, versions};
use crate::exchange::Shards;
use crate::market::MarketWatch;

use crate::net::tls::{TlsError, TlsLimits, TlsPort, TlsServer, TlsSettings};
use crate::net::{self, HANDED_MAX, SideDoor};
use crate::operator::{self, Desk, OperatorServer};
use crate::pipeline::{self, FeedSockets, Handles, Local, Network, Pipeline, StopPhase, TcpSockets, Watch};
use crate::recovery::{
    self, DataDir, Presence, Progress, Recovered, RecoveryError, RecoveryReport, RecoverySettings,
};
use crate::runtime::descriptors::{self, TooFewDescriptors};
use crate::runtime::{
    Clocks, CoreIndex, Counters, Fatal, FatalPolicy, Runner, RunningAgent, Shutdown, SystemClocks, UnixNanos,
    WallClock, affinity,
};
use dojima_journal::passing::Told;
use dojima_journal::storage::Writing;
use dojima_journal::{AppendError, JournalError, Options};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

/// The parameters of a start besides configuration and data directory.
pub struct Launch<'a> {
    /// Whether clients can connect. Otherwise commands come only from the local source.
    pub order_entry: OrderEntry,
    /// What happens when an agent fails for good.
    pub on_fatal: OnFatal,
    /// What happens if the clock contradicts the journal.
    pub implausible_clock: ImplausibleClock,
    /// Called with the progress of the replay.
    pub on_progress: &'a mut dyn FnMut(Progress),
}

/// Whether an engine listens for clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderEntry {
    /// On the configured address.
    Listen,
    /// Not at all.
    None,
}

/// What happens when an agent fails for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFatal {
    /// The process ends with the reason's exit code.
    ExitProcess,
    /// The engine stops, and [`Engine::stop`] returns the reason.
    Stop,
}

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data directory cannot be used.
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address} ({key}): {}{}", Told(source), in_use(source))]
    Listen {
        /// Its key in the configuration.
        key: &'static str,
        /// The configured address.
        address: SocketAddr,
        source: std::io::Error,
    },
    /// Its connections could need more descriptors than the system allows.
    #[error(transparent)]
    Descriptors(#[from] TooFewDescriptors),
    /// The port for TLS cannot be opened.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Another resource is not available.
    #[error(transparent)]
    Fatal(#[from] Fatal),
}

fn in_use(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "; is another engine running? choose another address",
        _ => "",
    }
}

impl StartError {
    /// The process's exit code: 1 for a wrong configuration or clock, otherwise that of the corresponding [`Fatal`].
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Descriptors(_) => 1,
            Self::Recovery(
                RecoveryError::Journal(error @ JournalError::Locked { .. })
                | RecoveryError::EventLog(error @ JournalError::Locked { .. }),
            ) => Fatal::journal_locked(error).exit_code(),
            Self::Recovery(RecoveryError::EventLog(_) | RecoveryError::EventLogDiverged { .. }) => {
                Fatal::event_log(self).exit_code()
            }
            Self::Recovery(
                RecoveryError::OpeningRefused { .. }
                | RecoveryError::OpeningChanged { .. }
                | RecoveryError::ImplausibleClock { .. },
            ) => 1,
            Self::Recovery(RecoveryError::Append { source: AppendError::NoSpace, .. }) => {
                Fatal::journal_full(self).exit_code()
            }
            Self::Recovery(
                RecoveryError::NoSnapshot { .. }
                | RecoveryError::Snapshots(_)
                | RecoveryError::JournalBehindSnapshot { .. },
            ) => Fatal::snapshot(self).exit_code(),
            Self::Recovery(RecoveryError::StateDiverged { .. }) => Fatal::diverged(self).exit_code(),
            Self::Recovery(RecoveryError::EventLogGap { .. }) => Fatal::event_log(self).exit_code(),
            Self::Recovery(RecoveryError::Sync(_)) => Fatal::journal_sync(self).exit_code(),
            Self::Recovery(RecoveryError::Journal(JournalError::Io { .. })) => Fatal::io(self).exit_code(),
            Self::Recovery(_) => Fatal::journal_damaged(self).exit_code(),
            Self::Listen { .. } | Self::Tls(TlsError::Listen { .. }) => Fatal::listen(self).exit_code(),
            Self::Tls(_) => 1,
            Self::Fatal(fatal) => fatal.exit_code(),
        }
    }
}

/// What every kind of engine starts from.
struct Warm {
    pipeline: Pipeline,
    report: RecoveryReport,
    differences: Vec<Difference>,
    counters: Counters,
}

/// Checks that need no access to files.
fn check(config: &Config, data: &DataDir) -> Result<(), StartError> {
    config.validate()?;
    config.validate_in(data.path())?;
    let of_shards = config.shards.iter().filter_map(|shard| shard.core.as_ref());
    for core in config.engine.pin_cores.iter().chain(of_shards) {
        affinity::check(CoreIndex(*core)).map_err(Fatal::from)?;
    }
    Ok(())
}

/// Upper bound of the descriptors besides those of connections: journal, event log and log of messages with their
/// readers, snapshots, the database, listeners, and wake-ups of threads.
const DESCRIPTORS_BESIDE: u64 = 256;

/// Provides the descriptors that the engine needs when all its connections are in use.
fn provide_descriptors(config: &Config) -> Result<(), TooFewDescriptors> {
    // With TLS each client needs a pair of sockets in addition, and there are connections that have no pair yet or no
    // longer.
    let (of_each, beside) = match &config.tls {
        Some(tls) => (3, tls.handshakes_max as u64 + 3 * HANDED_MAX as u64),
        None => (1, 0),
    };
    let market = &config.market_data;
    let market = if market.enabled { 2 * market.connections_max as u64 } else { 0 };
    descriptors::provide(
        DESCRIPTORS_BESIDE + beside + of_each * config.gateway.connections_max as u64 + market,
    )
}

fn recover(
    data: &DataDir,
    settings: &RecoverySettings,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Recovered, StartError> {
    let mut recovered = recovery::recover(data, settings, on_progress)?;
    recovered.state.shards.warm();
    Ok(recovered)
}

fn join(
    config: &Config,
    data: &DataDir,
    network: Network,
    recovered: Recovered,
    log_options: Option<Options>,
    clocks: &dyn Clocks,
) -> Result<Warm, StartError> {
    let differences = config.compare(&recovered.state.opening);
    let report = recovered.report.clone();
    let counters = Counters::new();
    let pipeline = pipeline::build(config, data, network, recovered, log_options, clocks, &counters)?;
    Ok(Warm { pipeline, report, differences, counters })
}

/// Nothing beside the core may prevent a start: without its socket the engine runs as usual and logs the error.
fn serve_operators(data: &Path, desk: Desk) -> Option<OperatorServer> {
    match OperatorServer::start(data, desk) {
        Ok(server) => Some(server),
        Err(error) => {
            let path = data.join(operator::SOCKET_FILE);
            tracing::warn!(
                "operators cannot reach this engine: cannot listen on {}: {error}",
                path.display()
            );
            None
        }
    }
}

fn listen(key: &'static str, address: SocketAddr) -> Result<TcpListener, StartError> {
    net::listen(address).map_err(|source| StartError::Listen { key, address, source })
}

/// The listening sockets: order entry, market data, market-data snapshots.
struct Listeners {
    order_entry: TcpListener,
    market_data: Option<[TcpListener; 2]>,
}

impl Listeners {
    fn open(config: &Config) -> Result<Self, StartError> {
        let order_entry = listen("gateway.listen", config.gateway.listen)?;
        let market = &config.market_data;
        let market_data = match market.enabled {
            true => Some([
                listen("market_data.listen", market.listen)?,
                listen("market_data.glimpse_listen", market.glimpse_listen)?,
            ]),
            false => None,
        };
        Ok(Self { order_entry, market_data })
    }

    fn addresses(&self) -> Addresses {
        let address = |listener: &TcpListener| listener.local_addr().ok();
        let [market_data, glimpse] = match &self.market_data {
            Some(both) => [0, 1].map(|at| address(&both[at])),
            None => [None; 2],
        };
        Addresses { order_entry: address(&self.order_entry), market_data, glimpse }
    }

    /// The sockets, and the entry for decrypted connections, if there are any.
    fn network(self, is_secure: bool) -> Result<(Network, Option<SideDoor>), StartError> {
        let mut order_entry = TcpSockets::new(self.order_entry)?;
        let side_door = match is_secure {
            true => Some(order_entry.side_door()?),
            false => None,
        };
        let market_data = match self.market_data {
            Some([subscribers, snapshots]) => Some(FeedSockets {
                subscribers: Box::new(TcpSockets::new(subscribers)?),
                snapshots: Box::new(TcpSockets::new(snapshots)?),
            }),
            None => None,
        };
        Ok((Network { order_entry: Some(Box::new(order_entry)), market_data }, side_door))
    }
}

/// The actual addresses; a configuration may leave the choice of the port to the system.
#[derive(Clone, Copy, Default)]
struct Addresses {
    order_entry: Option<SocketAddr>,
    market_data: Option<SocketAddr>,
    glimpse: Option<SocketAddr>,
}

fn tls_settings(tls: &TlsSection, connections_max: usize) -> TlsSettings {
    TlsSettings {
        listen: tls.listen,
        certificate: tls.certificate.clone(),
        key: tls.key.clone(),
        limits: TlsLimits {
            handshakes_max: tls.handshakes_max,
            handshakes_per_address: tls.handshakes_per_address,
            connections_max,
            connections_per_address: tls.connections_per_address,
        },
    }
}

/// The recovery settings of an engine with this configuration; `now` is the time of the start. A clock that contradicts
/// the journal is refused.
///
/// # Errors
/// [`StartError::Config`].
pub fn recovery_settings(
    config: &Config,
    data: &DataDir,
    now: UnixNanos,
) -> Result<RecoverySettings, StartError> {
    let options = |segment_mib: u64, spare_segments, durability, content, writing| Options {
        segment_bytes: segment_mib << 20,
        spare_segments,
        durability,
        writing,
        ..Options::default().with_content(content)
    };
    let (journal, event_log) = (&config.journal, &config.event_log);
    Ok(RecoverySettings {
        journal: options(
            journal.segment_mib,
            journal.spare_segments,
            pipeline::settings::durability(journal.durability),
            DataDir::COMMANDS,
            pipeline::settings::journal_writing(journal),
        )
        .with_oldest_version(versions::COMMANDS_OLDEST),
        // The event log can be rebuilt from the journal, so nothing waits for its syncs.
        event_log: options(
            event_log.segment_mib,
            event_log.spare_segments,
            dojima_journal::Durability::Async,
            DataDir::EVENTS,
            Writing::PwriteReserved,
        )
        .with_oldest_version(versions::EVENTS_OLDEST),
        opening: config.opening_commands()?,
        proofs: pipeline::proofs(config, data),
        now: Timestamp(now.0),
        implausible_clock: ImplausibleClock::Refuse,
    })
}

/// Opens the venue in a new directory with these commands instead of the configuration's, and starts nothing. Recorded
/// commands thus get their own engine, whose journal then takes precedence.
///
/// # Errors
/// See [`StartError`]; nothing is journaled if a command of the opening is refused.
pub fn open_venue(config: &Config, data: &DataDir, opening: Vec<Command>) -> Result<(), StartError> {
    let settings =
        RecoverySettings { opening, ..recovery_settings(config, data, SystemClocks::new().time())? };
    let Recovered { journal, event_log, lock, .. } = recovery::recover(data, &settings, &mut |_| {})?;
    journal.seal().and_then(|()| event_log.seal()).map_err(RecoveryError::from)?;
    drop(lock);
    Ok(())
}

/// An engine that runs on threads.
pub struct Engine {
    handles: Handles,
    running: Vec<(StopPhase, RunningAgent)>,
    runner: Runner,
    tls: Option<TlsServer>,
    operator: Option<OperatorServer>,
    presence: Presence,
    /// What recovery found and did.
    pub report: RecoveryReport,
    /// The differences between the configuration and the journal's venue; the journal takes precedence.
    pub differences: Vec<Difference>,
    /// The address for clients.
    pub order_entry: Option<SocketAddr>,
    /// The address for clients with TLS.
    pub order_entry_tls: Option<SocketAddr>,
    /// The address for subscribers of market data.
    pub market_data: Option<SocketAddr>,
    /// The address for snapshots of the books.
    pub glimpse: Option<SocketAddr>,
    /// The counters of all agents.
    pub counters: Counters,
}

/// How an engine ended.
#[derive(Debug)]
pub struct Stopped {
    /// The exchange, by shard, after the last command.
    pub shards: Option<Shards>,
    /// Whether SQL has every event; if not, the next start continues from its position.
    pub sql_complete: bool,
}

/// How long a stop waits for commands taken in to be released, and for SQL to catch up.
const DRAIN_PATIENCE: Duration = Duration::from_secs(30);
const SQL_PATIENCE: Duration = Duration::from_secs(120);
/// How long a database may make no progress before the stop gives up on it, as on a full disk; the next start writes
/// the rest.
const SQL_STANDSTILL: Duration = Duration::from_secs(15);

/// Detects that something has stopped making progress.
struct Standstill {
    limit: Duration,
    since: Duration,
    seen: u64,
}

impl Standstill {
    fn new(limit: Duration) -> Self {
        Self { limit, since: Duration::ZERO, seen: 0 }
    }

    /// Reports the progress `seen` at `elapsed` after the start; returns whether it has not moved for the longest time
    /// allowed.
    fn is_at(&mut self, elapsed: Duration, seen: u64) -> bool {
        if seen != self.seen {
            (self.since, self.seen) = (elapsed, seen);
        }
        elapsed.saturating_sub(self.since) > self.limit
    }
}

impl Engine {
    /// Recovers the data directory, or opens a new one, and starts all agents.
    ///
    /// # Errors
    /// See [`StartError`]; in that case nothing is running.
    pub fn start(config: &Config, data: &Path, launch: Launch<'_>) -> Result<Self, StartError> {
        let data = DataDir::new(data);
        check(config, &data)?;
        if launch.order_entry == OrderEntry::Listen {
            provide_descriptors(config)?;
        }
        // Before anything is written, so that a second engine on the same port leaves no files.
        let listeners = match launch.order_entry {
            OrderEntry::Listen => Some(Listeners::open(config)?),
            OrderEntry::None => None,
        };
        let addresses = listeners.as_ref().map(Listeners::addresses).unwrap_or_default();
        let tls = match (&listeners, &config.tls) {
            (Some(_), Some(tls)) => Some(TlsPort::open(&tls_settings(tls, config.gateway.connections_max))?),
            _ => None,
        };
        let order_entry_tls = tls.as_ref().and_then(|port| port.local_addr().ok());
        let (network, side_door) = match listeners {
            Some(listeners) => listeners.network(tls.is_some())?,
            None => (Network::default(), None),
        };
        pipeline::check_database(config, &data)?;
        let mut clocks = SystemClocks::new();
        let settings = RecoverySettings {
            implausible_clock: launch.implausible_clock,
            ..recovery_settings(config, &data, clocks.time())?
        };
        let recovered = recover(&data, &settings, launch.on_progress)?;
        let presence = data.presence()?;
        let warm = join(config, &data, network, recovered, None, &clocks)?;
        let Warm { pipeline: Pipeline { threads, mut handles }, report, differences, counters } = warm;
        let stops: Vec<Shutdown> = threads.iter().map(|_| Shutdown::new()).collect();
        let runner = Runner::new(match launch.on_fatal {
            OnFatal::ExitProcess => FatalPolicy::ExitProcess,
            OnFatal::Stop => FatalPolicy::RequestShutdown(stops.clone()),
        });
        let mut running = Vec::new();
        for (thread, stop) in threads.into_iter().zip(stops) {
            running.push((thread.stop, runner.spawn(thread.agent, thread.idle, stop, thread.place)?));
        }
        let tls = match tls.zip(side_door) {
            Some((port, door)) => Some(port.serve(door).map_err(Fatal::io)?),
            None => None,
        };
        let operator = handles.operator.take().and_then(|desk| serve_operators(data.path(), desk));
        Ok(Self {
            handles,
            running,
            runner,
            tls,
            operator,
            presence,
            report,
            differences,
            order_entry: addresses.order_entry,
            order_entry_tls,
            market_data: addresses.market_data,
            glimpse: addresses.glimpse,
            counters,
        })
    }

    /// The source of commands that do not come from a socket.
    pub fn local(&mut self) -> &mut Local {
        &mut self.handles.local
    }

    /// The positions of all stages.
    pub fn watch(&self) -> &Watch {
        &self.handles.watch
    }

    /// Summary of the market; `None` without market data.
    pub fn market(&self) -> Option<&MarketWatch> {
        self.handles.market.as_ref()
    }

    /// Checks that the data directory is still in place. Makes system calls, so it is not for a hot loop.
    ///
    /// # Errors
    /// [`Fatal::Io`] if the directory is gone or was replaced; the process should then end at once.
    pub fn check_files(&self) -> Result<(), Fatal> {
        self.presence.check()
    }

    /// Whether an agent has ended by itself, which happens only after a fatal error.
    pub fn has_failed(&self) -> bool {
        self.runner.fatal().is_some() || self.running.iter().any(|(_, agent)| agent.is_finished())
    }

    /// Takes no more input, lets everything taken in become durable and be released, seals the journal and lets SQL
    /// catch up.
    ///
    /// # Errors
    /// The first fatal error of any agent.
    pub fn stop(mut self) -> Result<Stopped, Fatal> {
        drop(self.operator.take());
        self.handles.take_nothing_more();
        self.wait(DRAIN_PATIENCE, Watch::is_drained);
        // Every thread has ended before this returns, also after an error, so the files can be opened again.
        let hot = self.end(StopPhase::Hot);
        drop(self.tls.take());
        let disk = self.end(StopPhase::Disk);
        let mut standstill = Standstill::new(SQL_STANDSTILL);
        let started = Instant::now();
        self.wait(SQL_PATIENCE, |watch| {
            let lag = watch.sql_lag_events();
            lag == 0 || standstill.is_at(started.elapsed(), lag)
        });
        let sql_complete = self.handles.watch.sql_lag_events() == 0;
        let followers = self.end(StopPhase::Followers);
        self.runner.fatal().map_or(Ok(()), Err).and(hot).and(disk).and(followers)?;
        Ok(Stopped { shards: Shards::of(self.handles.last_state.try_iter().collect()), sql_complete })
    }

    /// Waits until `done`, unless an agent fails or the time is over.
    fn wait(&self, patience: Duration, mut done: impl FnMut(&Watch) -> bool) {
        let started = Instant::now();
        while !done(&self.handles.watch) {
            if self.has_failed() || started.elapsed() > patience {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Stops the threads of one phase, in flow order.
    fn end(&mut self, phase: StopPhase) -> Result<(), Fatal> {
        let (ending, rest) =
            std::mem::take(&mut self.running).into_iter().partition(|(stop, _)| *stop == phase);
        self.running = rest;
        let stop = |(_, agent): (StopPhase, RunningAgent)| {
            agent.request_stop();
            agent.join()
        };
        Vec::from_iter::<Vec<_>>(ending).into_iter().map(stop).fold(Ok(()), Result::and)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_is_waited_for_and_what_stands_still_is_not() {
        let mut standstill = Standstill::new(Duration::from_secs(15));
        let slow =
            (0..120).find(|second| standstill.is_at(Duration::from_secs(*second), 1_000 - second / 10));
        assert_eq!(slow, None, "it comes on by one in ten seconds");
        let stuck = (120..200).find(|second| standstill.is_at(Duration::from_secs(*second), 7));
        assert_eq!(stuck, Some(136));
    }
}
