//! The engine in a process of its own, as `dojima serve` runs it, and how far behind its followers are.

use crate::child::Child;
use crate::line::{PASSWORD, username};
use crate::report::Disk;
use dojima::config::{AccountConfig, Config, Durability, LoginConfig, OldSegments};
use dojima::engine::{Engine, ImplausibleClock, Launch, OnFatal, OrderEntry};
use dojima::runtime::ThreadingMode;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::str::FromStr;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How often the cursors are looked at.
const LOOK: Duration = Duration::from_millis(10);

/// How an engine differs from the built-in configuration, its accounts and ports aside.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    pub durability: Durability,
    pub sessions: usize,
    /// 0: as built in.
    pub background_lag_mib: u64,
    /// Whether files that nobody needs are deleted, so that a long run finds room.
    pub deletes: bool,
    pub mode: ThreadingMode,
    /// Whether the threads of the order path are pinned: in shared mode the hot one and the journaler to a core each, in dedicated mode those
    /// before the journaler to the first, journaler and archiver to the second.
    pub pinned: bool,
}

impl Setup {
    pub fn new(durability: Durability, sessions: usize) -> Self {
        Self {
            durability,
            sessions,
            background_lag_mib: 0,
            deletes: false,
            mode: ThreadingMode::Shared,
            pinned: false,
        }
    }

    fn config(self) -> Config {
        let mut config = Config::spot();
        config.gateway.messages_per_second = 0;
        let free = "127.0.0.1:0".parse().expect("an address");
        config.gateway.listen = free;
        (config.market_data.listen, config.market_data.glimpse_listen) = (free, free);
        config.journal.durability = self.durability;
        config.engine.background_lag_mib = self.background_lag_mib;
        config.engine.mode = self.mode;
        if self.pinned {
            config.engine.pin_cores = match self.mode {
                ThreadingMode::Dedicated => vec![0, 0, 0, 1, 1],
                ThreadingMode::Shared | ThreadingMode::Stepped => vec![0, 1],
            };
        }
        if self.deletes {
            config.retention.segments = OldSegments::Delete;
            config.retention.resend_hours = 0;
        }
        let deposits: std::collections::BTreeMap<_, _> =
            config.accounts[0].deposits.keys().map(|code| (code.clone(), 1_000_000_000.into())).collect();
        let account = |session| AccountConfig {
            name: format!("session {session}"),
            deposits: deposits.clone(),
            logins: vec![LoginConfig::new(username(session), PASSWORD)],
            ..AccountConfig::default()
        };
        config.accounts = (0..self.sessions).map(account).collect();
        config
    }
}

/// A running engine.
pub struct EngineProcess {
    child: Child,
    pub address: SocketAddr,
}

impl EngineProcess {
    pub fn start(disk: &Disk, name: &str, setup: Setup) -> Self {
        let folder = disk.folder().join(name).display().to_string();
        let Setup { durability, sessions, background_lag_mib, deletes, mode, pinned } = setup;
        let words = [
            "engine".to_owned(),
            folder,
            durability.to_string(),
            sessions.to_string(),
            background_lag_mib.to_string(),
            deletes.to_string(),
            mode.to_string(),
            pinned.to_string(),
        ];
        let (child, address) = Child::serve(&words.each_ref().map(String::as_str));
        Self { child, address }
    }

    /// Where everybody is now, and how far behind they were since the last look.
    pub fn look(&mut self) -> Lag {
        self.child.ask("look").parse().expect("numbers")
    }

