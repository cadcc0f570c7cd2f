//! SoupBinTCP 3.0 to 4.1, the session layer: packets of `u16 length (big-endian) · u8 type · payload`.
//!
//! The length counts the type and the payload. Sequenced Data packets carry no number: the Login Accepted states the
//! number of the first one after it, and each further one adds 1. Offsets in the code include the two length bytes, as
//! in docs/PROTOCOL.md.

use crate::domain::session::{session_id, session_number};
use crate::domain::{LoginName, Password};
use std::fmt;

/// Length of the header in bytes: the length field and the type.
pub const HEADER_LEN: usize = 3;

/// The largest payload that the length field can express.
pub const PAYLOAD_LEN_MAX: usize = 65_534;

/// Packet types.
pub mod kind {
    /// Debug, both ways: text that receivers ignore.
    pub const DEBUG: u8 = b'+';
    /// Login Accepted, server to client.
    pub const LOGIN_ACCEPTED: u8 = b'A';
    /// Login Rejected, server to client.
    pub const LOGIN_REJECTED: u8 = b'J';
    /// Sequenced Data, server to client.
    pub const SEQUENCED: u8 = b'S';
    /// Unsequenced Data, both ways.
    pub const UNSEQUENCED: u8 = b'U';
    /// Server Heartbeat.
    pub const SERVER_HEARTBEAT: u8 = b'H';
    /// End of Session, server to client.
    pub const END_OF_SESSION: u8 = b'Z';
    /// Login Request, client to server.
    pub const LOGIN_REQUEST: u8 = b'L';
    /// Client Heartbeat.
    pub const CLIENT_HEARTBEAT: u8 = b'R';
    /// Logout Request, client to server.
    pub const LOGOUT: u8 = b'O';
}

/// A whole Server Heartbeat packet.
pub const SERVER_HEARTBEAT: [u8; 3] = [0, 1, kind::SERVER_HEARTBEAT];
/// A whole Client Heartbeat packet.
pub const CLIENT_HEARTBEAT: [u8; 3] = [0, 1, kind::CLIENT_HEARTBEAT];
/// A whole End of Session packet.
pub const END_OF_SESSION: [u8; 3] = [0, 1, kind::END_OF_SESSION];
/// A whole Logout Request packet.
pub const LOGOUT: [u8; 3] = [0, 1, kind::LOGOUT];

/// Bytes that are not valid SoupBinTCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SoupError {
    /// A packet without a type.
    #[error("a packet of length 0 (the length must count the type)")]
    Empty,
    /// A packet that is longer than the reader's limit.
    #[error("a packet of length {length}, more than the {max} that are taken")]
    TooLong {
        /// The length field: type and payload in bytes.
        length: usize,
        /// The reader's limit for the length field.
        max: usize,
    },
    /// A packet whose payload has the wrong size for its type.
    #[error("a packet of type {:?} with a payload of {payload} bytes", char::from(*.kind))]
    PayloadLength {
        kind: u8,
        /// The length of the payload in bytes.
        payload: usize,
    },
    /// A numeric field that is not a decimal number.
    #[error("the field {field} is not a decimal number")]
    NotANumber { field: &'static str },
    /// A Login Rejected with an unknown reason.
    #[error("a login was rejected with the unknown reason code {code:#04x}")]
    UnknownReason {
        /// The reason byte.
        code: u8,
    },
}

/// A packet inside a receive buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The packet type; see [`kind`].
    pub kind: u8,
    /// What it carries.
    pub payload: &'a [u8],
}

/// The packet at the start of `buf` and its length in bytes; `None` if it is incomplete.
///
/// # Errors
/// [`SoupError::Empty`], and [`SoupError::TooLong`] for a length field (type and payload) above `max_len`. Both are
/// detected as soon as the length field is complete. The rest of the stream cannot be split into packets.
#[inline]
pub fn frame(buf: &[u8], max_len: usize) -> Result<Option<(Packet<'_>, usize)>, SoupError> {
    let Some((length, rest)) = buf.split_first_chunk::<2>() else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes(*length));
    if length == 0 {
        return Err(SoupError::Empty);
    }
    if length > max_len {
        return Err(SoupError::TooLong { length, max: max_len });
    }
    match rest.get(..length) {
        Some([kind, payload @ ..]) => Ok(Some((Packet { kind: *kind, payload }, 2 + length))),
        _ => Ok(None),
    }
}

/// The header of a packet with a payload of this length; `None` above [`PAYLOAD_LEN_MAX`].
#[inline]
pub fn header(kind: u8, payload_len: usize) -> Option<[u8; HEADER_LEN]> {
    let [high, low] = u16::try_from(payload_len + 1).ok()?.to_be_bytes();
    Some([high, low, kind])
}

