//! What a command may leave for later parts: values, which say what is done and how far it is.

use super::auction::price::Meeting;
use super::book::Handle;
use crate::domain::{
    AccountId, CancelFilter, CancelReason, Command, InstrumentId, KillScope, LoginId, MassCancel, Phase,
    Price, Side, Stamp, Switch, TradeKind,
};

/// A piece of work that may take several parts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Task {
    /// Good-till-time orders whose time has come are cancelled.
    Expire,
    /// Dead-man's switches that are due go off.
    Switches,
    /// Volatility interruptions that are over end.
    EndInterruptions,
    /// Accounts are put on the rows of the fee tables that their volumes reach.
    FindTiers(AccountId),
    /// When something is due next is worked out.
    NextDue,
    /// What the command itself asks for.
    Perform(Stamp, Command),
    /// Orders whose triggers have come are released.
    Release,
    /// What the auctions of the instruments from this one on would give is published.
    Indicate(InstrumentId),
    /// The price of an auction is looked for, and told or traded at.
    FindPrice(PriceSearch),
    /// Orders trade at the price of an auction.
    TradeAt(Round),
    /// An instrument's phase begins.
    BeginPhase(InstrumentId, Phase),
    /// Cancels are made that the instrument's halt held up, of this login and those after it.
    CancelDue(InstrumentId, LoginId),
    /// Many orders are cancelled.
    Sweep(Sweep),
    /// The session ends and the next begins.
    Roll(Roll),
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

    /// Puts a task before all others.
    pub(super) fn push(&mut self, task: Task) {
        self.tasks.push(task);
    }

    /// Puts a task behind all others.
    pub(super) fn push_last(&mut self, task: Task) {
        self.tasks.insert(0, task);
    }
}

/// A search for the price of an auction.
#[derive(Clone, Copy, Debug)]
pub(super) struct PriceSearch {
    pub(super) instrument: InstrumentId,
    pub(super) purpose: Purpose,
    /// Which round of the auction it is for, from 1.
    pub(super) round: u8,
    /// `None`: it has not begun.
    pub(super) meeting: Option<Meeting>,
}

impl PriceSearch {
    pub(super) fn new(instrument: InstrumentId, purpose: Purpose, round: u8) -> Self {
        Self { instrument, purpose, round, meeting: None }
    }
}

/// What the price is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To tell it.
    Indicate,
    /// To trade at it, and to tell also if nothing crosses.
    End,
    /// To trade at it if anything crosses.
    Uncross,
}

/// Trades at the price of an auction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    pub(super) instrument: InstrumentId,
    pub(super) price: Price,
    pub(super) kind: TradeKind,
    pub(super) number: u8,
    /// The price of its last trade.
    pub(super) traded_at: Option<Price>,
}

/// A cancel of many orders on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sweep {
    pub(super) walk: Walk,
    pub(super) filter: CancelFilter,
    pub(super) reason: CancelReason,
    /// The next order that it looks at.
    pub(super) next: Option<Handle>,
    /// Orders that are gone by it so far, linked ones that went with them included.
    pub(super) canceled: u32,
    pub(super) answer: Answer,
}

/// What is told when all are gone.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    Nothing,
    MassCancel(MassCancel),
    Killed(KillScope, Switch),
}

/// Which orders a cancel of many looks at, in an order that is part of the rules (docs/RULES.md, "Replace, amend, cancel").
#[derive(Clone, Copy, Debug)]
pub(super) enum Walk {
    /// Those of a login by their numbers.
    Login(LoginId),
    /// Those of an account by their logins, then by their numbers.
    Account(AccountId),
    /// Those of an instrument, of a side or of both: buys in trading order, sells in trading order, then those that wait by
    /// their numbers.
    Instrument(InstrumentId, Option<Side>),
    /// All by their logins, then by their numbers.
    Venue,
}

/// The roll of a session on its way.
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
    /// Those of the new one start.
    Start,
}
