//! A whole recorded day of an exchange with call auctions: every trade exactly as the exchange itself made it.
//!
//! Every `*_input_flow.csv.xz` with action `U` (a call auction ends) and an `*_expected_trades.csv.xz` beside it is played,
//! whatever its symbol and day. The recordings lie beside the project, where they are there at all.

use crate::support::venue;
use dojima::domain::{
    AccountId, AdminCommand, AdminEvent, Amount, AssetCode, AssetId, Cancel, Command, Enter, Event, Executed,
    InstrumentId, ListInstrument, LoginId, LoginName, MassCancel, OrderCommand, OrderEvent, OrderPrice,
    Phase, Quantity, ShardId, Side, Stamp, Symbol, Timestamp, TradeKind, Transfer, UserRef, VenueCommand,
};
use dojima::exchange::Exchange;
use liblzma::read::XzDecoder;
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

const FLOW_HEADER: &str = "n,time,symbol,src_seq,action,order_id,side,price_milli,qty";
const TRADES_HEADER: &str = "symbol,src_seq,time,buy_order_id,sell_order_id,price_milli,qty,phase";
const STOCK: InstrumentId = InstrumentId(0);
/// Orders are dealt to so many accounts with one login each.
const TRADERS: u32 = 16;
/// From here on orders gather for the closing auction.
const CLOSING: &str = "14:57:00";

/// A trade under the recording's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Trade {
    buy: u64,
    sell: u64,
    price_milli: u64,
    quantity: u64,
    kind: TradeKind,
}

fn number(cell: &str) -> u64 {
    cell.parse().unwrap_or_else(|_| panic!("{cell:?} is no number"))
}

fn rows<'a, const N: usize>(text: &'a str, header: &str) -> impl Iterator<Item = [&'a str; N]> {
    assert_eq!(text.lines().next(), Some(header));
    text.lines().skip(1).map(|line| {
        let cells: Vec<_> = line.split(',').collect();
        cells.try_into().unwrap_or_else(|_| panic!("{line:?} has not {N} cells"))
    })
}

/// `HH:MM:SS.mmm` of the first of January 1970.
fn time_of_day(text: &str) -> Timestamp {
    let field = |at: std::ops::Range<usize>| number(&text[at]);
    let seconds = (field(0..2) * 60 + field(3..5)) * 60 + field(6..8);
    Timestamp((seconds * 1_000 + field(9..12)) * 1_000_000)
}

/// The trades that the exchange of the recording made, in order.
fn expected(text: &str) -> Vec<Trade> {
    let trade = |[_, _, time, buy, sell, price, quantity, phase]: [&str; 8]| Trade {
        buy: number(buy),
        sell: number(sell),
        price_milli: number(price),
        quantity: number(quantity),
        kind: match phase {
            "CONT" => TradeKind::Continuous,
            "AUCTION" if time < CLOSING => TradeKind::Opening,
            "AUCTION" => TradeKind::Closing,
            other => panic!("{other:?} is no phase"),
        },
    };
    rows(text, TRADES_HEADER).map(trade).collect()
}

/// The exchange of one stock without fees, and what it made of a day so far.
struct Day {
    exchange: Exchange,
    stamp: Stamp,
    events: Vec<Event>,
    tick: u64,
    phase: Phase,
    /// The recording's name of every order, by the number that the client gave it; all clients share one count.
    names: Vec<u64>,
    numbers: HashMap<u64, UserRef>,
    trades: Vec<Trade>,
}

impl Day {
    fn open(symbol: &str, tick: u64) -> Self {
        let (shares, cash) = (AssetId(0), AssetId(1));
        let mut day = Self {
            exchange: venue::exchange(200_000),
            stamp: Stamp::default(),
            events: Vec::new(),
            tick,
            phase: Phase::OpeningAuction,
            names: Vec::new(),
            numbers: HashMap::new(),
            trades: Vec::new(),
        };
        let code = |text| AssetCode::new(text).expect("a code");
        day.send(&Command::Admin(AdminCommand::AddAsset { asset: shares, code: code(symbol), scale: 0 }));
        day.send(&Command::Admin(AdminCommand::AddAsset { asset: cash, code: code("CASH"), scale: 3 }));
        day.send(&Command::Venue(VenueCommand::OpenAccount { account: AccountId::FEES }));
        for id in 0..TRADERS {
            let account = AccountId(id + 1);
            day.send(&Command::Venue(VenueCommand::OpenAccount { account }));
            day.send(&Command::Venue(VenueCommand::OpenLogin {
                login: LoginId(id),
                account,
                name: LoginName::default(),
            }));
            for (reference, asset) in [(1, shares), (2, cash)] {
                let amount = Amount(500_000_000_000_000_000);
                day.send(&Command::Admin(AdminCommand::Deposit(Transfer {
                    account,
                    asset,
                    amount,
                    reference,
                    shard: ShardId::FIRST,
                })));
            }
        }
        day.send(&Command::Admin(AdminCommand::ListInstrument(ListInstrument {
            instrument: STOCK,
            symbol: Symbol::new(symbol).expect("a symbol"),
            base: shares,
            quote: cash,
            price_decimals: 3,
            tick_units: tick as u32,
            lot: Amount(1),
            min_quantity: Quantity(1),
            max_quantity: Quantity(u64::from(u32::MAX)),
            phase: day.phase,
            ..ListInstrument::default()
        })));
        day.send(&Command::Venue(VenueCommand::Open { config_digest: 1 }));
        day
    }

