//! Venues of several shards: random sequences against a naive exchange for each, and what only such a venue refuses.

mod contracts;
pub mod numbers;

use super::properties::{Clients, Step, between_shards, opening};
use crate::support::compare::same_state;
use crate::support::naive::NaiveVenue;
use crate::support::venue::limits;
use dojima::domain::{
    AccountId, AdminCommand, AdminEvent, Amount, AssetCode, AssetId, AssetSettings, Command, Event,
    InstrumentId, ListInstrument, OrderEvent, OrderId, RejectReason, ShardId, ShardName, Stamp, Switch,
    Transfer, VenueCommand, VolumeTiers,
};
use dojima::exchange::{Exchange, ExchangeLimits, Shards};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

pub const SHARDS: u8 = 3;

fn open_shard(shard: u8) -> Command {
    let name = ShardName::new(&format!("S{shard}")).expect("a name");
    Command::Venue(VenueCommand::OpenShard { shard: ShardId(shard), name })
}

/// The same command, with instruments and transfers spread over the shards by their numbers.
fn spread(mut command: Command) -> Command {
    let shard_of = |number: u64| ShardId((number % u64::from(SHARDS)) as u8);
    match &mut command {
        Command::Admin(AdminCommand::ListInstrument(ListInstrument {
            instrument: InstrumentId(id),
            shard,
            ..
        })) => {
            *shard = shard_of(u64::from(*id));
        }
        Command::Admin(
            AdminCommand::Deposit(Transfer { reference, shard, .. })
            | AdminCommand::Withdraw(Transfer { reference, shard, .. }),
        ) => *shard = shard_of(*reference),
        _ => {}
    }
    command
}

/// The opening of the other tests with several shards, each of which has all that the one had.
pub fn spread_opening() -> Vec<Command> {
    let shards = (1..SHARDS).map(open_shard);
    let commands = opening([100, 200, -3_000, 4_000]).into_iter().flat_map(|command| match command {
        Command::Admin(AdminCommand::Deposit(transfer)) => (0..SHARDS)
            .map(|shard| {
                // In each of several wallets: what there can be of an asset is a shard's own.
                let amount = transfer.amount.min(Amount(1 << 57));
                Command::Admin(AdminCommand::Deposit(Transfer { shard: ShardId(shard), amount, ..transfer }))
            })
            .collect(),
        command => vec![spread(command)],
    });
    let rules = Command::Venue(VenueCommand::SetRules { edition: Command::RULES_LAST });
    [rules].into_iter().chain(shards).chain(commands).collect()
}

struct Pair {
    shards: Shards,
    naive: NaiveVenue,
    orders: [u64; SHARDS as usize],
    trades: u64,
    rejects: Vec<RejectReason>,
    /// Numbers that another shard may have used.
    in_use: u64,
    /// Transfers that were sent, and that arrived.
    transfers: [u64; 2],
    old: numbers::Old,
}

impl Pair {
    fn new() -> Self {
        let limits = limits(1_000);
        let exchange = Exchange::new(ExchangeLimits { limits, ..ExchangeLimits::default() });
        let naive = NaiveVenue::new(limits);
        Self {
            shards: exchange.into(),
            naive,
            orders: [0; SHARDS as usize],
            trades: 0,
            rejects: Vec::new(),
            in_use: 0,
            transfers: [0; 2],
            old: numbers::Old::default(),
        }
    }

    /// Every event in its order, and then every balance and every book of every shard.
    fn apply(&mut self, stamp: Stamp, command: &Command) -> Result<Vec<Event>, TestCaseError> {
        let mut events = Vec::new();
        self.shards.apply(stamp, command, &mut events);
        prop_assert_eq!(&events, &self.naive.apply(stamp, command), "after {:?}", command);
        prop_assert_eq!(self.shards.audit(), Ok(()), "after {:?}", command);
        prop_assert_eq!(self.shards.count(), self.naive.shards().len());
        for (shard, naive) in self.shards.iter().zip(self.naive.shards()) {
            let same = same_state(shard, naive);
            same.map_err(|error| {
                TestCaseError::fail(format!("shard {}: {error} after {command:?}", shard.shard()))
            })?;
        }
        self.old.note(&self.shards, &events);
        self.old.numbers_differ(&self.shards)?;
        for event in &events {
            match event {
                Event::Order(OrderEvent::Accepted(e)) => {
                    self.orders[usize::from(e.terms.order.shard().0)] += 1
                }
                Event::Order(OrderEvent::Executed(_)) => self.trades += 1,
                Event::Order(OrderEvent::Rejected(e)) => {
                    self.in_use += u64::from(e.reason == RejectReason::UserRefInUse);
                }
                Event::Order(OrderEvent::TransferSent(_)) => self.transfers[0] += 1,
                Event::Admin(AdminEvent::TransferReceived(_)) => self.transfers[1] += 1,
                Event::Admin(AdminEvent::Refused { reason }) => self.rejects.push(*reason),
                _ => {}
            }
        }
        Ok(events)
    }
}

