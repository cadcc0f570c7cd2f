//! Who may log in, and from which message they go on.

use super::settings::Credentials;
use crate::domain::LoginId;
use crate::wire::soup::{LoginRejected, LoginRequest, SessionId};
use std::hint::black_box;

/// The answer to a login request, as far as its fields decide it.
///
/// # Errors
/// What the client is told: first whether it is authorised, then whether its session exists.
pub fn authorise(
    request: &LoginRequest,
    credentials: &[Credentials],
    session: &SessionId,
) -> Result<LoginId, LoginRejected> {
    let login = find(request, credentials).ok_or(LoginRejected::NotAuthorised)?;
    match request.session {
        Some(wanted) if !wanted.as_bytes().eq_ignore_ascii_case(session.as_bytes()) => {
            Err(LoginRejected::SessionNotAvailable)
        }
        _ => Ok(login),
    }
}

/// Looks at every byte of every credential, whichever matches: the time taken tells nothing of any password.
fn find(request: &LoginRequest, credentials: &[Credentials]) -> Option<LoginId> {
    let mut found = None;
    for entry in credentials {
        let name = differing_bits(entry.username.as_bytes(), request.username.as_bytes());
        let password = differing_bits(entry.password.as_bytes(), request.password.as_bytes());
        if black_box(name | password) == 0 {
            found = Some(entry.login);
        }
    }
    found
}

fn differing_bits<const N: usize>(a: &[u8; N], b: &[u8; N]) -> u8 {
    a.iter().zip(b).fold(0, |bits, (a, b)| black_box(bits | (a ^ b)))
}

/// The number of the first message for a client that asks for `requested`, in a stream whose next message is `next`. A
/// request for 0 is one for the next; one beyond the end is answered with the next too.
pub fn first_message(requested: u64, next: u64) -> u64 {
    if requested == 0 { next } else { requested.min(next) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::soup::{Password, Username};

    fn entry(login: u32, username: &str, password: &str) -> Credentials {
        Credentials {
            login: LoginId(login),
            username: Username::new(username).expect("a name"),
            password: Password::new(password).expect("a password"),
        }
    }

    fn answer(username: &str, password: &str, session: Option<&str>) -> Result<LoginId, LoginRejected> {
        let known = [entry(3, "alice", "wonder"), entry(5, "bob", "builder"), entry(6, "bobby", "b")];
        let request = LoginRequest {
            username: Username::new(username).expect("a name"),
            password: Password::new(password).expect("a password"),
            session: session.map(|s| SessionId::new(s).expect("a session")),
            sequence: 0,
            heartbeat_timeout_ms: None,
        };
        authorise(&request, &known, &SessionId::new("Day1").expect("a session"))
    }

    #[test]
    fn name_password_and_session_must_all_match() {
        assert_eq!(answer("alice", "wonder", None), Ok(LoginId(3)));
        assert_eq!(answer("BOB", "Builder", Some("DAY1")), Ok(LoginId(5)), "in any case of letters");
        let refused = Err(LoginRejected::NotAuthorised);
        assert_eq!(answer("alice", "builder", None), refused, "another's password");
        assert_eq!(answer("alice", "wonde", None), refused);
        assert_eq!(answer("alice", "wonders", None), refused);
        assert_eq!(answer("carol", "wonder", None), refused);
        assert_eq!(answer("carol", "wonder", Some("DAY2")), refused, "no word on sessions to strangers");
        assert_eq!(answer("alice", "wonder", Some("DAY2")), Err(LoginRejected::SessionNotAvailable));
        assert_eq!(answer("alice", "wonder", Some("DAY")), Err(LoginRejected::SessionNotAvailable));
    }

    #[test]
    fn a_client_goes_on_where_it_asks_or_at_the_next_message() {
        let cases = [(0, 1, 1), (0, 8, 8), (1, 8, 1), (7, 8, 7), (8, 8, 8), (9, 8, 8), (u64::MAX, 8, 8)];
        for (requested, next, first) in cases {
            assert_eq!(first_message(requested, next), first, "{requested} of a stream at {next}");
        }
    }
}
