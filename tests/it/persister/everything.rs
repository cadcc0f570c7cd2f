//! Commands of every kind, at random, through the real exchange: SQL and the wire must make sense of all that comes of it.

use super::Bench;
use crate::support::instructions::EACH;
use crate::support::sessions::in_present_session;
use crate::support::venue;
use dojima::domain::audience::Audience;
use dojima::domain::{
    AccountId, AccountSelfTrade, AdminCommand, Amend, Amount, AssetCode, AssetId, AssetSettings, Cancel,
    CancelFilter, Checkpoint, ClientName, ClockCommand, Command, ConnectionLoss, Echo, Enter, Event,
    EventRecord, FeeAsset, FeeRate, FeeTier, GroupId, Instructions, InstrumentId, KillScope, LimitScope,
    ListInstrument, Listings, LoginId, LoginName, MassCancel, Modify, NameOrder, OrderCommand, OrderEvent,
    OrderId, OrderLimits, OrderPrice, Owner, Phase, Ppm, Price, Product, Protection, Quantity, QuantityUnit,
    QueryAccount, Question, Replace, SelfTrade, SelfTradePrevention, SetFees, SetOrderEntry, SetTerms,
    ShardId, Side, Stamp, Switch, Symbol, TimeInForce, Timestamp, TradeKind, Transfer, Trigger, TriggerKind,
    TriggerReference, UserRef, VenueCommand, VolumeTiers,
};
use dojima::exchange::Exchange;
use dojima::runtime::SplitMix64;
use dojima::wire::ouch::{SEQUENCED_LEN_MAX, encode_sequenced};
use std::collections::{BTreeMap, BTreeSet};

const ACCOUNTS: u32 = 5;
const ASSETS: u16 = 3;

struct Venue {
    exchange: Exchange,
    stamp: Stamp,
    random: SplitMix64,
    last_refs: [u32; ACCOUNTS as usize],
    instruments: u32,
    events: Vec<EventRecord>,
    /// Of each event, its messages as they were made when it was told.
    told: Vec<Vec<u8>>,
    listings: Listings,
}

impl Venue {
    fn open(seed: u64) -> Self {
        let mut venue = Self {
            exchange: venue::exchange(10_000),
            stamp: Stamp { sequence: 0, time: Timestamp(1_795_000_000_000_000_000) },
            random: SplitMix64::new(seed),
            last_refs: [0; ACCOUNTS as usize],
            instruments: 0,
            events: Vec::new(),
            told: Vec::new(),
            listings: Listings::default(),
        };
        for (id, code) in (0..ASSETS).zip(["USD", "COIN", "GEM"]) {
            let code = AssetCode::new(code).expect("a code");
            venue.apply(Command::Admin(AdminCommand::AddAsset { asset: AssetId(id), code, scale: 6 }));
        }
        venue.apply(Command::Venue(VenueCommand::OpenAccount { account: AccountId::FEES }));
        for id in 0..ACCOUNTS {
            let (login, account) = (LoginId(id), AccountId(id + 1));
            venue.apply(Command::Venue(VenueCommand::OpenAccount { account }));
            venue.apply(Command::Venue(VenueCommand::OpenLogin {
                login,
                account,
                name: LoginName::default(),
            }));
            for asset in (0..ASSETS).map(AssetId) {
                let (amount, reference) = (Amount(1_000_000_000_000), u64::from(asset.0) + 1);
                venue.apply(Command::Admin(AdminCommand::Deposit(Transfer {
                    account,
                    asset,
                    amount,
                    reference,
                    shard: ShardId::FIRST,
                })));
            }
        }
        venue.list("COIN-USD", AssetId(1), FeeAsset::Quote, -100);
        venue.list("GEM-USD", AssetId(2), FeeAsset::Received, 100);
        venue.apply(Command::Venue(VenueCommand::Open { config_digest: 1 }));
        venue
    }

    fn list(&mut self, symbol: &str, base: AssetId, fee_asset: FeeAsset, maker: i32) {
        self.apply(Command::Admin(AdminCommand::ListInstrument(ListInstrument {
            instrument: InstrumentId(self.instruments),
            symbol: Symbol::new(symbol).expect("a symbol"),
            base,
            quote: AssetId(0),
            price_decimals: 2,
            tick_units: 10,
            lot: Amount(10_000),
            min_quantity: Quantity(1),
            max_quantity: Quantity(100_000),
            min_notional: Amount(0),
            maker_fee: FeeRate(maker),
            taker_fee: FeeRate(300),
            fee_asset,
            phase: Phase::Continuous,
            shard: ShardId::FIRST,
            product: Product::Spot,
        })));
        self.instruments += 1;
    }

