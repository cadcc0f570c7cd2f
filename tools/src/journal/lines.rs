//! A record as a text line for people: names instead of ids, prices and quantities as decimals, and no fields with default
//! values. Numbers whose decimals are unknown are printed unchanged, with their unit.

#![deny(clippy::wildcard_enum_match_arm)]

use super::concerns::Concerns;
use super::entry::{Entry, Value};
use super::flat::{self, Field};
use super::names::{Names, Terms};
use super::source::segment_name;
use super::time::rfc3339;
use dojima::domain::{
    AdminCommand, AdminEvent, Amount, AssetId, Command, ContractCommand, ContractEvent, Event, FeeAsset,
    IndexId, Instructions, InstrumentId, LoginId, MarketEvent, OrderCommand, OrderEvent, OrderTerms,
    OwnerCommand, Quantity, QuantityUnit, Side, VenueEvent, decimal, utc,
};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value as Json;

/// Whether a line includes the record's position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Show {
    /// Without the position.
    Content,
    /// With the position: segment and offset in bytes.
    Position,
}

/// The line, without its line end.
pub(super) fn line(entry: &Entry, concerns: &Concerns, names: &Names, show: Show) -> String {
    let mut line = format!("{:>9}  {}  ", entry.sequence, rfc3339(entry.time));
    if show == Show::Position {
        let place = format!("{}:{}", segment_name(entry.position.segment), entry.position.offset);
        line += &format!("{place:<23}  ");
    }
    line += &format!("{:<16}", entry.kind);
    let words = words(entry, concerns, names);
    words.iter().for_each(|(name, value)| line += &format!(" {name}={value}"));
    line.truncate(line.trim_end().len());
    line
}

/// The fields as pairs of name and printed value.
pub(super) fn words(entry: &Entry, concerns: &Concerns, names: &Names) -> Vec<(String, String)> {
    let reader = Reader { entry, names, terms: concerns.instrument.and_then(|id| names.terms(id)) };
    let mut words = Vec::new();
    if let Value::Event(record) = &entry.value {
        words.push(("command".to_owned(), record.sequence.to_string()));
    }
    let fields = flat::fields(&entry.value);
    let names_account = fields.iter().any(|field| field.path == "account");
    let names_instrument = fields.iter().any(|field| field.path == "instrument");
    for field in fields.iter().filter(|field| !is_usual(field)) {
        words.push((short(&field.path).to_owned(), quoted(reader.shown(field))));
        // Facts from other records follow the field that they belong to.
        if field.path == "login" {
            if let (Some(account), false) = (concerns.accounts[0], names_account) {
                words.push(("account".to_owned(), account.to_string()));
            }
            if let (Some(terms), false) = (reader.terms, names_instrument) {
                words.push(("instrument".to_owned(), terms.symbol.to_string()));
            }
        }
    }
    words
}

/// The field's name without its group, which is irrelevant to a reader.
fn short(path: &str) -> &str {
    path.strip_prefix("echo.").or_else(|| path.strip_prefix("instructions.")).unwrap_or(path)
}

/// Fields of an order's terms that are always printed.
const ALWAYS_SAID: [&str; 8] =
    ["user_ref", "order", "instrument", "side", "time_in_force", "price", "quantity", "reserved"];

fn default_of(nothing: impl Serialize, field: &str) -> Option<Json> {
    serde_json::to_value(nothing).unwrap_or_default().get(field).cloned()
}

/// Whether the field has the value of an order without special instructions.
fn is_usual(field: &Field) -> bool {
    let usual = match field.path.as_str() {
        "echo.cl_ord_id" => Json::from(""),
        // OUCH values of a displayed order with any time in force, and of a principal's order in continuous trading.
        "echo.of_message" => {
            return field.value.as_str().is_none_or(|said| said.is_empty() || said.ends_with('Y'));
        }
        "echo.of_order" => return field.value.as_str().is_none_or(|said| said.is_empty() || said == "PN"),
        "maker_visibility" => Json::from("displayed"),
        path => match path.strip_prefix("instructions.") {
            Some(name) => default_of(Instructions::NOTHING, name).unwrap_or_default(),
            None => match default_of(OrderTerms::default(), path) {
                Some(default) if !ALWAYS_SAID.contains(&path) => default,
                _ => return false,
            },
        },
    };
    field.value == usual
}

