//! A reader of events that knows nothing of money but postings: what accounts have, added up.

use dojima::domain::{
    AccountId, AdminEvent, Amount, AssetId, Event, Executed, Fill, InstrumentId, Listings, LoginId,
    OrderEvent, OrderId, Parties, Party, Posting, Side, VenueEvent,
};
use std::collections::BTreeMap;

#[derive(Clone, Copy)]
struct Held {
    account: AccountId,
    instrument: InstrumentId,
    side: Side,
    reserved: Amount,
}

/// Available and reserved by account and asset, as the events say.
#[derive(Default)]
pub struct Posted {
    pub balances: BTreeMap<(AccountId, AssetId), (i64, i64)>,
    orders: BTreeMap<OrderId, Held>,
    logins: BTreeMap<LoginId, AccountId>,
    listings: Listings,
    scales: BTreeMap<AssetId, u8>,
}

impl Posted {
    /// Takes up the next event; nobody may ever have less than nothing.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Venue(VenueEvent::LoginOpened { login, account }) => {
                self.logins.insert(*login, *account);
            }
            Event::Admin(AdminEvent::AssetAdded { asset, scale, .. }) => {
                self.scales.insert(*asset, *scale);
            }
            Event::Admin(AdminEvent::AssetSet(set)) => self.rescale(set.asset, set.scale),
            Event::Admin(AdminEvent::Deposited(of)) => {
                self.add(&Posting::transfer(of.account, of.asset, of.amount.0))
            }
            Event::Admin(AdminEvent::Withdrawn(of)) => {
                self.add(&Posting::transfer(of.account, of.asset, -of.amount.0))
            }
            Event::Order(OrderEvent::Accepted(e)) => {
                self.enter(e.terms.order, (e.login, e.terms.instrument, e.terms.side), e.terms.reserved)
            }
            Event::Order(OrderEvent::Replaced(e)) => {
                self.holds(e.orig_order, Amount(0));
                self.enter(e.terms.order, (e.login, e.terms.instrument, e.terms.side), e.terms.reserved);
            }
            Event::Order(OrderEvent::Canceled(e)) => self.holds(e.order, e.reserved),
            Event::Order(OrderEvent::Amended(e)) => self.holds(e.order, e.reserved),
            Event::Order(OrderEvent::Restated(e)) => self.holds(e.order, e.reserved),
            Event::Order(OrderEvent::Executed(e)) => self.trade(e),
            _ => {}
        }
        self.listings.apply(event);
        let below = self.balances.iter().find(|(_, (available, reserved))| *available < 0 || *reserved < 0);
        assert_eq!(below, None, "after {event:?}");
    }

    fn add(&mut self, posting: &Posting) {
        let (available, reserved) = self.balances.entry((posting.account, posting.asset)).or_default();
        *available += posting.available;
        *reserved += posting.reserved;
    }

    fn enter(
        &mut self,
        order: OrderId,
        (login, instrument, side): (LoginId, InstrumentId, Side),
        reserved: Amount,
    ) {
        let account = self.logins[&login];
        self.orders.insert(order, Held { account, instrument, side, reserved: Amount(0) });
        self.holds(order, reserved);
    }

    /// By how much more the order holds now.
    fn change(&mut self, order: OrderId, reserved: Amount) -> (Held, i64) {
        let held = self.orders.get_mut(&order).expect("it is there");
        let before = std::mem::replace(&mut held.reserved, reserved);
        (*held, reserved.0 - before.0)
    }

    fn holds(&mut self, order: OrderId, reserved: Amount) {
        let (held, change) = self.change(order, reserved);
        let asset = self.listings.get(held.instrument).expect("it is listed").held_in(held.side);
        self.add(&Posting::reserve(held.account, asset, change));
    }

    fn trade(&mut self, e: &Executed) {
        let listing = *self.listings.get(e.instrument).expect("it is listed");
        let mut party = |order, fee, reserved| {
            let (held, reserved) = self.change(order, reserved);
            Party { account: held.account, fee, reserved }
        };
        let maker = party(e.maker_order, e.maker_fee, e.maker_reserved);
        let taker = party(e.taker_order, e.taker_fee, e.taker_reserved);
        let fill = Fill::of(&listing, e.price, e.quantity).expect("it fits");
        let parties = Parties::of(e.taker_side, [maker, taker]);
        parties.post(&listing, &fill, |posting| self.add(posting)).expect("it fits");
    }

    fn rescale(&mut self, asset: AssetId, scale: u8) {
        let before = self.scales.insert(asset, scale).expect("it is there");
        let power = 10_i64.pow(u32::from(before.abs_diff(scale)));
        for (available, reserved) in
            self.balances.iter_mut().filter(|(key, _)| key.1 == asset).map(|(_, of)| of)
        {
            let convert = |amount: i64| if scale >= before { amount * power } else { amount / power };
            (*available, *reserved) = (convert(*available), convert(*reserved));
        }
    }
}