    fn apply(&mut self, command: Command) {
        // Now and then a client's message comes in another session than it was sent in.
        let command = match self.one_in(40) {
            true => command,
            false => in_present_session(command, &self.exchange),
        };
        self.stamp.sequence += 1;
        self.stamp.time.0 += self.random(3_000_000_000);
        let mut said = Vec::new();
        self.exchange.apply(self.stamp, &command, &mut said);
        for event in said {
            let Stamp { sequence, time } = self.stamp;
            let number = self.events.len() as u64 + 1;
            let record = EventRecord { number, sequence, time, event };
            self.listings.note(&record);
            self.told.push(messages(&record, &self.listings));
            self.events.push(record);
        }
    }

    fn random(&mut self, below: u64) -> u64 {
        self.random.remainder(below)
    }

    fn one_in(&mut self, times: u64) -> bool {
        self.random(times) == 0
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.random(all.len() as u64) as usize]
    }

    fn account(&mut self) -> AccountId {
        AccountId(self.random(u64::from(ACCOUNTS)) as u32 + 1)
    }

    fn instrument(&mut self) -> InstrumentId {
        InstrumentId(self.random(u64::from(self.instruments)) as u32)
    }

    /// One of the last numbers of the login, whatever became of it.
    fn recent(&mut self, login: LoginId) -> UserRef {
        let back = self.random(12) as u32;
        UserRef(self.last_refs[login.0 as usize].saturating_sub(back))
    }

    fn next_ref(&mut self, login: LoginId) -> UserRef {
        let last = &mut self.last_refs[login.0 as usize];
        *last += 1;
        UserRef(*last)
    }

    fn price_units(&mut self) -> u64 {
        1_000 + 10 * self.random(30)
    }

    fn instructions(&mut self, login: LoginId) -> Option<Instructions> {
        let mut asked = Instructions::default();
        if self.one_in(4) {
            asked.trigger = Some(Trigger {
                kind: self.of(TriggerKind::ALL),
                reference: self.of(TriggerReference::ALL),
                price: self.price_units() as u32,
            });
        }
        match self.random(16) {
            0 => asked.oco = self.recent(login),
            1 | 2 => asked.display_quantity = 1 + self.random(5) as u32,
            3 => {}
            _ => self.of(&EACH)(&mut asked, 1 + self.random(10)),
        }
        asked.expire_s = (self.stamp.time.seconds() + 1 + self.random(60)) as u32;
        Some(asked)
    }

    fn prevention(&mut self) -> SelfTradePrevention {
        SelfTradePrevention { mode: self.of(SelfTrade::ALL), owner: self.of(Owner::ALL) }
    }

    fn terms(&mut self) -> (TimeInForce, OrderPrice) {
        let lasting = [TimeInForce::GoodTillCancel, TimeInForce::Day, TimeInForce::GoodTillTime];
        let time_in_force = if self.one_in(5) { TimeInForce::ImmediateOrCancel } else { self.of(&lasting) };
        let price = match self.one_in(6) {
            true => OrderPrice::Market,
            false => OrderPrice::Limit(self.price_units() as i64),
        };
        (time_in_force, price)
    }

    fn enter(&mut self) -> Command {
        let login = LoginId(self.random(u64::from(ACCOUNTS)) as u32);
        let (time_in_force, mut price) = self.terms();
        let mut quantity = 1 + self.random(40);
        let mut instructions = if self.one_in(2) || time_in_force == TimeInForce::GoodTillTime {
            self.instructions(login)
        } else {
            None
        };
        if self.one_in(15) {
            // A quantity in money.
            let trigger = instructions.and_then(|asked| asked.trigger);
            instructions =
                Some(Instructions { unit: QuantityUnit::QuoteAmount, trigger, ..Instructions::default() });
            price = OrderPrice::Market;
            quantity = 1 + self.random(5_000_000);
        }
        Command::Order(OrderCommand::Enter(Enter {
            login,
            session: 0,
            user_ref: self.next_ref(login),
            instrument: self.instrument(),
            side: self.of(Side::ALL),
            time_in_force,
            price,
            quantity: Quantity(quantity),
            echo: Echo::default(),
            instructions,
        }))
    }

    fn change(&mut self) -> Command {
        let login = LoginId(self.random(u64::from(ACCOUNTS)) as u32);
        let user_ref = self.recent(login);
        let quantity = Quantity(self.random(40));
        match self.random(5) {
            0 => {
                let (time_in_force, price) = self.terms();
                Command::Order(OrderCommand::Replace(Replace {
                    login,
                    session: 0,
                    orig_user_ref: user_ref,
                    user_ref: self.next_ref(login),
                    time_in_force,
                    price,
                    quantity,
                    echo: Echo::default(),
                    instructions: self.instructions(login),
                }))
            }
            1 => {
                let price = if self.one_in(2) { Some(self.price_units() as u32) } else { None };
                Command::Order(OrderCommand::Amend(Amend { login, session: 0, user_ref, price, quantity }))
            }
            2 => Command::Order(OrderCommand::CancelOrder {
                order: OrderId(self.random(self.events.len() as u64)),
            }),
            3 => Command::Order(OrderCommand::Cancel(Cancel { login, session: 0, user_ref, quantity })),
            _ => Command::Order(OrderCommand::Cancel(Cancel {
                login,
                session: 0,
                user_ref,
                quantity: Quantity(0),
            })),
        }
    }

    fn setting(&mut self) -> Command {
        let (instrument, account) = (self.instrument(), self.account());
        match self.random(26) {
            0 => {
                let phase = self.of(Phase::ALL);
                Command::Admin(AdminCommand::SetPhase { instrument, phase })
            }
            1..=3 => Command::Admin(AdminCommand::SetPhase { instrument, phase: Phase::Continuous }),
            4 => Command::Admin(AdminCommand::SetMark {
                instrument,
                price: Price(100 + self.random(30) as i64),
            }),
            5 => Command::Admin(AdminCommand::SetTerms(SetTerms {
                instrument,
                tick_units: self.of(&[5, 10, 20]),
                lot: Amount(self.of(&[10_000, 10_000, 20_000])),
                min_quantity: Quantity(1),
                max_quantity: Quantity(100_000),
                min_notional: Amount(0),
            })),
            6 => Command::Admin(AdminCommand::SetFees(SetFees {
                instrument,
                tier: FeeTier(self.random(3) as u8),
                maker: FeeRate(self.random(400) as i32 - 150),
                taker: FeeRate(150 + self.random(400) as i32),
            })),
            7 => Command::Admin(AdminCommand::SetProtection {
                instrument,
                protection: Protection {
                    static_band: Ppm(self.of(&[0, 100_000])),
                    dynamic_band: Ppm(self.of(&[0, 50_000])),
                    interruption_s: self.of(&[0, 5]),
                    market_collar: Ppm(self.of(&[0, 20_000])),
                    ..Protection::default()
                },
            }),
            8 => {
                let scopes = [LimitScope::Instrument(instrument), LimitScope::Account(account)];
                let limits = OrderLimits {
                    notional_max: Amount(self.of(&[0, 400_000_000])),
                    orders_per_second_max: self.of(&[0, 5]),
                    ..OrderLimits::default()
                };
                Command::Admin(AdminCommand::SetOrderLimits { scope: self.of(&scopes), limits })
            }
            9 => Command::Admin(AdminCommand::SetAsset(AssetSettings {
                asset: AssetId(self.random(u64::from(ASSETS)) as u16),
                scale: self.of(&[5, 6, 6, 7]),
                deposits: self.of(&[Switch::On, Switch::Off]),
                withdrawals: Switch::On,
                min_deposit: Amount(0),
                min_withdrawal: Amount(10),
            })),
            10 => Command::Admin(AdminCommand::SetSelfTrade(AccountSelfTrade {
                account,
                prevention: self.prevention(),
                group: GroupId(self.random(2) as u32),
            })),
            11 => Command::Admin(AdminCommand::AssignTier {
                account,
                tier: self.of(&[None, Some(FeeTier(1)), Some(FeeTier(2))]),
            }),
            12 => {
                let mut volume_min = [Amount(i64::MAX); FeeTier::COUNT];
                (volume_min[0], volume_min[1]) = (Amount(0), Amount(1_000_000_000));
                Command::Admin(AdminCommand::SetVolumeTiers(VolumeTiers { asset: AssetId(0), volume_min }))
            }
            13 => {
                let scope = self.of(&[KillScope::Venue, KillScope::Account(account)]);
                Command::Admin(AdminCommand::Kill { scope, switch: Switch::On })
            }
            14 => {
                let filter = CancelFilter { side: Some(self.of(Side::ALL)), ..CancelFilter::default() };
                let login = self.of(&[None, Some(LoginId(1))]);
                let user_ref = login.map_or(UserRef(0), |login| self.next_ref(login));
                Command::Order(OrderCommand::MassCancel(MassCancel { login, session: 0, user_ref, filter }))
            }
            15 => self.transfer(),
            16 => {
                let (of, digest) = (self.stamp.sequence, self.exchange.digest().0);
                Command::Venue(VenueCommand::Checkpoint(Checkpoint { of, digest }))
            }
            17 => Command::Admin(AdminCommand::Delist { instrument }),
            _ => self.of_logins(account),
        }
    }

    /// Rules, sessions, and what concerns one login.
    fn of_logins(&mut self, account: AccountId) -> Command {
        let login = LoginId(self.random(u64::from(ACCOUNTS)) as u32);
        match self.random(16) {
            0 if self.one_in(2) => {
                Command::Venue(VenueCommand::Lead { epoch: self.exchange.epoch() + 1, node: 7 })
            }
            0 => Command::Venue(VenueCommand::SetRules { edition: Command::RULES_LAST }),
            1 => {
                self.last_refs = [0; ACCOUNTS as usize];
                Command::Venue(VenueCommand::RollSession { session: self.exchange.session() + 1 })
            }
            2 if self.one_in(2) => Command::Venue(VenueCommand::ResetUserRef { login }),
            2 => Command::Venue(VenueCommand::CopyAccount { login, account }),
            3 => Command::Order(OrderCommand::CancelLogin { login, cause: ConnectionLoss::Disconnected }),
            4 if self.one_in(2) => {
                let (user_ref, name) =
                    (self.next_ref(login), ClientName(*b"what the client calls it, to the end"));
                Command::Order(OrderCommand::NameOrder(NameOrder { login, session: 0, user_ref, name }))
            }
            4 => {
                let (user_ref, firm, switch) = (self.next_ref(login), *b"FIRM", Switch::Off);
                Command::Order(OrderCommand::SetOrderEntry(SetOrderEntry {
                    login,
                    session: 0,
                    user_ref,
                    firm,
                    switch,
                }))
            }
            5..8 => {
                let (user_ref, firm, switch) = (self.next_ref(login), *b"FIRM", Switch::On);
                Command::Order(OrderCommand::SetOrderEntry(SetOrderEntry {
                    login,
                    session: 0,
                    user_ref,
                    firm,
                    switch,
                }))
            }
            8 => Command::Admin(AdminCommand::SetOrderLimits {
                scope: LimitScope::Login(login),
                limits: OrderLimits { open_orders_max: self.of(&[0, 0, 9]), ..OrderLimits::default() },
            }),
            9..13 => {
                let (user_ref, side) = (self.recent(login), self.of(Side::ALL));
                Command::Order(OrderCommand::Modify(Modify {
                    login,
                    session: 0,
                    user_ref,
                    side,
                    quantity: Quantity(1 + self.random(20)),
                }))
            }
            _ => {
                let cancel_after_ms = self.of(&[None, Some(0), Some(5_000)]);
                Command::Order(OrderCommand::QueryAccount(QueryAccount {
                    login,
                    session: 0,
                    cancel_after_ms,
                    asks: Question::Nothing,
                }))
            }
        }
    }

    fn transfer(&mut self) -> Command {
        let (account, asset) = (self.account(), AssetId(self.random(u64::from(ASSETS)) as u16));
        let (amount, reference) = (Amount(100 * (1 + self.random(1_000)) as i64), 10 + self.stamp.sequence);
        let transfer = Transfer { account, asset, amount, reference, shard: ShardId::FIRST };
        if self.one_in(2) {
            Command::Admin(AdminCommand::Deposit(transfer))
        } else {
            Command::Admin(AdminCommand::Withdraw(transfer))
        }
    }

    fn run(&mut self, commands: usize) {
        for _ in 0..commands {
            let command = match self.random(100) {
                0..65 => self.enter(),
                65..88 => self.change(),
                88..94 => self.setting(),
                94..97 => Command::Clock(ClockCommand::Tick),
                97 => Command::Admin(AdminCommand::Kill { scope: KillScope::Venue, switch: Switch::Off }),
                98 => Command::Admin(AdminCommand::Kill {
                    scope: KillScope::Account(self.account()),
                    switch: Switch::Off,
                }),
                _ => {
                    // Whatever was halted, closed or delisted goes on.
                    for instrument in (0..self.instruments).map(InstrumentId) {
                        self.apply(Command::Admin(AdminCommand::SetPhase {
                            instrument,
                            phase: Phase::Continuous,
                        }));
                    }
                    let gone = self.listings.iter().find(|listing| {
                        let is_last = self.listings.find(listing.symbol) == Some(listing.instrument);
                        listing.phase == Phase::Delisted && is_last
                    });
                    if let Some(gone) = gone.copied().filter(|_| self.instruments < 20) {
                        self.list(&gone.symbol.text(), gone.base, gone.fee_asset, 0);
                    }
                    Command::Clock(ClockCommand::Tick)
                }
            };
            self.apply(command);
        }
    }
}

