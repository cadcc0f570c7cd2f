//! What must hold of fundings, settlements and payments of funds, whatever the rules of matching are. It reads events.

use super::ledger::{Has, Holds, Ledger, Place, holds, settled_in};
use super::venue::CONTRACTS;
use dojima::domain::{
    AccountId, AssetId, ContractEvent, Event, FundCause, FundChanged, FundPaid, FundingPaid, FundingSet,
    InstrumentId, MarketEvent, Phase, PositionChanged, PositionLeg, Price,
};
use std::collections::BTreeMap;

const BILLION: i128 = 1_000_000_000;
/// Three quarters of the first rate of maintenance, ppb.
const CAP: i128 = 3_750_000;
const EIGHT_HOURS: i128 = 28_800;
const INTEREST_BAND: i128 = 500_000;

/// A funding that not everybody has been charged for.
#[derive(Clone, Debug)]
struct Running {
    set: FundingSet,
    /// Who is still to be charged, and for how many lots.
    owing: BTreeMap<(AccountId, PositionLeg), i64>,
    charged: u32,
}

/// The event that has to come next.
#[derive(Clone, Copy, Debug)]
enum Next {
    Closed(InstrumentId),
    Fund(InstrumentId, FundCause, i128),
    Delisted(InstrumentId),
    Deficit(FundPaid),
}

/// Fundings and settlements, added up from events.
#[derive(Clone, Debug, Default)]
pub struct Fundings {
    running: BTreeMap<InstrumentId, Running>,
    numbers: BTreeMap<InstrumentId, u32>,
    clearing: BTreeMap<InstrumentId, i128>,
    /// Lots that a settlement has closed, and what they were worth.
    closed: Vec<(InstrumentId, i64, i128)>,
    next: Option<Next>,
}

fn half_even(value: i128, by: i128) -> i128 {
    let (below, rest) = (value.div_euclid(by), value.rem_euclid(by));
    below + i128::from(2 * rest > by || (2 * rest == by && below % 2 != 0))
}

impl Fundings {
    pub fn clearing(&self, asset: AssetId) -> i128 {
        let settled = self.clearing.iter().filter(|(id, _)| settled_in(**id) == asset);
        settled.map(|(_, clearing)| clearing).sum()
    }

    /// Whether somebody is still to be charged.
    pub fn owes(&self, (account, instrument, leg): Place) -> bool {
        self.running.get(&instrument).is_some_and(|running| running.owing.contains_key(&(account, leg)))
    }

    pub fn is_charged(&self, place: Place) -> Holds {
        holds(!self.owes(place), || format!("{place:?} was not charged"))
    }

    pub fn nothing_is_missing(&self) -> Holds {
        holds(self.next.is_none(), || format!("{:?} did not come", self.next))?;
        holds(self.closed.is_empty(), || "positions were closed and nothing was settled".to_owned())
    }

    /// Some events have to follow others at once.
    pub fn is_in_order(&mut self, event: &Event) -> Holds {
        let Some(next) = self.next.take() else { return Ok(()) };
        let fits = match (next, event) {
            (Next::Closed(of), Event::Contract(ContractEvent::FundingClosed { instrument, .. })) => {
                of == *instrument
            }
            (Next::Fund(of, cause, amount), Event::Contract(ContractEvent::FundChanged(it))) => {
                (Some(of), cause, amount) == (it.instrument, it.cause, i128::from(it.amount.0))
            }
            (
                Next::Delisted(of),
                Event::Market(MarketEvent::PhaseSet { instrument, phase: Phase::Delisted }),
            ) => of == *instrument,
            (Next::Deficit(paid), Event::Contract(ContractEvent::InsuranceDeficit(it))) => {
                FundPaid { amount: it.amount, ..paid } == *it
            }
            _ => false,
        };
        holds(fits, || format!("{next:?} was to come"))
    }
}

impl Ledger {
    pub(super) fn of_funds(&mut self, event: &ContractEvent) -> Holds {
        match event {
            ContractEvent::FundingSet(it) => self.funding_set(it),
            ContractEvent::FundingPaid(it) => self.funding_paid(it),
            ContractEvent::FundingClosed { instrument, legs, remainder, .. } => {
                let running = self.fundings.running.remove(instrument).ok_or("nothing to close")?;
                holds(running.owing.is_empty() && running.charged == *legs, || format!("{running:?}"))?;
                self.left_over(*instrument, FundCause::Funding, i128::from(remainder.0), *legs)
            }
            ContractEvent::ContractSettled { instrument, price, legs, remainder } => {
                self.contract_settled(*instrument, *price, *legs)?;
                self.left_over(*instrument, FundCause::Settlement, i128::from(remainder.0), *legs)
            }
            ContractEvent::FundChanged(it) => self.fund_changed(it),
            ContractEvent::FundPaid(it) => self.fund_paid(it),
            _ => Ok(()),
        }
    }

