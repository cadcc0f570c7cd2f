//! What traders, operators and the source of the index do, in numbers that stay meaningful when a sequence is made shorter.

use super::super::values::{Taste, Wish, prevention, wish};
use super::venue::{
    ACCOUNTS, ASSETS, CONTRACTS, FIRST_PRICE, INDEX, INVERSE, LINEAR, LOGIN_ACCOUNTS, Setting, risk, terms,
    tiers,
};
use crate::support::naive::{Naive, Order};
use dojima::domain::{
    AccountId, AccountSelfTrade, AdminCommand, AdminEvent, Amend, Amount, AssetId, Cancel, CancelFilter,
    ClockCommand, Command, ContractCommand, ContractEvent, DepositFund, Effect, Enter, Event, FeeRate,
    FeeTier, FundCause, GroupId, Instructions, InstrumentId, LeverageSet, LimitScope, LoginId, MarginMode,
    MarginModeSet, MarginMoved, MassCancel, Modify, MoveMargin, OrderCommand, OrderEvent, OrderLimits,
    OrderPrice, OwnerCommand, Phase, PositionLeg, Ppm, Price, Protection, Quantity, QueryAccount,
    QueryWallet, Question, Replace, SetContractRisk, SetFees, SetIndex, SetLeverage, SetMarginMode, SetTerms,
    Setter, ShardId, ShardTransfer, Side, Stamp, TimeInForce, Timestamp, Transfer, TransferOut, TriggerKind,
    TriggerReference, UserRef,
};
use proptest::prelude::*;
use proptest::strategy::Union;

const SECOND: u64 = Timestamp::SECOND;
/// An expire time from here on is so many seconds after the command's own.
const FROM_NOW: u32 = super::super::steps::FROM_NOW;

#[derive(Clone, Debug)]
pub enum Act {
    Enter(LoginId, InstrumentId, Wish),
    /// One of the open orders, if there is one.
    Replace(u8, Wish),
    Amend(u8, Option<u32>, u64),
    Cancel(u8, u64),
    Modify(u8, u64),
    /// An index price, made so many nanoseconds before the command.
    Index(u32, u64),
    /// In, or out if it is below 0, of the account of a trader.
    Transfer(u32, AssetId, i64),
    /// From a trader's wallet in the first shard to that in the second, or back.
    Send(u32, AssetId, i64, [u8; 2]),
    /// The first transfer on its way arrives.
    Arrive,
    /// A deposit into a fund.
    Fund(AssetId, i64),
    /// So many ticks in the last half hour before a contract expires, all over it.
    LastHalfHour(InstrumentId, u16),
    /// What an owner sets, by a login or by an operator.
    Set(Option<LoginId>, OwnerCommand),
    Other(Command),
}

#[derive(Clone)]
pub struct Move {
    pub wait: u64,
    pub act: Act,
}

impl std::fmt::Debug for Move {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Move {{ wait: {}, act: {:?} }}", self.wait, self.act)
    }
}

/// Turns moves into commands: knows the time, and the numbers that were used.
pub struct Traders {
    setting: Setting,
    now: u64,
    /// What of the next move's time has passed already.
    waited: u64,
    used: [u32; LOGIN_ACCOUNTS.len()],
    /// By shard and trader.
    transfers: [[u64; ACCOUNTS as usize]; 2],
    funds: [u64; ASSETS.len()],
}

impl Traders {
    pub fn new(setting: Setting) -> Self {
        let (used, transfers) = ([0; LOGIN_ACCOUNTS.len()], [[9; ACCOUNTS as usize]; 2]);
        Self { setting, now: 0, waited: 0, used, transfers, funds: [0; ASSETS.len()] }
    }

    fn stamp(&self) -> Stamp {
        Stamp { sequence: 0, time: Timestamp(self.now) }
    }

    fn index(&self, price: u32, age: u64) -> Command {
        let source_time = Timestamp(self.now.saturating_sub(age));
        Command::Contract(ContractCommand::SetIndex(SetIndex { index: INDEX, price, source_time }))
    }

