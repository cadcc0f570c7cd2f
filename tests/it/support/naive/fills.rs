//! Trades of contracts: whether both sides can have one, what it does to them, and what each pays.

use super::contracts::leg::{Fill, Position};
use super::matching::Meeting;
use super::money::fee;
use super::orders::Order;
use super::positions::{Legs, Place};
use super::{Naive, pots};
use dojima::domain::{
    AccountId, ContractEvent, Event, FeeRate, InstrumentId, PositionCause, PositionChanged, Side, TradeId,
};
use rust_decimal::Decimal;

/// One side of a trade that is thought about.
#[derive(Clone, Copy)]
pub(super) struct Party {
    account: AccountId,
    place: Place,
    rate: FeeRate,
    carry: Decimal,
}

/// A trade that is thought about.
#[derive(Clone, Copy)]
pub(super) struct Deal {
    instrument: InstrumentId,
    price: i128,
    lots: i128,
    /// Buyer and seller, and who of them comes in.
    parties: [Party; 2],
    incoming: Side,
}

/// What a trade does to one side.
#[derive(Clone, Copy)]
struct BookedSide {
    fill: Fill,
    /// The position when this side alone is booked after those before it.
    leg: Position,
    /// What its position has of its own then, and what the wallet gets.
    pot: i128,
    wallet: i128,
    fee: i128,
    carry: Decimal,
}

/// What a trade does.
struct Booked {
    legs: Legs,
    /// Buyer and seller.
    sides: [BookedSide; 2],
    /// Whether a side lacks the money for its isolated position.
    lacks: [bool; 2],
}

/// Whether a trade can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Passes,
    OpenInterest,
    Stale,
    IncomingFails,
    RestingFails,
}

impl Deal {
    /// Both sides are of the same account.
    fn is_own(&self) -> bool {
        self.parties[0].account == self.parties[1].account
    }

    /// Both sides are of the same position.
    fn is_of_one_leg(&self) -> bool {
        self.parties[0].place == self.parties[1].place
    }

    /// The sides in the order in which they are measured: the one that comes in, then the other one.
    fn measured(&self) -> [usize; 2] {
        if self.incoming == Side::Buy { [0, 1] } else { [1, 0] }
    }
}

impl Naive {
    /// Rates are the maker's and the taker's.
    pub(super) fn deal(
        &self,
        maker: &Order,
        taker: &Order,
        price: i128,
        lots: i128,
        rates: [FeeRate; 2],
    ) -> Deal {
        let party = |order: &Order, rate| {
            let (account, carry) = (order.account, order.carry);
            Party { account, place: self.place_of_order(order), rate, carry }
        };
        let (maker_side, taker_side) = (party(maker, rates[0]), party(taker, rates[1]));
        let parties = match taker.side {
            Side::Buy => [taker_side, maker_side],
            Side::Sell => [maker_side, taker_side],
        };
        Deal { instrument: taker.instrument, price, lots, parties, incoming: taker.side }
    }

    fn booked(&self, deal: &Deal) -> Booked {
        let Deal { instrument, price, lots, parties, .. } = *deal;
        let listed = self.listed_as(instrument);
        let value = self.value(instrument, price, lots).expect("limits keep it small");
        let mut legs = self.legs.clone();
        let mut sides = Vec::new();
        for (side, party) in [Side::Buy, Side::Sell].into_iter().zip(parties) {
            let leg = legs.entry(party.place).or_default();
            let fill = leg.book(&listed, side, lots as u64, value as i64);
            let (fee, carry) = fee(value, party.rate, party.carry);
            sides.push(BookedSide { fill, leg: *leg, pot: 0, wallet: 0, fee, carry });
        }
        let mut booked = Booked { legs, sides: [sides[0], sides[1]], lacks: [false; 2] };
        self.waive(deal, &mut booked);
        self.move_money(deal, &mut booked);
        booked
    }

