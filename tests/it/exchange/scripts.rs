//! Text scripts: commands in, events, books and balances out. One file of `scripts/` per subject.
//!
//! A line that starts in the first column is a command or a question; the indented lines below it are exactly the
//! events that come of it, or the answer. `#` at the start of a line makes it a comment. Numbers are those of the
//! domain: prices that go in are price units (a mark price: ticks), prices that come out are ticks, amounts are minor
//! units, quantities lots. `1.7` is order 7 of login 1; `#3` is the exchange's order 3 (of a transfer: its reference); `!2`
//! is trade 2.
//!
//! ```text
//! setup                                 the commands of scripts/market.setup, without their events; `setup contracts`:
//!                                       those of scripts/contracts.setup
//! at 2d 12.5s                           the time of the commands that follow, since 1970; it starts at 0
//! tick
//! ticks 3600                            so many ticks, each a second after what was before; `ticks 3600 index 1 20000`: with this
//!                                       price of the index, price units, anew for each 600 of them; other indexes may follow
//!
//! asset 0 COIN 2                        id, code, scale
//! account 0
//! login 0 1                             id, account
//! list 0 COIN 0/1 lot=100 tick=5        id, symbol, base/quote, terms that differ from those of `terms()` in
//!                                       scripts/commands.rs: decimals tick lot min max notional maker taker
//!                                       fees=received phase product
//! deposit 1 0 500 #1                    account, asset, amount, reference; also: withdraw
//! open 7
//! limits 4 touched=20                   the most open orders that the exchange takes; touched account-orders
//!                                       account-triggers (the defaults)
//!
//! enter 1.1 i0 buy 5 @ 100 ioc          instrument, side, lots, price units or `market`, then any of the words of scripts/details.rs
//! replace 1.1 to 2 5 @ 100 ioc          the same may follow
//! amend 1.1 to 4 @ 105                  the new total; the price may be left out
//! cancel 1.2 to 3                       `to 0` may be left out
//! masscancel 1.3 side buy               from login 1, or `masscancel operator`; any of: login account instrument side
//! cancel-order #3
//! refuse-enter 1.3 MalformedTag         what the gateway or the sequencer refuses before the exchange sees it
//! refuse-replace 1.2 to 3 MalformedTag
//!
//! phase 0 OpeningAuction
//! mark 0 20
//! terms 0 tick=10                       tick lot min max notional; those of `terms()` where nothing is said
//! fees 0 tier 1 maker=-100 taker=200    0 where nothing is said, here and in all lines below
//! protect 0 static=50000                min max reference static dynamic interruption collar
//! limit account 1 rate=2                or `limit instrument 0` or `limit login 1`; quantity notional orders triggers rate
//!                                       position
//! asset-set 1 scale=2 deposits=off      scale deposits withdrawals min-deposit min-withdrawal (scale 2, on, 0)
//! stp 1 oldest group in 7               account, what is done, between whom, its group (none)
//! tier 1 3                              or `tier 1 volume`
//! tiers 1 0 1000 5000                   asset, the volume from which each row holds (the others: never)
//! kill account 1 on                     or `kill venue off`
//! rules 1                               the edition of the rules
//! modify 1.1 buy to 4                   the side that the client says, the new total
//! query 1 after 500                     asks for the next number; "after MS" (the dead-man's switch) and "balance ASSET" may be left out
//! order-entry 1.4 off
//! lost 1                                the login's connection is gone
//! session 1                             the next session
//! copy 1 to 2                           account, login
//! delist 0
//!
//! index 0 BTC decimals=2                id, symbol; decimals stale grace jump (2, 10,000 ms, 60 s, 0)
//! index-terms 0 stale=5000              the same but for decimals
//! index-price 0 20000 at 12.5s          price units, source time
//! contract 0 index=1 max=50000          index expiry interval min max (0, 0, 28,800, 5, 100,000)
//! risk 0 fee=1000                       interest impact mark first premium outer fee collar adl-after adl position
//!                                       interest-max; those of `risk()` in scripts/contracts.rs where nothing is said
//! margin-tier 0 1 of 3 floor=5000       instrument, row, number of rows; floor initial maintenance
//! fund 1 500 #1                         asset, amount, reference
//! position-mode 0 hedge of 1            shard, mode, account; by an operator
//! margin-mode i0 isolated of 1          instrument, mode, account; by an operator
//! leverage i0 10 of 1 by 0.7            instrument, leverage, account; by login 0 with its number 7
//! move-margin i0 -50 of 1               instrument, amount, account; `long` or `short` before the amount: a leg of hedge mode
//! settle 1 151                          instrument, ticks
//!
//! book 0                                what the book shows: side, lots, ticks, orders, best bid and ask in the middle
//! orders 0                              all live orders as they would trade, asks upside down: shown and open lots
//! dormant 0                             the orders that wait for a trigger
//! prices 0                              last trade, mark, reference, in ticks
//! balance 1 0                           account, asset: what is available and what is reserved
//! ```
//!
//! Every script also runs through the naive exchange, and the audit and a comparison of the two states follow every
//! command, of `ticks` those of which something comes and the last one. With `WRITE_SCRIPTS=1` in the environment the indented lines are written anew; read the difference before
//! you commit it. With `WRITE_SCRIPTS=naive` they are what the naive exchange says, and the engine is not asked.

