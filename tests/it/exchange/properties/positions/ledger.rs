//! What must hold after every command, whatever the rules of matching are. It reads commands and events.

use super::fund_ledger::Fundings;
use super::venue::{ASSETS, CONTRACTS, Setting, is_linear, unit};
use dojima::domain::{
    AccountId, AdminEvent, AssetId, Command, ContractEvent, Effect, Event, Instructions, InstrumentId,
    Listing, LoginId, MarginMode, MarketEvent, OrderCommand, OrderEvent, OrderId, OrderState, OrderTerms,
    Phase, PositionCause, PositionChanged, PositionLeg, ShardId, ShardTransfer, Side, UserRef,
};
use std::collections::{BTreeMap, BTreeSet};

/// An open order as the events tell of it.
#[derive(Clone, Copy, Debug)]
pub struct Open {
    pub login: LoginId,
    pub user_ref: UserRef,
    pub account: AccountId,
    pub instrument: InstrumentId,
    pub side: Side,
    pub open: u64,
    pub reserved: i64,
    pub effect: Effect,
    /// Whether it waits for its trigger.
    pub waits: bool,
    /// The order that it was linked to when it came.
    pub first: Option<OrderId>,
}

/// Which position: whose, of which contract, and which of the two if there are two.
pub type Place = (AccountId, InstrumentId, PositionLeg);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Has {
    pub lots: i64,
    pub cost: i64,
    /// Its own money.
    pub pot: i64,
}

/// Wallets, positions and orders, added up from events.
#[derive(Clone, Debug)]
pub struct Ledger {
    pub setting: Setting,
    /// Who has isolated margin where.
    pub isolated: BTreeSet<(AccountId, InstrumentId)>,
    /// What accounts have chosen; else it is 20 here.
    leverages: BTreeMap<(AccountId, InstrumentId), u8>,
    pub orders: BTreeMap<OrderId, Open>,
    pub positions: BTreeMap<Place, Has>,
    /// Who has a long and a short position in each contract.
    pub hedges: BTreeSet<AccountId>,
    pub wallets: BTreeMap<(AccountId, AssetId), i128>,
    /// Deposits less withdrawals, those into funds too.
    pub supply: BTreeMap<AssetId, i128>,
    pub funds: BTreeMap<AssetId, i128>,
    /// On their way to the other shard.
    in_flight: BTreeMap<AssetId, i128>,
    /// Fundings, settlements and what they leave over.
    pub fundings: Fundings,
    pub marks: BTreeMap<InstrumentId, i128>,
    /// One tick in price units, and the constant of the listing.
    units: BTreeMap<InstrumentId, (i128, i128)>,
    /// What the order of the present command asks for.
    asked: Option<Instructions>,
    /// Of the trade that is being told: buyer's and seller's fee, and what is still to come of it.
    fees: Option<Fees>,
}

#[derive(Clone, Copy, Debug)]
struct Fees {
    of: [i64; 2],
    /// The buyer's position and the seller's.
    places: [Place; 2],
    told: usize,
    /// Signed lots that each side moves.
    lots: i64,
}

pub fn settled_in(instrument: InstrumentId) -> AssetId {
    ASSETS[usize::from(is_linear(instrument))]
}

pub type Holds = Result<(), String>;

pub fn holds(does: bool, what: impl Fn() -> String) -> Holds {
    if does { Ok(()) } else { Err(what()) }
}

impl Ledger {
    pub fn new(setting: Setting) -> Self {
        Self {
            isolated: BTreeSet::new(),
            leverages: BTreeMap::new(),
            setting,
            orders: BTreeMap::new(),
            positions: BTreeMap::new(),
            hedges: BTreeSet::new(),
            wallets: BTreeMap::new(),
            supply: BTreeMap::new(),
            funds: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            fundings: Fundings::default(),
            marks: BTreeMap::new(),
            units: BTreeMap::new(),
            asked: None,
            fees: None,
        }
    }