/// All messages of an event: one for each recipient.
fn messages(record: &EventRecord, listings: &Listings) -> Vec<u8> {
    let mut bytes = Vec::new();
    Audience::default().each(record, |to| {
        let mut packet = [0; SEQUENCED_LEN_MAX];
        let len = encode_sequenced(record, to, listings, &mut packet);
        let len = len.unwrap_or_else(|| panic!("no message for login {}: {record:?}", to.login));
        bytes.extend(&packet[..len]);
    });
    bytes
}

fn kinds(events: &[EventRecord]) -> BTreeSet<&'static str> {
    events.iter().map(|record| record.event.name()).collect()
}

/// Trades with more of an iceberg than it ever shows.
fn trades_of_several_slices(events: &[EventRecord]) -> usize {
    let mut slices = BTreeMap::new();
    let larger = events.iter().filter(|record| match &record.event {
        Event::Order(OrderEvent::Accepted(e)) => {
            slices.insert(e.terms.order, e.terms.display_quantity).is_some()
        }
        Event::Order(OrderEvent::Replaced(e)) => {
            slices.insert(e.terms.order, e.terms.display_quantity).is_some()
        }
        Event::Order(OrderEvent::Executed(e)) => {
            let slice = slices.get(&e.maker_order).copied().unwrap_or_default();
            e.kind == TradeKind::Continuous && slice > 0 && e.quantity.0 > u64::from(slice)
        }
        _ => false,
    });
    larger.count()
}