mod commands;
mod contracts;
mod details;
pub(super) mod shown;
mod words;

use super::apply_at;
use crate::support::compare::same_state;
use crate::support::naive::Naive;
use crate::support::venue;
use dojima::domain::{
    AccountId, AdminEvent, AssetId, Command, Event, IgnoreReason, InstrumentId, RejectReason, Side, Stamp,
    Timestamp, Visibility,
};
use dojima::exchange::Exchange;
use shown::{CANCEL_KINDS, EVENT_KINDS, Seen, shown, side_name};
use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use words::Words;

const ORDERS_MAX: u32 = 1_000;

/// The reasons that no script shows: it takes several shards (shards.rs shows them), or more positions than a script can have;
/// or only the gateway finds it.
const NOT_SHOWN: &[RejectReason] = &[
    RejectReason::ShardsComeFirst,
    RejectReason::OneShardOnly,
    RejectReason::NotInThisEdition,
    RejectReason::TooManyTransfers,
    RejectReason::TooManyPositions,
    RejectReason::IndexNotAllowed,
];

/// The reasons that a price of a login is refused for, as an order is told its own.
const OF_INDEX_PRICES: &[RejectReason] = &[RejectReason::UnknownIndex, RejectReason::StaleIndex];

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/exchange/scripts")
}

/// Both exchanges, side by side; or the naive one alone.
struct Run {
    exchange: Option<Exchange>,
    naive: Naive,
    now: u64,
}

impl Run {
    fn new(alone: bool) -> Self {
        let exchange = (!alone).then(|| venue::exchange(ORDERS_MAX));
        Self { exchange, naive: Naive::new(venue::limits(ORDERS_MAX)), now: 0 }
    }

    /// What a line asks for: of a client, in its login's present session, or in session 3 if the line begins with `in 3`.
    fn in_its_session(&self, line: &str) -> Command {
        let mut words = Words::new(line);
        let said = words.takes("in").then(|| words.number());
        let command = commands::command(words);
        let session = said.or(command.sender().map(|sender| self.naive.session_of(sender.login)));
        session.map_or(command, |session| command.in_session(session))
    }

    fn command(&mut self, line: &str) -> Vec<Event> {
        let events = self.apply(line);
        self.compare(line);
        events
    }

    fn apply(&mut self, line: &str) -> Vec<Event> {
        let command = self.in_its_session(line);
        let stamp = Stamp { sequence: 0, time: Timestamp(self.now) };
        let expected = self.naive.apply(stamp, &command);
        if let Some(exchange) = &mut self.exchange {
            let events = apply_at(exchange, stamp, &command);
            assert_eq!(events, expected, "the naive exchange (on the right) says otherwise: {line}");
        }
        expected
    }

