//! Text scripts: commands in, events, books and balances out. One file of `scripts/` per subject.
//!
//! A line that starts in the first column is a command or a question; the indented lines below it are exactly the
//! events that come of it, or the answer. `#` at the start of a line makes it a comment. Numbers are those of the
//! domain: prices that go in are price units, prices that come out are ticks, amounts are minor units, quantities lots.
//! `1.7` is order 7 of login 1; `#3` is the exchange's order 3 (of a transfer: its reference); `!2` is trade 2.
//!
//! ```text
//! setup                                 the commands of scripts/market.setup, without their events
//! asset 0 COIN 2                        id, code, scale
//! account 0
//! login 0 1                             id, account
//! list 0 COIN 0/1 lot=100 tick=5        id, symbol, base/quote, terms that differ from those of `terms()` below
//! trading 0 off
//! deposit 1 0 500 #1                    account, asset, amount, reference; also: withdraw
//! open 7
//! limits 4                              the most open orders that the exchange takes
//! enter 1.1 i0 buy 5 @ 100 ioc          instrument, side, lots, price units or `market`; `ioc` may be left out
//! replace 1.1 to 2 5 @ 100 ioc
//! cancel 1.2 to 3                       `to 0` may be left out
//! refuse-enter 1.3 MalformedTag         what the gateway or the sequencer refuses before the exchange sees it
//! refuse-replace 1.2 to 3 MalformedTag
//! book 0                                the levels, lowest price last: side, lots, ticks, orders
//! balance 1 0                           account, asset: what is available and what is reserved
//! ```
//!
//! Every script also runs through the naive exchange, and the audit follows every command. With `WRITE_SCRIPTS=1` in
//! the environment the indented lines are written anew; read the difference before you commit it.

use super::apply;
use crate::support::naive::Naive;
use dojima::domain::{
    AccountId, Amount, AssetCode, AssetId, Cancel, CancelReason, ClOrdId, Command, Enter, Event, FeeRate,
    IgnoreReason, InstrumentId, ListInstrument, LoginId, LoginName, OrderPrice, Phase, Price, Quantity,
    RefuseEnter, RefuseReplace, RejectReason, Replace, Side, Symbol, TimeInForce, Transfer, UserRef,
};
use dojima::exchange::{Exchange, ExchangeLimits};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::str::{FromStr, SplitWhitespace};

/// The reasons that nothing in the exchange gives.
const NEVER_GIVEN: &[RejectReason] = &[];

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/exchange/scripts")
}

/// The words of one line, with complaints that name the line.
struct Words<'a> {
    line: &'a str,
    words: SplitWhitespace<'a>,
}

impl<'a> Words<'a> {
    fn new(line: &'a str) -> Self {
        Self { line, words: line.split_whitespace() }
    }

    fn bad(&self, what: &str) -> ! {
        panic!("{what}: {}", self.line)
    }

    fn next(&mut self) -> &'a str {
        self.words.next().unwrap_or_else(|| self.bad("the line is too short"))
    }

    fn number<T: FromStr>(&mut self) -> T {
        let word = self.next();
        self.parse(word.trim_start_matches(['#', 'i']))
    }

    fn parse<T: FromStr>(&self, word: &str) -> T {
        word.parse().unwrap_or_else(|_| self.bad("no number where one belongs"))
    }

    /// Skips a word that is there only to be read.
    fn expect(&mut self, word: &str) {
        if self.next() != word {
            self.bad(&format!("{word:?} is missing"));
        }
    }

    fn order(&mut self) -> (LoginId, UserRef) {
        let word = self.next();
        let (login, user_ref) = word.split_once('.').unwrap_or_else(|| self.bad("no order such as 1.7"));
        (LoginId(self.parse(login)), UserRef(self.parse(user_ref)))
    }

    fn side(&mut self) -> Side {
        match self.next() {
            "buy" => Side::Buy,
            "sell" => Side::Sell,
            _ => self.bad("neither buy nor sell"),
        }
    }

    fn price(&mut self) -> OrderPrice {
        match self.next() {
            "market" => OrderPrice::Market,
            "@" => OrderPrice::Limit(self.number()),
            _ => self.bad("neither @ nor market"),
        }
    }

    fn time_in_force(&mut self) -> TimeInForce {
        match self.words.next() {
            None => TimeInForce::GoodTillCancel,
            Some("ioc") => TimeInForce::ImmediateOrCancel,
            Some(_) => self.bad("neither ioc nor the end"),
        }
    }

    fn reason(&mut self) -> RejectReason {
        let name = self.next();
        let found = RejectReason::ALL.iter().find(|reason| reason.name() == name);
        *found.unwrap_or_else(|| self.bad("no such reason"))
    }

    fn trading(&mut self) -> Phase {
        match self.next() {
            "on" => Phase::Continuous,
            "off" => Phase::Closed,
            _ => self.bad("neither on nor off"),
        }
    }

    fn transfer(&mut self) -> Transfer {
        let (account, asset, amount) =
            (AccountId(self.number()), AssetId(self.number()), Amount(self.number()));
        Transfer { account, asset, amount, reference: self.number() }
    }
}

