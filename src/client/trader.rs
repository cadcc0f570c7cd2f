//! A client that numbers its orders and returns the events about them.

#![deny(clippy::wildcard_enum_match_arm)]

use super::event::{ClientEvent, ClientMessage, ClientTransfer, EventError, OrderTerms};
use super::order::{NewOrder, Replacement, push};
use super::session::{ClientError, Credentials, Resume, Session};
use super::stream::Endpoint;
use crate::domain::{AssetId, ClOrdId, IndexId, ShardId, Side, Symbol, Timestamp, UserRef};
use crate::wire::ouch::{
    AccountQuery, Appendage, CancelOrder, ContractSetting, DisableEntry, EnableEntry, Inbound, IndexPrice,
    MassCancelOrders, ModifyOrder, Setting, TransferMoney, tags,
};
use crate::wire::soup::SessionId;
use std::collections::VecDeque;
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

/// Timeout for the exchange's answer to the query for the next number.
const QUERY_TIMEOUT: Duration = Duration::from_secs(10);

/// Where a client starts in its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The current session from its first message.
    Beginning,
    /// The current session, only messages from now on.
    Now,
    /// Where an earlier client stopped ([`Client::bookmark`]).
    At(Bookmark),
}

/// The position of a client. Another client can continue from it without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bookmark {
    /// The session.
    pub session: SessionId,
    /// The number of the next message.
    pub sequence: u64,
    /// The number of the next request; `None` for a client that only listens.
    pub next_user_ref: Option<UserRef>,
}

/// A logged-in client.
///
/// The request methods send a request, do not wait, and return the number that the answer will carry.
/// [`Client::next_event`] returns messages and waits at most for its timeout. With a timeout of zero, and with
/// [`AsRawFd`] in an event loop, nothing ever blocks. Both send heartbeats, so call one of them every few seconds.
///
/// After a [`ClientError`] the client cannot be used further. If the connection was lost
/// ([`ClientError::is_disconnect`]), connect again [`Start::At`] the bookmark: the stream continues without a gap.
/// Unanswered requests may then be sent again unchanged, in the same order and with the same numbers
/// ([`Client::session_mut`]); the exchange ignores those that it already has.
#[derive(Debug)]
pub struct Client {
    session: Session,
    waiting: VecDeque<ClientMessage>,
    /// `None`: the client only listens.
    next_user_ref: Option<u32>,
    /// A buffer for the tags of the next request.
    tags: Vec<u8>,
    /// The number of the next message that [`Client::next_event`] returns.
    sequence: u64,
    /// The decoding error of the message after the queued ones, if any.
    unreadable: Option<EventError>,
}

impl Client {
    /// Connects, logs in, and asks the exchange for the next number.
    ///
    /// # Errors
    /// [`ClientError`]: as [`Session::connect`], and [`ClientError::Timeout`] if the exchange does not answer.
    pub fn connect(to: impl Into<Endpoint>, who: &Credentials, start: Start) -> Result<Self, ClientError> {
        let to = to.into();
        match start {
            Start::At(Bookmark { session, sequence, next_user_ref: Some(next) }) => {
                let resume = Resume { session: Some(session), sequence };
                Ok(Self::over(Session::connect(to, who, resume)?, Some(next.0)))
            }
            Start::Now => Self::asking(to, who),
            Start::Beginning => {
                // Asked on a separate connection, because the stream also contains the answers to earlier queries.
                let asked = Self::asking(to.clone(), who)?;
                let (session, next) = (asked.session.id(), asked.next_user_ref);
                asked.log_out();
                let resume = Resume { session: Some(session), sequence: 1 };
                Ok(Self::over(Session::connect(to, who, resume)?, next))
            }
            Start::At(Bookmark { session, sequence, next_user_ref: None }) => {
                let asked = Self::asking(to.clone(), who)?;
                let next = asked.next_user_ref;
                asked.log_out();
                let resume = Resume { session: Some(session), sequence };
                Ok(Self::over(Session::connect(to, who, resume)?, next))
            }
        }
    }

