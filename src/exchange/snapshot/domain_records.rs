//! Records with the fields of domain types, and the conversions in both directions. A new field of a domain type does
//! not compile here until its form in snapshots is decided.

use crate::domain::{
    Amount, AssetId, DeleverageMode, FeeAsset, FeeRate, FeeTier, IndexId, IndexTerms, InstrumentId, Listing,
    OrderLimits, Owner, Phase, Ppm, Product, Protection, Quantity, SelfTrade, SelfTradePrevention,
    SetContract, SetContractRisk, ShardId, Symbol, Trigger, TriggerKind, TriggerReference, VenueLimits,
    VolumeTiers,
};
use bincode::{Decode, Encode};

macro_rules! records_of {
    ($($record:ident of $own:ident { $($field:ident: $type:ty,)+ })+) => {$(
        #[doc = concat!("A [`", stringify!($own), "`] in a snapshot.")]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
        pub struct $record {
            $(
                #[doc = concat!("[`", stringify!($own), "::", stringify!($field), "`].")]
                pub $field: $type,
            )+
        }

        impl From<$own> for $record {
            fn from($own { $($field),+ }: $own) -> Self {
                Self { $($field),+ }
            }
        }

        impl From<$record> for $own {
            fn from($record { $($field),+ }: $record) -> Self {
                Self { $($field),+ }
            }
        }
    )+};
}

records_of! {
    VenueLimitsRecord of VenueLimits {
        orders_max: u32,
        orders_touched_max: u32,
        account_orders_max: u32,
        account_triggers_max: u32,
    }
    VolumeTiersRecord of VolumeTiers {
        asset: AssetId,
        volume_min: [Amount; FeeTier::COUNT],
    }
    OrderLimitsRecord of OrderLimits {
        quantity_max: Quantity,
        notional_max: Amount,
        open_orders_max: u32,
        triggers_max: u32,
        orders_per_second_max: u32,
        position_max: Quantity,
    }
    ListingRecord of Listing {
        instrument: InstrumentId,
        symbol: Symbol,
        base: AssetId,
        quote: AssetId,
        price_decimals: u8,
        tick_units: u32,
        lot: Amount,
        tick_value: Amount,
        min_quantity: Quantity,
        max_quantity: Quantity,
        min_notional: Amount,
        maker_fee: FeeRate,
        taker_fee: FeeRate,
        fee_asset: FeeAsset,
        phase: Phase,
        shard: ShardId,
        product: Product,
    }
    ProtectionRecord of Protection {
        price_min: u32,
        price_max: u32,
        reference: u32,
        static_band: Ppm,
        dynamic_band: Ppm,
        interruption_s: u32,
        market_collar: Ppm,
    }
    SelfTradeRecord of SelfTradePrevention {
        mode: SelfTrade,
        owner: Owner,
    }
    IndexTermsRecord of IndexTerms {
        stale_after_ms: u32,
        grace_s: u32,
        jump: Ppm,
    }
    ContractTermsRecord of SetContract {
        instrument: InstrumentId,
        index: IndexId,
        expiry: u32,
        funding_interval_s: u32,
        price_min: u32,
        price_max: u32,
    }
    ContractRiskRecord of SetContractRisk {
        instrument: InstrumentId,
        interest_ppb: i32,
        impact_lots: u32,
        mark_band: Ppm,
        first_band: Ppm,
        premium_band: Ppm,
        outer_band: Ppm,
        liquidation_fee: Ppm,
        collar: Ppm,
        adl_after: u16,
        adl_mode: DeleverageMode,
        position_limit: u32,
        open_interest_limit: u32,
    }
    TriggerRecord of Trigger {
        kind: TriggerKind,
        reference: TriggerReference,
        price: u32,
    }
}