fn quoted(text: String) -> String {
    if text.is_empty() || text.contains([' ', '"', '=']) { format!("{text:?}") } else { text }
}

/// A side of a trade.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Party {
    Maker,
    Taker,
}

/// Converts the numbers of one record to text.
struct Reader<'a> {
    entry: &'a Entry,
    names: &'a Names,
    terms: Option<&'a Terms>,
}

impl Reader<'_> {
    fn shown(&self, field: &Field) -> String {
        let Some(number) = field.value.as_i64() else { return field.text() };
        let name = field.path.rsplit('.').next().unwrap_or_default();
        let shown = match name {
            "login" | "maker_login" | "taker_login" => self.login(number),
            "instrument" => self.instrument(number),
            "asset" | "base" | "quote" => self.asset(number),
            "index" => self.index(number),
            "price" if self.of_index().is_some() => return self.index_price(number),
            "price" if self.counts_ticks(&field.path) => return self.ticks(number),
            "reference" if self.is_watched(&field.path) => return self.ticks(number),
            "price" | "price_min" | "price_max" => return self.price_units(number),
            "reference" if field.path.starts_with("protection.") => return self.price_units(number),
            "quantity" if self.is_money() => self.money(number, self.terms.map(|terms| terms.quote)),
            "quantity"
            | "decrement"
            | "open"
            | "displayed"
            | "volume"
            | "imbalance"
            | "min_quantity"
            | "max_quantity"
            | "display_quantity"
            | "quantity_max"
            | "position_max"
            | "impact_lots"
            | "position_limit"
            | "open_interest_limit"
            | "open_interest" => {
                return self.lots(number);
            }
            "amount" | "fund" | "wallet" => self.money(number, self.transferred()),
            "mark" => return self.ticks(number),
            "cost" | "realised" | "pot" | "remainder" => {
                self.money(number, self.terms.map(Terms::settled_in))
            }
            "floor" => self.money(number, self.terms.map(Terms::settled_in)),
            "expiry" if number > 0 => u32::try_from(number).ok().map(utc::show),
            "source_time" | "grace_until" if number > 0 => {
                Some(rfc3339(dojima::domain::Timestamp(number.unsigned_abs())))
            }
            "reserved" => self.money(number, self.reserved_in(None)),
            "maker_reserved" => self.money(number, self.reserved_in(Some(Party::Maker))),
            "taker_reserved" => self.money(number, self.reserved_in(Some(Party::Taker))),
            "maker_fee" => self.fee(number, Party::Maker),
            "taker_fee" => self.fee(number, Party::Taker),
            "lot" => self.money(number, self.terms.map(Terms::lots_of)),
            "min_notional" | "notional_max" | "tick_value" => {
                self.money(number, self.terms.map(Terms::settled_in))
            }
            "expire_s" if number >= 86_400 => {
                let time = dojima::domain::Timestamp(number.unsigned_abs().saturating_mul(1_000_000_000));
                Some(rfc3339(time).replace(".000000000", ""))
            }
            "book_by" if number > 0 => Some(rfc3339(dojima::domain::Timestamp(number.unsigned_abs()))),
            _ => None,
        };
        shown.unwrap_or_else(|| field.text())
    }

    fn login(&self, id: i64) -> Option<String> {
        Some(self.names.login_name(LoginId(u32::try_from(id).ok()?))?.to_string())
    }

    fn instrument(&self, id: i64) -> Option<String> {
        Some(self.names.terms(InstrumentId(u32::try_from(id).ok()?))?.symbol.to_string())
    }

    fn index(&self, id: i64) -> Option<String> {
        Some(self.names.index(IndexId(u16::try_from(id).ok()?))?.symbol.to_string())
    }

    /// The index whose price the record has.
    fn of_index(&self) -> Option<IndexId> {
        match &self.entry.value {
            Value::Command(Command::Contract(ContractCommand::SetIndex(set))) => Some(set.index),
            Value::Command(Command::Order(OrderCommand::SendIndex(sent))) => Some(sent.index),
            Value::Event(record) => match &record.event {
                Event::Contract(ContractEvent::IndexSet(set)) => Some(set.index),
                Event::Contract(ContractEvent::IndexHeld { index, .. }) => Some(*index),
                Event::Order(OrderEvent::IndexAnswered(answer)) => Some(answer.index),
                Event::Contract(_)
                | Event::Order(_)
                | Event::Venue(_)
                | Event::Admin(_)
                | Event::Market(_) => None,
            },
            Value::Command(_) => None,
        }
    }

    fn index_price(&self, units: i64) -> String {
        let index = self.of_index().and_then(|index| self.names.index(index));
        let price = index.and_then(|index| scaled(units, index.price_decimals));
        price.map_or_else(|| format!("{units}units"), |price| price.to_string())
    }

    fn asset(&self, id: i64) -> Option<String> {
        Some(self.names.asset(AssetId(u16::try_from(id).ok()?))?.code.to_string())
    }

    /// Whether the field is the price that a trigger watched. Transfers have numbers of the same name.
    fn is_watched(&self, path: &str) -> bool {
        let Value::Event(record) = &self.entry.value else { return false };
        path == "reference" && matches!(record.event, Event::Order(OrderEvent::Triggered(_)))
    }

    /// Whether the field counts ticks: the price at the top of an event, and a mark price. Clients' prices count price
    /// units.
    fn counts_ticks(&self, path: &str) -> bool {
        path == "price"
            && matches!(
                self.entry.value,
                Value::Event(_)
                    | Value::Command(
                        Command::Admin(AdminCommand::SetMark { .. })
                            | Command::Contract(ContractCommand::SettleContract { .. })
                    )
            )
    }

    fn ticks(&self, ticks: i64) -> String {
        match self.terms {
            Some(terms) => match ticks.checked_mul(i64::from(terms.tick_units)) {
                Some(units) => self.price_units(units),
                None => format!("{ticks}ticks"),
            },
            None => format!("{ticks}ticks"),
        }
    }

    fn price_units(&self, units: i64) -> String {
        match self.terms {
            Some(terms) => scaled(units, terms.price_decimals).map(|price| price.to_string()),
            None => None,
        }
        .unwrap_or_else(|| format!("{units}units"))
    }

    fn lots(&self, lots: i64) -> String {
        let known = self.terms.and_then(|terms| {
            let asset = self.names.asset(terms.lots_of())?;
            // A larger amount than fits is not a valid quantity; it is printed as a number of lots.
            lots.checked_mul(terms.lot.0)?;
            let exact = asset.scale <= Amount::SCALE_MAX;
            exact.then(|| decimal::show_quantity(Quantity(lots.unsigned_abs()), terms.lot, asset.scale))
        });
        known.map_or_else(|| format!("{lots}lots"), |quantity| quantity.to_string())
    }

    fn money(&self, minor: i64, asset: Option<AssetId>) -> Option<String> {
        let asset = self.names.asset(asset?)?;
        scaled(minor, asset.scale).map(|amount| amount.normalize().to_string())
    }

    /// The asset that the orders of this record reserve, if the record has their side.
    fn reserved_in(&self, party: Option<Party>) -> Option<AssetId> {
        let Value::Event(record) = &self.entry.value else { return None };
        let side = match &record.event {
            Event::Order(OrderEvent::Accepted(e)) => e.terms.side,
            Event::Order(OrderEvent::Replaced(e)) => e.terms.side,
            Event::Order(OrderEvent::Amended(e)) => e.side,
            Event::Order(OrderEvent::Executed(e)) => match party? {
                Party::Taker => e.taker_side,
                Party::Maker => e.taker_side.opposite(),
            },
            // These events have no side, or reserve nothing.
            Event::Admin(
                AdminEvent::AssetAdded { .. }
                | AdminEvent::InstrumentListed(_)
                | AdminEvent::Deposited(_)
                | AdminEvent::Withdrawn(_)
                | AdminEvent::Refused { .. }
                | AdminEvent::MarkSet { .. }
                | AdminEvent::TermsSet(_)
                | AdminEvent::FeesSet(_)
                | AdminEvent::ProtectionSet { .. }
                | AdminEvent::OrderLimitsSet { .. }
                | AdminEvent::AssetSet(_)
                | AdminEvent::SelfTradeSet(_)
                | AdminEvent::TierSet { .. }
                | AdminEvent::VolumeTiersSet(_)
                | AdminEvent::Killed { .. }
                | AdminEvent::TransferReceived(_)
                | AdminEvent::TransferDone(_),
            )
            | Event::Venue(
                VenueEvent::AccountOpened { .. }
                | VenueEvent::LoginOpened { .. }
                | VenueEvent::Opened { .. }
                | VenueEvent::LimitsSet { .. }
                | VenueEvent::Checkpointed(_)
                | VenueEvent::RulesSet { .. }
                | VenueEvent::Led { .. }
                | VenueEvent::SessionEnded { .. }
                | VenueEvent::SessionStarted { .. }
                | VenueEvent::SessionRolled { .. }
                | VenueEvent::ShardOpened { .. }
                | VenueEvent::AccountCopied { .. },
            )
            | Event::Contract(_)
            | Event::Market(
                MarketEvent::PhaseSet { .. } | MarketEvent::Indicative(_) | MarketEvent::Uncrossed(_),
            )
            | Event::Order(
                OrderEvent::Rejected(_)
                | OrderEvent::Canceled(_)
                | OrderEvent::Ignored(_)
                | OrderEvent::ChangeRejected(_)
                | OrderEvent::Armed(_)
                | OrderEvent::Triggered(_)
                | OrderEvent::Restated(_)
                | OrderEvent::MassCanceled { .. }
                | OrderEvent::AccountState { .. }
                | OrderEvent::PositionState(_)
                | OrderEvent::OrderEntrySet(_)
                | OrderEvent::OrderNamed(_)
                | OrderEvent::PriorityUpdated(_)
                | OrderEvent::TransferSent(_)
                | OrderEvent::IndexAnswered(_)
                | OrderEvent::WalletState(_),
            ) => return None,
        };
        let terms = self.terms?;
        Some(if side == Side::Buy { terms.quote } else { terms.base })
    }

    /// The fee of a side of a trade, with the asset in which it was charged; a listing's fees are rates.
    fn fee(&self, minor: i64, party: Party) -> Option<String> {
        let (Value::Event(record), terms) = (&self.entry.value, self.terms?) else { return None };
        let Event::Order(OrderEvent::Executed(trade)) = &record.event else { return None };
        let side = if party == Party::Taker { trade.taker_side } else { trade.taker_side.opposite() };
        let of_base = terms.fee_asset == FeeAsset::Received && side == Side::Buy;
        self.money(minor, Some(if of_base { terms.base } else { terms.quote }))
    }

    /// Whether the quantity is an amount of money, as for an order by amount.
    fn is_money(&self) -> bool {
        let instructions = match &self.entry.value {
            Value::Command(Command::Order(OrderCommand::Enter(enter))) => enter.instructions,
            Value::Command(Command::Order(OrderCommand::Replace(replace))) => replace.instructions,
            Value::Command(_) | Value::Event(_) => None,
        };
        instructions.is_some_and(|instructions| instructions.unit == QuantityUnit::QuoteAmount)
    }

    /// The asset of the amounts of a record.
    fn transferred(&self) -> Option<AssetId> {
        match &self.entry.value {
            Value::Command(Command::Admin(
                AdminCommand::Deposit(transfer) | AdminCommand::Withdraw(transfer),
            )) => Some(transfer.asset),
            Value::Command(Command::Contract(ContractCommand::DepositFund(deposit))) => Some(deposit.asset),
            Value::Command(Command::Owner(OwnerCommand::MoveMargin(_))) => self.terms.map(Terms::settled_in),
            Value::Command(Command::Admin(AdminCommand::TransferIn(transfer))) => Some(transfer.asset),
            Value::Command(Command::Order(OrderCommand::TransferOut(out))) => Some(out.asset),
            Value::Event(record) => {
                match &record.event {
                    Event::Contract(ContractEvent::FundChanged(change)) => return Some(change.asset),
                    Event::Contract(
                        ContractEvent::FundPaid(paid) | ContractEvent::InsuranceDeficit(paid),
                    ) => {
                        return Some(paid.asset);
                    }
                    Event::Contract(_) => return self.terms.map(Terms::settled_in),
                    Event::Order(_) | Event::Venue(_) | Event::Admin(_) | Event::Market(_) => {}
                }
                if let Event::Admin(AdminEvent::Deposited(transfer) | AdminEvent::Withdrawn(transfer)) =
                    &record.event
                {
                    return Some(transfer.asset);
                }
                record.event.shard_transfer().map(|transfer| transfer.asset)
            }
            Value::Command(_) => None,
        }
    }
}