    fn send(&mut self, command: &Command) {
        self.stamp.sequence += 1;
        self.events.clear();
        self.exchange.apply(self.stamp, command, &mut self.events);
        for event in &self.events {
            match event {
                Event::Order(OrderEvent::Executed(trade)) => self.trades.push(self.named(trade)),
                Event::Admin(AdminEvent::Refused { .. })
                | Event::Order(
                    OrderEvent::Rejected(_) | OrderEvent::ChangeRejected(_) | OrderEvent::Ignored(_),
                ) => {
                    panic!("{command:?}: {event:?}")
                }
                _ => {}
            }
        }
    }

    fn named(&self, trade: &Executed) -> Trade {
        let name = |user_ref: UserRef| self.names[user_ref.0 as usize - 1];
        let (maker, taker) = (name(trade.maker_user_ref), name(trade.taker_user_ref));
        let (buy, sell) = if trade.taker_side == Side::Buy { (taker, maker) } else { (maker, taker) };
        let price_milli = trade.price.0.unsigned_abs() * self.tick;
        Trade { buy, sell, price_milli, quantity: trade.quantity.0, kind: trade.kind }
    }

    fn set_phase(&mut self, phase: Phase) {
        self.phase = phase;
        self.send(&Command::Admin(AdminCommand::SetPhase { instrument: STOCK, phase }));
    }

    /// Orders gather until the first `U`; what comes after it, from 9:30 on, matches as it comes; from 14:57 on orders
    /// gather again, until the next `U`.
    fn play(&mut self, [_, time, _, _, action, order, side, price, quantity]: [&str; 9]) {
        self.stamp.time = time_of_day(time);
        if self.phase == Phase::Continuous && time >= CLOSING {
            self.set_phase(Phase::ClosingAuction);
        }
        match action {
            "U" if self.phase == Phase::OpeningAuction => self.set_phase(Phase::Continuous),
            "U" => self.set_phase(Phase::Closed),
            "N" => {
                let name = number(order);
                self.names.push(name);
                let user_ref = UserRef(self.names.len() as u32);
                assert_eq!(self.numbers.insert(name, user_ref), None, "order {name} is entered once");
                self.send(&Command::Order(OrderCommand::Enter(Enter {
                    login: login_of(user_ref),
                    user_ref,
                    instrument: STOCK,
                    side: match side {
                        "B" => Side::Buy,
                        "S" => Side::Sell,
                        other => panic!("{other:?} is no side"),
                    },
                    price: OrderPrice::Limit(number(price) as i64),
                    quantity: Quantity(number(quantity)),
                    ..Enter::default()
                })));
            }
            "C" => {
                let user_ref = self.numbers[&number(order)];
                let (login, quantity) = (login_of(user_ref), Quantity(0));
                self.send(&Command::Order(OrderCommand::Cancel(Cancel {
                    login,
                    session: 0,
                    user_ref,
                    quantity,
                })));
            }
            other => panic!("{other:?} is no action"),
        }
    }

    /// What must hold at the end of any day; then everything is cancelled and nothing may be reserved any more.
    fn end(mut self) -> Vec<Trade> {
        assert_eq!(self.phase, Phase::Closed, "the last auction of the day has ended");
        assert_eq!(self.exchange.audit(), Ok(()));
        self.send(&Command::Order(OrderCommand::MassCancel(MassCancel::default())));
        assert_eq!((self.exchange.open_orders(), self.exchange.audit()), (0, Ok(())));
        for (account, asset) in (0..=TRADERS).flat_map(|account| [(account, 0), (account, 1)]) {
            let balance = self.exchange.balance(AccountId(account), AssetId(asset)).expect("known");
            assert_eq!(balance.reserved, Amount(0), "of account {account}");
        }
        self.trades
    }
}

fn login_of(user_ref: UserRef) -> LoginId {
    LoginId(user_ref.0 % TRADERS)
}

/// Plays a recording and returns its trades.
fn play(flow: &str) -> Vec<Trade> {
    let rows = || rows::<9>(flow, FLOW_HEADER);
    let symbol = rows().next().expect("a row")[2];
    // Stocks have ticks of 0.01, funds of 0.001.
    let on_cents = rows().all(|row| number(row[7]).is_multiple_of(10));
    let mut day = Day::open(symbol, if on_cents { 10 } else { 1 });
    rows().for_each(|row| day.play(row));
    day.end()
}

