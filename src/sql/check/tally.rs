//! Adds up the events a second time, in wide integers and without the precomputed values of listings, so that an error
//! in the writer is not repeated here.

#![deny(clippy::wildcard_enum_match_arm)]

use super::super::mirror::OrderHasher;
use super::super::reader::{OrderCounts, RowCounts};
use super::super::rows::{BalanceRow, OrderStatus, TradeRow, TradeSide};
use super::fraction::Fraction;
use super::futures::{Futures, Known};
use crate::domain::{
    AccountId, AdminEvent, Amount, AssetCode, AssetId, ContractEvent, Event, EventRecord, Executed, FeeAsset,
    FundCause, FundChanged, InstrumentId, Listing, LoginId, MarketEvent, OrderEvent, OrderId, OrderState,
    OrderTerms, Quantity, RestateReason, Restated, ShardId, ShardTransfer, Side, TradeId, Transfer,
    VenueEvent,
};
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasherDefault;

/// An asset's supply and what there is of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetCheck {
    pub asset: AssetId,
    pub code: AssetCode,
    /// Minor units are 10^-scale.
    pub scale: u8,
    /// Deposits minus withdrawals in the event log, those of insurance funds too, minor units.
    pub supply: i128,
    /// The sum of all balances, insurance funds and clearing in the tables, and of what is on its way between shards, less
    /// the cost of positions, minor units.
    pub held: i128,
}

/// The data about an open order.
#[derive(Clone, Copy, Debug)]
struct Live {
    account: AccountId,
    /// The asset that it reserves.
    asset: AssetId,
    open: u64,
    reserved: i128,
    status: OrderStatus,
    /// Whether it was triggered and may learn its lots: by an amount of money, or those of the position that it closes.
    learns: bool,
}

/// Sums over events.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) orders: OrderCounts,
    pub(super) rows: RowCounts,
    pub(super) futures: Futures,
    assets: BTreeMap<AssetId, (AssetCode, u8)>,
    logins: BTreeMap<LoginId, AccountId>,
    listings: BTreeMap<u32, Listing>,
    supply: BTreeMap<AssetId, i128>,
    /// Total and reserved amounts.
    balances: BTreeMap<(AccountId, AssetId, ShardId), (i128, i128)>,
    #[allow(clippy::disallowed_types, reason = "looked up, never iterated")]
    live: HashMap<OrderId, Live, BuildHasherDefault<OrderHasher>>,
}

