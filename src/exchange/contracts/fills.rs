//! Trades of contracts: both sides are measured, then booked into their positions (docs/FUTURES.md, "Fills").

use super::super::book::{Handle, Hot};
use super::super::contract::{MeasuredSide, Pair};
use super::super::extras::REDUCES;
use super::super::market::Market;
use super::super::match_end::MatchEnd;
use super::super::positions::{Measured, Position, Traded};
use super::super::products::{FeeTerms, Settled};
use super::super::sink::EventSink;
use crate::domain::contracts::OrderDemand;
use crate::domain::{
    AccountId, Amount, ContractEvent, Event, FeeRate, Fill, MarginMode, PositionCause, PositionChanged,
    Quantity, Side, TradeId,
};

/// What becomes of two orders that meet.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::large_enum_variant, reason = "most of them are trades, and it is used where it is made")]
pub(in crate::exchange) enum Verdict {
    /// They trade.
    Trade(Pair),
    /// The incoming order ends here.
    TakerEnds(MatchEnd),
    /// The resting order cannot trade, and goes.
    MakerGoes,
}

/// One side of a trade, before it is measured.
#[derive(Clone, Copy)]
pub(in crate::exchange) struct Party {
    account: AccountId,
    side: Side,
    /// Whether its order may only reduce a position.
    reduces: bool,
    terms: FeeTerms,
}

impl Party {
    pub(in crate::exchange) fn of(order: &Hot, rate: FeeRate) -> Self {
        let terms = FeeTerms { rate, carry: order.fee_carry };
        Self { account: order.account, side: order.side, reduces: order.flags & REDUCES != 0, terms }
    }
}

