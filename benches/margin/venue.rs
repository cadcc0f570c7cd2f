//! The venues of the list: 1,000 accounts with money and an instrument, spot or a perpetual; two perpetuals in one shard or in two.

use crate::listing;
use crate::mix::{ACCOUNTS, INSTRUMENT};
use dojima::domain::{
    AccountId, AddIndex, AdminCommand, AdminEvent, Amount, AssetCode, AssetId, Command, ContractCommand,
    Event, IndexId, IndexTerms, InstrumentId, ListInstrument, LoginId, LoginName, Phase, Ppm, Product,
    SetContract, SetContractRisk, SetIndex, SetMarginTier, ShardId, ShardName, Stamp, Symbol, Timestamp,
    Transfer, VenueCommand, VenueLimits,
};
use dojima::exchange::{Exchange, ExchangeLimits, Shards};

const BASE: AssetId = AssetId(0);
const QUOTE: AssetId = AssetId(1);
/// Where prices begin, price units.
const PRICE: u32 = 7_800_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Spot,
    Perpetual,
}

fn admin(command: AdminCommand) -> Command {
    Command::Admin(command)
}

fn contract(command: ContractCommand) -> Command {
    Command::Contract(command)
}

/// What everybody needs: assets, accounts with logins, money in each shard.
fn accounts(count: u32, shards: &[ShardId]) -> Vec<Command> {
    let code = |text| AssetCode::new(text).expect("a code");
    let mut commands = vec![
        admin(AdminCommand::AddAsset { asset: BASE, code: code("BTC"), scale: 8 }),
        admin(AdminCommand::AddAsset { asset: QUOTE, code: code("USDT"), scale: 6 }),
        Command::Venue(VenueCommand::OpenAccount { account: AccountId::FEES }),
    ];
    for id in 0..count {
        let (account, login, name) = (AccountId(id + 1), LoginId(id), LoginName::default());
        commands.push(Command::Venue(VenueCommand::OpenAccount { account }));
        commands.push(Command::Venue(VenueCommand::OpenLogin { login, account, name }));
        for shard in shards.iter().copied() {
            for (reference, asset, amount) in [(1, BASE, 1_000_000_000_000), (2, QUOTE, 200_000_000_000_000)]
            {
                let transfer = Transfer { account, asset, amount: Amount(amount), reference, shard };
                commands.push(admin(AdminCommand::Deposit(transfer)));
            }
        }
    }
    commands
}

fn listing(instrument: InstrumentId, symbol: &str, product: Product, shard: ShardId) -> ListInstrument {
    let phase = if product.is_contract() { Phase::Closed } else { Phase::Continuous };
    ListInstrument {
        instrument,
        symbol: Symbol::new(symbol).expect("a symbol"),
        base: BASE,
        quote: QUOTE,
        phase,
        product,
        shard,
        ..listing::listing()
    }
}

/// A perpetual that trades, and an index of its own.
fn perpetual(number: u16, symbol: &str, shard: ShardId) -> Vec<Command> {
    let (instrument, index) = (InstrumentId(number.into()), IndexId(number));
    let terms = IndexTerms { stale_after_ms: 600_000, grace_s: 0, jump: Ppm(0) };
    let symbol_of_index = Symbol::new(symbol).expect("a symbol");
    let index_of = AddIndex { index, symbol: symbol_of_index, price_decimals: 2, shard, terms };
    let phase = Phase::Continuous;
    vec![
        admin(AdminCommand::ListInstrument(listing(instrument, symbol, Product::LinearPerpetual, shard))),
        contract(ContractCommand::AddIndex(index_of)),
        contract(ContractCommand::SetContract(SetContract {
            instrument,
            index,
            expiry: 0,
            funding_interval_s: 28_800,
            price_min: 1_000_000,
            price_max: 20_000_000,
        })),
        contract(ContractCommand::SetContractRisk(SetContractRisk {
            instrument,
            interest_ppb: 100_000,
            impact_lots: 100,
            mark_band: Ppm(50_000),
            first_band: Ppm(200_000),
            premium_band: Ppm(100_000),
            outer_band: Ppm(200_000),
            collar: Ppm(50_000),
            position_limit: 1_000_000_000,
            open_interest_limit: 4_000_000_000,
            ..SetContractRisk::default()
        })),
        contract(ContractCommand::SetMarginTier(SetMarginTier {
            instrument,
            row: 0,
            of: 1,
            floor: Amount(0),
            initial: Ppm(10_000),
            maintenance: Ppm(5_000),
        })),
        contract(ContractCommand::SetIndex(SetIndex { index, price: PRICE, source_time: Timestamp(1) })),
        admin(AdminCommand::SetPhase { instrument, phase }),
    ]
}

fn limits() -> ExchangeLimits {
    ExchangeLimits { limits: VenueLimits::of_few_accounts(1 << 20), ..ExchangeLimits::default() }
}

fn edition() -> Command {
    Command::Venue(VenueCommand::SetRules { edition: Command::RULES_LAST })
}

fn assert_taken(events: &[Event]) {
    let refused = events.iter().find(|event| matches!(event, Event::Admin(AdminEvent::Refused { .. })));
    assert_eq!(refused, None, "the setup is accepted");
}

/// An exchange with its accounts, their money and one instrument, and nothing in the book.
pub fn open(kind: Kind) -> Exchange {
    let mut exchange = Exchange::new(limits());
    let mut setup = vec![edition()];
    setup.extend(accounts(ACCOUNTS, &[ShardId::FIRST]));
    match kind {
        Kind::Spot => {
            let spot = listing(INSTRUMENT, "BTC-USDT", Product::Spot, ShardId::FIRST);
            setup.push(admin(AdminCommand::ListInstrument(spot)));
        }
        Kind::Perpetual => setup.extend(perpetual(0, "BTC-PERP", ShardId::FIRST)),
    }
    let mut events = Vec::new();
    setup.iter().for_each(|command| exchange.apply(Stamp::default(), command, &mut events));
    assert_taken(&events);
    exchange
}

/// A venue with two perpetuals, in this many shards (1 or 2), each for 1,000 accounts of its own.
pub fn open_two(shards: u8) -> Vec<Exchange> {
    let mut venue = Shards::from(Exchange::new(limits()));
    let shard = |number: u8| ShardId(number.min(shards - 1));
    let mut setup = Vec::new();
    if shards == 2 {
        let name = ShardName::new("second").expect("a name");
        setup.push(Command::Venue(VenueCommand::OpenShard { shard: ShardId(1), name }));
    }
    setup.push(edition());
    let all: Vec<ShardId> = (0..shards).map(ShardId).collect();
    setup.extend(accounts(2 * ACCOUNTS, &all));
    setup.extend(perpetual(0, "BTC-PERP", shard(0)));
    setup.extend(perpetual(1, "ETH-PERP", shard(1)));
    let mut events = Vec::new();
    setup.iter().for_each(|command| venue.apply(Stamp::default(), command, &mut events));
    assert_taken(&events);
    venue.into_vec()
}
