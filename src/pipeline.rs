//! The wiring of the engine: rings, gates, agents and threads. It contains no exchange logic.
//!
//! ```text
//!        gateway ─ inbound ring ─▶ 1 sequencer ─ command ring ─┬▶ 2 journaler ─▶ durable, the gate of gateway and archiver
//!   local, timer ─ inbound rings ▶                             └▶ 3 matcher, one per shard
//! shadow, operator ─ inbound rings ▶
//! 3 matcher ─ event ring ─┬▶ gateway          one shard
//!                         └▶ 4 archiver ─▶ event log ─▶ SQL, feed, shadow
//! 3 matchers ─ event rings ─▶ merge ─ event ring ─▶ the same      several shards
//! event log ─▶ courier ─ inbound ring ▶ 1 sequencer: transfers     several shards
//!       gateway, feed ⇄ authenticator: who may come in
//! gateway ─▶ 4 archiver ─▶ resender ─▶ gateway: old messages
//! ```
//!
//! *local* is a source of commands that do not come from a socket, used by tests and benches. Shadow, feed and SQL read
//! files.

mod ends;
mod handles;
mod placement;
mod proofs;
mod rehearsal;
mod rings;
pub(crate) mod settings;
mod site;
mod timing;

pub use handles::{Handles, Local, Watch};
pub use placement::{StopPhase, Thread};
pub use proofs::proofs;
pub use rehearsal::{check_database, rehearse};

pub use crate::net::{Sockets, TcpSockets};
pub use crate::stages::feed::FeedSockets;

use crate::config::Config;
use crate::domain::audience::Audience;
use crate::domain::streams::StreamIndex;
use crate::domain::{AddIndex, Command, EventRecord, Listings, Sequenced, ShardId, ShardTransfer, Stamp};
use crate::exchange::Exchange;
use crate::operator::{Desk, DeskPorts};
use crate::recovery::{DataDir, Recovered, RecoveryReport};
use crate::replica::State;
use crate::ring::{Consumer, CursorReader, CursorWriter, Producer};
use crate::runtime::chairs::{Lag, Waits};
use crate::runtime::injected_fault::{InjectedFault, is_injected};
use crate::runtime::{Clocks, Counters, Doorbell, Fatal, StampClock, StampReader, UnixNanos};
use crate::stages::archiver::{Archiver, ArchiverPorts};
use crate::stages::authenticator::Authenticator;
use crate::stages::courier::{Courier, CourierPorts};
use crate::stages::feed::{FeedPorts, FeedPublisher, FeedStart};
use crate::stages::gateway::{self, Gateway, GatewayPorts, GatewayStart};
use crate::stages::journaler::{InlinePorts, JournalerPorts};
use crate::stages::matcher::{Matcher, MatcherPorts};
use crate::stages::merge::{Merge, MergeInput, MergePorts};
use crate::stages::phases::phase_answers;
use crate::stages::resender::Resender;
use crate::stages::sequencer::{Sequencer, SequencerPorts, ShardLags};
use crate::stages::shadow::{Shadow, ShadowPorts};
use crate::stages::sql_writer::SqlWriter;
use crate::stages::timer::{Timer, TimerPorts, TimerSettings};
use dojima_journal::{Options, Writer};
use ends::{DurableEnds, Ends, EntryEnds, FollowerEnds, OrderEnds, Shared};
use placement::{AgentSlot, Agents, DurablePath, Followers, OrderPath, ThreadPlacement};
use rings::{Line, Present, gate};
use site::Site;
use std::sync::Arc;

/// The agents of one engine, connected and warmed up, and the handles for its owner.
pub struct Pipeline {
    /// The threads to run, in flow order; in stepped mode each has one agent.
    pub threads: Vec<Thread>,
    pub handles: Handles,
}

/// The network services.
#[derive(Default)]
pub struct Network {
    /// The order-entry sockets; `None`: no gateway.
    pub order_entry: Option<Box<dyn Sockets>>,
    /// The market-data sockets; `None`: market data is not served.
    pub market_data: Option<FeedSockets>,
}

