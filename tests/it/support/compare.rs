//! The engine's state against that of the naive exchange: every balance, every book, every order that waits.

use crate::support::naive::Naive;
use dojima::domain::{
    AccountId, AssetId, IndexId, InstrumentId, Listing, Quantity, Side, Switch, Visibility,
};
use dojima::exchange::{Exchange, Login};

/// What differs first, in words.
pub fn same_state(exchange: &Exchange, naive: &Naive) -> Result<(), String> {
    let (accounts, _) = naive.sizes();
    same_state_of(exchange, naive, (0..accounts as u32).map(AccountId))
}

/// The same, of which only the balances of these accounts are looked at.
pub fn same_state_of(
    exchange: &Exchange,
    naive: &Naive,
    accounts: impl Iterator<Item = AccountId>,
) -> Result<(), String> {
    let (_, assets) = naive.sizes();
    for (account, asset) in accounts.flat_map(|account| (0..assets).map(move |asset| (account, asset))) {
        let asset = AssetId(asset as u16);
        let balance = exchange.balance(account, asset).ok_or("no balance")?;
        let holding = naive.holding(account, asset);
        let ours = (i128::from(balance.available.0), i128::from(balance.reserved.0));
        same(&ours, &(holding.total - holding.reserved, holding.reserved), || {
            format!("asset {asset} of account {account}")
        })?;
    }
    let listings: Vec<&Listing> = exchange.listings().collect();
    same(&listings, &naive.listings(), || "listings".to_owned())?;
    for instrument in (0..listings.len() as u32).map(InstrumentId) {
        same_market(exchange, naive, instrument)
            .map_err(|error| format!("instrument {instrument}: {error}"))?;
    }
    same_logins(exchange, naive)?;
    let prices = naive.index_prices();
    let ours: Vec<_> = (0..prices.len()).map(|at| exchange.index_price(IndexId(at as u16))).collect();
    same(&ours, &prices, || "prices of indexes".to_owned())?;
    same(&exchange.in_flight().collect(), &naive.in_flight(), || "transfers on their way".to_owned())?;
    same(&exchange.open_orders(), &naive.open_orders().len(), || "open orders".to_owned())
}

fn same_logins(exchange: &Exchange, naive: &Naive) -> Result<(), String> {
    let ours = (*exchange.limits(), exchange.rules_edition(), exchange.session(), exchange.epoch());
    same(&ours, &naive.of_venue(), || "limits, edition, session and epoch".to_owned())?;
    let state = |login: &Login| {
        let limits = login.limits().copied().unwrap_or_default();
        (login.session, login.last_user_ref, limits, login.order_entry == Switch::On, login.cancel_at.0)
    };
    let ours: Vec<_> = exchange.logins().iter().map(state).collect();
    same(&ours, &naive.login_states(), || "logins".to_owned())?;
    let copies = exchange.copies().map(|(account, login, _)| (account, login));
    same(&copies.collect(), &naive.copies(), || "copies".to_owned())
}

fn same_market(exchange: &Exchange, naive: &Naive, instrument: InstrumentId) -> Result<(), String> {
    for side in [Side::Buy, Side::Sell] {
        let book = naive.book(instrument, side);
        let ours = exchange.orders(instrument, side).map(|order| {
            let shown = if order.hidden { Quantity(0) } else { order.open };
            (order.id, order.price(), exchange.open_lots(&order), shown)
        });
        let theirs = book.iter().map(|order| (order.order, order.price, order.open, order.shown));
        same(&ours.collect::<Vec<_>>(), &theirs.collect(), || format!("orders of the {side:?} side"))?;
        let mut levels: Vec<(i64, u64, u64)> = Vec::new();
        for order in book.iter().filter(|order| order.visibility == Visibility::Displayed) {
            match levels.last_mut() {
                Some((price, lots, orders)) if *price == order.price.0 => {
                    (*lots, *orders) = (*lots + order.shown.0, *orders + 1);
                }
                _ => levels.push((order.price.0, order.shown.0, 1)),
            }
        }
        let ours = exchange.levels(instrument, side).map(|l| (l.price.0, l.quantity.0, u64::from(l.orders)));
        same(&ours.collect(), &levels, || format!("levels of the {side:?} side"))?;
    }
    let dormant: Vec<_> = exchange.dormant(instrument).map(|order| order.id).collect();
    same(&dormant, &naive.dormant(instrument), || "orders that wait".to_owned())?;
    same(&exchange.prices(instrument), &naive.prices(instrument), || "last, mark, reference".to_owned())
}

fn same<T: PartialEq + std::fmt::Debug>(
    ours: &T,
    theirs: &T,
    what: impl Fn() -> String,
) -> Result<(), String> {
    if ours == theirs { Ok(()) } else { Err(format!("{}: {ours:?}, but naive {theirs:?}", what())) }
}
