//! What a client is told of the positions of its account.

use crate::domain::{Amount, AssetId, PositionCause, PositionLeg, ShardId, Symbol, TradeId};
use crate::wire::ouch::{FundingCharged, LackCovered, PositionMoved, PositionStated};

/// A position. Amounts are minor units of the contract's settlement asset, prices are price units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PositionReport {
    /// The contract.
    pub symbol: Symbol,
    /// Which position in it.
    pub leg: PositionLeg,
    /// The leverage in force; 0: the contract has no mark or tiers yet.
    pub leverage: u8,
    /// Above 0: long; 0: there is no position.
    pub lots: i64,
    /// What they cost, with its sign.
    pub cost: i64,
    /// The average entry price; 0: there is none.
    pub entry: u64,
    /// Its own money; 0 in cross mode.
    pub pot: i64,
    /// The mark; 0: there is none yet.
    pub mark: u64,
    /// The profit at the mark, not realised.
    pub profit: i64,
    /// The equity of its margin account.
    pub equity: i64,
    /// The maintenance margin of all positions of its margin account.
    pub maintenance: i64,
    /// The liquidation price; 0: there is none.
    pub liquidation: u64,
}

impl PositionReport {
    /// A letter that the protocol does not define is an error: the name of its field, and the letter.
    pub(super) fn read(m: &PositionStated) -> Result<Self, (&'static str, u8)> {
        Ok(Self {
            symbol: m.symbol,
            leg: leg(m.leg)?,
            leverage: m.leverage,
            lots: m.lots,
            cost: m.cost,
            entry: m.entry,
            pot: m.pot,
            mark: m.mark,
            profit: m.profit,
            equity: m.equity,
            maintenance: m.maintenance,
            liquidation: m.liquidation,
        })
    }

    /// The margin ratio of its margin account in parts per million, rounded down: below maintenance above 1,000,000.
    /// `None` if there is no equity.
    pub fn margin_ratio_ppm(&self) -> Option<u64> {
        let equity = u128::try_from(self.equity).ok().filter(|equity| *equity > 0)?;
        let ratio = u128::from(self.maintenance.unsigned_abs()) * 1_000_000 / equity;
        Some(u64::try_from(ratio).unwrap_or(u64::MAX))
    }
}

/// A position after a change. Amounts are minor units of the contract's settlement asset, prices are price units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PositionUpdate {
    /// The contract.
    pub symbol: Symbol,
    /// Which position in it.
    pub leg: PositionLeg,
    /// Why it changed.
    pub cause: PositionCause,
    /// The trade; `None`: there was none.
    pub trade: Option<TradeId>,
    /// Above 0: long; 0: there is no position any more.
    pub lots: i64,
    /// What they cost, with its sign.
    pub cost: i64,
    /// The average entry price; 0: there is none.
    pub entry: u64,
    /// The profit that the change realised; below 0: a loss.
    pub realised: i64,
    /// Its own money; 0 in cross mode.
    pub pot: i64,
    /// The wallet, fee included; what orders hold is in it.
    pub wallet: i64,
}

/// What a position paid or got for a funding. Amounts are minor units of the contract's settlement asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FundingPayment {
    /// The contract.
    pub symbol: Symbol,
    /// Which position in it.
    pub leg: PositionLeg,
    /// The number of the funding, from 1 for each contract.
    pub number: u32,
    /// Above 0: received.
    pub amount: i64,
    /// Its own money; 0 in cross mode.
    pub pot: i64,
    /// The wallet; what orders hold is in it.
    pub wallet: i64,
}

/// What the insurance fund paid for the account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FundPayment {
    /// The contract of the pot; `None`: it was the wallet.
    pub symbol: Option<Symbol>,
    /// The asset, by its place in the venue's configuration, from 0.
    pub asset: AssetId,
    /// The shard of the wallet.
    pub shard: ShardId,
    /// Minor units, above 0.
    pub amount: Amount,
}

impl PositionUpdate {
    /// As [`PositionReport::read`].
    pub(super) fn read(m: &PositionMoved) -> Result<Self, (&'static str, u8)> {
        Ok(Self {
            symbol: m.symbol,
            leg: leg(m.leg)?,
            cause: match m.cause {
                b'T' => PositionCause::Trade,
                b'S' => PositionCause::Settled,
                b'O' => PositionCause::Offset,
                b'C' => PositionCause::CloseOut,
                b'D' => PositionCause::Deleveraged,
                letter => return Err(("Cause", letter)),
            },
            trade: (m.trade != TradeId(0)).then_some(m.trade),
            lots: m.lots,
            cost: m.cost,
            entry: m.entry,
            realised: m.realised,
            pot: m.pot,
            wallet: m.wallet,
        })
    }
}

impl FundingPayment {
    /// As [`PositionReport::read`].
    pub(super) fn read(m: &FundingCharged) -> Result<Self, (&'static str, u8)> {
        let FundingCharged { symbol, number, amount, pot, wallet, .. } = *m;
        Ok(Self { symbol, leg: leg(m.leg)?, number, amount, pot, wallet })
    }
}

impl FundPayment {
    pub(super) fn read(m: &LackCovered) -> Self {
        let symbol = (m.symbol != Symbol::default()).then_some(m.symbol);
        Self { symbol, asset: m.asset, shard: m.shard, amount: m.amount }
    }
}

fn leg(letter: u8) -> Result<PositionLeg, (&'static str, u8)> {
    match letter {
        b'N' => Ok(PositionLeg::Net),
        b'L' => Ok(PositionLeg::Long),
        b'S' => Ok(PositionLeg::Short),
        letter => Err(("Leg", letter)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_ratio_is_rounded_down() {
        let ratio = |maintenance, equity| {
            PositionReport { maintenance, equity, ..PositionReport::default() }.margin_ratio_ppm()
        };
        assert_eq!([ratio(1, 3), ratio(0, 5), ratio(3, 2)], [Some(333_333), Some(0), Some(1_500_000)]);
        assert_eq!([ratio(1, 0), ratio(1, -1)], [None, None]);
        assert_eq!(ratio(i64::MAX, 1), Some(u64::MAX));
    }
}
