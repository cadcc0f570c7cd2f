//! Commands of every kind with numbers at and around every edge.

mod contracts;

use crate::support::instructions::EACH;
use dojima::domain::{
    AccountId, AccountSelfTrade, AdminCommand, Amend, Amount, AssetCode, AssetId, AssetSettings, Cancel,
    CancelFilter, ClOrdId, ClockCommand, Command, Echo, Enter, FeeAsset, FeeRate, FeeTier, GroupId, IndexId,
    Instructions, InstrumentId, KillScope, LimitScope, ListInstrument, LoginId, LoginName, MassCancel,
    OrderCommand, OrderId, OrderLimits, OrderPrice, Owner, Phase, Ppm, Price, Product, Protection, Quantity,
    QueryWallet, RefuseEnter, RefuseReplace, RejectReason, Replace, SelfTrade, SelfTradePrevention,
    SendIndex, SetFees, SetTerms, ShardId, Side, Switch, Symbol, TimeInForce, Timestamp, Transfer,
    TransferOut, UserRef, VenueCommand, VenueLimits, VolumeTiers,
};
use proptest::prelude::*;

fn edge() -> impl Strategy<Value = u64> {
    prop_oneof![
        8 => 0_u64..6,
        2 => any::<u64>(),
        2 => (0_u32..64, 0_u64..3).prop_map(|(shift, less)| (1_u64 << shift).wrapping_sub(less)),
        1 => Just(i64::MAX as u64),
        1 => Just(u64::MAX),
        1 => (0_u32..19).prop_map(|power| 10_u64.pow(power)),
    ]
}

const PHASES: [Phase; 9] = [
    Phase::Continuous,
    Phase::PreOpen,
    Phase::OpeningAuction,
    Phase::VolatilityAuction,
    Phase::ClosingAuction,
    Phase::Closed,
    Phase::Halted,
    Phase::CancelOnly,
    Phase::Delisted,
];
const TIMES_IN_FORCE: [TimeInForce; 4] = [
    TimeInForce::GoodTillCancel,
    TimeInForce::ImmediateOrCancel,
    TimeInForce::Day,
    TimeInForce::GoodTillTime,
];
const MODES: [SelfTrade; 5] = [
    SelfTrade::Allow,
    SelfTrade::CancelNewest,
    SelfTrade::CancelOldest,
    SelfTrade::CancelBoth,
    SelfTrade::DecrementBoth,
];

/// Numbers that are taken one after another, from the start again when they run out.
struct Numbers {
    all: Vec<u64>,
    at: usize,
}

impl Numbers {
    fn next(&mut self) -> u64 {
        self.at += 1;
        self.all[(self.at - 1) % self.all.len()]
    }

    fn short(&mut self) -> u32 {
        self.next() as u32
    }

    /// An edge, or an end of a range: every second one.
    fn near(&mut self, end: u32) -> u32 {
        if self.coin() { end } else { self.short() }
    }

