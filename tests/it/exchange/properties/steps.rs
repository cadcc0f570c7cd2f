//! What clients and operators do, in numbers that stay meaningful when a sequence is made shorter.

use super::contracts::{Told, Wish};
use dojima::domain::{
    AccountId, AdminCommand, AdminEvent, Amend, Amount, AssetCode, AssetId, Cancel, CancelFilter, ClOrdId,
    ClientName, Command, ContractCommand, Enter, Event, FeeAsset, FeeRate, Instructions, InstrumentId,
    ListInstrument, LoginId, LoginName, MassCancel, Modify, NameOrder, OrderCommand, OrderEvent, OrderId,
    Phase, Product, Quantity, RefuseEnter, RefuseReplace, RejectReason, Replace, SendIndex, SetIndex,
    SetOrderEntry, ShardId, ShardTransfer, Side, Stamp, Switch, Symbol, TimeInForce, Timestamp, Transfer,
    TransferOut, UserRef, VenueCommand, VenueEvent,
};
use dojima::exchange::{Exchange, Order};
use std::fmt;

pub const ACCOUNTS: u32 = 4;
/// Login 0 trades for the fee account, 1 and 2 for the same account, 3 and 4 for one each; 5 does not exist.
pub const LOGIN_ACCOUNTS: [u32; 5] = [0, 1, 1, 2, 3];
pub const ASSETS: u16 = 3;
/// What the opening lists; later steps may list more.
pub const INSTRUMENTS: u32 = 3;
/// An expire time from here on is so many seconds after the command's own.
pub const FROM_NOW: u32 = 1 << 31;
/// A link from here on is to some live order that it could be linked to, if there is one.
pub const SOME_ORDER: u32 = 1 << 31;

/// Which of its numbers a client puts on a message.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// The next one, or one further on.
    Fresh(u32),
    /// One of the last that it used, or 0.
    Again(u32),
    /// That of an open order, whosever it is, if there is one; the message then comes from its login.
    Live(u8),
}

/// One thing that a client or an operator does.
#[derive(Clone, Debug)]
pub enum Action {
    Enter(Enter, Number),
    Replace(Replace, Number, Number),
    Amend(LoginId, Number, Option<u32>, u64),
    Cancel(LoginId, Number, u64),
    MassCancel(Option<LoginId>, Number, CancelFilter),
    CancelOrder(Number),
    /// The new total; whether the side is the order's.
    Modify(LoginId, Number, u64, bool),
    OrderEntry(LoginId, Number, Switch),
    /// A name for the order of that number.
    Name(LoginId, Number),
    /// The session after the present one.
    RollSession,
    RefuseEnter(LoginId, Number, RejectReason),
    RefuseReplace(LoginId, Number, Number, RejectReason),
    Transfer(Transfer, bool, Number),
    /// A transfer to another shard: its number as a message, and its reference.
    TransferOut(TransferOut, Number, Number),
    /// The arrival of the transfer of that place among those on their way, or of one before or after it.
    TransferIn(u8, i8),
    /// The terms of a new instrument; its number is the next one.
    List(ListInstrument),
    /// About contracts.
    Contract(Wish),
    Other(Command),
    /// A message that was sent in another session than the login's present one: so many after it, modulo 2^32.
    Late(Box<Action>, u32),
}

/// An action, and how long after the one before it, nanoseconds.
#[derive(Clone)]
pub struct Step {
    pub wait: u64,
    pub action: Action,
}

/// On one line, however it is asked for: a list of steps is to be read.
impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after {} ns: {:?}", self.wait, self.action)
    }
}