/// The terms of a listing where a script says nothing else.
fn terms() -> ListInstrument {
    ListInstrument {
        price_decimals: 2,
        tick_units: 5,
        lot: Amount(100),
        min_quantity: Quantity(2),
        max_quantity: Quantity(1000),
        min_notional: Amount(200),
        maker_fee: FeeRate(1_000),
        taker_fee: FeeRate(2_000),
        phase: Phase::Continuous,
        ..ListInstrument::default()
    }
}

fn list(words: &mut Words) -> Command {
    let mut terms = ListInstrument { instrument: InstrumentId(words.number()), ..terms() };
    terms.symbol = Symbol::new(words.next()).unwrap_or_else(|| words.bad("no symbol"));
    let assets = words.next();
    let (base, quote) = assets.split_once('/').unwrap_or_else(|| words.bad("no base/quote"));
    (terms.base, terms.quote) = (AssetId(words.parse(base)), AssetId(words.parse(quote)));
    while let Some(term) = words.words.next() {
        let (key, value) = term.split_once('=').unwrap_or_else(|| words.bad("no key=value"));
        match key {
            "decimals" => terms.price_decimals = words.parse(value),
            "tick" => terms.tick_units = words.parse(value),
            "lot" => terms.lot = Amount(words.parse(value)),
            "min" => terms.min_quantity = Quantity(words.parse(value)),
            "max" => terms.max_quantity = Quantity(words.parse(value)),
            "notional" => terms.min_notional = Amount(words.parse(value)),
            "maker" => terms.maker_fee = FeeRate(words.parse(value)),
            "taker" => terms.taker_fee = FeeRate(words.parse(value)),
            "trading" => terms.phase = if value == "off" { Phase::Closed } else { Phase::Continuous },
            _ => words.bad("no such term"),
        }
    }
    Command::ListInstrument(terms)
}

fn replace(words: &mut Words) -> Command {
    let (login, orig_user_ref) = words.order();
    words.expect("to");
    let (user_ref, quantity) = (UserRef(words.number()), Quantity(words.number()));
    let (price, time_in_force) = (words.price(), words.time_in_force());
    Command::Replace(Replace {
        login,
        orig_user_ref,
        user_ref,
        time_in_force,
        price,
        quantity,
        ..Replace::default()
    })
}

fn enter(words: &mut Words) -> Command {
    let (login, user_ref) = words.order();
    let instrument = InstrumentId(words.number());
    let (side, quantity) = (words.side(), Quantity(words.number()));
    let (price, time_in_force) = (words.price(), words.time_in_force());
    Command::Enter(Enter {
        login,
        user_ref,
        instrument,
        side,
        time_in_force,
        price,
        quantity,
        ..Enter::default()
    })
}

fn cancel(words: &mut Words) -> Command {
    let (login, user_ref) = words.order();
    let quantity = match words.words.next() {
        None => Quantity(0),
        Some("to") => Quantity(words.number()),
        Some(_) => words.bad("neither to nor the end"),
    };
    Command::Cancel(Cancel { login, user_ref, quantity })
}

fn refuse_replace(words: &mut Words) -> Command {
    let (login, orig_user_ref) = words.order();
    words.expect("to");
    let user_ref = UserRef(words.number());
    Command::RefuseReplace(RefuseReplace {
        login,
        orig_user_ref,
        user_ref,
        reason: words.reason(),
        cl_ord_id: ClOrdId::default(),
    })
}