/// Connects recovered parts into a pipeline. `clocks` makes the clock of each agent. `log_options`, if given, replaces
/// the configured way of writing the market-data log.
///
/// # Errors
/// If the system provides no poll, or a setting is not possible on this machine.
pub fn build(
    config: &Config,
    data: &DataDir,
    network: Network,
    recovered: Recovered,
    log_options: Option<Options>,
    clocks: &dyn Clocks,
    counters: &Counters,
) -> Result<Pipeline, Fatal> {
    let Network { order_entry, market_data } = network;
    let Recovered { state, journal, event_log, lock, report } = recovered;
    let replica = config.snapshots.enabled.then(|| state.clone());
    let State { shards, last, last_event, streams, listings, opening } = state;
    let (in_flight, shards) = (shards.in_flight().collect(), shards.into_vec());
    let site = Site { config, data, clocks, counters, opening: &opening, last, last_event };
    let mut placement = ThreadPlacement::new(config, shards.len(), &settings::shard_cores(config, &opening))?;
    let known = settings::Known::by(&shards[0]);
    let timer = timing::timer(config, &listings, &streams, data.event_log(), &known)?;
    let present = Present {
        gateway: order_entry.is_some(),
        timer: timer.is_some(),
        shadow: replica.is_some(),
        shards: shards.len(),
    };
    let Ends { shared, entry, order, durable, followers, outside } =
        Ends::new(config, &present, last.sequence);
    let start = gateway_start(&listings, &streams, &shards[0]);
    let (gateway, authenticator) =
        entry_path(site, &mut placement, &shared, entry, order_entry, (start, &known.indexes))?;
    let stamps = stamps(clocks, last, counters);
    let path = order_path(site, &placement, &shared, order, shards, stamps.0);
    let logs = Logs { journal, event_log, streams };
    let mut durable = durable_path(site, &placement, &shared, durable, logs);
    let desk = desk(site, &placement, (outside.operator, outside.taken), &durable.archiver, known)?;
    let timer = timer
        .zip(outside.timer)
        .map(|timer| timer_agent(site, &placement, &mut durable.archiver, timer, stamps.1));
    let (archived, report) = (durable.archiver.archived(), &report);
    let start = Start { replica, in_flight, report, archived: archived.clone(), log_options, market_data };
    let projections = projections(site, &mut placement, &shared, followers, start)?;

    let progress = shared.progress;
    let watch = Watch {
        rings: outside.rings,
        sequenced: progress.sequenced,
        sequence_base: last.sequence,
        durable: progress.durable.clone(),
        applied: progress.applied,
        archived: archived.clone(),
        in_sql: projections.sql.as_ref().map(SqlWriter::watermark),
        in_sql_on_disk: projections.sql.as_ref().map(SqlWriter::on_disk),
        in_market_data: projections.feed.as_ref().map(FeedPublisher::followed),
    };
    let handles = Handles {
        gateway: gateway.as_ref().map(Gateway::control),
        timer: timer.as_ref().map(Timer::control),
        courier: projections.courier.as_ref().map(Courier::control),
        shadow: projections.shadow.as_ref().map(Shadow::control),
        market: projections.feed.as_ref().map(FeedPublisher::watch),
        local: Local { commands: outside.local, doorbell: placement.bell(AgentSlot::Sequencer) },
        operator: Some(desk),
        watch,
        last_state: outside.last_state,
        _lock: lock,
    };
    let followers = projections.with_lags(site, &archived, &progress.durable);
    let agents = Agents { gateway, authenticator, timer, path, durable, followers };
    Ok(Pipeline { threads: placement.place(agents, counters), handles })
}

/// The clock of the sequencer's stamps, and the one that reads its time.
fn stamps(clocks: &dyn Clocks, last: Stamp, counters: &Counters) -> (StampClock, StampReader) {
    let stamps = StampClock::new(clocks, UnixNanos(last.time.0), counters);
    let reader = stamps.reader(clocks);
    (stamps, reader)
}

/// The timer, which the archiver tells what becomes of the phases that it asks for.
fn timer_agent(
    site: Site<'_>,
    placement: &ThreadPlacement,
    archiver: &mut Archiver,
    (settings, commands): (TimerSettings, Producer<Command>),
    clock: StampReader,
) -> Timer {
    let downstream = placement.bells(AgentSlot::Timer, &[AgentSlot::Sequencer]);
    let ports = TimerPorts { commands, session: archiver.session(), downstream };
    let (notes, answers) = phase_answers(settings.schedules.iter().map(|it| it.instrument).collect());
    archiver.tell(notes);
    Timer::new(ports, settings, Box::new(clock), site.counters).hearing(answers)
}

/// The state that the gateway starts from.
fn gateway_start(listings: &Listings, streams: &StreamIndex, first: &Exchange) -> GatewayStart {
    GatewayStart {
        listings: listings.clone(),
        audience: audience(streams),
        session: streams.session(),
        streams: streams.by_login(first.logins().len()),
    }
}

