//! The recipients of each event: the logins it is addressed to, and the logins that get copies of it (drop copy). An event
//! of an account, such as a change of its position, is addressed to each of the account's logins.
//!
//! This state is derived from the events alone, like everything that determines message numbers.

#![deny(clippy::wildcard_enum_match_arm)]

use super::{AccountId, AdminEvent, Event, EventRecord, LoginId, MarketEvent, OrderEvent, VenueEvent};

/// Which of an event's recipients a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The only recipient.
    Only,
    /// The login of the resting side of a trade.
    Maker,
    /// The login of the incoming side of a trade.
    Taker,
}

/// One message that results from an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The login whose stream contains the message.
    pub login: LoginId,
    /// Which side of the event the message describes.
    pub part: Part,
    /// For a copy: the login and account that the original message is addressed to.
    pub copy_of: Option<(LoginId, AccountId)>,
}

/// The account of each login, and the logins that get copies of an account's messages.
#[derive(Clone, Debug, Default)]
pub struct Audience {
    /// Indexed by login.
    accounts: Vec<AccountId>,
    /// The logins of each account, by id. Derived from `accounts`.
    logins: Vec<Vec<LoginId>>,
    /// The logins that get copies, indexed by account; for one account in the order in which they were added.
    copies: Vec<Vec<Copied>>,
    /// The number of copy subscriptions.
    copied: usize,
}

/// A login that gets copies of the messages of an account's logins.
#[derive(Clone, Copy, Debug)]
struct Copied {
    to: LoginId,
    /// The sequence of the command that added the copy. It applies to later commands, also when old events are read
    /// again.
    since: u64,
}

impl Audience {
    /// Applies an event that adds a login or a copy. The change applies to later commands.
    #[inline]
    pub fn note(&mut self, record: &EventRecord) {
        match record.event.stream_change() {
            Some(StreamChange::LoginOpened { account, .. }) => self.open(account),
            Some(StreamChange::AccountCopied { login, account }) => {
                self.copy(account, login, record.sequence)
            }
            Some(StreamChange::Rolled { .. } | StreamChange::Ended { .. } | StreamChange::Started { .. })
            | None => {}
        }
    }

    fn open(&mut self, account: AccountId) {
        let at = account.0 as usize;
        if at >= self.logins.len() {
            self.logins.resize_with(at + 1, Vec::new);
        }
        self.logins[at].push(LoginId(self.accounts.len() as u32));
        self.accounts.push(account);
    }

    fn copy(&mut self, account: AccountId, to: LoginId, since: u64) {
        let at = account.0 as usize;
        if at >= self.copies.len() {
            self.copies.resize_with(at + 1, Vec::new);
        }
        self.copies[at].push(Copied { to, since });
        self.copied += 1;
    }

    /// Calls `tell` for every message that results from the event: first those to its recipients, in their order, then
    /// the copies of each. A login gets no copy of a message that is addressed to itself. Session messages are not
    /// copied, because every stream has its own. What is addressed to an account comes to each of its logins once, and as
    /// one copy to each other login that gets copies of the account.
    #[inline]
    pub fn each(&self, record: &EventRecord, mut tell: impl FnMut(Address)) {
        let recipients = record.event.recipients();
        if let (None, Event::Contract(_)) = (recipients[0], &record.event) {
            return self.each_of_account(record, tell);
        }
        let parts = match recipients {
            [_, Some(_)] => [Part::Maker, Part::Taker],
            [_, None] => [Part::Only, Part::Only],
        };
        for (login, part) in recipients.into_iter().zip(parts) {
            if let Some(login) = login {
                tell(Address { login, part, copy_of: None });
            }
        }
        if !self.copies.is_empty() {
            self.each_copy(record, recipients, parts, tell);
        }
    }

