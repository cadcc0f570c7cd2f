//! Every byte that the server sends, held against the reference at the moment when it leaves: the right answer to a login,
//! and of the stream the right message, whole and in order, and none whose command is not durable.

use super::reference::Reference;
use dojima::domain::LoginId;
use dojima::wire::soup::{self, LoginAccepted, LoginRejected, kind};

/// What a client asked for when it logged in.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub login: LoginId,
    /// The first message wanted; 0: the next one.
    pub from: u64,
    /// How the login is to be refused.
    pub refused: Option<LoginRejected>,
}

/// Looks at one connection.
pub struct Spy {
    asked: Asked,
    bytes: Vec<u8>,
    /// The number of the next message, once the login is accepted.
    position: Option<u64>,
}

/// What passed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Passed {
    pub messages: u64,
    /// Of those, messages that were sent before.
    pub again: u64,
    pub heartbeats: u64,
    /// The last command that an acknowledgement was sent of.
    pub acknowledged: u64,
}

impl Spy {
    pub fn new(asked: Asked) -> Self {
        Self { asked, bytes: Vec::new(), position: None }
    }

    /// Whose connection it is.
    pub fn login(&self) -> LoginId {
        self.asked.login
    }

    /// Takes what the server has written. `sent` is the last message of this login that was ever sent.
    ///
    /// # Errors
    /// What is wrong about it.
    pub fn see(&mut self, bytes: &[u8], sent: &mut u64, reference: &Reference) -> Result<Passed, String> {
        self.bytes.extend_from_slice(bytes);
        let mut passed = Passed::default();
        let mut used = 0;
        while let Some((packet, len)) = soup::frame(&self.bytes[used..], usize::from(u16::MAX))
            .map_err(|error| format!("the server sent {error}"))?
        {
            let whole = &self.bytes[used..used + len];
            used += len;
            match (packet.kind, self.position) {
                (kind::LOGIN_ACCEPTED, None) => {
                    self.position = Some(accepted(&self.asked, packet.payload, *sent, reference)?);
                }
                (kind::LOGIN_REJECTED, None) => {
                    let reason = LoginRejected::decode(packet.payload).map_err(|error| error.to_string())?;
                    if self.asked.refused != Some(reason) {
                        return Err(format!("{:?} was refused: {reason}", self.asked));
                    }
                }
                (kind::SERVER_HEARTBEAT, Some(_)) => passed.heartbeats += 1,
                (kind::SEQUENCED, Some(position)) => {
                    let login = self.asked.login;
                    let Some((expected, sequence)) = reference.message(login, position) else {
                        return Err(format!(
                            "message {position} was sent to login {login} before its command was durable: {}",
                            whole.escape_ascii()
                        ));
                    };
                    if whole != expected {
                        return Err(format!(
                            "message {position} of login {login} is {}, but was to be {}",
                            whole.escape_ascii(),
                            expected.escape_ascii()
                        ));
                    }
                    passed.messages += 1;
                    passed.again += u64::from(position <= *sent);
                    *sent = position.max(*sent);
                    passed.acknowledged = passed.acknowledged.max(sequence);
                    self.position = Some(position + 1);
                }
                (kind, position) => {
                    return Err(format!("a packet of type {:?} at {position:?}", char::from(kind)));
                }
            }
        }
        self.bytes.drain(..used);
        Ok(passed)
    }
}

/// Judges a Login Accepted and returns the number that it names.
fn accepted(asked: &Asked, payload: &[u8], sent: u64, reference: &Reference) -> Result<u64, String> {
    let accepted = LoginAccepted::decode(payload).map_err(|error| error.to_string())?;
    let end = reference.messages(asked.login) + 1;
    let first = accepted.sequence;
    // The gateway knows all that it has sent, and may not yet have numbered all that is durable.
    let right = match asked.from {
        0 => sent < first && first <= end,
        from if from <= sent + 1 => first == from,
        from => sent < first && first <= from.min(end),
    };
    if asked.refused.is_some() || !right {
        return Err(format!("{asked:?} was answered with {first}, the stream's end being {end}"));
    }
    Ok(first)
}