/// Three instruments that share assets. The second one's lots are so large that its sums overflow; in the third one
/// each side pays out of what it receives.
pub fn opening(fees: [i32; 4]) -> Vec<Command> {
    let code = |text| AssetCode::new(text).expect("a code");
    let mut commands = vec![
        Command::Admin(AdminCommand::AddAsset { asset: AssetId(0), code: code("COIN"), scale: 2 }),
        Command::Admin(AdminCommand::AddAsset { asset: AssetId(1), code: code("CASH"), scale: 2 }),
        Command::Admin(AdminCommand::AddAsset { asset: AssetId(2), code: code("WIDE"), scale: 18 }),
    ];
    commands
        .extend((0..ACCOUNTS).map(|id| Command::Venue(VenueCommand::OpenAccount { account: AccountId(id) })));
    for (id, account) in LOGIN_ACCOUNTS.into_iter().enumerate() {
        commands.push(Command::Venue(VenueCommand::OpenLogin {
            login: LoginId(id as u32),
            account: AccountId(account),
            name: LoginName::default(),
        }));
    }
    let terms = |id: u32, symbol, base, lot, maker: usize| ListInstrument {
        instrument: InstrumentId(id),
        symbol: Symbol::new(symbol).expect("a symbol"),
        base: AssetId(base),
        quote: AssetId(1),
        price_decimals: 2,
        tick_units: 5,
        lot: Amount(lot),
        min_quantity: Quantity(2),
        max_quantity: Quantity(1000),
        min_notional: Amount(60),
        maker_fee: FeeRate(fees[maker]),
        taker_fee: FeeRate(fees[maker + 1]),
        fee_asset: FeeAsset::Quote,
        phase: Phase::Continuous,
        shard: ShardId::FIRST,
        product: Product::Spot,
    };
    commands.push(Command::Admin(AdminCommand::ListInstrument(terms(0, "COIN", 0, 100, 0))));
    // One tick of WIDE on the smallest lot that the rules allow is one cent; 46 such lots pass what an amount can hold.
    let wide = terms(1, "WIDE", 2, 2 * 10_i64.pow(17), 2);
    let max_quantity = Quantity(u64::from(u32::MAX));
    commands.push(Command::Admin(AdminCommand::ListInstrument(ListInstrument { max_quantity, ..wide })));
    let received = terms(2, "RECEIVED", 0, 200, 2);
    let [maker_fee, taker_fee] = [received.maker_fee, received.taker_fee].map(|fee| fee.max(FeeRate(0)));
    let fee_asset = FeeAsset::Received;
    commands.push(Command::Admin(AdminCommand::ListInstrument(ListInstrument {
        maker_fee,
        taker_fee,
        fee_asset,
        ..received
    })));
    commands.push(Command::Venue(VenueCommand::Open { config_digest: 1 }));
    for (account, assets) in [
        (0, [0, 2_000, 0]),
        (1, [3_000, 60_000, i64::MAX / 4]),
        (2, [30_000, 8_000, i64::MAX / 4]),
        (3, [9_000, 4_000, 0]),
    ] {
        for (asset, amount) in assets.into_iter().enumerate().filter(|(_, amount)| *amount > 0) {
            let (asset, amount) = (AssetId(asset as u16), Amount(amount));
            let reference = u64::from(asset.0) + 1;
            commands.push(Command::Admin(AdminCommand::Deposit(Transfer {
                account: AccountId(account),
                asset,
                amount,
                reference,
                shard: ShardId::FIRST,
            })));
        }
    }
    commands
}

/// Deposits that make everybody rich in coins and cash.
pub fn riches() -> impl Iterator<Item = Command> {
    (0..ACCOUNTS).flat_map(|account| [(account, 0_u16), (account, 1)]).map(|(account, asset)| {
        let (account, amount) = (AccountId(account), Amount(10_000_000));
        let reference = 4 + u64::from(asset);
        Command::Admin(AdminCommand::Deposit(Transfer {
            account,
            asset: AssetId(asset),
            amount,
            reference,
            shard: ShardId::FIRST,
        }))
    })
}

/// All open orders, those that wait included.
pub fn live_orders(exchange: &Exchange) -> Vec<Order> {
    let ids = (0..exchange.listings().count() as u32).map(InstrumentId);
    let of_one = |id| {
        let sides = [Side::Buy, Side::Sell].into_iter().flat_map(move |side| exchange.orders(id, side));
        sides.chain(exchange.dormant(id))
    };
    ids.flat_map(of_one).collect()
}

/// Turns steps into commands: knows the time, and the numbers that each client has used.
#[derive(Clone, Debug)]
pub struct Clients {
    now: u64,
    last: [u32; 6],
    transfers: [u32; ACCOUNTS as usize + 1],
    contracts: Told,
}

fn resolve(last: u32, number: Number) -> u32 {
    match number {
        Number::Fresh(ahead) => last + ahead,
        Number::Again(back) => last.saturating_sub(back),
        Number::Live(_) => last,
    }
}

impl Clients {
    pub fn new() -> Self {
        // The opening's deposits have used the references up to 3, the riches those up to 5.
        Self { now: 0, last: [0; 6], transfers: [5; ACCOUNTS as usize + 1], contracts: Told::default() }
    }

    /// The stamp and the command of a step, given to this exchange.
    pub fn command(&mut self, step: &Step, exchange: &Exchange) -> (Stamp, Command) {
        self.now += step.wait;
        let stamp = Stamp { sequence: 0, time: Timestamp(self.now) };
        (stamp, self.resolved(&step.action, exchange))
    }

    /// A client's message is of its login's present session, if nothing else is said.
    fn resolved(&mut self, action: &Action, exchange: &Exchange) -> Command {
        let (action, after) = match action {
            Action::Late(action, after) => (&**action, *after),
            present => (present, 0),
        };
        let command = self.made_out(action, exchange);
        let known = command.sender().and_then(|sender| exchange.logins().get(sender.login.0 as usize));
        known.map_or(command, |known| command.in_session(known.session.wrapping_add(after)))
    }