    #[cold]
    fn each_copy(
        &self,
        record: &EventRecord,
        recipients: [Option<LoginId>; 2],
        parts: [Part; 2],
        mut tell: impl FnMut(Address),
    ) {
        match record.event.stream_change() {
            Some(
                StreamChange::LoginOpened { .. } | StreamChange::Ended { .. } | StreamChange::Started { .. },
            ) => return,
            Some(StreamChange::AccountCopied { .. } | StreamChange::Rolled { .. }) | None => {}
        }
        for (of, part) in recipients.into_iter().zip(parts) {
            let Some(of) = of else { continue };
            let Some(account) = self.accounts.get(of.0 as usize).copied() else { continue };
            for copied in self.copies.get(account.0 as usize).into_iter().flatten() {
                let login = copied.to;
                if record.sequence > copied.since && !recipients.contains(&Some(login)) {
                    tell(Address { login, part, copy_of: Some((of, account)) });
                }
            }
        }
    }

    /// The messages that result from an event of an account. A copy names the account's first login.
    #[cold]
    fn each_of_account(&self, record: &EventRecord, mut tell: impl FnMut(Address)) {
        let Some(account) = record.event.account_told() else { return };
        let own = self.logins.get(account.0 as usize).map_or(&[][..], Vec::as_slice);
        let Some(first) = own.first().copied() else { return };
        own.iter().for_each(|login| tell(Address { login: *login, part: Part::Only, copy_of: None }));
        for copied in self.copies.get(account.0 as usize).into_iter().flatten() {
            let login = copied.to;
            if record.sequence > copied.since && !own.contains(&login) {
                tell(Address { login, part: Part::Only, copy_of: Some((first, account)) });
            }
        }
    }

    /// The number of logins plus copies. It only grows, so two tables of the same size on one event log are equal.
    pub fn size(&self) -> usize {
        self.accounts.len() + self.copied
    }

    /// The accounts of all logins, in the order of login ids.
    pub fn accounts(&self) -> &[AccountId] {
        &self.accounts
    }

    /// Every copy as account, receiving login and the sequence of the command that added it, ordered by account.
    pub fn copies(&self) -> impl Iterator<Item = (AccountId, LoginId, u64)> + '_ {
        let by_account = (0..).map(AccountId).zip(&self.copies);
        by_account.flat_map(|(account, all)| all.iter().map(move |copied| (account, copied.to, copied.since)))
    }

    /// Rebuilds the table from saved data: the accounts of the logins, and the items of [`Audience::copies`], each in
    /// its order.
    pub fn restored(
        accounts: impl IntoIterator<Item = AccountId>,
        copies: impl IntoIterator<Item = (AccountId, LoginId, u64)>,
    ) -> Self {
        let mut restored = Self::default();
        accounts.into_iter().for_each(|account| restored.open(account));
        copies.into_iter().for_each(|(account, login, since)| restored.copy(account, login, since));
        restored
    }
}

/// The effect of an event on the message streams themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamChange {
    /// A login exists and its stream starts.
    LoginOpened {
        /// The login of the stream.
        login: LoginId,
        /// The login's account.
        account: AccountId,
    },
    /// From the next command on, a login gets copies of the messages of an account's logins.
    AccountCopied {
        /// The login that gets the copies.
        login: LoginId,
        /// The account whose messages are copied.
        account: AccountId,
    },
    /// The venue is in another session.
    Rolled {
        /// The new session.
        session: u32,
    },
    /// The stream of the login's session ended.
    Ended {
        /// The login of the stream.
        login: LoginId,
    },
    /// A new stream starts.
    Started {
        /// The login of the stream.
        login: LoginId,
        /// The session of the stream.
        session: u32,
    },
}

