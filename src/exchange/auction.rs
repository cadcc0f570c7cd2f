//! Phases, and the call auction at the end of a phase in which orders gather (docs/RULES.md, "Phases and auctions").
//!
//! All work is done as tasks, because an auction may touch more orders than one part of a command may.

pub(super) mod price;

use super::book::Handle;
use super::contract::Pair;
use super::market::Market;
use super::matching::shrunk;
use super::settlement::Liquidity;
use super::sink::EventSink;
use super::state::Exchange;
use super::task::Answer;
use super::task::PriceSearch;
use super::task::Purpose;
use super::task::Round;
use super::task::Task;
use crate::domain::{
    Auction, CancelFilter, CancelReason, Event, InstrumentId, LoginId, MarketEvent, Phase, Price, Quantity,
    SelfTrade, SelfTradePrevented, Side,
};
use price::Meeting;

/// Rounds of an auction. In the last round the price is not computed again but moves as far as necessary. Otherwise a
/// client could place orders that are prevented from trading with each other, and make the auction walk all levels once
/// per order.
const ROUNDS_MAX: u8 = 8;

impl Exchange {
    /// Changes an instrument's phase, with all effects of the change.
    pub(super) fn change_phase(&mut self, instrument: InstrumentId, phase: Phase) {
        let from = self.instruments[instrument.0 as usize].listing.phase;
        self.agenda.push(Task::BeginPhase(instrument, phase));
        if phase == Phase::Continuous || (phase == Phase::Closed && from.gathers()) {
            let purpose = if from.is_auction() { Purpose::End } else { Purpose::Uncross };
            self.agenda.push(Task::FindPrice(PriceSearch::new(instrument, purpose, 1)));
            if self.instruments[instrument.0 as usize].contract.is_some() {
                self.agenda.push(Task::CancelOutside(instrument));
            }
        }
        if from == Phase::Halted {
            self.agenda.push(Task::CancelDue(instrument, LoginId(0)));
        }
    }

    /// Begins a phase. Day orders may expire at its start.
    pub(super) fn begin_phase(
        &mut self,
        instrument: InstrumentId,
        phase: Phase,
        events: &mut impl EventSink,
    ) {
        self.market(instrument, events).set_phase(phase);
        if phase == Phase::Closed {
            self.cancel_of_instrument(instrument, CancelReason::Expired);
        }
    }

    /// Delists an instrument.
    pub(super) fn take_away(&mut self, instrument: InstrumentId) {
        self.agenda.push(Task::BeginPhase(instrument, Phase::Delisted));
        self.cancel_of_instrument(instrument, CancelReason::Delisted);
    }

    /// Cancels all orders of an instrument: buys in trading order, sells in trading order, then waiting orders by number.
    pub(super) fn cancel_of_instrument(&mut self, instrument: InstrumentId, reason: CancelReason) {
        let filter = CancelFilter { instrument: Some(instrument), ..CancelFilter::default() };
        self.cancel_all(&filter, reason, Answer::Nothing);
    }

    /// Publishes the indicative result of the next instrument, from this one on, that is in an auction.
    pub(super) fn indicate(&mut self, from: InstrumentId) {
        let mut rest = self.instruments[from.0 as usize..].iter();
        if let Some(after) = rest.position(|instrument| instrument.listing.phase.is_auction()) {
            let instrument = InstrumentId(from.0 + after as u32);
            self.shared.touch();
            self.agenda.push(Task::Indicate(InstrumentId(instrument.0 + 1)));
            self.agenda.push(Task::FindPrice(PriceSearch::new(instrument, Purpose::Indicate, 1)));
        }
    }

    /// Computes the price of an auction, emits the result, and starts the trading.
    pub(super) fn find_price(&mut self, mut search: PriceSearch, events: &mut impl EventSink) {
        let PriceSearch { instrument, purpose, round: number, .. } = search;
        let mut market = self.market(instrument, events);
        if !market.search_on(&mut search) {
            return self.agenda.push(Task::FindPrice(search));
        }
        let result = market.result_of(&search);
        match purpose {
            Purpose::Indicate => return market.events.push(Event::Market(MarketEvent::Indicative(result))),
            Purpose::Uncross if result.price.is_none() => return,
            Purpose::Uncross | Purpose::End => {
                market.events.push(Event::Market(MarketEvent::Uncrossed(result)))
            }
        }
        if let Auction { price: Some(price), kind, .. } = result {
            self.agenda.push(Task::TradeAt(Round { instrument, price, kind, number, traded_at: None }));
        }
    }

