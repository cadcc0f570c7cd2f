//! Transfers of money between the wallets of two shards: what they must never lose, make or do twice, wherever a run is cut.

mod courier;
mod cut;
mod pitfalls;

use dojima::domain::{
    AccountId, AdminCommand, AdminEvent, Amount, AssetCode, AssetId, Command, Enter, Event, FeeAsset,
    FeeRate, InstrumentId, ListInstrument, LoginId, LoginName, OrderCommand, OrderEvent, OrderPrice, Phase,
    Product, Quantity, RejectReason, ShardId, ShardName, ShardTransfer, Side, Stamp, Symbol, Timestamp,
    Transfer, TransferOut, UserRef, VenueCommand,
};
use dojima::exchange::{Balance, Shards};
use dojima::replica::State;
use std::convert::Infallible;

pub const ONE: ShardId = ShardId(0);
pub const TWO: ShardId = ShardId(1);
/// The asset that most transfers are of; the other one is [`COIN`].
pub const CASH: AssetId = AssetId(0);
pub const COIN: AssetId = AssetId(1);
/// The account of login 0; account 0 is the fee account.
pub const ALICE: AccountId = AccountId(1);
pub const BOB: AccountId = AccountId(2);

/// A venue of two shards, whose commands are given stamps one after another.
pub struct Venue {
    pub state: State,
    /// All events.
    pub events: Vec<Event>,
}

impl Venue {
    /// Two shards, each with an instrument; Alice and Bob have 1,000 of either asset in the first shard.
    pub fn new() -> Self {
        let mut venue = Self { state: State::empty(), events: Vec::new() };
        for command in opening(Command::RULES_LAST) {
            let events = venue.send(command);
            assert!(
                !matches!(events[..], [Event::Admin(AdminEvent::Refused { .. })]),
                "{command:?}: {events:?}"
            );
        }
        venue
    }

    /// The events of a command. All invariants hold after it.
    pub fn send(&mut self, command: Command) -> Vec<Event> {
        let sequence = self.state.last.sequence + 1;
        let stamp = Stamp { sequence, time: Timestamp(sequence * 1_000) };
        let mut events = Vec::new();
        let Ok(()) = self.state.apply(stamp, &command, &mut |record| {
            events.push(record.event);
            Ok::<_, Infallible>(())
        });
        self.shards().audit().unwrap_or_else(|error| panic!("after {command:?}: {error}"));
        self.events.extend(&events);
        events
    }

    pub fn shards(&self) -> &Shards {
        &self.state.shards
    }

    /// What an account has available of an asset in a shard.
    pub fn available(&self, shard: ShardId, account: AccountId, asset: AssetId) -> i64 {
        self.balance(shard, account, asset).available.0
    }

    pub fn balance(&self, shard: ShardId, account: AccountId, asset: AssetId) -> Balance {
        self.shards().get(shard).and_then(|shard| shard.balance(account, asset)).expect("it is there")
    }

    /// Both shards' supplies of an asset.
    pub fn supplies(&self, asset: AssetId) -> [i64; 2] {
        [ONE, TWO]
            .map(|shard| self.shards().get(shard).and_then(|it| it.supply(asset)).expect("it is there").0)
    }

    pub fn in_flight(&self) -> Vec<ShardTransfer> {
        self.shards().in_flight().collect()
    }

    /// What the courier would send; both events must come of it.
    pub fn arrive(&mut self) {
        for transfer in self.in_flight() {
            let events = self.send(Command::Admin(AdminCommand::TransferIn(transfer)));
            assert_eq!(kinds(&events).len(), 2, "{transfer:?}: {events:?}");
        }
    }
}

/// The names of events.
pub fn kinds(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(Event::name).collect()
}

/// Why a command was refused, whoever sent it.
pub fn refusal(events: &[Event]) -> Option<RejectReason> {
    match events {
        [Event::Admin(AdminEvent::Refused { reason })] => Some(*reason),
        [Event::Order(OrderEvent::Rejected(rejected))] => Some(rejected.reason),
        _ => None,
    }
}

pub fn deposit(shard: ShardId, account: AccountId, asset: AssetId, amount: i64, reference: u64) -> Command {
    let amount = Amount(amount);
    Command::Admin(AdminCommand::Deposit(Transfer { account, asset, amount, reference, shard }))
}

/// An operator's transfer.
pub fn out(from: ShardId, to: ShardId, account: AccountId, amount: i64, reference: u64) -> TransferOut {
    TransferOut {
        account,
        asset: CASH,
        amount: Amount(amount),
        from,
        to,
        reference,
        ..TransferOut::default()
    }
}

pub fn sent(out: TransferOut) -> Command {
    Command::Order(OrderCommand::TransferOut(out))
}

/// A limit order of Alice's login for COIN, at 10 CASH a lot.
pub fn order(instrument: u32, user_ref: u32, side: Side, lots: u64) -> Command {
    Command::Order(OrderCommand::Enter(Enter {
        login: LoginId(0),
        user_ref: UserRef(user_ref),
        instrument: InstrumentId(instrument),
        side,
        price: OrderPrice::Limit(10),
        quantity: Quantity(lots),
        ..Enter::default()
    }))
}

/// The opening of the venue, in this edition of the rules.
pub fn opening(edition: u16) -> Vec<Command> {
    let code = |text| AssetCode::new(text).expect("a code");
    let listed = |instrument: u32, symbol, shard| {
        Command::Admin(AdminCommand::ListInstrument(ListInstrument {
            instrument: InstrumentId(instrument),
            symbol: Symbol::new(symbol).expect("a symbol"),
            base: COIN,
            quote: CASH,
            price_decimals: 0,
            tick_units: 1,
            lot: Amount(1),
            min_quantity: Quantity(1),
            max_quantity: Quantity(1_000),
            min_notional: Amount(0),
            maker_fee: FeeRate(0),
            taker_fee: FeeRate(0),
            fee_asset: FeeAsset::Quote,
            phase: Phase::Continuous,
            shard,
            product: Product::Spot,
        }))
    };
    let name = ShardName::new("TWO").expect("a name");
    let mut all = vec![
        Command::Venue(VenueCommand::SetRules { edition }),
        Command::Venue(VenueCommand::OpenShard { shard: TWO, name }),
        Command::Admin(AdminCommand::AddAsset { asset: CASH, code: code("CASH"), scale: 0 }),
        Command::Admin(AdminCommand::AddAsset { asset: COIN, code: code("COIN"), scale: 0 }),
    ];
    all.extend((0..3).map(|id| Command::Venue(VenueCommand::OpenAccount { account: AccountId(id) })));
    for (login, account) in [(0, ALICE), (1, BOB)] {
        let (login, name) = (LoginId(login), LoginName::default());
        all.push(Command::Venue(VenueCommand::OpenLogin { login, account, name }));
    }
    all.extend([listed(0, "FIRST", ONE), listed(1, "SECOND", TWO)]);
    for account in [ALICE, BOB] {
        all.extend(
            [(CASH, 1), (COIN, 2)].map(|(asset, reference)| deposit(ONE, account, asset, 1_000, reference)),
        );
    }
    all.push(Command::Venue(VenueCommand::Open { config_digest: 1 }));
    all
}
