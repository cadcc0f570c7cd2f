//! Converts client bytes to commands.

#![deny(clippy::wildcard_enum_match_arm)]

use super::close_reason::Cause;
use super::login_policies::{Bucket, Fill};
use super::protocol::{Asked, LoggedIn, OrderEntryProtocol};
use super::settings::RateLimit;
use crate::domain::{
    AdminCommand, ClOrdId, ClockCommand, Command, Echo, Enter, IndexId, Listings, LoginId, OrderCommand,
    RefuseEnter, RefuseReplace, RejectReason, Replace, SendIndex, Sender, TransferOut, VenueCommand,
};
use crate::net::auth::Role;
use crate::net::session::{CloseReason, Next, Packets, Stopped};
use crate::ring::Claim;
use crate::runtime::injected_fault::{InjectedFault, is_injected};

/// Discards messages that have no effect any more.
pub(super) fn pass_over<P: OrderEntryProtocol>(packets: &mut Packets<'_, P>) -> Result<Stopped, CloseReason> {
    Ok(loop {
        match packets.next_message()? {
            Next::Message(_) if packets.pass_message_over() => {}
            Next::Dry => break Stopped::Dry,
            Next::Message(_) | Next::Chatty => break Stopped::More,
            Next::Logout => break Stopped::Logout,
        }
    })
}

/// Whether a command, if it has an effect, frees space.
fn frees_space(command: &Command) -> bool {
    match command {
        Command::Order(OrderCommand::Cancel(_) | OrderCommand::MassCancel(_) | OrderCommand::Modify(_)) => {
            true
        }
        Command::Admin(
            AdminCommand::AddAsset { .. }
            | AdminCommand::ListInstrument(_)
            | AdminCommand::SetPhase { .. }
            | AdminCommand::Deposit(_)
            | AdminCommand::Withdraw(_)
            | AdminCommand::SetMark { .. }
            | AdminCommand::Delist { .. }
            | AdminCommand::SetTerms(_)
            | AdminCommand::SetFees(_)
            | AdminCommand::SetProtection { .. }
            | AdminCommand::SetOrderLimits { .. }
            | AdminCommand::SetAsset(_)
            | AdminCommand::SetSelfTrade(_)
            | AdminCommand::AssignTier { .. }
            | AdminCommand::SetVolumeTiers(_)
            | AdminCommand::Kill { .. }
            | AdminCommand::TransferIn(_),
        )
        | Command::Venue(
            VenueCommand::OpenAccount { .. }
            | VenueCommand::OpenLogin { .. }
            | VenueCommand::Open { .. }
            | VenueCommand::SetLimits { .. }
            | VenueCommand::Checkpoint(_)
            | VenueCommand::SetRules { .. }
            | VenueCommand::RollSession { .. }
            | VenueCommand::CopyAccount { .. }
            | VenueCommand::OpenShard { .. }
            | VenueCommand::ResetUserRef { .. }
            | VenueCommand::Lead { .. },
        )
        | Command::Order(
            OrderCommand::Enter(_)
            | OrderCommand::RefuseEnter(_)
            | OrderCommand::Replace(_)
            | OrderCommand::RefuseReplace(_)
            | OrderCommand::Amend(_)
            | OrderCommand::CancelOrder { .. }
            | OrderCommand::QueryAccount(_)
            | OrderCommand::SetOrderEntry(_)
            | OrderCommand::NameOrder(_)
            | OrderCommand::CancelLogin { .. }
            | OrderCommand::TransferOut(_)
            | OrderCommand::SendIndex(_)
            | OrderCommand::QueryWallet(_),
        )
        | Command::Contract(_)
        | Command::Owner(_)
        | Command::Clock(ClockCommand::Tick) => false,
    }
}

/// The limits and tables for processing a logged-in client's packets.
pub(super) struct Taking<'a> {
    pub(super) from: LoggedIn,
    pub(super) role: Role,
    /// The logins with the role `index`, each with the indexes whose prices it may send.
    pub(super) index_senders: &'a [(LoginId, IndexId)],
    pub(super) listings: &'a Listings,
    /// How many more orders are accepted; cancels are not counted.
    pub(super) orders_left: &'a mut u32,
    /// The bucket of cancels, if space is low.
    pub(super) cancels: Option<&'a mut Bucket>,
    pub(super) bucket: Option<&'a mut Bucket>,
}