    /// What wallets and pots have of it. An isolated position that trades with itself keeps its lots: its pot takes what is
    /// realised, and the wallet pays the fees. Of two isolated positions of an account the second one finds the wallet as the
    /// first one leaves it.
    fn move_money(&self, deal: &Deal, booked: &mut Booked) {
        let mut own_pot = self.pot(deal.parties[0].place);
        for at in [0, 1] {
            let Party { account, place, .. } = deal.parties[at];
            let before = if at == 1 && deal.is_own() { booked.sides[0].wallet } else { 0 };
            let BookedSide { fill, leg, fee, .. } = booked.sides[at];
            let side = &mut booked.sides[at];
            if !self.is_isolated(account, deal.instrument) {
                (side.pot, side.wallet) = (0, fill.realised - fee);
            } else if deal.is_of_one_leg() {
                own_pot += fill.realised;
                (side.pot, side.wallet) = (own_pot, -fee);
            } else {
                let moved = self.move_pot(&pots::Side { place, fill, after: leg, fee, before });
                (side.pot, side.wallet) = (moved.pot, moved.wallet);
                booked.lacks[at] = moved.lacks;
            }
        }
    }

    /// Nobody comes below 0 by the fee of a trade that does not increase risk; a rebate is at most what the other side pays.
    fn waive(&self, deal: &Deal, booked: &mut Booked) {
        let mut paid_before = 0;
        for at in [0, 1] {
            let account = deal.parties[at].account;
            let due = booked.sides[at].fee;
            if due > 0 && !self.increases_risk(deal, booked, at) {
                let mut can_pay = match deal.is_of_one_leg() && self.is_isolated(account, deal.instrument) {
                    true => self.spare(account, self.settled_in(deal.instrument)),
                    false => self.equity_without_fees(deal, booked, at),
                };
                // What is both sides has paid the buyer's fee.
                if at == 1 && self.share_money(deal, 0, 1) {
                    can_pay -= paid_before;
                }
                booked.sides[at].fee = due.min(can_pay.max(0));
            }
            paid_before = booked.sides[at].fee.max(0);
        }
        let paid = booked.sides.map(|side| side.fee.max(0));
        for (at, other) in [(0, 1), (1, 0)] {
            if booked.sides[at].fee < 0 {
                booked.sides[at].fee = booked.sides[at].fee.max(-paid[other]);
            }
        }
    }

    fn increases_risk(&self, deal: &Deal, booked: &Booked, at: usize) -> bool {
        let place = deal.parties[at].place;
        let (before, after) = (self.leg(place).lots, booked.legs[&place].lots);
        after.abs() > before.abs() || before * after < 0
    }

    /// Whether two sides are of the same margin account: of one isolated position, or of the cross positions of one account.
    fn share_money(&self, deal: &Deal, one: usize, other: usize) -> bool {
        let [one, other] = [one, other].map(|at| deal.parties[at]);
        let isolated = self.is_isolated(one.account, deal.instrument);
        one.account == other.account && (!isolated || one.place == other.place)
    }

    /// Equity of the margin account that a side of the trade is judged by.
    fn equity(&self, legs: &Legs, deal: &Deal, at: usize) -> i128 {
        let Party { account, place, .. } = deal.parties[at];
        if self.is_isolated(account, deal.instrument) {
            let leg = legs.get(&place).copied().unwrap_or_default();
            return self.pot(place) + self.profit_of(deal.instrument, leg);
        }
        let asset = self.settled_in(deal.instrument);
        self.wallet(account, asset) + self.unrealised(legs, account, asset)
    }

    fn equity_without_fees(&self, deal: &Deal, booked: &Booked, at: usize) -> i128 {
        let its = [0, 1].into_iter().filter(|other| self.share_money(deal, at, *other));
        let realised: i128 = its.map(|other| booked.sides[other].fill.realised).sum();
        self.equity(&booked.legs, deal, at) + realised
    }

