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
pub use rehearsal::{check_database, rehearse};
pub use seats::{StopPhase, Thread};

pub use crate::net::{Sockets, TcpSockets};
pub use crate::stages::feed::FeedSockets;

use crate::config::{Config, InlineSync};
use crate::domain::audience::Audience;
use crate::domain::streams::StreamIndex;
use crate::domain::{Command, EventRecord, Sequenced};
use crate::exchange::Exchange;
use crate::market::MarketWatch;
use crate::net::auth::{AuthServer, Role, auth_queues};
use crate::operator::{Desk, DeskPorts};
use crate::recovery::{DataDir, Recovered};
use crate::replica::State;
use crate::ring::{Consumer, CursorReader, CursorWriter, Producer, RingBuilder, cursor, spsc};
use crate::runtime::chairs::{Lag, Waits};
use crate::runtime::planted::{Bug, is_planted};
use crate::runtime::{Clocks, Counters, Doorbell, Fatal, Mute, StampClock, ThreadingMode, UnixNanos};
use crate::stages::archiver::{Archiver, ArchiverPorts};
use crate::stages::doorman::{Door, Doorman};
use crate::stages::feed::{FeedFiles, FeedPorts, FeedPublisher, FeedSettings, FeedStart};
use crate::stages::gateway::{Gateway, GatewayControl, GatewayPorts, GatewayStart, Progress};
use crate::stages::journaler::{InlineJournaler, InlinePorts, Journaler, JournalerPorts};
use crate::stages::matcher::{Matcher, MatcherPorts};
use crate::stages::resend::resend_queues;
use crate::stages::resender::Resender;
use crate::stages::sequencer::{Sequencer, SequencerPorts};
use crate::stages::shadow::{Shadow, ShadowControl, ShadowFiles, ShadowPorts};
use crate::stages::space::{SpaceLow, space_gauge};
use crate::stages::sql_writer::SqlWriter;
use crate::stages::timer::{Timer, TimerControl, TimerPorts};
use crossbeam_channel::{Receiver, bounded};
use dojima_journal::storage::LockGuard;
use dojima_journal::{Options, Writer};
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

/// A ring with one consumer.
type Line<T> = (Producer<T>, Consumer<T>);

/// Which sources and readers there are that there need not be.
struct Present {
    gateway: bool,
    timer: bool,
    shadow: bool,
}

/// All rings.
struct Rings {
    gateway: Line<Command>,
    local: Line<Command>,
    timer: Option<Line<Command>>,
    operator: Line<Command>,
    shadow: Option<Line<Command>>,
    commands: Producer<Sequenced>,
    to_journaler: Consumer<Sequenced>,
    to_matcher: Consumer<Sequenced>,
    events: Producer<EventRecord>,
    to_archiver: Consumer<EventRecord>,
    to_gateway: Option<Consumer<EventRecord>>,
}

impl Rings {
    fn new(config: &Config, present: &Present) -> Self {
        let sizes = &config.rings;
        let (gateway, local) = (spsc(sizes.inbound_slots), spsc(sizes.inbound_slots));
        let (commands, [to_journaler, to_matcher]) = ring(sizes.command_slots);
        let (events, to_archiver, to_gateway) = if present.gateway {
            let (events, [archiver, gateway]) = ring(sizes.event_slots);
            (events, archiver, Some(gateway))
        } else {
            let (events, [archiver]) = ring(sizes.event_slots);
            (events, archiver, None)
        };
        Self {
            gateway,
            local,
            timer: present.timer.then(|| spsc(TIMER_SLOTS)),
            operator: spsc(OPERATOR_SLOTS),
            shadow: present.shadow.then(|| spsc(SHADOW_SLOTS)),
            commands,
            to_journaler,
            to_matcher,
            events,
            to_archiver,
            to_gateway,
        }
    }

    /// Every ring: its producer and its consumers.
    fn ends(&self) -> Vec<(CursorReader, Vec<CursorReader>)> {
        let lines = [&self.gateway, &self.local, &self.operator].into_iter();
        let lines = lines.chain(&self.timer).chain(&self.shadow);
        let lines = lines.map(|(producer, consumer)| (producer.cursor(), vec![consumer.cursor()]));
        let event_readers = [Some(&self.to_archiver), self.to_gateway.as_ref()].into_iter().flatten();
        lines
            .chain([
                (self.commands.cursor(), vec![self.to_journaler.cursor(), self.to_matcher.cursor()]),
                (self.events.cursor(), event_readers.map(Consumer::cursor).collect()),
            ])
            .collect()
    }
}