fn scaled(value: i64, decimals: u8) -> Option<Decimal> {
    (u32::from(decimals) <= Decimal::MAX_SCALE).then(|| Decimal::new(value, u32::from(decimals)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dojima::domain::{
        AccountId, AddIndex, AssetCode, EventRecord, FundCause, FundChanged, FundPaid, FundingNumber,
        FundingPaid, FundingSet, IndexSet, IndexTerms, Listing, PositionLeg, Ppm, Price, Product,
        SetContract, SetMarginTier, ShardId, Symbol, Timestamp, Transfer,
    };

    /// The lines of these events, without number and time.
    fn shown(events: &[Event]) -> Vec<String> {
        let mut names = Names::default();
        let mut lines = Vec::new();
        for (number, event) in (1..).zip(events) {
            let record = EventRecord { number, sequence: 1, time: Timestamp(0), event: *event };
            let entry = Entry::of_event(record);
            names.note(&entry);
            let words = words(&entry, &Concerns::of(&entry, &names), &names);
            let words: Vec<String> = words.iter().map(|(name, value)| format!("{name}={value}")).collect();
            lines.push(words.join(" "));
        }
        lines
    }

    /// An inverse contract, whose lots are amounts of quote.
    fn listing(instrument: InstrumentId) -> Listing {
        Listing {
            instrument,
            symbol: Symbol::new("BTC-MAR").expect("a symbol"),
            base: AssetId(1),
            quote: AssetId(0),
            price_decimals: 2,
            tick_units: 50,
            lot: Amount(1_000),
            min_quantity: Quantity(5),
            product: Product::InverseDated,
            ..Listing::default()
        }
    }

    fn asset(id: u16, code: &str, scale: u8) -> Event {
        let code = AssetCode::new(code).expect("a code");
        Event::Admin(AdminEvent::AssetAdded { asset: AssetId(id), code, scale })
    }

    #[track_caller]
    fn says(lines: &[String], line: usize, words: &[&str]) {
        for word in words {
            assert!(lines[line].split(' ').any(|found| found == *word), "{word}: {}", lines[line]);
        }
    }

    #[test]
    fn numbers_of_contracts_are_in_their_units() {
        let instrument = InstrumentId(0);
        let index = AddIndex {
            index: IndexId(3),
            symbol: Symbol::new("BTC").expect("a symbol"),
            price_decimals: 2,
            shard: ShardId::FIRST,
            terms: IndexTerms { stale_after_ms: 1_000, grace_s: 0, jump: Ppm(0) },
        };
        let set = IndexSet {
            index: IndexId(3),
            price: 5_000_050,
            source_time: Timestamp(1_806_048_000_000_000_000),
            grace_until: Timestamp(0),
        };
        let contract = SetContract {
            instrument,
            index: IndexId(3),
            expiry: 1_806_048_000,
            funding_interval_s: 0,
            price_min: 100,
            price_max: 1_000_050,
        };
        let tier = SetMarginTier {
            instrument,
            row: 1,
            of: 2,
            floor: Amount(250_000_000),
            initial: Ppm(40_000),
            maintenance: Ppm(20_000),
        };
        let change = FundChanged {
            asset: AssetId(1),
            shard: ShardId::FIRST,
            cause: FundCause::Deposit,
            instrument: None,
            amount: Amount(50_000_000),
            fund: Amount(150_000_000),
            reference: 7,
        };
        let transfer =
            Transfer { asset: AssetId(0), amount: Amount(150), reference: 9, ..Transfer::default() };
        let lines = shown(&[
            asset(0, "USD", 2),
            asset(1, "BTC", 8),
            Event::Admin(AdminEvent::InstrumentListed(listing(instrument))),
            Event::Contract(ContractEvent::IndexAdded(index)),
            Event::Contract(ContractEvent::IndexSet(set)),
            Event::Contract(ContractEvent::ContractSet(contract)),
            Event::Contract(ContractEvent::MarginTierSet { tier, amount: Amount(250_000) }),
            Event::Contract(ContractEvent::FundChanged(change)),
            Event::Admin(AdminEvent::Deposited(transfer)),
        ]);
        says(&lines, 2, &["lot=10", "min_quantity=50", "product=inverse-dated"]);
        says(&lines, 4, &["index=BTC", "price=50000.50", "source_time=2027-03-26T08:00:00.000000000Z"]);
        says(
            &lines,
            5,
            &["instrument=BTC-MAR", "index=BTC", "expiry=2027-03-26T08:00:00Z", "price_max=10000.50"],
        );
        says(&lines, 6, &["tier.instrument=BTC-MAR", "tier.floor=2.5", "tier.row=1", "amount=0.0025"]);
        says(&lines, 7, &["asset=BTC", "amount=0.5", "fund=1.5", "reference=7"]);
        says(&lines, 8, &["asset=USD", "amount=1.5", "reference=9"]);
    }

    #[test]
    fn numbers_of_fundings_and_settlements_are_in_their_units() {
        let instrument = InstrumentId(0);
        let paid = FundingPaid {
            account: AccountId(3),
            instrument,
            leg: PositionLeg::Net,
            number: FundingNumber(2),
            amount: Amount(-312),
            pot: 0,
            wallet: 99_999_688,
        };
        let funding = FundingSet {
            instrument,
            number: FundingNumber(2),
            rate_ppb: 125_000,
            samples: 3_600,
            premium_ppb: -7,
            mark: Price(100_001),
            open_interest: Quantity(12),
        };
        let of_fund = FundPaid {
            account: AccountId(3),
            instrument: None,
            asset: AssetId(1),
            shard: ShardId::FIRST,
            amount: Amount(25_000_000),
            fund: Amount(-5_000_000),
        };
        let (price, remainder) = (Price(100_000), Amount(3));
        let lines = shown(&[
            asset(0, "USD", 2),
            asset(1, "BTC", 8),
            Event::Admin(AdminEvent::InstrumentListed(listing(instrument))),
            Event::Contract(ContractEvent::FundingSet(funding)),
            Event::Contract(ContractEvent::FundingPaid(paid)),
            Event::Contract(ContractEvent::ContractSettled { instrument, price, legs: 2, remainder }),
            Event::Contract(ContractEvent::InsuranceDeficit(of_fund)),
        ]);
        says(&lines, 3, &["instrument=BTC-MAR", "rate_ppb=125000", "mark=50000.50", "open_interest=120"]);
        says(&lines, 4, &["account=3", "number=2", "amount=-0.00000312", "wallet=0.99999688"]);
        says(&lines, 5, &["instrument=BTC-MAR", "price=50000.00", "legs=2", "remainder=0.00000003"]);
        says(&lines, 6, &["account=3", "asset=BTC", "amount=0.25", "fund=-0.05"]);
    }
}