#[test]
fn tables_and_messages_agree_with_an_exchange_that_does_everything() {
    let (mut seen, mut of_several_slices) = (BTreeSet::new(), 0);
    for seed in 0..12 {
        let mut venue = Venue::open(seed);
        venue.run(4_000);
        venue.exchange.audit().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        seen.extend(kinds(&venue.events));
        of_several_slices += trades_of_several_slices(&venue.events);

        // Told again at the end, every message is what it was.
        for (record, told) in venue.events.iter().zip(&venue.told) {
            assert_eq!(&messages(record, &venue.listings), told, "seed {seed}, event {}", record.number);
        }

        let bench = Bench::with(&venue.events);
        bench.fill(1 + 500 * seed as usize);
        let report = bench.check();
        assert_eq!(report.first_difference(), None, "seed {seed}");
        let sql = dojima::sql::reader::SqlReader::open(&bench.database()).expect("a database");
        for row in sql.balances().expect("balances") {
            let held = venue.exchange.balance(row.account, row.asset).expect("known");
            let in_sql = (row.total.0 - row.reserved.0, row.reserved.0);
            assert_eq!(in_sql, (held.available.0, held.reserved.0), "seed {seed}: {row:?}");
        }
        let connection = rusqlite::Connection::open(bench.database()).expect("a database");
        let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).expect(sql);
        assert_eq!(count("SELECT count(*) FROM conservation WHERE supply <> held"), 0, "seed {seed}");
        let others = "SELECT count(*) FROM order_names WHERE name <> 'what the client calls it, to the end'";
        assert_eq!(count(others), 0, "seed {seed}");
        let open = count("SELECT count(*) FROM orders WHERE open > 0");
        assert_eq!(open, venue.exchange.open_orders() as i64, "seed {seed}");
        let reserved = "SELECT count(*) FROM balances b LEFT JOIN (\
             SELECT account, iif(side = 0, quote, base) AS asset, sum(reserved) AS reserved \
             FROM orders JOIN instruments USING (instrument) WHERE open > 0 GROUP BY 1, 2\
             ) o USING (account, asset) WHERE b.reserved <> ifnull(o.reserved, 0)";
        assert_eq!(count(reserved), 0, "seed {seed}");
        for table in ["trades", "orders"] {
            let shown = count(&format!("SELECT count(*) FROM {table}_readable"));
            assert_eq!(shown, count(&format!("SELECT count(*) FROM {table}")), "seed {seed}, {table}");
        }
    }
    assert_eq!(seen.len(), 44, "every event but a limit on orders occurs: {seen:?}");
    assert!(
        of_several_slices > 100,
        "one trade takes several slices of an iceberg {of_several_slices} times"
    );
}
