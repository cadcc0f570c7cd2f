//! One run: a node, its disk, its network and its clients, turn by turn, and what must hold at every moment.

use super::client::{Client, Situation};
use super::coverage::Coverage;
use super::disk::Disk;
use super::market::{MarketSpy, Place};
use super::network::{LinkId, Network};
use super::onlooker::Onlooker;
use super::operator::Operator;
use super::plan::Plan;
use super::random::Random;
use super::reference::Reference;
use super::spy::{Sent, Spy};
use super::stamps::Stamps;
use super::subscriber::{Subscriber, Surroundings};
use super::venue::Kind;
use dojima::domain::{Command, Stamp, Timestamp, VenueCommand, codec};
use dojima::engine::SteppedEngine;
use dojima::runtime::{Fatal, ManualClock, UnixNanos};
use dojima_journal::storage::Storage;
use dojima_journal::{JournalError, Reader};
use std::fmt;
use std::sync::Arc;

/// Turns after which everything must be answered once nothing goes wrong any more.
const PATIENCE_TURNS: u64 = 40_000;

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Report {
    pub coverage: Coverage,
    /// A digest of everything that happened, in its order: equal when a seed is run again.
    pub trace: u64,
}

/// What was wrong, and when.
#[derive(Clone, Debug)]
pub struct Failure {
    pub seed: u64,
    pub commands: u64,
    pub turn: u64,
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, commands, turn, what } = self;
        write!(f, "seed {seed}, turn {turn}: {what}\nrepeat it: cargo sim {seed} --commands {commands}")
    }
}

/// Runs a seed with so many messages of clients.
///
/// # Errors
/// What was wrong.
pub fn run(seed: u64, commands: u64) -> Result<Report, Failure> {
    let mut world = World::new(seed, commands);
    let what = world.live();
    let turn = world.turn;
    match what {
        Ok(()) => Ok(world.report()),
        Err(what) => Err(Failure { seed, commands, turn, what }),
    }
}

pub(super) struct World {
    pub(super) random: Random,
    pub(super) plan: Plan,
    pub(super) clock: ManualClock,
    pub(super) network: Network,
    /// For subscribers of market data, and for snapshots of it.
    pub(super) market_network: Network,
    pub(super) snapshot_network: Network,
    pub(super) subscribers: Vec<Subscriber>,
    pub(super) onlooker: Onlooker,
    market_spies: Vec<MarketSpy>,
    pub(super) market_open: Vec<LinkId>,
    /// The place after the last message of market data that was ever sent.
    pub(super) market_sent: Place,
    pub(super) disk: Disk,
    pub(super) clients: Vec<Client>,
    operator: Operator,
    /// By connection.
    spies: Vec<Spy>,
    /// Connections that the server may still have.
    pub(super) open: Vec<LinkId>,
    pub(super) reference: Reference,
    /// The last message that was ever sent, of every stream.
    pub(super) sent: Sent,
    /// The last command of which anything was told to a client.
    pub(super) acknowledged: u64,
    /// The last command that is synced for certain, as the journal's own records say.
    pub(super) synced: u64,
    pub(super) engine: Option<SteppedEngine>,
    pub(super) journal: Option<Reader>,
    pub(super) event_log: Option<Reader>,
    /// Events of the log that were compared.
    pub(super) logged: u64,
    /// Events of the database that are synced.
    database_on_disk: u64,
    pub(super) faults: super::faults::Faults,
    pub(super) stamps: Stamps,
    pub(super) coverage: Coverage,
    trace: Trace,
    pub(super) turn: u64,
    budget: u64,
    pub(super) settling: bool,
    /// The place after the last message of market data when everybody began to behave.
    settling_from: Place,
}

/// FNV-1a.
struct Trace(u64);

impl Trace {
    fn note(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn number(&mut self, number: u64) {
        self.note(&number.to_le_bytes());
    }
}

impl World {
    fn new(seed: u64, commands: u64) -> Self {
        let mut random = Random::new(seed ^ 0xD0_71_AA);
        let plan = Plan::new(&mut random.fork(), commands);
        let network = Network::new(random.fork());
        let clients = plan.identities.iter().map(|who| Client::new(who.clone(), plan.venue, random.fork()));
        let clients: Vec<Client> = clients.collect();
        let disk_random = random.fork();
        let market_network = Network::new(random.fork());
        let snapshot_network = Network::new(random.fork());
        let subscribers = (0..1 + random.below(2)).map(|_| Subscriber::new(random.fork())).collect();
        let onlooker = Onlooker::new(random.fork());
        let coverage = Coverage {
            runs: 1,
            contract_runs: u64::from(plan.venue.has_contracts()),
            long_runs: u64::from(plan.venue.kind == Kind::ContractsForLong),
            ..Coverage::default()
        };
        let beginning = UnixNanos(plan.venue.beginning_s * 1_000_000_000);
        Self {
            sent: Sent::default(),
            clients,
            operator: Operator::new(plan.venue, random.fork()),
            reference: Reference::new(plan.config.exchange.limits(), plan.sources.clone()),
            random,
            plan,
            clock: ManualClock::new(beginning),
            network,
            market_network,
            snapshot_network,
            subscribers,
            onlooker,
            market_spies: Vec::new(),
            market_open: Vec::new(),
            market_sent: Place { session: 0, number: 1 },
            disk: Disk::new(disk_random),
            spies: Vec::new(),
            open: Vec::new(),
            acknowledged: 0,
            synced: 0,
            engine: None,
            journal: None,
            event_log: None,
            logged: 0,
            database_on_disk: 0,
            faults: super::faults::Faults::default(),
            stamps: Stamps::default(),
            coverage,
            trace: Trace(0xcbf2_9ce4_8422_2325),
            turn: 0,
            budget: commands,
            settling: false,
            settling_from: Place { session: 0, number: 1 },
        }
    }

