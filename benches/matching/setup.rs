//! The venue of the shared list: 1,000 accounts with money, one instrument with fees, and what may be switched on.

use crate::listing::listing;
use crate::mix::{ACCOUNTS, INSTRUMENT};
use dojima::domain::{
    AccountId, AccountSelfTrade, AdminCommand, AdminEvent, Amount, AssetCode, AssetId, Command, Event,
    FeeRate, FeeTier, GroupId, LimitScope, ListInstrument, LoginId, LoginName, OrderLimits, Owner, Quantity,
    SelfTrade, SelfTradePrevention, SetFees, ShardId, Stamp, Symbol, Transfer, VenueCommand, VenueLimits,
    VolumeTiers,
};
use dojima::exchange::{Exchange, ExchangeLimits};

const BASE: AssetId = AssetId(0);
const QUOTE: AssetId = AssetId(1);

/// What is switched on beyond reserves and fees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// All limits, of the instrument and of every account, too high to refuse anything.
    pub limits: bool,
    /// A fee table with different rows, accounts on them by volume or assigned, volume counted.
    pub tiers: bool,
    /// Every account cancels its resting order where it would trade with itself.
    pub self_trade: bool,
}

impl Features {
    fn commands(self) -> Vec<Command> {
        let mut commands = Vec::new();
        let accounts = || (1..=ACCOUNTS).map(AccountId);
        if self.limits {
            let limits = OrderLimits {
                quantity_max: Quantity(1_000_000),
                notional_max: Amount(i64::MAX / 2),
                open_orders_max: u32::MAX,
                triggers_max: 0,
                orders_per_second_max: u32::MAX,
                position_max: Quantity(u64::MAX / 2),
            };
            let scopes = accounts().map(LimitScope::Account).chain([LimitScope::Instrument(INSTRUMENT)]);
            commands
                .extend(scopes.map(|scope| Command::Admin(AdminCommand::SetOrderLimits { scope, limits })));
        }
        if self.tiers {
            commands.extend((0..4).map(|row| {
                let (maker, taker) = (FeeRate(200 - 50 * row), FeeRate(500 - 50 * row));
                let tier = FeeTier(row as u8);
                Command::Admin(AdminCommand::SetFees(SetFees { instrument: INSTRUMENT, tier, maker, taker }))
            }));
            let mut volume_min = [Amount(i64::MAX); FeeTier::COUNT];
            volume_min[..3].copy_from_slice(&[Amount(0), Amount(1_000_000_000), Amount(1_000_000_000_000)]);
            commands
                .push(Command::Admin(AdminCommand::SetVolumeTiers(VolumeTiers { asset: QUOTE, volume_min })));
            let assigned = accounts().filter(|account| account.0.is_multiple_of(3));
            commands.extend(
                assigned.map(|account| {
                    Command::Admin(AdminCommand::AssignTier { account, tier: Some(FeeTier(3)) })
                }),
            );
        }
        if self.self_trade {
            let prevention = SelfTradePrevention { mode: SelfTrade::CancelOldest, owner: Owner::Group };
            commands.extend(accounts().map(|account| {
                let group = GroupId(account.0 / 2);
                Command::Admin(AdminCommand::SetSelfTrade(AccountSelfTrade { account, prevention, group }))
            }));
        }
        commands
    }
}

/// An exchange with its accounts, their money and one instrument, and nothing in the book.
pub fn open_exchange(features: Features) -> Exchange {
    let mut exchange = Exchange::new(ExchangeLimits {
        limits: VenueLimits::of_few_accounts(1 << 20),
        ..ExchangeLimits::default()
    });
    let code = |text| AssetCode::new(text).expect("a code");
    let mut setup = vec![
        Command::Admin(AdminCommand::AddAsset { asset: BASE, code: code("BTC"), scale: 8 }),
        Command::Admin(AdminCommand::AddAsset { asset: QUOTE, code: code("USDT"), scale: 6 }),
        Command::Venue(VenueCommand::OpenAccount { account: AccountId::FEES }),
    ];
    for id in 0..ACCOUNTS {
        let account = AccountId(id + 1);
        setup.push(Command::Venue(VenueCommand::OpenAccount { account }));
        setup.push(Command::Venue(VenueCommand::OpenLogin {
            login: LoginId(id),
            account,
            name: LoginName::default(),
        }));
        for (reference, asset, amount) in [(1, BASE, 1_000_000_000_000), (2, QUOTE, 1_000_000_000_000_000)] {
            let amount = Amount(amount);
            setup.push(Command::Admin(AdminCommand::Deposit(Transfer {
                account,
                asset,
                amount,
                reference,
                shard: ShardId::FIRST,
            })));
        }
    }
    setup.push(Command::Admin(AdminCommand::ListInstrument(ListInstrument {
        symbol: Symbol::new("BTC-USDT").expect("a symbol"),
        base: BASE,
        quote: QUOTE,
        ..listing()
    })));
    setup.push(Command::Venue(VenueCommand::Open { config_digest: 1 }));
    setup.extend(features.commands());
    let mut events = Vec::new();
    for command in &setup {
        exchange.apply(Stamp::default(), command, &mut events);
    }
    assert!(
        !events.iter().any(|event| matches!(event, Event::Admin(AdminEvent::Refused { .. }))),
        "the setup is accepted"
    );
    exchange
}

/// A book that is filled and ready for the measured list.
pub fn ready(fill: &[Command], features: Features) -> Exchange {
    let mut exchange = open_exchange(features);
    let mut events = Vec::new();
    for command in fill {
        exchange.apply(Stamp::default(), command, &mut events);
    }
    exchange
}