    fn made_out(&mut self, action: &Action, exchange: &Exchange) -> Command {
        let live = live_orders(exchange);
        let name = |login: LoginId, number: Number| match number {
            Number::Live(which) if !live.is_empty() => {
                let order = &live[usize::from(which) % live.len()];
                (order.login, order.user_ref)
            }
            other => (login, UserRef(resolve(self.last[login.0 as usize], other))),
        };
        match action.clone() {
            Action::Enter(enter, number) => {
                let (login, user_ref) = name(enter.login, number);
                let alike = |order: &&Order| {
                    let same_book = order.instrument == enter.instrument && order.side == enter.side;
                    order.login == login && same_book
                };
                let to_link: Vec<_> = live.iter().filter(alike).map(|order| order.user_ref).collect();
                let instructions = self.instructed(enter.instructions, enter.time_in_force, &to_link);
                Command::Order(OrderCommand::Enter(Enter { login, user_ref, instructions, ..enter }))
            }
            Action::Replace(replace, orig, number) => {
                let (login, orig_user_ref) = name(replace.login, orig);
                let (_, user_ref) = name(login, number);
                let instructions = self.instructed(replace.instructions, replace.time_in_force, &[]);
                Command::Order(OrderCommand::Replace(Replace {
                    login,
                    orig_user_ref,
                    user_ref,
                    instructions,
                    ..replace
                }))
            }
            Action::Amend(login, number, price, quantity) => {
                let (login, user_ref) = name(login, number);
                Command::Order(OrderCommand::Amend(Amend {
                    login,
                    session: 0,
                    user_ref,
                    price,
                    quantity: Quantity(quantity),
                }))
            }
            Action::Cancel(login, number, to) => {
                let (login, user_ref) = name(login, number);
                Command::Order(OrderCommand::Cancel(Cancel {
                    login,
                    session: 0,
                    user_ref,
                    quantity: Quantity(to),
                }))
            }
            Action::MassCancel(None, _, filter) => Command::Order(OrderCommand::MassCancel(MassCancel {
                login: None,
                session: 0,
                user_ref: UserRef(0),
                filter,
            })),
            Action::MassCancel(Some(login), number, filter) => {
                let user_ref = name(login, number).1;
                Command::Order(OrderCommand::MassCancel(MassCancel {
                    login: Some(login),
                    session: 0,
                    user_ref,
                    filter,
                }))
            }
            Action::CancelOrder(Number::Live(which)) if !live.is_empty() => {
                Command::Order(OrderCommand::CancelOrder { order: live[usize::from(which) % live.len()].id })
            }
            Action::Modify(login, number, to, same_side) => {
                let (login, user_ref) = name(login, number);
                let order = live.iter().find(|order| (order.login, order.user_ref) == (login, user_ref));
                let side = order.map_or(Side::Buy, |order| order.side);
                let side = if same_side { side } else { side.opposite() };
                Command::Order(OrderCommand::Modify(Modify {
                    login,
                    session: 0,
                    user_ref,
                    side,
                    quantity: Quantity(to),
                }))
            }
            Action::OrderEntry(login, number, switch) => {
                let user_ref = name(login, number).1;
                Command::Order(OrderCommand::SetOrderEntry(SetOrderEntry {
                    login,
                    session: 0,
                    user_ref,
                    firm: *b"FIRM",
                    switch,
                }))
            }
            Action::Name(login, number) => {
                let user_ref = name(login, number).1;
                let name = ClientName(*b"a name of all characters that it has");
                Command::Order(OrderCommand::NameOrder(NameOrder { login, session: 0, user_ref, name }))
            }
            Action::RollSession => {
                Command::Venue(VenueCommand::RollSession { session: exchange.session() + 1 })
            }
            Action::CancelOrder(number) => {
                Command::Order(OrderCommand::CancelOrder { order: OrderId(resolve(9, number).into()) })
            }
            Action::RefuseEnter(login, number, reason) => {
                let (login, user_ref) = name(login, number);
                Command::Order(OrderCommand::RefuseEnter(RefuseEnter {
                    login,
                    session: 0,
                    user_ref,
                    reason,
                    cl_ord_id: ClOrdId::default(),
                }))
            }
            Action::RefuseReplace(login, orig, number, reason) => {
                let (login, orig_user_ref) = name(login, orig);
                let (_, user_ref) = name(login, number);
                let cl_ord_id = ClOrdId::default();
                Command::Order(OrderCommand::RefuseReplace(RefuseReplace {
                    login,
                    session: 0,
                    orig_user_ref,
                    user_ref,
                    reason,
                    cl_ord_id,
                }))
            }
            Action::Transfer(transfer, inward, number) => {
                let last = self.transfers[transfer.account.0 as usize];
                let transfer = Transfer { reference: u64::from(resolve(last, number)), ..transfer };
                if inward {
                    Command::Admin(AdminCommand::Deposit(transfer))
                } else {
                    Command::Admin(AdminCommand::Withdraw(transfer))
                }
            }
            Action::TransferOut(out, number, reference) => {
                let user_ref = out.login.map_or(UserRef(0), |login| name(login, number).1);
                let last = self.transfers[out.account.0 as usize];
                let reference = u64::from(resolve(last, reference));
                Command::Order(OrderCommand::TransferOut(TransferOut { user_ref, reference, ..out }))
            }
            Action::TransferIn(which, off) => {
                let on_the_way: Vec<ShardTransfer> = exchange.in_flight().collect();
                let found = on_the_way.get(usize::from(which) % on_the_way.len().max(1)).copied();
                // Where nothing is on its way, one that nothing was before.
                let mut transfer = found.unwrap_or_default();
                if off != 0 && found.is_some() {
                    let last = on_the_way.iter().rfind(|other| other.to == transfer.to);
                    let number = match off < 0 {
                        true => {
                            on_the_way.iter().find(|other| other.to == transfer.to).map(|it| it.number - 1)
                        }
                        false => last.map(|it| it.number + off.unsigned_abs() as u64),
                    };
                    transfer.number = number.expect("it is among them");
                }
                Command::Admin(AdminCommand::TransferIn(transfer))
            }
            Action::List(terms) => {
                let instrument = InstrumentId(exchange.listings().count() as u32);
                Command::Admin(AdminCommand::ListInstrument(ListInstrument { instrument, ..terms }))
            }
            Action::Contract(wish) => match self.contracts.command(wish, self.now) {
                // Some prices come from a login, some of those again with a number that was used.
                Command::Contract(ContractCommand::SetIndex(set)) if set.price % 3 == 0 => {
                    let SetIndex { index, price, source_time } = set;
                    let login = LoginId(price % 2);
                    let user_ref = UserRef(self.last[login.0 as usize] + price % 5);
                    Command::Order(OrderCommand::SendIndex(SendIndex {
                        login,
                        session: 0,
                        user_ref,
                        index,
                        price,
                        source_time,
                    }))
                }
                command => command,
            },
            Action::Other(command) => command,
            Action::Late(action, _) => self.made_out(&action, exchange),
        }
    }

