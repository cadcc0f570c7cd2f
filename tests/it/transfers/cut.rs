//! A run with transfers whose journal is cut after every record: money is conserved at each cut, and from each the engine comes to the
//! same end, with every transfer made once.

use super::{ONE, TWO};
use crate::support::engines::{logged_events, small_config, with_two_shards};
use dojima::config::{Config, Durability};
use dojima::domain::{
    AccountId, AdminCommand, AdminEvent, Amount, AssetId, Command, Enter, Event, InstrumentId, LoginId,
    OrderCommand, OrderEvent, OrderPrice, Quantity, ShardId, ShardTransfer, Side, Stamp, Timestamp, Transfer,
    TransferOut, UserRef, codec,
};
use dojima::engine::SteppedEngine;
use dojima::exchange::{Digest, Shards};
use dojima::recovery::DataDir;
use dojima::replica::State;
use dojima::runtime::{SplitMix64, ThreadingMode};
use dojima::sql::check::check;
use dojima::sql::reader::SqlReader;
use dojima_journal::{Options, Reader, scan};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

fn config() -> Config {
    let mut config = with_two_shards(small_config(ThreadingMode::Stepped, Durability::Sync));
    config.market_data.enabled = false;
    config.exchange.orders_max = 100;
    config
}

/// Without anything beside the journal and the event log: there are many engines.
fn bare() -> Config {
    let mut config = config();
    config.sql.enabled = false;
    config.snapshots.enabled = false;
    config
}

/// What clients and operators send, in their order: transfers both ways, some of which are refused or sent twice, among orders that trade,
/// deposits and withdrawals. Nothing in it needs money that is on its way.
fn asked() -> Vec<Command> {
    let mut all = Vec::new();
    let mut references = BTreeMap::new();
    let (mut numbers, mut random) = ([0_u32; 3], SplitMix64::new(7));
    for round in 0..40_u32 {
        let login = round % 3;
        let (account, shards) =
            (AccountId(login + 1), [[ONE, TWO], [TWO, ONE]][random.remainder(2) as usize]);
        let mut reference = |shard: ShardId| {
            let last = references.entry((account, shard)).or_insert(10_u64);
            *last += 1;
            *last
        };
        numbers[login as usize] += 1;
        let user_ref = UserRef(numbers[login as usize]);
        let (asset, amount) =
            (AssetId(random.remainder(3) as u16), Amount(1 + random.remainder(1_000) as i64));
        let [from, to] = shards;
        let out = TransferOut { account, asset, amount, from, to, ..TransferOut::default() };
        let moved = |of: &TransferOut| Command::Order(OrderCommand::TransferOut(*of));
        match round % 8 {
            0 | 5 => {
                let out =
                    TransferOut { login: Some(LoginId(login)), user_ref, reference: reference(from), ..out };
                // Sent twice, as after a connection was lost.
                all.extend([moved(&out), moved(&out)]);
            }
            1 | 2 | 7 => all.push(moved(&TransferOut { reference: reference(from), ..out })),
            3 => {
                // The same reference again, and more than there is.
                all.push(moved(&TransferOut { reference: 1, ..out }));
                all.push(moved(&TransferOut { reference: reference(from), amount: Amount(i64::MAX), ..out }));
            }
            4 => {
                let transfer = Transfer { account, asset, amount, reference: reference(to), shard: to };
                all.push(Command::Admin(AdminCommand::Deposit(transfer)));
            }
            _ => {
                for side in [Side::Sell, Side::Buy] {
                    let of = (login + u32::from(side == Side::Buy)) % 3;
                    numbers[of as usize] += u32::from(side == Side::Buy);
                    all.push(Command::Order(OrderCommand::Enter(Enter {
                        login: LoginId(of),
                        user_ref: UserRef(numbers[of as usize]),
                        instrument: InstrumentId(round / 8 % 2),
                        side,
                        price: OrderPrice::Limit(if round / 8 % 2 == 0 { 5_000_000 } else { 300_000 }),
                        quantity: Quantity(100),
                        ..Enter::default()
                    })));
                }
            }
        }
    }
    all
}