fn command(line: &str) -> Command {
    let mut words = Words::new(line);
    let command = match words.next() {
        "asset" => {
            let asset = AssetId(words.number());
            let code = AssetCode::new(words.next()).unwrap_or_else(|| words.bad("no code"));
            Command::AddAsset { asset, code, scale: words.number() }
        }
        "account" => Command::OpenAccount { account: AccountId(words.number()) },
        "login" => Command::OpenLogin {
            login: LoginId(words.number()),
            account: AccountId(words.number()),
            name: LoginName::default(),
        },
        "list" => list(&mut words),
        "trading" => Command::SetPhase { instrument: InstrumentId(words.number()), phase: words.trading() },
        "deposit" => Command::Deposit(words.transfer()),
        "withdraw" => Command::Withdraw(words.transfer()),
        "limits" => Command::SetLimits { orders_max: words.number() },
        "open" => Command::Open { config_digest: words.number() },
        "enter" => enter(&mut words),
        "replace" => replace(&mut words),
        "cancel" => cancel(&mut words),
        "refuse-enter" => {
            let (login, user_ref) = words.order();
            let (reason, cl_ord_id) = (words.reason(), ClOrdId::default());
            Command::RefuseEnter(RefuseEnter { login, user_ref, reason, cl_ord_id })
        }
        "refuse-replace" => refuse_replace(&mut words),
        _ => words.bad("no such command"),
    };
    if words.words.next().is_some() {
        words.bad("words left over");
    }
    command
}

fn side_name(side: Side) -> &'static str {
    if side == Side::Buy { "buy" } else { "sell" }
}

fn price_shown(price: Option<Price>) -> String {
    price.map_or("market".to_owned(), |price| format!("@ {price}"))
}

fn cancel_reason(reason: CancelReason) -> String {
    match reason {
        CancelReason::InvalidReplace(why) => format!("InvalidReplace {}", why.name()),
        other => format!("{other:?}"),
    }
}

/// One event on one line.
fn shown(event: &Event) -> String {
    match event {
        Event::AssetAdded { asset, code, scale } => format!("asset {asset} {code} scale {scale}"),
        Event::AccountOpened { account } => format!("account {account}"),
        Event::LoginOpened { login, account } => format!("login {login} of account {account}"),
        Event::InstrumentListed(l) => {
            format!("listed {} {}, a tick on a lot is {}", l.instrument, l.symbol.text(), l.tick_value)
        }
        Event::PhaseSet { instrument, phase } => {
            format!("trading {instrument} {}", if phase == &Phase::Closed { "Off" } else { "On" })
        }
        Event::Deposited(t) => format!("deposited {} {} {} #{}", t.account, t.asset, t.amount, t.reference),
        Event::Withdrawn(t) => format!("withdrawn {} {} {} #{}", t.account, t.asset, t.amount, t.reference),
        Event::Opened { config_digest } => format!("opened {config_digest}"),
        Event::Refused { reason } => format!("refused {}", reason.name()),
        Event::Accepted(e) => {
            let (side, price) = (side_name(e.side), price_shown(e.price));
            let head = format!("accepted {}.{} #{}", e.login, e.user_ref, e.order);
            format!("{head} {side} {} {price} reserved {}", e.quantity, e.reserved)
        }
        Event::Rejected(e) => format!("rejected {}.{} {}", e.login, e.user_ref, e.reason.name()),
        Event::Replaced(e) => {
            let (side, price) = (side_name(e.side), price_shown(e.price));
            let old = format!("replaced {}.{} #{}", e.login, e.orig_user_ref, e.orig_order);
            let new = format!("{}.{} #{}", e.login, e.user_ref, e.order);
            format!("{old} by {new} {side} {} {price} reserved {}", e.quantity, e.reserved)
        }
        Event::Canceled(e) => {
            let head = format!("canceled {}.{} #{} by {}", e.login, e.user_ref, e.order, e.decrement);
            format!("{head} open {} reserved {} {}", e.open, e.reserved, cancel_reason(e.reason))
        }
        Event::Executed(e) => {
            let head = format!("traded !{} {} @ {}", e.trade, e.quantity, e.price);
            let maker = format!("maker {}.{} #{}", e.maker_login, e.maker_user_ref, e.maker_order);
            let taker = format!("taker {}.{} #{}", e.taker_login, e.taker_user_ref, e.taker_order);
            let maker = format!("{maker} fee {} reserved {}", e.maker_fee, e.maker_reserved);
            format!("{head}, {maker}, {taker} fee {} reserved {}", e.taker_fee, e.taker_reserved)
        }
        Event::LimitsSet { orders_max } => format!("limits {orders_max} orders"),
        Event::Ignored(e) => format!("ignored {}.{} {:?}", e.login, e.user_ref, e.reason),
        other => format!("{other:?}"),
    }
}

