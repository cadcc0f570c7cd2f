//! Events as lines of a script, and which kinds of them there were.

use super::contracts;
use super::details::shown as details;
use dojima::domain::{
    Accepted, AdminEvent, AssetBalance, Auction, CancelReason, Event, Executed, IgnoreReason, KillScope,
    LimitScope, MarketEvent, OrderEvent, OrderTerms, Price, PriorityUpdated, RejectReason, Replaced,
    Restated, SelfTradePrevented, ShardTransfer, Side, TradeKind, Trigger, VenueEvent, VenueLimits,
    Visibility, Wallet,
};
use std::collections::{BTreeMap, BTreeSet, HashSet};

pub fn side_name(side: Side) -> &'static str {
    if side == Side::Buy { "buy" } else { "sell" }
}

fn price_shown(price: Option<Price>) -> String {
    price.map_or("market".to_owned(), |price| format!("@ {price}"))
}

fn cancel_reason(reason: CancelReason) -> String {
    match reason {
        CancelReason::InvalidReplace(why) => format!("InvalidReplace {}", why.name()),
        CancelReason::TriggerRefused(why) => format!("TriggerRefused {}", why.name()),
        CancelReason::SelfTradePrevented(not_made) => {
            let SelfTradePrevented { instrument, price, quantity, mode, incoming } = not_made;
            let which = if incoming { "incoming" } else { "resting" };
            format!("SelfTradePrevented {quantity} of i{instrument} @ {price} {mode:?} {which}")
        }
        other => format!("{other:?}"),
    }
}

fn limits_set(limits: &VenueLimits) -> String {
    let VenueLimits { orders_max, orders_touched_max, account_orders_max, account_triggers_max } = *limits;
    let of_account = format!("{account_orders_max} and {account_triggers_max} triggers an account");
    format!("limits {orders_max} orders, {orders_touched_max} touched, {of_account}")
}

fn accepted(e: &Accepted) -> String {
    let (side, price) = (side_name(e.terms.side), price_shown(e.terms.price));
    let head = format!("accepted {}.{} #{}", e.login, e.terms.user_ref, e.terms.order);
    let details = details(&e.terms);
    format!("{head} {side} {} {price} reserved {}{details}", e.terms.quantity, e.terms.reserved)
}

fn replaced(e: &Replaced) -> String {
    let (side, price) = (side_name(e.terms.side), price_shown(e.terms.price));
    let old = format!("replaced {}.{} #{}", e.login, e.orig_user_ref, e.orig_order);
    let new = format!("{}.{} #{}", e.login, e.terms.user_ref, e.terms.order);
    let details = details(&e.terms);
    format!("{old} by {new} {side} {} {price} reserved {}{details}", e.terms.quantity, e.terms.reserved)
}

fn executed(e: &Executed) -> String {
    let how = if e.kind == TradeKind::Continuous { String::new() } else { format!(" {:?}", e.kind) };
    let head = format!("traded !{} {} @ {}{how}", e.trade, e.quantity, e.price);
    let hidden = if e.maker_visibility == Visibility::Hidden { " hidden" } else { "" };
    let maker = format!("maker {}.{} #{}{hidden}", e.maker_login, e.maker_user_ref, e.maker_order);
    let taker = format!("taker {}.{} #{}", e.taker_login, e.taker_user_ref, e.taker_order);
    let maker = format!("{maker} fee {} reserved {}", e.maker_fee, e.maker_reserved);
    format!("{head}, {maker}, {taker} fee {} reserved {}", e.taker_fee, e.taker_reserved)
}

fn auction(name: &str, a: &Auction) -> String {
    let head = format!("{name} {} {:?}", a.instrument, a.kind);
    let Some(price) = a.price else { return format!("{head} nothing crosses") };
    let side = side_name(a.imbalance_side);
    format!("{head} {} @ {price}, {} more to {side}", a.volume, a.imbalance)
}

