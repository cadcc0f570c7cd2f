//! What runs have exercised, so that a set of seeds that exercises nothing is seen.

use super::happened::{Happened, OfContracts};
use std::collections::BTreeMap;
use std::fmt;

macro_rules! coverage {
    ($($name:ident: $text:literal,)*) => {
        /// Counts, over one run or many.
        #[derive(Clone, Debug, Default)]
        pub struct Coverage {
            $(pub $name: u64,)*
            /// By reason.
            pub rejects: BTreeMap<&'static str, u64>,
            pub ignored: BTreeMap<&'static str, u64>,
        }

        impl Coverage {
            fn rows(&self) -> Vec<(&'static str, u64)> {
                vec![$(($text, self.$name),)*]
            }

            /// Adds another run.
            pub fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)*
                add_all(&mut self.rejects, &other.rejects);
                add_all(&mut self.ignored, &other.ignored);
            }
        }
    };
}

coverage! {
    runs: "runs",
    contract_runs: "runs with contracts",
    long_runs: "runs over the life of a contract",
    steps: "duty cycles",
    commands: "commands",
    events: "events",
    trades: "trades",
    auctions: "auctions uncrossed",
    interruptions: "volatility interruptions",
    expired: "orders expired",
    messages: "messages from clients",
    answers: "messages to clients",
    answers_again: "messages to clients, sent again",
    copies: "copies for drop copies",
    copies_received: "copies received by those who only listen",
    subscriptions: "subscriptions of market data",
    subscriptions_older: "subscriptions from an older message",
    subscribers_gone: "subscribers that went without a word",
    market_messages: "messages that subscribers got for the first time",
    market_told: "messages to subscribers",
    market_again: "messages to subscribers, sent again",
    snapshots_taken: "snapshots of the books taken",
    snapshots_broken_off: "snapshots of the books broken off",
    market_checkpoints: "checkpoints of market data",
    transfers: "transfers between shards",
    arrivals: "transfers that arrived",
    crashes_in_flight: "ends of the process with a transfer on its way",
    contract_trades: "trades of contracts",
    fundings: "payments of fundings",
    fundings_closed: "fundings closed",
    settlements: "settlements of positions",
    sampled: "settlements at the price of samples",
    pending: "expiries without enough samples",
    isolated: "changes of positions with money of their own",
    prices_taken: "prices of indexes taken",
    prices_held: "prices of indexes held",
    prices_answered: "prices of indexes answered",
    states: "positions asked for",
    leverages: "leverages set",
    modes: "margin modes set",
    margins: "margin moved",
    by_mark: "orders triggered by a mark",
    by_index: "orders triggered by an index",
    resized: "orders lowered to what they can reduce",
    poor: "orders ended for want of margin",
    fund_paid: "payments of insurance funds",
    deficits: "payments of more than a fund had",
    triggered: "orders triggered",
    local: "commands of operators",
    ticks: "ticks",
    rolls: "rolls of the session",
    user_ref_resets: "resets of a login's numbers",
    ends_of_session: "ends of a session told",
    late_logins: "logins to a session that has ended",
    connections: "connections",
    logins: "logins",
    wrong_logins: "wrong logins",
    resumed_older: "resumed from an older message",
    garbage: "garbage sent",
    resets: "connections reset",
    broken_off: "connections broken off in a message",
    logouts: "logouts",
    took_over: "connections taken over",
    deaf: "clients that stopped reading",
    closed_by_server: "connections closed by the server",
    slow: "clients cut for being slow",
    heartbeats: "heartbeats",
    accept_errors: "failed accepts",
    inbound_full: "inbound ring full",
    command_ring_full: "command ring full",
    event_ring_full: "event ring full",
    resend_chunks: "resends from the event log",
    inline_syncs: "syncs by the hot thread",
    handed_over: "syncs left to the disk thread",
    rollovers: "journal segments filled",
    event_rollovers: "event log segments filled",
    kills: "processes killed",
    power_losses: "losses of power",
    clean_stops: "clean stops",
    failed_syncs: "failed syncs",
    failed_writes: "failed writes to the journal",
    torn_tails: "torn tails cut",
    events_cut: "event logs cut back to the journal",
    events_logged: "event logs brought up from the journal",
    lost_unacknowledged: "commands lost, unacknowledged",
    lost_async: "commands lost in async mode",
    losses_noticed: "losses noticed by a client",
    checkpoints: "checkpoints",
    snapshots: "snapshots",
    snapshot_failures: "snapshots that failed",
    snapshot_starts: "starts from a snapshot",
    whole_starts: "starts from the first command",
    snapshots_skipped: "damaged snapshots passed over",
    no_snapshot: "starts refused for want of a snapshot",
    retired: "segments retired",
    given_up: "clients whose messages were gone",
    clock_steps: "steps of the wall clock",
    clock_refusals: "starts refused for the wall clock",
    stamps: "stamps held against the clocks",
    passing_files: "calls for files that failed and passed",
    passing_sockets: "calls for sockets that failed and passed",
    disk_full: "journal disk full",
    event_disk_full: "event log disk full",
    bit_rot: "damaged journals refused",
    sql_checks: "databases held against the log",
    restarts_compared: "restarts with the right digest",
}