    /// Connects and logs in with a login that only listens, for example for drop copies. Every request fails with
    /// [`ClientError::OnlyListens`].
    ///
    /// # Errors
    /// [`ClientError`]: as [`Session::connect`].
    pub fn listen(to: impl Into<Endpoint>, who: &Credentials, start: Start) -> Result<Self, ClientError> {
        let resume = match start {
            Start::Beginning => Resume::START,
            Start::Now => Resume { session: None, sequence: 0 },
            Start::At(mark) => Resume { session: Some(mark.session), sequence: mark.sequence },
        };
        Ok(Self::over(Session::connect(to, who, resume)?, None))
    }

    fn over(session: Session, next_user_ref: Option<u32>) -> Self {
        let sequence = session.next_sequence();
        Self {
            session,
            waiting: VecDeque::new(),
            next_user_ref,
            tags: Vec::new(),
            sequence,
            unreadable: None,
        }
    }

    /// A client whose stream starts now, and that has sent the query for its next number.
    fn asking(to: Endpoint, who: &Credentials) -> Result<Self, ClientError> {
        let session = Session::connect(to, who, Resume { session: None, sequence: 0 })?;
        let mut client = Self::over(session, None);
        client.session.send(&Inbound::AccountQuery(AccountQuery {}, Appendage::default()));
        let deadline = Instant::now() + QUERY_TIMEOUT;
        // Messages before the answer were caused by others or by an earlier connection; they are for the caller.
        let mut seen = VecDeque::new();
        while client.next_user_ref.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(message) = client.next_event(left)? else {
                return Err(ClientError::Timeout { waited: QUERY_TIMEOUT });
            };
            if let ClientEvent::AccountState { next_user_ref, .. } = message.event {
                client.next_user_ref = Some(next_user_ref.0);
            } else {
                seen.push_back(message);
            }
        }
        seen.append(&mut client.waiting);
        client.waiting = seen;
        client.sequence = client.waiting.front().map_or(client.session.next_sequence(), |next| next.sequence);
        Ok(client)
    }

    /// Enters an order and returns its number. The answer is Accepted or Rejected.
    ///
    /// # Errors
    /// [`ClientError`]; the client cannot be used further, except after [`ClientError::OnlyListens`] and
    /// [`ClientError::NumbersUsedUp`].
    pub fn enter(&mut self, order: &NewOrder) -> Result<UserRef, ClientError> {
        let user_ref = self.number()?;
        let message = order.message(user_ref, &mut self.tags);
        self.session.send(&Inbound::Enter(message, Appendage(&self.tags)));
        self.sent(user_ref)
    }

    /// Replaces a live order and returns the number of the new one. The answer is Replaced or Rejected. If the
    /// replacement is not acceptable, it is Canceled for the old order. If the old order is not live, there is no
    /// answer.
    ///
    /// # Errors
    /// As [`Client::enter`].
    pub fn replace(&mut self, order: UserRef, by: &Replacement) -> Result<UserRef, ClientError> {
        let user_ref = self.number()?;
        let message = by.message(order, user_ref, &mut self.tags);
        self.session.send(&Inbound::Replace(message, Appendage(&self.tags)));
        self.sent(user_ref)
    }

    /// Cancels all open lots of an order. No answer if it is not live.
    ///
    /// # Errors
    /// As [`Client::enter`].
    pub fn cancel(&mut self, order: UserRef) -> Result<(), ClientError> {
        self.reduce(order, 0)
    }

    /// Decreases an order's total, including executed lots, to this many lots. No answer if the order is not live or
    /// its total is not larger.
    ///
    /// # Errors
    /// As [`Client::enter`].
    pub fn reduce(&mut self, order: UserRef, total: u32) -> Result<(), ClientError> {
        self.next_user_ref.ok_or(ClientError::OnlyListens)?;
        let message = CancelOrder { user_ref: order, quantity: total };
        self.session.send(&Inbound::Cancel(message, Appendage::default()));
        self.flush()
    }

    /// Decreases an order's total, including executed lots, to this many lots. The answer is Modified.
    ///
    /// # Errors
    /// As [`Client::enter`].
    pub fn modify(&mut self, order: UserRef, side: Side, total: u32) -> Result<(), ClientError> {
        self.next_user_ref.ok_or(ClientError::OnlyListens)?;
        let message = ModifyOrder { user_ref: order, side: side_code(side), quantity: total };
        self.session.send(&Inbound::Modify(message, Appendage::default()));
        self.flush()
    }

    /// Cancels all orders of the login's account, or those of one symbol or side. The answers are the cancels, then
    /// MassCanceled; or Rejected, and nothing is cancelled. On a venue with several shards each shard answers, unless a
    /// symbol is given.
    ///
    /// # Errors
    /// As [`Client::enter`].
    pub fn cancel_all(&mut self, symbol: Option<Symbol>, side: Option<Side>) -> Result<UserRef, ClientError> {
        let user_ref = self.number()?;
        self.tags.clear();
        if let Some(side) = side {
            push(&mut self.tags, tags::SIDE, [side_code(side)]);
        }
        let message = MassCancelOrders { user_ref, firm: *b"    ", symbol: symbol.unwrap_or_default() };
        self.session.send(&Inbound::MassCancel(message, Appendage(&self.tags)));
        self.sent(user_ref)
    }

    /// Moves money of the login's account to its wallet in another shard. The answer is TransferSent; the money arrives
    /// soon after. Or Rejected, and nothing is moved.
    ///
    /// # Errors
    /// As [`Client::enter`].
    pub fn transfer(&mut self, transfer: &ClientTransfer) -> Result<UserRef, ClientError> {
        let user_ref = self.number()?;
        let ClientTransfer { asset, amount, from, to, reference } = *transfer;
        let message = TransferMoney { user_ref, asset, amount, from, to, reference };
        self.session.send(&Inbound::Transfer(message, Appendage::default()));
        self.sent(user_ref)
    }

    /// Sets margin mode or leverage of the login's account in a contract, or moves money between its wallet and a position
    /// with isolated margin. The answer is SettingMade. Or Rejected, and nothing is changed.
    ///
    /// # Errors
    /// As [`Client::enter`].
    pub fn set_in_contract(&mut self, symbol: Symbol, setting: Setting) -> Result<UserRef, ClientError> {
        let user_ref = self.number()?;
        let (kind, leg, value) = setting.fields();
        let message = ContractSetting { user_ref, kind, symbol, leg, value };
        self.session.send(&Inbound::Setting(message, Appendage::default()));
        self.sent(user_ref)
    }

    /// Sends a price of an index, in price units; `source_time`: when it was made, ns since 1970. The answer is
    /// IndexAnswered; or Rejected, also if the login may not send prices of the index.
    ///
    /// # Errors
    /// As [`Client::enter`].
    pub fn send_index(
        &mut self,
        index: IndexId,
        price: u64,
        source_time: Timestamp,
    ) -> Result<UserRef, ClientError> {
        let user_ref = self.number()?;
        let message = IndexPrice { user_ref, index, price, source_time: source_time.0 };
        self.session.send(&Inbound::IndexPrice(message, Appendage::default()));
        self.sent(user_ref)
    }

    /// Makes the exchange refuse new orders and replacements of this login, also from its other connections.
    ///
    /// # Errors
    /// As [`Client::enter`].
    pub fn disable_order_entry(&mut self) -> Result<UserRef, ClientError> {
        let user_ref = self.number()?;
        let message = DisableEntry { user_ref, firm: *b"    " };
        self.session.send(&Inbound::DisableEntry(message, Appendage::default()));
        self.sent(user_ref)
    }

    /// Reverses [`Client::disable_order_entry`].
    ///
    /// # Errors
    /// As [`Client::enter`].
    pub fn enable_order_entry(&mut self) -> Result<UserRef, ClientError> {
        let user_ref = self.number()?;
        let message = EnableEntry { user_ref, firm: *b"    " };
        self.session.send(&Inbound::EnableEntry(message, Appendage::default()));
        self.sent(user_ref)
    }

    /// Asks for the next number. The answer is AccountState.
    ///
    /// # Errors
    /// As [`Client::enter`].
    pub fn query_account(&mut self) -> Result<(), ClientError> {
        self.query(|_| ())
    }

    /// Asks for the account's balance of an asset in the wallet of the first shard. Asset numbers follow the order in
    /// the venue's configuration. The answer is AccountState, without a balance if the asset does not exist.
    ///
    /// # Errors
    /// As [`Client::enter`].
    pub fn query_balance(&mut self, asset: AssetId) -> Result<(), ClientError> {
        self.query(|to| push(to, tags::BALANCE, asset.0.to_be_bytes()))
    }

    /// Asks for the account's positions in a contract. The answer is PositionState, one or, in hedge mode, two, for the
    /// long and the short position; then AccountState. AccountState alone: there is no such contract.
    ///
    /// # Errors
    /// As [`Client::enter`].
    pub fn query_position(&mut self, symbol: Symbol) -> Result<(), ClientError> {
        self.query(|to| push(to, tags::POSITION, symbol.0))
    }

    /// Asks for what the account has of an asset in the wallet of a shard. Assets and shards are numbered in the order of
    /// the venue's configuration. The answer is AccountState, without a wallet if there is no such asset or shard.
    ///
    /// # Errors
    /// As [`Client::enter`].
    pub fn query_wallet(&mut self, shard: ShardId, asset: AssetId) -> Result<(), ClientError> {
        self.next_user_ref.ok_or(ClientError::OnlyListens)?;
        self.tags.clear();
        let AssetId(asset) = asset;
        let [high, low] = asset.to_be_bytes();
        push(&mut self.tags, tags::WALLET, [shard.0, high, low]);
        self.session.send(&Inbound::AccountQuery(AccountQuery {}, Appendage(&self.tags)));
        self.flush()
    }

    /// Sets the dead-man's switch: unless this is called again within `ms` milliseconds, all orders of the login are
    /// cancelled. 0 turns it off. The answer is AccountState.
    ///
    /// # Errors
    /// As [`Client::enter`].
    pub fn cancel_all_after(&mut self, ms: u32) -> Result<(), ClientError> {
        self.query(|to| push(to, tags::CANCEL_AFTER, ms.to_be_bytes()))
    }

    fn query(&mut self, asks: impl FnOnce(&mut Vec<u8>)) -> Result<(), ClientError> {
        self.next_user_ref.ok_or(ClientError::OnlyListens)?;
        self.tags.clear();
        asks(&mut self.tags);
        self.session.send(&Inbound::AccountQuery(AccountQuery {}, Appendage(&self.tags)));
        self.flush()
    }

    /// The next message. Waits at most for `timeout`; zero: does not wait. `None`: there is no message yet.
    ///
    /// # Errors
    /// [`ClientError`]; the client cannot be used further. Messages that arrived before the error are returned first.
    pub fn next_event(&mut self, timeout: Duration) -> Result<Option<ClientMessage>, ClientError> {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(message) = self.waiting.pop_front() {
                self.sequence = message.sequence + 1;
                self.note(&message.event, message.copy_of.is_some());
                return Ok(Some(message));
            }
            if let Some(error) = self.unreadable {
                return Err(error.into());
            }
            self.flush()?;
            let Self { session, waiting, unreadable, .. } = self;
            let received =
                session.receive(|sequence, message| match ClientMessage::read(sequence, &message) {
                    Ok(message) if unreadable.is_none() => waiting.push_back(message),
                    Ok(_) => {}
                    Err(error) => drop(unreadable.get_or_insert(error)),
                });
            if !self.waiting.is_empty() || self.unreadable.is_some() {
                // An error that came with these messages will be reported again.
                continue;
            }
            received?;
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            // Wakes at least once a second to send heartbeats.
            self.session.wait(left.min(Duration::from_secs(1)))?;
        }
    }

    /// Updates the next number: another connection of this login may use numbers too. Messages about orders of earlier
    /// sessions are ignored, because their numbers can be higher than any of this session.
    fn note(&mut self, event: &ClientEvent, copied: bool) {
        let (Some(next), false) = (&mut self.next_user_ref, copied) else { return };
        match event {
            ClientEvent::AccountState { next_user_ref, .. } => *next = (*next).max(next_user_ref.0),
            ClientEvent::Accepted(OrderTerms { user_ref, .. })
            | ClientEvent::Replaced { order: OrderTerms { user_ref, .. }, .. }
            | ClientEvent::Rejected { user_ref, .. }
            | ClientEvent::MassCanceled { user_ref, .. }
            | ClientEvent::TransferSent { user_ref, .. }
            | ClientEvent::SettingMade { user_ref, .. }
            | ClientEvent::IndexAnswered { user_ref, .. }
            | ClientEvent::OrderEntryDisabled { user_ref }
            | ClientEvent::OrderEntryEnabled { user_ref } => {
                *next = (*next).max(user_ref.0.saturating_add(1));
            }
            ClientEvent::SessionStarted
            | ClientEvent::SessionEnded
            | ClientEvent::Executed { .. }
            | ClientEvent::Canceled { .. }
            | ClientEvent::SelfTradePrevented { .. }
            | ClientEvent::Modified { .. }
            | ClientEvent::CancelRejected { .. }
            | ClientEvent::CancelPending { .. }
            | ClientEvent::PriorityUpdated { .. }
            | ClientEvent::Refreshed { .. }
            | ClientEvent::PositionState(_)
            | ClientEvent::PositionChanged(_)
            | ClientEvent::FundingPaid(_)
            | ClientEvent::FundPaid(_)
            | ClientEvent::Broken { .. } => {}
        }
    }

    /// Sends as much of the buffer as the socket accepts. Every request and [`Client::next_event`] do this too.
    ///
    /// # Errors
    /// [`ClientError::Closed`], [`ClientError::Io`]; the client cannot be used further.
    pub fn flush(&mut self) -> Result<(), ClientError> {
        self.session.flush().map(drop)
    }

    fn number(&mut self) -> Result<UserRef, ClientError> {
        let next = self.next_user_ref.as_mut().ok_or(ClientError::OnlyListens)?;
        let number = UserRef(*next);
        *next = next.checked_add(1).ok_or(ClientError::NumbersUsedUp)?;
        Ok(number)
    }

    fn sent(&mut self, user_ref: UserRef) -> Result<UserRef, ClientError> {
        self.flush()?;
        Ok(user_ref)
    }

    /// The number of the next request; `None` for a client that only listens.
    pub fn next_user_ref(&self) -> Option<UserRef> {
        self.next_user_ref.map(UserRef)
    }

    /// Makes the next request use a number after this one, because an open order of an earlier session may have it.
    pub fn pass_over(&mut self, user_ref: UserRef) {
        if let Some(next) = &mut self.next_user_ref {
            *next = (*next).max(user_ref.0.saturating_add(1));
        }
    }

    /// The position after the last message that [`Client::next_event`] returned. Another client can continue there.
    pub fn bookmark(&self) -> Bookmark {
        let next_user_ref = self.next_user_ref.map(UserRef);
        Bookmark { session: self.session.id(), sequence: self.sequence, next_user_ref }
    }

    /// The session below, for everything that this type does not offer.
    pub fn session_mut(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Logs out and closes.
    pub fn log_out(self) {
        self.session.log_out();
    }
}

impl AsRawFd for Client {
    fn as_raw_fd(&self) -> RawFd {
        self.session.as_raw_fd()
    }
}

fn side_code(side: Side) -> u8 {
    match side {
        Side::Buy => b'B',
        Side::Sell => b'S',
    }
}

/// A text for an order, cut to the length of the field. Characters that are not printable ASCII become `?`.
pub fn cl_ord_id(text: &str) -> ClOrdId {
    let mut field = ClOrdId::default();
    for (slot, character) in field.0.iter_mut().zip(text.chars()) {
        *slot = if character.is_ascii_graphic() || character == ' ' { character as u8 } else { b'?' };
    }
    field
}
