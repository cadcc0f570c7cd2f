//! Session ids on the wire.

/// The SoupBinTCP session id of session number `session`; `first` is the id of session 0. The decimal number at the end
/// of `first` is incremented and keeps its width (`DOJIMA0001` is followed by `DOJIMA0002`). Both are left-justified
/// and padded with spaces. `None` if the number at the end of `first`
/// has too few digits for that session, or is missing.
///
/// Order entry and market data use the same ids for the same sessions.
pub fn session_id(first: [u8; 10], session: u32) -> Option<[u8; 10]> {
    let mut id = first;
    let len = id.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
    let mut left = session;
    for digit in id[..len].iter_mut().rev() {
        if left == 0 {
            break;
        }
        if !digit.is_ascii_digit() {
            return None;
        }
        let sum = u32::from(*digit - b'0') + left % 10;
        *digit = b'0' + (sum % 10) as u8;
        left = left / 10 + sum / 10;
    }
    (left == 0).then_some(id)
}

/// The session with this id ([`session_id`]); `None` if there is none. Case is ignored.
pub fn session_number(first: [u8; 10], id: [u8; 10]) -> Option<u32> {
    let len = first.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
    let digits = first[..len].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let number = |id: &[u8; 10]| {
        let text = std::str::from_utf8(&id[len - digits..len]).ok()?;
        if text.is_empty() { Some(0) } else { text.parse::<u64>().ok() }
    };
    let session = u32::try_from(number(&id)?.checked_sub(number(&first)?)?).ok()?;
    session_id(first, session).filter(|of| of.eq_ignore_ascii_case(&id)).map(|_| session)
}

#[cfg(test)]
mod tests {
    use super::{session_id, session_number};

    fn field(text: &str) -> [u8; 10] {
        let mut field = [b' '; 10];
        field[..text.len()].copy_from_slice(text.as_bytes());
        field
    }

    fn named(first: &str, session: u32) -> Option<String> {
        session_id(field(first), session).map(|id| String::from_utf8_lossy(&id).trim_end().to_owned())
    }

    #[test]
    fn the_number_at_the_end_counts() {
        for (first, session, id) in [
            ("DOJIMA0001", 0, Some("DOJIMA0001")),
            ("DOJIMA0001", 1, Some("DOJIMA0002")),
            ("DOJIMA0099", 1, Some("DOJIMA0100")),
            ("DOJIMA0001", 9_998, Some("DOJIMA9999")),
            ("DOJIMA0001", 9_999, None),
            ("9999999999", 1, None),
            ("0000000000", u32::MAX, Some("4294967295")),
            ("DAY1", 8, Some("DAY9")),
            ("DAY1", 9, None),
            ("DAY", 0, Some("DAY")),
            ("DAY", 1, None),
        ] {
            assert_eq!(named(first, session).as_deref(), id, "{first} and {session}");
            if let Some(id) = id {
                assert_eq!(session_number(field(first), field(&id.to_ascii_lowercase())), Some(session));
            }
        }
        for id in ["DOJIMA0000", "DOJIMA000A", "DAY1", "", "DOJIMB0002", "DOJIMA 002"] {
            assert_eq!(session_number(field("DOJIMA0001"), field(id)), None, "{id}");
        }
    }
}
