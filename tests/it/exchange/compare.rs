//! The engine's state against that of the naive exchange: every balance, every book, every order that waits.

use crate::support::naive::Naive;
use dojima::domain::{AccountId, AssetId, InstrumentId, Side};
use dojima::exchange::Exchange;

/// What differs first, in words.
pub fn same_state(exchange: &Exchange, naive: &Naive) -> Result<(), String> {
    let (accounts, assets) = naive.sizes();
    for (account, asset) in (0..accounts).flat_map(|account| (0..assets).map(move |asset| (account, asset))) {
        let (account, asset) = (AccountId(account as u32), AssetId(asset as u16));
        let balance = exchange.balance(account, asset).ok_or("no balance")?;
        let holding = naive.holding(account, asset);
        let ours = (i128::from(balance.available.0), i128::from(balance.reserved.0));
        same(&ours, &(holding.total - holding.reserved, holding.reserved), || {
            format!("asset {asset} of account {account}")
        })?;
    }
    for instrument in (0..naive.instruments()).map(InstrumentId) {
        for side in [Side::Buy, Side::Sell] {
            let orders = exchange.orders(instrument, side).map(|order| (order.id, order.price, order.open));
            let theirs = naive.book(instrument, side).into_iter().map(|o| (o.order, o.price, o.open));
            same(&orders.collect::<Vec<_>>(), &theirs.collect(), || format!("{side:?} book {instrument}"))?;
        }
    }
    same(&exchange.open_orders(), &naive.open_orders().len(), || "open orders".to_owned())
}

fn same<T: PartialEq + std::fmt::Debug>(
    ours: &T,
    theirs: &T,
    what: impl Fn() -> String,
) -> Result<(), String> {
    if ours == theirs { Ok(()) } else { Err(format!("{}: {ours:?}, but naive {theirs:?}", what())) }
}
