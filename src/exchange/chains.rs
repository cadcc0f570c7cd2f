//! The open orders of each login, resting and dormant, by number: one chain through the slab per login. An order is
//! added at the end, because its number is the highest, and removed anywhere, in constant time.

use super::book::{Chained, Handle, NONE, OrderSlab};
use crate::domain::LoginId;

/// The chain of one login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LoginOrders {
    first: u32,
    last: u32,
    len: u32,
}

impl Default for LoginOrders {
    fn default() -> Self {
        Self { first: NONE, last: NONE, len: 0 }
    }
}

impl LoginOrders {
    /// The number of open orders.
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    /// The order with the lowest number.
    pub(super) fn first(&self) -> Option<Handle> {
        Handle::of(self.first)
    }

    /// Appends an order with a higher number than all others.
    #[inline]
    fn push(&mut self, orders: &mut OrderSlab, at: Handle) {
        self.insert(orders, at, self.last);
    }

    /// Inserts an order after another one; with [`NONE`], at the front.
    #[inline]
    fn insert(&mut self, orders: &mut OrderSlab, Handle(at): Handle, prev: u32) {
        let first = &mut self.first;
        let next = if prev == NONE {
            std::mem::replace(first, at)
        } else {
            std::mem::replace(&mut orders.chained[prev as usize].next, at)
        };
        let last = &mut self.last;
        *if next == NONE { last } else { &mut orders.chained[next as usize].prev } = at;
        orders.chained[at as usize] = Chained { prev, next };
        self.len += 1;
    }

    /// Removes an order, which is still in the slab.
    #[inline]
    fn remove(&mut self, orders: &mut OrderSlab, Handle(at): Handle) {
        let Chained { prev, next } = orders.chained[at as usize];
        let (first, last) = (&mut self.first, &mut self.last);
        *if prev == NONE { first } else { &mut orders.chained[prev as usize].next } = next;
        *if next == NONE { last } else { &mut orders.chained[next as usize].prev } = prev;
        self.len -= 1;
    }
}

/// The chains of all logins.
#[derive(Clone, Debug)]
pub(super) struct Chains {
    by_login: Vec<LoginOrders>,
    /// The order after which a released order returns to its login's chain; [`NONE`] for the front, or if no order is
    /// being released.
    comes_back_behind: u32,
}

impl Default for Chains {
    fn default() -> Self {
        Self { by_login: Vec::new(), comes_back_behind: NONE }
    }
}

impl Chains {
    /// Adds a login without orders.
    pub(super) fn add_login(&mut self) {
        self.by_login.push(LoginOrders::default());
    }

    /// The chain of a login.
    pub(super) fn of(&self, login: LoginId) -> &LoginOrders {
        &self.by_login[login.0 as usize]
    }

    /// The number of open orders of a login; 0 if the login does not exist.
    pub(super) fn len_of(&self, login: LoginId) -> u32 {
        self.by_login.get(login.0 as usize).map_or(0, LoginOrders::len)
    }

    /// The chains of this login and of all later ones.
    pub(super) fn from(&self, first: usize) -> &[LoginOrders] {
        &self.by_login[first..]
    }

    /// Appends an order with a higher number than all others.
    #[inline]
    pub(super) fn push(&mut self, orders: &mut OrderSlab, login: LoginId, at: Handle) {
        self.by_login[login.0 as usize].push(orders, at);
    }

    /// Returns a released order to its noted position.
    #[inline]
    pub(super) fn put_back(&mut self, orders: &mut OrderSlab, login: LoginId, at: Handle) {
        self.by_login[login.0 as usize].insert(orders, at, self.comes_back_behind);
    }

    /// Notes the position of an order that will be removed, matched, and returned under its number. It then returns to
    /// the same position, whichever neighbours are removed meanwhile.
    pub(super) fn note_place(&mut self, orders: &OrderSlab, at: Handle) {
        self.comes_back_behind = orders.chained[at.0 as usize].prev;
    }

    /// Moves an order that received the highest number to the end.
    #[inline]
    pub(super) fn move_last(&mut self, orders: &mut OrderSlab, login: LoginId, at: Handle) {
        if orders.chained[at.0 as usize].next != NONE {
            let chain = &mut self.by_login[login.0 as usize];
            chain.remove(orders, at);
            chain.push(orders, at);
        }
    }

