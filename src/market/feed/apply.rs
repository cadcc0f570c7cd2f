//! Conversion of each event type to messages.

#![deny(clippy::wildcard_enum_match_arm)]

use super::super::shown::{action, directory, imbalance, system};
use super::{Cross, Feed, Incoming, Published};
use crate::domain::{
    AdminEvent, CancelReason, Event, EventRecord, MarketEvent, OrderEvent, TradeId, VenueEvent,
};
use crate::wire::itch::event_code;

impl Feed {
    /// Applies the next event and appends its messages to `out`. If the event belongs to a new command, the messages that
    /// waited for the end of the previous command come first.
    pub fn apply(&mut self, record: &EventRecord, out: &mut Vec<Published>) {
        if record.sequence != self.sequence {
            self.complete(out);
            self.sequence = record.sequence;
        }
        (self.time, self.last_event) = (record.time, record.number);
        if !self.begun {
            self.begun = true;
            self.say(system(event_code::START_OF_MESSAGES, self.time), out);
        }
        match &record.event {
            Event::Order(OrderEvent::Executed(trade)) => self.executed(trade, record.number, out),
            Event::Order(OrderEvent::Accepted(e)) => {
                self.complete(out);
                let terms = (e.terms.instrument, e.terms.side, e.terms.price, e.terms.quantity);
                self.take_in(
                    e.terms.order,
                    terms,
                    (e.terms.visibility, e.terms.display_quantity),
                    e.terms.state,
                    None,
                    out,
                );
            }
            Event::Order(OrderEvent::Replaced(e)) => self.replaced(e, out),
            Event::Order(OrderEvent::Triggered(e)) => {
                self.complete(out);
                if let Some(order) = self.orders.remove(e.order.0) {
                    self.incoming = Some(Incoming { id: e.order, order, replaces: None });
                }
            }
            Event::Order(OrderEvent::Canceled(e)) => {
                let prevented = matches!(e.reason, CancelReason::SelfTradePrevented(_));
                // Lots that self-trade prevention removes during a cross are removed in that auction.
                if prevented && self.cross.is_some() {
                    self.lost_in_auction(e.order, e.open, record.number, out);
                } else {
                    self.reduced(e.order, e.open, prevented, out);
                }
            }
            Event::Order(OrderEvent::Amended(e)) => self.reduced(e.order, e.open, false, out),
            Event::Order(OrderEvent::Restated(e)) => self.restated(e, record.number, out),
            Event::Admin(AdminEvent::InstrumentListed(listing)) => {
                self.list(*listing);
                self.say(directory(listing, self.time), out);
                self.say(action(listing, self.time), out);
            }
            Event::Admin(AdminEvent::TermsSet(listing)) => {
                if let Some(known) = self.listings.get_mut(listing.instrument.0 as usize) {
                    *known = *listing;
                    self.books[listing.instrument.0 as usize].symbol = listing.symbol;
                    self.say(directory(listing, self.time), out);
                }
            }
            Event::Market(MarketEvent::PhaseSet { instrument, phase }) => {
                self.complete(out);
                if let Some(known) = self.listings.get_mut(instrument.0 as usize) {
                    known.phase = *phase;
                    let said = action(known, self.time);
                    self.books[instrument.0 as usize].act(said.state);
                    self.say(said, out);
                }
            }
            Event::Market(MarketEvent::Indicative(auction)) => {
                if let Some(listing) = self.listings.get(auction.instrument.0 as usize) {
                    let said = imbalance(auction, listing, self.time);
                    self.books[auction.instrument.0 as usize].indicative = Some(said);
                    self.say(said, out);
                }
            }
            Event::Market(MarketEvent::Uncrossed(auction)) => {
                self.complete(out);
                let match_number = TradeId::of_cross(record.number).0;
                self.cross = Some(Cross { auction: *auction, shares: 0, match_number });
            }
            Event::Venue(VenueEvent::Opened { .. }) => {
                self.say(system(event_code::START_OF_SYSTEM, self.time), out);
                self.say(system(event_code::START_OF_MARKET, self.time), out);
            }
            Event::Venue(VenueEvent::SessionRolled { session }) => self.roll(*session, out),
            // These events change neither the book nor the venue's public state. `PriorityUpdated` repeats known facts of the
            // order, and a mark price is not a market price.
            Event::Admin(
                AdminEvent::AssetAdded { .. }
                | AdminEvent::Deposited(_)
                | AdminEvent::Withdrawn(_)
                | AdminEvent::Refused { .. }
                | AdminEvent::MarkSet { .. }
                | AdminEvent::FeesSet(_)
                | AdminEvent::ProtectionSet { .. }
                | AdminEvent::OrderLimitsSet { .. }
                | AdminEvent::AssetSet(_)
                | AdminEvent::SelfTradeSet(_)
                | AdminEvent::TierSet { .. }
                | AdminEvent::VolumeTiersSet(_)
                | AdminEvent::Killed { .. }
                | AdminEvent::TransferReceived(_)
                | AdminEvent::TransferDone(_),
            )
            | Event::Venue(
                VenueEvent::AccountOpened { .. }
                | VenueEvent::LoginOpened { .. }
                | VenueEvent::LimitsSet { .. }
                | VenueEvent::Checkpointed(_)
                | VenueEvent::RulesSet { .. }
                | VenueEvent::Led { .. }
                | VenueEvent::SessionEnded { .. }
                | VenueEvent::SessionStarted { .. }
                | VenueEvent::ShardOpened { .. }
                | VenueEvent::AccountCopied { .. },
            )
            | Event::Contract(_)
            | Event::Order(
                OrderEvent::Rejected(_)
                | OrderEvent::Ignored(_)
                | OrderEvent::ChangeRejected(_)
                | OrderEvent::Armed(_)
                | OrderEvent::MassCanceled { .. }
                | OrderEvent::AccountState { .. }
                | OrderEvent::PositionState(_)
                | OrderEvent::OrderEntrySet(_)
                | OrderEvent::OrderNamed(_)
                | OrderEvent::PriorityUpdated(_)
                | OrderEvent::TransferSent(_)
                | OrderEvent::IndexAnswered(_)
                | OrderEvent::WalletState(_),
            ) => {}
        }
    }
}
