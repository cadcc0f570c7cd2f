//! Byte tables as code. A message is a type byte and fields at fixed offsets; all numbers are big-endian.

use crate::domain::{Amount, AssetId, ClOrdId, IndexId, OrderId, ShardId, Symbol, TradeId, UserRef};

/// A value at a fixed offset in a message.
pub(in crate::wire) trait Field: Copy {
    /// Its length in bytes.
    const LEN: usize;
    /// Reads it from exactly [`Self::LEN`] bytes.
    fn read(bytes: &[u8]) -> Self;
    /// Writes it to exactly [`Self::LEN`] bytes.
    fn write(self, bytes: &mut [u8]);
}

impl<const N: usize> Field for [u8; N] {
    const LEN: usize = N;

    #[inline]
    fn read(bytes: &[u8]) -> Self {
        let mut out = [0; N];
        out.copy_from_slice(bytes);
        out
    }

    #[inline]
    fn write(self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self);
    }
}

macro_rules! big_endian {
    ($($int:ty),*) => {$(
        impl Field for $int {
            const LEN: usize = size_of::<$int>();

            #[inline]
            fn read(bytes: &[u8]) -> Self {
                Self::from_be_bytes(Field::read(bytes))
            }

            #[inline]
            fn write(self, bytes: &mut [u8]) {
                bytes.copy_from_slice(&self.to_be_bytes());
            }
        }
    )*};
}
big_endian!(u8, u16, u32, u64, i64);

macro_rules! newtype {
    ($($name:ident($inner:ty)),*) => {$(
        impl Field for $name {
            const LEN: usize = <$inner as Field>::LEN;

            #[inline]
            fn read(bytes: &[u8]) -> Self {
                Self(Field::read(bytes))
            }

            #[inline]
            fn write(self, bytes: &mut [u8]) {
                self.0.write(bytes);
            }
        }
    )*};
}
newtype!(UserRef(u32), OrderId(u64), TradeId(u64), Symbol([u8; 8]), ClOrdId([u8; 14]));
newtype!(AssetId(u16), IndexId(u16), Amount(i64), ShardId(u8));

/// Nanoseconds since midnight UTC in six bytes, as in ITCH.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nanos48(u64);

impl Nanos48 {
    /// The largest value.
    pub const MAX: u64 = (1 << 48) - 1;

    /// Keeps the low 48 bits of a number of nanoseconds. Every time of day fits into [`Self::MAX`].
    pub fn new(nanos: u64) -> Self {
        Self(nanos & Self::MAX)
    }

    /// The number of nanoseconds.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl Field for Nanos48 {
    const LEN: usize = 6;

    #[inline]
    fn read(bytes: &[u8]) -> Self {
        let mut wide = [0; 8];
        wide[2..].copy_from_slice(bytes);
        Self(u64::from_be_bytes(wide))
    }

    #[inline]
    fn write(self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.0.to_be_bytes()[2..]);
    }
}

/// Reads the field at this offset.
#[inline]
pub(in crate::wire) fn field<T: Field, const LEN: usize>(bytes: &[u8; LEN], at: usize) -> T {
    T::read(&bytes[at..at + T::LEN])
}

/// Writes the field at this offset.
#[inline]
pub(in crate::wire) fn put<T: Field, const LEN: usize>(value: T, bytes: &mut [u8; LEN], at: usize) {
    value.write(&mut bytes[at..at + T::LEN]);
}

/// Declares a message: its struct, its type byte, its length without any appendage, and each field with its offset. A
/// compile-time check ensures that the fields are contiguous from offset 1 to the length.
macro_rules! message {
    (
        $(#[$doc:meta])*
        $name:ident $kind:literal $len:literal { $($(#[$field_doc:meta])* $field:ident: $ty:ty = $at:literal,)* }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name { $($(#[$field_doc])* pub $field: $ty,)* }

        const _: () = {
            let end = 1;
            $(
                assert!(end == $at, concat!(stringify!($name), ".", stringify!($field)));
                let end = $at + <$ty as $crate::wire::layout::Field>::LEN;
            )*
            assert!(end == $len, concat!(stringify!($name), " has another length"));
        };

        impl $name {
            pub const KIND: u8 = $kind;
            /// Length in bytes with the type byte and without any appendage or its length.
            pub const LEN: usize = $len;

            #[inline]
            pub(super) fn read(bytes: &[u8; $len]) -> Self {
                let [_kind, ..] = bytes;
                Self { $($field: $crate::wire::layout::field(bytes, $at),)* }
            }

            #[inline]
            pub(super) fn write(&self, bytes: &mut [u8; $len]) {
                bytes[0] = $kind;
                $($crate::wire::layout::put(self.$field, bytes, $at);)*
            }
        }
    };
}
pub(in crate::wire) use message;