/// Writes a whole packet to the start of `out` and returns its length; `None` if it does not fit.
#[inline]
pub fn write_packet(kind: u8, payload: &[u8], out: &mut [u8]) -> Option<usize> {
    let end = HEADER_LEN + payload.len();
    let out = out.get_mut(..end)?;
    out[..HEADER_LEN].copy_from_slice(&header(kind, payload.len())?);
    out[HEADER_LEN..].copy_from_slice(payload);
    Some(end)
}

/// Appends a whole packet to `out`; `None`, with `out` unchanged, if the payload is too long for a packet.
#[inline]
pub fn push_packet(kind: u8, payload: &[u8], out: &mut Vec<u8>) -> Option<()> {
    out.extend_from_slice(&header(kind, payload.len())?);
    out.extend_from_slice(payload);
    Some(())
}

/// Lengths of the user name and of the password in a Login Request, in bytes.
const USERNAME_LEN: usize = 6;
const PASSWORD_LEN: usize = 10;

/// A user name for a Login Request: 1 to 6 letters and digits, otherwise `None`. Lower case is converted to upper case.
pub fn username(text: &str) -> Option<LoginName> {
    is_word(text, USERNAME_LEN).then(|| LoginName(upper_case(text.as_bytes())))
}

/// A password for a Login Request: 1 to 10 letters and digits, otherwise `None`. Lower case is converted to upper case.
pub fn password(text: &str) -> Option<Password> {
    is_word(text, PASSWORD_LEN).then(|| Password(upper_case(text.as_bytes())))
}

