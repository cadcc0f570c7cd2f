//! The exchange alone on one core: matching, reserves and fees, fed from memory.
//!
//! The mix is that of a market whose makers follow the price: 1,000 resting orders of 1,000 accounts; 82 % of the
//! commands move an order (Replace), 9 % are new orders, 6 % cancels, 3 % immediate-or-cancel orders that trade.
//! Prices lie within 100 ticks of a slowly walking mid. The list of commands is made before the clock starts, from
//! a fixed seed, by asking an exchange which orders are live; so every run does the same work, and the digest of
//! the state at its end is fixed.
//!
//! `cargo bench --bench matching` prints the figures. Under `cargo test` a short list runs and its digest is held
//! against the one written here.

use dojima::domain::{
    AccountId, Amount, AssetCode, AssetId, Cancel, Command, Enter, Event, InstrumentId, ListInstrument,
    LoginId, OrderPrice, Ppm, Quantity, Replace, Side, Stamp, Symbol, TimeInForce, Trading, Transfer,
    UserRef,
};
use dojima::exchange::{Exchange, ExchangeLimits};
use hdrhistogram::Histogram;
use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

const ACCOUNTS: u32 = 1_000;
const RESTING: usize = 1_000;
/// The farthest that a price lies from the mid, ticks.
const SPREAD_TICKS: u64 = 100;
const INSTRUMENT: InstrumentId = InstrumentId(0);
/// How many commands are applied before their events are handed on, as the matcher does with a batch of its ring.
const BATCH: usize = 256;
/// How many commands are timed together, about a millisecond: for each such slice the best of all rounds counts, so that
/// a machine with other work to do still shows what the code costs.
const SLICE: usize = 40 * BATCH;
/// How many commands one latency figure stands for.
const BLOCK: usize = 64;

const COMMANDS_FULL: usize = 1_000_000;
const ROUNDS_FULL: usize = 15;
const COMMANDS_SMALL: usize = 20_000;
const DIGEST_SMALL: &str = "5b0ab72df5dcb6c9b96de540e657ca2d";
const EVENTS_SMALL: usize = 21_171;

fn main() {
    if std::env::args().any(|argument| argument == "--bench") {
        full();
    } else {
        small();
    }
}

/// A fixed stream of numbers (SplitMix64), the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// A live order as the list's maker follows it.
#[derive(Clone, Copy)]
struct Live {
    login: LoginId,
    user_ref: UserRef,
    side: Side,
    open: u64,
}

/// Makes the list: knows from the events which orders are live.
struct Market {
    exchange: Exchange,
    events: Vec<Event>,
    commands: Vec<Command>,
    random: Random,
    mid: u64,
    live: Vec<Live>,
    place: HashMap<(LoginId, UserRef), usize>,
    last_user_ref: Vec<u32>,
}

/// What the list turned out to hold.
#[derive(Default)]
struct Mix {
    moves: usize,
    enters: usize,
    cancels: usize,
    takes: usize,
}

/// An exchange with its accounts, their money and one instrument, and nothing in the book.
fn open_exchange() -> Exchange {
    let mut exchange = Exchange::new(ExchangeLimits::default());
    let code = |text| AssetCode::new(text).expect("a code");
    let (base, quote) = (AssetId(0), AssetId(1));
    let mut setup = vec![
        Command::AddAsset { asset: base, code: code("BTC"), scale: 8 },
        Command::AddAsset { asset: quote, code: code("USDT"), scale: 6 },
        Command::OpenAccount { account: AccountId::FEES },
    ];
    for id in 0..ACCOUNTS {
        let account = AccountId(id + 1);
        setup.push(Command::OpenAccount { account });
        setup.push(Command::OpenLogin { login: LoginId(id), account });
        for (reference, asset, amount) in [(1, base, 1_000_000_000_000), (2, quote, 1_000_000_000_000_000)] {
            let amount = Amount(amount);
            setup.push(Command::Deposit(Transfer { account, asset, amount, reference }));
        }
    }
    setup.push(Command::ListInstrument(ListInstrument {
        instrument: INSTRUMENT,
        symbol: Symbol::new("BTC-USDT").expect("a symbol"),
        base,
        quote,
        price_decimals: 2,
        tick_units: 10,
        lot: Amount(1_000),
        min_quantity: Quantity(1),
        max_quantity: Quantity(1_000_000),
        min_notional: Amount(1),
        maker_fee: Ppm(200),
        taker_fee: Ppm(500),
        trading: Trading::On,
    }));
    setup.push(Command::Open { config_digest: 1 });
    let mut events = Vec::new();
    for command in &setup {
        exchange.apply(Stamp::default(), command, &mut events);
    }
    assert!(!events.iter().any(|event| matches!(event, Event::Refused { .. })), "the setup is accepted");
    exchange
}

