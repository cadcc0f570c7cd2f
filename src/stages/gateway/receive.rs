//! From a connection's bytes to commands.

use super::Gateway;
use super::connection::Phase;
use super::ending::Ending;
use super::login::{authorise, first_message};
use super::source::Source;
use crate::domain::{Command, Listings, LoginId};
use crate::net::{ConnectionId, Inbox};
use crate::ring::Claim;
use crate::runtime::planted::{Bug, is_planted};
use crate::stages::space::SpaceWatch;
use crate::wire::ouch::{Inbound, to_command};
use crate::wire::soup::{self, LoginAccepted, LoginRejected, LoginRequest, kind};

/// The longest packet that is taken from a client: type and payload, bytes. The longest order with every tag is far
/// below it, so only debug text could ask for more.
pub const PACKET_LEN_MAX: usize = 4096;

/// Order messages of one connection in one duty cycle, so that connections take turns.
const MESSAGES_MAX: usize = 1024;

/// Why taking packets out of an inbox stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stopped {
    /// No whole packet waits.
    Dry,
    /// A message waits, but the claim has no room for its command.
    Full,
    /// An order waits, and it is not yet time for another one.
    Slowed,
}

/// While space is low every order is refused, and the refusal takes space: a connection gets one in this time, ns. So a
/// client that does not stop sending orders cannot use up what is left for cancels.
const REFUSAL_EVERY_NS: u64 = 100_000_000;

impl Gateway {
    /// One connection's turn: one read, then what it brought. Returns the amount of work.
    pub(super) fn receive(&mut self, place: usize, now: u64) -> usize {
        let Some(connection) = self.connections.at(place) else { return 0 };
        if connection.is_backlogged(&self.streams, self.settings.tail_bytes) {
            connection.held = true;
            return 0;
        }
        let bytes = connection.receive(now);
        self.gauges.bytes_in.add(bytes as u64);
        if connection.inbox.is_empty() && connection.input_ended.is_none() {
            connection.held = false;
            return 0;
        }
        match self.take_up(place, now) {
            Ok(work) => work + usize::from(bytes > 0),
            Err(ending) => {
                self.close(place, ending);
                1
            }
        }
    }

    /// Takes up what waits in the inbox, and then the end of the input if that has been seen.
    fn take_up(&mut self, place: usize, now: u64) -> Result<usize, Ending> {
        let mut work = 0;
        if self.connections.at(place).is_some_and(|c| matches!(c.phase, Phase::AwaitingLogin)) {
            work += self.take_login(place, now)?;
        }
        let Some(connection) = self.connections.at(place) else { return Ok(work) };
        connection.held = false;
        match connection.phase {
            Phase::AwaitingLogin => {}
            Phase::Leaving => connection.inbox.clear(),
            Phase::LoggedIn { login, .. } => {
                let mut claim = self.ports.inbound.claim_up_to(MESSAGES_MAX);
                let granted = claim.remaining();
                let space_low = self.ports.space.iter().any(SpaceWatch::is_low);
                let mut orders = match space_low {
                    true => u32::from(now >= connection.next_order),
                    false => u32::MAX,
                };
                let listings = self.streams.listings();
                let stopped = take_orders(&mut connection.inbox, login, &mut claim, listings, &mut orders);
                if space_low && orders == 0 && now >= connection.next_order {
                    connection.next_order = now + REFUSAL_EVERY_NS;
                }
                let messages = claim.len();
                claim.publish();
                self.gauges.messages_in.add(messages as u64);
                self.rings_due |= messages > 0;
                work += messages;
                let stopped = stopped?;
                if stopped == Stopped::Slowed {
                    connection.held = true;
                    return Ok(work);
                }
                if stopped == Stopped::Full {
                    if granted < MESSAGES_MAX {
                        connection.held = true;
                        if messages == 0 {
                            self.starved.get_or_insert(place);
                        }
                        self.gauges.inbound_full.add(1);
                    }
                    // What waits is work, also when nothing could be done about it: nobody wakes this agent when the
                    // ring has room again.
                    return Ok(work + 1);
                }
            }
        }
        connection.input_ended.take().map_or(Ok(work), Err)
    }