    fn report(mut self) -> Report {
        self.coverage.take(&self.reference.happened);
        Report { coverage: self.coverage, trace: self.trace.0 }
    }

    pub(super) fn now(&self) -> u64 {
        let mut clock = self.clock.clone();
        dojima::runtime::Clock::now(&mut clock).0
    }

    /// What the wall clock says, which somebody may have set.
    pub(super) fn wall(&self) -> u64 {
        let mut clock = self.clock.clone();
        dojima::runtime::WallClock::time(&mut clock).0
    }

    /// The time of the exchange, as far as anybody can know: that of the last durable command.
    pub(super) fn time(&self) -> u64 {
        self.reference.commands.last().map_or_else(|| self.wall(), |(stamp, _)| stamp.time.0)
    }

    fn live(&mut self) -> Result<(), String> {
        self.start()?;
        // Where everything is slow, the clients do not get to send all of it.
        let turns_max = 200 + self.budget;
        while self.budget > 0 && self.turn < turns_max {
            self.turn()?;
            self.go_wrong()?;
        }
        self.settle()
    }

    /// A bit of everything: time, what operators and clients do, bytes on their way, and some duty cycles.
    fn turn(&mut self) -> Result<(), String> {
        self.turn += 1;
        let step = match self.random.below(4_000) {
            // Now and then the time stands still, so that whoever is slow has told all before the next tick.
            _ if self.settling && self.turn % 1_024 < 512 => 0,
            _ if self.settling => 1 + self.random.below(5_000_000),
            0..4 => self.random.below(3_000_000_000),
            _ => 1 + self.random.below(self.plan.turn_ns_max),
        };
        self.clock.advance(step);
        self.trace.number(step);
        if !self.settling && self.random.once_in(self.plan.operator) {
            let command = self.operator.command(self.reference.last_order(), self.time());
            if let Some(engine) = &mut self.engine
                && engine.handles.local.commands.try_push(command).is_ok()
            {
                self.coverage.local += 1;
            }
        }
        if !self.settling && self.random.once_in(self.plan.roll) {
            let roll = Command::Venue(VenueCommand::RollSession { session: self.reference.session() + 1 });
            if let Some(engine) = &mut self.engine {
                // It may find no room, or be lost with the process.
                let _ = engine.handles.local.commands.try_push(roll);
            }
        }
        let client = self.random.below(self.clients.len() as u64) as usize;
        self.act(client)?;
        self.deliver();
        self.watch_market()?;
        for _ in 0..1 + self.random.below(self.plan.cycles_max) {
            self.step()?;
        }
        self.read_event_log()
    }

    /// What of the database was synced, no loss of power takes from it.
    fn follow_database(&mut self) {
        let Some(engine) = &self.engine else { return };
        let on_disk = engine.handles.watch.in_sql_on_disk.as_ref().map_or(0, |on_disk| on_disk.get());
        if on_disk > self.database_on_disk {
            self.disk.remember_database();
        }
        self.database_on_disk = on_disk;
    }

    fn act(&mut self, client: usize) -> Result<(), String> {
        let (now, time) = (self.now(), self.time());
        let mut situation = Situation {
            now,
            time,
            budget: &mut self.budget,
            settling: self.settling,
            network: &self.network,
            coverage: &mut self.coverage,
        };
        if let Some((link, asked)) = self.clients[client].act(&mut situation)? {
            self.spies.push(Spy::new(asked, self.plan.identities[client].session));
            self.open.push(link);
            assert_eq!(self.spies.len(), link.0 + 1, "one spy per connection");
        }
        self.trace.number(self.clients[client].next());
        Ok(())
    }

