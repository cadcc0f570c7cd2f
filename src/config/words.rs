//! TOML values for domain types, written as words.

macro_rules! words {
    ($($module:ident: $name:ident, $what:literal;)*) => {$(
        pub(super) mod $module {
            use crate::domain::$name;
            use serde::de::Error;
            use serde::{Deserialize, Deserializer, Serializer};

            pub(in super::super) fn serialize<S: Serializer>(value: &$name, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(value.word())
            }

            pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<$name, D::Error> {
                let word = String::deserialize(from)?;
                $name::from_word(&word).ok_or_else(|| {
                    let known: Vec<&str> = $name::ALL.iter().map(|value| value.word()).collect();
                    D::Error::custom(format!("unknown {} {word:?}: expected one of {}", $what, known.join(", ")))
                })
            }
        }
    )*};
}
words! {
    phase: Phase, "phase";
    fee_asset: FeeAsset, "fee asset";
    product: Product, "product";
    self_trade: SelfTrade, "self-trade mode";
    owner: Owner, "owner";
    adl_mode: DeleverageMode, "mode of deleveraging";
}