    /// The commands that lead to that of the move.
    pub fn before(&mut self, step: &Move) -> Vec<(Stamp, Command)> {
        // After a long time there is a price of the index first, as a rule.
        if self.setting.dated && step.wait > 9 * SECOND && !step.wait.is_multiple_of(5) {
            self.waited = step.wait - 1;
            self.now += self.waited;
            return vec![(self.stamp(), self.index(735 + (step.wait % 30) as u32, 0))];
        }
        let Act::LastHalfHour(instrument, ticks) = step.act else { return Vec::new() };
        let expiry = u64::from(terms(instrument).expiry) * SECOND;
        let begin = expiry - 1_800 * SECOND;
        let pause = 1_800 * SECOND / u64::from(ticks).max(1);
        let mut commands = Vec::new();
        for tick in 0..u64::from(ticks) {
            let time = begin + tick * pause;
            if time < self.now {
                continue;
            }
            self.now = time;
            if tick % 4 == 0 || pause > 2 * SECOND {
                commands.push((self.stamp(), self.index(740 + (tick * 7 % 20) as u32, 0)));
            }
            commands.push((self.stamp(), Command::Clock(ClockCommand::Tick)));
        }
        commands
    }

    /// The command of a move; one transfer is on its way, if any is.
    pub fn command(
        &mut self,
        step: &Move,
        naive: &Naive,
        on_its_way: Option<ShardTransfer>,
    ) -> (Stamp, Command) {
        self.now += step.wait - std::mem::take(&mut self.waited);
        let stamp = self.stamp();
        let open = naive.open_orders();
        let one = |which: u8| (!open.is_empty()).then(|| open[usize::from(which) % open.len()]);
        let made = match &step.act {
            Act::Enter(login, instrument, wish) => {
                let wish = near_mark(*wish, mark_moved(naive, *instrument));
                let account = self.setting.owner(*login);
                let wish = to_reduce(wish, naive.position(account, *instrument).0);
                Some(self.enter(*login, *instrument, wish, &open))
            }
            Act::Replace(which, wish) => one(*which).map(|order| {
                let wish = near_mark(*wish, mark_moved(naive, order.instrument));
                self.replace(order, wish)
            }),
            Act::Amend(which, price, quantity) => one(*which).map(|order| {
                OrderCommand::Amend(Amend {
                    login: order.login,
                    session: 0,
                    user_ref: order.user_ref,
                    price: price.map(|units| shifted(units, mark_moved(naive, order.instrument))),
                    quantity: Quantity(*quantity),
                })
            }),
            Act::Cancel(which, quantity) => one(*which).map(|order| {
                OrderCommand::Cancel(Cancel {
                    login: order.login,
                    session: 0,
                    user_ref: order.user_ref,
                    quantity: Quantity(*quantity),
                })
            }),
            Act::Modify(which, quantity) => one(*which).map(|order| {
                OrderCommand::Modify(Modify {
                    login: order.login,
                    session: 0,
                    user_ref: order.user_ref,
                    side: order.side,
                    quantity: Quantity(*quantity),
                })
            }),
            Act::Index(price, age) => return (stamp, self.index(*price, *age)),
            Act::Transfer(trader, asset, amount) => {
                let reference = self.transfers[0][*trader as usize] + 1;
                let (account, asset, shard) = (self.setting.account(*trader), *asset, ShardId::FIRST);
                let of = Transfer { account, asset, amount: Amount(amount.abs()), reference, shard };
                let inward = *amount > 0;
                let command = if inward { AdminCommand::Deposit(of) } else { AdminCommand::Withdraw(of) };
                return (stamp, Command::Admin(command));
            }
            Act::Send(trader, asset, amount, [from, to]) => {
                let reference = self.transfers[usize::from(*from)][*trader as usize] + 1;
                let (account, asset, amount) = (self.setting.account(*trader), *asset, Amount(*amount));
                let (from, to) = (ShardId(*from), ShardId(*to));
                let none = TransferOut::default();
                Some(OrderCommand::TransferOut(TransferOut {
                    login: None,
                    account,
                    asset,
                    amount,
                    from,
                    to,
                    reference,
                    ..none
                }))
            }
            Act::Arrive => {
                let tick = Command::Clock(ClockCommand::Tick);
                let arrives = |transfer| Command::Admin(AdminCommand::TransferIn(transfer));
                return (stamp, on_its_way.map_or(tick, arrives));
            }
            Act::Fund(asset, amount) => {
                let reference = self.funds[usize::from(asset.0)] + 1;
                let (asset, amount, shard) = (*asset, Amount(*amount), ShardId::FIRST);
                let deposit = DepositFund { asset, shard, amount, reference };
                return (stamp, Command::Contract(ContractCommand::DepositFund(deposit)));
            }
            Act::LastHalfHour(..) => None,
            Act::Set(login, command) => {
                let mut command = *command;
                if let Some(login) = *login {
                    let setter = command.setter_mut();
                    (setter.login, setter.user_ref) = (Some(login), self.next_ref(login));
                }
                return (stamp, Command::Owner(command));
            }
            Act::Other(command) => return (stamp, self.of_its_account(*command)),
        };
        (stamp, made.map_or(Command::Clock(ClockCommand::Tick), Command::Order))
    }

