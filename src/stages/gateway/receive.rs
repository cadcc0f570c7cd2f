//! From a client's bytes to commands.

#![deny(clippy::wildcard_enum_match_arm)]

use super::desks::{Bucket, Fill};
use super::ending::Cause;
use super::entry::{OrderEntry, Trader};
use super::settings::RateLimit;
use crate::domain::{Command, Echo, Enter, Listings, RefuseEnter, RefuseReplace, RejectReason, Replace};
use crate::net::auth::Role;
use crate::net::session::{Ending, Next, Packets, Stopped};
use crate::ring::Claim;
use crate::stages::space::SpaceWatch;
use crate::wire::ouch::{Inbound, LoggedIn, to_command};

/// Order messages of one connection in one duty cycle, so that connections take turns.
const MESSAGES_MAX: usize = 1024;

/// While space is low every order is refused, and the refusal takes space: a login gets one in this time, ns. So a
/// client that does not stop sending orders cannot use up what is left for cancels.
const REFUSAL_EVERY_NS: u64 = 100_000_000;

impl OrderEntry {
    /// Turns packets into commands. Returns how many, and why it stopped.
    pub(super) fn take_orders(
        &mut self,
        trader: &mut Trader,
        packets: &mut Packets<'_>,
        now: u64,
    ) -> (usize, Result<Stopped, Ending>) {
        let Trader { login, role, session, .. } = *trader;
        if self.streams.get(login).is_some_and(|stream| stream.session() != session) {
            // Its numbers are those of a session that has ended; it is about to be told.
            return (0, pass_over(packets));
        }
        let left = self.rounds.left(self.desks.share(login).copied().unwrap_or_default());
        if left == 0 {
            return (0, Ok(Stopped::Held));
        }
        let most = MESSAGES_MAX.min(left);
        let mut claim = self.inbound.claim_up_to(most);
        let granted = claim.remaining();
        let space_low = self.space.iter().any(SpaceWatch::is_low);
        let mut orders = match space_low {
            true => u32::from(self.desks.next_order(login).is_none_or(|next| now >= *next)),
            false => u32::MAX,
        };
        let may_order = orders > 0;
        let (bucket, cancels) = self.desks.allowances(login, space_low, now);
        let taking = Taking {
            from: LoggedIn { login, session },
            role,
            listings: self.streams.listings(),
            orders_left: &mut orders,
            cancels,
            bucket,
        };
        let stopped = take_packets(packets, &mut claim, taking);
        if space_low
            && may_order
            && orders == 0
            && let Some(next) = self.desks.next_order(login)
        {
            *next = now + REFUSAL_EVERY_NS;
        }
        let messages = claim.len();
        claim.publish();
        if let Some(share) = self.desks.share(login) {
            self.rounds.took(share, messages);
        }
        self.gauges.messages_in.add(messages as u64);
        self.rings_due |= messages > 0;
        let stopped = stopped.map(|stopped| match stopped {
            // It had all that it may have in one turn.
            Stopped::Full { .. } if granted == most => Stopped::More,
            Stopped::Full { .. } => {
                self.gauges.inbound_full.add(1);
                stopped
            }
            Stopped::Dry | Stopped::More | Stopped::Held | Stopped::Logout => stopped,
        });
        (messages, stopped)
    }
}

/// Takes messages that mean nothing any more.
fn pass_over(packets: &mut Packets<'_>) -> Result<Stopped, Ending> {
    Ok(loop {
        match packets.next_message()? {
            Next::Message(_) if packets.pass_message_over() => {}
            Next::Dry => break Stopped::Dry,
            Next::Message(_) | Next::Chatty => break Stopped::More,
            Next::Logout => break Stopped::Logout,
        }
    })
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
    /// How many orders may come, cancels not counted.
    orders_left: &'a mut u32,
    /// How many cancels may, if space is low.
    cancels: Option<&'a mut Bucket>,
    bucket: Option<&'a mut Bucket>,
}

/// Turns the packets of a logged-in client into commands, for as long as there is room for them and orders may come.
#[inline]
fn take_packets(
    packets: &mut Packets<'_>,
    claim: &mut Claim<'_, Command>,
    mut taking: Taking<'_>,
) -> Result<Stopped, Ending> {
    let (from, role) = (taking.from, taking.role);
    Ok(loop {
        let message = match packets.next_message()? {
            Next::Message(message) => message,
            Next::Dry => break Stopped::Dry,
            Next::Chatty => break Stopped::More,
            Next::Logout => break Stopped::Logout,
        };
        if role != Role::Trade {
            return Err(Cause::ReadOnly.into());
        }
        if claim.remaining() == 0 {
            break Stopped::Full { starved: claim.is_empty() };
        }
        let message = Inbound::decode(message).map_err(Cause::from)?;
        let command = to_command(from, &message, taking.listings);
        if frees_space(&command) {
            if taking.cancels.as_mut().is_some_and(|cancels| !cancels.take_within()) {
                break Stopped::Held;
            }
        } else {
            let Some(left) = taking.orders_left.checked_sub(1) else { break Stopped::Held };
            *taking.orders_left = left;
        }
        claim.push(match &mut taking.bucket {
            None => command,
            Some(bucket) => within_rate(command, bucket)?,
        });
        packets.took_message();
    })
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
            Err(Cause::RateExceeded { per_second, burst }.into())
        }
    }
}
