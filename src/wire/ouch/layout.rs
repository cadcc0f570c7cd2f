//! Byte tables as code: a message is a type byte and fields at fixed offsets, all numbers big-endian.

use crate::domain::{ClOrdId, OrderId, Symbol, TradeId, UserRef};

/// A value with a fixed place in a message.
pub(super) trait Field: Copy {
    /// How many bytes it takes.
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
big_endian!(u8, u16, u32, u64);

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

/// The field at this offset.
#[inline]
pub(super) fn field<T: Field, const LEN: usize>(bytes: &[u8; LEN], at: usize) -> T {
    T::read(&bytes[at..at + T::LEN])
}

/// Writes the field to this offset.
#[inline]
pub(super) fn put<T: Field, const LEN: usize>(value: T, bytes: &mut [u8; LEN], at: usize) {
    value.write(&mut bytes[at..at + T::LEN]);
}

/// Declares a message: its struct, its type byte, its length without appendage, and each field with its offset. That the
/// fields lie end to end from offset 1 to the length is checked when it is compiled.
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
                let end = $at + <$ty as $crate::wire::ouch::layout::Field>::LEN;
            )*
            assert!(end == $len, concat!(stringify!($name), " has another length"));
        };

        impl $name {
            /// The type byte.
            pub const KIND: u8 = $kind;
            /// Length in bytes with the type byte and without any appendage or its length.
            pub const LEN: usize = $len;

            #[inline]
            pub(super) fn read(bytes: &[u8; $len]) -> Self {
                let [_kind, ..] = bytes;
                Self { $($field: $crate::wire::ouch::layout::field(bytes, $at),)* }
            }

            #[inline]
            pub(super) fn write(&self, bytes: &mut [u8; $len]) {
                bytes[0] = $kind;
                $($crate::wire::ouch::layout::put(self.$field, bytes, $at);)*
            }
        }
    };
}
pub(super) use message;

/// Whether a message's appendage length is always there or only together with an appendage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// Always there.
    Mandatory,
    /// Left out when there is nothing to append.
    Optional,
}

/// The appendage's bytes in what follows a message's fixed part; `None` when lengths disagree.
#[inline]
pub(super) fn read_tail(rest: &[u8], tail: Tail) -> Option<&[u8]> {
    if rest.is_empty() && tail == Tail::Optional {
        return Some(rest);
    }
    let (len, bytes) = rest.split_first_chunk::<2>()?;
    (usize::from(u16::from_be_bytes(*len)) == bytes.len()).then_some(bytes)
}

/// Writes a whole message: the fixed part by `fixed`, then the appendage. `None` when `out` is too short.
#[inline]
pub(super) fn write_message<const LEN: usize>(
    out: &mut [u8],
    appendage: &[u8],
    tail: Tail,
    fixed: impl FnOnce(&mut [u8; LEN]),
) -> Option<usize> {
    let (head, rest) = out.split_first_chunk_mut::<LEN>()?;
    if appendage.is_empty() && tail == Tail::Optional {
        fixed(head);
        return Some(LEN);
    }
    let (len, rest) = rest.split_first_chunk_mut::<2>()?;
    *len = u16::try_from(appendage.len()).ok()?.to_be_bytes();
    rest.get_mut(..appendage.len())?.copy_from_slice(appendage);
    fixed(head);
    Some(LEN + 2 + appendage.len())
}