    /// The same command, of an account as the setting numbers it.
    fn of_its_account(&self, mut command: Command) -> Command {
        match &mut command {
            Command::Order(OrderCommand::MassCancel(MassCancel {
                filter: CancelFilter { account: Some(account), .. },
                ..
            }))
            | Command::Admin(
                AdminCommand::SetOrderLimits { scope: LimitScope::Account(account), .. }
                | AdminCommand::SetSelfTrade(AccountSelfTrade { account, .. })
                | AdminCommand::AssignTier { account, .. },
            ) => *account = self.setting.account(account.0),
            _ => {}
        }
        command
    }

    fn next_ref(&self, login: LoginId) -> UserRef {
        UserRef(self.used[login.0 as usize] + 1)
    }

    fn enter(&self, login: LoginId, instrument: InstrumentId, wish: Wish, open: &[&Order]) -> OrderCommand {
        let (side, price, time_in_force, quantity, asks) = wish;
        let alike =
            |order: &&&Order| (order.login, order.instrument, order.side) == (login, instrument, side);
        let to_link: Vec<UserRef> = open.iter().filter(alike).map(|order| order.user_ref).collect();
        let instructions = asks.map(|asks| self.instructed(asks, time_in_force, &to_link));
        let user_ref = self.next_ref(login);
        OrderCommand::Enter(Enter {
            login,
            user_ref,
            instrument,
            side,
            time_in_force,
            price,
            quantity,
            instructions,
            ..Enter::default()
        })
    }

    fn replace(&self, order: &Order, wish: Wish) -> OrderCommand {
        let (_, price, time_in_force, quantity, asks) = wish;
        OrderCommand::Replace(Replace {
            login: order.login,
            orig_user_ref: order.user_ref,
            user_ref: self.next_ref(order.login),
            time_in_force,
            price,
            quantity,
            instructions: asks.map(|asks| self.instructed(asks, time_in_force, &[])),
            ..Replace::default()
        })
    }

    /// Instructions with their times and links made out.
    fn instructed(&self, mut asks: Instructions, time: TimeInForce, to_link: &[UserRef]) -> Instructions {
        if time == TimeInForce::GoodTillTime && asks.expire_s >= FROM_NOW {
            asks.expire_s = (self.now / SECOND) as u32 + (asks.expire_s - FROM_NOW);
        }
        if asks.oco != UserRef(0) {
            asks.oco = to_link.get(asks.oco.0 as usize % to_link.len().max(1)).copied().unwrap_or_default();
        }
        asks
    }