impl Tally {
    /// Adds an event; returns its trade, if it is one.
    pub(super) fn add(&mut self, record: &EventRecord) -> Result<Option<TradeRow>, String> {
        self.futures.meet(&record.event)?;
        match &record.event {
            Event::Admin(AdminEvent::AssetAdded { asset, code, scale }) => {
                self.assets.insert(*asset, (*code, *scale));
            }
            Event::Venue(VenueEvent::LoginOpened { login, account }) => {
                self.logins.insert(*login, *account);
            }
            Event::Admin(AdminEvent::InstrumentListed(listing) | AdminEvent::TermsSet(listing)) => {
                self.rows.instrument_terms += 1;
                self.listings.insert(listing.instrument.0, *listing);
                self.futures.terms(listing);
            }
            Event::Admin(AdminEvent::AssetSet(settings)) => self.rescale(settings.asset, settings.scale)?,
            Event::Admin(AdminEvent::Deposited(transfer)) => self.transfer(transfer, 1),
            Event::Admin(AdminEvent::Withdrawn(transfer)) => self.transfer(transfer, -1),
            Event::Order(OrderEvent::TransferSent(e)) => {
                self.rows.shard_transfers += 1;
                self.rows.in_flight += 1;
                let ShardTransfer { from, account, asset, amount, .. } = e.transfer;
                self.move_money((account, asset, from), -i128::from(amount.0));
            }
            Event::Admin(AdminEvent::TransferReceived(e)) => {
                let left =
                    self.rows.in_flight.checked_sub(1).ok_or("a transfer arrives that was not sent")?;
                self.rows.in_flight = left;
                let ShardTransfer { to, account, asset, amount, .. } = e.transfer;
                self.move_money((account, asset, to), i128::from(amount.0));
            }
            Event::Order(OrderEvent::Accepted(e)) => self.open(e.login, &e.terms)?,
            Event::Order(OrderEvent::Replaced(e)) => {
                let old = self.live.get(&e.orig_order).ok_or("the replaced order is not open")?.open;
                self.shrink(e.orig_order, old, Amount(0), OrderStatus::Replaced)?;
                self.open(e.login, &e.terms)?;
            }
            Event::Order(OrderEvent::Canceled(e)) => {
                let status = OrderStatus::after_cancel(e.reason);
                self.cut(e.order, e.decrement, e.open, e.reserved, status)?;
            }
            Event::Order(OrderEvent::Amended(e)) => {
                self.cut(e.order, e.decrement, e.open, e.reserved, OrderStatus::Canceled)?;
            }
            Event::Order(OrderEvent::Restated(e)) => self.restate(e)?,
            Event::Order(OrderEvent::Triggered(e)) => {
                let live = self.live.get_mut(&e.order).ok_or("the triggered order is not open")?;
                let before = std::mem::replace(&mut live.status, OrderStatus::Open);
                live.learns = true;
                self.orders.by_status[before as usize] -= 1;
                self.orders.by_status[OrderStatus::Open as usize] += 1;
            }
            Event::Order(OrderEvent::Armed(_)) => self.rows.armed_orders += 1,
            Event::Order(OrderEvent::Executed(e)) => return self.trade(e, record).map(Some),
            Event::Order(OrderEvent::Rejected(_) | OrderEvent::ChangeRejected(_))
            | Event::Admin(AdminEvent::Refused { .. }) => self.rows.rejections += 1,
            Event::Order(OrderEvent::Ignored(_)) => self.rows.ignored_messages += 1,
            Event::Order(OrderEvent::MassCanceled { .. }) => self.rows.mass_cancels += 1,
            Event::Venue(VenueEvent::RulesSet { .. }) => self.rows.rules += 1,
            Event::Order(OrderEvent::OrderNamed(_)) => self.rows.order_names += 1,
            Event::Venue(VenueEvent::Led { .. }) => self.rows.leads += 1,
            Event::Venue(VenueEvent::SessionRolled { .. }) => self.rows.sessions += 1,
            Event::Venue(VenueEvent::SessionStarted { .. }) => self.rows.login_sessions += 1,
            Event::Venue(VenueEvent::AccountCopied { .. }) => self.rows.copies += 1,
            Event::Venue(VenueEvent::ShardOpened { .. }) => self.rows.shards += 1,
            Event::Market(MarketEvent::Uncrossed(_)) => self.rows.auctions += 1,
            Event::Venue(VenueEvent::Checkpointed(_)) => self.rows.checkpoints += 1,
            Event::Contract(event) => self.contract(record, event)?,
            Event::Admin(AdminEvent::MarkSet { instrument, price }) => {
                let tick = self.listing(instrument.0)?.tick_units;
                self.futures.mark(*instrument, i128::from(price.0) * i128::from(tick), record.time);
            }
            Event::Venue(
                VenueEvent::AccountOpened { .. }
                | VenueEvent::Opened { .. }
                | VenueEvent::LimitsSet { .. }
                | VenueEvent::SessionEnded { .. },
            )
            | Event::Market(MarketEvent::PhaseSet { .. } | MarketEvent::Indicative(_))
            | Event::Admin(
                AdminEvent::FeesSet(_)
                | AdminEvent::ProtectionSet { .. }
                | AdminEvent::OrderLimitsSet { .. }
                | AdminEvent::SelfTradeSet(_)
                | AdminEvent::TierSet { .. }
                | AdminEvent::VolumeTiersSet(_)
                | AdminEvent::Killed { .. }
                | AdminEvent::TransferDone(_),
            )
            | Event::Order(
                OrderEvent::AccountState { .. }
                | OrderEvent::WalletState(_)
                | OrderEvent::IndexAnswered(_)
                | OrderEvent::PositionState(_)
                | OrderEvent::OrderEntrySet(_)
                | OrderEvent::PriorityUpdated(_),
            ) => {}
        }
        Ok(None)
    }

