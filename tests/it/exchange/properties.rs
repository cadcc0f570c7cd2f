//! Random sequences of commands, through the engine and through the naive exchange.

use super::apply;
use crate::support::naive::Naive;
use dojima::domain::{
    AccountId, Amount, AssetCode, AssetId, Cancel, ClOrdId, Command, Echo, Enter, Event, FeeRate,
    InstrumentId, ListInstrument, LoginId, LoginName, OrderPrice, Phase, Quantity, RefuseEnter,
    RefuseReplace, RejectReason, Replace, Side, Symbol, TimeInForce, Transfer, UserRef,
};
use dojima::exchange::{Exchange, ExchangeLimits, Order};
use proptest::prelude::*;
use std::ops::Range;

/// The resting orders that the exchanges of this test take: few, so that they run out.
pub(super) const ORDERS_MAX: u32 = 8;
/// Prices so near to one another that most orders trade.
pub(super) const FEW_TICKS: Range<u64> = 18..25;
pub(super) const ACCOUNTS: u32 = 4;
/// Login 0 trades for the fee account, 1 and 2 for the same account, 3 and 4 for one each; 5 does not exist.
pub(super) const LOGIN_ACCOUNTS: [u32; 5] = [0, 1, 1, 2, 3];
const ASSETS: u16 = 3;
const INSTRUMENTS: u32 = 2;

/// Which of its numbers a client puts on a message.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    /// The next one, or one further on.
    Fresh(u32),
    /// One of the last that it used, or 0.
    Again(u32),
    /// That of a live order, whosever it is, if there is one; the message then comes from its login.
    Live(u8),
}

/// One thing that a client or an operator does. Numbers are relative, so that a sequence stays meaningful when it is
/// made shorter.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Enter(Enter, Number),
    Replace(Replace, Number, Number),
    Cancel(LoginId, Number, u64),
    RefuseEnter(LoginId, Number, RejectReason),
    RefuseReplace(LoginId, Number, Number, RejectReason),
    Transfer(Transfer, bool, Number),
    SetTrading(u32, Phase),
    Other(Command),
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![30 => (1_u32..3).prop_map(Number::Fresh), 1 => (0_u32..6).prop_map(Number::Again)]
}

fn live_number() -> impl Strategy<Value = Number> {
    prop_oneof![
        30 => any::<u8>().prop_map(Number::Live),
        2 => (0_u32..8).prop_map(Number::Again),
        1 => Just(Number::Fresh(1)),
    ]
}

fn login() -> impl Strategy<Value = LoginId> {
    prop_oneof![30 => (0_u32..5).prop_map(LoginId), 1 => Just(LoginId(5))]
}

/// Prices around one place, so that orders meet; now and then one that breaks a rule or overflows.
fn price(ticks: Range<u64>) -> impl Strategy<Value = OrderPrice> {
    prop_oneof![
        60 => ticks.prop_map(|ticks| OrderPrice::Limit(ticks * 5)),
        8 => Just(OrderPrice::Market),
        2 => (1_u64..40).prop_map(|ticks| OrderPrice::Limit(ticks * 5)),
        1 => Just(OrderPrice::Limit(0)),
        1 => Just(OrderPrice::Limit(103)),
        1 => Just(OrderPrice::Limit(OrderPrice::LIMIT_END)),
        1 => Just(OrderPrice::Limit(OrderPrice::LIMIT_END - 2)),
        1 => Just(OrderPrice::Limit(u64::MAX)),
    ]
}