    /// Waits until SQL and market data have everything; how long that took.
    pub fn catch_up(&mut self) -> Duration {
        let started = Instant::now();
        loop {
            let lag = self.look();
            if lag.sql_events == 0 && lag.feed_events == 0 {
                return started.elapsed();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// An orderly end.
    pub fn stop(mut self) {
        assert_eq!(self.child.ask("stop"), "stopped");
    }
}

/// How far SQL and market data are behind the event log. Means and the longest are those since the look before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lag {
    /// Events in the log since this start.
    pub events: u64,
    pub sql_events: u64,
    pub sql_bytes: u64,
    pub sql_ms: u64,
    pub sql_ms_mean: u64,
    pub sql_ms_max: u64,
    pub feed_events: u64,
    pub feed_ms: u64,
    pub feed_ms_max: u64,
    /// SQL has been given its share of the cores.
    pub urgent: bool,
}

impl Lag {
    fn words(self) -> String {
        let sql = [self.sql_events, self.sql_bytes, self.sql_ms, self.sql_ms_mean, self.sql_ms_max];
        let feed = [self.feed_events, self.feed_ms, self.feed_ms_max];
        let numbers = [&[self.events], &sql[..], &feed[..], &[u64::from(self.urgent)]].concat();
        numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(" ")
    }
}

impl FromStr for Lag {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = text.split(' ').map(u64::from_str);
        let mut next = || words.next().unwrap_or(Ok(0));
        Ok(Self {
            events: next()?,
            sql_events: next()?,
            sql_bytes: next()?,
            sql_ms: next()?,
            sql_ms_mean: next()?,
            sql_ms_max: next()?,
            feed_events: next()?,
            feed_ms: next()?,
            feed_ms_max: next()?,
            urgent: next()? == 1,
        })
    }
}

/// Plays the role.
pub fn run(words: &[String]) {
    let [folder, durability, sessions, background_lag_mib, deletes, mode, pinned] = words else {
        panic!("engine FOLDER DURABILITY SESSIONS LAG_MIB DELETES MODE PINNED");
    };
    let setup = Setup {
        durability: durability.parse().expect("a durability"),
        sessions: sessions.parse().expect("a number"),
        background_lag_mib: background_lag_mib.parse().expect("a number"),
        deletes: deletes.parse().expect("true or false"),
        mode: mode.parse().expect("a mode"),
        pinned: pinned.parse().expect("true or false"),
    };
    let launch = Launch {
        order_entry: OrderEntry::Listen,
        on_fatal: OnFatal::ExitProcess,
        implausible_clock: ImplausibleClock::Refuse,
        on_progress: &mut |_| {},
    };
    let engine = Engine::start(&setup.config(), Path::new(folder), launch).expect("the engine starts");
    println!("{}", engine.order_entry.expect("it listens"));
    let (said, asked) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            let _ = said.send(line.expect("UTF-8"));
        }
    });
    let mut looks = Looks::default();
    loop {
        looks.take(&engine);
        match asked.recv_timeout(LOOK).as_deref() {
            Ok("look") => println!("{}", looks.answer(&engine).words()),
            Ok("stop") => break,
            Ok(other) => panic!("{other:?} is no question"),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => std::process::exit(0),
        }
    }
    let stopped = engine.stop().expect("an orderly end");
    assert!(stopped.sql_complete, "SQL has everything");
    println!("stopped");
}

/// When the event log was how long, as far back as a follower is behind.
#[derive(Default)]
struct Looks {
    ends: VecDeque<(Instant, u64)>,
    lag: Lag,
    /// Looks since the last answer, and how far behind SQL was in all of them together, ms.
    taken: u64,
    sql_ms: u64,
}

impl Looks {
    fn take(&mut self, engine: &Engine) {
        let watch = engine.watch();
        let (now, end) = (Instant::now(), watch.archived.get());
        let place = |cursor: &Option<_>| cursor.as_ref().map_or(end, dojima::ring::CursorReader::get);
        let (sql, feed) = (place(&watch.in_sql), place(&watch.in_market_data));
        if self.ends.back().is_none_or(|(_, last)| *last < end) {
            self.ends.push_back((now, end));
        }
        while self.ends.front().is_some_and(|(_, end)| *end <= sql.min(feed)) {
            self.ends.pop_front();
        }
        let ms = |place| {
            let first = self.ends.partition_point(|(_, end)| *end <= place);
            self.ends.get(first).map_or(0, |(at, _)| (now - *at).as_millis() as u64)
        };
        let (sql_ms, feed_ms) = (ms(sql), ms(feed));
        self.taken += 1;
        self.sql_ms += sql_ms;
        self.lag = Lag {
            events: end,
            sql_events: end.saturating_sub(sql),
            sql_ms,
            sql_ms_max: self.lag.sql_ms_max.max(sql_ms),
            feed_events: end.saturating_sub(feed),
            feed_ms,
            feed_ms_max: self.lag.feed_ms_max.max(feed_ms),
            ..self.lag
        };
    }

    fn answer(&mut self, engine: &Engine) -> Lag {
        self.take(engine);
        for reading in engine.counters.snapshot() {
            match reading.name.as_ref() {
                "sql.lag_bytes" => self.lag.sql_bytes = reading.value,
                "sql.urgent" => self.lag.urgent = reading.value == 1,
                _ => {}
            }
        }
        let lag = Lag { sql_ms_mean: self.sql_ms / self.taken, ..self.lag };
        (self.taken, self.sql_ms) = (0, 0);
        (self.lag.sql_ms_max, self.lag.feed_ms_max) = (0, 0);
        lag
    }
}