    pub fn note(&mut self, events: &[Event]) {
        for event in events {
            let (login, user_ref) = match event {
                Event::Order(OrderEvent::Accepted(e)) => (e.login, e.terms.user_ref),
                Event::Order(OrderEvent::Rejected(e)) => (e.login, e.user_ref),
                Event::Order(OrderEvent::Replaced(e)) => (e.login, e.terms.user_ref),
                Event::Contract(
                    ContractEvent::LeverageSet(LeverageSet { by, .. })
                    | ContractEvent::MarginModeSet(MarginModeSet { by, .. })
                    | ContractEvent::MarginMoved(MarginMoved { by, .. }),
                ) => match by.login {
                    Some(login) => (login, by.user_ref),
                    None => continue,
                },
                Event::Admin(AdminEvent::Deposited(t) | AdminEvent::Withdrawn(t)) => {
                    self.transfers[0][self.setting.trader(t.account)] = t.reference;
                    continue;
                }
                Event::Order(OrderEvent::TransferSent(sent)) => {
                    let (from, account) = (sent.transfer.from.0, sent.transfer.account);
                    self.transfers[usize::from(from)][self.setting.trader(account)] = sent.reference;
                    continue;
                }
                Event::Contract(ContractEvent::FundChanged(fund)) => {
                    if fund.cause == FundCause::Deposit {
                        self.funds[usize::from(fund.asset.0)] = fund.reference;
                    }
                    continue;
                }
                _ => continue,
            };
            let used = &mut self.used[login.0 as usize];
            *used = user_ref.0.max(*used);
        }
    }
}

/// How far the mark is from the first one, price units.
fn mark_moved(naive: &Naive, instrument: InstrumentId) -> i64 {
    let [_, mark, _] = naive.prices(instrument);
    let tick = i64::from(naive.listings()[instrument.0 as usize].tick_units);
    mark.map_or(0, |mark| mark.0 * tick - i64::from(FIRST_PRICE))
}

fn shifted(units: u32, by: i64) -> u32 {
    u32::try_from(i64::from(units) + by).unwrap_or(units)
}

/// Prices are as far from the mark as they were from the first one. What is no price stays none.
fn near_mark((side, price, time, quantity, mut asks): Wish, by: i64) -> Wish {
    let price = match price {
        OrderPrice::Limit(units @ 1..10_000) => OrderPrice::Limit(units + by),
        other => other,
    };
    if let Some(trigger) = asks.as_mut().and_then(|asks| asks.trigger.as_mut())
        && trigger.kind != TriggerKind::TrailingStop
    {
        trigger.price = shifted(trigger.price, by);
    }
    (side, price, time, quantity, asks)
}

/// What is to reduce is of the side that does, but for one in four; where there is nothing it opens.
fn to_reduce((mut side, price, time, quantity, mut asks): Wish, lots: i128) -> Wish {
    let reduces = asks.as_mut().filter(|asks| asks.effect == Effect::ReduceOnly);
    if let Some(asks) = reduces.filter(|_| quantity.0 % 4 != 0) {
        match lots.signum() {
            1 => side = Side::Sell,
            -1 => side = Side::Buy,
            _ => asks.effect = Effect::Any,
        }
    }
    (side, price, time, quantity, asks)
}

/// Mostly of an account that has little.
fn login() -> impl Strategy<Value = LoginId> {
    prop_oneof![1 => 0_u32..3, 3 => 3_u32..LOGIN_ACCOUNTS.len() as u32].prop_map(LoginId)
}

fn account() -> impl Strategy<Value = AccountId> {
    (0..ACCOUNTS).prop_map(AccountId)
}

fn instrument() -> impl Strategy<Value = InstrumentId> {
    prop_oneof![Just(LINEAR), Just(INVERSE)]
}

/// Orders of this taste, of which so many in a hundred may only reduce. Amounts are for the linear one.
pub fn order(taste: &Taste, reduce: u32) -> BoxedStrategy<Wish> {
    let effect = prop_oneof![100 - reduce => Just(Effect::Any), reduce => Just(Effect::ReduceOnly)];
    (wish(taste), effect)
        .prop_map(|((side, price, time, quantity, asks), effect)| {
            let mut asks = asks.unwrap_or_default();
            asks.effect = effect;
            // Of those that watch the mark half watch the index.
            if let Some(trigger) = &mut asks.trigger
                && trigger.reference == TriggerReference::MarkPrice
                && quantity.0 % 2 == 0
            {
                trigger.reference = TriggerReference::IndexPrice;
            }
            let asks = (asks != Instructions::default()).then_some(asks);
            (side, price, time, quantity, asks)
        })
        .boxed()
}

