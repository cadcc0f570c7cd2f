//! What an order is beyond side, lots and price, as words of a script:
//!
//! ```text
//! ioc, day, until 90000                 (else good till cancelled)
//! min 5, show 2, hidden, post, slide, money (the quantity is an amount)
//! reduce, open, close                   (what it may do to a position)
//! stop last 105, profit mark 95, trail last 10
//! oco 3, bookby 5.5s
//! stp allow|newest|oldest|both|decrement [group]
//! ```

use super::words::Words;
use dojima::domain::{
    Effect, Instructions, OrderState, OrderTerms, PostOnly, QuantityUnit, TimeInForce, Timestamp, Trigger,
    TriggerKind, TriggerReference, UserRef, Visibility,
};

fn trigger(kind: TriggerKind, words: &mut Words) -> Option<Trigger> {
    let reference = match words.next() {
        "last" => TriggerReference::LastTrade,
        "mark" => TriggerReference::MarkPrice,
        "index" => TriggerReference::IndexPrice,
        _ => words.bad("neither last nor mark"),
    };
    Some(Trigger { kind, reference, price: words.number() })
}

/// What the rest of the line asks for.
pub fn asked(words: &mut Words) -> (TimeInForce, Option<Instructions>) {
    let mut time_in_force = TimeInForce::GoodTillCancel;
    let mut asks = Instructions::default();
    while let Some(word) = words.maybe() {
        match word {
            "ioc" => time_in_force = TimeInForce::ImmediateOrCancel,
            "day" => time_in_force = TimeInForce::Day,
            "until" => (time_in_force, asks.expire_s) = (TimeInForce::GoodTillTime, words.number()),
            "min" => asks.min_quantity = words.number(),
            "show" => asks.display_quantity = words.number(),
            "hidden" => asks.visibility = Visibility::Hidden,
            "post" => asks.post_only = PostOnly::Reject,
            "slide" => asks.post_only = PostOnly::Slide,
            "stop" => asks.trigger = trigger(TriggerKind::Stop, words),
            "profit" => asks.trigger = trigger(TriggerKind::TakeProfit, words),
            "trail" => asks.trigger = trigger(TriggerKind::TrailingStop, words),
            "oco" => asks.oco = UserRef(words.number()),
            "bookby" => asks.book_by = Timestamp(words.time()),
            "reduce" => asks.effect = Effect::ReduceOnly,
            "open" => asks.effect = Effect::Open,
            "close" => asks.effect = Effect::ClosePosition,
            "money" => asks.unit = QuantityUnit::QuoteAmount,
            "stp" => asks.self_trade = Some(words.prevention()),
            _ => words.bad("no such instruction"),
        }
    }
    (time_in_force, (asks != Instructions::default()).then_some(asks))
}

/// What of it is told with an order; nothing for a plain one.
pub fn shown(terms: &OrderTerms) -> String {
    let mut out = String::new();
    if terms.visibility == Visibility::Hidden {
        out += " hidden";
    }
    if terms.display_quantity > 0 {
        out += &format!(" show {}", terms.display_quantity);
    }
    match terms.post_only {
        PostOnly::No => {}
        PostOnly::Reject => out += " post",
        PostOnly::Slide => out += " slide",
    }
    if terms.expire_s > 0 {
        out += &format!(" until {}", terms.expire_s);
    }
    if terms.state == OrderState::Dormant {
        out += " dormant";
    }
    out
}
