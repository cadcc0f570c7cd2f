//! The wiring, and nothing else: rings, gates, agents, threads. No logic of the exchange is here.
//!
//! ```text
//! 1 gateway ─ inbound ring ─▶ 2 sequencer ─ command ring ─┬▶ 3 journaler ─▶ durable cursor, the gate of 1 and 5
//!   local   ─ inbound ring ─▶                             └▶ 4 matcher ─ event ring ─┬▶ 1 gateway
//!                                                                                    └▶ 5 archiver ─▶ 6 SQL writer
//! 1 gateway, feed ⇄ doorman: who may come in
//! ```
//!
//! *local* is a second source, for commands that do not come over a socket: tests, benches, later administration. The
//! timer, where there is something for it to do, is a third. Shadow and feed follow the files.

mod proofs;
mod rehearsal;
mod seats;
pub(crate) mod settings;

pub use proofs::proofs;
pub use rehearsal::rehearse;
pub use seats::{StopPhase, Thread};

pub use crate::net::{Sockets, TcpSockets};
pub use crate::stages::feed::FeedSockets;

use crate::config::{Config, InlineSync};
use crate::domain::audience::Audience;
use crate::domain::streams::StreamIndex;
use crate::domain::{Command, EventRecord, Sequenced};
use crate::exchange::Exchange;
use crate::market::MarketWatch;
use crate::net::auth::{Role, auth_queues};
use crate::operator::{Desk, DeskPorts};
use crate::recovery::{DataDir, Recovered};
use crate::replica::State;
use crate::ring::{Consumer, CursorReader, Producer, RingBuilder, cursor, spsc};
use crate::runtime::chairs::{Lag, Waits};
use crate::runtime::planted::{Bug, is_planted};
use crate::runtime::{Clocks, Counters, Doorbell, Fatal, Mute, StampClock, ThreadingMode, UnixNanos};
use crate::stages::archiver::{Archiver, ArchiverPorts};
use crate::stages::doorman::{Door, Doorman};
use crate::stages::feed::{FeedFiles, FeedPorts, FeedPublisher, FeedStart};
use crate::stages::gateway::{Gateway, GatewayControl, GatewayPorts, GatewayStart, Progress};
use crate::stages::journaler::{InlinePorts, Journaler, JournalerPorts};
use crate::stages::matcher::{Matcher, MatcherPorts};
use crate::stages::resend::resend_queues;
use crate::stages::resender::Resender;
use crate::stages::sequencer::{Sequencer, SequencerPorts};
use crate::stages::shadow::{Shadow, ShadowControl, ShadowFiles, ShadowPorts};
use crate::stages::space::space_gauge;
use crate::stages::sql_writer::SqlWriter;
use crate::stages::timer::{Timer, TimerControl, TimerPorts};
use crossbeam_channel::{Receiver, bounded};
use dojima_journal::Options;
use dojima_journal::storage::LockGuard;
use seats::{Agents, Seat, Seats};
use std::sync::Arc;

/// The agents of one engine, joined and warm, and what the outside keeps of them.
pub struct Pipeline {
    /// The threads to run them on, in flow order; in stepped mode one agent each.
    pub threads: Vec<Thread>,
    /// The outside's ends.
    pub handles: Handles,
}

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
    /// The exchange, once the matcher is closed.
    pub last_state: Receiver<Exchange>,
    /// Keeps other engines out of the data directory until everything has ended.
    _lock: LockGuard,
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
    /// Wakes the sequencer.
    pub doorbell: Doorbell,
}

