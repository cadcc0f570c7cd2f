//! The tasks that a command leaves for later parts: values that describe the work and its progress.

use super::auction::price::Meeting;
use super::book::Handle;
use crate::domain::{
    AccountId, AssetId, CancelFilter, CancelReason, Command, InstrumentId, KillScope, LoginId, MassCancel,
    Phase, Price, Side, Stamp, Switch, TradeKind,
};

/// A piece of work that may take several parts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Task {
    /// Cancel good-till-time orders that have expired.
    Expire,
    /// Fire dead-man's switches that are due.
    Switches,
    /// End volatility interruptions that are over.
    EndInterruptions,
    /// Set the fee tiers of accounts by their volumes.
    FindTiers(AccountId),
    /// Compute when the next timed action is due.
    NextDue,
    /// Execute the command itself.
    Perform(Stamp, Command),
    /// Release triggered orders.
    Release,
    /// Publish the indicative results of the auctions of instruments, from this one on.
    Indicate(InstrumentId),
    /// Compute the price of an auction, and publish it or trade at it.
    FindPrice(PriceSearch),
    /// Trade orders at the price of an auction.
    TradeAt(Round),
    /// Begin an instrument's phase.
    BeginPhase(InstrumentId, Phase),
    /// Make the cancels that the instrument's halt delayed, for this login and later ones.
    CancelDue(InstrumentId, LoginId),
    /// Cancel several orders.
    Sweep(Sweep),
    /// End the session and begin the next.
    Roll(Roll),
    /// Cancel the orders of a contract outside its price limits, before its auction ends.
    CancelOutside(InstrumentId),
    /// Take the samples of a tick, and set the marks.
    Sample,
    /// Charge the next positions for their fundings, and set the fundings that are due.
    Fund,
    /// Let contracts expire, one after another.
    ExpireContracts,
    /// Find the price at which a contract that expired is settled.
    FindSettlement(InstrumentId),
    /// Charge the positions of a contract for the last funding.
    ChargeAll(InstrumentId),
    /// Close the positions of a contract at a price.
    Settle(Settling),
}

/// The tasks of the present command, the next one last.
#[derive(Clone, Debug, Default)]
pub(super) struct Agenda {
    pub(super) tasks: Vec<Task>,
}

impl Agenda {
    pub(super) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Adds a task before all others.
    pub(super) fn push(&mut self, task: Task) {
        self.tasks.push(task);
    }

    /// Adds a task after all others.
    pub(super) fn push_last(&mut self, task: Task) {
        self.tasks.insert(0, task);
    }
}

/// A search for the price of an auction.
#[derive(Clone, Copy, Debug)]
pub(super) struct PriceSearch {
    pub(super) instrument: InstrumentId,
    pub(super) purpose: Purpose,
    /// The round of the auction, from 1.
    pub(super) round: u8,
    /// `None`: the search has not begun.
    pub(super) meeting: Option<Meeting>,
}

impl PriceSearch {
    pub(super) fn new(instrument: InstrumentId, purpose: Purpose, round: u8) -> Self {
        Self { instrument, purpose, round, meeting: None }
    }
}

/// The purpose of a price search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To publish it.
    Indicate,
    /// To trade at it, and to publish the result even if nothing crosses.
    End,
    /// To trade at it if anything crosses.
    Uncross,
}

/// The trades at the price of an auction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    pub(super) instrument: InstrumentId,
    pub(super) price: Price,
    pub(super) kind: TradeKind,
    pub(super) number: u8,
    /// The price of its last trade.
    pub(super) traded_at: Option<Price>,
}

/// A settlement in progress.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settling {
    pub(super) instrument: InstrumentId,
    pub(super) price: Price,
    /// The next account.
    pub(super) next: AccountId,
    /// The positions that were closed.
    pub(super) legs: u32,
}

/// A cancel of several orders in progress.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sweep {
    pub(super) walk: Walk,
    pub(super) filter: CancelFilter,
    pub(super) reason: CancelReason,
    /// The next order to examine.
    pub(super) next: Option<Handle>,
    /// Only those whose contracts are settled in this asset.
    pub(super) settled_in: Option<AssetId>,
    /// Orders cancelled so far, including linked ones.
    pub(super) canceled: u32,
    pub(super) answer: Answer,
}

/// The answer after all cancels.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    Nothing,
    MassCancel(MassCancel),
    Killed(KillScope, Switch),
}

/// The orders that a cancel of several examines. Their sequence is part of the rules (docs/RULES.md, "Replace, amend,
/// cancel").
#[derive(Clone, Copy, Debug)]
pub(super) enum Walk {
    /// The orders of a login, by number.
    Login(LoginId),
    /// The orders of an account, by login, then by number.
    Account(AccountId),
    /// The orders of an instrument, of one or both sides: buys in trading order, sells in trading order, then waiting
    /// orders by number.
    Instrument(InstrumentId, Option<Side>),
    /// All orders, by login, then by number.
    Venue,
}

/// A session roll in progress.
#[derive(Clone, Copy, Debug)]
pub(super) struct Roll {
    pub(super) session: u32,
    pub(super) stage: RollStage,
    pub(super) next: LoginId,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum RollStage {
    /// The streams of the old session end.
    End,
    /// The streams of the new session start.
    Start,
}
