//! From a connection's bytes to commands.

#![deny(clippy::wildcard_enum_match_arm)]

use super::Gateway;
use super::connection::Phase;
use super::desks::{Bucket, Fill};
use super::ending::Ending;
use super::settings::RateLimit;
use crate::domain::{Command, Echo, Enter, Listings, RefuseEnter, RefuseReplace, RejectReason, Replace};
use crate::net::Inbox;
use crate::ring::Claim;
use crate::stages::auth::Role;
use crate::stages::space::SpaceWatch;
use crate::wire::ouch::{Inbound, LoggedIn, to_command};
use crate::wire::soup::{self, kind};

/// Order messages of one connection in one duty cycle, so that connections take turns.
const MESSAGES_MAX: usize = 1024;

/// Packets without an order of one connection in one duty cycle: heartbeats and debug text are short and can be many.
const CHATTER_MAX: usize = 256;

/// Why taking packets out of an inbox stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stopped {
    /// No whole packet waits.
    Dry,
    /// A message waits, but the claim has no room for its command.
    Full,
    /// An order or a cancel waits, and it is not yet time for another one.
    Slowed,
    /// Packets wait, and those before them said nothing.
    Chatty,
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
            (connection.held, connection.has_more) = (false, false);
            return 0;
        }
        match self.take_up(place, now) {
            Ok(work) => work + usize::from(bytes > 0),
            Err(ending) => {
                self.close(place, ending, now);
                1
            }
        }
    }

    /// Takes up what waits in the inbox, and then the end of the input if that has been seen.
    fn take_up(&mut self, place: usize, now: u64) -> Result<usize, Ending> {
        let mut work = 0;
        if self.connections.at(place).is_some_and(|c| matches!(c.phase, Phase::AwaitingLogin)) {
            work += self.take_login(place)?;
        }
        let Some(connection) = self.connections.at(place) else { return Ok(work) };
        connection.held = false;
        match connection.phase {
            Phase::AwaitingLogin => {}
            // The end of the input waits with what came before it.
            Phase::Checking(_) => return Ok(work),
            Phase::Leaving(_) => connection.inbox.clear(),
            // Its numbers are those of a session that has ended; it is about to be told.
            Phase::LoggedIn { login, session, .. }
                if self.streams.get(login).is_some_and(|stream| stream.session() != session) =>
            {
                connection.inbox.clear();
            }
            Phase::LoggedIn { login, session, role, .. } => {
                let mut claim = self.ports.inbound.claim_up_to(MESSAGES_MAX);
                let granted = claim.remaining();
                let space_low = self.ports.space.iter().any(SpaceWatch::is_low);
                let mut orders = match space_low {
                    true => u32::from(now >= connection.next_order),
                    false => u32::MAX,
                };
                let (bucket, cancels) = self.desks.allowances(login, space_low, now);
                let taking = Taking {
                    from: LoggedIn { login, session },
                    role,
                    listings: self.streams.listings(),
                    packet_len_max: self.settings.packet_len_max,
                    orders_left: &mut orders,
                    cancels,
                    bucket,
                };
                let stopped = take_orders(&mut connection.inbox, &mut claim, taking);
                if space_low && orders == 0 && now >= connection.next_order {
                    connection.next_order = now + REFUSAL_EVERY_NS;
                }
                let messages = claim.len();
                claim.publish();
                self.gauges.messages_in.add(messages as u64);
                self.rings_due |= messages > 0;
                work += messages;
                let stopped = stopped?;
                connection.has_more = stopped != Stopped::Dry;
                if stopped == Stopped::Chatty {
                    return Ok(work + 1);
                }
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
}

/// Whether a command makes the exchange smaller, if it does anything.
fn frees_space(command: &Command) -> bool {
    match command {
        Command::Cancel(_) | Command::MassCancel(_) | Command::Modify(_) => true,
        Command::AddAsset { .. }
        | Command::OpenAccount { .. }
        | Command::OpenLogin { .. }
        | Command::ListInstrument(_)
        | Command::SetPhase { .. }
        | Command::Deposit(_)
        | Command::Withdraw(_)
        | Command::Open { .. }
        | Command::Enter(_)
        | Command::RefuseEnter(_)
        | Command::Replace(_)
        | Command::RefuseReplace(_)
        | Command::SetLimits { .. }
        | Command::Amend(_)
        | Command::CancelOrder { .. }
        | Command::Tick
        | Command::SetMark { .. }
        | Command::Delist { .. }
        | Command::SetTerms(_)
        | Command::SetFees(_)
        | Command::SetProtection { .. }
        | Command::SetOrderLimits { .. }
        | Command::SetAsset(_)
        | Command::SetSelfTrade(_)
        | Command::AssignTier { .. }
        | Command::SetVolumeTiers(_)
        | Command::Kill { .. }
        | Command::Checkpoint(_)
        | Command::SetRules { .. }
        | Command::QueryAccount(_)
        | Command::SetOrderEntry(_)
        | Command::CancelLogin { .. }
        | Command::RollSession { .. }
        | Command::CopyAccount { .. }
        | Command::ResetUserRef { .. } => false,
    }
}

/// With what the packets of a logged-in client are taken up.
struct Taking<'a> {
    from: LoggedIn,
    role: Role,
    listings: &'a Listings,
    packet_len_max: usize,
    /// How many orders may come, cancels not counted.
    orders_left: &'a mut u32,
    /// How many cancels may, if space is low.
    cancels: Option<&'a mut Bucket>,
    bucket: Option<&'a mut Bucket>,
}

/// Turns the packets of a logged-in client into commands, for as long as there is room for them and orders may come.
#[inline]
fn take_orders(
    inbox: &mut Inbox,
    claim: &mut Claim<'_, Command>,
    mut taking: Taking<'_>,
) -> Result<Stopped, Ending> {
    let (from, role) = (taking.from, taking.role);
    let (mut used, mut chatter) = (0, 0);
    let stopped = loop {
        if chatter == CHATTER_MAX {
            break Stopped::Chatty;
        }
        let Some((packet, len)) = soup::frame(&inbox.waiting()[used..], taking.packet_len_max)? else {
            break Stopped::Dry;
        };
        match packet.kind {
            kind::UNSEQUENCED if role != Role::Trade => return Err(Ending::ReadOnly),
            kind::UNSEQUENCED => {
                if claim.remaining() == 0 {
                    break Stopped::Full;
                }
                let message = Inbound::decode(packet.payload)?;
                let command = to_command(from, &message, taking.listings);
                if frees_space(&command) {
                    if taking.cancels.as_mut().is_some_and(|cancels| !cancels.take_within()) {
                        break Stopped::Slowed;
                    }
                } else {
                    let Some(left) = taking.orders_left.checked_sub(1) else { break Stopped::Slowed };
                    *taking.orders_left = left;
                }
                claim.push(match &mut taking.bucket {
                    None => command,
                    Some(bucket) => within_rate(command, bucket)?,
                });
            }
            kind::CLIENT_HEARTBEAT | kind::DEBUG => chatter += 1,
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

/// The command, or the refusal of an order that is one too many. What cancels or asks is taken all the same.
fn within_rate(command: Command, bucket: &mut Bucket) -> Result<Command, Ending> {
    let reason = RejectReason::MessageRateExceeded;
    match bucket.take() {
        Fill::Within => Ok(command),
        Fill::Excess => Ok(match command {
            Command::Enter(order) => {
                let Enter { login, session, user_ref, echo: Echo { cl_ord_id, .. }, .. } = order;
                Command::RefuseEnter(RefuseEnter { login, session, user_ref, reason, cl_ord_id })
            }
            Command::RefuseEnter(order) => Command::RefuseEnter(RefuseEnter { reason, ..order }),
            // A refused replace would cancel the order; this leaves it as it is.
            Command::Replace(order) => {
                let Replace { login, session, user_ref, echo: Echo { cl_ord_id, .. }, .. } = order;
                Command::RefuseEnter(RefuseEnter { login, session, user_ref, reason, cl_ord_id })
            }
            Command::RefuseReplace(order) => {
                let RefuseReplace { login, session, user_ref, cl_ord_id, .. } = order;
                Command::RefuseEnter(RefuseEnter { login, session, user_ref, reason, cl_ord_id })
            }
            other @ (Command::AddAsset { .. }
            | Command::OpenAccount { .. }
            | Command::OpenLogin { .. }
            | Command::ListInstrument(_)
            | Command::SetPhase { .. }
            | Command::Deposit(_)
            | Command::Withdraw(_)
            | Command::Open { .. }
            | Command::Cancel(_)
            | Command::SetLimits { .. }
            | Command::Amend(_)
            | Command::CancelOrder { .. }
            | Command::MassCancel(_)
            | Command::Tick
            | Command::SetMark { .. }
            | Command::Delist { .. }
            | Command::SetTerms(_)
            | Command::SetFees(_)
            | Command::SetProtection { .. }
            | Command::SetOrderLimits { .. }
            | Command::SetAsset(_)
            | Command::SetSelfTrade(_)
            | Command::AssignTier { .. }
            | Command::SetVolumeTiers(_)
            | Command::Kill { .. }
            | Command::Checkpoint(_)
            | Command::SetRules { .. }
            | Command::Modify(_)
            | Command::QueryAccount(_)
            | Command::SetOrderEntry(_)
            | Command::CancelLogin { .. }
            | Command::RollSession { .. }
            | Command::CopyAccount { .. }
            | Command::ResetUserRef { .. }) => other,
        }),
        Fill::Overdrawn => {
            let RateLimit { per_second, burst } = bucket.limit;
            Err(Ending::RateExceeded { per_second, burst })
        }
    }
}