fn quantity() -> impl Strategy<Value = Quantity> {
    let any = prop_oneof![
        60 => 2_u64..20,
        5 => 20_u64..300,
        1 => 0_u64..2,
        1 => Just(u64::from(u32::MAX)),
        1 => Just(u64::MAX),
        1 => Just(1001_u64),
    ];
    any.prop_map(Quantity)
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

fn time_in_force() -> impl Strategy<Value = TimeInForce> {
    prop_oneof![5 => Just(TimeInForce::GoodTillCancel), 1 => Just(TimeInForce::ImmediateOrCancel)]
}

fn echo() -> impl Strategy<Value = Echo> {
    (any::<[u8; 14]>(), any::<[u8; 4]>(), any::<u8>(), any::<u8>()).prop_map(
        |(text, firm, capacity, cross)| Echo {
            cl_ord_id: ClOrdId(text),
            firm,
            capacity,
            cross_type: cross,
            ..Echo::default()
        },
    )
}

fn reason() -> impl Strategy<Value = RejectReason> {
    prop_oneof![
        Just(RejectReason::InvalidSide),
        Just(RejectReason::MalformedTag),
        Just(RejectReason::JournalSpaceLow),
    ]
}

fn transfer() -> impl Strategy<Value = Transfer> {
    let amount = prop_oneof![
        10 => 1_i64..2_000,
        1 => Just(0_i64),
        1 => Just(-5_i64),
        1 => Just(i64::MAX - 30_000),
        1 => Just(i64::MAX),
        1 => Just(i64::MIN),
    ];
    let account = prop_oneof![40 => 0_u32..ACCOUNTS, 1 => Just(ACCOUNTS)];
    let asset = prop_oneof![20 => 0_u16..ASSETS, 1 => Just(ASSETS)];
    (account, asset, amount).prop_map(|(account, asset, amount)| Transfer {
        account: AccountId(account),
        asset: AssetId(asset),
        amount: Amount(amount),
        reference: 0,
    })
}

fn enter(ticks: Range<u64>) -> impl Strategy<Value = Enter> {
    let instrument = prop_oneof![30 => 0_u32..INSTRUMENTS, 1 => Just(INSTRUMENTS)];
    (login(), instrument, side(), time_in_force(), price(ticks), quantity(), echo()).prop_map(
        |(login, instrument, side, time_in_force, price, quantity, echo)| Enter {
            login,
            user_ref: UserRef(0),
            instrument: InstrumentId(instrument),
            side,
            time_in_force,
            price,
            quantity,
            echo,
            instructions: None,
        },
    )
}

fn replace(ticks: Range<u64>) -> impl Strategy<Value = Replace> {
    (login(), time_in_force(), price(ticks), quantity(), echo()).prop_map(
        |(login, time_in_force, price, quantity, echo)| Replace {
            login,
            orig_user_ref: UserRef(0),
            user_ref: UserRef(0),
            time_in_force,
            price,
            quantity,
            echo,
            instructions: None,
        },
    )
}

fn other() -> impl Strategy<Value = Command> {
    prop_oneof![
        (0_u32..12).prop_map(|orders_max| Command::SetLimits { orders_max }),
        Just(Command::Open { config_digest: 7 }),
        Just(Command::AddAsset { asset: AssetId(9), code: AssetCode::default(), scale: 2 }),
        Just(Command::OpenAccount { account: AccountId(0) }),
        Just(Command::OpenLogin { login: LoginId(9), account: AccountId(0), name: LoginName::default() }),
    ]
}

pub(super) fn step(ticks: Range<u64>) -> impl Strategy<Value = Step> {
    let trading = prop_oneof![6 => Just(Phase::Continuous), 1 => Just(Phase::Closed)];
    prop_oneof![
        40 => (enter(ticks.clone()), number()).prop_map(|(enter, number)| Step::Enter(enter, number)),
        25 => (replace(ticks), live_number(), number()).prop_map(|(r, orig, number)| Step::Replace(r, orig, number)),
        10 => (login(), live_number(), prop_oneof![Just(0_u64), 1_u64..30, Just(u64::MAX)])
            .prop_map(|(login, number, to)| Step::Cancel(login, number, to)),
        2 => (login(), number(), reason()).prop_map(|(login, number, why)| Step::RefuseEnter(login, number, why)),
        2 => (login(), live_number(), number(), reason())
            .prop_map(|(login, orig, number, why)| Step::RefuseReplace(login, orig, number, why)),
        6 => (transfer(), any::<bool>(), number()).prop_map(|(t, inward, n)| Step::Transfer(t, inward, n)),
        1 => (0_u32..=INSTRUMENTS, trading).prop_map(|(which, trading)| Step::SetTrading(which, trading)),
        1 => other().prop_map(Step::Other),
    ]
}

/// Two instruments that share their quote asset; the lots of the second are so large that its sums overflow.
pub(super) fn opening(fees: [u32; 4]) -> Vec<Command> {
    let code = |text| AssetCode::new(text).expect("a code");
    let mut commands = vec![
        Command::AddAsset { asset: AssetId(0), code: code("COIN"), scale: 2 },
        Command::AddAsset { asset: AssetId(1), code: code("CASH"), scale: 2 },
        Command::AddAsset { asset: AssetId(2), code: code("WIDE"), scale: 18 },
    ];
    commands.extend((0..ACCOUNTS).map(|id| Command::OpenAccount { account: AccountId(id) }));
    for (id, account) in LOGIN_ACCOUNTS.into_iter().enumerate() {
        commands.push(Command::OpenLogin {
            login: LoginId(id as u32),
            account: AccountId(account),
            name: LoginName::default(),
        });
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
        maker_fee: FeeRate(fees[maker] as i32),
        taker_fee: FeeRate(fees[maker + 1] as i32),
        phase: Phase::Continuous,
        ..ListInstrument::default()
    };
    commands.push(Command::ListInstrument(terms(0, "COIN", 0, 100, 0)));
    // One tick of WIDE on the smallest lot that the rules allow is one cent; 46 such lots pass what an amount can hold.
    let wide = terms(1, "WIDE", 2, 2 * 10_i64.pow(17), 2);
    let max_quantity = Quantity(u64::from(u32::MAX));
    commands.push(Command::ListInstrument(ListInstrument { max_quantity, ..wide }));
    commands.push(Command::Open { config_digest: 1 });
    for (account, assets) in [
        (0, [0, 2_000, 0]),
        (1, [3_000, 60_000, i64::MAX / 4]),
        (2, [30_000, 8_000, i64::MAX / 4]),
        (3, [9_000, 4_000, 0]),
    ] {
        for (asset, amount) in assets.into_iter().enumerate().filter(|(_, amount)| *amount > 0) {
            let (asset, amount) = (AssetId(asset as u16), Amount(amount));
            let reference = u64::from(asset.0) + 1;
            commands.push(Command::Deposit(Transfer {
                account: AccountId(account),
                asset,
                amount,
                reference,
            }));
        }
    }
    commands
}

/// Turns steps into commands: knows the numbers that each client has used.
#[derive(Default)]
pub(super) struct Clients {
    last: [u32; 6],
    transfers: [u32; ACCOUNTS as usize + 1],
}

fn resolve(last: u32, number: Number) -> u32 {
    match number {
        Number::Fresh(ahead) => last + ahead,
        Number::Again(back) => last.saturating_sub(back),
        Number::Live(_) => last,
    }
}

impl Clients {
    pub(super) fn new() -> Self {
        // The opening's deposits have used the references up to 3.
        Self { last: [0; 6], transfers: [3; ACCOUNTS as usize + 1] }
    }

    /// The command of a step, given to this exchange.
    pub(super) fn command(&self, step: &Step, exchange: &Exchange) -> Command {
        let live = live_orders(exchange);
        let name = |login: LoginId, number: Number| match number {
            Number::Live(which) if !live.is_empty() => {
                let order = &live[usize::from(which) % live.len()];
                (order.login, order.user_ref)
            }
            other => (login, UserRef(resolve(self.last[login.0 as usize], other))),
        };
        match step.clone() {
            Step::Enter(enter, number) => {
                let (login, user_ref) = name(enter.login, number);
                Command::Enter(Enter { login, user_ref, ..enter })
            }
            Step::Replace(replace, orig, number) => {
                let (login, orig_user_ref) = name(replace.login, orig);
                let (_, user_ref) = name(login, number);
                Command::Replace(Replace { login, orig_user_ref, user_ref, ..replace })
            }
            Step::Cancel(login, number, to) => {
                let (login, user_ref) = name(login, number);
                Command::Cancel(Cancel { login, user_ref, quantity: Quantity(to) })
            }
            Step::RefuseEnter(login, number, reason) => {
                let (login, user_ref) = name(login, number);
                Command::RefuseEnter(RefuseEnter { login, user_ref, reason, cl_ord_id: ClOrdId::default() })
            }
            Step::RefuseReplace(login, orig, number, reason) => {
                let (login, orig_user_ref) = name(login, orig);
                let (_, user_ref) = name(login, number);
                Command::RefuseReplace(RefuseReplace {
                    login,
                    orig_user_ref,
                    user_ref,
                    reason,
                    cl_ord_id: ClOrdId::default(),
                })
            }
            Step::Transfer(transfer, inward, number) => {
                let last = self.transfers[transfer.account.0 as usize];
                let transfer = Transfer { reference: u64::from(resolve(last, number)), ..transfer };
                if inward { Command::Deposit(transfer) } else { Command::Withdraw(transfer) }
            }
            Step::SetTrading(which, trading) => {
                Command::SetPhase { instrument: InstrumentId(which), phase: trading }
            }
            Step::Other(command) => command,
        }
    }

    /// Takes note of the numbers that the events say are used.
    pub(super) fn note(&mut self, events: &[Event]) {
        for event in events {
            let (login, user_ref) = match event {
                Event::Accepted(e) => (e.login, e.user_ref),
                Event::Rejected(e) => (e.login, e.user_ref),
                Event::Replaced(e) => (e.login, e.user_ref),
                Event::Deposited(t) | Event::Withdrawn(t) => {
                    self.transfers[t.account.0 as usize] = t.reference as u32;
                    continue;
                }
                _ => continue,
            };
            self.last[login.0 as usize] = user_ref.0;
        }
    }
}

fn live_orders(exchange: &Exchange) -> Vec<Order> {
    let sides =
        (0..INSTRUMENTS).flat_map(|id| [(InstrumentId(id), Side::Buy), (InstrumentId(id), Side::Sell)]);
    sides.flat_map(|(id, side)| exchange.orders(id, side)).collect()
}

/// Cancels whatever rests.
pub(super) fn drain(exchange: &mut Exchange) {
    for order in live_orders(exchange) {
        let cancel = Cancel { login: order.login, user_ref: order.user_ref, quantity: Quantity(0) };
        apply(exchange, &Command::Cancel(cancel));
    }
}

pub(super) fn fees() -> impl Strategy<Value = [u32; 4]> {
    let rate =
        || prop_oneof![4 => Just(0_u32), 12 => 1_u32..5_000, 1 => Just(1_000_000), 1 => 0_u32..=1_000_000];
    [rate(), rate(), rate(), rate()]
}

/// Orders that mostly keep apart, bids below ticks 40 and asks above, so that the books grow deep; few are taken out.
fn deep_step() -> impl Strategy<Value = Step> {
    let enter = (1_u32..5, side(), 0_u64..35, 2_u64..5).prop_map(|(login, side, away, quantity)| {
        let ticks = if side == Side::Buy { 42 - away } else { 38 + away };
        let (login, quantity) = (LoginId(login), Quantity(quantity));
        let price = OrderPrice::Limit(ticks * 5);
        Step::Enter(Enter { login, side, price, quantity, ..Enter::default() }, Number::Fresh(1))
    });
    let cancel = any::<u8>().prop_map(|which| Step::Cancel(LoginId(1), Number::Live(which), 0));
    let replace = (any::<u8>(), replace(8..75))
        .prop_map(|(which, replace)| Step::Replace(replace, Number::Live(which), Number::Fresh(1)));
    prop_oneof![6 => enter, 1 => cancel, 2 => replace]
}

/// Gives the steps to both exchanges: every event, every balance and every book after every command; the audit; and
/// nothing reserved at the end.
fn compare(opening: &[Command], orders_max: u32, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut exchange = Exchange::new(ExchangeLimits { orders_max, ..ExchangeLimits::default() });
    let mut naive = Naive::new(orders_max as usize);
    let mut clients = Clients::new();
    for command in opening {
        let events = apply(&mut exchange, command);
        prop_assert!(!matches!(events[0], Event::Refused { .. }), "{command:?}: {events:?}");
        prop_assert_eq!(events, naive.apply(dojima::domain::Stamp::default(), command));
    }
    for step in steps {
        let command = clients.command(step, &exchange);
        let events = apply(&mut exchange, &command);
        prop_assert_eq!(
            &events,
            &naive.apply(dojima::domain::Stamp::default(), &command),
            "after {:?}",
            command
        );
        clients.note(&events);
        prop_assert_eq!(exchange.audit(), Ok(()), "after {:?}", command);
        super::compare::same_state(&exchange, &naive).map_err(TestCaseError::fail)?;
    }
    drain(&mut exchange);
    prop_assert_eq!(exchange.open_orders(), 0);
    for (account, asset) in (0..ACCOUNTS).flat_map(|account| (0..ASSETS).map(move |asset| (account, asset))) {
        let balance = exchange.balance(AccountId(account), AssetId(asset)).expect("known");
        prop_assert_eq!(balance.reserved, Amount(0));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_naive_exchange(
        fees in fees(),
        orders_max in prop_oneof![Just(ORDERS_MAX), Just(1_000)],
        steps in prop::collection::vec(step(FEW_TICKS), 1..200),
    ) {
        compare(&opening(fees), orders_max, &steps)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_naive_exchange_on_deep_books(steps in prop::collection::vec(deep_step(), 100..300)) {
        let mut opening = opening([100, 200, 0, 0]);
        opening.extend((1..ACCOUNTS).flat_map(|account| [(account, 0_u16), (account, 1)]).map(|(account, asset)| {
            let (account, amount) = (AccountId(account), Amount(10_000_000));
            let reference = 4 + u64::from(asset);
            Command::Deposit(Transfer { account, asset: AssetId(asset), amount, reference })
        }));
        compare(&opening, 1_000, &steps)?;
    }
}