/// The first trade that is not as expected, with its number from 0; `None`: all are.
fn first_difference(made: &[Trade], expected: &[Trade]) -> Option<(usize, Option<Trade>, Option<Trade>)> {
    let at = |at: usize| (made.get(at).copied(), expected.get(at).copied());
    let differs = (0..made.len().max(expected.len())).find(|number| at(*number).0 != at(*number).1)?;
    Some((differs, at(differs).0, at(differs).1))
}

fn read_xz(path: &Path) -> String {
    let mut text = String::new();
    let file = File::open(path).expect("it opens");
    XzDecoder::new_multi_decoder(file).read_to_string(&mut text).expect("text");
    text
}

/// All recordings of whole days: flow and trades.
fn recordings() -> Vec<(PathBuf, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let files = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let pair = |flow: PathBuf| {
        let name = flow.file_name()?.to_str()?.strip_suffix("_input_flow.csv.xz")?.to_owned();
        let trades = flow.with_file_name(format!("{name}_expected_trades.csv.xz"));
        trades.exists().then_some((flow, trades))
    };
    let mut found: Vec<_> = files.filter_map(|file| pair(file.path())).collect();
    found.retain(|(flow, _)| read_xz(flow).starts_with(FLOW_HEADER));
    found.sort();
    if found.is_empty() {
        // Not by eprintln!, which the test runner swallows: a skip has to be seen.
        let _ = writeln!(std::io::stderr(), "SKIPPED: no recording of a whole day in {}", folder.display());
    }
    found
}

#[test]
fn every_trade_of_a_recorded_day_is_made_again() {
    for (flow, trades) in recordings() {
        let (made, expected) = (play(&read_xz(&flow)), expected(&read_xz(&trades)));
        assert_eq!(first_difference(&made, &expected), None, "{}", flow.display());
        assert!(!expected.is_empty(), "{} is empty", trades.display());
        let count = |kind| expected.iter().filter(|trade| trade.kind == kind).count();
        println!(
            "{}: {} trades as recorded, {} at the opening and {} at the close",
            flow.display(),
            expected.len(),
            count(TradeKind::Opening),
            count(TradeKind::Closing),
        );
    }
}

#[test]
fn the_day_of_600519_is_whole() {
    let found =
        recordings().into_iter().find(|(flow, _)| flow.ends_with("20230201_600519_input_flow.csv.xz"));
    let Some((flow, trades)) = found else { return };
    let (flow, expected) = (read_xz(&flow), expected(&read_xz(&trades)));
    let actions = |wanted: &str| rows::<9>(&flow, FLOW_HEADER).filter(|row| row[4] == wanted).count();
    assert_eq!([actions("N"), actions("C"), actions("U")], [58_117, 15_668, 2]);
    let kinds = [TradeKind::Opening, TradeKind::Continuous, TradeKind::Closing];
    let counts = kinds.map(|kind| expected.iter().filter(|trade| trade.kind == kind).count());
    assert_eq!(counts, [260, 26_572, 303]);
    // Nothing is asked between the opening auction and half past nine.
    let between = rows::<9>(&flow, FLOW_HEADER).filter(|row| ("09:25:00.941".."09:30").contains(&row[1]));
    assert_eq!(between.count(), 0);
}

/// A day in miniature, so that the comparison is tried out where there are no recordings.
const SMALL_DAY: &str = "n,time,symbol,src_seq,action,order_id,side,price_milli,qty
1,09:15:00.000,TEST,1,N,7,B,10020,300
2,09:15:01.000,TEST,2,N,5,S,10000,100
3,09:15:02.000,TEST,3,N,6,S,10010,100
4,09:15:03.000,TEST,4,N,3,B,9000,100
5,09:24:00.000,TEST,5,C,3,B,9000,100
6,09:25:00.000,TEST,6,U,0,,0,0
7,09:30:00.000,TEST,7,N,9,S,10000,150
8,14:57:00.000,TEST,8,N,10,B,10000,20
9,14:58:00.000,TEST,9,N,11,B,10050,30
10,15:00:00.000,TEST,10,U,0,,0,0
";

const SMALL_TRADES: &str = "symbol,src_seq,time,buy_order_id,sell_order_id,price_milli,qty,phase
TEST,1,09:25:00.000,7,5,10020,100,AUCTION
TEST,2,09:25:00.000,7,6,10020,100,AUCTION
TEST,3,09:30:00.000,7,9,10020,100,CONT
TEST,4,15:00:00.000,11,9,10000,30,AUCTION
TEST,5,15:00:00.000,10,9,10000,20,AUCTION
";

#[test]
fn a_day_in_miniature() {
    let made = play(SMALL_DAY);
    let trades = expected(SMALL_TRADES);
    assert_eq!(first_difference(&made, &trades), None);
    assert_eq!(
        first_difference(&made[..4], &trades),
        Some((4, None, Some(trades[4]))),
        "a trade that is missing is seen"
    );
    let other = expected(&SMALL_TRADES.replace("10020,100,CONT", "10010,100,CONT"));
    assert_eq!(first_difference(&made, &other).map(|(at, ..)| at), Some(2), "and one at another price");
}