/// What a set of runs must have met, of the reasons that clients can be refused for.
const REJECTS: &[&str] = &[
    "InvalidSide",
    "ShortSaleNotAllowed",
    "TimeInForceNotSupported",
    "CrossTypeNotSupported",
    "DisplayNotSupported",
    "IsoNotAllowed",
    "InvalidCapacity",
    "TagNotSupported",
    "MalformedTag",
    "UnknownSymbol",
    "JournalSpaceLow",
    "VenueKilled",
    "AccountKilled",
    "InstrumentClosed",
    "InstrumentHalted",
    "CancelOnly",
    "NotInAuction",
    "OrderRateExceeded",
    "InvalidInstructions",
    "InvalidExpireTime",
    "InvalidPrice",
    "PriceOffTick",
    "PriceOutOfLimits",
    "InvalidQuantity",
    "QuantityBelowMinimum",
    "QuantityAboveMaximum",
    "InvalidMinQuantity",
    "InvalidDisplayQuantity",
    "NotionalBelowMinimum",
    "PositionAboveLimit",
    "OpenOrdersAboveLimit",
    "PostOnlyWouldTrade",
    "InsufficientFunds",
    "TooManyOrders",
    "TooManyTriggers",
    "AlreadyCopied",
    "IdNotNext",
    "DuplicateName",
    "UnknownShard",
    "DuplicateReference",
    "ShardBusy",
    "InstrumentDelisted",
    "ContractIncomplete",
    "ContractExpired",
    "IndexStale",
    "InsufficientMargin",
    "PriceOutsideLimits",
    "OpenInterestLimit",
    "NotReducing",
    "LeverageAboveTier",
    "PositionsOpen",
    "OrdersOpen",
    "NoPosition",
    "StaleIndex",
    "UnknownIndex",
    "IndexNotAllowed",
    "OneShardOnly",
    "FundBelowZero",
    "OutOfRange",
];
const IGNORED: &[&str] = &["Retransmission", "OrderNotLive", "NothingToCancel", "OtherSession"];

fn add_all(to: &mut BTreeMap<&'static str, u64>, from: &BTreeMap<&'static str, u64>) {
    for (name, count) in from {
        *to.entry(name).or_default() += count;
    }
}

impl Coverage {
    /// Adds what the commands of a run came to.
    pub fn take(&mut self, happened: &Happened) {
        self.commands += happened.commands;
        self.events += happened.events;
        self.trades += happened.trades;
        self.auctions += happened.auctions;
        self.interruptions += happened.interruptions;
        self.copies += happened.copies;
        self.transfers += happened.transfers;
        self.arrivals += happened.arrivals;
        self.triggered += happened.triggered;
        self.expired += happened.expired;
        self.ticks += happened.ticks;
        self.rolls += happened.rolls;
        self.user_ref_resets += happened.user_ref_resets;
        self.take_contracts(&happened.of_contracts);
        add_all(&mut self.rejects, &happened.rejects);
        add_all(&mut self.ignored, &happened.ignored);
    }

    fn take_contracts(&mut self, happened: &OfContracts) {
        self.contract_trades += happened.trades;
        self.fundings += happened.fundings;
        self.fundings_closed += happened.fundings_closed;
        self.settlements += happened.settlements;
        self.sampled += happened.sampled;
        self.pending += happened.pending;
        self.isolated += happened.isolated;
        self.prices_taken += happened.prices_taken;
        self.prices_held += happened.prices_held;
        self.prices_answered += happened.prices_answered;
        self.states += happened.states;
        self.leverages += happened.leverages;
        self.modes += happened.modes;
        self.margins += happened.margins;
        self.by_mark += happened.by_mark;
        self.by_index += happened.by_index;
        self.resized += happened.resized;
        self.poor += happened.poor;
        self.fund_paid += happened.fund_paid;
        self.deficits += happened.deficits;
    }

    /// What never happened and should have.
    pub fn missing(&self) -> Vec<String> {
        let absent = |counts: &BTreeMap<&'static str, u64>, names: &[&'static str]| {
            let never = names.iter().filter(|name| counts.get(*name).is_none_or(|count| *count == 0));
            never.map(|name| (*name).to_owned()).collect::<Vec<_>>()
        };
        let rows = self.rows().into_iter().filter(|(_, count)| *count == 0).map(|(name, _)| name.to_owned());
        rows.chain(absent(&self.rejects, REJECTS)).chain(absent(&self.ignored, IGNORED)).collect()
    }
}

/// A number with its thousands apart.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons = |counts: &BTreeMap<&'static str, u64>, what: &str| {
            counts.iter().map(|(name, count)| (format!("{what} {name}"), *count)).collect::<Vec<_>>()
        };
        let mut rows: Vec<(String, u64)> =
            self.rows().into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
        rows.extend(reasons(&self.rejects, "rejected:"));
        rows.extend(reasons(&self.ignored, "ignored:"));
        // Two columns, read downwards.
        let half = rows.len().div_ceil(2);
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        for at in 0..half {
            let cell = |row: Option<&(String, u64)>| {
                row.map_or(String::new(), |(name, count)| format!("{name:<width$} {:>12}", grouped(*count)))
            };
            let line = format!("{}   {}", cell(rows.get(at)), cell(rows.get(half + at)));
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