    /// Takes up all events of a command, and asks what must hold then.
    pub fn take(&mut self, command: &Command, events: &[Event]) -> Holds {
        self.asked = match command {
            Command::Order(OrderCommand::Enter(enter)) => Some(enter.instructions.unwrap_or_default()),
            Command::Order(OrderCommand::Replace(replace)) => Some(replace.instructions.unwrap_or_default()),
            _ => None,
        };
        for event in events {
            self.apply(event)
                .and_then(|()| if self.fees.is_none() { self.conserved() } else { Ok(()) })
                .map_err(|error| format!("{error} at {event:?}"))?;
        }
        holds(self.fees.is_none(), || "a trade without its positions".to_owned())?;
        self.fundings.nothing_is_missing()?;
        self.no_lots_left_over()?;
        self.nobody_is_below_zero()?;
        self.pots_stand_behind_lots()?;
        self.reducing_orders_fit()
    }

    fn apply(&mut self, event: &Event) -> Holds {
        self.fundings.is_in_order(event)?;
        let in_trade = matches!(event, Event::Contract(ContractEvent::PositionChanged(it)) if it.cause == PositionCause::Trade);
        holds(in_trade == self.fees.is_some(), || "out of the order of a trade".to_owned())?;
        match event {
            Event::Admin(AdminEvent::Deposited(of)) => self.transfer(of.account, of.asset, of.amount.0),
            Event::Admin(AdminEvent::Withdrawn(of)) => {
                self.transfer(of.account, of.asset, -of.amount.0);
                return self.could_leave(of.account, of.asset);
            }
            Event::Order(OrderEvent::TransferSent(sent)) if sent.transfer.from == ShardId::FIRST => {
                let ShardTransfer { account, asset, amount, .. } = sent.transfer;
                *self.wallets.entry((account, asset)).or_default() -= i128::from(amount.0);
                *self.in_flight.entry(asset).or_default() += i128::from(amount.0);
                return self.could_leave(account, asset);
            }
            Event::Admin(AdminEvent::TransferDone(of)) if of.from == ShardId::FIRST => {
                *self.in_flight.entry(of.asset).or_default() -= i128::from(of.amount.0);
                *self.supply.entry(of.asset).or_default() -= i128::from(of.amount.0);
            }
            Event::Admin(AdminEvent::TransferReceived(of)) if of.transfer.to == ShardId::FIRST => {
                self.transfer(of.transfer.account, of.transfer.asset, of.transfer.amount.0)
            }
            Event::Market(MarketEvent::PhaseSet { instrument, phase: Phase::Delisted }) => {
                return self.is_empty(*instrument);
            }
            Event::Admin(AdminEvent::MarkSet { instrument, price }) => {
                self.marks.insert(*instrument, price.0.into());
            }
            Event::Admin(AdminEvent::InstrumentListed(it) | AdminEvent::TermsSet(it)) => self.listed(it),
            Event::Order(OrderEvent::Accepted(e)) => return self.enter(e.login, &e.terms, Effect::Any),
            Event::Order(OrderEvent::Replaced(e)) => {
                let old = self.orders.remove(&e.orig_order).ok_or("nothing to replace")?;
                return self.enter(e.login, &e.terms, old.effect);
            }
            Event::Order(OrderEvent::Triggered(e)) => self.order(e.order)?.waits = false,
            Event::Order(OrderEvent::Canceled(e)) => {
                let order = self.order(e.order)?;
                let left = order.open.checked_sub(e.decrement.0);
                order.open = left.filter(|left| *left == e.open.0).ok_or("lots that it had not")?;
                self.left(e.order, e.reserved.0)?;
            }
            Event::Order(OrderEvent::Amended(e)) => {
                self.order(e.order)?.open = e.open.0;
                self.left(e.order, e.reserved.0)?;
            }
            Event::Order(OrderEvent::Restated(e)) => {
                self.order(e.order)?.open = e.open.0;
                self.left(e.order, e.reserved.0)?;
            }
            Event::Order(OrderEvent::Executed(e)) => {
                let places = self.places_of(e)?;
                let [maker, taker] = [(e.maker_order, e.maker_reserved), (e.taker_order, e.taker_reserved)];
                for (order, reserved) in [maker, taker] {
                    let known = self.order(order)?;
                    known.open = known.open.checked_sub(e.quantity.0).ok_or("more lots than it had")?;
                    self.left(order, reserved.0)?;
                }
                let of = match e.taker_side {
                    Side::Buy => [e.taker_fee.0, e.maker_fee.0],
                    Side::Sell => [e.maker_fee.0, e.taker_fee.0],
                };
                holds(of[0] + of[1] >= 0, || "the fee account pays".to_owned())?;
                self.fees = Some(Fees { of, places, told: 0, lots: e.quantity.0 as i64 });
            }
            Event::Contract(ContractEvent::PositionChanged(e)) => {
                return if e.cause == PositionCause::Settled { self.settled(e) } else { self.position(e) };
            }
            Event::Contract(ContractEvent::PositionModeSet(set)) => return self.mode_set(set),
            Event::Contract(ContractEvent::MarginModeSet(set)) => {
                let place = (set.by.account, set.instrument);
                match set.mode {
                    MarginMode::Isolated => self.isolated.insert(place),
                    MarginMode::Cross => self.isolated.remove(&place),
                };
            }
            Event::Contract(ContractEvent::MarginMoved(moved)) => {
                let (account, asset) = (moved.by.account, settled_in(moved.instrument));
                let has =
                    self.positions.get_mut(&(account, moved.instrument, moved.leg)).ok_or("no position")?;
                has.pot += moved.amount.0;
                holds(has.pot == moved.pot.0 && has.lots != 0, || format!("{has:?}"))?;
                let wallet = self.wallets.entry((account, asset)).or_default();
                *wallet -= i128::from(moved.amount.0);
                holds(*wallet == i128::from(moved.wallet.0), || format!("the wallet is {wallet}"))?;
            }
            Event::Contract(ContractEvent::LeverageSet(set)) => {
                self.leverages.insert((set.by.account, set.instrument), set.leverage);
            }
            Event::Contract(event) => return self.of_funds(event),
            _ => {}
        }
        Ok(())
    }