impl Market {
    fn new() -> Self {
        Self {
            exchange: open_exchange(),
            events: Vec::new(),
            commands: Vec::new(),
            random: Random(2026),
            mid: 780_000,
            live: Vec::new(),
            place: HashMap::new(),
            last_user_ref: vec![0; ACCOUNTS as usize],
        }
    }

    /// The commands that fill the book, then those that are measured.
    fn lists(mut self, count: usize) -> (Vec<Command>, Vec<Command>, Mix) {
        while self.live.len() < RESTING {
            self.enter();
        }
        let fill = std::mem::take(&mut self.commands);
        let mut mix = Mix::default();
        while self.commands.len() < count {
            self.step(&mut mix);
        }
        (fill, self.commands, mix)
    }

    fn step(&mut self, mix: &mut Mix) {
        if self.random.below(64) == 0 {
            self.mid = self.mid + self.random.below(3) - 1;
        }
        // The number of resting orders drifts with what the takers eat; new orders and cancels hold it.
        let short = self.live.len() < RESTING;
        match self.random.below(100) {
            0..82 => {
                mix.moves += 1;
                self.replace();
            }
            82..85 => {
                mix.takes += 1;
                self.take();
            }
            roll if roll < if short { 97 } else { 91 } => {
                mix.enters += 1;
                self.enter();
            }
            _ => {
                mix.cancels += 1;
                self.cancel();
            }
        }
    }

    fn someone(&mut self) -> LoginId {
        LoginId(self.random.below(u64::from(ACCOUNTS)) as u32)
    }

    fn next_user_ref(&mut self, login: LoginId) -> UserRef {
        let last = &mut self.last_user_ref[login.0 as usize];
        *last += 1;
        UserRef(*last)
    }

    fn someones_order(&mut self) -> Live {
        let at = self.random.below(self.live.len() as u64) as usize;
        self.live[at]
    }

    /// A price on the order's own side of the mid.
    fn passive_price(&mut self, side: Side) -> OrderPrice {
        let away = 1 + self.random.below(SPREAD_TICKS);
        let ticks = match side {
            Side::Buy => self.mid - away,
            Side::Sell => self.mid + away,
        };
        OrderPrice::Limit(ticks * 10)
    }

    fn side(&mut self) -> Side {
        if self.random.below(2) == 0 { Side::Buy } else { Side::Sell }
    }

    fn enter(&mut self) {
        let (login, side) = (self.someone(), self.side());
        let user_ref = self.next_user_ref(login);
        let price = self.passive_price(side);
        let quantity = Quantity(1 + self.random.below(100));
        self.send(Command::Enter(Enter {
            login,
            user_ref,
            instrument: INSTRUMENT,
            side,
            price,
            quantity,
            ..Enter::default()
        }));
    }

    fn take(&mut self) {
        let (login, side) = (self.someone(), self.side());
        let user_ref = self.next_user_ref(login);
        let through = SPREAD_TICKS / 2;
        let ticks = match side {
            Side::Buy => self.mid + through,
            Side::Sell => self.mid - through,
        };
        let quantity = Quantity(1 + self.random.below(100));
        self.send(Command::Enter(Enter {
            login,
            user_ref,
            instrument: INSTRUMENT,
            side,
            time_in_force: TimeInForce::ImmediateOrCancel,
            price: OrderPrice::Limit(ticks * 10),
            quantity,
            ..Enter::default()
        }));
    }

    fn replace(&mut self) {
        let order = self.someones_order();
        let user_ref = self.next_user_ref(order.login);
        let price = self.passive_price(order.side);
        // A maker who moves an order tops it up again: more than all that the chain has executed.
        let resting = self.exchange.orders(INSTRUMENT, order.side);
        let executed = resting
            .filter(|resting| (resting.login, resting.user_ref) == (order.login, order.user_ref))
            .map(|resting| resting.executed().0)
            .sum::<u64>();
        let quantity = Quantity(executed + 1 + self.random.below(100));
        let (login, orig_user_ref) = (order.login, order.user_ref);
        self.send(Command::Replace(Replace {
            login,
            orig_user_ref,
            user_ref,
            price,
            quantity,
            ..Replace::default()
        }));
    }