fn compare(steps: &[Step]) -> Result<Pair, TestCaseError> {
    let mut pair = Pair::new();
    for command in spread_opening() {
        let events = pair.apply(Stamp::default(), &command)?;
        prop_assert!(
            !matches!(events[..], [Event::Admin(AdminEvent::Refused { .. })]),
            "{command:?}: {events:?}"
        );
    }
    let mut clients = Clients::new();
    for (at, step) in steps.iter().enumerate() {
        // A step may mean some live order: now of this shard, now of that.
        let shard = pair.shards.get(ShardId(at as u8 % SHARDS)).expect("it is there").clone();
        let (stamp, command) = clients.command(step, &shard);
        let events = pair.apply(stamp, &spread(command))?;
        clients.note(&events);
    }
    Ok(pair)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn several_shards_do_what_naive_ones_do(steps in prop::collection::vec(between_shards(), 1..100)) {
        compare(&steps)?;
    }
}

/// A generator that exercises nothing would agree with anything.
#[test]
fn a_fixed_run_trades_in_every_shard() {
    let mut runner = TestRunner::deterministic();
    let (mut orders, mut trades, mut rejects, mut in_use) = ([0; SHARDS as usize], 0, Vec::new(), 0);
    let mut transfers = [0; 2];
    for _ in 0..12 {
        let steps =
            prop::collection::vec(between_shards(), 300).new_tree(&mut runner).expect("steps").current();
        let pair = compare(&steps).expect("the same");
        orders.iter_mut().zip(pair.orders).for_each(|(all, more)| *all += more);
        (trades, in_use) = (trades + pair.trades, in_use + pair.in_use);
        transfers.iter_mut().zip(pair.transfers).for_each(|(all, more)| *all += more);
        rejects.extend(pair.rejects);
    }
    assert!(orders.iter().all(|orders| *orders > 40), "{orders:?}");
    assert!(trades > 50 && in_use > 10, "{trades} {in_use}");
    assert!(transfers.iter().all(|transfers| *transfers > 20), "{transfers:?}");
    for reason in [
        RejectReason::OneShardOnly,
        RejectReason::UnknownShard,
        RejectReason::DuplicateReference,
        RejectReason::InsufficientFunds,
    ] {
        assert!(rejects.contains(&reason), "{reason}: {rejects:?}");
    }
}

/// What a venue of two shards with an asset and an account answers to a command.
fn answer(command: Command) -> Vec<Event> {
    let mut pair = Pair::new();
    let asset =
        AdminCommand::AddAsset { asset: AssetId(0), code: AssetCode::new("X").expect("a code"), scale: 2 };
    let account = VenueCommand::OpenAccount { account: AccountId(0) };
    for opening in [open_shard(1), Command::Admin(asset), Command::Venue(account)] {
        pair.apply(Stamp::default(), &opening).expect("the same");
    }
    pair.apply(Stamp::default(), &command).expect("the same")
}

#[test]
fn what_several_shards_refuse() {
    let settings = AssetSettings {
        asset: AssetId(0),
        scale: 3,
        deposits: Switch::On,
        withdrawals: Switch::On,
        min_deposit: Default::default(),
        min_withdrawal: Default::default(),
    };
    let tiers = VolumeTiers { asset: AssetId(0), ..VolumeTiers::default() };
    let transfer = Transfer { shard: ShardId(2), reference: 1, ..Transfer::default() };
    let listed = ListInstrument { shard: ShardId(2), ..ListInstrument::default() };
    for (command, reason) in [
        (Command::Admin(AdminCommand::SetAsset(settings)), RejectReason::OneShardOnly),
        (Command::Admin(AdminCommand::SetVolumeTiers(tiers)), RejectReason::OneShardOnly),
        (Command::Admin(AdminCommand::Deposit(transfer)), RejectReason::UnknownShard),
        (Command::Admin(AdminCommand::ListInstrument(listed)), RejectReason::UnknownShard),
        (open_shard(2), RejectReason::ShardsComeFirst),
        (open_shard(1), RejectReason::IdNotNext),
    ] {
        assert_eq!(answer(command), [Event::Admin(AdminEvent::Refused { reason })], "{command:?}");
    }
}

#[test]
fn there_are_eight_shards_at_most() {
    let mut pair = Pair::new();
    for shard in 1..ShardId::COUNT as u8 {
        pair.apply(Stamp::default(), &open_shard(shard)).expect("the same");
    }
    let refused = pair.apply(Stamp::default(), &open_shard(ShardId::COUNT as u8)).expect("the same");
    assert_eq!(refused, [Event::Admin(AdminEvent::Refused { reason: RejectReason::OutOfRange })]);
    let firsts: Vec<_> = (0..8).map(|shard| OrderId::before_first(ShardId(shard)).next()).collect();
    assert!(firsts.windows(2).all(|pair| pair[0] < pair[1]), "{firsts:?}");
}