    /// New ticks count the mark in them, rounded down.
    fn listed(&mut self, listing: &Listing) {
        let tick = i128::from(listing.tick_units);
        let before = self.units.insert(listing.instrument, (tick, listing.tick_value.0.into()));
        if let (Some((old, _)), Some(mark)) = (before, self.marks.get_mut(&listing.instrument)) {
            *mark = (*mark * old / tick).max(1);
        }
    }

    fn transfer(&mut self, account: AccountId, asset: AssetId, change: i64) {
        *self.wallets.entry((account, asset)).or_default() += i128::from(change);
        *self.supply.entry(asset).or_default() += i128::from(change);
    }

    /// An order that is taken, and adds to what its account has at risk, leaves nobody without margin. What an order asks for
    /// is in the command, but for an amend, which leaves it as it was.
    fn enter(&mut self, login: LoginId, terms: &OrderTerms, before: Effect) -> Holds {
        let named = |user_ref: UserRef| {
            let of_name = |(_, order): &(&OrderId, &Open)| (order.login, order.user_ref) == (login, user_ref);
            self.orders.iter().find(of_name).map(|(id, _)| *id)
        };
        let order = Open {
            login,
            user_ref: terms.user_ref,
            first: self.asked.and_then(|asked| named(asked.oco)),
            account: self.setting.owner(login),
            instrument: terms.instrument,
            side: terms.side,
            open: terms.quantity.0,
            reserved: terms.reserved.0,
            effect: self.asked.map_or(before, |asked| asked.effect),
            waits: terms.state == OrderState::Dormant,
        };
        let place = self.place_of(&order);
        let without = self.at_risk(place);
        self.orders.insert(terms.order, order);
        let with = self.at_risk(place);
        let asset = settled_in(order.instrument);
        let left = match self.isolated.contains(&(order.account, order.instrument)) {
            true => self.available(order.account, asset).min(self.left_without_profit(order.account, asset)),
            false => self.available(order.account, asset),
        };
        holds(with <= without || left >= 0, || {
            format!("{with} lots at risk after {without}, {left} available")
        })
    }

    fn order(&mut self, id: OrderId) -> Result<&mut Open, String> {
        self.orders.get_mut(&id).ok_or_else(|| format!("order {id} is not open"))
    }

    /// What it holds now; without lots it is gone.
    fn left(&mut self, id: OrderId, reserved: i64) -> Holds {
        let order = self.order(id)?;
        order.reserved = reserved;
        if order.open == 0 {
            self.orders.remove(&id);
            return holds(reserved == 0, || format!("order {id} is gone and holds {reserved}"));
        }
        holds(reserved >= 0, || format!("order {id} holds {reserved}"))
    }