    /// Removes an order that will no longer be open. It is still in the slab.
    #[inline]
    pub(super) fn remove(&mut self, orders: &mut OrderSlab, login: LoginId, at: Handle) {
        if at.0 == self.comes_back_behind {
            self.note_place(orders, at);
        }
        self.by_login[login.0 as usize].remove(orders, at);
    }
}

/// The open order of the same login with the next higher number.
pub(super) fn after(orders: &OrderSlab, at: Handle) -> Option<Handle> {
    #[cfg(test)]
    super::steps::count();
    Handle::of(orders.chained[at.0 as usize].next)
}

#[cfg(test)]
mod tests {
    use crate::domain::{
        AccountId, AdminCommand, Amount, AssetCode, AssetId, CancelFilter, Command, Enter, Instructions,
        InstrumentId, KillScope, ListInstrument, LoginId, LoginName, MassCancel, OrderCommand, OrderPrice,
        Owner, Phase, Price, Quantity, SelfTrade, SelfTradePrevention, ShardId, Side, Stamp, Switch, Symbol,
        Transfer, Trigger, TriggerKind, TriggerReference, UserRef, VenueCommand, VenueLimits,
    };
    use crate::exchange::{Exchange, ExchangeLimits, steps};

    const OWN: u64 = 10;

    /// An exchange with two logins of one account and one of another, which has `others` orders; the first two have
    /// [`OWN`] each. All are buys at alternating prices.
    fn venue(others: u32) -> Exchange {
        let limits = VenueLimits::of_few_accounts(others + 4 * OWN as u32);
        let mut exchange = Exchange::new(ExchangeLimits { limits, ..ExchangeLimits::default() });
        let mut events = Vec::new();
        let mut send = |command: &Command| {
            events.clear();
            exchange.apply(Stamp::default(), command, &mut events);
            assert_eq!(events.len(), 1, "{command:?}: {events:?}");
        };
        for (asset, code) in [(0, "BASE"), (1, "QUOTE")] {
            let code = AssetCode::new(code).expect("a code");
            send(&Command::Admin(AdminCommand::AddAsset { asset: AssetId(asset), code, scale: 0 }));
        }
        (0..3).for_each(|account| {
            send(&Command::Venue(VenueCommand::OpenAccount { account: AccountId(account) }))
        });
        for (login, account) in [(0, 1), (1, 1), (2, 2)] {
            let (login, account) = (LoginId(login), AccountId(account));
            send(&Command::Venue(VenueCommand::OpenLogin { login, account, name: LoginName::default() }));
        }
        for account in [1, 2].map(AccountId) {
            let (asset, amount) = (AssetId(1), Amount(1_000_000_000));
            send(&Command::Admin(AdminCommand::Deposit(Transfer {
                account,
                asset,
                amount,
                reference: 1,
                shard: ShardId::FIRST,
            })));
        }
        send(&Command::Admin(AdminCommand::ListInstrument(ListInstrument {
            symbol: Symbol::new("ONE").expect("a symbol"),
            base: AssetId(0),
            quote: AssetId(1),
            tick_units: 1,
            lot: Amount(1),
            min_quantity: Quantity(1),
            max_quantity: Quantity(100),
            phase: Phase::Continuous,
            ..ListInstrument::default()
        })));
        let all = (0..others).map(|_| 2).chain((0..OWN).flat_map(|_| [0, 1]));
        for (user_ref, login) in (1..).zip(all) {
            send(&Command::Order(OrderCommand::Enter(Enter {
                login: LoginId(login),
                user_ref: UserRef(user_ref),
                side: Side::Buy,
                price: OrderPrice::Limit(i64::from(10 + user_ref % 7)),
                quantity: Quantity(1),
                ..Enter::default()
            })));
        }
        exchange
    }

    /// The numbers in a chain.
    fn chained(exchange: &Exchange, login: LoginId) -> Vec<u64> {
        let first = exchange.shared.first_of(login);
        let chained = std::iter::successors(first, |at| exchange.shared.after_of_login(*at));
        chained.map(|at| exchange.shared.orders.hot(at).id.0).collect()
    }

