//! What an account has in one contract.

use super::quoted::{At, Ordinal, Quoted};
use super::sums::Sums;
use crate::domain::contracts::{Exposure, Leg, Leverage};
use crate::domain::{Amount, FundingNumber, MarginMode, Side};

/// A position with the orders that may open or increase it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::exchange) struct Position {
    pub(in crate::exchange) leg: Leg,
    /// Its own money, minor units; 0 in cross mode.
    pub(in crate::exchange) pot: i64,
    /// The last funding that it was charged for, if it had lots then.
    pub(in crate::exchange) charged: FundingNumber,
    /// Open lots of buys; in hedge mode only of a long position.
    pub(in crate::exchange) bids: u64,
    /// Open lots of sells; in hedge mode only of a short position.
    pub(in crate::exchange) asks: u64,
}

impl Position {
    /// Without lots, money or orders.
    const FLAT: Self =
        Self { leg: Leg { lots: 0, cost: 0 }, pot: 0, charged: FundingNumber(0), bids: 0, asks: 0 };

    pub(in crate::exchange) fn exposure(&self) -> Exposure {
        Exposure { lots: self.leg.lots, bids: self.bids, asks: self.asks }
    }

    /// Whether there are neither lots nor orders.
    pub(super) fn is_empty(&self) -> bool {
        (self.leg.lots, self.bids, self.asks) == (0, 0, 0)
    }

    /// Lots that an order of this side can close.
    pub(in crate::exchange) fn closable(&self, side: Side) -> u64 {
        let is_against = (self.leg.lots > 0) == (side == Side::Sell);
        if is_against { self.leg.lots.unsigned_abs() } else { 0 }
    }
}

/// All that an account has in one contract.
#[derive(Clone, Copy, Debug)]
pub(in crate::exchange) struct Holding {
    pub(super) at: At,
    /// The next holding of the account in the same asset.
    pub(super) next: u32,
    /// Where the sums of its account in its asset are.
    pub(super) margin: u32,
    pub(in crate::exchange) mode: MarginMode,
    /// `None`: never chosen.
    pub(in crate::exchange) leverage: Option<Leverage>,
    /// One-way mode: the first one. Hedge mode: long, short.
    pub(in crate::exchange) positions: [Position; 2],
    /// What it adds to the sums of its account, as of the last time that they were computed.
    pub(super) sums: Sums,
    /// What each position has in `sums.required`.
    pub(super) required: [i64; 2],
}

impl Holding {
    pub(super) const fn new(at: At, next: u32, margin: u32) -> Self {
        Self {
            at,
            next,
            margin,
            mode: MarginMode::Cross,
            leverage: None,
            positions: [Position::FLAT; 2],
            sums: Sums { profit: 0, required: 0, behind_lots: 0 },
            required: [0; 2],
        }
    }

    /// Whose it is, in which contract.
    pub(in crate::exchange) fn at(&self) -> At {
        self.at
    }

    /// Whose contract it is.
    pub(in crate::exchange) fn contract(&self) -> Ordinal {
        self.at.contract
    }

    /// Whether it differs from what an account has that never had anything here, its orders aside.
    pub(in crate::exchange) fn is_state(&self) -> bool {
        let has = |position: &Position| (position.leg, position.pot) != (Leg::default(), 0);
        self.positions.iter().any(has) || self.mode != MarginMode::Cross || self.leverage.is_some()
    }

    /// Whether there is a position.
    pub(in crate::exchange) fn has_lots(&self) -> bool {
        self.positions.iter().any(|position| position.leg.lots != 0)
    }

    /// Whether this much money of its own would suffice for one of its positions, whose profit does not count.
    pub(super) fn suffices(&self, quoted: &Quoted, which: usize, pot: i128) -> bool {
        let position = &self.positions[which];
        let loss = i128::from(profit(quoted, position).min(0));
        pot + loss >= i128::from(self.initial(quoted, position.leg.lots.unsigned_abs()).0)
    }

    /// How many of its positions have lots, or orders that may open them.
    pub(super) fn used(&self) -> u32 {
        self.positions.iter().map(|position| u32::from(!position.is_empty())).sum()
    }

    pub(in crate::exchange) fn leverage(&self, quoted: &Quoted) -> Leverage {
        self.leverage.unwrap_or(quoted.usual)
    }

    /// Computes what it adds to the sums of its account.
    pub(super) fn value(&mut self, quoted: &Quoted) {
        let parts = self.parts_at(quoted);
        self.required = parts.map(|part| i64::try_from(part.required).expect("margins are below 2^63"));
        self.sums = Sums::of(&parts);
    }

    /// What a position requires with these lots of orders: its initial margin, in isolated mode what its lots do not cover.
    #[inline]
    pub(super) fn required_at(&self, quoted: &Quoted, which: usize, exposure: Exposure) -> i64 {
        let exposed = self.initial(quoted, exposure.lots_at_risk()).0;
        match self.mode {
            MarginMode::Cross => exposed,
            MarginMode::Isolated => {
                let held = self.initial(quoted, self.positions[which].leg.lots.unsigned_abs()).0;
                (exposed - held).max(0)
            }
        }
    }

    /// What each position adds to the sums of its account at this mark.
    pub(super) fn parts_at(&self, quoted: &Quoted) -> [Sums; 2] {
        [0, 1].map(|which| {
            let position = &self.positions[which];
            if position.is_empty() {
                return Sums::default();
            }
            let required = self.required_at(quoted, which, position.exposure()).into();
            match self.mode {
                MarginMode::Cross => Sums {
                    profit: profit(quoted, position).into(),
                    required,
                    behind_lots: self.initial(quoted, position.leg.lots.unsigned_abs()).0.into(),
                },
                MarginMode::Isolated => Sums { required, ..Sums::default() },
            }
        })
    }

    /// The initial margin of lots of the contract.
    #[inline]
    pub(super) fn initial(&self, quoted: &Quoted, lots: u64) -> Amount {
        if lots == 0 {
            return Amount(0);
        }
        let notional = quoted.value.notional(lots, quoted.mark).expect("lots have limits");
        quoted.tiers.initial(notional, self.leverage(quoted))
    }
}

/// The profit of a position at the mark, minor units, rounded down.
pub(super) fn profit(quoted: &Quoted, position: &Position) -> i64 {
    if position.leg.lots == 0 {
        return 0;
    }
    position.leg.profit(&quoted.value, quoted.mark).expect("lots have limits").0
}