    /// Every balance by account, asset and shard.
    pub(super) fn balances(&self) -> impl Iterator<Item = BalanceRow> + '_ {
        self.balances.iter().map(|(place, (total, reserved))| balance(*place, *total, *reserved))
    }

    /// For each asset, the supply by these events, and the sum of these rows of balances, of funds and clearing, and of what
    /// is on its way.
    pub(super) fn assets(
        &self,
        held: &[BalanceRow],
        beside: &[(AssetId, Amount)],
        in_flight: &BTreeMap<AssetId, i128>,
    ) -> Vec<AssetCheck> {
        let holds = |asset: AssetId| {
            let of_accounts = held.iter().filter(|row| row.asset == asset).map(|row| i128::from(row.total.0));
            let of_funds =
                beside.iter().filter(|(of, _)| *of == asset).map(|(_, amount)| i128::from(amount.0));
            let of_owners: i128 = of_accounts.chain(of_funds).sum();
            let settled_in = |id: InstrumentId| {
                self.listings.get(&id.0).is_some_and(|listing| listing.settled_in() == asset)
            };
            of_owners - self.futures.legs.cost(settled_in)
                + in_flight.get(&asset).copied().unwrap_or_default()
        };
        let check = |(asset, (code, scale)): (&AssetId, &(AssetCode, u8))| AssetCheck {
            asset: *asset,
            code: *code,
            scale: *scale,
            supply: self.supply.get(asset).copied().unwrap_or_default(),
            held: holds(*asset),
        };
        self.assets.iter().map(check).collect()
    }

    fn transfer(&mut self, transfer: &Transfer, sign: i128) {
        let amount = sign * i128::from(transfer.amount.0);
        self.rows.transfers += 1;
        *self.supply.entry(transfer.asset).or_default() += amount;
        self.move_money((transfer.account, transfer.asset, transfer.shard), amount);
    }

    fn contract(&mut self, record: &EventRecord, event: &ContractEvent) -> Result<(), String> {
        match event {
            ContractEvent::FundChanged(FundChanged { asset, cause, amount, .. }) => {
                self.rows.fund_changes += 1;
                if *cause == FundCause::Deposit {
                    *self.supply.entry(*asset).or_default() += i128::from(amount.0);
                }
            }
            ContractEvent::PositionChanged(_) => self.rows.position_changes += 1,
            ContractEvent::FundingSet(_) => self.rows.fundings += 1,
            ContractEvent::FundingPaid(_) => self.rows.funding_payments += 1,
            ContractEvent::FundPaid(_) => self.rows.fund_payments += 1,
            ContractEvent::MarginMoved(_) => self.rows.margin_moves += 1,
            ContractEvent::IndexAdded(_)
            | ContractEvent::IndexTermsSet { .. }
            | ContractEvent::IndexSet(_)
            | ContractEvent::IndexHeld { .. }
            | ContractEvent::ContractSet(_)
            | ContractEvent::ContractRiskSet(_)
            | ContractEvent::MarginTierSet { .. }
            | ContractEvent::MarginTiersSet { .. }
            | ContractEvent::FundingClosed { .. }
            | ContractEvent::SettlementPending { .. }
            | ContractEvent::ContractSettled { .. }
            | ContractEvent::InsuranceDeficit(_)
            | ContractEvent::PositionModeSet(_)
            | ContractEvent::MarginModeSet(_)
            | ContractEvent::LeverageSet(_) => {}
        }
        let known = Known { listings: &self.listings, assets: &self.assets };
        let Some(moved) = self.futures.add(record, event, known)? else { return Ok(()) };
        self.move_money(moved.place, moved.amount);
        let wallet = self.balances.get(&moved.place).map_or(0, |(total, _)| *total);
        if wallet != moved.wallet {
            let (account, event) = (moved.place.0, record.number);
            return Err(format!("account {account} has {wallet} after event {event}, not {}", moved.wallet));
        }
        Ok(())
    }

    fn move_money(&mut self, place: (AccountId, AssetId, ShardId), amount: i128) {
        self.balances.entry(place).or_default().0 += amount;
    }

    fn listing(&self, instrument: u32) -> Result<Listing, String> {
        self.listings
            .get(&instrument)
            .copied()
            .ok_or_else(|| format!("instrument {instrument} is not listed"))
    }

    fn account(&self, login: LoginId) -> Result<AccountId, String> {
        self.logins.get(&login).copied().ok_or_else(|| format!("login {login} is not open"))
    }

    fn scale(&self, asset: AssetId) -> Result<u32, String> {
        let found = self.assets.get(&asset).ok_or_else(|| format!("asset {asset} does not exist"))?;
        Ok(u32::from(found.1))
    }

    fn held_asset(&self, instrument: u32, side: Side) -> Result<AssetId, String> {
        let listing = self.listing(instrument)?;
        Ok(match side {
            _ if listing.product.is_inverse() => listing.base,
            _ if listing.product.is_contract() => listing.quote,
            Side::Buy => listing.quote,
            Side::Sell => listing.base,
        })
    }

    fn open(&mut self, login: LoginId, terms: &OrderTerms) -> Result<(), String> {
        let account = self.account(login)?;
        let asset = self.held_asset(terms.instrument.0, terms.side)?;
        let reserved = i128::from(terms.reserved.0);
        let open = terms.quantity.0;
        let status = match terms.state {
            OrderState::Live => OrderStatus::Open,
            OrderState::Dormant => OrderStatus::Dormant,
        };
        self.live.insert(terms.order, Live { account, asset, open, reserved, status, learns: false });
        self.balances.entry((account, asset, terms.order.shard())).or_default().1 += reserved;
        self.orders.by_status[status as usize] += 1;
        self.orders.open += open;
        Ok(())
    }

    /// Decreases an order without a trade; `open` is the remainder in the event.
    fn cut(
        &mut self,
        order: OrderId,
        by: Quantity,
        open: Quantity,
        reserved: Amount,
        status: OrderStatus,
    ) -> Result<(), String> {
        let left = self.shrink(order, by.0, reserved, status)?;
        if left != open.0 {
            return Err(format!("order {order} has {left} lots open, not {open}"));
        }
        Ok(())
    }

    /// Sets the reserved amount. An order by an amount of money, or one that closes a position, learns its lots when it is
    /// triggered.
    fn restate(&mut self, e: &Restated) -> Result<(), String> {
        let live = self.live.get_mut(&e.order).ok_or("the restated order is not open")?;
        let learns = std::mem::take(&mut live.learns) && e.reason == RestateReason::Reserve;
        if live.open != e.open.0 {
            if !learns {
                return Err(format!("order {} has {} lots open, not {}", e.order, live.open, e.open));
            }
            self.orders.open = self.orders.open - live.open + e.open.0;
            live.open = e.open.0;
        }
        self.shrink(e.order, 0, e.reserved, OrderStatus::Open).map(drop)
    }

    /// Converts all amounts of an asset to another scale.
    fn rescale(&mut self, asset: AssetId, scale: u8) -> Result<(), String> {
        let known = self.assets.get_mut(&asset).ok_or_else(|| format!("asset {asset} does not exist"))?;
        let before = std::mem::replace(&mut known.1, scale);
        let power = 10_i128.pow(u32::from(before.abs_diff(scale)));
        let of_it = self.balances.iter_mut().filter(|((_, of, _), _)| *of == asset);
        let amounts = of_it.flat_map(|(_, (total, reserved))| [total, reserved]);
        let funds = self.futures.contracts.funds_of(asset);
        for amount in amounts.chain(self.supply.get_mut(&asset)).chain(funds) {
            if scale >= before {
                *amount *= power;
            } else if *amount % power == 0 {
                *amount /= power;
            } else {
                return Err(format!("an amount of asset {asset} is not exact at scale {scale}"));
            }
        }
        Ok(())
    }

    /// Decreases an open order. With its last lot the order gets this status. Returns the open lots.
    fn shrink(
        &mut self,
        order: OrderId,
        by: u64,
        reserved: Amount,
        status: OrderStatus,
    ) -> Result<u64, String> {
        let mut live = *self.live.get(&order).ok_or_else(|| format!("order {order} is not open"))?;
        live.open = live
            .open
            .checked_sub(by)
            .ok_or_else(|| format!("order {order} has fewer than {by} lots open"))?;
        let freed = live.reserved - i128::from(reserved.0);
        live.reserved -= freed;
        self.balances.entry((live.account, live.asset, order.shard())).or_default().1 -= freed;
        self.orders.open -= by;
        if live.open == 0 {
            self.live.remove(&order);
            self.orders.by_status[live.status as usize] -= 1;
            self.orders.by_status[status as usize] += 1;
        } else {
            self.live.insert(order, live);
        }
        Ok(live.open)
    }

    fn trade(&mut self, e: &Executed, record: &EventRecord) -> Result<TradeRow, String> {
        let listing = self.listing(e.instrument.0)?;
        let is_contract = listing.product.is_contract();
        let price_units = i128::from(e.price.0) * i128::from(listing.tick_units);
        let amount = i128::from(e.quantity.0) * i128::from(listing.lot.0);
        let notional = match is_contract {
            true => self.value(&listing, price_units, e.quantity.0.into())?,
            false => self.notional(e.trade, &listing, price_units, amount)?,
        };
        self.shrink(e.maker_order, e.quantity.0, e.maker_reserved, OrderStatus::Filled)?;
        self.shrink(e.taker_order, e.quantity.0, e.taker_reserved, OrderStatus::Filled)?;
        self.orders.executed += 2 * e.quantity.0;
        let accounts = [self.account(e.maker_login)?, self.account(e.taker_login)?];
        if is_contract {
            self.move_fees(e, &listing)?;
            self.futures.legs.trade(e, &listing, accounts, notional);
        } else {
            self.move_assets(e, &listing, accounts, amount, notional);
        }
        Ok(TradeRow {
            trade: e.trade,
            event: record.number,
            time: record.time,
            instrument: e.instrument,
            taker_side: e.taker_side,
            kind: e.kind,
            price: u64::try_from(price_units).map_err(|_| "a price below zero")?,
            quantity: e.quantity,
            notional: fitting(notional),
            maker: TradeSide { order: e.maker_order, account: accounts[0], fee: e.maker_fee },
            taker: TradeSide { order: e.taker_order, account: accounts[1], fee: e.taker_fee },
        })
    }

    /// Price × quantity computed from the definitions: ticks to price units to whole quote, lots to whole base.
    fn notional(&self, trade: TradeId, listing: &Listing, price: i128, base: i128) -> Result<i128, String> {
        let ten = |power: u32| 10_i128.pow(power);
        let scaled =
            price.checked_mul(base).and_then(|n| n.checked_mul(ten(self.scale(listing.quote).ok()?)));
        let scaled = scaled.ok_or("a notional is too large to check")?;
        let unit = ten(u32::from(listing.price_decimals) + self.scale(listing.base)?);
        if scaled % unit != 0 {
            return Err(format!("trade {trade} is not for whole minor units"));
        }
        Ok(scaled / unit)
    }

    /// The value of a trade of a contract from the definitions, half-even for an inverse one.
    fn value(&self, listing: &Listing, price: i128, lots: i128) -> Result<i128, String> {
        let scales = [self.scale(listing.base)?, self.scale(listing.quote)?];
        let value = Fraction::worth(listing, scales, price, lots)?.abs().half_even();
        if value > i128::from(i64::MAX) { Err("a value is too large to check".to_owned()) } else { Ok(value) }
    }

    /// The fees of a trade of a contract, which account 0 gets. Its other money moves with the changes of positions.
    fn move_fees(&mut self, e: &Executed, listing: &Listing) -> Result<(), String> {
        let fees = i128::from(e.maker_fee.0) + i128::from(e.taker_fee.0);
        if fees < 0 {
            return Err(format!("account 0 pays for trade {}", e.trade));
        }
        self.move_money((AccountId::FEES, listing.settled_in(), listing.shard), fees);
        Ok(())
    }

    /// The money of a trade of spot.
    fn move_assets(
        &mut self,
        e: &Executed,
        listing: &Listing,
        [maker, taker]: [AccountId; 2],
        base: i128,
        notional: i128,
    ) {
        let (buyer, seller) = match e.taker_side {
            Side::Buy => (taker, maker),
            Side::Sell => (maker, taker),
        };
        let shard = listing.shard;
        self.move_money((buyer, listing.base, shard), base);
        self.move_money((seller, listing.base, shard), -base);
        self.move_money((buyer, listing.quote, shard), -notional);
        self.move_money((seller, listing.quote, shard), notional);
        // The buyer's fee is in base if fees are taken from what is received.
        let bought_with = match listing.fee_asset {
            FeeAsset::Quote => listing.quote,
            FeeAsset::Received => listing.base,
        };
        let (maker_pays_in, taker_pays_in) = match e.taker_side {
            Side::Buy => (listing.quote, bought_with),
            Side::Sell => (bought_with, listing.quote),
        };
        for (account, asset, fee) in
            [(maker, maker_pays_in, e.maker_fee), (taker, taker_pays_in, e.taker_fee)]
        {
            self.move_money((account, asset, shard), -i128::from(fee.0));
            self.move_money((AccountId::FEES, asset, shard), i128::from(fee.0));
        }
    }
}

/// A sum that does not fit the table's columns becomes the largest value that does, so it shows as a difference.
fn fitting(value: i128) -> Amount {
    Amount(i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX }))
}

pub(super) fn balance(
    (account, asset, shard): (AccountId, AssetId, ShardId),
    total: i128,
    reserved: i128,
) -> BalanceRow {
    BalanceRow { shard, account, asset, total: fitting(total), reserved: fitting(reserved) }
}