fn other(command: impl Strategy<Value = Command> + 'static) -> BoxedStrategy<Act> {
    command.prop_map(Act::Other).boxed()
}

fn admin(command: impl Strategy<Value = AdminCommand> + 'static) -> BoxedStrategy<Act> {
    other(command.prop_map(Command::Admin))
}

/// What clients do with orders of this taste.
pub fn orders(taste: &Taste, reduce: u32) -> Vec<(u32, BoxedStrategy<Act>)> {
    orders_of(taste, reduce, instrument().boxed())
}

/// Any of the contracts, dated ones too.
pub fn any_contract() -> BoxedStrategy<InstrumentId> {
    prop::sample::select(CONTRACTS.to_vec()).boxed()
}

pub fn orders_of(
    taste: &Taste,
    reduce: u32,
    of: BoxedStrategy<InstrumentId>,
) -> Vec<(u32, BoxedStrategy<Act>)> {
    let enter = (login(), of, order(taste, reduce)).prop_map(|(l, i, wish)| Act::Enter(l, i, wish));
    let replacing = Taste { oco: 0, money: 0, ..taste.clone() };
    let replace =
        (any::<u8>(), order(&replacing, reduce)).prop_map(|(which, wish)| Act::Replace(which, wish));
    let price = prop::option::weighted(0.5, taste.ticks.clone().prop_map(|ticks| ticks as u32 * 5));
    let amend = (any::<u8>(), price, 1_u64..40).prop_map(|(which, price, to)| Act::Amend(which, price, to));
    let cancel = (any::<u8>(), prop_oneof![1 => Just(0_u64), 2 => 1_u64..20]);
    let modify = (any::<u8>(), 1_u64..20).prop_map(|(which, to)| Act::Modify(which, to));
    let mass = (instrument(), prop::option::of(account())).prop_map(|(instrument, account)| {
        Command::Order(OrderCommand::MassCancel(MassCancel {
            login: None,
            session: 0,
            user_ref: UserRef(0),
            filter: CancelFilter { instrument: Some(instrument), account, ..CancelFilter::default() },
        }))
    });
    let balance = (0..ASSETS.len()).prop_map(|asset| Question::Balance(ASSETS[asset]));
    let asks = prop_oneof![1 => balance, 3 => instrument().prop_map(Question::Position)];
    let query = (login(), asks).prop_map(|(login, asks)| match asks {
        Question::Balance(asset) if asset.0 % 2 == 0 => {
            let query = QueryWallet { login, session: 0, shard: ShardId::FIRST, asset };
            Command::Order(OrderCommand::QueryWallet(query))
        }
        asks => {
            let query = QueryAccount { login, session: 0, cancel_after_ms: None, asks };
            Command::Order(OrderCommand::QueryAccount(query))
        }
    });
    vec![
        (70, enter.boxed()),
        (14, replace.boxed()),
        (8, amend.boxed()),
        (5, cancel.prop_map(|(which, to)| Act::Cancel(which, to)).boxed()),
        (3, modify.boxed()),
        (1, other(mass)),
        (3, other(query)),
    ]
}

/// Prices that move the marks, some of them by much: so many in a hundred.
pub fn index(far: u32) -> BoxedStrategy<Act> {
    let price = prop_oneof![99 - far => 735_u32..765, far => 660_u32..850, 1 => 500_u32..1_200];
    let age = prop_oneof![30 => 0..SECOND, 1 => 8 * SECOND..11 * SECOND];
    (price, age).prop_map(|(price, age)| Act::Index(price, age)).boxed()
}

pub fn tick() -> BoxedStrategy<Act> {
    other(Just(Command::Clock(ClockCommand::Tick)))
}

pub fn transfer() -> BoxedStrategy<Act> {
    let amount =
        prop_oneof![3 => 1_i64..2_000, 2 => 2_000_i64..20_000, 5 => -2_000_i64..0, 1 => -1_000_000_i64..0];
    (0..ACCOUNTS, 0..ASSETS.len(), amount)
        .prop_map(|(trader, asset, amount)| Act::Transfer(trader, ASSETS[asset], amount))
        .boxed()
}