    /// The buyer's, then the seller's. Wallets move by what is realised and the fee; the fee account gets both fees before.
    fn position(&mut self, e: &PositionChanged) -> Holds {
        let fees = self.fees.as_mut().expect("asked before");
        let at = fees.told;
        let (of, place) = (fees.of, fees.places[at]);
        let (fee, moved) = (of[at], if at == 0 { fees.lots } else { -fees.lots });
        fees.told += 1;
        if fees.told == 2 {
            self.fees = None;
        }
        holds((e.account, e.instrument, e.leg) == place, || format!("it was to be {place:?}"))?;
        self.fundings.is_charged(place)?;
        let has = self.positions.entry(place).or_default();
        holds(has.lots + moved == e.lots, || format!("{has:?} and {moved} lots"))?;
        holds(e.lots != 0 || e.cost == 0, || "a cost without lots".to_owned())?;
        let turned = match e.leg {
            PositionLeg::Net => false,
            PositionLeg::Long => e.lots < 0,
            PositionLeg::Short => e.lots > 0,
        };
        holds(!turned, || "a position of a pair turns over".to_owned())?;
        let into_pot = e.pot - has.pot;
        *has = Has { lots: e.lots, cost: e.cost, pot: e.pot };
        let isolated = self.isolated.contains(&(e.account, e.instrument));
        holds(isolated || e.pot == 0, || "money of its own in cross mode".to_owned())?;
        let asset = settled_in(e.instrument);
        if at == 0 {
            *self.wallets.entry((AccountId::FEES, asset)).or_default() += i128::from(of[0] + of[1]);
        }
        *self.wallets.entry((e.account, asset)).or_default() += i128::from(e.realised - fee - into_pot);
        let wallet = self.wallets[&(e.account, asset)];
        holds(wallet == i128::from(e.wallet), || format!("the wallet is {wallet}"))
    }

    /// Pitfall 3: asked after every command.
    fn conserved(&self) -> Holds {
        for asset in ASSETS {
            let wallets: i128 = self.wallets.iter().filter(|((_, of), _)| *of == asset).map(|(_, w)| w).sum();
            let its = self.positions.iter().filter(|((_, of, _), _)| settled_in(*of) == asset);
            let costs: i128 = its.map(|(_, has)| i128::from(has.cost) - i128::from(has.pot)).sum();
            let of = |sums: &BTreeMap<AssetId, i128>| sums.get(&asset).copied().unwrap_or(0);
            let (fund, supply, in_flight) = (of(&self.funds), of(&self.supply), of(&self.in_flight));
            let clearing = self.fundings.clearing(asset);
            holds(wallets + fund + clearing + in_flight - costs == supply, || {
                let more = format!("clearing {clearing}, in flight {in_flight}");
                format!(
                    "asset {asset}: wallets {wallets}, fund {fund}, {more}, costs {costs}, supply {supply}"
                )
            })?;
        }
        Ok(())
    }

    /// Between both sides of a trade with itself a position may have no lots.
    fn pots_stand_behind_lots(&self) -> Holds {
        let alone = self.positions.iter().find(|(_, has)| has.lots == 0 && has.pot > 0);
        holds(alone.is_none(), || format!("a pot without lots: {alone:?}"))
    }

    fn no_lots_left_over(&self) -> Holds {
        for instrument in CONTRACTS {
            let its = self.positions.iter().filter(|((_, of, _), _)| *of == instrument);
            let lots: i64 = its.map(|(_, has)| has.lots).sum();
            holds(lots == 0, || format!("{lots} lots too many of {instrument}"))?;
        }
        Ok(())
    }

    fn reducing_orders_fit(&self) -> Holds {
        for account in self.setting.accounts() {
            for (instrument, side) in CONTRACTS.into_iter().flat_map(|id| [(id, Side::Buy), (id, Side::Sell)])
            {
                let its = self.places(account, instrument).map(|place| self.has(place).lots);
                let closable: i64 =
                    its.map(|lots| if side == Side::Sell { lots.max(0) } else { (-lots).max(0) }).sum();
                let rests = |order: &&Open| {
                    (order.account, order.instrument, order.side) == (account, instrument, side)
                        && order.reduces()
                        && !order.waits
                };
                let resting: u64 = self.orders.values().filter(rests).map(|order| order.open).sum();
                holds(resting <= closable as u64, || {
                    format!("account {account} has {resting} lots to reduce {closable} of {instrument}")
                })?;
            }
        }
        Ok(())
    }

