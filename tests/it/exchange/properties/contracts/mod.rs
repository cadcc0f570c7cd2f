//! Random runs about contracts: a venue that has nothing else, and one with spot in another shard.

pub mod cases;
mod wishes;

use super::settings;
use super::steps::{ACCOUNTS, Action, LOGIN_ACCOUNTS, Step};
use super::subjects::steps_of;
use super::values::{Taste, enter, number, transfer};
use dojima::domain::{
    AccountId, AddIndex, AdminCommand, Amount, AssetCode, AssetId, Command, ContractCommand, FeeRate,
    IndexId, IndexTerms, InstrumentId, ListInstrument, LoginId, LoginName, Phase, Ppm, Price, Product,
    Quantity, SetFees, SetTerms, ShardId, Symbol, Timestamp, VenueCommand,
};
use proptest::prelude::*;
pub use wishes::{Told, Wish};

/// Where the contracts are: the number of the first one, how many the opening lists, and their shard.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub first: u32,
    pub contracts: u32,
    pub shard: ShardId,
}

/// A venue with contracts only.
pub const ALONE: Place = Place { first: 0, contracts: 4, shard: ShardId::FIRST };
/// As many contracts as a shard takes, but for one.
pub const CROWD: Place = Place { first: 0, contracts: 63, shard: ShardId::FIRST };

impl Place {
    fn instrument(self) -> impl Strategy<Value = InstrumentId> {
        let Self { first, contracts, .. } = self;
        prop_oneof![
            60 => first..first + contracts.min(4),
            20 => first..first + contracts,
            3 => first + contracts..first + contracts + 3,
            1 => Just(0),
        ]
        .prop_map(InstrumentId)
    }

    fn shard(self) -> impl Strategy<Value = ShardId> {
        prop_oneof![20 => Just(self.shard), 1 => (0_u8..4).prop_map(ShardId)]
    }
}

const PRODUCTS: [Product; 4] =
    [Product::LinearPerpetual, Product::LinearDated, Product::InversePerpetual, Product::InverseDated];

/// A contract for COIN in CASH; one tick on a lot is 5 cents, or a lot at one tick is worth 20 coins.
fn listed(instrument: InstrumentId, product: Product, shard: ShardId) -> ListInstrument {
    ListInstrument {
        instrument,
        symbol: Symbol::new(&format!("C{instrument}")).expect("a symbol"),
        base: AssetId(0),
        quote: AssetId(1),
        price_decimals: 2,
        tick_units: 5,
        lot: Amount(100),
        min_quantity: Quantity(1),
        max_quantity: Quantity(1_000),
        min_notional: Amount(0),
        maker_fee: FeeRate(0),
        taker_fee: FeeRate(500),
        phase: Phase::Closed,
        shard,
        product,
        ..ListInstrument::default()
    }
}

fn index(id: u16, price_decimals: u8, shard: ShardId, jump: u32) -> Command {
    let terms = IndexTerms { stale_after_ms: 10_000, grace_s: 5, jump: Ppm(jump) };
    let symbol = Symbol::new(&format!("I{id}")).expect("a symbol");
    let index = IndexId(id);
    Command::Contract(ContractCommand::AddIndex(AddIndex { index, symbol, price_decimals, shard, terms }))
}

/// Indexes and contracts, to follow what opens a venue. The third index has other decimals than the contracts.
pub fn contracts(place: Place) -> Vec<Command> {
    let Place { first, contracts, shard } = place;
    let indexes = [(2, 100_000), (2, 0), (3, 0)];
    let indexes = indexes.into_iter().enumerate();
    let indexes = indexes.map(|(id, (decimals, jump))| index(id as u16, decimals, shard, jump));
    let listings = (0..contracts).map(|at| {
        let product = PRODUCTS[at as usize % PRODUCTS.len()];
        let terms = listed(InstrumentId(first + at), product, shard);
        Command::Admin(AdminCommand::ListInstrument(terms))
    });
    let edition = Command::RULES_LAST;
    let rules = Command::Venue(VenueCommand::SetRules { edition });
    [rules].into_iter().chain(indexes).chain(listings).collect()
}

/// What makes the first contracts complete but for a price of their index.
pub fn completing(place: Place) -> Vec<Command> {
    let first = (place.first..place.first + 4).map(InstrumentId);
    first.flat_map(|instrument| wishes::completing(instrument, place)).collect()
}

/// A venue of one shard with contracts that are complete as soon as their index has a price.
pub fn completed(place: Place) -> Vec<Command> {
    [opening(place), completing(place)].concat()
}

/// A venue of one shard, which has contracts.
pub fn opening(place: Place) -> Vec<Command> {
    let code = |text| AssetCode::new(text).expect("a code");
    let assets = [("COIN", 2), ("CASH", 2), ("WIDE", 18)];
    let assets = assets.into_iter().enumerate().map(|(id, (name, scale))| {
        Command::Admin(AdminCommand::AddAsset { asset: AssetId(id as u16), code: code(name), scale })
    });
    let accounts =
        (0..ACCOUNTS).map(|id| Command::Venue(VenueCommand::OpenAccount { account: AccountId(id) }));
    let logins = LOGIN_ACCOUNTS.into_iter().enumerate().map(|(id, account)| {
        let (login, account) = (LoginId(id as u32), AccountId(account));
        Command::Venue(VenueCommand::OpenLogin { login, account, name: LoginName::default() })
    });
    let open = Command::Venue(VenueCommand::Open { config_digest: 1 });
    assets.chain(accounts).chain(logins).chain(contracts(place)).chain([open]).collect()
}

fn other(command: impl Strategy<Value = Command> + 'static) -> BoxedStrategy<Action> {
    command.prop_map(Action::Other).boxed()
}