    fn deliver(&mut self) {
        if self.open.is_empty() {
            return;
        }
        for _ in 0..2 {
            let at = self.random.below(self.open.len() as u64) as usize;
            let bytes = match self.random.below(6) {
                _ if self.settling => usize::MAX,
                0 => 1,
                1 => self.random.below(60) as usize,
                2 => self.random.below(1_000) as usize,
                _ => usize::MAX,
            };
            self.network.deliver(self.open[at], bytes);
        }
        if self.turn.is_multiple_of(64) {
            let network = &self.network;
            self.open.retain(|link| network.is_open(*link));
        }
    }

    /// A subscriber acts, and some of what subscribers sent arrives.
    fn watch_market(&mut self) -> Result<(), String> {
        let at = self.random.below(self.subscribers.len() as u64) as usize;
        if let Some((link, wanted)) = self.with_subscriber(at, Subscriber::act)? {
            self.market_spies.push(MarketSpy::new(wanted, self.market_sent));
            self.market_open.push(link);
            assert_eq!(self.market_spies.len(), link.0 + 1, "one spy per connection");
        }
        for link in &self.market_open {
            self.market_network.deliver(*link, usize::MAX);
        }
        let network = &self.market_network;
        self.market_open.retain(|link| network.is_open(*link));
        self.look_on()
    }

    /// Somebody takes a snapshot of the books.
    fn look_on(&mut self) -> Result<(), String> {
        if !self.snapshot_network.written().is_empty() {
            self.catch_up()?;
        }
        let mut around = Surroundings {
            now: self.now(),
            settling: self.settling,
            network: &self.snapshot_network,
            coverage: &mut self.coverage,
            market: &self.reference.market,
            session: &self.plan.config.gateway.session,
        };
        self.onlooker.act(&mut around)?;
        let next = self.onlooker.next();
        self.trace.number(next.number);
        Ok(())
    }

