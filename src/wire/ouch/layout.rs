//! The appendage after the fixed part of OUCH messages.

pub(super) use crate::wire::layout::message;

/// Whether the appendage length is always present or only together with an appendage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// Always present.
    Mandatory,
    /// Omitted if there is no appendage.
    Optional,
}

/// The appendage in the bytes after a message's fixed part; `None` if the lengths disagree.
#[inline]
pub(super) fn read_tail(rest: &[u8], tail: Tail) -> Option<&[u8]> {
    if rest.is_empty() && tail == Tail::Optional {
        return Some(rest);
    }
    let (len, bytes) = rest.split_first_chunk::<2>()?;
    (usize::from(u16::from_be_bytes(*len)) == bytes.len()).then_some(bytes)
}

/// Writes a whole message: the fixed part by `fixed`, then the appendage. `None` if `out` is too short.
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
