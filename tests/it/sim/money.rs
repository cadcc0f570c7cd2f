//! Money is neither made nor lost: what the events say of positions, funds and transfers, with what wallets have, against
//! deposits and withdrawals; of each asset in each shard, and in the venue, after every command.
//!
//! Nothing here computes what somebody has to pay. It only adds up where money is (docs/FUTURES.md, "Positions").

use dojima::domain::{
    AccountId, AdminEvent, AssetId, ContractEvent, Event, EventRecord, FundCause, InstrumentId, Listings,
    OrderEvent, PositionCause, ShardId, Transfer,
};
use dojima::exchange::Shards;
use std::collections::BTreeMap;

/// By shard and asset, minor units.
type Sums = BTreeMap<(ShardId, AssetId), i128>;

/// What the events say, all of them.
#[derive(Debug, Default)]
pub struct Money {
    /// By account and contract: the cost of the position, and its own money.
    positions: BTreeMap<(AccountId, InstrumentId), (i64, i64)>,
    funds: Sums,
    /// What payers have paid and receivers have not got yet.
    clearing: Sums,
    /// Deposits less withdrawals, of accounts and of funds.
    deposits: Sums,
    /// Transfers on their way, by the shard that sent them.
    in_flight: Sums,
    /// Transfers that arrived, less those that were let go.
    moved: Sums,
}

fn add(sums: &mut Sums, shard: ShardId, asset: AssetId, amount: i64) {
    *sums.entry((shard, asset)).or_default() += i128::from(amount);
}

fn of(sums: &Sums, shard: ShardId, asset: AssetId) -> i128 {
    sums.get(&(shard, asset)).copied().unwrap_or_default()
}

impl Money {
    /// Takes up an event.
    ///
    /// # Errors
    /// When a fund has another amount than before and what came and went.
    pub fn note(&mut self, record: &EventRecord, listings: &Listings) -> Result<(), String> {
        match &record.event {
            Event::Admin(AdminEvent::Deposited(Transfer { shard, asset, amount, .. })) => {
                add(&mut self.deposits, *shard, *asset, amount.0);
            }
            Event::Admin(AdminEvent::Withdrawn(Transfer { shard, asset, amount, .. })) => {
                add(&mut self.deposits, *shard, *asset, -amount.0);
            }
            Event::Order(OrderEvent::TransferSent(sent)) => {
                add(&mut self.in_flight, sent.transfer.from, sent.transfer.asset, sent.transfer.amount.0);
            }
            Event::Admin(AdminEvent::TransferReceived(received)) => {
                add(
                    &mut self.moved,
                    received.transfer.to,
                    received.transfer.asset,
                    received.transfer.amount.0,
                );
            }
            Event::Admin(AdminEvent::TransferDone(done)) => {
                add(&mut self.in_flight, done.from, done.asset, -done.amount.0);
                add(&mut self.moved, done.from, done.asset, -done.amount.0);
            }
            Event::Contract(event) => return self.of_contract(event, listings),
            _ => {}
        }
        Ok(())
    }

    fn of_contract(&mut self, event: &ContractEvent, listings: &Listings) -> Result<(), String> {
        let settles = |instrument: InstrumentId| {
            let listing = listings.get(instrument).ok_or_else(|| format!("{event:?} of no contract"))?;
            Ok::<_, String>((listing.shard, listing.settled_in()))
        };
        match event {
            ContractEvent::PositionChanged(change) => {
                let key = (change.account, change.instrument);
                let (cost, _) = self.positions.insert(key, (change.cost, change.pot)).unwrap_or_default();
                if change.cause == PositionCause::Settled {
                    // What the lots were worth is owed by those who had the others.
                    let (shard, asset) = settles(change.instrument)?;
                    add(&mut self.clearing, shard, asset, -(change.realised + cost));
                }
            }
            ContractEvent::FundingPaid(paid) => {
                let (shard, asset) = settles(paid.instrument)?;
                add(&mut self.clearing, shard, asset, -paid.amount.0);
                self.positions.entry((paid.account, paid.instrument)).or_default().1 = paid.pot;
            }
            ContractEvent::MarginMoved(moved) => {
                self.positions.entry((moved.by.account, moved.instrument)).or_default().1 = moved.pot.0;
            }
            ContractEvent::FundChanged(change) => {
                add(&mut self.funds, change.shard, change.asset, change.amount.0);
                match change.cause {
                    FundCause::Deposit => {
                        add(&mut self.deposits, change.shard, change.asset, change.amount.0)
                    }
                    FundCause::Funding | FundCause::Settlement => {
                        add(&mut self.clearing, change.shard, change.asset, -change.amount.0);
                    }
                    FundCause::LiquidationFee => return Err(format!("{event:?} is of part two")),
                }
                return self.fund_has(change.shard, change.asset, change.fund.0, event);
            }
            ContractEvent::FundPaid(paid) => {
                add(&mut self.funds, paid.shard, paid.asset, -paid.amount.0);
                if let Some(instrument) = paid.instrument {
                    self.positions.entry((paid.account, instrument)).or_default().1 = 0;
                }
                return self.fund_has(paid.shard, paid.asset, paid.fund.0, event);
            }
            _ => {}
        }
        Ok(())
    }

    fn fund_has(
        &self,
        shard: ShardId,
        asset: AssetId,
        told: i64,
        event: &ContractEvent,
    ) -> Result<(), String> {
        let fund = of(&self.funds, shard, asset);
        if fund == i128::from(told) { Ok(()) } else { Err(format!("{event:?}, but the fund has {fund}")) }
    }

    /// Holds all that is anywhere against what came in and went out.
    ///
    /// # Errors
    /// What differs.
    pub fn check(&self, shards: &Shards, listings: &Listings) -> Result<(), String> {
        let mut pots = Sums::new();
        let mut costs = Sums::new();
        for ((_, instrument), (cost, pot)) in &self.positions {
            let listing = listings.get(*instrument).ok_or("a position in no contract")?;
            add(&mut costs, listing.shard, listing.settled_in(), *cost);
            add(&mut pots, listing.shard, listing.settled_in(), *pot);
        }
        let accounts = shards.accounts_count();
        let known = |asset: &AssetId| shards.first().balance(AccountId::FEES, *asset).is_some();
        for asset in (0..).map(AssetId).take_while(known) {
            let (mut venue, mut came) = (0, 0);
            for shard in shards.iter() {
                let balances = (0..accounts as u32).map(|account| shard.balance(AccountId(account), asset));
                let wallets: i128 =
                    balances.flatten().map(|it| i128::from(it.available.0) + i128::from(it.reserved.0)).sum();
                let at = |sums| of(sums, shard.shard(), asset);
                let has = wallets + at(&pots) + at(&self.funds) + at(&self.clearing) + at(&self.in_flight)
                    - at(&costs);
                let due = at(&self.deposits) + at(&self.moved);
                if has != due {
                    return Err(format!(
                        "asset {asset} in shard {}: {has} are there, {due} were paid in or moved: {self:?}",
                        shard.shard()
                    ));
                }
                venue += has;
                came += at(&self.deposits);
            }
            if venue != came {
                return Err(format!("asset {asset}: the venue has {venue}, {came} were paid in"));
            }
        }
        Ok(())
    }
}