    /// What the samples come to, and the positions that are there.
    fn funding_set(&mut self, it: &FundingSet) -> Holds {
        let of = it.instrument;
        let number = self.fundings.numbers.entry(of).or_default();
        *number += 1;
        holds(*number == it.number.0, || format!("number {number} was next"))?;
        let running = self.fundings.running.get(&of);
        holds(running.is_none(), || format!("before the last one is closed: {running:?}"))?;
        let premium = i128::from(it.premium_ppb);
        // There is no interest in these runs.
        let of_eight_hours = premium + (-premium).clamp(-INTEREST_BAND, INTEREST_BAND);
        let scaled = half_even(of_eight_hours * i128::from(it.samples), EIGHT_HOURS);
        let rate = if it.samples == 0 { 0 } else { scaled.clamp(-CAP, CAP) };
        holds(rate == i128::from(it.rate_ppb), || format!("the rate is {rate}"))?;
        let mark = self.marks.get(&of).copied();
        holds(mark == Some(it.mark.0.into()), || format!("the mark is {mark:?}"))?;
        let its = self.positions.iter().filter(|((_, id, _), has)| *id == of && has.lots != 0);
        let owing: BTreeMap<_, _> =
            its.map(|((account, _, leg), has)| ((*account, *leg), has.lots)).collect();
        let long: i64 = owing.values().filter(|lots| **lots > 0).sum();
        holds(long as u64 == it.open_interest.0, || format!("{long} lots are long"))?;
        if rate != 0 && !owing.is_empty() {
            self.fundings.running.insert(of, Running { set: *it, owing, charged: 0 });
        }
        Ok(())
    }

    /// Once for each position, for the lots and at the mark of the funding's time: payers up, receivers down.
    fn funding_paid(&mut self, it: &FundingPaid) -> Holds {
        let (of, place) = (it.instrument, (it.account, it.instrument, it.leg));
        let running = self.fundings.running.get_mut(&of).ok_or("no funding")?;
        let lots = running.owing.remove(&(it.account, it.leg)).ok_or("nothing to be charged")?;
        running.charged += 1;
        let (set, is_last) = (running.set, running.owing.is_empty());
        let has = self.positions[&place];
        holds(set.number == it.number && has.lots == lots, || format!("{set:?}, {has:?} of {lots} lots"))?;
        let rate = i128::from(set.rate_ppb);
        let (value, by) = self.exact(of, lots.into(), set.mark.0.into());
        let (owed, by) = (value.abs() * rate.abs(), by * BILLION);
        let pays = (lots > 0) == (rate > 0);
        let amount = if pays { -(owed + by - 1).div_euclid(by) } else { owed.div_euclid(by) };
        holds(amount == i128::from(it.amount.0), || format!("it is {amount}"))?;
        *self.fundings.clearing.entry(of).or_default() -= amount;
        let isolated = self.isolated.contains(&(it.account, of));
        let wallet = self.wallets.entry((it.account, settled_in(of))).or_default();
        let has = self.positions.get_mut(&place).ok_or("no position")?;
        if isolated {
            has.pot += it.amount.0;
        } else {
            *wallet += amount;
        }
        let told = (i128::from(it.wallet), it.pot);
        holds((*wallet, has.pot) == told, || format!("the wallet is {wallet}, the pot {}", has.pot))?;
        if is_last {
            self.fundings.next = Some(Next::Closed(of));
        }
        Ok(())
    }

    /// Payers have paid at least what receivers got, and less than a unit for each position more.
    fn left_over(&mut self, of: InstrumentId, cause: FundCause, remainder: i128, legs: u32) -> Holds {
        let clearing = self.fundings.clearing.get(&of).copied().unwrap_or(0);
        holds(clearing == remainder, || format!("{clearing} is left over"))?;
        let most = i128::from(legs);
        holds((0..most.max(1)).contains(&remainder), || format!("{remainder} of {legs} positions"))?;
        self.fundings.next = match cause {
            _ if remainder > 0 => Some(Next::Fund(of, cause, remainder)),
            FundCause::Settlement => Some(Next::Delisted(of)),
            _ => None,
        };
        Ok(())
    }

    fn fund_changed(&mut self, it: &FundChanged) -> Holds {
        let amount = i128::from(it.amount.0);
        holds(amount > 0, || "nothing".to_owned())?;
        match it.instrument {
            Some(of) => {
                *self.fundings.clearing.entry(of).or_default() -= amount;
                if it.cause == FundCause::Settlement {
                    self.fundings.next = Some(Next::Delisted(of));
                }
            }
            None => *self.supply.entry(it.asset).or_default() += amount,
        }
        let fund = self.funds.entry(it.asset).or_default();
        *fund += amount;
        holds(*fund == i128::from(it.fund.0), || format!("the fund has {fund}"))
    }