    /// What all open orders of an account hold.
    pub fn reserved(&self, account: AccountId, asset: AssetId) -> i128 {
        let its = self.orders.values().filter(|order| order.account == account);
        its.filter(|order| settled_in(order.instrument) == asset)
            .map(|order| i128::from(order.reserved))
            .sum()
    }
}

/// The formulas of margin, for contracts with the tiers of these runs.
impl Ledger {
    fn on_order(&self, account: AccountId, instrument: InstrumentId, side: Side) -> i128 {
        let of_it =
            |order: &&Open| (order.account, order.instrument, order.side) == (account, instrument, side);
        let counts = self.orders.values().filter(of_it).filter(|order| !order.reduces());
        let open = |id: &OrderId| self.orders.get(id).map_or(0, |first| first.open);
        let beyond = |order: &Open| order.open.saturating_sub(order.first.as_ref().map_or(0, open));
        counts.map(|order| i128::from(beyond(order))).sum()
    }

    fn at_risk(&self, place: Place) -> i128 {
        let (account, instrument, leg) = place;
        let lots = i128::from(self.has(place).lots);
        let [bids, asks] = [Side::Buy, Side::Sell].map(|side| self.on_order(account, instrument, side));
        match leg {
            PositionLeg::Net => (lots + bids).max(asks - lots).max(0),
            PositionLeg::Long => lots + bids,
            PositionLeg::Short => asks - lots,
        }
    }

    /// What is left of a wallet for new orders.
    pub fn available(&self, account: AccountId, asset: AssetId) -> i128 {
        let [profit, margin] = self.profit_and_margin(account, asset);
        self.wallet(account, asset) + profit - margin - self.reserved(account, asset)
    }

    /// The same, if profit that is not realised counted as nothing.
    pub fn left_without_profit(&self, account: AccountId, asset: AssetId) -> i128 {
        self.wallet(account, asset)
            - self.profit_and_margin(account, asset)[1]
            - self.reserved(account, asset)
    }

    pub fn wallet(&self, account: AccountId, asset: AssetId) -> i128 {
        self.wallets.get(&(account, asset)).copied().unwrap_or(0)
    }

    /// The unrealised profit of an account, and the initial margin of what it has at risk.
    fn profit_and_margin(&self, account: AccountId, asset: AssetId) -> [i128; 2] {
        let mut sums = [0, 0];
        for instrument in CONTRACTS.into_iter().filter(|id| settled_in(*id) == asset) {
            let Some(mark) = self.marks.get(&instrument).copied() else { continue };
            let up = |(value, by): (i128, i128)| (value + by - 1).div_euclid(by);
            let leverage = i128::from(self.leverages.get(&(account, instrument)).copied().unwrap_or(20));
            let a_unit = i128::from(unit(instrument) * self.setting.scale);
            let rows = [(600, 100_000), (300, 50_000), (100, 20_000), (0, 10_000)];
            let margin = |lots: i128| {
                let (value, by) = self.exact(instrument, lots, mark);
                let notional = up((value.abs(), by));
                let tier = rows.iter().find(|(floor, _)| notional >= floor * a_unit).expect("one is from 0");
                up((notional * tier.1.max(up((1_000_000, leverage))), 1_000_000))
            };
            for place in self.places(account, instrument) {
                let (has, at_risk) = (self.has(place), self.at_risk(place));
                if self.isolated.contains(&(account, instrument)) {
                    // What is behind its lots is in its pot.
                    sums[1] += (margin(at_risk) - margin(i128::from(has.lots.abs()))).max(0);
                } else {
                    sums[0] += self.worth(instrument, has.lots, mark) - i128::from(has.cost);
                    sums[1] += margin(at_risk);
                }
            }
        }
        sums
    }

    /// What lots are worth at a price: a fraction.
    pub fn exact(&self, instrument: InstrumentId, lots: i128, price: i128) -> (i128, i128) {
        let (_, constant) = self.units[&instrument];
        if is_linear(instrument) { (lots * price * constant, 1) } else { (-lots * constant, price) }
    }

    /// The same, rounded down.
    pub fn worth(&self, instrument: InstrumentId, lots: i64, price: i128) -> i128 {
        let (value, by) = self.exact(instrument, lots.into(), price);
        value.div_euclid(by)
    }
}