fn is_word(text: &str, len_max: usize) -> bool {
    (1..=len_max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The text of a field in upper case, left-justified. Clients differ in how they pad fields.
fn upper_case<const LEN: usize>(field: &[u8]) -> [u8; LEN] {
    let mut bytes = left_justified(field);
    bytes.make_ascii_uppercase();
    bytes
}

fn left_justified<const LEN: usize>(field: &[u8]) -> [u8; LEN] {
    let text = trim(field);
    let mut bytes = [b' '; LEN];
    let len = text.len().min(LEN);
    bytes[..len].copy_from_slice(&text[..len]);
    bytes
}

/// The name of a SoupBinTCP session: up to 10 letters and digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId([u8; 10]);

impl SessionId {
    /// From 1 to 10 letters and digits, otherwise `None`.
    pub fn new(text: &str) -> Option<Self> {
        is_word(text, 10).then(|| Self::read(text.as_bytes()))
    }

    /// From a field's bytes.
    pub(super) fn read(field: &[u8]) -> Self {
        Self(left_justified(field))
    }

    /// The field's bytes, left-justified and padded with spaces.
    pub fn as_bytes(&self) -> &[u8; 10] {
        &self.0
    }
}

impl SessionId {
    /// The name of the session with this number, if `self` is the name of session 0; `None` if that session cannot have
    /// a name ([`crate::domain::session::session_id`]).
    pub fn after(self, sessions: u32) -> Option<Self> {
        session_id(self.0, sessions).map(Self)
    }

    /// The number of the session named `other`, if `self` is the name of session 0; `None` if there is no such session.
    /// Case is ignored.
    pub fn number_of(self, other: Self) -> Option<u32> {
        session_number(self.0, other.0)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.trim_ascii().escape_ascii())
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

/// The payload of a Login Request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginRequest {
    pub username: LoginName,
    /// The password of this user.
    pub password: Password,
    /// The session to join; `None` for the current one.
    pub session: Option<SessionId>,
    /// The number of the first requested message; 0 requests only future messages. Larger numbers than fit are read as
    /// the largest value, which is beyond the end of every session.
    pub sequence: u64,
    /// The silence after which the client asks to be disconnected, in milliseconds (protocol 4.1; at most 99,999).
    pub heartbeat_timeout_ms: Option<u32>,
}

impl LoginRequest {
    /// Length of the payload in protocol 3.0 and 4.0.
    pub const LEN_3_0: usize = 46;
    /// Length of the payload in protocol 4.1.
    pub const LEN_4_1: usize = 51;

    /// Decodes the payload of a Login Request packet of either length. Padding is removed on both sides of every field.
    ///
    /// # Errors
    /// [`SoupError::PayloadLength`]; [`SoupError::NotANumber`] for a sequence number that is not a number, or a timeout
    /// that is neither a number nor blank.
    pub fn decode(payload: &[u8]) -> Result<Self, SoupError> {
        if payload.len() != Self::LEN_3_0 && payload.len() != Self::LEN_4_1 {
            return Err(SoupError::PayloadLength { kind: kind::LOGIN_REQUEST, payload: payload.len() });
        }
        let session = trim(&payload[16..26]);
        let timeout = trim(&payload[Self::LEN_3_0..]);
        let heartbeat_timeout_ms = match timeout {
            [] => None,
            digits => {
                let ms = number(digits, "heartbeat timeout")?;
                Some(u32::try_from(ms).map_err(|_| SoupError::NotANumber { field: "heartbeat timeout" })?)
            }
        };
        Ok(Self {
            username: LoginName(upper_case(&payload[..USERNAME_LEN])),
            password: Password(upper_case(&payload[USERNAME_LEN..16])),
            session: (!session.is_empty()).then(|| SessionId::read(session)),
            sequence: number_or_most(&payload[26..46], "requested sequence number")?,
            heartbeat_timeout_ms,
        })
    }

    /// Appends the whole packet to `out`: protocol 4.1 if a timeout is requested, otherwise 3.0.
    pub fn push(&self, out: &mut Vec<u8>) {
        let mut payload = [b' '; Self::LEN_4_1];
        // [`username`] and [`password`] return none that is longer than its field.
        payload[..USERNAME_LEN].copy_from_slice(&self.username.0[..USERNAME_LEN]);
        payload[USERNAME_LEN..16].copy_from_slice(&self.password.0[..PASSWORD_LEN]);
        if let Some(session) = self.session {
            payload[16..26].copy_from_slice(&session.0);
        }
        right_justify(self.sequence, &mut payload[26..46]);
        let len = match self.heartbeat_timeout_ms {
            None => Self::LEN_3_0,
            Some(ms) => {
                right_justify(u64::from(ms.min(99_999)), &mut payload[46..51]);
                Self::LEN_4_1
            }
        };
        out.extend_from_slice(&[0, len as u8 + 1, kind::LOGIN_REQUEST]);
        out.extend_from_slice(&payload[..len]);
    }
}

/// The payload of a Login Accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginAccepted {
    /// The session joined.
    pub session: SessionId,
    /// The number of the next Sequenced Data packet.
    pub sequence: u64,
}

impl LoginAccepted {
    /// Length of the whole packet.
    pub const PACKET_LEN: usize = 33;

    /// Decodes the payload of a Login Accepted packet.
    ///
    /// # Errors
    /// [`SoupError::PayloadLength`], [`SoupError::NotANumber`].
    pub fn decode(payload: &[u8]) -> Result<Self, SoupError> {
        if payload.len() != Self::PACKET_LEN - HEADER_LEN {
            return Err(SoupError::PayloadLength { kind: kind::LOGIN_ACCEPTED, payload: payload.len() });
        }
        let sequence = number(&payload[10..], "sequence number")?;
        Ok(Self { session: SessionId::read(&payload[..10]), sequence })
    }

    /// The whole packet. Both fields are padded on the left, as the protocol requires.
    pub fn packet(&self) -> [u8; Self::PACKET_LEN] {
        let mut packet = [b' '; Self::PACKET_LEN];
        packet[..HEADER_LEN].copy_from_slice(&[0, 31, kind::LOGIN_ACCEPTED]);
        let session = self.session.0.trim_ascii_end();
        packet[13 - session.len()..13].copy_from_slice(session);
        right_justify(self.sequence, &mut packet[13..]);
        packet
    }
}

/// The payload of a Login Rejected: the reason. The server closes the connection after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginRejected {
    /// `A`: user or password is wrong.
    #[error("not authorised: unknown user or wrong password")]
    NotAuthorised,
    /// `S`: there is no such session.
    #[error("the requested session is not available")]
    SessionNotAvailable,
}

impl LoginRejected {
    /// Decodes the payload of a Login Rejected packet.
    ///
    /// # Errors
    /// [`SoupError::PayloadLength`], [`SoupError::UnknownReason`].
    pub fn decode(payload: &[u8]) -> Result<Self, SoupError> {
        match payload {
            b"A" => Ok(Self::NotAuthorised),
            b"S" => Ok(Self::SessionNotAvailable),
            [code] => Err(SoupError::UnknownReason { code: *code }),
            _ => Err(SoupError::PayloadLength { kind: kind::LOGIN_REJECTED, payload: payload.len() }),
        }
    }

    /// The whole packet.
    pub fn packet(self) -> [u8; 4] {
        let reason = match self {
            Self::NotAuthorised => b'A',
            Self::SessionNotAvailable => b'S',
        };
        [0, 2, kind::LOGIN_REJECTED, reason]
    }
}