/// Amounts of a venue of this scale, as far as wallets have them.
pub fn transfers(scale: i64) -> BoxedStrategy<Act> {
    let amount = move || prop_oneof![4 => 1_i64..50, 2 => 1..20 * scale, 1 => 1..1_000 * scale];
    let out = (0..ACCOUNTS, 0..ASSETS.len(), amount(), prop::bool::weighted(0.7)).prop_map(
        |(trader, asset, amount, out)| {
            Act::Transfer(trader, ASSETS[asset], if out { -amount } else { amount })
        },
    );
    let send = (0..ACCOUNTS, 0..ASSETS.len(), amount(), prop::bool::weighted(0.8)).prop_map(
        |(trader, asset, amount, out)| {
            Act::Send(trader, ASSETS[asset], amount, if out { [0, 1] } else { [1, 0] })
        },
    );
    let fund = (0..ASSETS.len(), 1..100 * scale).prop_map(|(asset, amount)| Act::Fund(ASSETS[asset], amount));
    prop_oneof![6 => out, 6 => send, 3 => Just(Act::Arrive), 1 => fund].boxed()
}

/// An operator closes a contract out, or settles one that waits for its price.
pub fn settle() -> BoxedStrategy<Act> {
    let price = prop_oneof![8 => 130_i64..170, 1 => 70_i64..320];
    other((any_contract(), price).prop_map(|(instrument, price)| {
        let price = Price(price);
        Command::Contract(ContractCommand::SettleContract { instrument, price })
    }))
}

/// A halt, a close, and trading again.
pub fn halts() -> BoxedStrategy<Act> {
    let phase = prop_oneof![
        8 => Just(Phase::Continuous),
        1 => Just(Phase::Halted),
        1 => Just(Phase::Closed),
        2 => Just(Phase::OpeningAuction),
    ];
    let set = (any_contract(), phase);
    admin(set.prop_map(|(instrument, phase)| AdminCommand::SetPhase { instrument, phase }))
}

/// What a contract is, once more, where nobody has anything of it.
pub fn same_terms() -> BoxedStrategy<Act> {
    let set = any_contract().prop_map(|instrument| ContractCommand::SetContract(terms(instrument)));
    other(set.prop_map(Command::Contract))
}

pub fn last_half_hour() -> BoxedStrategy<Act> {
    let ticks = prop_oneof![
        2 => Just(899_u16),
        2 => Just(900),
        2 => 860_u16..960,
        1 => 1_700_u16..1_800,
        3 => 0_u16..40,
    ];
    let instrument = prop::sample::select(CONTRACTS[2..].to_vec());
    (instrument, ticks).prop_map(|(instrument, ticks)| Act::LastHalfHour(instrument, ticks)).boxed()
}

/// By its own login as a rule, or by an operator.
fn set_by(account: AccountId, by: u8) -> Option<LoginId> {
    let own = LOGIN_ACCOUNTS.iter().position(|of| *of == account.0).map(|login| LoginId(login as u32));
    match by {
        0 => None,
        1 => Some(LoginId(0)),
        _ => own,
    }
}

/// Leverage, as a rule one that accounts can have.
pub fn leverage() -> BoxedStrategy<Act> {
    let leverage = prop_oneof![6 => 5_u8..60, 3 => 1_u8..10, 2 => 60_u8..=125, 1 => any::<u8>()];
    (account(), instrument(), leverage, 0_u8..6)
        .prop_map(|(account, instrument, leverage, by)| {
            let setter = Setter { account, ..Setter::default() };
            let set = SetLeverage { by: setter, instrument, leverage };
            Act::Set(set_by(account, by), OwnerCommand::SetLeverage(set))
        })
        .boxed()
}