fn audience(streams: &StreamIndex) -> Audience {
    match is_injected(InjectedFault::ForgetCopies) {
        true => Audience::restored(streams.audience().accounts().iter().copied(), []),
        false => streams.audience().clone(),
    }
}

/// Gateway and authenticator, if there are sockets.
fn entry_path(
    site: Site<'_>,
    placement: &mut ThreadPlacement,
    shared: &Shared,
    ends: EntryEnds,
    sockets: Option<Box<dyn Sockets>>,
    (start, indexes): (GatewayStart, &[AddIndex]),
) -> Result<(Option<Gateway>, Option<Authenticator>), Fatal> {
    let (Some(sockets), Some(events)) = (sockets, ends.events) else { return Ok((None, None)) };
    let progress = &shared.progress;
    let ports = GatewayPorts {
        inbound: ends.inbound,
        events,
        durable: progress.durable.clone(),
        progress: gateway::Progress {
            sequenced: progress.sequenced.clone(),
            sequence_base: site.last.sequence,
            applied: progress.applied.clone(),
            in_ring: progress.in_ring.clone(),
        },
        space: shared.space.clone(),
        resend: ends.resend,
        downstream: placement.bells(AgentSlot::Gateway, &[AgentSlot::Sequencer]),
        archiver: placement.bells(AgentSlot::Gateway, &[AgentSlot::Archiver]),
        auth: ends.auth,
        authenticator: placement.bells(AgentSlot::Gateway, &[AgentSlot::Authenticator]),
    };
    let gateway = site.gateway(placement, sockets, ports, start, indexes)?;
    Ok((Some(gateway), Some(site.authenticator(placement, ends.auth_servers)?)))
}

/// The agents from commands to events.
fn order_path(
    site: Site<'_>,
    placement: &ThreadPlacement,
    shared: &Shared,
    ends: OrderEnds,
    shards: Vec<Exchange>,
    stamps: StampClock,
) -> OrderPath {
    let muted = |bells: Vec<Doorbell>| bells.into_iter().map(|bell| bell.muted_by(&shared.mute)).collect();
    let matcher_slots: Vec<AgentSlot> =
        shards.iter().map(|shard| AgentSlot::Matcher(shard.shard())).collect();
    let command_readers = [&[AgentSlot::Journaler][..], &matcher_slots].concat();
    let ports = SequencerPorts {
        sources: ends.sources,
        operator: Some(ends.operator),
        courier: ends.courier,
        commands: ends.commands,
        space: shared.space.clone(),
        lags: lags(site, &shards, &ends.to_matchers),
        downstream: muted(placement.bells(AgentSlot::Sequencer, &command_readers)),
    };
    let sequencer = Sequencer::new(ports, stamps, site.last, site.counters);

    let event_readers = |from| muted(placement.bells(from, &[AgentSlot::Gateway, AgentSlot::Archiver]));
    let mut merged = None;
    let outlets: Vec<Outlet> = if ends.of_shards.is_empty() {
        let downstream = event_readers(AgentSlot::Matcher(ShardId::FIRST));
        vec![Outlet { events: ends.events, applied: ends.applied, downstream, wakes_always: false }]
    } else {
        let (outlets, inputs) = outlets_to_merge(site, placement, ends.of_shards, &matcher_slots);
        let ports = MergePorts {
            inputs,
            events: ends.events,
            applied: ends.applied,
            downstream: event_readers(AgentSlot::Merge),
            upstream: placement.bells(AgentSlot::Merge, &matcher_slots),
            half_full: site.config.rings.event_slots as u64 / 2,
        };
        merged = Some(Merge::new(ports, site.last_event, site.counters));
        outlets
    };
    let of_shards = ends.to_matchers.into_iter().zip(outlets).zip(shards);
    let matchers = of_shards.map(|((commands, outlet), shard)| {
        let Outlet { events, applied, downstream, wakes_always } = outlet;
        let last_state = Some(ends.last_state.clone());
        let ports = MatcherPorts { commands, events, applied, downstream, wakes_always, last_state };
        Matcher::new(ports, shard, site.last_event, site.counters)
    });
    OrderPath { sequencer, matchers: matchers.collect(), merge: merged }
}