/// Runs an engine on these files until everything that is asked is done and nothing is on its way. Its state then.
fn run(config: &Config, data: &Path, asked: &[Command], seed: u64) -> Shards {
    let mut engine = SteppedEngine::start(config, data, seed).expect("the engine starts");
    let mut rest = asked.iter();
    while rest.len() > 0 {
        // A few at a time, so that arrivals come between them.
        for command in rest.by_ref().take(3) {
            engine.handles.local.commands.try_push(*command).expect("the ring has room");
        }
        for _ in 0..40 {
            engine.stepper.step().expect("a duty cycle");
        }
    }
    engine.stepper.run_until_idle(usize::MAX).expect("it comes to rest");
    engine.stop().expect("an orderly end").shards.expect("the matchers hand back their state")
}

/// The commands in a journal.
fn journaled(data: &Path) -> Vec<(Stamp, Command)> {
    let mut reader = Reader::open(DataDir::new(data).journal().dir(), 1).expect("the journal opens");
    let mut commands = Vec::new();
    while let Some(record) = reader.next().expect("it reads") {
        let stamp = Stamp { sequence: record.sequence, time: Timestamp(record.time_ns) };
        commands.push((stamp, codec::decode_command(record.payload).expect("a command")));
    }
    commands
}

fn is_arrival(command: &Command) -> bool {
    matches!(command, Command::Admin(AdminCommand::TransferIn(_)))
}

/// How often each transfer was sent, and received.
fn told(events: impl Iterator<Item = Event>) -> BTreeMap<(u8, u8, u64), [u32; 3]> {
    let mut all = BTreeMap::<_, [u32; 3]>::new();
    for event in events {
        let (transfer, which): (ShardTransfer, _) = match event {
            Event::Order(OrderEvent::TransferSent(sent)) => (sent.transfer, 0),
            Event::Admin(AdminEvent::TransferReceived(received)) => (received.transfer, 1),
            Event::Admin(AdminEvent::TransferDone(transfer)) => (transfer, 2),
            _ => continue,
        };
        all.entry((transfer.from.0, transfer.to.0, transfer.number)).or_default()[which] += 1;
    }
    all
}

/// Deposits less withdrawals of each asset, by the events.
#[derive(Default)]
struct Deposited(BTreeMap<AssetId, i128>);

impl Deposited {
    fn note(&mut self, event: &Event) {
        match event {
            Event::Admin(AdminEvent::Deposited(it)) => {
                *self.0.entry(it.asset).or_default() += i128::from(it.amount.0)
            }
            Event::Admin(AdminEvent::Withdrawn(it)) => {
                *self.0.entry(it.asset).or_default() -= i128::from(it.amount.0)
            }
            _ => {}
        }
    }

    /// What all wallets of all shards hold and what is on its way come to it.
    fn check(&self, shards: &Shards) {
        for asset in (0..shards.first().assets().len() as u16).map(AssetId) {
            let accounts = (0..shards.accounts_count() as u32).map(AccountId);
            let of_shards =
                shards.iter().flat_map(|shard| accounts.clone().map(move |account| (shard, account)));
            let held: i128 = of_shards
                .filter_map(|(shard, account)| shard.balance(account, asset))
                .map(|balance| i128::from(balance.available.0) + i128::from(balance.reserved.0))
                .sum();
            let in_flight = shards.in_flight().filter(|transfer| transfer.asset == asset);
            let in_flight: i128 = in_flight.map(|transfer| i128::from(transfer.amount.0)).sum();
            assert_eq!(held + in_flight, self.0.get(&asset).copied().unwrap_or_default(), "asset {asset}");
        }
    }
}

/// The journal with its first records only, in another directory.
fn cut(whole: &Path, after: u64) -> TempDir {
    let data = TempDir::new().expect("a temporary directory");
    let (from, to) = (DataDir::new(whole), DataDir::new(data.path()));
    std::fs::create_dir_all(to.journal().dir()).expect("made");
    for file in std::fs::read_dir(from.journal().dir()).expect("listed") {
        let file = file.expect("an entry");
        std::fs::copy(file.path(), to.journal().dir().join(file.file_name())).expect("copied");
    }
    let options = Options { segment_bytes: 1 << 20, ..Options::default().with_content(DataDir::COMMANDS) };
    let scanned = scan(to.journal().dir()).expect("it reads");
    drop(scanned.into_writer_truncated(after, options).expect("cut"));
    data
}