/// Isolated margin, or cross margin again.
pub fn margin_mode() -> BoxedStrategy<Act> {
    let mode = prop_oneof![3 => Just(MarginMode::Isolated), 1 => Just(MarginMode::Cross)];
    (account(), instrument(), mode, 0_u8..6)
        .prop_map(|(account, instrument, mode, by)| {
            let setter = Setter { account, ..Setter::default() };
            let set = SetMarginMode { by: setter, instrument, mode };
            Act::Set(set_by(account, by), OwnerCommand::SetMarginMode(set))
        })
        .boxed()
}

/// Money for a pot, or back.
pub fn margin() -> BoxedStrategy<Act> {
    let leg = prop_oneof![20 => Just(PositionLeg::Net), 1 => Just(PositionLeg::Long)];
    let amount = prop_oneof![4 => 1_i64..200, 4 => -200_i64..1, 1 => 1_000_i64..20_000, 1 => -20_000_i64..0];
    (account(), instrument(), leg, amount, 0_u8..6)
        .prop_map(|(account, instrument, leg, amount, by)| {
            let setter = Setter { account, ..Setter::default() };
            let moved = MoveMargin { by: setter, instrument, leg, amount: Amount(amount) };
            Act::Set(set_by(account, by), OwnerCommand::MoveMargin(moved))
        })
        .boxed()
}

pub fn phase() -> BoxedStrategy<Act> {
    let phase = prop_oneof![
        4 => Just(Phase::Continuous),
        6 => Just(Phase::PreOpen),
        10 => Just(Phase::OpeningAuction),
        6 => Just(Phase::VolatilityAuction),
        6 => Just(Phase::ClosingAuction),
        1 => Just(Phase::Closed),
        1 => Just(Phase::Halted),
        1 => Just(Phase::CancelOnly),
    ];
    admin((instrument(), phase).prop_map(|(instrument, phase)| AdminCommand::SetPhase { instrument, phase }))
}

pub fn resume() -> BoxedStrategy<Act> {
    let phase = Phase::Continuous;
    admin(instrument().prop_map(move |instrument| AdminCommand::SetPhase { instrument, phase }))
}

pub fn mark() -> BoxedStrategy<Act> {
    admin(
        (instrument(), 120_i64..180)
            .prop_map(|(instrument, price)| AdminCommand::SetMark { instrument, price: Price(price) }),
    )
}

/// Room for fewer lots, and for more again.
pub fn set_risk() -> BoxedStrategy<Act> {
    let tight = (5_u32..150).prop_map(|limit| (limit.min(100), limit));
    let limit = prop_oneof![1 => Just((100_u32, 200_u32)), 8 => tight, 1 => (0_u32..5, 5_u32..30)];
    let set = (instrument(), limit, 1_u32..20).prop_map(|(instrument, (position, interest), impact_lots)| {
        let (position_limit, open_interest_limit) = (position, interest);
        let set = SetContractRisk { position_limit, open_interest_limit, impact_lots, ..risk(instrument) };
        Command::Contract(ContractCommand::SetContractRisk(set))
    });
    other(set)
}

pub fn limits() -> BoxedStrategy<Act> {
    let scope =
        prop_oneof![instrument().prop_map(LimitScope::Instrument), account().prop_map(LimitScope::Account),];
    let most = || prop_oneof![2 => Just(0_u64), 1 => 5_u64..40];
    let amount = prop_oneof![3 => Just(0_i64), 1 => 100_i64..15_000];
    admin((scope, most(), amount, most()).prop_map(|(scope, quantity, notional, position)| {
        let limits = OrderLimits {
            quantity_max: Quantity(quantity),
            notional_max: Amount(notional),
            position_max: Quantity(position),
            ..OrderLimits::default()
        };
        AdminCommand::SetOrderLimits { scope, limits }
    }))
}

pub fn protection() -> BoxedStrategy<Act> {
    let share = || prop_oneof![3 => Just(0_u32), 2 => 5_000_u32..60_000].prop_map(Ppm);
    let limit = prop_oneof![4 => Just((0_u32, 0_u32)), 1 => (700_u32..740, 760_u32..800)];
    let parts = (limit, share(), share(), share(), prop_oneof![1 => Just(0_u32), 3 => 1_u32..5]);
    admin((instrument(), parts).prop_map(|(instrument, parts)| {
        let ((price_min, price_max), static_band, dynamic_band, market_collar, interruption_s) = parts;
        AdminCommand::SetProtection {
            instrument,
            protection: Protection {
                price_min,
                price_max,
                reference: 0,
                static_band,
                dynamic_band,
                interruption_s,
                market_collar,
            },
        }
    }))
}