fn restated(e: &Restated) -> String {
    let head = format!("restated {}.{} #{} @ {}", e.login, e.user_ref, e.order, e.price.unwrap_or_default());
    format!("{head} shows {} of {} reserved {} {:?}", e.displayed, e.open, e.reserved, e.reason)
}

fn waits_for(trigger: Trigger) -> String {
    format!(" for {:?} {:?} {}", trigger.kind, trigger.reference, trigger.price)
}

/// One event on one line.
fn shard_transfer(it: &ShardTransfer) -> String {
    format!("{}>{} {} of {}: {} {}", it.from, it.to, it.number, it.account, it.asset, it.amount)
}

pub fn shown(event: &Event) -> String {
    match event {
        Event::Contract(event) => contracts::shown(event),
        Event::Admin(AdminEvent::AssetAdded { asset, code, scale }) => {
            format!("asset {asset} {code} scale {scale}")
        }
        Event::Venue(VenueEvent::AccountOpened { account }) => format!("account {account}"),
        Event::Venue(VenueEvent::LoginOpened { login, account }) => {
            format!("login {login} of account {account}")
        }
        Event::Admin(AdminEvent::InstrumentListed(l)) => {
            format!("listed {} {}, a tick on a lot is {}", l.instrument, l.symbol.text(), l.tick_value)
        }
        Event::Market(MarketEvent::PhaseSet { instrument, phase }) => format!("phase {instrument} {phase:?}"),
        Event::Admin(AdminEvent::Deposited(t)) => {
            format!("deposited {} {} {} #{}", t.account, t.asset, t.amount, t.reference)
        }
        Event::Admin(AdminEvent::Withdrawn(t)) => {
            format!("withdrawn {} {} {} #{}", t.account, t.asset, t.amount, t.reference)
        }
        Event::Order(OrderEvent::TransferSent(sent)) => {
            let who = sent.login.map_or("operator".to_owned(), |login| format!("{login}.{}", sent.user_ref));
            let (transfer, wallet) = (shard_transfer(&sent.transfer), sent.wallet);
            format!("transfer-sent {who} {transfer} #{} left {wallet}", sent.reference)
        }
        Event::Order(OrderEvent::WalletState(e)) => match e.wallet {
            None => format!("wallet {} next {} shard {} none", e.login, e.next_user_ref, e.shard),
            Some(Wallet { balance: AssetBalance { asset, available, reserved }, withdrawable }) => format!(
                "wallet {} next {} shard {} {asset} {available}+{reserved} withdrawable {withdrawable}",
                e.login, e.next_user_ref, e.shard
            ),
        },
        Event::Order(OrderEvent::IndexAnswered(e)) => {
            format!(
                "index-answered {}.{} index {} at {} {:?}",
                e.login, e.user_ref, e.index, e.price, e.outcome
            )
        }
        Event::Admin(AdminEvent::TransferReceived(received)) => {
            format!("transfer-received {} wallet {}", shard_transfer(&received.transfer), received.wallet)
        }
        Event::Admin(AdminEvent::TransferDone(transfer)) => {
            format!("transfer-done {}", shard_transfer(transfer))
        }
        Event::Venue(VenueEvent::Opened { config_digest }) => format!("opened {config_digest}"),
        Event::Venue(VenueEvent::Checkpointed(c)) => format!("checkpoint of {} {:02x}", c.of, c.digest[0]),
        Event::Venue(VenueEvent::RulesSet { edition }) => format!("rules {edition}"),
        Event::Venue(VenueEvent::Led { epoch, node }) => format!("led {epoch} by {node}"),
        Event::Order(OrderEvent::AccountState { login, next_user_ref, cancel_at, balance }) => {
            let balance = balance.map_or_else(String::new, |balance| {
                format!(" {} available {} reserved {}", balance.asset, balance.available, balance.reserved)
            });
            format!("account-state {login} next {next_user_ref} cancel-at {}{balance}", cancel_at.0)
        }
        Event::Order(OrderEvent::PositionState(e)) => format!(
            "position-state {} {} {:?} {}x lots {} cost {} pot {} mark {} profit {} equity {} maintenance {} \
             liquidation {}",
            e.login,
            e.instrument,
            e.leg,
            e.leverage,
            e.lots,
            e.cost,
            e.pot,
            e.mark,
            e.profit,
            e.equity,
            e.maintenance,
            e.liquidation
        ),
        Event::Order(OrderEvent::OrderEntrySet(set)) => {
            format!("order-entry {}.{} {:?}", set.login, set.user_ref, set.switch)
        }
        Event::Order(OrderEvent::OrderNamed(named)) => {
            format!("named {}.{} {}", named.login, named.user_ref, named.name)
        }
        Event::Venue(VenueEvent::SessionEnded { login }) => format!("session-ended {login}"),
        Event::Venue(VenueEvent::SessionStarted { login, session }) => {
            format!("session-started {login} {session}")
        }
        Event::Venue(VenueEvent::SessionRolled { session }) => format!("session {session}"),
        Event::Order(OrderEvent::PriorityUpdated(e)) => {
            let (side, price) = (side_name(e.side), price_shown(e.price));
            let head =
                format!("priority-updated {}.{} #{} in {}", e.login, e.user_ref, e.order, e.instrument);
            let PriorityUpdated { visibility, display_quantity, .. } = *e;
            let details = details(&OrderTerms { visibility, display_quantity, ..OrderTerms::default() });
            format!("{head} {side} {} {price}{details}", e.quantity)
        }
        Event::Venue(VenueEvent::ShardOpened { shard, name }) => format!("shard-opened {shard} {name}"),
        Event::Venue(VenueEvent::AccountCopied { login, account }) => {
            format!("copies of account {account} to {login}")
        }
        Event::Admin(AdminEvent::Refused { reason }) => format!("refused {}", reason.name()),
        Event::Order(OrderEvent::Accepted(e)) => accepted(e),
        Event::Order(OrderEvent::Rejected(e)) => {
            format!("rejected {}.{} {}", e.login, e.user_ref, e.reason.name())
        }
        Event::Order(OrderEvent::Replaced(e)) => replaced(e),
        Event::Order(OrderEvent::Canceled(e)) => {
            let head = format!("canceled {}.{} #{} by {}", e.login, e.user_ref, e.order, e.decrement);
            format!("{head} open {} reserved {} {}", e.open, e.reserved, cancel_reason(e.reason))
        }
        Event::Order(OrderEvent::Executed(e)) => executed(e),
        Event::Venue(VenueEvent::LimitsSet { limits }) => limits_set(limits),
        Event::Order(OrderEvent::Ignored(e)) if e.reason == IgnoreReason::OtherSession => {
            format!("ignored {}.{} {:?} {}", e.login, e.user_ref, e.reason, e.session)
        }
        Event::Order(OrderEvent::Ignored(e)) => format!("ignored {}.{} {:?}", e.login, e.user_ref, e.reason),
        Event::Order(OrderEvent::ChangeRejected(e)) => {
            format!("change-rejected {}.{} #{} {}", e.login, e.user_ref, e.order, e.reason.name())
        }
        Event::Order(OrderEvent::Amended(e)) => {
            let head = format!("amended {}.{} #{} {}", e.login, e.user_ref, e.order, side_name(e.side));
            format!("{head} by {} open {} reserved {}", e.decrement, e.open, e.reserved)
        }
        Event::Order(OrderEvent::Armed(e)) => {
            let trigger = e.trigger.map(waits_for).unwrap_or_default();
            let oco = e.oco.map(|other| format!(" with #{other}")).unwrap_or_default();
            format!("armed {}.{} #{}{trigger}{oco}", e.login, e.user_ref, e.order)
        }
        Event::Order(OrderEvent::Triggered(e)) => {
            let head = format!("triggered {}.{} #{}", e.login, e.user_ref, e.order);
            format!("{head} in {} at {}", e.instrument, e.reference)
        }
        Event::Order(OrderEvent::Restated(e)) => restated(e),
        Event::Order(OrderEvent::MassCanceled { login, user_ref, canceled, instrument, side }) => {
            let who = login.map_or("operator".to_owned(), |login| format!("{login}.{user_ref}"));
            let of = instrument.map_or("all".to_owned(), |instrument| format!("i{instrument}"));
            let side = side.map_or("both sides", side_name);
            format!("mass-canceled {who} {canceled} orders of {of} {side}")
        }
        Event::Market(MarketEvent::Indicative(a)) => auction("indicative", a),
        Event::Market(MarketEvent::Uncrossed(a)) => auction("uncrossed", a),
        Event::Admin(AdminEvent::MarkSet { instrument, price }) => format!("mark {instrument} {price}"),
        Event::Admin(AdminEvent::TermsSet(l)) => {
            let head = format!("terms {} tick {} lot {}", l.instrument, l.tick_units, l.lot);
            let (min, max) = (l.min_quantity, l.max_quantity);
            format!(
                "{head}, {min} to {max} lots, from {}, a tick on a lot is {}",
                l.min_notional, l.tick_value
            )
        }
        Event::Admin(AdminEvent::FeesSet(f)) => {
            format!("fees {} tier {} maker {} taker {}", f.instrument, f.tier, f.maker, f.taker)
        }
        Event::Admin(AdminEvent::ProtectionSet { instrument, .. }) => format!("protection {instrument}"),
        Event::Admin(AdminEvent::OrderLimitsSet { scope, .. }) => match scope {
            LimitScope::Account(account) => format!("order-limits of account {account}"),
            LimitScope::Instrument(instrument) => format!("order-limits of instrument {instrument}"),
            LimitScope::Login(login) => format!("order-limits of login {login}"),
        },
        Event::Admin(AdminEvent::AssetSet(s)) => {
            let head = format!("asset-set {} scale {}", s.asset, s.scale);
            let (least_in, least_out) = (s.min_deposit, s.min_withdrawal);
            format!(
                "{head} deposits {:?} from {least_in} withdrawals {:?} from {least_out}",
                s.deposits, s.withdrawals
            )
        }
        Event::Admin(AdminEvent::SelfTradeSet(s)) => {
            let (mode, owner) = (s.prevention.mode, s.prevention.owner);
            format!("self-trade {} {mode:?} {owner:?} in {}", s.account, s.group)
        }
        Event::Admin(AdminEvent::TierSet { account, tier }) => format!("tier of {account} is {tier}"),
        Event::Admin(AdminEvent::VolumeTiersSet(t)) => format!("volume-tiers in {}", t.asset),
        Event::Admin(AdminEvent::Killed { scope, switch }) => match scope {
            KillScope::Venue => format!("killed venue {switch:?}"),
            KillScope::Account(account) => format!("killed account {account} {switch:?}"),
        },
    }
}

