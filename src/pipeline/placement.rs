//! Thread placement: which agent runs on which thread, how that thread waits, and which agents wake it.

use crate::config::{Config, Durability};
use crate::domain::ShardId;
use crate::runtime::affinity::available_cores;
use crate::runtime::chairs::{Lag, two_chairs};
use crate::runtime::{
    Agent, Backoff, BusySpin, CompositeAgent, CoreIndex, Counters, Doorbell, Fatal, IdleLimits, IdleStrategy,
    Place, Priority, Rest, SocketWait, Soon, ThreadingMode,
};
use crate::stages::archiver::Archiver;
use crate::stages::authenticator::{Authenticator, Hasher};
use crate::stages::courier::Courier;
use crate::stages::feed::FeedPublisher;
use crate::stages::gateway::Gateway;
use crate::stages::journaler::{InlineJournaler, Journaler};
use crate::stages::matcher::Matcher;
use crate::stages::merge::Merge;
use crate::stages::resender::Resender;
use crate::stages::sequencer::Sequencer;
use crate::stages::shadow::Shadow;
use crate::stages::sql_writer::SqlWriter;
use crate::stages::timer::Timer;
use std::time::Duration;

/// One thread: its agents and how it waits.
pub struct Thread {
    pub agent: Box<dyn Agent>,
    pub idle: Box<dyn IdleStrategy>,
    /// Its name, cores and priority.
    pub place: Place,
    /// The phase of a stop in which it ends.
    pub stop: StopPhase,
}

/// The phases of a stop. Each group of threads stops after the group before it has finished its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopPhase {
    /// Gateway, timer, sequencer, matcher.
    Hot,
    /// Journaler and archiver.
    Disk,
    /// The SQL writer, after it has caught up with the event log, the shadow, the feed, and the authenticator.
    Followers,
}

/// One slot per agent. [`ThreadPlacement`] maps it to a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AgentSlot {
    Gateway,
    Sequencer,
    Matcher(ShardId),
    Journaler,
    Archiver,
    Sql,
    Feed,
    Shadow,
    Authenticator,
    Resender,
    Timer,
    /// The inline journaler on the hot thread; not used in dedicated mode.
    Inline,
    /// The merge, after the matchers of several shards.
    Merge,
    /// The courier, if there are several shards.
    Courier,
}

impl AgentSlot {
    const COUNT: usize = Self::COURIER + 1;
    /// The merge's thread number in stepped mode. The matchers of further shards come after it.
    const MERGE: usize = 12;
    const COURIER: usize = Self::MERGE + ShardId::COUNT;
    /// Number of threads of the dedicated mode with one shard.
    const DEDICATED_THREADS: usize = 10;
    /// Number of threads in dedicated mode with one shard that an order passes on its way to the answer, plus one for
    /// all other threads. The timer runs with the sequencer, its only reader.
    const BUSY_THREADS: usize = 6;

    /// Threads of the shared mode: 1 everything that never blocks, 2 the journaler, 3 SQL, 4 market data, 5 the shadow,
    /// 6 the authenticator, which checks passwords, 7 resender and courier, which read events, 8 the archiver, which
    /// works while the journaler waits for the disk. They stop in this order: what the shadow may retire at its end
    /// depends on the positions of SQL and market data.
    fn shared_thread(self) -> usize {
        match self {
            Self::Gateway | Self::Timer | Self::Sequencer | Self::Matcher(_) | Self::Inline | Self::Merge => {
                0
            }
            Self::Journaler => 1,
            Self::Sql => 2,
            Self::Feed => 3,
            Self::Shadow => 4,
            Self::Authenticator => 5,
            Self::Resender | Self::Courier => 6,
            Self::Archiver => 7,
        }
    }