impl Event {
    /// The event's effect on streams; `None` if it is at most a message in them.
    #[inline]
    pub fn stream_change(&self) -> Option<StreamChange> {
        match *self {
            Event::Venue(VenueEvent::LoginOpened { login, account }) => {
                Some(StreamChange::LoginOpened { login, account })
            }
            Event::Venue(VenueEvent::AccountCopied { login, account }) => {
                Some(StreamChange::AccountCopied { login, account })
            }
            Event::Venue(VenueEvent::SessionRolled { session }) => Some(StreamChange::Rolled { session }),
            Event::Venue(VenueEvent::SessionEnded { login }) => Some(StreamChange::Ended { login }),
            Event::Venue(VenueEvent::SessionStarted { login, session }) => {
                Some(StreamChange::Started { login, session })
            }
            Event::Admin(
                AdminEvent::AssetAdded { .. }
                | AdminEvent::InstrumentListed(_)
                | AdminEvent::Deposited(_)
                | AdminEvent::Withdrawn(_)
                | AdminEvent::Refused { .. }
                | AdminEvent::MarkSet { .. }
                | AdminEvent::TermsSet(_)
                | AdminEvent::FeesSet(_)
                | AdminEvent::ProtectionSet { .. }
                | AdminEvent::OrderLimitsSet { .. }
                | AdminEvent::AssetSet(_)
                | AdminEvent::SelfTradeSet(_)
                | AdminEvent::TierSet { .. }
                | AdminEvent::VolumeTiersSet(_)
                | AdminEvent::Killed { .. }
                | AdminEvent::TransferReceived(_)
                | AdminEvent::TransferDone(_),
            )
            | Event::Contract(_)
            | Event::Venue(
                VenueEvent::AccountOpened { .. }
                | VenueEvent::ShardOpened { .. }
                | VenueEvent::Opened { .. }
                | VenueEvent::LimitsSet { .. }
                | VenueEvent::Checkpointed(_)
                | VenueEvent::RulesSet { .. }
                | VenueEvent::Led { .. },
            )
            | Event::Market(
                MarketEvent::PhaseSet { .. } | MarketEvent::Indicative(_) | MarketEvent::Uncrossed(_),
            )
            | Event::Order(
                OrderEvent::Accepted(_)
                | OrderEvent::Rejected(_)
                | OrderEvent::Replaced(_)
                | OrderEvent::Canceled(_)
                | OrderEvent::Executed(_)
                | OrderEvent::Ignored(_)
                | OrderEvent::ChangeRejected(_)
                | OrderEvent::Amended(_)
                | OrderEvent::Armed(_)
                | OrderEvent::Triggered(_)
                | OrderEvent::Restated(_)
                | OrderEvent::MassCanceled { .. }
                | OrderEvent::AccountState { .. }
                | OrderEvent::OrderEntrySet(_)
                | OrderEvent::OrderNamed(_)
                | OrderEvent::PriorityUpdated(_)
                | OrderEvent::TransferSent(_)
                | OrderEvent::IndexAnswered(_)
                | OrderEvent::WalletState(_)
                | OrderEvent::PositionState(_),
            ) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        CancelReason, Canceled, ContractEvent, Executed, FundPaid, FundingPaid, OrderId, PositionChanged,
        UserRef,
    };

    fn told(audience: &Audience, event: Event) -> Vec<(u32, Part, Option<u32>)> {
        let mut all = Vec::new();
        audience.each(&EventRecord { event, sequence: 10, ..EventRecord::default() }, |to| {
            all.push((to.login.0, to.part, to.copy_of.map(|(login, _)| login.0)));
        });
        all
    }

    fn note(audience: &mut Audience, sequence: u64, event: Event) {
        audience.note(&EventRecord { event, sequence, ..EventRecord::default() });
    }

    /// Logins 0 and 1 of account 1, login 2 of account 2, login 3 of account 3, which gets copies of accounts 1 and 3.
    fn audience() -> Audience {
        let mut audience = Audience::default();
        for (login, account) in [(0, 1), (1, 1), (2, 2), (3, 3)] {
            note(
                &mut audience,
                1,
                Event::Venue(VenueEvent::LoginOpened { login: LoginId(login), account: AccountId(account) }),
            );
        }
        for account in [1, 3] {
            let copied =
                Event::Venue(VenueEvent::AccountCopied { login: LoginId(3), account: AccountId(account) });
            note(&mut audience, 5, copied);
        }
        audience
    }

    fn trade(maker: u32, taker: u32) -> Event {
        let (maker_login, taker_login) = (LoginId(maker), LoginId(taker));
        Event::Order(OrderEvent::Executed(Executed { maker_login, taker_login, ..Executed::default() }))
    }

    #[test]
    fn copies_come_after_the_recipients_and_say_of_whom() {
        let audience = audience();
        let (maker, taker) = (Part::Maker, Part::Taker);
        assert_eq!(told(&audience, trade(0, 2)), [(0, maker, None), (2, taker, None), (3, maker, Some(0))]);
        let both = [(0, maker, None), (1, taker, None), (3, maker, Some(0)), (3, taker, Some(1))];
        assert_eq!(told(&audience, trade(0, 1)), both);
        assert_eq!(told(&audience, trade(2, 2)), [(2, maker, None), (2, taker, None)]);
    }

    #[test]
    fn nobody_gets_copies_of_its_own_or_of_sessions() {
        let audience = audience();
        let own = [(1, Part::Maker, None), (3, Part::Taker, None)];
        assert_eq!(told(&audience, trade(1, 3)), own, "it is told of this trade already");
        let started = Event::Venue(VenueEvent::SessionStarted { login: LoginId(1), session: 2 });
        assert_eq!(told(&audience, started), [(1, Part::Only, None)]);
        let canceled = Canceled {
            login: LoginId(1),
            user_ref: UserRef(1),
            order: OrderId(1),
            decrement: Default::default(),
            open: Default::default(),
            reserved: Default::default(),
            reason: CancelReason::Operator,
        };
        let copied = [(1, Part::Only, None), (3, Part::Only, Some(1))];
        assert_eq!(told(&audience, Event::Order(OrderEvent::Canceled(canceled))), copied);
    }

    #[test]
    fn what_an_account_is_told_comes_to_each_of_its_logins_once() {
        let audience = audience();
        let of = |account| {
            let account = AccountId(account);
            let changed = PositionChanged { account, ..PositionChanged::default() };
            [
                ContractEvent::PositionChanged(changed),
                ContractEvent::FundingPaid(FundingPaid { account, ..FundingPaid::default() }),
                ContractEvent::FundPaid(FundPaid { account, ..FundPaid::default() }),
            ]
        };
        let only = Part::Only;
        let expected = [
            (1, vec![(0, only, None), (1, only, None), (3, only, Some(0))]),
            (2, vec![(2, only, None)]),
            (3, vec![(3, only, None)]),
            (4, vec![]),
        ];
        for (account, messages) in expected {
            for event in of(account) {
                assert_eq!(told(&audience, Event::Contract(event)), messages, "{event:?}");
            }
        }
        let deficit = FundPaid { account: AccountId(1), ..FundPaid::default() };
        assert_eq!(told(&audience, Event::Contract(ContractEvent::InsuranceDeficit(deficit))), []);
    }

    #[test]
    fn the_table_can_be_written_down() {
        let audience = audience();
        let again = Audience::restored(audience.accounts().iter().copied(), audience.copies());
        let changed = PositionChanged { account: AccountId(1), ..PositionChanged::default() };
        let changed = Event::Contract(ContractEvent::PositionChanged(changed));
        assert_eq!(told(&again, changed), told(&audience, changed));
        assert_eq!(told(&again, trade(0, 1)), told(&audience, trade(0, 1)));
        assert_eq!(again.copies().count(), 2);
    }

    #[test]
    fn events_that_were_told_before_there_were_copies_have_none() {
        let audience = audience();
        for (sequence, messages) in [(4, 2), (5, 2), (6, 3)] {
            let mut count = 0;
            let record = EventRecord { event: trade(0, 2), sequence, ..EventRecord::default() };
            audience.each(&record, |_| count += 1);
            assert_eq!(count, messages, "of command {sequence}");
        }
    }
}