/// The positions of all stages.
#[derive(Clone)]
pub struct Watch {
    /// Every ring: its producer and its consumers.
    rings: Vec<(CursorReader, Vec<CursorReader>)>,
    sequenced: CursorReader,
    /// The last sequence before this start: command ring positions count from here.
    sequence_base: u64,
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

/// Where clients come from.
#[derive(Default)]
pub struct Network {
    /// Those who trade; `None`: there is no gateway.
    pub order_entry: Option<Box<dyn Sockets>>,
    /// Those who watch; `None`: market data is served to nobody.
    pub market_data: Option<FeedSockets>,
}

/// Slots from the timer to the sequencer: a moment's commands; what does not fit waits in the timer.
const TIMER_SLOTS: usize = 64;
/// Slots from the shadow to the sequencer, for a checkpoint now and then.
const SHADOW_SLOTS: usize = 64;

/// Commands of operators that wait: they come one at a time.
const OPERATOR_SLOTS: usize = 4;

/// Joins recovered parts into a pipeline. `clocks` makes them for every agent. `log_options`: how the log of market data is written, if not as configured.
///
/// # Errors
/// When the system gives no poll, or a setting cannot be had on this machine.
pub fn build(
    config: &Config,
    data: &DataDir,
    network: Network,
    recovered: Recovered,
    log_options: Option<Options>,
    clocks: &dyn Clocks,
    counters: &Counters,
) -> Result<Pipeline, Fatal> {
    let Network { order_entry: sockets, market_data: market_sockets } = network;
    let Recovered { state, journal, event_log, lock, report } = recovered;
    let replica = config.snapshots.enabled.then(|| state.clone());
    let State { exchange, last, last_event, streams, listings, opening, .. } = state;
    let mut seats = Seats::new(config)?;

    // The rings and cursors.
    let (gateway_in, from_gateway) = spsc::<Command>(config.rings.inbound_slots);
    let (local_in, from_local) = spsc::<Command>(config.rings.inbound_slots);
    let timer_settings = settings::timer(config, &listings, &streams, data.event_log())?;
    let (timer_in, from_timer) = timer_settings.is_some().then(|| spsc::<Command>(TIMER_SLOTS)).unzip();
    let (operator_in, from_operator) = spsc::<Command>(OPERATOR_SLOTS);
    let (taken_in, taken) = cursor();
    let (shadow_in, from_shadow) = replica.is_some().then(|| spsc::<Command>(SHADOW_SLOTS)).unzip();
    let (commands, [to_journaler, to_matcher]) = ring::<Sequenced, 2>(config.rings.command_slots);
    let (events, to_archiver, to_gateway) = match &sockets {
        Some(_) => {
            let (events, [archiver, gateway]) = ring::<EventRecord, 2>(config.rings.event_slots);
            (events, archiver, Some(gateway))
        }
        None => {
            let (events, [archiver]) = ring::<EventRecord, 1>(config.rings.event_slots);
            (events, archiver, None)
        }
    };
    let (mut durable_in, durable) = cursor();
    durable_in.set(last.sequence);
    let (mut synced_in, synced) = cursor();
    synced_in.set(last.sequence);
    let (mut applied_in, applied) = cursor();
    applied_in.set(last.sequence);
    let (journal_space, journal_watch) = space_gauge("journal");
    let (event_log_space, event_log_watch) = space_gauge("event log");
    let (quota_space, quota_watch) = space_gauge("data directory");
    let (resend_client, resend_locator, resend_reader) = resend_queues();
    let (auth_client, auth_server) = auth_queues();
    let (last_state_in, last_state) = bounded(1);
    let event_readers = [Some(&to_archiver), to_gateway.as_ref()];
    let mut rings = vec![
        (gateway_in.cursor(), vec![from_gateway.cursor()]),
        (local_in.cursor(), vec![from_local.cursor()]),
        (operator_in.cursor(), vec![from_operator.cursor()]),
        (commands.cursor(), vec![to_journaler.cursor(), to_matcher.cursor()]),
        (events.cursor(), event_readers.into_iter().flatten().map(Consumer::cursor).collect()),
    ];
    if let (Some(timer_in), Some(from_timer)) = (&timer_in, &from_timer) {
        rings.push((timer_in.cursor(), vec![from_timer.cursor()]));
    }
    if let (Some(shadow_in), Some(from_shadow)) = (&shadow_in, &from_shadow) {
        rings.push((shadow_in.cursor(), vec![from_shadow.cursor()]));
    }
    let sequenced = commands.cursor();
    let in_ring = events.cursor();

    // While the hot thread is the journaler, one agent on it rings the disk thread and the archiver for all.
    let mute = Mute::default();
    let muted = |bells: Vec<Doorbell>| bells.into_iter().map(|bell| bell.muted_by(&mute)).collect();
    let inline_ports = InlinePorts {
        commands: [commands.cursor(), to_journaler.cursor()],
        events: events.cursor(),
        disk: seats.bells(Seat::Inline, &[Seat::Journaler]),
        archiver: seats.bells(Seat::Inline, &[Seat::Archiver]),
        mute: mute.clone(),
        soon: seats.soon(),
    };

    // 1. Gateway.
    let gateway = match (sockets, to_gateway) {
        (Some(sockets), Some(events)) => {
            let downstream = seats.bells(Seat::Gateway, &[Seat::Sequencer]);
            let durable = durable.clone();
            let space = vec![journal_watch.clone(), event_log_watch.clone(), quota_watch.clone()];
            let ports = GatewayPorts {
                inbound: gateway_in,
                events,
                durable,
                progress: Progress {
                    sequenced: sequenced.clone(),
                    sequence_base: last.sequence,
                    applied: applied.clone(),
                    in_ring: in_ring.clone(),
                },
                space,
                resend: resend_client,
                downstream,
                archiver: seats.bells(Seat::Gateway, &[Seat::Archiver]),
                auth: auth_client,
                doorman: seats.bells(Seat::Gateway, &[Seat::Doorman]),
            };
            let start = GatewayStart {
                listings: listings.clone(),
                audience: audience(&streams),
                session: streams.session(),
                streams: streams.by_login(exchange.logins().len()),
            };
            let settings = settings::gateway(config, &opening)?;
            let gateway = Gateway::new(settings, sockets, ports, start, clocks.monotonic(), counters)?;
            seats.watch_sockets(&gateway)?;
            Some(gateway)
        }
        _ => None,
    };
    let control = gateway.as_ref().map(Gateway::control);
    // Doorman.
    let (subscribers, subscribers_server) = auth_queues();
    let (snapshots, snapshots_server) = auth_queues();
    let market_door = |server| Door {
        server,
        roles: vec![Role::MarketData, Role::Trade, Role::Admin],
        service: "market data",
        downstream: seats.bells(Seat::Doorman, &[Seat::Feed]),
    };
    let doors = vec![
        Door {
            server: auth_server,
            roles: vec![Role::Trade, Role::DropCopy],
            service: "order entry",
            downstream: seats.bells(Seat::Doorman, &[Seat::Gateway]),
        },
        market_door(subscribers_server),
        market_door(snapshots_server),
    ];
    let doorman = match gateway {
        Some(_) => {
            let (users, files) = (settings::users(config, &opening)?, Arc::clone(data.root()));
            let clocks = (clocks.monotonic(), clocks.wall());
            Some(Doorman::new(doors, users, Some(files), clocks, seats.hasher()?, counters))
        }
        None => None,
    };
    // 2. Sequencer.
    let ports = SequencerPorts {
        sources: [from_gateway, from_local].into_iter().chain(from_timer).chain(from_shadow).collect(),
        operator: Some((from_operator, taken_in)),
        commands,
        space: vec![journal_watch, event_log_watch, quota_watch],
        downstream: muted(seats.bells(Seat::Sequencer, &[Seat::Journaler, Seat::Matcher])),
    };
    let stamps = StampClock::new(clocks, UnixNanos(last.time.0), counters);
    let stamps_read = stamps.reader(clocks);
    let sequencer = Sequencer::new(ports, stamps, last, counters);
    // 3. Journaler.
    let ports = JournalerPorts {
        commands: to_journaler,
        durable: durable_in,
        synced: synced_in,
        space: journal_space,
        downstream: seats.bells(Seat::Journaler, &[Seat::Gateway, Seat::Sequencer, Seat::Archiver]),
    };
    let journaler = Journaler::new(ports, journal, settings::journaler(config), clocks.monotonic(), counters);
    let is_inline =
        config.engine.inline_sync == InlineSync::Auto && config.engine.mode != ThreadingMode::Dedicated;
    let inline = is_inline.then(|| journaler.inline(inline_ports, clocks.monotonic(), counters));
    // 4. Matcher.
    let ports = MatcherPorts {
        commands: to_matcher,
        events,
        applied: applied_in,
        downstream: muted(seats.bells(Seat::Matcher, &[Seat::Gateway, Seat::Archiver])),
        last_state: Some(last_state_in),
    };
    let matcher = Matcher::new(ports, exchange, last_event, counters);
    // 5. Archiver, and who reads the event log again.
    let downstream = seats.bells(Seat::Resender, &[Seat::Gateway]);
    let resender = Resender::new(resend_reader, downstream, Arc::clone(data.event_log()), counters);
    let ports = ArchiverPorts {
        events: to_archiver,
        durable: durable.clone(),
        space: event_log_space,
        resend: resend_locator,
        oldest: resender.oldest(),
        downstream: seats.bells(Seat::Archiver, &[Seat::Gateway, Seat::Resender]),
        upstream: seats.bells(Seat::Archiver, &[Seat::Matcher]),
        followers: seats.bells(Seat::Archiver, if config.market_data.enabled { &[Seat::Feed] } else { &[] }),
        half_full: config.rings.event_slots as u64 / 2,
    };
    let archiver = Archiver::new(ports, event_log, streams, last_event, counters);
    let archived = archiver.archived();
    // Operators.
    let ports = DeskPorts {
        commands: operator_in,
        doorbell: seats.bell(Seat::Sequencer),
        taken,
        archived: archived.clone(),
        session: archiver.session(),
        event_log: Arc::clone(data.event_log()),
    };
    let operator = Desk::new(ports, settings::names(config, &opening)?);
    // Timer.
    let timer = timer_settings.zip(timer_in).map(|(settings, commands)| {
        let downstream = seats.bells(Seat::Timer, &[Seat::Sequencer]);
        let ports = TimerPorts { commands, session: archiver.session(), downstream };
        Timer::new(ports, settings, Box::new(stamps_read), counters)
    });
    let timer_control = timer.as_ref().map(Timer::control);
    // 6. SQL writer.
    let sql = match config.sql.enabled {
        true => {
            let (settings, log) = (settings::sql(config, data, &opening), Arc::clone(data.event_log()));
            let writer = SqlWriter::new(settings, log, clocks, counters)?;
            Some(writer.behind(synced.clone()).trusting(archived.clone()))
        }
        false => None,
    };
    let in_sql = sql.as_ref().map(SqlWriter::watermark);
    let in_sql_on_disk = sql.as_ref().map(SqlWriter::on_disk);
    // Feed.
    let feed = match config.market_data.enabled {
        true => {
            let settings = settings::feed(config, log_options)?;
            let files = FeedFiles {
                event_log: Arc::clone(data.event_log()),
                market_data: Arc::clone(data.market_data()),
            };
            let (applied, synced) = (applied.clone(), synced.clone());
            let doorman = seats.bells(Seat::Feed, &[Seat::Doorman]);
            let archived = archived.clone();
            let ports = FeedPorts { applied, in_ring, archived, synced, subscribers, snapshots, doorman };
            let is_first = last.sequence == report.opening_commands;
            let start = FeedStart { event: last_event, sequence: last.sequence, is_first };
            let feed = FeedPublisher::new(
                settings,
                files,
                ports,
                market_sockets,
                start,
                clocks.monotonic(),
                counters,
            )?;
            seats.watch_feed(&feed)?;
            Some(feed)
        }
        false => None,
    };
    let market = feed.as_ref().map(FeedPublisher::watch);
    let in_market_data = feed.as_ref().map(FeedPublisher::followed);
    // Shadow.
    let shadow = match (replica, shadow_in) {
        (Some(replica), Some(commands)) => {
            let ports = ShadowPorts {
                synced,
                archived: archived.clone(),
                in_sql: in_sql_on_disk.clone(),
                in_market_data: feed.as_ref().map(FeedPublisher::on_disk),
                commands,
                downstream: seats.bells(Seat::Shadow, &[Seat::Sequencer]),
            };
            let files = ShadowFiles {
                journal: Arc::clone(data.journal()),
                event_log: Arc::clone(data.event_log()),
                snapshots: Arc::clone(data.snapshots()),
            };
            let settings = settings::shadow(config, data, quota_space, counters);
            let last_snapshot = report.snapshot.map_or(0, |info| info.position);
            Some(Shadow::new(ports, files, settings, replica, last_snapshot, clocks.monotonic(), counters)?)
        }
        _ => None,
    };
    let shadow_control = shadow.as_ref().map(Shadow::control);
    let bytes_max = settings::background_lag(config, data);
    let (event, command) = (settings::EVENT_RECORD_BYTES, settings::COMMAND_RECORD_BYTES);
    let sql = sql.map(|sql| {
        let bytes = lag_of(&archived, &sql.watermark(), event);
        (sql, Lag { bytes, bytes_max, waits: Waits::Long })
    });
    let shadow = shadow.map(|shadow| {
        let bytes = lag_of(&durable, &shadow.position(), command);
        (shadow, Lag { bytes, bytes_max, waits: Waits::Long })
    });
    let feed = feed.map(|feed| {
        let bytes = lag_of(&archived, &feed.followed(), event);
        let bytes_max = config.market_data.lag_mib.saturating_mul(1 << 20);
        (feed, Lag { bytes, bytes_max, waits: Waits::Short })
    });

    let watch = Watch {
        rings,
        sequenced,
        sequence_base: last.sequence,
        durable,
        applied,
        archived,
        in_sql,
        in_sql_on_disk,
        in_market_data,
    };
    let local = Local { commands: local_in, doorbell: seats.bell(Seat::Sequencer) };
    let handles = Handles {
        gateway: control,
        timer: timer_control,
        shadow: shadow_control,
        market,
        local,
        operator: Some(operator),
        watch,
        last_state,
        _lock: lock,
    };
    let agents = Agents {
        gateway,
        doorman,
        timer,
        sequencer,
        journaler,
        matcher,
        inline,
        archiver,
        resender,
        sql,
        shadow,
        feed,
    };
    Ok(Pipeline { threads: seats.seat(agents, counters), handles })
}

/// How far who is at `at` is behind `end`, in records of so many bytes.
fn lag_of(end: &CursorReader, at: &CursorReader, record_bytes: u64) -> Box<dyn Fn() -> u64 + Send> {
    let (end, at) = (end.clone(), at.clone());
    Box::new(move || end.get().saturating_sub(at.get()).saturating_mul(record_bytes))
}

/// Who is told what.
fn audience(streams: &StreamIndex) -> Audience {
    match is_planted(Bug::ForgetCopies) {
        true => Audience::restored(streams.audience().accounts().iter().copied(), []),
        false => streams.audience().clone(),
    }
}

/// A ring with `N` consumers that follow the producer.
fn ring<T: Copy + Default + Send + Sync + 'static, const N: usize>(
    slots: usize,
) -> (Producer<T>, [Consumer<T>; N]) {
    let mut ring = RingBuilder::new(slots);
    for _ in 0..N {
        ring.consumer();
    }
    let (producer, consumers) = ring.build();
    match consumers.try_into() {
        Ok(consumers) => (producer, consumers),
        Err(_) => unreachable!("as many consumers come out as were asked for"),
    }
}