    pub(super) fn with_subscriber<R>(
        &mut self,
        at: usize,
        act: impl FnOnce(&mut Subscriber, &mut Surroundings<'_>) -> Result<R, String>,
    ) -> Result<R, String> {
        let mut around = Surroundings {
            now: self.now(),
            settling: self.settling,
            network: &self.market_network,
            coverage: &mut self.coverage,
            market: &self.reference.market,
            session: &self.plan.config.gateway.session,
        };
        act(&mut self.subscribers[at], &mut around)
    }

    /// One duty cycle of one agent.
    fn step(&mut self) -> Result<(), String> {
        let Some(engine) = &mut self.engine else { return Ok(()) };
        self.coverage.steps += 1;
        match engine.stepper.step() {
            Ok(work) => self.trace.number(work as u64),
            Err(fatal) => return self.has_ended(fatal),
        }
        let sequenced = engine.handles.watch.sequenced();
        self.stamps.mark(sequenced, self.now());
        self.follow_database();
        self.look()
    }

    /// Holds what the server has sent against the reference.
    pub(super) fn look(&mut self) -> Result<(), String> {
        let written = self.network.written();
        if !written.is_empty() {
            self.catch_up()?;
        }
        for (link, bytes) in written {
            self.trace.note(&bytes);
            let passed = self.spies[link.0].see(&bytes, &mut self.sent, &self.reference)?;
            self.coverage.ends_of_session += passed.ends_of_session;
            self.coverage.late_logins += passed.late_logins;
            self.coverage.answers += passed.messages;
            self.coverage.answers_again += passed.again;
            self.coverage.heartbeats += passed.heartbeats;
            self.acknowledged = self.acknowledged.max(passed.acknowledged);
        }
        self.look_at_market()
    }

    /// Holds what subscribers were sent against what the events say.
    fn look_at_market(&mut self) -> Result<(), String> {
        let written = self.market_network.written();
        if !written.is_empty() {
            self.catch_up()?;
        }
        for (link, bytes) in written {
            self.trace.note(&bytes);
            let session = &self.plan.config.gateway.session;
            let spy = &mut self.market_spies[link.0];
            let told = spy.see(&bytes, session, &mut self.market_sent, &self.reference.market)?;
            self.coverage.market_told += told.messages;
            self.coverage.market_again += told.again;
        }
        Ok(())
    }

    /// Takes over what has become durable.
    pub(super) fn catch_up(&mut self) -> Result<(), String> {
        let Some(engine) = &self.engine else { return Ok(()) };
        let durable = engine.handles.watch.durable.get();
        self.read_journal(durable)
    }

    /// Applies the commands of the journal up to this one to the reference.
    pub(super) fn read_journal(&mut self, until: u64) -> Result<(), String> {
        while self.reference.last() < until {
            let Some(reader) = &mut self.journal else { return Ok(()) };
            let record = reader.next().map_err(|error| error.to_string())?;
            let record = record.ok_or_else(|| {
                let last = self.reference.last();
                format!("command {until} is said to be durable, but the journal ends at {last}")
            })?;
            self.synced = self.synced.max(record.watermark);
            let stamp = Stamp { sequence: record.sequence, time: Timestamp(record.time_ns) };
            let command = codec::decode_command(record.payload).map_err(|error| error.to_string())?;
            self.coverage.stamps += u64::from(self.stamps.check(stamp)?);
            self.reference.apply(stamp, &command)?;
        }
        Ok(())
    }

    /// Compares the event log as far as it goes.
    pub(super) fn read_event_log(&mut self) -> Result<(), String> {
        self.catch_up()?;
        let Some(reader) = &mut self.event_log else { return Ok(()) };
        while let Some(record) = reader.next().map_err(|error| error.to_string())? {
            let event = codec::decode_event(record.payload).map_err(|error| error.to_string())?;
            match self.reference.events.get(event.number as usize - 1) {
                Some(expected) if *expected == event && event.number == record.sequence => {}
                Some(expected) => {
                    return Err(format!("{event:?} is in the event log, instead of {expected:?}"));
                }
                None => return Err(format!("{event:?} is in the event log before its command is durable")),
            }
            self.logged = event.number;
        }
        Ok(())
    }

    /// Nothing goes wrong any more: everything must be answered, and then all accounts must balance.
    fn settle(&mut self) -> Result<(), String> {
        self.relent()?;
        self.settling = true;
        self.settling_from = self.reference.market.end();
        self.clients.iter_mut().for_each(Client::send_last);
        let until = self.turn + PATIENCE_TURNS;
        while !self.is_settled()? {
            if self.turn >= until {
                return Err(self.what_is_open());
            }
            self.turn()?;
        }
        self.stop()?;
        self.trace.note(&self.reference.digest().0);
        Ok(())
    }

    fn is_settled(&mut self) -> Result<bool, String> {
        let Some(engine) = &self.engine else { return Ok(false) };
        if !self.clients.iter().all(Client::is_settled) || !engine.handles.watch.is_drained() {
            return Ok(false);
        }
        self.catch_up()?;
        // The courier brings everything to its end.
        if self.reference.in_flight() > 0 {
            return Ok(false);
        }
        let logins = self.plan.identities.iter().map(|who| who.login);
        let end = self.reference.market.end();
        // A snapshot may be a second old, and messages of auctions may come all the while.
        if self.subscribers.iter().any(|subscriber| subscriber.next() != end)
            || self.onlooker.next() < self.settling_from
        {
            return Ok(false);
        }
        let mut told = self.clients.iter().zip(logins);
        Ok(told.all(|(client, login)| {
            let session = self.reference.session_of(login);
            client.is_in(session) && client.next() == self.reference.messages(login, session) + 1
        }))
    }

    fn what_is_open(&self) -> String {
        let logins = self.plan.identities.iter().map(|who| who.login);
        let clients: Vec<String> = self
            .clients
            .iter()
            .zip(logins)
            .map(|(client, login)| {
                let session = self.reference.session_of(login);
                let messages = self.reference.messages(login, session);
                format!(
                    "login {login} has {} of {messages} messages of session {session}, {}",
                    client.next() - 1,
                    client.standing()
                )
            })
            .collect();
        let drained = self.engine.as_ref().is_some_and(|engine| engine.handles.watch.is_drained());
        let Self { turn, faults, .. } = self;
        let (onlooker, in_flight) = (self.onlooker.next(), self.reference.in_flight());
        let market: Vec<Place> = self.subscribers.iter().map(Subscriber::next).chain([onlooker]).collect();
        let end = self.reference.market.end();
        format!(
            "not everything was answered by turn {turn} (drained: {drained}, {in_flight} transfers on their way, {faults:?}, market data at {market:?} of {end:?}): \
             {clients:#?}"
        )
    }

    fn has_ended(&mut self, fatal: Fatal) -> Result<(), String> {
        self.trace.note(fatal.to_string().as_bytes());
        self.ends(fatal)
    }

    /// Readers of what comes, and of the whole event log.
    pub(super) fn open_readers(&mut self) -> Result<(), String> {
        let data = self.disk.data();
        let open = |storage: &Arc<dyn Storage>, from| {
            Reader::open_storage(Arc::clone(storage), from).map_err(|error| error.to_string())
        };
        self.journal = Some(open(data.journal(), self.reference.last() + 1)?);
        self.event_log = Some(from_the_oldest(data.event_log())?);
        Ok(())
    }
}

/// A reader that begins with the oldest record that is kept.
pub(super) fn from_the_oldest(storage: &Arc<dyn Storage>) -> Result<Reader, String> {
    let found = Reader::open_storage(Arc::clone(storage), 1).or_else(|error| match error {
        JournalError::Gone { first, .. } => Reader::open_storage(Arc::clone(storage), first),
        error => Err(error),
    });
    found.map_err(|error| error.to_string())
}
