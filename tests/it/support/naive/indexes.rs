//! Indexes: prices from outside that contracts refer to.

use super::{Naive, SECOND};
use dojima::domain::{
    AddIndex, ContractEvent, Echo, Event, IndexAnswered, IndexId, IndexOutcome, IndexSet, IndexTerms,
    ListInstrument, Listing, OrderEvent, Price, RejectReason, SendIndex, SetIndex, Timestamp,
};

type Done = Result<(), RejectReason>;

const MILLISECOND: i128 = 1_000_000;

/// A price, price units, and when it was made.
#[derive(Clone, Copy)]
struct Quoted {
    price: u32,
    source_time: u64,
}

impl Quoted {
    /// Whether a price is within so many millionths of this one.
    fn is_near(self, price: u32, jump: u32) -> bool {
        let (one, other) = (i128::from(self.price), i128::from(price));
        (one - other).abs() * 1_000_000 <= i128::from(jump) * one
    }
}

#[derive(Clone)]
pub(super) struct Index {
    pub added: AddIndex,
    /// The last one that was taken, and one that waits for a second one near it.
    taken: Option<Quoted>,
    held: Option<Quoted>,
    grace_until: u64,
}

impl Index {
    pub fn price(&self) -> Option<u32> {
        self.taken.map(|taken| taken.price)
    }

    /// Of the last price, taken or held.
    fn last_source_time(&self) -> Option<u64> {
        self.held.or(self.taken).map(|last| last.source_time)
    }

    /// Whether a price of this time is so old that it says nothing any more.
    fn is_old(&self, source_time: u64, now: u64) -> bool {
        let age = i128::from(now) - i128::from(source_time);
        age >= i128::from(self.added.terms.stale_after_ms) * MILLISECOND
    }

    pub fn is_stale(&self, now: u64) -> bool {
        self.taken.is_none_or(|taken| self.is_old(taken.source_time, now))
    }

    fn jumps_to(&self, price: u32) -> bool {
        let jump = self.added.terms.jump.0;
        let is_near = |quoted: Option<Quoted>| quoted.is_some_and(|quoted| quoted.is_near(price, jump));
        jump > 0 && self.taken.is_some() && !is_near(self.taken) && !is_near(self.held)
    }
}

/// What is known of an index.
pub struct IndexState {
    /// The last price and one that waits, price units.
    pub last: Option<u32>,
    pub held: Option<u32>,
    pub jump: u32,
    pub is_stale: bool,
    pub grace_until: u64,
}

fn terms_in_range(terms: IndexTerms) -> bool {
    let jump = terms.jump.0;
    (1_000..=600_000).contains(&terms.stale_after_ms)
        && terms.grace_s <= 3_600
        && (jump == 0 || (1_000..=1_000_000).contains(&jump))
}

impl Naive {
    pub(super) fn index(&self, index: IndexId) -> Result<&Index, RejectReason> {
        self.indexes.get(usize::from(index.0)).ok_or(RejectReason::UnknownIndex)
    }

    /// What an index is at a time.
    pub fn index_state(&self, index: IndexId, now: u64) -> Option<IndexState> {
        let known = self.index(index).ok()?;
        Some(IndexState {
            last: known.price(),
            held: known.held.map(|held| held.price),
            jump: known.added.terms.jump.0,
            is_stale: known.is_stale(now),
            grace_until: known.grace_until,
        })
    }

    /// The last price of each index, price units; `None`: it has none, or it is another shard's.
    pub fn index_prices(&self) -> Vec<Option<Price>> {
        let price = |index: &Index| index.price().map(|units| Price(units.into()));
        self.indexes.iter().map(price).collect()
    }

    /// That of an index that is not known is the first.
    pub(super) fn shard_of_index(&self, index: IndexId) -> usize {
        self.index(index).map_or(0, |known| usize::from(known.added.shard.0))
    }

    pub(super) fn add_index(&mut self, added: AddIndex) -> Done {
        if usize::from(added.index.0) != self.indexes.len() {
            return Err(RejectReason::IdNotNext);
        }
        if self.indexes.iter().any(|known| known.added.symbol == added.symbol) {
            return Err(RejectReason::DuplicateName);
        }
        if added.shard.0 >= self.shards {
            return Err(RejectReason::UnknownShard);
        }
        if added.price_decimals > ListInstrument::PRICE_DECIMALS_MAX || !terms_in_range(added.terms) {
            return Err(RejectReason::OutOfRange);
        }
        self.indexes.push(Index { added, taken: None, held: None, grace_until: 0 });
        self.events.push(Event::Contract(ContractEvent::IndexAdded(added)));
        Ok(())
    }

    pub(super) fn set_index_terms(&mut self, index: IndexId, terms: IndexTerms) -> Done {
        self.index(index)?;
        if !terms_in_range(terms) {
            return Err(RejectReason::OutOfRange);
        }
        self.indexes[usize::from(index.0)].added.terms = terms;
        self.events.push(Event::Contract(ContractEvent::IndexTermsSet { index, terms }));
        Ok(())
    }

    /// The price of a login, whose answer comes after all that the price does.
    pub(super) fn send_index(&mut self, sent: &SendIndex) {
        let SendIndex { login, user_ref, index, price, source_time, .. } = *sent;
        if !self.number_is_new(login, user_ref) {
            return;
        }
        self.logins[login.0 as usize].last = user_ref;
        if let Err(reason) = self.set_index(SetIndex { index, price, source_time }) {
            return self.reject(login, user_ref, reason, Echo::default());
        }
        let is_held = self.indexes[usize::from(index.0)].held.is_some();
        let outcome = if is_held { IndexOutcome::Held } else { IndexOutcome::Taken };
        let answer = IndexAnswered { login, user_ref, index, price, source_time, outcome };
        self.events.push(Event::Order(OrderEvent::IndexAnswered(answer)));
    }

    pub(super) fn set_index(&mut self, set: SetIndex) -> Done {
        let SetIndex { index, price, source_time } = set;
        let now = self.now;
        let known = self.index(index)?;
        if !(1..Listing::PRICE_END).contains(&u64::from(price)) {
            return Err(RejectReason::InvalidPrice);
        }
        let is_ahead = i128::from(source_time.0) > i128::from(now) + i128::from(SECOND);
        let is_above = known.last_source_time().is_none_or(|last| source_time.0 > last);
        if !is_above || is_ahead || known.is_old(source_time.0, now) {
            return Err(RejectReason::StaleIndex);
        }
        let quoted = Some(Quoted { price, source_time: source_time.0 });
        let (jumps, was_stale) = (known.jumps_to(price), known.is_stale(now));
        let known = &mut self.indexes[usize::from(index.0)];
        if jumps {
            known.held = quoted;
            self.events.push(Event::Contract(ContractEvent::IndexHeld { index, price, source_time }));
            return Ok(());
        }
        (known.taken, known.held) = (quoted, None);
        if was_stale {
            known.grace_until = now.saturating_add(u64::from(known.added.terms.grace_s) * SECOND);
        }
        let grace_until = Timestamp(known.grace_until);
        let set = IndexSet { index, price, source_time, grace_until };
        self.events.push(Event::Contract(ContractEvent::IndexSet(set)));
        for id in self.contracts() {
            if self.instrument(id).contract.index() == Some(index) {
                self.drop_old_samples(id);
                self.move_mark(id);
            }
        }
        Ok(())
    }
}