    /// Threads of the dedicated mode: one per agent, except that the timer runs with the sequencer, its only reader,
    /// the merge with the first matcher, and the courier with the resender.
    fn dedicated_thread(self) -> usize {
        match self {
            Self::Timer => Self::Sequencer.dedicated_thread(),
            Self::Courier => Self::Resender.dedicated_thread(),
            Self::Inline | Self::Merge => Self::Matcher(ShardId::FIRST).dedicated_thread(),
            Self::Matcher(shard) if shard != ShardId::FIRST => {
                Self::DEDICATED_THREADS - 1 + usize::from(shard.0)
            }
            Self::Gateway
            | Self::Sequencer
            | Self::Matcher(_)
            | Self::Journaler
            | Self::Archiver
            | Self::Sql
            | Self::Feed
            | Self::Shadow
            | Self::Authenticator
            | Self::Resender => self.stepped_thread(),
        }
    }

    /// Threads of the stepped mode: one per agent.
    fn stepped_thread(self) -> usize {
        match self {
            Self::Gateway => 0,
            Self::Sequencer => 1,
            Self::Matcher(ShardId::FIRST) => 2,
            Self::Journaler => 3,
            Self::Archiver => 4,
            Self::Sql => 5,
            Self::Feed => 6,
            Self::Shadow => 7,
            Self::Authenticator => 8,
            Self::Resender => 9,
            Self::Timer => 10,
            Self::Inline => 11,
            Self::Merge => Self::MERGE,
            Self::Courier => Self::COURIER,
            Self::Matcher(shard) => Self::MERGE + usize::from(shard.0),
        }
    }

    /// The priority of its thread. Threads that create segments, and the timer's thread, have the priority of the
    /// threads that wait for them.
    fn priority(self) -> Priority {
        match self {
            Self::Gateway
            | Self::Timer
            | Self::Sequencer
            | Self::Matcher(_)
            | Self::Inline
            | Self::Merge
            | Self::Journaler => Priority::Prompt,
            Self::Archiver | Self::Authenticator | Self::Resender | Self::Courier => Priority::Gathering,
            Self::Feed | Self::Sql | Self::Shadow => Priority::Idle,
        }
    }
}

/// All agents of one engine.
pub(super) struct Agents {
    pub(super) gateway: Option<Gateway>,
    pub(super) authenticator: Option<Authenticator>,
    pub(super) timer: Option<Timer>,
    pub(super) path: OrderPath,
    pub(super) durable: DurablePath,
    pub(super) followers: Followers,
}

/// The agents from commands to events.
pub(super) struct OrderPath {
    pub(super) sequencer: Sequencer,
    /// Indexed by shard.
    pub(super) matchers: Vec<Matcher>,
    pub(super) merge: Option<Merge>,
}

/// The agents that write commands and events to files and resend old messages to clients.
pub(super) struct DurablePath {
    pub(super) journaler: Journaler,
    pub(super) inline: Option<InlineJournaler>,
    pub(super) archiver: Archiver,
    pub(super) resender: Resender,
}

/// The projections, each with the lag above which it leaves background priority, and the courier.
pub(super) struct Followers {
    pub(super) sql: Option<(SqlWriter, Lag)>,
    pub(super) feed: Option<(FeedPublisher, Lag)>,
    pub(super) shadow: Option<(Shadow, Lag)>,
    pub(super) courier: Option<Courier>,
}

/// How shadow, feed, resender and courier wait. The courier needs no wake-up: a transfer may be late by this much. The shadow works at its own interval and needs no wake-up; the feed is woken by the
/// archiver and by its sockets.
const FOLLOWER_IDLE: IdleLimits = IdleLimits { awake: Duration::ZERO, sleep_max: Duration::from_millis(50) };

/// How the SQL writer waits. It needs no wake-up either; a batch that is due can be late by this much.
const SQL_IDLE: IdleLimits = IdleLimits { awake: Duration::ZERO, sleep_max: Duration::from_millis(10) };

/// The feed collects events for this long, so that under load it wakes at most a thousand times a second and takes less
/// time from the cores that answer orders.
const FEED_REST: Rest = Rest { pause: Duration::from_millis(1), work_max: 1024 };

