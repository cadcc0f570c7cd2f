//! Explicit numbers of enum variants in the formats. The order of declaration and the family of a variant are not part
//! of a format. (bincode's derives number variants by their order, even if a discriminant is given.)

/// Gives each variant its number and its encoding: the number as a u32, then the variant's fields in the order of
/// declaration. A number is used for one variant only and is never reused; a variant without a number does not compile.
/// A family of families (commands and events) also gets its `KINDS`.
macro_rules! numbered {
    ($root:ident { $($number:literal => $variant:ident $(($it:ident))?,)+ }) => {
        $crate::domain::numbered::numbered!(@coded $root {
            $($number => { Self::$variant $(($it))? } [$($it)?],)+
        });
    };
    ($root:ident { $($family:ident($type:ident) {
        $($number:literal => $variant:ident $(($it:ident))? $({ $($field:ident),+ })?,)+
    })+ }) => {
        impl $root {
            /// The number and the name of every variant, by family.
            pub const KINDS: &'static [(u32, &'static str)] = &[$($(($number, stringify!($variant)),)+)+];

            /// The name of the variant.
            pub fn name(&self) -> &'static str {
                #[allow(unused_variables, reason = "only the variant counts")]
                match self {
                    $($(Self::$family($type::$variant $(($it))? $({ $($field),+ })?) => {
                        stringify!($variant)
                    })+)+
                }
            }
        }

        $crate::domain::numbered::numbered!(@coded $root {
            $($($number => {
                Self::$family($type::$variant $(($it))? $({ $($field),+ })?)
            } [$($it)? $($($field)+)?],)+)+
        });
    };
    // A variant as a pattern, which is also the expression that builds it, and the names in it.
    (@coded $root:ident { $($number:literal => { $($variant:tt)+ } [$($field:ident)*],)+ }) => {
        impl bincode::Encode for $root {
            fn encode<E: bincode::enc::Encoder>(
                &self,
                encoder: &mut E,
            ) -> Result<(), bincode::error::EncodeError> {
                match self {
                    $($($variant)+ => {
                        bincode::Encode::encode(&{ const NUMBER: u32 = $number; NUMBER }, encoder)?;
                        $(bincode::Encode::encode($field, encoder)?;)*
                    })+
                }
                Ok(())
            }
        }

        impl<Context> bincode::Decode<Context> for $root {
            #[deny(unreachable_patterns)]
            fn decode<D: bincode::de::Decoder<Context = Context>>(
                decoder: &mut D,
            ) -> Result<Self, bincode::error::DecodeError> {
                let number: u32 = bincode::Decode::decode(decoder)?;
                Ok(match number {
                    $($number => {
                        $(let $field = bincode::Decode::decode(decoder)?;)*
                        $($variant)+
                    })+
                    found => {
                        return Err(bincode::error::DecodeError::UnexpectedVariant {
                            type_name: stringify!($root),
                            allowed: &bincode::error::AllowedEnumVariants::Allowed(&[$($number,)+]),
                            found,
                        });
                    }
                })
            }
        }

        bincode::impl_borrow_decode!($root);
    };
}

/// Defines enums without fields in which every variant has an explicit number. The number is also the discriminant,
/// which the digest, snapshots and SQL use.
macro_rules! numbered_enum {
    ($($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $number:literal,)+ })+) => {$(
        $(#[$meta])*
        pub enum $name { $($(#[$vmeta])* $variant = $number,)+ }

        $crate::domain::numbered::numbered!($name { $($number => $variant,)+ });
    )+};
}

pub(super) use {numbered, numbered_enum};