impl<S: EventSink> Market<'_, S> {
    /// An account's wallet in the settlement asset, what orders hold included, minor units.
    pub(super) fn wallet_of(&self, account: AccountId) -> i64 {
        self.shared.ledger.wallet(account, self.instrument.listing.settled_in()).0
    }

    /// Charges the positions of both sides of a trade for the last funding, the buyer's first.
    pub(super) fn charge_pair<const DRY: bool>(&mut self, fill: &Fill, parties: &[Party; 2]) {
        if self.contract().fundings.charging.is_none() {
            return;
        }
        let buyer = usize::from(parties[1].side == Side::Buy);
        for party in [&parties[buyer], &parties[1 - buyer]] {
            let which = self.shared.positions.changed_by(&self.traded(fill, party));
            if DRY {
                self.charge_dry(party.account, which);
            } else {
                self.charge(party.account, which);
            }
        }
    }

    /// Measures both sides of a trade, and changes nothing.
    pub(in crate::exchange) fn measure_pair(&mut self, fill: &Fill, [maker, taker]: [Party; 2]) -> Verdict {
        let product = self.instrument.product();
        let [of_maker, of_taker] = [maker, taker].map(|party| product.fee(fill, party.side, party.terms));
        let sides = [maker, taker].map(|party| self.traded(fill, &party));
        let changed = sides.map(|side| self.shared.positions.changed_by(&side));
        if maker.account == taker.account && changed[0] == changed[1] {
            return Verdict::Trade(self.own_pair(&sides, changed[0], [of_maker, of_taker]));
        }
        if let Some(end) = self.stops(&sides) {
            return Verdict::TakerEnds(end);
        }
        if maker.account == taker.account {
            let both = self.both_legs(sides, [of_maker, of_taker]);
            return both.map_or(Verdict::TakerEnds(MatchEnd::Margin), Verdict::Trade);
        }
        let positions = &mut self.shared.positions;
        let mut measured = |traded: &Traded, fee: i64| positions.measure(&Traded { fee, ..*traded });
        // One side's rebate is at most the fee that the other side pays.
        let paid_by_maker = match measured(&sides[0], of_maker.0.0) {
            Ok(found) if of_taker.0.0 < 0 => found.fee,
            Ok(_) | Err(_) => of_maker.0.0,
        };
        let fee = limited(of_taker.0.0, paid_by_maker);
        let Ok(taken) = measured(&sides[1], fee) else { return Verdict::TakerEnds(MatchEnd::Margin) };
        let fee = limited(of_maker.0.0, taken.fee);
        let Ok(made) = measured(&sides[0], fee) else { return Verdict::MakerGoes };
        Verdict::Trade([side(&sides[0], made, of_maker.1), side(&sides[1], taken, of_taker.1)])
    }

    /// Both sides of a trade of an account with itself that changes its long and its short position: both open, or both
    /// reduce. `None`: its margin does not suffice.
    #[cold]
    fn both_legs(&mut self, mut sides: [Traded; 2], fees: [(Amount, u32); 2]) -> Option<Pair> {
        let opens = !sides[0].closes;
        let charged = fees.map(|(fee, _)| fee.0);
        // What opens pays its fees whole, so a rebate is known at once; else when it is known what the other side pays.
        let rebates = |paid: [i64; 2]| [limited(charged[0], paid[1]), limited(charged[1], paid[0])];
        let first = if opens { rebates(charged) } else { charged.map(|fee| fee.max(0)) };
        sides.iter_mut().zip(first).for_each(|(side, fee)| side.fee = fee);
        let buyer = usize::from(sides[1].side == Side::Buy);
        let mut measured = self.shared.positions.measure_own([sides[buyer], sides[1 - buyer]]).ok()?;
        if !opens && charged.iter().any(|fee| *fee < 0) {
            let paid = [measured[buyer].fee, measured[1 - buyer].fee];
            sides.iter_mut().zip(rebates(paid)).for_each(|(side, fee)| side.fee = fee);
            measured = self.shared.positions.measure_own([sides[buyer], sides[1 - buyer]]).ok()?;
        }
        // In the order of the sides, not buyer first.
        Some(std::array::from_fn(|at| side(&sides[at], measured[usize::from(at != buyer)], fees[at].1)))
    }

    fn traded(&self, fill: &Fill, party: &Party) -> Traded {
        Traded {
            at: self.at(party.account),
            side: party.side,
            lots: fill.quantity.0,
            value: fill.notional,
            fee: 0,
            closes: party.reduces,
            wallet: self.wallet_of(party.account),
            now: self.shared.now,
        }
    }

    /// Why a trade is not made, whatever the margin of its sides: the open interest, or a stale index.
    fn stops(&self, sides: &[Traded; 2]) -> Option<MatchEnd> {
        let contract = self.contract();
        let (mut more_open, mut increases) = (0_i64, false);
        for traded in sides {
            let mut leg = self.shared.positions.leg_of(traded);
            let before = leg.lots.max(0);
            let booked = leg.book(&contract.value, traded.side, traded.lots, traded.value);
            more_open += leg.lots.max(0) - before;
            increases |= booked.opened > 0;
        }
        let limit = contract.risk.map_or(0, |risk| u64::from(risk.open_interest_limit));
        let open = contract.open_interest.saturating_add_signed(more_open);
        if more_open > 0 && open > limit {
            return Some(MatchEnd::OpenInterest);
        }
        (increases && contract.is_stale(self.shared.now)).then_some(MatchEnd::IndexStale)
    }

    /// Both sides of a trade of an account with itself: its lots stay, and its equity pays the fees as far as it can,
    /// the buyer's first; those of an isolated position what the wallet can spare.
    fn own_pair(&mut self, sides: &[Traded; 2], which: usize, fees: [(Amount, u32); 2]) -> Pair {
        let Traded { at, wallet, .. } = sides[0];
        let account = at.account;
        let asset = self.instrument.listing.settled_in();
        let pays = match self.shared.positions.mode(at) {
            MarginMode::Cross => {
                i128::from(wallet) + self.shared.positions.margin(account, asset).sums().profit
            }
            MarginMode::Isolated => self.shared.positions.spare(account, asset, wallet),
        };
        let buyer = usize::from(sides[1].side == Side::Buy);
        let mut left = pays.clamp(0, i128::from(i64::MAX)) as i64;
        let mut paid = fees.map(|(fee, _)| fee.0);
        for payer in [buyer, 1 - buyer] {
            paid[payer] = paid[payer].min(left);
            left -= paid[payer].max(0);
        }
        for payer in [buyer, 1 - buyer] {
            paid[payer] = limited(paid[payer], paid[1 - payer]);
        }
        std::array::from_fn(|one| MeasuredSide {
            at,
            side: sides[one].side,
            which,
            measured: None,
            fee: Amount(paid[one]),
            carry: fees[one].1,
        })
    }

    /// Books a trade: the money and the positions of both sides, the buyer's first, and the fees. The open lots of both
    /// orders were already decreased. `open`: their open lots now.
    pub(in crate::exchange) fn book_pair(
        &mut self,
        fill: &Fill,
        maker: Handle,
        taker: &mut Hot,
        open: [Quantity; 2],
        pair: &Pair,
    ) -> Settled {
        let asset = self.instrument.listing.settled_in();
        let hot = self.shared.orders.get_mut(maker);
        for (order, open, side) in [(&mut *hot, open[0], &pair[0]), (taker, open[1], &pair[1])] {
            let before = order.reserved;
            order.reserved = OrderDemand::part(before, open.0, open.0 + fill.quantity.0);
            order.fee_carry = side.carry;
            self.shared.ledger.hold(order.account, asset, order.reserved.0 - before.0);
        }
        // Account 0 may be one of the parties: its wallet is told with the fees in it.
        self.shared.ledger.pay(AccountId::FEES, asset, pair[0].fee.0 + pair[1].fee.0);
        let trade = self.shared.last_trade.next();
        let buyer = usize::from(pair[1].side == Side::Buy);
        for which in [buyer, 1 - buyer] {
            let changed = self.book_side(fill, &pair[which], trade);
            self.shared.changed.push(changed);
        }
        Settled { fees: [pair[0].fee, pair[1].fee], volume: (asset, fill.notional) }
    }

    /// Emits the changes of positions by the last trade.
    #[cold]
    pub(in crate::exchange) fn tell_changes(&mut self) {
        for changed in self.shared.changed.drain(..) {
            self.events.push(Event::Contract(ContractEvent::PositionChanged(changed)));
        }
    }

    fn book_side(&mut self, fill: &Fill, side: &MeasuredSide, trade: TradeId) -> PositionChanged {
        let (position, realised) = self.book_position(fill, side);
        if position.leg.lots == 0 {
            self.note_below(side.at.account, side.which);
        }
        PositionChanged {
            account: side.at.account,
            instrument: self.instrument.listing.instrument,
            leg: self.leg_name(side.at.account, side.which),
            cause: PositionCause::Trade,
            trade,
            lots: position.leg.lots,
            cost: position.leg.cost,
            realised,
            pot: position.pot,
            wallet: self.wallet_of(side.at.account),
        }
    }

    /// Books one side of a trade into its position and the wallet. Returns the position after it, and what it realised.
    pub(super) fn book_position(&mut self, fill: &Fill, side: &MeasuredSide) -> (Position, i64) {
        let asset = self.instrument.listing.settled_in();
        let contract = self.instrument.contract.as_mut().expect("it is a contract");
        let MeasuredSide { at, which, measured, .. } = *side;
        let (mut lots, mut realised, mut change) = (0, 0, 0);
        let number = contract.fundings.number;
        let position = self.shared.positions.change(at, |holding| {
            let position = &mut holding.positions[which];
            lots = position.leg.lots;
            // What is opened after a funding owes nothing for it. Lots that were there are charged.
            position.charged = number;
            match measured {
                Some(measured) => {
                    (position.leg, position.pot) = (measured.position.leg, measured.position.pot);
                    (realised, change) = (measured.booked.realised, measured.wallet);
                }
                None => {
                    let booked =
                        position.leg.book(&contract.value, side.side, fill.quantity.0, fill.notional);
                    (realised, change) = (booked.realised, -side.fee.0);
                    match holding.mode {
                        MarginMode::Cross => change += realised,
                        MarginMode::Isolated => position.pot += realised,
                    }
                }
            }
            *position
        });
        contract.count_open(lots, position.leg.lots);
        self.shared.ledger.pay(at.account, asset, change);
        (position, realised)
    }
}

/// A rebate as far as the other side pays it; a fee as it is.
fn limited(fee: i64, paid: i64) -> i64 {
    if fee < 0 { fee.max(-paid.max(0)) } else { fee }
}

fn side(traded: &Traded, measured: Measured, carry: u32) -> MeasuredSide {
    MeasuredSide {
        at: traded.at,
        side: traded.side,
        which: measured.which,
        fee: Amount(measured.fee),
        measured: Some(measured),
        carry,
    }
}