/// What the events of all scripts have shown.
#[derive(Default)]
struct Seen {
    rejects: BTreeSet<RejectReason>,
    ignores: BTreeSet<IgnoreReason>,
    /// By the names that [`cancel_reason`] gives, without an invalid replace's own reason.
    cancels: BTreeSet<String>,
    /// The first words of the events.
    events: BTreeSet<String>,
}

impl Seen {
    fn note(&mut self, event: &Event) {
        let line = shown(event);
        self.events.insert(line.split(' ').next().unwrap_or_default().to_owned());
        match event {
            Event::Rejected(e) => drop(self.rejects.insert(e.reason)),
            Event::Refused { reason } => drop(self.rejects.insert(*reason)),
            Event::Ignored(e) => drop(self.ignores.insert(e.reason)),
            Event::Canceled(e) => {
                let name = cancel_reason(e.reason);
                self.cancels.insert(name.split(' ').next().unwrap_or_default().to_owned());
            }
            _ => {}
        }
    }
}

/// Both exchanges, side by side.
struct Run {
    exchange: Exchange,
    naive: Naive,
}

impl Run {
    fn new() -> Self {
        let exchange = Exchange::new(ExchangeLimits { orders_max: 1_000, ..ExchangeLimits::default() });
        Self { exchange, naive: Naive::new(1_000) }
    }

    fn command(&mut self, line: &str) -> Vec<Event> {
        let command = command(line);
        let events = apply(&mut self.exchange, &command);
        assert_eq!(events, self.naive.apply(&command), "the naive exchange says otherwise: {line}");
        self.exchange.audit().unwrap_or_else(|error| panic!("{error}: {line}"));
        events
    }

    fn setup(&mut self) {
        let text = std::fs::read_to_string(directory().join("market.setup")).expect("the setup");
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
            let events = self.command(line);
            assert!(!matches!(events[..], [Event::Refused { .. }]), "refused in the setup: {line}");
        }
    }

    fn book(&self, mut words: Words) -> Vec<String> {
        let instrument = InstrumentId(words.number());
        let levels = |side| self.exchange.levels(instrument, side).map(move |level| (side, level));
        let mut asks: Vec<_> = levels(Side::Sell).collect();
        asks.reverse();
        let all = asks.into_iter().chain(levels(Side::Buy));
        let line = |(side, level): (Side, dojima::exchange::LevelView)| {
            format!("{} {} @ {} in {}", side_name(side), level.quantity, level.price, level.orders)
        };
        all.map(line).collect()
    }

    fn balance(&self, mut words: Words) -> Vec<String> {
        let (account, asset) = (AccountId(words.number()), AssetId(words.number()));
        let balance = self.exchange.balance(account, asset).expect("known to the script");
        vec![format!("{} available, {} reserved", balance.available, balance.reserved)]
    }

    /// What comes of one line.
    fn line(&mut self, line: &str, seen: &mut Seen) -> Vec<String> {
        let mut words = Words::new(line);
        match words.next() {
            "setup" => {
                self.setup();
                Vec::new()
            }
            "book" => self.book(words),
            "balance" => self.balance(words),
            _ => {
                let events = self.command(line);
                events.iter().for_each(|event| seen.note(event));
                events.iter().map(shown).collect()
            }
        }
    }
}

/// Runs a script; returns it with the indented lines as they came out.
fn run(text: &str, seen: &mut Seen) -> String {
    let mut run = Run::new();
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
    let mut seen = Seen::default();
    let mut paths: Vec<_> = std::fs::read_dir(directory())
        .expect("the scripts")
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    paths.sort();
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("a readable script");
        let out = run(&text, &mut seen);
        if std::env::var_os("WRITE_SCRIPTS").is_some() {
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
    assert_eq!(unseen, NEVER_GIVEN.iter().collect::<Vec<_>>(), "reject reasons that no script shows");
    let unseen: Vec<_> = IgnoreReason::ALL.iter().filter(|reason| !seen.ignores.contains(reason)).collect();
    assert!(unseen.is_empty(), "no script shows {unseen:?}");
    let cancels = ["FundsExhausted", "ImmediateOrCancel", "InvalidReplace", "UserRequested"];
    assert!(seen.cancels.iter().eq(cancels), "the scripts show the cancel reasons {:?}", seen.cancels);
    let events = 16;
    assert_eq!(seen.events.len(), events, "kinds of events that the scripts show: {:?}", seen.events);
}