/// How far the matchers of several shards are behind.
fn lags(site: Site<'_>, shards: &[Exchange], matchers: &[Consumer<Sequenced>]) -> Option<ShardLags> {
    let listed = shards[0].listings().map(|listing| listing.shard).collect();
    let rings = &site.config.rings;
    let matchers: Vec<CursorReader> = matchers.iter().map(Consumer::cursor).collect();
    (shards.len() > 1 && rings.busy_percent > 0)
        .then(|| ShardLags::new(matchers, listed, rings.command_slots, rings.busy_percent))
}

/// The output of a matcher.
struct Outlet {
    events: Producer<EventRecord>,
    applied: CursorWriter,
    downstream: Vec<Doorbell>,
    wakes_always: bool,
}

/// The ends of the rings between matchers and merge.
fn outlets_to_merge(
    site: Site<'_>,
    placement: &ThreadPlacement,
    rings: Vec<Line<EventRecord>>,
    matchers: &[AgentSlot],
) -> (Vec<Outlet>, Vec<MergeInput>) {
    let lines = rings.into_iter().zip(matchers).map(|((events, merged), matcher)| {
        let (applied, applied_read) = gate(site.last.sequence);
        let downstream = placement.bells(*matcher, &[AgentSlot::Merge]);
        let outlet = Outlet { events, applied, downstream, wakes_always: true };
        (outlet, MergeInput { events: merged, applied: applied_read })
    });
    lines.unzip()
}

/// The files that the engine appends to, positioned after their last records, and what their readers know.
struct Logs {
    journal: Writer,
    event_log: Writer,
    streams: StreamIndex,
}

/// The agents that write commands and events to files and resend old messages to clients.
fn durable_path(
    site: Site<'_>,
    placement: &ThreadPlacement,
    shared: &Shared,
    ends: DurableEnds,
    logs: Logs,
) -> DurablePath {
    let Site { config, data, counters, .. } = site;
    let progress = &shared.progress;
    let inline = InlinePorts {
        commands: [progress.sequenced.clone(), shared.journaled.clone()],
        events: progress.in_ring.clone(),
        disk: placement.bells(AgentSlot::Inline, &[AgentSlot::Journaler]),
        archiver: placement.bells(AgentSlot::Inline, &[AgentSlot::Archiver]),
        mute: shared.mute.clone(),
        soon: placement.soon(),
    };
    let ports = JournalerPorts {
        commands: ends.commands,
        durable: ends.durable,
        synced: ends.synced,
        space: ends.journal_space,
        downstream: placement
            .bells(AgentSlot::Journaler, &[AgentSlot::Gateway, AgentSlot::Sequencer, AgentSlot::Archiver]),
    };
    let (journaler, inline) = site.journaler(logs.journal, ports, inline);
    let downstream = placement.bells(AgentSlot::Resender, &[AgentSlot::Gateway]);
    let resender = Resender::new(ends.reader, downstream, Arc::clone(data.event_log()), counters);
    let event_writer = if shared.is_merged { AgentSlot::Merge } else { AgentSlot::Matcher(ShardId::FIRST) };
    let ports = ArchiverPorts {
        events: ends.events,
        durable: progress.durable.clone(),
        space: ends.event_log_space,
        resend: ends.locator,
        oldest: resender.oldest(),
        downstream: placement.bells(AgentSlot::Archiver, &[AgentSlot::Gateway, AgentSlot::Resender]),
        upstream: placement.bells(AgentSlot::Archiver, &[event_writer]),
        followers: placement
            .bells(AgentSlot::Archiver, if config.market_data.enabled { &[AgentSlot::Feed] } else { &[] }),
        half_full: config.rings.event_slots as u64 / 2,
    };
    let archiver = Archiver::new(ports, logs.event_log, logs.streams, site.last_event, counters);
    DurablePath { journaler, inline, archiver, resender }
}

/// The agents that read the files: SQL, market data, the shadow and the courier.
struct Projections {
    sql: Option<SqlWriter>,
    feed: Option<FeedPublisher>,
    shadow: Option<Shadow>,
    courier: Option<Courier>,
}

/// The state that these agents start from.
struct Start<'a> {
    replica: Option<State>,
    /// The transfers between shards that are on their way.
    in_flight: Vec<ShardTransfer>,
    report: &'a RecoveryReport,
    archived: CursorReader,
    log_options: Option<Options>,
    market_data: Option<FeedSockets>,
}