/// How the authenticator waits: questions wake it, and it checks by itself whether an answer is due.
const AUTHENTICATOR_IDLE: IdleLimits =
    IdleLimits { awake: Duration::ZERO, sleep_max: Duration::from_millis(25) };

/// How the journaler's thread waits. In async mode it must not sleep past the next sync.
fn disk_idle(config: &Config) -> IdleLimits {
    let limits = IdleLimits::default();
    let interval = Duration::from_millis(config.journal.async_sync_interval_ms);
    match config.journal.durability {
        Durability::Sync => limits,
        Durability::Async => IdleLimits { sleep_max: limits.sleep_max.min(interval), ..limits },
    }
}

/// How a thread waits: also on sockets, or not.
enum Idle {
    Sockets(SocketWait),
    Other(Box<dyn IdleStrategy>),
}

impl Idle {
    fn bell(&self) -> Doorbell {
        match self {
            Self::Sockets(idle) => idle.doorbell(),
            Self::Other(idle) => idle.doorbell(),
        }
    }

    fn boxed(self) -> Box<dyn IdleStrategy> {
        match self {
            Self::Sockets(idle) => Box::new(idle),
            Self::Other(idle) => idle,
        }
    }
}

/// Combines the agents of a thread into one.
fn one_of(mut agents: Vec<Box<dyn Agent>>, mode: ThreadingMode) -> Box<dyn Agent> {
    if agents.len() == 1 {
        return agents.remove(0);
    }
    let name = match mode {
        ThreadingMode::Shared | ThreadingMode::Dedicated if has(&agents, "courier") => "resender",
        ThreadingMode::Dedicated if has(&agents, "sequencer") => "sequencer",
        ThreadingMode::Dedicated => "matcher",
        ThreadingMode::Shared | ThreadingMode::Stepped => "hot",
    };
    Box::new(CompositeAgent::new(name, agents))
}

fn has(agents: &[Box<dyn Agent>], name: &str) -> bool {
    agents.iter().any(|agent| agent.name() == name)
}

/// The agents placed on one thread.
struct Placed {
    agents: Vec<Box<dyn Agent>>,
    stop: StopPhase,
    priority: Priority,
    /// Its own core, whatever those of all threads are.
    pin: Option<CoreIndex>,
}

impl Placed {
    fn empty() -> Self {
        Self { agents: Vec::new(), stop: StopPhase::Hot, priority: Priority::Normal, pin: None }
    }
}

/// The thread of each agent, known before the agents exist.
pub(super) struct ThreadPlacement {
    mode: ThreadingMode,
    /// Indexed by thread number.
    idle: Vec<Idle>,
    pins: Vec<CoreIndex>,
    /// The matchers that have a core of their own.
    shard_pins: Vec<(ShardId, CoreIndex)>,
}