    /// Trades the orders that cross at the auction price. If self-trade prevention prevented trades, the remaining
    /// orders may cross at another price.
    pub(super) fn trade_at(&mut self, mut round: Round, events: &mut impl EventSink) {
        let limit = self.shared.limits.orders_touched_max;
        let mut market = self.market(round.instrument, events);
        while market.next_meets(&mut round) {
            if market.shared.touched >= limit {
                return self.agenda.push(Task::TradeAt(round));
            }
        }
        if let Some(price) = round.traded_at {
            market.instrument.reference = Some(price);
            market.traded_at(price);
        }
        if round.number < ROUNDS_MAX {
            let next = PriceSearch::new(round.instrument, Purpose::Uncross, round.number + 1);
            self.agenda.push(Task::FindPrice(next));
        }
    }
}

impl<S: EventSink> Market<'_, S> {
    /// Sets the instrument's phase and emits the event, nothing else.
    pub(super) fn set_phase(&mut self, phase: Phase) {
        self.instrument.listing.phase = phase;
        if let Some(contract) = &mut self.instrument.contract
            && phase == Phase::Continuous
        {
            contract.opened.get_or_insert(self.shared.now.seconds());
        }
        self.resume_at(u64::MAX);
        let instrument = self.instrument.listing.instrument;
        self.events.push(Event::Market(MarketEvent::PhaseSet { instrument, phase }));
        if phase == Phase::Continuous && self.instrument.triggers.is_some() {
            self.shared.note_moved(instrument);
        }
    }

    /// Sets when the interruption ends, ns; [`u64::MAX`]: there is none.
    pub(super) fn resume_at(&mut self, at: u64) {
        self.instrument.resume_at = at;
        self.shared.due.set_interruption(self.instrument.listing.instrument, at);
    }

    /// Matches the two sides until nothing more crosses, or the part has touched the most orders allowed; returns
    /// whether it is finished. A level counts like an order.
    fn search_on(&mut self, search: &mut PriceSearch) -> bool {
        let (book, limit) = (&self.instrument.book, self.shared.limits.orders_touched_max);
        let contract = self.instrument.contract.as_ref();
        let limits = contract.map(|contract| contract.price_limits(self.shared.now));
        let meeting = search.meeting.get_or_insert_with(|| match limits {
            None => Meeting::new(book, &self.shared.orders),
            Some(limits) => Meeting::within(&limits, book, &self.shared.orders),
        });
        while meeting.step(book, &self.shared.orders) {
            self.shared.touch();
            if self.shared.touched >= limit {
                return false;
            }
        }
        true
    }

    /// The result of a search.
    fn result_of(&self, search: &PriceSearch) -> Auction {
        let instrument = self.instrument.listing.instrument;
        let found = Auction { instrument, kind: self.instrument.auction_kind(), ..Auction::default() };
        let reference = self.instrument.reference.or(self.instrument.last);
        match search.meeting.and_then(|meeting| meeting.found(reference)) {
            None => found,
            Some(price::Found { price, volume, imbalance, side }) => Auction {
                price: Some(price),
                volume: Quantity(volume),
                imbalance: Quantity(imbalance),
                imbalance_side: side,
                ..found
            },
        }
    }

    /// The next buy and the next sell at the auction price trade, or are prevented from trading; returns whether there
    /// were two orders.
    fn next_meets(&mut self, round: &mut Round) -> bool {
        let best = |side| self.instrument.book.best(side);
        let (Some((bid, buy)), Some((ask, sell))) = (best(Side::Buy), best(Side::Sell)) else { return false };
        if bid < round.price || ask > round.price {
            if bid < ask || round.number < ROUNDS_MAX {
                return false;
            }
            round.price = round.price.clamp(ask, bid);
        }
        // Counts both orders and what they cause.
        self.shared.touched += 3;
        match self.mode_between(buy, sell) {
            SelfTrade::Allow if self.is_contract() => self.auction_meeting(buy, sell, round),
            SelfTrade::Allow => {
                self.auction_trade(buy, sell, round, None);
                round.traded_at = Some(round.price);
            }
            mode => self.prevent_in_auction(buy, sell, mode, round.price),
        }
        true
    }

    /// The self-trade prevention between a buy and a sell in an auction. The newer order counts as incoming; if it
    /// allows the trade, the older one decides.
    fn mode_between(&self, buy: Handle, sell: Handle) -> SelfTrade {
        let [buy, sell] = [buy, sell].map(|handle| self.shared.orders.get(handle));
        let newer_first = if buy.id > sell.id { [&buy, &sell] } else { [&sell, &buy] };
        let mut said = newer_first.into_iter().map(|order| self.self_trade_of(order));
        let deciding = said.find(|said| {
            said.mode != SelfTrade::Allow && self.shared.same_owner(buy.account, sell.account, said.owner)
        });
        deciding.map_or(SelfTrade::Allow, |said| said.mode)
    }

    /// Applies self-trade prevention to a buy and a sell of one owner.
    #[cold]
    fn prevent_in_auction(&mut self, buy: Handle, sell: Handle, mode: SelfTrade, price: Price) {
        let open = |handle| self.open_of(&self.shared.orders.get(handle));
        let lots = open(buy).min(open(sell));
        let number = |handle| self.shared.orders.hot(handle).id;
        let (older, newer) = if number(buy) < number(sell) { (buy, sell) } else { (sell, buy) };
        let instrument = self.instrument.listing.instrument;
        let [of_older, of_newer] = [false, true].map(|incoming| {
            let not_made = SelfTradePrevented { instrument, price, quantity: lots, mode, incoming };
            CancelReason::SelfTradePrevented(not_made)
        });
        match mode {
            SelfTrade::Allow => {}
            SelfTrade::CancelNewest => self.cancel_whole(newer, of_newer),
            SelfTrade::CancelOldest => self.cancel_whole(older, of_older),
            SelfTrade::CancelBoth => {
                self.cancel_whole(older, of_older);
                self.cancel_whole(newer, of_newer);
            }
            SelfTrade::DecrementBoth => {
                self.cancel_partners_of([buy, sell]);
                self.lose(older, lots, of_older);
                self.lose(newer, lots, of_newer);
            }
        }
    }

    /// First cancels the orders that the buy and the sell are linked to.
    fn cancel_partners_of(&mut self, pair: [Handle; 2]) {
        for handle in pair {
            let mut order = self.shared.orders.get(handle);
            self.cancel_partner(&mut order, Some(handle));
        }
    }

    /// Decreases a resting order without a trade. An iceberg keeps displaying as much as it can, with its priority.
    fn lose(&mut self, handle: Handle, by: Quantity, reason: CancelReason) {
        if by == self.open_of(&self.shared.orders.get(handle)) {
            return self.cancel_whole(handle, reason);
        }
        self.standing().lower(handle, by.0);
        let order = self.has_shrunk(handle, by);
        let open = self.open_of(&order);
        self.events.push(shrunk(&order, by, open, reason));
    }

    /// Trades two resting orders with each other.
    pub(super) fn auction_trade(&mut self, buy: Handle, sell: Handle, round: &Round, pair: Option<&Pair>) {
        self.cancel_partners_of([buy, sell]);
        let open = |handle| self.open_of(&self.shared.orders.get(handle)).0;
        let lots = open(buy).min(open(sell));
        let fill = self.instrument.product().fill(round.price, Quantity(lots));
        self.standing().lower(sell, lots);
        self.standing().lower(buy, lots);
        let left = Quantity(self.shared.orders.hot(buy).open.0 + self.rest_of(buy));
        let mut buyer = *self.shared.orders.hot(buy);
        buyer.open = left;
        let seller = self.shared.orders.hot(sell).account;
        let rates = [self.rate(seller, Liquidity::Auction), self.rate(buyer.account, Liquidity::Auction)];
        self.execute(&mut buyer, sell, &fill, rates, round.kind, pair);
        self.count_use((buyer.account, Side::Buy, buyer.flags), -(lots as i64), 0);
        let stored = self.shared.orders.get_mut(buy);
        (stored.reserved, stored.fee_carry) = (buyer.reserved, buyer.fee_carry);
        if left.0 == 0 {
            self.instrument.book.unlink(&mut self.shared.orders, buy, 0);
            let extra = self.shared.orders.cold(buy).extra;
            self.forget(buy, Quantity(0));
            self.shared.extras.remove(extra);
        }
    }
}