    fn can_have(&self, deal: &Deal, booked: &Booked, at: usize) -> bool {
        let account = deal.parties[at].account;
        let without_fees = self.equity_without_fees(deal, booked, at);
        if !self.increases_risk(deal, booked, at) {
            return without_fees >= 0 || without_fees >= self.equity(&self.legs, deal, at);
        }
        if self.is_isolated(account, deal.instrument) {
            return !booked.lacks[at];
        }
        let its = [0, 1].into_iter().filter(|other| self.share_money(deal, at, *other));
        let fees: i128 = its.map(|other| booked.sides[other].fee).sum();
        let asset = self.settled_in(deal.instrument);
        without_fees - fees >= self.margin_of_legs(&booked.legs, account, asset)
    }

    pub(super) fn verdict(&self, deal: &Deal) -> Verdict {
        let booked = self.booked(deal);
        let risk = self.instrument(deal.instrument).contract.risk.expect("a contract that trades has it");
        let [before, after] =
            [&self.legs, &booked.legs].map(|legs| Self::open_interest(legs, deal.instrument));
        if after > i128::from(risk.open_interest_limit) && after > before {
            return Verdict::OpenInterest;
        }
        let grows = |at| self.increases_risk(deal, &booked, at);
        if self.is_stale(deal.instrument) && [0, 1].into_iter().any(grows) {
            return Verdict::Stale;
        }
        let sides = deal.measured();
        match sides.into_iter().position(|at| !self.can_have(deal, &booked, at)) {
            None => Verdict::Passes,
            Some(1) if !deal.is_own() => Verdict::RestingFails,
            Some(_) => Verdict::IncomingFails,
        }
    }

    /// Lots, cost and money change hands; orders lose the lots and hold less. The fees of maker and taker, and what is told of
    /// buyer and seller after the trade.
    pub(super) fn book_trade(&mut self, meeting: &mut Meeting) -> ([i128; 2], [PositionChanged; 2]) {
        let Meeting { maker, taker, price, lots, rates, .. } = meeting;
        let deal = self.deal(maker, taker, *price, *lots, *rates);
        let Booked { legs, sides, .. } = self.booked(&deal);
        let taker_side = taker.side;
        for order in [maker, taker] {
            let before = order.open;
            order.open -= *lots;
            order.slice -= (*lots).min(order.slice);
            Self::hold_part(order, before);
            order.carry = sides[usize::from(order.side == Side::Sell)].carry;
        }
        self.legs = legs;
        let (instrument, asset) = (deal.instrument, self.settled_in(deal.instrument));
        let trade = TradeId(self.last_trade + 1);
        // What the fee account gets comes before what both sides do.
        *self.held(AccountId::FEES, asset) += sides[0].fee + sides[1].fee;
        let changed = [0, 1].map(|at| {
            let (Party { account, place, .. }, side) = (deal.parties[at], sides[at]);
            *self.held(account, asset) += side.wallet;
            self.pots.insert(place, side.pot);
            let told = |value: i128| i64::try_from(value).expect("limits keep it small");
            PositionChanged {
                account,
                instrument,
                leg: place.2,
                cause: PositionCause::Trade,
                trade,
                lots: told(side.leg.lots),
                cost: told(side.leg.cost),
                realised: told(side.fill.realised),
                pot: told(side.pot),
                wallet: told(self.wallet(account, asset)),
            }
        });
        let [buyer, seller] = sides.map(|side| side.fee);
        let fees = if taker_side == Side::Buy { [seller, buyer] } else { [buyer, seller] };
        (fees, changed)
    }

    pub(super) fn tell_positions(&mut self, changed: [PositionChanged; 2]) {
        self.events.extend(changed.map(|one| Event::Contract(ContractEvent::PositionChanged(one))));
    }

    /// What both sides have is another: orders that may only reduce are lowered, the buyer's first. How many.
    pub(super) fn lower_after_trade(&mut self, [buyer, seller]: [Place; 2]) -> u32 {
        self.lower_to_position(buyer) + self.lower_to_position(seller)
    }
}