    fn compare(&self, line: &str) {
        if let Some(exchange) = &self.exchange {
            exchange.audit().unwrap_or_else(|error| panic!("{error}: {line}"));
            same_state(exchange, &self.naive).unwrap_or_else(|error| panic!("{error}: {line}"));
        }
    }

    /// So many ticks, each a second later than the one before; indexes that are given have their prices right before every
    /// 600th, of the time of the tick. What comes of them is one list; after ticks of which nothing comes nothing is compared
    /// but the last time.
    fn ticks(&mut self, mut words: Words) -> Vec<Event> {
        let count: u64 = words.number();
        let mut indexes = Vec::new();
        while words.takes("index") {
            indexes.push((words.number::<u16>(), words.number::<i64>()));
        }
        words.end();
        let mut events = Vec::new();
        for number in 0..count {
            let next = self.now + Timestamp::SECOND;
            for (index, price) in indexes.iter().filter(|_| number % 600 == 0) {
                let of = next / Timestamp::SECOND;
                events.extend(self.command(&format!("index-price {index} {price} at {of}s")));
            }
            self.now = next;
            let came = self.apply("tick");
            if !came.is_empty() || number + 1 == count {
                self.compare("ticks");
            }
            events.extend(came);
        }
        events
    }

    fn setup(&mut self, name: &str) {
        let text = std::fs::read_to_string(directory().join(format!("{name}.setup"))).expect("the setup");
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
            let events = self.command(line);
            assert!(
                !matches!(events[..], [Event::Admin(AdminEvent::Refused { .. })]),
                "refused in the setup: {line}"
            );
        }
    }

    fn book(&self, instrument: InstrumentId) -> Vec<String> {
        let levels = |side| {
            let mut levels: Vec<(i64, u64, u32)> = Vec::new();
            for order in self.naive.book(instrument, side) {
                let (price, shown) = (order.price.0, order.shown.0);
                match levels.last_mut() {
                    _ if order.visibility == Visibility::Hidden => {}
                    Some((same, lots, orders)) if *same == price => {
                        (*lots, *orders) = (*lots + shown, *orders + 1)
                    }
                    _ => levels.push((price, shown, 1)),
                }
            }
            let name = side_name(side);
            levels
                .into_iter()
                .map(move |(price, lots, orders)| format!("{name} {lots} @ {price} in {orders}"))
        };
        levels(Side::Sell).collect::<Vec<_>>().into_iter().rev().chain(levels(Side::Buy)).collect()
    }

    fn orders(&self, instrument: InstrumentId) -> Vec<String> {
        let side = |side| {
            self.naive.book(instrument, side).into_iter().map(move |order| {
                let hidden = if order.visibility == Visibility::Hidden { " hidden" } else { "" };
                let head = format!("{} #{} @ {}", side_name(side), order.order, order.price);
                format!("{head} shows {} of {}{hidden}", order.shown, order.open)
            })
        };
        side(Side::Sell).collect::<Vec<_>>().into_iter().rev().chain(side(Side::Buy)).collect()
    }

    fn dormant(&self, instrument: InstrumentId) -> Vec<String> {
        let waits =
            |order: &&crate::support::naive::Order| order.instrument == instrument && order.waiting.is_some();
        let open = self.naive.open_orders();
        let line = |order: &crate::support::naive::Order| {
            format!("{} {} lots of #{}", side_name(order.side), order.open, order.id)
        };
        open.into_iter().filter(waits).map(line).collect()
    }

    fn prices(&self, instrument: InstrumentId) -> Vec<String> {
        let [last, mark, reference] =
            self.naive.prices(instrument).map(|price| price.map_or("none".to_owned(), |p| p.to_string()));
        vec![format!("last {last}, mark {mark}, reference {reference}")]
    }

    fn balance(&self, account: AccountId, asset: AssetId) -> Vec<String> {
        let holding = self.naive.holding(account, asset);
        vec![format!("{} available, {} reserved", holding.total - holding.reserved, holding.reserved)]
    }

    /// What comes of one line.
    fn line(&mut self, line: &str, seen: &mut Seen) -> Vec<String> {
        let mut words = Words::new(line);
        match words.next() {
            "setup" => {
                self.setup(words.maybe().unwrap_or("market"));
                Vec::new()
            }
            "at" => {
                self.now = words.time();
                words.end();
                Vec::new()
            }
            "book" => self.book(InstrumentId(words.number())),
            "orders" => self.orders(InstrumentId(words.number())),
            "dormant" => self.dormant(InstrumentId(words.number())),
            "prices" => self.prices(InstrumentId(words.number())),
            "balance" => self.balance(AccountId(words.number()), AssetId(words.number())),
            first => {
                let events = if first == "ticks" { self.ticks(words) } else { self.command(line) };
                let is_setting = contracts::is_setting(line);
                events.iter().for_each(|event| match is_setting {
                    true => seen.note_setting(event),
                    false => seen.note(event),
                });
                events.iter().map(shown).collect()
            }
        }
    }
}