/// Converts packets of a logged-in client to commands, while there is room and orders are accepted.
#[inline]
pub(super) fn take_packets<P: OrderEntryProtocol>(
    packets: &mut Packets<'_, P>,
    claim: &mut Claim<'_, Command>,
    mut taking: Taking<'_>,
) -> Result<Stopped, CloseReason> {
    let (from, role) = (taking.from, taking.role);
    Ok(loop {
        let message = match packets.next_message()? {
            Next::Message(message) => message,
            Next::Dry => break Stopped::Dry,
            Next::Chatty => break Stopped::More,
            Next::Logout => break Stopped::Logout,
        };
        if !matches!(role, Role::Trade | Role::Index) {
            return Err(Cause::ReadOnly.into());
        }
        if claim.remaining() == 0 {
            break Stopped::Full { starved: claim.is_empty() };
        }
        let Asked { name, mut command } = P::command(from, message, taking.listings)?;
        permit(&mut command, role, taking.index_senders)?;
        // A name and its order must be published together.
        if name.is_some() && claim.remaining() == 1 {
            break Stopped::Full { starved: claim.is_empty() };
        }
        if frees_space(&command) {
            if taking.cancels.as_mut().is_some_and(|cancels| !cancels.take_within()) {
                break Stopped::Held;
            }
        } else {
            let Some(left) = taking.orders_left.checked_sub(1) else { break Stopped::Held };
            *taking.orders_left = left;
        }
        if let Some(name) = name {
            claim.push(Command::Order(OrderCommand::NameOrder(name)));
        }
        claim.push(match &mut taking.bucket {
            None => command,
            Some(bucket) => within_rate(command, bucket)?,
        });
        packets.took_message();
    })
}

/// Refuses a price of an index from a login that may not send it. A login that may send prices sends nothing else but
/// queries: its orders close the connection.
#[inline]
fn permit(command: &mut Command, role: Role, senders: &[(LoginId, IndexId)]) -> Result<(), CloseReason> {
    if let Command::Order(OrderCommand::SendIndex(sent)) = command {
        let may_send = senders.contains(&(sent.login, sent.index)) || is_injected(InjectedFault::AnyIndex);
        if role != Role::Index || !may_send {
            *command = Command::Order(refused(OrderCommand::SendIndex(*sent), RejectReason::IndexNotAllowed));
        }
        return Ok(());
    }
    let is_served = matches!(
        command,
        Command::Order(
            OrderCommand::QueryAccount(_) | OrderCommand::QueryWallet(_) | OrderCommand::RefuseEnter(_)
        )
    );
    if role == Role::Index && !is_served { Err(Cause::PricesOnly.into()) } else { Ok(()) }
}

/// The command, or a refusal if the order exceeds the rate. Cancels and queries are always accepted.
fn within_rate(command: Command, bucket: &mut Bucket) -> Result<Command, CloseReason> {
    match (bucket.take(), command) {
        (Fill::Within, command) => Ok(command),
        (Fill::Excess, Command::Order(order)) => {
            Ok(Command::Order(refused(order, RejectReason::MessageRateExceeded)))
        }
        (Fill::Excess, Command::Owner(command)) => {
            let sender = command.setter().sender();
            let sender = sender.expect("a client has sent it");
            Ok(Command::Order(unnamed(sender, RejectReason::MessageRateExceeded)))
        }
        (
            Fill::Excess,
            other @ (Command::Venue(_) | Command::Admin(_) | Command::Contract(_) | Command::Clock(_)),
        ) => Ok(other),
        (Fill::Overdrawn, _) => {
            let RateLimit { per_second, burst } = bucket.limit;
            Err(Cause::RateExceeded { per_second, burst }.into())
        }
    }
}

/// The refusal of a message that carries no name of the client's.
fn unnamed(Sender { login, session, user_ref }: Sender, reason: RejectReason) -> OrderCommand {
    let cl_ord_id = ClOrdId::default();
    OrderCommand::RefuseEnter(RefuseEnter { login, session, user_ref, reason, cl_ord_id })
}

fn refused(order: OrderCommand, reason: RejectReason) -> OrderCommand {
    match order {
        OrderCommand::Enter(order) => {
            let Enter { login, session, user_ref, echo: Echo { cl_ord_id, .. }, .. } = order;
            OrderCommand::RefuseEnter(RefuseEnter { login, session, user_ref, reason, cl_ord_id })
        }
        OrderCommand::RefuseEnter(order) => OrderCommand::RefuseEnter(RefuseEnter { reason, ..order }),
        // A refused replace would cancel the order; this command leaves the order unchanged.
        OrderCommand::Replace(order) => {
            let Replace { login, session, user_ref, echo: Echo { cl_ord_id, .. }, .. } = order;
            OrderCommand::RefuseEnter(RefuseEnter { login, session, user_ref, reason, cl_ord_id })
        }
        OrderCommand::RefuseReplace(order) => {
            let RefuseReplace { login, session, user_ref, cl_ord_id, .. } = order;
            OrderCommand::RefuseEnter(RefuseEnter { login, session, user_ref, reason, cl_ord_id })
        }
        OrderCommand::TransferOut(TransferOut { login: Some(login), session, user_ref, .. })
        | OrderCommand::SendIndex(SendIndex { login, session, user_ref, .. }) => {
            unnamed(Sender { login, session, user_ref }, reason)
        }
        other @ (OrderCommand::Cancel(_)
        | OrderCommand::Amend(_)
        | OrderCommand::CancelOrder { .. }
        | OrderCommand::MassCancel(_)
        | OrderCommand::Modify(_)
        | OrderCommand::QueryAccount(_)
        | OrderCommand::QueryWallet(_)
        | OrderCommand::SetOrderEntry(_)
        | OrderCommand::NameOrder(_)
        | OrderCommand::CancelLogin { .. }
        | OrderCommand::TransferOut(_)) => other,
    }
}