/// A field without its padding. The protocol pads with spaces on one side; clients pad on either side, and some use
/// zeros.
fn trim(mut field: &[u8]) -> &[u8] {
    let is_padding = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
    while let [first, rest @ ..] = field
        && is_padding(first)
    {
        field = rest;
    }
    while let [rest @ .., last] = field
        && is_padding(last)
    {
        field = rest;
    }
    field
}

/// A decimal number in a padded field.
fn number(field: &[u8], name: &'static str) -> Result<u64, SoupError> {
    let digits = trim(field);
    let text = std::str::from_utf8(digits).ok().filter(|_| digits.iter().all(u8::is_ascii_digit));
    text.and_then(|text| text.parse().ok()).ok_or(SoupError::NotANumber { field: name })
}

/// Like [`number`], but numbers that are too large give the largest value.
fn number_or_most(field: &[u8], name: &'static str) -> Result<u64, SoupError> {
    let digits = trim(field);
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    number(field, name).or_else(|error| if is_number { Ok(u64::MAX) } else { Err(error) })
}

/// Writes a number right-justified into a field of spaces. Digits that do not fit are dropped; the callers' fields are
/// long enough for every number that they write.
fn right_justify(mut value: u64, field: &mut [u8]) {
    for slot in field.iter_mut().rev() {
        *slot = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn login(session: Option<&str>, sequence: u64, timeout: Option<u32>) -> LoginRequest {
        LoginRequest {
            username: username("alice").expect("a name"),
            password: password("Secret1").expect("a password"),
            session: session.map(|s| SessionId::new(s).expect("a session")),
            sequence,
            heartbeat_timeout_ms: timeout,
        }
    }

    #[test]
    fn frames_are_found_wherever_tcp_cuts_them() {
        let mut bytes = Vec::new();
        push_packet(kind::UNSEQUENCED, b"hello", &mut bytes).expect("fits");
        bytes.extend_from_slice(&CLIENT_HEARTBEAT);
        for cut in 0..8 {
            assert_eq!(frame(&bytes[..cut], 64), Ok(None), "cut at {cut}");
        }
        let (packet, used) = frame(&bytes, 64).expect("readable").expect("whole");
        assert_eq!((packet.kind, packet.payload, used), (b'U', &b"hello"[..], 8));
        let (packet, used) = frame(&bytes[used..], 64).expect("readable").expect("whole");
        assert_eq!((packet.kind, packet.payload, used), (b'R', &b""[..], 3));
    }

    #[test]
    fn broken_lengths_are_named_as_soon_as_they_are_seen() {
        assert_eq!(frame(&[0, 0], 64), Err(SoupError::Empty));
        assert_eq!(frame(&[0, 65], 64), Err(SoupError::TooLong { length: 65, max: 64 }));
        assert_eq!(frame(&[0, 64], 64), Ok(None));
        assert_eq!(header(b'S', PAYLOAD_LEN_MAX), Some([0xFF, 0xFF, b'S']));
        assert_eq!(header(b'S', PAYLOAD_LEN_MAX + 1), None);
        assert_eq!(write_packet(b'S', b"abc", &mut [0; 5]), None);
    }

    #[test]
    fn both_protocol_versions_and_both_habits_of_padding_log_in() {
        let mut left = b"ALICE SECRET1   DOJIMA0001".to_vec();
        left.extend_from_slice(b"7                   ");
        assert_eq!(LoginRequest::decode(&left), Ok(login(Some("DOJIMA0001"), 7, None)));
        let mut right = b" alice   secret1          ".to_vec();
        right.extend_from_slice(b"                   7");
        assert_eq!(LoginRequest::decode(&right), Ok(login(None, 7, None)));
        right.extend_from_slice(b" 5000");
        assert_eq!(LoginRequest::decode(&right), Ok(login(None, 7, Some(5_000))));
        right[46..51].copy_from_slice(b"     ");
        assert_eq!(LoginRequest::decode(&right), Ok(login(None, 7, None)), "no timeout of its own");
        let zeros: Vec<u8> = left.iter().map(|byte| if *byte == b' ' { 0 } else { *byte }).collect();
        assert_eq!(LoginRequest::decode(&zeros), Ok(login(Some("DOJIMA0001"), 7, None)));
        right.pop();
        let wrong = SoupError::PayloadLength { kind: b'L', payload: 50 };
        assert_eq!(LoginRequest::decode(&right), Err(wrong));
        left[26..46].copy_from_slice(b"99999999999999999999");
        assert_eq!(LoginRequest::decode(&left).map(|login| login.sequence), Ok(u64::MAX), "beyond every end");
        left[26..46].copy_from_slice(&[b' '; 20]);
        let field = "requested sequence number";
        assert_eq!(LoginRequest::decode(&left), Err(SoupError::NotANumber { field }), "none");
        left[26..46].copy_from_slice(b"  seven             ");
        let field = "requested sequence number";
        assert_eq!(LoginRequest::decode(&left), Err(SoupError::NotANumber { field }));
    }

    #[test]
    fn login_packets_have_the_lengths_of_the_specification() {
        let mut bytes = Vec::new();
        login(None, 1, None).push(&mut bytes);
        assert_eq!((bytes.len(), &bytes[..3]), (49, &[0, 47, b'L'][..]));
        bytes.clear();
        login(None, 1, Some(15_000)).push(&mut bytes);
        assert_eq!((bytes.len(), &bytes[..3], &bytes[49..]), (54, &[0, 52, b'L'][..], &b"15000"[..]));
        let accepted = LoginAccepted { session: SessionId::new("DAY1").expect("a session"), sequence: 42 };
        assert_eq!(accepted.packet(), *b"\x00\x1fA      DAY1                  42");
        assert_eq!(LoginRejected::NotAuthorised.packet(), *b"\x00\x02JA");
        assert_eq!(LoginRejected::SessionNotAvailable.packet(), *b"\x00\x02JS");
    }

    #[test]
    fn a_password_is_never_shown() {
        assert!(!format!("{:?}", login(None, 1, None)).to_lowercase().contains("secret"));
    }

    proptest! {
        #[test]
        fn packets_of_every_kind_read_back_as_written(
            kind in proptest::sample::select(b"+LAJSUHZRO".to_vec()),
            payload in proptest::collection::vec(any::<u8>(), 0..300),
            more in proptest::collection::vec(any::<u8>(), 0..5),
        ) {
            let mut bytes = Vec::new();
            push_packet(kind, &payload, &mut bytes).expect("fits");
            let len = bytes.len();
            let mut written = vec![0; len];
            prop_assert_eq!(write_packet(kind, &payload, &mut written), Some(len));
            prop_assert_eq!(&written, &bytes);
            prop_assert_eq!(write_packet(kind, &payload, &mut written[..len - 1]), None);
            for cut in 0..len {
                prop_assert_eq!(frame(&bytes[..cut], 512), Ok(None));
            }
            bytes.extend_from_slice(&more);
            prop_assert_eq!(frame(&bytes, 512), Ok(Some((Packet { kind, payload: &payload }, len))));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = frame(&bytes, 64);
            let _ = LoginRequest::decode(&bytes);
            let _ = LoginAccepted::decode(&bytes);
            let _ = LoginRejected::decode(&bytes);
        }

        #[test]
        fn fields_of_arbitrary_bytes_never_panic(
            bytes in proptest::collection::vec(any::<u8>(), LoginRequest::LEN_4_1),
            short in any::<bool>(),
        ) {
            let len = if short { LoginRequest::LEN_3_0 } else { LoginRequest::LEN_4_1 };
            if let Ok(request) = LoginRequest::decode(&bytes[..len]) {
                let _ = format!("{request:?}");
            }
            let _ = LoginAccepted::decode(&bytes[..30]).map(|accepted| accepted.packet());
        }

        #[test]
        fn what_is_written_reads_back(
            name in "[A-Z0-9]{1,6}", secret in "[A-Z0-9]{1,10}", session in "[A-Za-z0-9]{1,10}",
            any_session in any::<bool>(), sequence in any::<u64>(),
            timeout in proptest::option::of(0_u32..100_000),
        ) {
            let session = SessionId::new(&session).expect("a session");
            let request = LoginRequest {
                username: username(&name).expect("a name"),
                password: password(&secret).expect("a password"),
                session: (!any_session).then_some(session),
                sequence,
                heartbeat_timeout_ms: timeout,
            };
            let mut bytes = Vec::new();
            request.push(&mut bytes);
            let (packet, used) = frame(&bytes, 64).expect("readable").expect("whole");
            prop_assert_eq!((packet.kind, used), (kind::LOGIN_REQUEST, bytes.len()));
            prop_assert_eq!(LoginRequest::decode(packet.payload), Ok(request));

            let accepted = LoginAccepted { session, sequence };
            prop_assert_eq!(LoginAccepted::decode(&accepted.packet()[3..]), Ok(accepted));
            for rejected in [LoginRejected::NotAuthorised, LoginRejected::SessionNotAvailable] {
                prop_assert_eq!(LoginRejected::decode(&rejected.packet()[3..]), Ok(rejected));
            }
        }
    }
}