#[test]
fn a_journal_cut_after_every_record_comes_to_the_same_end() {
    let (config, asked) = (bare(), asked());
    let whole = TempDir::new().expect("a temporary directory");
    let end: Digest = run(&config, whole.path(), &asked, 1).digest();
    let commands = journaled(whole.path());
    let opening = config.opening_commands().expect("a valid venue").len();
    let made = told(logged_events(whole.path()).iter().map(|record| record.event));
    assert!(made.len() > 20 && made.values().all(|times| *times == [1; 3]), "{made:?}");
    let between =
        commands.windows(2).filter(|pair| is_arrival(&pair[0].1) && !is_arrival(&pair[1].1)).count();
    assert!(between > 5, "arrivals come between what is asked: {between}");

    let mut state = State::empty();
    let (mut deposited, mut asked_before, mut in_flight) = (Deposited::default(), 0, 0);
    for (at, (stamp, command)) in commands.iter().enumerate() {
        let Ok(()) = state.apply(*stamp, command, &mut |record| {
            deposited.note(&record.event);
            Ok::<_, Infallible>(())
        });
        state.shards.audit().unwrap_or_else(|error| panic!("after record {}: {error}", stamp.sequence));
        deposited.check(&state.shards);
        in_flight = in_flight.max(state.shards.in_flight().count());
        if at < opening {
            continue;
        }
        asked_before += usize::from(!is_arrival(command));
        let cut = cut(whole.path(), stamp.sequence);
        let shards = run(&config, cut.path(), &asked[asked_before..], at as u64);
        assert_eq!(shards.digest(), end, "cut after record {}", stamp.sequence);
        deposited_in(cut.path()).check(&shards);
        let again = told(logged_events(cut.path()).iter().map(|record| record.event));
        assert_eq!(again, made, "cut after record {}", stamp.sequence);
    }
    assert_eq!(asked_before, asked.len());
    assert!(in_flight > 2, "{in_flight} at most were on their way");
}

fn deposited_in(data: &Path) -> Deposited {
    let mut deposited = Deposited::default();
    logged_events(data).iter().for_each(|record| deposited.note(&record.event));
    deposited
}

/// Engines that are dropped at seeded points, with all of their files as they are then.
#[test]
fn crashes_at_any_point_make_every_transfer_once() {
    let (config, asked) = (config(), asked());
    let mut ends = Vec::new();
    let mut crashes = 0;
    for seed in 1..=8 {
        let data = TempDir::new().expect("a temporary directory");
        let opening = config.opening_commands().expect("a valid venue").len();
        let mut random = SplitMix64::new(seed);
        let mut lives = 0;
        let digest = loop {
            lives += 1;
            let mut engine =
                SteppedEngine::start(&config, data.path(), random.draw()).expect("the engine starts");
            let known = journaled(data.path());
            let before = known.iter().skip(opening).filter(|(_, command)| !is_arrival(command)).count();
            let mut rest = asked[before..].iter().copied().peekable();
            for _ in 0..random.remainder(80) {
                while rest.peek().is_some_and(|next| engine.handles.local.commands.try_push(*next).is_ok()) {
                    rest.next();
                }
                engine.stepper.step().expect("a duty cycle");
            }
            if lives < 8 {
                crashes += 1;
                continue;
            }
            for command in rest {
                engine.stepper.run_until_idle(usize::MAX).expect("it comes to rest");
                engine.handles.local.commands.try_push(command).expect("room");
            }
            engine.stepper.run_until_idle(usize::MAX).expect("it comes to rest");
            let shards = engine.stop().expect("an orderly end").shards.expect("their state");
            shards.audit().expect("all invariants hold");
            assert_eq!(shards.in_flight().count(), 0);
            break shards.digest();
        };
        ends.push(digest);
        let made = told(logged_events(data.path()).iter().map(|record| record.event));
        assert!(made.len() > 20 && made.values().all(|times| *times == [1; 3]), "seed {seed}: {made:?}");
        let sql = SqlReader::open(&data.path().join(&config.sql.path)).expect("the database opens");
        let log = Arc::clone(DataDir::new(data.path()).event_log());
        let report = check(&sql, &log).expect("database and event log can be read");
        assert_eq!(report.first_difference(), None, "seed {seed}");
    }
    assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "{ends:?}");
    assert!(crashes > 8, "only {crashes} crashes");
}
