//! The reason for refusing a record.

/// `Err` with the reason.
pub(super) type Refused = Result<(), &'static str>;

/// `Err` with this reason unless `holds`.
pub(super) fn check(holds: bool, why: &'static str) -> Refused {
    if holds { Ok(()) } else { Err(why) }
}