/// The first words of all kinds of events.
pub const EVENT_KINDS: [&str; 56] = [
    "accepted",
    "account",
    "account-state",
    "amended",
    "armed",
    "asset",
    "asset-set",
    "canceled",
    "checkpoint",
    "change-rejected",
    "contract",
    "copies",
    "deposited",
    "fees",
    "fund",
    "ignored",
    "index",
    "index-answered",
    "index-held",
    "index-price",
    "index-terms",
    "indicative",
    "killed",
    "limits",
    "listed",
    "login",
    "led",
    "margin-tier",
    "margin-tiers",
    "mark",
    "mass-canceled",
    "named",
    "opened",
    "order-entry",
    "order-limits",
    "phase",
    "priority-updated",
    "protection",
    "refused",
    "rejected",
    "replaced",
    "restated",
    "risk",
    "rules",
    "self-trade",
    "session",
    "session-ended",
    "session-started",
    "terms",
    "tier",
    "traded",
    "triggered",
    "uncrossed",
    "volume-tiers",
    "wallet",
    "withdrawn",
];

pub const CANCEL_KINDS: [&str; 20] = [
    "AmountSpent",
    "DeadMansSwitch",
    "Delisted",
    "Disconnected",
    "Expired",
    "FundsExhausted",
    "ImmediateOrCancel",
    "InvalidReplace",
    "Killed",
    "LinkedOrder",
    "MarketCollar",
    "MassCancel",
    "MinimumQuantity",
    "Operator",
    "PriceBand",
    "SelfTradePrevented",
    "TermsChanged",
    "TriggerRefused",
    "UserRequested",
    "WorkLimit",
];

