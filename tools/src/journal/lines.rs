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
    AdminCommand, AdminEvent, Amount, AssetId, Command, Event, FeeAsset, Instructions, InstrumentId, LoginId,
    MarketEvent, OrderCommand, OrderEvent, OrderTerms, Quantity, QuantityUnit, Side, VenueEvent, decimal,
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
            "price" if self.counts_ticks(&field.path) => return self.ticks(number),
            "reference" if matches!(self.entry.value, Value::Event(_)) && field.path == "reference" => {
                return self.ticks(number);
            }
            "price" | "price_min" | "price_max" => return self.price_units(number),
            "reference" if field.path.starts_with("protection.") => return self.price_units(number),
            "quantity" if self.is_money() => self.money(number, self.terms.map(|terms| terms.quote)),
            "quantity" | "decrement" | "open" | "displayed" | "volume" | "imbalance" | "min_quantity"
            | "max_quantity" | "display_quantity" | "quantity_max" | "position_max" => {
                return self.lots(number);
            }
            "amount" | "wallet" => self.money(number, self.transferred()),
            "reserved" => self.money(number, self.reserved_in(None)),
            "maker_reserved" => self.money(number, self.reserved_in(Some(Party::Maker))),
            "taker_reserved" => self.money(number, self.reserved_in(Some(Party::Taker))),
            "maker_fee" => self.fee(number, Party::Maker),
            "taker_fee" => self.fee(number, Party::Taker),
            "lot" => self.money(number, self.terms.map(|terms| terms.base)),
            "min_notional" | "notional_max" | "tick_value" => {
                self.money(number, self.terms.map(|terms| terms.quote))
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

    fn asset(&self, id: i64) -> Option<String> {
        Some(self.names.asset(AssetId(u16::try_from(id).ok()?))?.code.to_string())
    }

    /// Whether the field counts ticks: the price at the top of an event, and a mark price. Clients' prices count price
    /// units.
    fn counts_ticks(&self, path: &str) -> bool {
        path == "price"
            && matches!(
                self.entry.value,
                Value::Event(_) | Value::Command(Command::Admin(AdminCommand::SetMark { .. }))
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
            let base = self.names.asset(terms.base)?;
            // A larger amount than fits is not a valid quantity; it is printed as a number of lots.
            lots.checked_mul(terms.lot.0)?;
            let exact = base.scale <= Amount::SCALE_MAX;
            exact.then(|| decimal::show_quantity(Quantity(lots.unsigned_abs()), terms.lot, base.scale))
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
                | OrderEvent::OrderEntrySet(_)
                | OrderEvent::OrderNamed(_)
                | OrderEvent::PriorityUpdated(_)
                | OrderEvent::TransferSent(_),
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

    fn transferred(&self) -> Option<AssetId> {
        match &self.entry.value {
            Value::Command(Command::Admin(
                AdminCommand::Deposit(transfer) | AdminCommand::Withdraw(transfer),
            )) => Some(transfer.asset),
            Value::Command(Command::Admin(AdminCommand::TransferIn(transfer))) => Some(transfer.asset),
            Value::Command(Command::Order(OrderCommand::TransferOut(out))) => Some(out.asset),
            Value::Event(record) => {
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