fn projections(
    site: Site<'_>,
    placement: &mut ThreadPlacement,
    shared: &Shared,
    ends: FollowerEnds,
    start: Start<'_>,
) -> Result<Projections, Fatal> {
    let Start { replica, in_flight, report, archived, log_options, market_data } = start;
    let courier = courier(site, placement, (ends.courier, in_flight), archived.clone())?;
    let progress = &shared.progress;
    let sql = site.sql(&progress.synced, &archived)?;
    let mut feed = None;
    if site.config.market_data.enabled {
        let ports = FeedPorts {
            applied: progress.applied.clone(),
            in_ring: progress.in_ring.clone(),
            archived: archived.clone(),
            synced: progress.synced.clone(),
            subscribers: ends.subscribers,
            snapshots: ends.snapshots,
            authenticator: placement.bells(AgentSlot::Feed, &[AgentSlot::Authenticator]),
        };
        let sequence = site.last.sequence;
        let is_first = sequence == report.opening_commands;
        let start = FeedStart { event: site.last_event, sequence, is_first };
        let settings = settings::feed(site.config, log_options)?;
        feed = Some(site.feed(placement, settings, ports, market_data, start)?);
    }
    let mut shadow = None;
    if let (Some(replica), Some(commands)) = (replica, ends.shadow) {
        let ports = ShadowPorts {
            synced: progress.synced.clone(),
            archived,
            in_sql: sql.as_ref().map(SqlWriter::on_disk),
            in_market_data: feed.as_ref().map(FeedPublisher::on_disk),
            couriered: courier.as_ref().map(Courier::followed),
            commands,
            downstream: placement.bells(AgentSlot::Shadow, &[AgentSlot::Sequencer]),
        };
        let last_snapshot = report.snapshot.as_ref().map_or(0, |info| info.position);
        shadow = Some(site.shadow(ports, ends.quota_space, replica, last_snapshot)?);
    }
    Ok(Projections { sql, feed, shadow, courier })
}

impl Projections {
    fn with_lags(self, site: Site<'_>, archived: &CursorReader, durable: &CursorReader) -> Followers {
        let bytes_max = settings::background_lag(site.config, site.data);
        let (event, command) = (settings::EVENT_RECORD_BYTES, settings::COMMAND_RECORD_BYTES);
        let sql = self.sql.map(|sql| {
            let bytes = lag_of(archived, &sql.watermark(), event);
            (sql, Lag { bytes, bytes_max, waits: Waits::Long })
        });
        let shadow = self.shadow.map(|shadow| {
            let bytes = lag_of(durable, &shadow.position(), command);
            (shadow, Lag { bytes, bytes_max, waits: Waits::Long })
        });
        let feed = self.feed.map(|feed| {
            let bytes = lag_of(archived, &feed.followed(), event);
            let bytes_max = site.config.market_data.lag_mib.saturating_mul(1 << 20);
            (feed, Lag { bytes, bytes_max, waits: Waits::Short })
        });
        Followers { sql, feed, shadow, courier: self.courier }
    }
}

/// The lag of `at` behind `end`, in bytes; each record counts `record_bytes`.
fn lag_of(end: &CursorReader, at: &CursorReader, record_bytes: u64) -> Box<dyn Fn() -> u64 + Send> {
    let (end, at) = (end.clone(), at.clone());
    Box::new(move || end.get().saturating_sub(at.get()).saturating_mul(record_bytes))
}

/// The courier, if there are several shards, with the transfers that the recovered exchange has on their way.
fn courier(
    site: Site<'_>,
    placement: &ThreadPlacement,
    (arrivals, in_flight): (Option<Producer<ShardTransfer>>, Vec<ShardTransfer>),
    archived: CursorReader,
) -> Result<Option<Courier>, Fatal> {
    let Some(arrivals) = arrivals else { return Ok(None) };
    let downstream = placement.bells(AgentSlot::Courier, &[AgentSlot::Sequencer]);
    let ports = CourierPorts { archived, arrivals, downstream };
    let log = Arc::clone(site.data.event_log());
    Courier::new(ports, log, in_flight.into_iter(), site.last_event, site.counters).map(Some)
}

/// The operators' command interface.
fn desk(
    site: Site<'_>,
    placement: &ThreadPlacement,
    (commands, taken): (Producer<Command>, CursorReader),
    archiver: &Archiver,
    known: settings::Known,
) -> Result<Desk, Fatal> {
    let ports = DeskPorts {
        commands,
        doorbell: placement.bell(AgentSlot::Sequencer),
        taken,
        archived: archiver.archived(),
        session: archiver.session(),
        event_log: Arc::clone(site.data.event_log()),
    };
    Ok(Desk::new(ports, settings::names(site.config, site.opening, known)?))
}