/// What the events have shown.
#[derive(Debug, Default)]
pub struct Seen {
    pub rejects: HashSet<RejectReason>,
    /// Those of them that were given to an order, or to a change of one.
    pub order_rejects: HashSet<RejectReason>,
    pub ignores: HashSet<IgnoreReason>,
    /// By the names that [`cancel_reason`] gives, without the reason of a reason.
    pub cancels: BTreeSet<String>,
    /// The first words of the events.
    pub events: BTreeSet<String>,
    /// How often there was something of a certain kind about trades and restatements.
    pub counts: BTreeMap<String, usize>,
}

impl Seen {
    fn note_order(&mut self, reason: RejectReason) {
        self.rejects.insert(reason);
        self.order_rejects.insert(reason);
    }

    /// Notes an event of a command of an owner, which is no order.
    pub fn note_setting(&mut self, event: &Event) {
        if let Event::Order(OrderEvent::Rejected(e)) = event {
            self.rejects.insert(e.reason);
        } else {
            self.note(event);
        }
    }

    #[deny(clippy::wildcard_enum_match_arm)]
    pub fn note(&mut self, event: &Event) {
        let first_word = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
        self.events.insert(first_word(&shown(event)));
        match event {
            Event::Order(OrderEvent::Rejected(e)) => self.note_order(e.reason),
            Event::Order(OrderEvent::ChangeRejected(e)) => self.note_order(e.reason),
            Event::Admin(AdminEvent::Refused { reason }) => drop(self.rejects.insert(*reason)),
            Event::Order(OrderEvent::Ignored(e)) => drop(self.ignores.insert(e.reason)),
            Event::Order(OrderEvent::Canceled(e)) => {
                self.cancels.insert(first_word(&cancel_reason(e.reason)));
                if let CancelReason::InvalidReplace(why) | CancelReason::TriggerRefused(why) = e.reason {
                    self.note_order(why);
                }
            }
            Event::Order(OrderEvent::Executed(e)) => {
                self.count(&format!("{:?}", e.kind));
                if e.maker_visibility == Visibility::Hidden {
                    self.count("hidden");
                }
                if e.maker_fee.0.min(e.taker_fee.0) < 0 {
                    self.count("rebate");
                }
            }
            Event::Order(OrderEvent::Restated(e)) => self.count(&format!("{:?}", e.reason)),
            Event::Admin(
                AdminEvent::AssetAdded { .. }
                | AdminEvent::InstrumentListed(_)
                | AdminEvent::Deposited(_)
                | AdminEvent::Withdrawn(_)
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
                OrderEvent::Accepted(_)
                | OrderEvent::Replaced(_)
                | OrderEvent::Amended(_)
                | OrderEvent::Armed(_)
                | OrderEvent::Triggered(_)
                | OrderEvent::MassCanceled { .. }
                | OrderEvent::AccountState { .. }
                | OrderEvent::PositionState(_)
                | OrderEvent::OrderEntrySet(_)
                | OrderEvent::OrderNamed(_)
                | OrderEvent::PriorityUpdated(_)
                | OrderEvent::TransferSent(_)
                | OrderEvent::IndexAnswered(_)
                | OrderEvent::WalletState(_),
            ) => {}
        }
    }

    pub fn count(&mut self, what: &str) {
        *self.counts.entry(what.to_owned()).or_default() += 1;
    }

    /// What others have seen.
    pub fn add(&mut self, other: Self) {
        self.rejects.extend(other.rejects);
        self.order_rejects.extend(other.order_rejects);
        self.ignores.extend(other.ignores);
        self.cancels.extend(other.cancels);
        self.events.extend(other.events);
        for (what, count) in other.counts {
            *self.counts.entry(what).or_default() += count;
        }
    }
}