    fn amount(&mut self) -> Amount {
        Amount(self.next() as i64)
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.next() as usize % all.len()]
    }

    fn coin(&mut self) -> bool {
        self.next().is_multiple_of(2)
    }

    fn maybe<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.coin().then(|| value(self))
    }

    fn switch(&mut self) -> Switch {
        self.of(&[Switch::On, Switch::Off])
    }

    fn side(&mut self) -> Side {
        self.of(&[Side::Buy, Side::Sell])
    }

    fn price(&mut self) -> OrderPrice {
        if self.next().is_multiple_of(4) { OrderPrice::Market } else { OrderPrice::Limit(self.next() as i64) }
    }

    fn prevention(&mut self) -> SelfTradePrevention {
        SelfTradePrevention { mode: self.of(&MODES), owner: self.of(&[Owner::Account, Owner::Group]) }
    }

    /// Every second one asks for nothing, so that some orders rest.
    fn instructions(&mut self) -> Option<Instructions> {
        self.maybe(|n| {
            let mut asks = Instructions::default();
            n.of(&EACH)(&mut asks, n.next());
            asks.self_trade = n.maybe(Self::prevention);
            asks
        })
    }

    fn transfer(&mut self) -> Transfer {
        let (account, asset) = (AccountId(self.short()), AssetId(self.next() as u16));
        Transfer { account, asset, amount: self.amount(), reference: self.next(), shard: ShardId::FIRST }
    }

    fn list(&mut self) -> Command {
        Command::Admin(AdminCommand::ListInstrument(ListInstrument {
            instrument: InstrumentId(self.short()),
            symbol: Symbol(self.next().to_le_bytes()),
            base: AssetId(self.next() as u16),
            quote: AssetId(self.next() as u16),
            price_decimals: self.next() as u8,
            tick_units: self.short(),
            lot: self.amount(),
            min_quantity: Quantity(self.next()),
            max_quantity: Quantity(self.next()),
            min_notional: self.amount(),
            maker_fee: FeeRate(self.short() as i32),
            taker_fee: FeeRate(self.short() as i32),
            fee_asset: self.of(&[FeeAsset::Quote, FeeAsset::Received]),
            phase: self.of(&PHASES),
            shard: ShardId::FIRST,
            product: self.of(Product::ALL),
        }))
    }

    /// What clients send.
    fn entry(&mut self, which: u8) -> Command {
        let (login, user_ref) = (LoginId(self.short()), UserRef(self.short()));
        let orig_user_ref = UserRef(self.short());
        let reason = self.of(RejectReason::ALL);
        let (echo, cl_ord_id) = (Echo::default(), ClOrdId::default());
        match which {
            0 => Command::Order(OrderCommand::RefuseEnter(RefuseEnter {
                login,
                session: 0,
                user_ref,
                reason,
                cl_ord_id,
            })),
            1 => Command::Order(OrderCommand::RefuseReplace(RefuseReplace {
                login,
                session: 0,
                orig_user_ref,
                user_ref,
                reason,
                cl_ord_id,
            })),
            2 => Command::Order(OrderCommand::Cancel(Cancel {
                login,
                session: 0,
                user_ref,
                quantity: Quantity(self.next()),
            })),
            3 => {
                let price = self.maybe(Self::short);
                Command::Order(OrderCommand::Amend(Amend {
                    login,
                    session: 0,
                    user_ref,
                    price,
                    quantity: Quantity(self.next()),
                }))
            }
            4 => {
                let login = self.maybe(|_| login);
                let filter = CancelFilter {
                    login: self.maybe(|n| LoginId(n.short())),
                    account: self.maybe(|n| AccountId(n.short())),
                    instrument: self.maybe(|n| InstrumentId(n.short())),
                    side: self.maybe(Self::side),
                };
                Command::Order(OrderCommand::MassCancel(MassCancel { login, session: 0, user_ref, filter }))
            }
            5 => Command::Order(OrderCommand::Replace(Replace {
                login,
                session: 0,
                orig_user_ref,
                user_ref,
                time_in_force: self.of(&TIMES_IN_FORCE),
                price: self.price(),
                quantity: Quantity(self.next()),
                echo,
                instructions: self.instructions(),
            })),
            _ => Command::Order(OrderCommand::Enter(Enter {
                login,
                session: 0,
                user_ref,
                instrument: InstrumentId(self.short()),
                side: self.side(),
                time_in_force: self.of(&TIMES_IN_FORCE),
                price: self.price(),
                quantity: Quantity(self.next()),
                echo,
                instructions: self.instructions(),
            })),
        }
    }

    /// What sets an exchange up, and moves money.
    fn setup(&mut self, which: u8) -> Command {
        match which {
            0 => {
                let asset = AssetId(self.next() as u16);
                Command::Admin(AdminCommand::AddAsset {
                    asset,
                    code: AssetCode(self.next().to_le_bytes()),
                    scale: self.next() as u8,
                })
            }
            1 => Command::Venue(VenueCommand::OpenAccount { account: AccountId(self.short()) }),
            2 => {
                let (login, account) = (LoginId(self.short()), AccountId(self.short()));
                Command::Venue(VenueCommand::OpenLogin { login, account, name: LoginName::default() })
            }
            3 | 4 => self.list(),
            5 | 6 => Command::Admin(AdminCommand::Deposit(self.transfer())),
            7 if self.next().is_multiple_of(2) => {
                let Transfer { account, asset, amount, shard, reference, .. } = self.transfer();
                let (login, user_ref) = (self.maybe(|n| LoginId(n.short())), UserRef(self.short()));
                Command::Order(OrderCommand::TransferOut(TransferOut {
                    login,
                    session: 0,
                    user_ref,
                    account,
                    asset,
                    amount,
                    from: shard,
                    to: ShardId(self.next() as u8),
                    reference,
                }))
            }
            7 if self.next().is_multiple_of(8) => Command::Order(OrderCommand::QueryWallet(QueryWallet {
                login: LoginId(self.short()),
                session: 0,
                shard: ShardId(self.next() as u8),
                asset: AssetId(self.next() as u16),
            })),
            7 if self.next().is_multiple_of(4) => Command::Order(OrderCommand::SendIndex(SendIndex {
                login: LoginId(self.short()),
                session: 0,
                user_ref: UserRef(self.short()),
                index: IndexId(self.next() as u16),
                price: self.short(),
                source_time: Timestamp(self.next()),
            })),
            7 => Command::Admin(AdminCommand::Withdraw(self.transfer())),
            8 => {
                let limits = VenueLimits {
                    orders_max: self.short().min(1 << 16),
                    orders_touched_max: self.short(),
                    account_orders_max: self.short(),
                    account_triggers_max: self.short(),
                };
                Command::Venue(VenueCommand::SetLimits { limits })
            }
            _ => Command::Venue(VenueCommand::Open { config_digest: self.next() }),
        }
    }

    /// What an operator sets while the exchange runs.
    fn setting(&mut self, which: u8) -> Command {
        let instrument = InstrumentId(self.short());
        let account = AccountId(self.short());
        match which {
            0 => Command::Admin(AdminCommand::SetPhase { instrument, phase: self.of(&PHASES) }),
            1 => Command::Order(OrderCommand::CancelOrder { order: OrderId(self.next()) }),
            2 => Command::Clock(ClockCommand::Tick),
            3 => Command::Admin(AdminCommand::SetMark { instrument, price: Price(self.next() as i64) }),
            4 => Command::Admin(AdminCommand::Delist { instrument }),
            5 => Command::Admin(AdminCommand::SetTerms(SetTerms {
                instrument,
                tick_units: self.short(),
                lot: self.amount(),
                min_quantity: Quantity(self.next()),
                max_quantity: Quantity(self.next()),
                min_notional: self.amount(),
            })),
            6 => Command::Admin(AdminCommand::SetFees(SetFees {
                instrument,
                tier: FeeTier(self.next() as u8),
                maker: FeeRate(self.short() as i32),
                taker: FeeRate(self.short() as i32),
            })),
            7 => {
                let protection = Protection {
                    price_min: self.short(),
                    price_max: self.short(),
                    reference: self.short(),
                    static_band: Ppm(self.short()),
                    dynamic_band: Ppm(self.short()),
                    interruption_s: self.short(),
                    market_collar: Ppm(self.short()),
                };
                Command::Admin(AdminCommand::SetProtection { instrument, protection })
            }
            8 => {
                let scope = if self.coin() {
                    LimitScope::Account(account)
                } else {
                    LimitScope::Instrument(instrument)
                };
                let limits = OrderLimits {
                    quantity_max: Quantity(self.next()),
                    notional_max: self.amount(),
                    open_orders_max: self.short(),
                    triggers_max: if self.coin() { self.short() } else { 0 },
                    orders_per_second_max: self.short(),
                    position_max: Quantity(self.next()),
                };
                Command::Admin(AdminCommand::SetOrderLimits { scope, limits })
            }
            9 => Command::Admin(AdminCommand::SetAsset(AssetSettings {
                asset: AssetId(self.next() as u16),
                scale: self.next() as u8,
                deposits: self.switch(),
                withdrawals: self.switch(),
                min_deposit: self.amount(),
                min_withdrawal: self.amount(),
            })),
            10 => {
                let (prevention, group) = (self.prevention(), GroupId(self.short()));
                Command::Admin(AdminCommand::SetSelfTrade(AccountSelfTrade { account, prevention, group }))
            }
            11 => Command::Admin(AdminCommand::AssignTier {
                account,
                tier: self.maybe(|n| FeeTier(n.next() as u8)),
            }),
            12 => {
                let mut volume_min = [Amount(0); FeeTier::COUNT];
                volume_min.iter_mut().for_each(|least| *least = self.amount());
                volume_min.sort();
                Command::Admin(AdminCommand::SetVolumeTiers(VolumeTiers {
                    asset: AssetId(self.next() as u16),
                    volume_min,
                }))
            }
            _ => {
                let scope = if self.coin() { KillScope::Account(account) } else { KillScope::Venue };
                Command::Admin(AdminCommand::Kill { scope, switch: self.switch() })
            }
        }
    }
}

/// A command, and how long after the one before it, nanoseconds.
pub fn any_command() -> impl Strategy<Value = (u64, Command)> {
    let wait = prop_oneof![8 => Just(0), 4 => 0_u64..3_000_000_000, 1 => edge()];
    (wait, 0_u8..4, any::<u8>(), prop::collection::vec(edge(), 40)).prop_map(|(wait, group, which, all)| {
        let mut numbers = Numbers { all, at: 0 };
        let command = match group {
            0 => numbers.setup(which % 10),
            1 => numbers.setting(which % 14),
            2 => contracts::command(&mut numbers, which % 12),
            _ => numbers.entry(which % 12),
        };
        (wait, command)
    })
}