/// A cursor that stands here.
fn gate(at: u64) -> (CursorWriter, CursorReader) {
    let (mut writer, reader) = cursor();
    writer.set(at);
    (writer, reader)
}

/// What agents are made with beside what joins them.
#[derive(Clone, Copy)]
struct Site<'a> {
    config: &'a Config,
    data: &'a DataDir,
    clocks: &'a dyn Clocks,
    counters: &'a Counters,
    /// What the venue was opened with.
    opening: &'a [Command],
}

impl Site<'_> {
    fn gateway(
        self,
        seats: &mut Seats,
        sockets: Box<dyn Sockets>,
        ports: GatewayPorts,
        start: GatewayStart,
    ) -> Result<Gateway, Fatal> {
        let settings = settings::gateway(self.config, self.opening)?;
        let clock = self.clocks.monotonic();
        let gateway = Gateway::new(settings, sockets, ports, start, clock, self.counters)?;
        seats.watch_sockets(&gateway)?;
        Ok(gateway)
    }

    /// The doorman of order entry, market data and its snapshots.
    fn doorman(self, seats: &Seats, servers: [AuthServer; 3]) -> Result<Doorman, Fatal> {
        let [order_entry, subscribers, snapshots] = servers;
        let market_door = |server| Door {
            server,
            roles: vec![Role::MarketData, Role::Trade, Role::Admin],
            service: "market data",
            downstream: seats.bells(Seat::Doorman, &[Seat::Feed]),
        };
        let doors = vec![
            Door {
                server: order_entry,
                roles: vec![Role::Trade, Role::DropCopy],
                service: "order entry",
                downstream: seats.bells(Seat::Doorman, &[Seat::Gateway]),
            },
            market_door(subscribers),
            market_door(snapshots),
        ];
        let (users, files) = (settings::users(self.config, self.opening)?, Arc::clone(self.data.root()));
        let clocks = (self.clocks.monotonic(), self.clocks.wall());
        Ok(Doorman::new(doors, users, Some(files), clocks, seats.hasher()?, self.counters))
    }

    /// The journaler, and where the hot thread may do the same, the agent that does.
    fn journaler(
        self,
        journal: Writer,
        ports: JournalerPorts,
        inline: InlinePorts,
    ) -> (Journaler, Option<InlineJournaler>) {
        let (config, clock) = (self.config, || self.clocks.monotonic());
        let journaler = Journaler::new(ports, journal, settings::journaler(config), clock(), self.counters);
        let is_inline =
            config.engine.inline_sync == InlineSync::Auto && config.engine.mode != ThreadingMode::Dedicated;
        let inline = is_inline.then(|| journaler.inline(inline, clock(), self.counters));
        (journaler, inline)
    }

    fn sql(self, synced: &CursorReader, archived: &CursorReader) -> Result<Option<SqlWriter>, Fatal> {
        if !self.config.sql.enabled {
            return Ok(None);
        }
        let settings = settings::sql(self.config, self.data, self.opening);
        let log = Arc::clone(self.data.event_log());
        let writer = SqlWriter::new(settings, log, self.clocks, self.counters)?;
        Ok(Some(writer.behind(synced.clone()).trusting(archived.clone())))
    }

    fn feed(
        self,
        seats: &mut Seats,
        settings: FeedSettings,
        ports: FeedPorts,
        sockets: Option<FeedSockets>,
        start: FeedStart,
    ) -> Result<FeedPublisher, Fatal> {
        let files = FeedFiles {
            event_log: Arc::clone(self.data.event_log()),
            market_data: Arc::clone(self.data.market_data()),
        };
        let clock = self.clocks.monotonic();
        let feed = FeedPublisher::new(settings, files, ports, sockets, start, clock, self.counters)?;
        seats.watch_feed(&feed)?;
        Ok(feed)
    }

    fn shadow(
        self,
        ports: ShadowPorts,
        quota: SpaceLow,
        replica: State,
        last_snapshot: u64,
    ) -> Result<Shadow, Fatal> {
        let files = ShadowFiles {
            journal: Arc::clone(self.data.journal()),
            event_log: Arc::clone(self.data.event_log()),
            snapshots: Arc::clone(self.data.snapshots()),
        };
        let settings = settings::shadow(self.config, self.data, quota, self.counters);
        let clock = self.clocks.monotonic();
        Shadow::new(ports, files, settings, replica, last_snapshot, clock, self.counters)
    }
}

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
    let site = Site { config, data, clocks, counters, opening: &opening };

    // The rings and cursors.
    let timer_settings = settings::timer(config, &listings, &streams, data.event_log())?;
    let present =
        Present { gateway: sockets.is_some(), timer: timer_settings.is_some(), shadow: replica.is_some() };
    let rings = Rings::new(config, &present);
    let ring_ends = rings.ends();
    let Rings { commands, to_journaler, to_matcher, events, to_archiver, to_gateway, .. } = rings;
    let (gateway_in, from_gateway) = rings.gateway;
    let (local_in, from_local) = rings.local;
    let (operator_in, from_operator) = rings.operator;
    let (timer_in, from_timer) = rings.timer.unzip();
    let (shadow_in, from_shadow) = rings.shadow.unzip();
    let (taken_in, taken) = cursor();
    let (durable_in, durable) = gate(last.sequence);
    let (synced_in, synced) = gate(last.sequence);
    let (applied_in, applied) = gate(last.sequence);
    let (journal_space, journal_watch) = space_gauge("journal");
    let (event_log_space, event_log_watch) = space_gauge("event log");
    let (quota_space, quota_watch) = space_gauge("data directory");
    let space = vec![journal_watch, event_log_watch, quota_watch];
    let (resend_client, resend_locator, resend_reader) = resend_queues();
    let (auth_client, auth_server) = auth_queues();
    let (subscribers, subscribers_server) = auth_queues();
    let (snapshots, snapshots_server) = auth_queues();
    let (last_state_in, last_state) = bounded(1);
    let (sequenced, in_ring) = (commands.cursor(), events.cursor());

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
            let ports = GatewayPorts {
                inbound: gateway_in,
                events,
                durable: durable.clone(),
                progress: Progress {
                    sequenced: sequenced.clone(),
                    sequence_base: last.sequence,
                    applied: applied.clone(),
                    in_ring: in_ring.clone(),
                },
                space: space.clone(),
                resend: resend_client,
                downstream: seats.bells(Seat::Gateway, &[Seat::Sequencer]),
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
            Some(site.gateway(&mut seats, sockets, ports, start)?)
        }
        _ => None,
    };
    // Doorman.
    let doorman = match gateway {
        Some(_) => Some(site.doorman(&seats, [auth_server, subscribers_server, snapshots_server])?),
        None => None,
    };
    // 2. Sequencer.
    let ports = SequencerPorts {
        sources: [from_gateway, from_local].into_iter().chain(from_timer).chain(from_shadow).collect(),
        operator: Some((from_operator, taken_in)),
        commands,
        space,
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
    let (journaler, inline) = site.journaler(journal, ports, inline_ports);
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
    // 6. SQL writer.
    let sql = site.sql(&synced, &archived)?;
    let in_sql = sql.as_ref().map(SqlWriter::watermark);
    let in_sql_on_disk = sql.as_ref().map(SqlWriter::on_disk);
    // Feed.
    let feed = match config.market_data.enabled {
        true => {
            let ports = FeedPorts {
                applied: applied.clone(),
                in_ring,
                archived: archived.clone(),
                synced: synced.clone(),
                subscribers,
                snapshots,
                doorman: seats.bells(Seat::Feed, &[Seat::Doorman]),
            };
            let is_first = last.sequence == report.opening_commands;
            let start = FeedStart { event: last_event, sequence: last.sequence, is_first };
            let settings = settings::feed(config, log_options)?;
            Some(site.feed(&mut seats, settings, ports, market_sockets, start)?)
        }
        false => None,
    };
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
            let last_snapshot = report.snapshot.map_or(0, |info| info.position);
            Some(site.shadow(ports, quota_space, replica, last_snapshot)?)
        }
        _ => None,
    };

    let watch = Watch {
        rings: ring_ends,
        sequenced,
        sequence_base: last.sequence,
        durable: durable.clone(),
        applied,
        archived: archived.clone(),
        in_sql,
        in_sql_on_disk,
        in_market_data: feed.as_ref().map(FeedPublisher::followed),
    };
    let handles = Handles {
        gateway: gateway.as_ref().map(Gateway::control),
        timer: timer.as_ref().map(Timer::control),
        shadow: shadow.as_ref().map(Shadow::control),
        market: feed.as_ref().map(FeedPublisher::watch),
        local: Local { commands: local_in, doorbell: seats.bell(Seat::Sequencer) },
        operator: Some(operator),
        watch,
        last_state,
        _lock: lock,
    };
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