    /// Also if the previous order is removed while it is matched.
    #[test]
    fn a_released_order_comes_back_to_its_place() {
        let mut exchange = venue(0);
        let (login, mut events) = (LoginId(0), Vec::new());
        let transfer = Transfer {
            account: AccountId(1),
            asset: AssetId(0),
            amount: Amount(100),
            reference: 2,
            shard: ShardId::FIRST,
        };
        exchange.apply(Stamp::default(), &Command::Admin(AdminCommand::Deposit(transfer)), &mut events);
        let trigger = Trigger { kind: TriggerKind::Stop, reference: TriggerReference::MarkPrice, price: 50 };
        let oldest = SelfTradePrevention { mode: SelfTrade::CancelOldest, owner: Owner::Account };
        let stop =
            Instructions { trigger: Some(trigger), self_trade: Some(oldest), ..Instructions::default() };
        // Numbers 21 to 25: the second meets the first when it is released; the fourth meets nothing.
        for (user_ref, side, ticks, instructions) in [
            (101, Side::Sell, 20, None),
            (102, Side::Buy, 20, Some(stop)),
            (103, Side::Buy, 10, None),
            (104, Side::Buy, 10, Some(stop)),
            (105, Side::Buy, 10, None),
        ] {
            let (user_ref, price) = (UserRef(user_ref), OrderPrice::Limit(ticks));
            let quantity = Quantity(1);
            let enter = Enter { login, user_ref, side, price, quantity, instructions, ..Enter::default() };
            exchange.apply(Stamp::default(), &Command::Order(OrderCommand::Enter(enter)), &mut events);
        }
        let before = chained(&exchange, login);
        assert_eq!(before[OWN as usize..], [21, 22, 23, 24, 25]);
        let mark = Command::Admin(AdminCommand::SetMark { instrument: InstrumentId(0), price: Price(50) });
        exchange.apply(Stamp::default(), &mark, &mut events);
        assert_eq!(chained(&exchange, login)[OWN as usize..], [22, 23, 24, 25]);
        assert_eq!(exchange.dormant(InstrumentId(0)).count(), 0);
        assert_eq!(exchange.audit(), Ok(()));
    }

    fn steps_of(exchange: &mut Exchange, command: &Command) -> u64 {
        steps::of(|| exchange.apply(Stamp::default(), command, &mut Vec::new()))
    }

    /// Only the cancelled orders are read, however many orders others have.
    #[test]
    fn a_cancel_of_many_looks_at_the_orders_of_the_logins_that_it_means() {
        let of_login = CancelFilter { login: Some(LoginId(0)), ..CancelFilter::default() };
        let of_account = CancelFilter { account: Some(AccountId(1)), ..CancelFilter::default() };
        let operators =
            |filter| Command::Order(OrderCommand::MassCancel(MassCancel { filter, ..MassCancel::default() }));
        let clients =
            MassCancel { login: Some(LoginId(1)), user_ref: UserRef(1 << 20), ..MassCancel::default() };
        let kill = Command::Admin(AdminCommand::Kill {
            scope: KillScope::Account(AccountId(1)),
            switch: Switch::On,
        });
        for (command, expected) in [
            (operators(of_login), OWN),
            (operators(of_account), 2 * OWN),
            (Command::Order(OrderCommand::MassCancel(clients)), 2 * OWN),
            (kill, 2 * OWN),
        ] {
            for others in [0, 10, 10_000] {
                let mut exchange = venue(others);
                assert_eq!(steps_of(&mut exchange, &command), expected, "{command:?}");
                let left = u64::from(others) + 2 * OWN - expected;
                assert_eq!(exchange.open_orders() as u64, left, "{command:?}");
            }
        }
    }

    /// An operator's cancel in one instrument walks its book and no chain.
    #[test]
    fn a_cancel_in_an_instrument_walks_no_chain() {
        let mut exchange = venue(10);
        let filter = CancelFilter { instrument: Some(InstrumentId(0)), ..CancelFilter::default() };
        let command =
            Command::Order(OrderCommand::MassCancel(MassCancel { filter, ..MassCancel::default() }));
        assert_eq!(steps_of(&mut exchange, &command), 0);
        assert_eq!(exchange.open_orders(), 0);
    }
}