impl ThreadPlacement {
    /// `shard_cores`: of those shards whose matchers have cores of their own.
    pub(super) fn new(
        config: &Config,
        shards: usize,
        shard_cores: &[(ShardId, usize)],
    ) -> Result<Self, Fatal> {
        let mode = config.engine.mode;
        let waiting = |limits| SocketWait::new(limits).map(Idle::Sockets).map_err(Fatal::io);
        let sockets = || waiting(IdleLimits::default());
        let feed = || {
            let wait = SocketWait::new(FOLLOWER_IDLE).map_err(Fatal::io)?;
            Ok::<_, Fatal>(Idle::Sockets(wait.with_rest(FEED_REST)))
        };
        let backoff = |limits| Idle::Other(Box::new(Backoff::new(limits)) as Box<dyn IdleStrategy>);
        let idle = match mode {
            ThreadingMode::Shared => {
                let followers = [FOLLOWER_IDLE, AUTHENTICATOR_IDLE, FOLLOWER_IDLE].map(backoff);
                let first = [sockets()?, backoff(disk_idle(config)), backoff(SQL_IDLE)];
                let archiver = backoff(IdleLimits::default());
                first.into_iter().chain([feed()?]).chain(followers).chain([archiver]).collect()
            }
            ThreadingMode::Dedicated => {
                // A spinning thread takes a whole core. With fewer cores than threads it would starve the others.
                let spin = available_cores().len() >= AgentSlot::BUSY_THREADS + shards - 1;
                let hot = || match spin {
                    true => Idle::Other(Box::new(BusySpin)),
                    false => backoff(IdleLimits::default()),
                };
                let disk = || backoff(disk_idle(config));
                let follower = || backoff(FOLLOWER_IDLE);
                let followers =
                    [backoff(SQL_IDLE), feed()?, follower(), backoff(AUTHENTICATOR_IDLE), follower()];
                let others = (1..ShardId::COUNT).map(|_| hot());
                let first = [sockets()?, hot(), hot(), disk(), disk()].into_iter();
                first.chain(followers).chain(others).collect()
            }
            ThreadingMode::Stepped => (0..AgentSlot::COUNT)
                .map(|_| Idle::Other(Box::new(BusySpin) as Box<dyn IdleStrategy>))
                .collect(),
        };
        let pins = config.engine.pin_cores.iter().copied().map(CoreIndex).collect();
        let shard_pins = shard_cores.iter().map(|(shard, core)| (*shard, CoreIndex(*core))).collect();
        Ok(Self { mode, idle, pins, shard_pins })
    }

    fn thread(&self, slot: AgentSlot) -> usize {
        match self.mode {
            ThreadingMode::Shared => slot.shared_thread(),
            ThreadingMode::Dedicated => slot.dedicated_thread(),
            ThreadingMode::Stepped => slot.stepped_thread(),
        }
    }

    /// The doorbell of the thread of `slot`.
    pub(super) fn bell(&self, slot: AgentSlot) -> Doorbell {
        self.idle[self.thread(slot)].bell()
    }

    /// The doorbells that `from` rings to wake `to`: one for each thread other than its own.
    pub(super) fn bells(&self, from: AgentSlot, to: &[AgentSlot]) -> Vec<Doorbell> {
        let mut threads: Vec<usize> = to.iter().map(|slot| self.thread(*slot)).collect();
        threads.retain(|thread| *thread != self.thread(from));
        threads.sort_unstable();
        threads.dedup();
        threads.into_iter().map(|thread| self.idle[thread].bell()).collect()
    }

    /// The password hasher of the authenticator.
    pub(super) fn hasher(&self) -> Result<Hasher, Fatal> {
        match self.mode {
            ThreadingMode::Shared | ThreadingMode::Dedicated => {
                Hasher::on_threads(&[self.bell(AgentSlot::Authenticator)]).map_err(Fatal::io)
            }
            ThreadingMode::Stepped => Ok(Hasher::here()),
        }
    }

    /// Shortens the sleeps of the gateway's thread.
    pub(super) fn soon(&self) -> Soon {
        match &self.idle[self.thread(AgentSlot::Gateway)] {
            Idle::Sockets(idle) => idle.soon(),
            Idle::Other(_) => Soon::default(),
        }
    }

    /// Lets the feed's sockets wake its thread.
    pub(super) fn watch_feed(&mut self, feed: &FeedPublisher) -> Result<(), Fatal> {
        let thread = self.thread(AgentSlot::Feed);
        match &mut self.idle[thread] {
            Idle::Sockets(idle) => {
                feed.descriptors().iter().try_for_each(|one| idle.watch(one)).map_err(Fatal::io)
            }
            Idle::Other(_) => Ok(()),
        }
    }

    /// Lets the gateway's sockets wake its thread.
    pub(super) fn watch_sockets(&mut self, gateway: &Gateway) -> Result<(), Fatal> {
        let thread = self.thread(AgentSlot::Gateway);
        match (&mut self.idle[thread], gateway.descriptor()) {
            (Idle::Sockets(idle), Some(descriptor)) => idle.watch(&descriptor).map_err(Fatal::io),
            _ => Ok(()),
        }
    }