    fn cancel(&mut self) {
        let Live { login, user_ref, .. } = self.someones_order();
        self.send(Command::Cancel(Cancel { login, user_ref, quantity: Quantity(0) }));
    }

    fn send(&mut self, command: Command) {
        self.exchange.apply(Stamp::default(), &command, &mut self.events);
        self.commands.push(command);
        for event in std::mem::take(&mut self.events) {
            self.follow(&event);
        }
    }

    fn follow(&mut self, event: &Event) {
        match event {
            Event::Accepted(e) => self.appear(e.login, e.user_ref, e.side, e.quantity),
            Event::Replaced(e) => {
                self.vanish(e.login, e.orig_user_ref);
                self.appear(e.login, e.user_ref, e.side, e.quantity);
            }
            Event::Canceled(e) => self.shrink(e.login, e.user_ref, e.decrement),
            Event::Executed(e) => {
                self.shrink(e.maker_login, e.maker_user_ref, e.quantity);
                self.shrink(e.taker_login, e.taker_user_ref, e.quantity);
            }
            unexpected => panic!("{unexpected:?} in a list of good commands"),
        }
    }

    fn appear(&mut self, login: LoginId, user_ref: UserRef, side: Side, quantity: Quantity) {
        self.place.insert((login, user_ref), self.live.len());
        self.live.push(Live { login, user_ref, side, open: quantity.0 });
    }

    fn shrink(&mut self, login: LoginId, user_ref: UserRef, by: Quantity) {
        let order = &mut self.live[self.place[&(login, user_ref)]];
        order.open -= by.0;
        if order.open == 0 {
            self.vanish(login, user_ref);
        }
    }

    fn vanish(&mut self, login: LoginId, user_ref: UserRef) {
        let at = self.place.remove(&(login, user_ref)).expect("it was live");
        self.live.swap_remove(at);
        if let Some(moved) = self.live.get(at) {
            self.place.insert((moved.login, moved.user_ref), at);
        }
    }
}

/// A book that is filled and ready for the measured list.
fn ready(fill: &[Command]) -> Exchange {
    let mut exchange = open_exchange();
    let mut events = Vec::new();
    for command in fill {
        exchange.apply(Stamp::default(), command, &mut events);
    }
    exchange
}

/// Applies the list and returns how long each slice took and how many events came of it all.
fn run(exchange: &mut Exchange, commands: &[Command], events: &mut Vec<Event>) -> (Vec<Duration>, usize) {
    let mut count = 0;
    let slice = |slice: &[Command]| {
        let start = Instant::now();
        for batch in slice.chunks(BATCH) {
            events.clear();
            for command in batch {
                exchange.apply(Stamp::default(), command, events);
            }
            count += black_box(&*events).len();
        }
        start.elapsed()
    };
    let times = commands.chunks(SLICE).map(slice).collect();
    (times, count)
}

/// What is left when nothing is matched: the commands are read and events of the same number are written.
fn floor(commands: &[Command], recorded: &[(u32, Event)], events: &mut Vec<Event>) -> Vec<Duration> {
    let mut next = 0;
    let slice = |(slice_at, slice): (usize, &[Command])| {
        let start = Instant::now();
        for (at, command) in slice.iter().enumerate() {
            if at % BATCH == 0 {
                black_box(&*events);
                events.clear();
            }
            black_box(*command);
            let number = (slice_at * SLICE + at) as u32;
            while let Some((_, event)) = recorded.get(next).filter(|(by, _)| *by == number) {
                events.push(*event);
                next += 1;
            }
        }
        start.elapsed()
    };
    commands.chunks(SLICE).enumerate().map(slice).collect()
}

/// The rounds of one measurement.
#[derive(Default)]
struct Rounds {
    totals: Vec<Duration>,
    /// For each slice the best of all rounds.
    best: Vec<Duration>,
}

impl Rounds {
    fn add(&mut self, slices: &[Duration]) {
        self.totals.push(slices.iter().sum());
        self.best.resize(slices.len(), Duration::MAX);
        self.best.iter_mut().zip(slices).for_each(|(best, slice)| *best = slice.min(best).to_owned());
    }

    fn print(mut self, name: &str, commands: usize, events: usize) {
        self.totals.sort_unstable();
        let best_slices = self.best.iter().sum();
        let times = [
            ("best slices", best_slices),
            ("best", self.totals[0]),
            ("median", self.totals[self.totals.len() / 2]),
        ];
        for (which, time) in times {
            let seconds = time.as_secs_f64();
            println!(
                "{name:<16} {which:<12} {:>6.2} M commands/s  {:>6.2} M events/s  {:>6.1} ns/command",
                commands as f64 / seconds / 1e6,
                events as f64 / seconds / 1e6,
                seconds * 1e9 / commands as f64,
            );
        }
    }
}