/// Mostly to what a complete contract may do.
fn phase(place: Place) -> BoxedStrategy<Action> {
    let phase = prop_oneof![
        6 => Just(Phase::Halted),
        4 => Just(Phase::Closed),
        4 => Just(Phase::CancelOnly),
        1 => prop::sample::select(Phase::ALL.to_vec()),
    ];
    other(
        (place.instrument(), phase)
            .prop_map(|(instrument, phase)| Command::Admin(AdminCommand::SetPhase { instrument, phase })),
    )
}

fn mark(place: Place) -> BoxedStrategy<Action> {
    let price = prop_oneof![10 => 90_i64..260, 1 => 1_i64..20_000, 1 => Just(0), 1 => Just(1 << 31)];
    other((place.instrument(), price).prop_map(|(instrument, price)| {
        Command::Admin(AdminCommand::SetMark { instrument, price: Price(price) })
    }))
}

/// Ticks and lots that fit most contracts, and some that fit none.
fn terms(place: Place) -> BoxedStrategy<Action> {
    let tick = prop::sample::select(vec![5_u32, 5, 10, 1, 20, 7, 0, 400]);
    let lot = prop::sample::select(vec![100_i64, 100, 200, 50, 0, 1_000_000, 1 << 50]);
    other((place.instrument(), tick, lot).prop_map(|(instrument, tick_units, lot)| {
        Command::Admin(AdminCommand::SetTerms(SetTerms {
            instrument,
            tick_units,
            lot: Amount(lot),
            min_quantity: Quantity(1),
            max_quantity: Quantity(1_000),
            min_notional: Amount(0),
        }))
    }))
}

fn fees(place: Place) -> BoxedStrategy<Action> {
    let rate =
        || prop_oneof![6 => 0_i32..3_000, 2 => -500_i32..0, 1 => 0_i32..50_000, 1 => Just(FeeRate::ONE)];
    let tier = prop_oneof![20 => 0_u8..8, 1 => Just(8_u8)];
    other((place.instrument(), tier, rate(), rate()).prop_map(|(instrument, tier, maker, taker)| {
        Command::Admin(AdminCommand::SetFees(SetFees {
            instrument,
            tier: dojima::domain::FeeTier(tier),
            maker: FeeRate(maker),
            taker: FeeRate(taker),
        }))
    }))
}

fn delist(place: Place) -> BoxedStrategy<Action> {
    other(place.instrument().prop_map(|instrument| Command::Admin(AdminCommand::Delist { instrument })))
}

/// Contracts of all kinds, closed as a rule; now and then spot.
fn list(place: Place) -> BoxedStrategy<Action> {
    let product = prop_oneof![9 => prop::sample::select(PRODUCTS.to_vec()), 1 => Just(Product::Spot)];
    let phase = prop_oneof![9 => Just(Phase::Closed), 1 => Just(Phase::Halted), 1 => Just(Phase::Delisted)];
    let lot = prop::sample::select(vec![100_i64, 100, 7, 1 << 50]);
    let parts = (product, phase, lot, 200_u32..230, prop::bool::weighted(0.1), place.shard());
    parts
        .prop_map(move |(product, phase, lot, name, received, shard)| {
            let mut terms = listed(InstrumentId(name), product, shard);
            (terms.phase, terms.lot) = (phase, Amount(lot));
            if received {
                terms.fee_asset = dojima::domain::FeeAsset::Received;
            }
            Action::List(terms)
        })
        .boxed()
}

fn wish(wish: impl Strategy<Value = Wish> + 'static) -> BoxedStrategy<Action> {
    wish.prop_map(Action::Contract).boxed()
}

fn transfers() -> BoxedStrategy<Action> {
    (transfer(), any::<bool>(), number()).prop_map(|(t, inward, n)| Action::Transfer(t, inward, n)).boxed()
}

/// Orders of contracts: none is taken yet.
fn orders() -> BoxedStrategy<Action> {
    let taste = Taste::plain(90..110);
    (enter(&taste), number()).prop_map(|(enter, number)| Action::Enter(enter, number)).boxed()
}

fn waits() -> BoxedStrategy<u64> {
    const SECOND: u64 = Timestamp::SECOND;
    prop_oneof![
        8 => Just(0_u64),
        4 => Just(1),
        20 => 1_u64..SECOND,
        8 => SECOND..3 * SECOND,
        1 => prop::sample::select(vec![10 * SECOND - 1, 10 * SECOND, 10 * SECOND + 1]),
        1 => 10 * SECOND..90 * SECOND,
    ]
    .boxed()
}

/// All that there is about contracts.
pub fn actions(place: Place) -> Vec<(u32, BoxedStrategy<Action>)> {
    vec![
        (34, wish(wishes::price())),
        (10, wish(wishes::contract(place))),
        (7, wish(wishes::risk(place))),
        (12, wish(wishes::tier(place))),
        (3, wish(wishes::index_terms())),
        (2, wish(wishes::add_index(place))),
        (5, wish(wishes::fund(place))),
        (14, phase(place)),
        (9, mark(place)),
        (18, settings::tick()),
        (3, terms(place)),
        (3, fees(place)),
        (2, list(place)),
        (1, delist(place)),
        (2, settings::asset()),
        (2, transfers()),
        (1, settings::rules()),
        (1, orders()),
    ]
}

pub fn steps(place: Place) -> BoxedStrategy<Step> {
    steps_of(actions(place), waits())
}

/// Contracts come and follow an index until there is no place any more.
pub fn crowding() -> BoxedStrategy<Step> {
    let mut all = actions(CROWD);
    let follow = wishes::plain_contract(CROWD);
    all.extend([(60, wish(follow)), (10, list(CROWD))]);
    steps_of(all, waits())
}