pub fn self_trade() -> BoxedStrategy<Act> {
    admin((account(), prevention(), 0_u32..3).prop_map(|(account, prevention, group)| {
        AdminCommand::SetSelfTrade(AccountSelfTrade { account, prevention, group: GroupId(group) })
    }))
}

/// Rows of fees, and which row an account has.
pub fn fees() -> BoxedStrategy<Act> {
    let rates = prop_oneof![4 => (0_i32..2_000, 0_i32..4_000), 2 => (-1_000_i32..0, 1_000_i32..4_000)];
    let set = (instrument(), 0_u8..3, rates).prop_map(|(instrument, tier, (maker, taker))| {
        let (maker, taker) = (FeeRate(maker), FeeRate(taker));
        AdminCommand::SetFees(SetFees { instrument, tier: FeeTier(tier), maker, taker })
    });
    let assign = (account(), 0_u8..3)
        .prop_map(|(account, tier)| AdminCommand::AssignTier { account, tier: Some(FeeTier(tier)) });
    prop_oneof![admin(set), admin(assign)].boxed()
}

/// What positions stand in the way of, as a rule.
pub fn changes_of_terms() -> BoxedStrategy<Act> {
    let tick = prop::sample::select(vec![5_u32, 5, 5, 10]);
    let lot = prop::sample::select(vec![100_i64, 100, 100, 200]);
    let set = (instrument(), tick, lot, 1_u64..4, 0_i64..60).prop_map(
        |(instrument, tick_units, lot, min, least)| {
            AdminCommand::SetTerms(SetTerms {
                instrument,
                tick_units,
                lot: Amount(lot),
                min_quantity: Quantity(min),
                max_quantity: Quantity(1_000),
                min_notional: Amount(least),
            })
        },
    );
    let contract = instrument()
        .prop_map(|instrument| Command::Contract(ContractCommand::SetContract(terms(instrument))));
    let delist = instrument().prop_map(|instrument| AdminCommand::Delist { instrument });
    let row = (instrument(), 0..4_usize).prop_map(|(instrument, row)| tiers(instrument, 1)[row]);
    prop_oneof![
        6 => admin(set),
        4 => other(contract),
        1 => admin(delist),
        4 => other(row),
    ]
    .boxed()
}

/// Time that hardly passes, and now and then a while: until the index is stale, until the first ten minutes are over.
pub fn waits() -> BoxedStrategy<u64> {
    prop_oneof![
        120 => Just(0_u64),
        30 => 1..SECOND / 2,
        16 => SECOND / 2..2 * SECOND,
        2 => 2 * SECOND..12 * SECOND,
        1 => Just(600 * SECOND),
    ]
    .boxed()
}

/// Time that passes in such steps that fundings and expiries come, with samples between them.
pub fn long_waits() -> BoxedStrategy<u64> {
    prop_oneof![
        75 => Just(0_u64),
        25 => SECOND / 2..2 * SECOND,
        2 => 2 * SECOND..9 * SECOND,
        1 => 60 * SECOND..900 * SECOND,
        3 => 1_000 * SECOND..3_700 * SECOND,
    ]
    .boxed()
}

pub fn moves_after(waits: BoxedStrategy<u64>, acts: Vec<(u32, BoxedStrategy<Act>)>) -> BoxedStrategy<Move> {
    (waits, Union::new_weighted(acts)).prop_map(|(wait, act)| Move { wait, act }).boxed()
}

pub fn moves_of(acts: Vec<(u32, BoxedStrategy<Act>)>) -> BoxedStrategy<Move> {
    (waits(), Union::new_weighted(acts)).prop_map(|(wait, act)| Move { wait, act }).boxed()
}