/// The events of the list, each with the place of its command.
fn record(fill: &[Command], commands: &[Command]) -> Vec<(u32, Event)> {
    let mut exchange = ready(fill);
    let (mut recorded, mut events) = (Vec::new(), Vec::new());
    for (number, command) in commands.iter().enumerate() {
        exchange.apply(Stamp::default(), command, &mut events);
        recorded.extend(events.drain(..).map(|event| (number as u32, event)));
    }
    recorded
}

/// Mean time of one command over blocks of [`BLOCK`] commands, ns, and the same of single commands, the clock's own
/// share not taken off.
fn latencies(fill: &[Command], commands: &[Command]) -> (Histogram<u64>, Histogram<u64>, Histogram<u64>) {
    let histogram = || Histogram::new_with_bounds(1, 1_000_000_000, 3).expect("good bounds");
    let (mut blocks, mut singles, mut clock) = (histogram(), histogram(), histogram());
    let mut events = Vec::with_capacity(1 << 14);
    let mut exchange = ready(fill);
    for block in commands.chunks_exact(BLOCK) {
        events.clear();
        let start = Instant::now();
        for command in block {
            exchange.apply(Stamp::default(), command, &mut events);
        }
        blocks.saturating_record(start.elapsed().as_nanos() as u64 / BLOCK as u64);
    }
    let mut exchange = ready(fill);
    for command in commands {
        events.clear();
        let start = Instant::now();
        exchange.apply(Stamp::default(), command, &mut events);
        singles.saturating_record(start.elapsed().as_nanos() as u64);
        let start = Instant::now();
        clock.saturating_record(start.elapsed().as_nanos() as u64);
    }
    (blocks, singles, clock)
}

fn percentiles(histogram: &Histogram<u64>) -> String {
    let at = |quantile| histogram.value_at_quantile(quantile);
    let (p50, p90, p99, p999) = (at(0.5), at(0.9), at(0.99), at(0.999));
    format!("p50 {p50}  p90 {p90}  p99 {p99}  p99.9 {p999}  max {}", histogram.max())
}

fn full() {
    let (fill, commands, mix) = Market::new().lists(COMMANDS_FULL);
    let recorded = record(&fill, &commands);
    let share = |part: usize| 100.0 * part as f64 / commands.len() as f64;
    println!(
        "{} commands: {:.1} % moves, {:.1} % new, {:.1} % cancels, {:.1} % takers; {} events; {RESTING} resting, {ACCOUNTS} accounts",
        commands.len(),
        share(mix.moves),
        share(mix.enters),
        share(mix.cancels),
        share(mix.takes),
        recorded.len(),
    );
    let mut events = Vec::with_capacity(1 << 14);
    let (mut matching, mut floors, mut digest) = (Rounds::default(), Rounds::default(), None);
    for _ in 0..ROUNDS_FULL {
        let mut exchange = ready(&fill);
        let (times, count) = run(&mut exchange, &commands, &mut events);
        assert_eq!(count, recorded.len(), "every round says the same");
        let ended = exchange.digest();
        assert_eq!(*digest.get_or_insert(ended), ended, "every round ends in the same state");
        matching.add(&times);
        floors.add(&floor(&commands, &recorded, &mut events));
    }
    matching.print("matching", commands.len(), recorded.len());
    floors.print("floor (copies)", commands.len(), recorded.len());
    let (blocks, singles, clock) = latencies(&fill, &commands);
    println!("ns/command, blocks of {BLOCK}:    {}", percentiles(&blocks));
    println!("ns, one command + clock:    {}", percentiles(&singles));
    println!("ns, the clock alone:        {}", percentiles(&clock));
    println!("digest {}", digest.expect("there was a round"));
}

fn small() {
    let (fill, commands, _) = Market::new().lists(COMMANDS_SMALL);
    let mut exchange = ready(&fill);
    let (_, count) = run(&mut exchange, &commands, &mut Vec::new());
    exchange.audit().expect("the books and the money are sound");
    assert_eq!((exchange.digest().to_string().as_str(), count), (DIGEST_SMALL, EVENTS_SMALL));
    println!("{} commands, {count} events, digest {}", commands.len(), exchange.digest());
}
