//! Every instruction that an order can have, for runs that ask for all of them.

use dojima::domain::{
    Effect, Instructions, Owner, PostOnly, QuantityUnit, SelfTrade, SelfTradePrevention, Timestamp, Trigger,
    TriggerKind, TriggerReference, UserRef, Visibility,
};

/// One instruction each, as the number says.
pub const EACH: [fn(&mut Instructions, u64); 11] = [
    |asks, n| asks.min_quantity = n as u32,
    |asks, n| asks.display_quantity = n as u32,
    |asks, n| asks.expire_s = n as u32,
    |asks, n| asks.oco = UserRef(n as u32),
    |asks, n| asks.book_by = Timestamp(n),
    |asks, n| {
        let (kind, reference) = (of(TriggerKind::ALL, n), of(TriggerReference::ALL, n / 3));
        asks.trigger = Some(Trigger { kind, reference, price: n as u32 });
    },
    |asks, _| asks.visibility = Visibility::Hidden,
    |asks, n| asks.post_only = of(&[PostOnly::Reject, PostOnly::Slide], n),
    |asks, _| asks.unit = QuantityUnit::QuoteAmount,
    |asks, _| asks.effect = Effect::ReduceOnly,
    |asks, n| {
        asks.self_trade =
            Some(SelfTradePrevention { mode: of(SelfTrade::ALL, n), owner: of(Owner::ALL, n / 5) });
    },
];

fn of<T: Copy>(all: &[T], n: u64) -> T {
    all[(n % all.len() as u64) as usize]
}