    /// Takes packets up to and including the login.
    fn take_login(&mut self, place: usize, now: u64) -> Result<usize, Ending> {
        loop {
            let Some(connection) = self.connections.at(place) else { return Ok(0) };
            let Some((packet, used)) = soup::frame(connection.inbox.waiting(), PACKET_LEN_MAX)? else {
                return Ok(0);
            };
            match packet.kind {
                kind::DEBUG | kind::CLIENT_HEARTBEAT => connection.inbox.took(used),
                kind::LOGIN_REQUEST => {
                    let request = LoginRequest::decode(packet.payload)?;
                    connection.inbox.took(used);
                    match authorise(&request, &self.settings.credentials, &self.settings.session) {
                        Ok(login) => self.admit(place, login, &request, now),
                        Err(reason) => self.refuse(place, &request, reason, now),
                    }
                    return Ok(1);
                }
                kind::LOGOUT => return Err(Ending::Logout),
                kind => return Err(Ending::UnexpectedPacket { kind, when: "before the login" }),
            }
        }
    }

    fn admit(&mut self, place: usize, login: LoginId, request: &LoginRequest, now: u64) {
        let others = self.streams.get(login).and_then(|stream| stream.listener).map(ConnectionId::place);
        if let Some(other) = others {
            self.close(other, Ending::TakenOver);
        }
        let stream = self.streams.join(login);
        let Some(connection) = self.connections.at(place) else { return };
        stream.listener = Some(connection.id);
        let first = first_message(request.sequence, stream.next());
        let accepted = LoginAccepted { session: self.settings.session, sequence: first };
        connection.put_control(&accepted.packet());
        if let Some(ms @ 1..) = request.heartbeat_timeout_ms {
            connection.silence_max = u64::from(ms) * 1_000_000;
        }
        let from = if is_planted(Bug::ResumeOffByOne) { stream.next().min(first + 1) } else { first };
        let source = Source::of(stream, from);
        connection.phase = Phase::LoggedIn { login, username: request.username, source };
        self.gauges.logins.add(1);
        let (peer, username, next) = (connection.peer, request.username, stream.next());
        tracing::info!(%peer, %username, %login, first, next, "logged in");
        connection.greet(now);
    }

    fn refuse(&mut self, place: usize, request: &LoginRequest, reason: LoginRejected, now: u64) {
        let Some(connection) = self.connections.at(place) else { return };
        connection.refuse(&reason.packet(), now);
        self.gauges.logins_refused.add(1);
        let (peer, username) = (connection.peer, request.username);
        tracing::warn!(%peer, %username, "login refused: {reason}");
    }
}

/// Whether a command makes the exchange smaller, if it does anything.
fn frees_space(command: &Command) -> bool {
    matches!(command, Command::Cancel(_) | Command::MassCancel(_))
}

/// Turns the packets of a logged-in client into commands, for as long as there is room for them and orders may
/// come: `orders_left` is how many, cancels not counted.
#[inline]
fn take_orders(
    inbox: &mut Inbox,
    login: LoginId,
    claim: &mut Claim<'_, Command>,
    listings: &Listings,
    orders_left: &mut u32,
) -> Result<Stopped, Ending> {
    let mut used = 0;
    let stopped = loop {
        let Some((packet, len)) = soup::frame(&inbox.waiting()[used..], PACKET_LEN_MAX)? else {
            break Stopped::Dry;
        };
        match packet.kind {
            kind::UNSEQUENCED => {
                if claim.remaining() == 0 {
                    break Stopped::Full;
                }
                let message = Inbound::decode(packet.payload)?;
                let command = to_command(login, &message, listings);
                if !frees_space(&command) {
                    let Some(left) = orders_left.checked_sub(1) else { break Stopped::Slowed };
                    *orders_left = left;
                }
                claim.push(command);
            }
            kind::CLIENT_HEARTBEAT | kind::DEBUG => {}
            kind::LOGOUT => return Err(Ending::Logout),
            kind::LOGIN_REQUEST => {
                return Err(Ending::UnexpectedPacket { kind: kind::LOGIN_REQUEST, when: "after the login" });
            }
            kind => return Err(Ending::UnexpectedPacket { kind, when: "which clients do not send" }),
        }
        used += len;
    };
    inbox.took(used);
    Ok(stopped)
}