/// Runs a script; returns it with the indented lines as they came out.
fn run(text: &str, alone: bool, seen: &mut Seen) -> String {
    let mut run = Run::new(alone);
    let mut out = String::new();
    for line in text.lines().filter(|line| !line.starts_with(' ')) {
        writeln!(out, "{line}").expect("a string takes all");
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        for result in run.line(line, seen) {
            writeln!(out, "  {result}").expect("a string takes all");
        }
    }
    out
}

#[test]
fn scripts_say_what_happens() {
    let write = std::env::var_os("WRITE_SCRIPTS");
    let alone = write.as_ref().is_some_and(|how| how == "naive");
    let mut seen = Seen::default();
    let mut paths: Vec<_> = std::fs::read_dir(directory())
        .expect("the scripts")
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    paths.sort();
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("a readable script");
        let out = run(&text, alone, &mut seen);
        if write.is_some() {
            std::fs::write(&path, out).expect("a writable script");
            continue;
        }
        let differs = text.lines().zip(out.lines()).position(|(said, came)| said != came);
        let at = differs.unwrap_or_else(|| text.lines().count().min(out.lines().count()));
        let line = |text: &str| text.lines().nth(at).unwrap_or("(the end)").to_owned();
        let (said, came) = (line(&text), line(&out));
        assert!(text == out, "{}:{}\n said: {said}\n came: {came}", path.display(), at + 1);
    }
    every_reason_was_seen(&seen);
}

/// Whatever the exchange can answer stands in some script.
fn every_reason_was_seen(seen: &Seen) {
    let unseen: Vec<_> = RejectReason::ALL.iter().filter(|reason| !seen.rejects.contains(reason)).collect();
    assert_eq!(unseen, NOT_SHOWN.iter().collect::<Vec<_>>(), "reject reasons that no script shows");
    let checked: HashSet<_> = RejectReason::CHECKED.iter().copied().collect();
    let unlisted = seen.order_rejects.difference(&checked);
    let unlisted: Vec<_> = unlisted.filter(|reason| !OF_INDEX_PRICES.contains(reason)).collect();
    assert!(unlisted.is_empty(), "an order is refused for it, and no check is listed: {unlisted:?}");
    let unseen = checked.difference(&seen.order_rejects);
    let unseen: Vec<_> = unseen.filter(|reason| !NOT_SHOWN.contains(reason)).collect();
    assert!(unseen.is_empty(), "checks that refuse no order of a script: {unseen:?}");
    let unseen: Vec<_> = IgnoreReason::ALL.iter().filter(|reason| !seen.ignores.contains(reason)).collect();
    assert!(unseen.is_empty(), "no script shows {unseen:?}");
    let unseen: Vec<_> = CANCEL_KINDS.iter().filter(|kind| !seen.cancels.contains(**kind)).collect();
    assert!(unseen.is_empty(), "cancel reasons that no script shows: {unseen:?}");
    let unseen: Vec<_> = EVENT_KINDS.iter().filter(|kind| !seen.events.contains(**kind)).collect();
    assert!(unseen.is_empty(), "events that no script shows: {unseen:?}");
}