    /// Instructions with their times and links made out.
    fn instructed(
        &self,
        asks: Option<Instructions>,
        time_in_force: TimeInForce,
        to_link: &[UserRef],
    ) -> Option<Instructions> {
        let mut asks = asks?;
        if time_in_force == TimeInForce::GoodTillTime && asks.expire_s >= FROM_NOW {
            asks.expire_s = (self.now / Timestamp::SECOND) as u32 + (asks.expire_s - FROM_NOW);
        }
        if asks.oco.0 >= SOME_ORDER {
            let which = (asks.oco.0 - SOME_ORDER) as usize;
            asks.oco = to_link.get(which % to_link.len().max(1)).copied().unwrap_or_default();
        }
        if asks.book_by.0 > 0 {
            // A little before or after now.
            asks.book_by.0 = (self.now + asks.book_by.0).saturating_sub(3).max(1);
        }
        Some(asks)
    }

    /// Takes note of the numbers that the events say are used.
    pub fn note(&mut self, events: &[Event]) {
        events.iter().for_each(|event| self.contracts.note(event));
        for event in events {
            let (login, user_ref) = match event {
                Event::Order(OrderEvent::Accepted(e)) => (e.login, e.terms.user_ref),
                Event::Order(OrderEvent::Rejected(e)) => (e.login, e.user_ref),
                Event::Order(OrderEvent::Replaced(e)) => (e.login, e.terms.user_ref),
                Event::Order(OrderEvent::MassCanceled { login: Some(login), user_ref, .. }) => {
                    (*login, *user_ref)
                }
                Event::Order(OrderEvent::OrderEntrySet(e)) => (e.login, e.user_ref),
                Event::Order(OrderEvent::TransferSent(e)) => {
                    self.transfers[e.transfer.account.0 as usize] = e.reference as u32;
                    let Some(login) = e.login else { continue };
                    (login, e.user_ref)
                }
                Event::Order(OrderEvent::IndexAnswered(e)) => (e.login, e.user_ref),
                Event::Venue(VenueEvent::SessionStarted { login, .. }) => {
                    self.last[login.0 as usize] = 0;
                    continue;
                }
                Event::Admin(AdminEvent::Deposited(t) | AdminEvent::Withdrawn(t)) => {
                    self.transfers[t.account.0 as usize] = t.reference as u32;
                    continue;
                }
                _ => continue,
            };
            let last = &mut self.last[login.0 as usize];
            *last = user_ref.0.max(*last);
        }
    }
}