    /// It pays for somebody who has nothing else.
    fn fund_paid(&mut self, it: &FundPaid) -> Holds {
        let FundPaid { account, asset, .. } = *it;
        if let Some(of) = it.instrument {
            // The first one that lacks something.
            let mut places = self.places(account, of);
            let place = places.find(|place| self.has(*place).pot < 0).ok_or("no such pot")?;
            let has = self.positions.get_mut(&place).ok_or("no position")?;
            let missing = -i128::from(std::mem::take(&mut has.pot));
            holds(missing == i128::from(it.amount.0) && missing > 0, || format!("{missing} was missing"))?;
            holds(has.lots == 0, || "there are lots".to_owned())?;
            return self.fund_gives(it, missing);
        }
        let wallet = self.wallets.entry((account, asset)).or_default();
        let missing = -std::mem::take(wallet);
        holds(missing == i128::from(it.amount.0) && missing > 0, || format!("{missing} was missing"))?;
        holds(!self.has_lots(account, asset), || "there are positions".to_owned())?;
        let its = self.orders.values().filter(|order| order.account == account);
        let orders = its.filter(|order| settled_in(order.instrument) == asset).count();
        holds(orders == 0, || format!("{orders} orders are open"))?;
        self.fund_gives(it, missing)
    }

    fn fund_gives(&mut self, it: &FundPaid, missing: i128) -> Holds {
        let fund = self.funds.entry(it.asset).or_default();
        *fund -= missing;
        holds(*fund == i128::from(it.fund.0), || format!("the fund has {fund}"))?;
        if *fund < 0 {
            let amount = dojima::domain::Amount(missing.min(-*fund) as i64);
            self.fundings.next = Some(Next::Deficit(FundPaid { amount, ..*it }));
        }
        Ok(())
    }

    pub fn has_lots(&self, account: AccountId, asset: AssetId) -> bool {
        let cross = |id| !self.isolated.contains(&(account, id));
        let lots = |id| self.places(account, id).any(|place| self.has(place).lots != 0);
        CONTRACTS.into_iter().any(|id| settled_in(id) == asset && cross(id) && lots(id))
    }

    pub(super) fn nobody_is_below_zero(&self) -> Holds {
        let below = |((account, asset), wallet): &(&(AccountId, AssetId), &i128)| {
            **wallet < 0 && !self.has_lots(*account, *asset)
        };
        let found = self.wallets.iter().find(below);
        holds(found.is_none(), || format!("{found:?} and no lots"))?;
        let pot = self.positions.iter().find(|(_, has)| has.lots == 0 && has.pot < 0);
        holds(pot.is_none(), || format!("{pot:?} and no lots"))
    }

    /// What left a wallet was its owner's: all positions are charged, and the margin stays.
    pub(super) fn could_leave(&self, account: AccountId, asset: AssetId) -> Holds {
        for id in CONTRACTS.into_iter().filter(|id| settled_in(*id) == asset) {
            self.places(account, id).try_for_each(|place| self.fundings.is_charged(place))?;
        }
        let fund = self.funds.get(&asset).copied().unwrap_or(0);
        holds(fund >= 0, || format!("the fund has {fund}"))?;
        let left = self.available(account, asset).min(self.left_without_profit(account, asset));
        holds(left >= 0, || format!("{left} would be left"))
    }

    /// A position is closed at the price of a settlement, which is told after it.
    pub(super) fn settled(&mut self, e: &PositionChanged) -> Holds {
        let (of, place) = (e.instrument, (e.account, e.instrument, e.leg));
        let running = self.fundings.running.get(&of);
        holds(running.is_none(), || format!("not all are charged: {running:?}"))?;
        let isolated = self.isolated.contains(&(e.account, of));
        let has = self.positions.insert(place, Default::default()).unwrap_or_default();
        let pot = if isolated { has.pot + e.realised } else { 0 };
        holds(has.lots != 0 && (e.lots, e.cost, e.pot) == (0, 0, pot.min(0)), || format!("of {has:?}"))?;
        self.positions.insert(place, Has { pot: pot.min(0), ..Has::default() });
        let worth = i128::from(e.realised) + i128::from(has.cost);
        self.fundings.closed.push((of, has.lots, worth));
        *self.fundings.clearing.entry(of).or_default() -= worth;
        let wallet = self.wallets.entry((e.account, settled_in(of))).or_default();
        *wallet += i128::from(if isolated { pot.max(0) } else { e.realised });
        holds(*wallet == i128::from(e.wallet), || format!("the wallet is {wallet}"))
    }

    fn contract_settled(&mut self, of: InstrumentId, price: Price, legs: u32) -> Holds {
        let closed = std::mem::take(&mut self.fundings.closed);
        holds(closed.len() == legs as usize, || format!("{} were closed", closed.len()))?;
        for (instrument, lots, worth) in closed {
            let due = self.worth(of, lots, price.0.into());
            holds((instrument, due) == (of, worth), || format!("{lots} lots are worth {due}, not {worth}"))?;
        }
        Ok(())
    }

    /// Nobody has anything of a contract that is delisted.
    pub(super) fn is_empty(&self, of: InstrumentId) -> Holds {
        let lots = self.positions.iter().find(|((_, id, _), has)| *id == of && has.lots != 0);
        let order = self.orders.values().find(|order| order.instrument == of);
        let clearing = self.fundings.clearing.get(&of).copied().unwrap_or(0);
        holds(lots.is_none() && order.is_none() && clearing == 0, || {
            format!("{lots:?}, {order:?}, clearing {clearing}")
        })
    }
}