    /// Puts every agent on its thread, in flow order.
    pub(super) fn place(self, agents: Agents, counters: &Counters) -> Vec<Thread> {
        let mut on_thread: Vec<Placed> = self.idle.iter().map(|_| Placed::empty()).collect();
        if self.mode == ThreadingMode::Dedicated {
            for (shard, core) in &self.shard_pins {
                on_thread[self.thread(AgentSlot::Matcher(*shard))].pin = Some(*core);
            }
        }
        let mut put = |slot: AgentSlot, stop, agent: Option<Box<dyn Agent>>| {
            let placed = &mut on_thread[self.thread(slot)];
            placed.agents.extend(agent);
            (placed.stop, placed.priority) = (stop, slot.priority());
        };
        // A background agent has a second thread.
        let mut second = Vec::new();
        let mut in_background = |agent: Box<dyn Agent>, lag| -> Box<dyn Agent> {
            if self.mode == ThreadingMode::Stepped {
                return agent;
            }
            let (background, foreground) = two_chairs(agent, lag, counters);
            second.push(foreground);
            Box::new(background)
        };
        let Agents { gateway, authenticator, timer, path, durable, followers } = agents;
        let OrderPath { sequencer, matchers, merge } = path;
        let DurablePath { journaler, inline, archiver, resender } = durable;
        let Followers { sql, feed, shadow, courier } = followers;
        put(AgentSlot::Gateway, StopPhase::Hot, gateway.map(|agent| Box::new(agent) as _));
        put(AgentSlot::Timer, StopPhase::Hot, timer.map(|agent| Box::new(agent) as _));
        put(AgentSlot::Sequencer, StopPhase::Hot, Some(Box::new(sequencer)));
        for (shard, matcher) in (0..).zip(matchers) {
            put(AgentSlot::Matcher(ShardId(shard)), StopPhase::Hot, Some(Box::new(matcher)));
        }
        put(AgentSlot::Merge, StopPhase::Hot, merge.map(|agent| Box::new(agent) as _));
        put(AgentSlot::Inline, StopPhase::Hot, inline.map(|agent| Box::new(agent) as _));
        put(AgentSlot::Journaler, StopPhase::Disk, Some(Box::new(journaler)));
        put(AgentSlot::Archiver, StopPhase::Disk, Some(Box::new(archiver)));
        put(AgentSlot::Sql, StopPhase::Followers, sql.map(|(it, lag)| in_background(Box::new(it), lag)));
        put(AgentSlot::Feed, StopPhase::Followers, feed.map(|(it, lag)| in_background(Box::new(it), lag)));
        put(
            AgentSlot::Shadow,
            StopPhase::Followers,
            shadow.map(|(it, lag)| in_background(Box::new(it), lag)),
        );
        put(AgentSlot::Authenticator, StopPhase::Followers, authenticator.map(|agent| Box::new(agent) as _));
        put(AgentSlot::Resender, StopPhase::Followers, Some(Box::new(resender)));
        put(AgentSlot::Courier, StopPhase::Followers, courier.map(|agent| Box::new(agent) as _));
        let second = second.into_iter().map(|foreground| Thread {
            agent: Box::new(foreground),
            idle: Box::new(Backoff::new(FOLLOWER_IDLE)),
            place: Place::default(),
            stop: StopPhase::Followers,
        });
        let mut pins = self.pins.into_iter();
        let threads = on_thread.into_iter().zip(self.idle);
        threads
            .filter(|(placed, _)| !placed.agents.is_empty())
            .map(|(Placed { agents, stop, priority, pin }, idle)| {
                let agent = one_of(agents, self.mode);
                let next = pins.next();
                let place = Place { pin: pin.or(next), priority };
                Thread { agent, idle: idle.boxed(), place, stop }
            })
            .chain(second)
            .collect()
    }
}
