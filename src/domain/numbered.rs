//! The numbers of enums in the formats: explicit, so that neither the order of declaration nor the family that a variant belongs
//! to is part of them. (The derives of bincode count variants by their order, also where a discriminant is given.)

/// Gives each variant its number and its encoding: the number as a u32, then the variant's fields in the order in which they
/// stand here. A number is used for one variant only and never again, and a variant without one does not compile. A family
/// of families (commands and events) also gets its `KINDS`.
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
    // A variant as a pattern, which makes the value too, and the names in it.
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

/// Defines enums without fields of which every variant has its number; it is the discriminant too, which the digest, snapshots
/// and SQL take.
macro_rules! numbered_enum {
    ($($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $number:literal,)+ })+) => {$(
        $(#[$meta])*
        pub enum $name { $($(#[$vmeta])* $variant = $number,)+ }

        $crate::domain::numbered::numbered!($name { $($number => $variant,)+ });
    )+};
}

pub(super) use {numbered, numbered_enum};
