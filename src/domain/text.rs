//! The words for enum values in the configuration, on the command line and in SQL.

use super::{
    DeleverageMode, FeeAsset, FundCause, IndexOutcome, MarginMode, Owner, Phase, PositionCause, PositionLeg,
    PositionMode, Product, SelfTrade, Side, Switch, TradeKind, TriggerKind, TriggerReference, Visibility,
};

macro_rules! words {
    ($($name:ident { $($variant:ident => $word:literal,)* })*) => {$(
        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its word.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The value with this word.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.word() == word)
            }
        }
    )*};
}

words! {
    Phase {
        Closed => "closed",
        PreOpen => "pre-open",
        OpeningAuction => "opening-auction",
        Continuous => "continuous",
        VolatilityAuction => "volatility-auction",
        ClosingAuction => "closing-auction",
        Halted => "halted",
        CancelOnly => "cancel-only",
        Delisted => "delisted",
    }
    Switch {
        Off => "off",
        On => "on",
    }
    Product {
        Spot => "spot",
        LinearPerpetual => "linear-perpetual",
        LinearDated => "linear-dated",
        InversePerpetual => "inverse-perpetual",
        InverseDated => "inverse-dated",
    }
    DeleverageMode {
        ByRank => "by-rank",
        ProRata => "pro-rata",
    }
    FundCause {
        Deposit => "deposit",
        Funding => "funding",
        Settlement => "settlement",
        LiquidationFee => "liquidation-fee",
    }
    PositionMode {
        OneWay => "one-way",
        Hedge => "hedge",
    }
    MarginMode {
        Cross => "cross",
        Isolated => "isolated",
    }
    PositionLeg {
        Net => "net",
        Long => "long",
        Short => "short",
    }
    PositionCause {
        Trade => "trade",
        Settled => "settled",
        Offset => "offset",
        CloseOut => "close-out",
        Deleveraged => "deleveraged",
    }
    IndexOutcome {
        Taken => "taken",
        Held => "held",
    }
    FeeAsset {
        Quote => "quote",
        Received => "received",
    }
    SelfTrade {
        Allow => "allow",
        CancelNewest => "cancel-newest",
        CancelOldest => "cancel-oldest",
        CancelBoth => "cancel-both",
        DecrementBoth => "decrement-both",
    }
    Owner {
        Account => "account",
        Group => "group",
    }
    TriggerReference {
        LastTrade => "last-trade",
        MarkPrice => "mark-price",
        IndexPrice => "index-price",
    }
    TriggerKind {
        Stop => "stop",
        TakeProfit => "take-profit",
        TrailingStop => "trailing-stop",
    }
    TradeKind {
        Continuous => "continuous",
        Opening => "opening",
        Volatility => "volatility",
        Closing => "closing",
    }
    Visibility {
        Displayed => "displayed",
        Hidden => "hidden",
    }
    Side {
        Buy => "buy",
        Sell => "sell",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_one_value_each() {
        for (number, phase) in Phase::ALL.iter().enumerate() {
            assert_eq!(*phase as usize, number);
            assert_eq!(Phase::from_word(phase.word()), Some(*phase));
        }
        assert_eq!(Phase::from_word("open"), None);
        assert_eq!(SelfTrade::from_word("cancel-both"), Some(SelfTrade::CancelBoth));
    }
}
