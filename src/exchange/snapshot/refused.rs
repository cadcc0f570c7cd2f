//! Why a record is refused.

/// `Err` with the reason.
pub(super) type Refused = Result<(), &'static str>;

/// `Err` with this reason unless it holds.
pub(super) fn check(holds: bool, why: &'static str) -> Refused {
    if holds { Ok(()) } else { Err(why) }
}
